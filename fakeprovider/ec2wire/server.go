package ec2wire

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"sync"
	"time"

	"github.com/bootrace/bootrace/fakeprovider/internal/serving"
	"github.com/bootrace/bootrace/internal/httpserver"
)

// Server is a fake EC2 endpoint of one region and account. See the package documentation for what it guarantees.
type Server struct {
	opt Options

	mu sync.Mutex
	world
	snapshots map[string]*world
	faults    faultState
	log       callLog
	requests  uint64
	hooks     hookQueue
}

// New returns a server with no machines. It panics where Options.Faults make no sense; [Faults.Validate] tells before.
func New(o Options) *Server {
	if err := o.Faults.Validate(); err != nil {
		panic(err)
	}
	o = o.withDefaults()
	return &Server{
		opt: o, world: newWorld(o), snapshots: map[string]*world{}, faults: newFaultState(o.Faults, o.Seed), log: newCallLog(),
		hooks: hookQueue{launched: o.Launched, stopped: o.Stopped},
	}
}

// request is one call on its way. Its methods run under the server's lock.
type request struct {
	*params
	*Server
	action string
	now    time.Time
	dryRun bool
}

// actions is what the server speaks.
var actions = map[string]func(*request) (reply, *apiError){
	"RunInstances":                  (*request).runInstances,
	"DescribeInstances":             (*request).describeInstances,
	"DescribeInstanceStatus":        (*request).describeInstanceStatus,
	"StartInstances":                (*request).startInstances,
	"StopInstances":                 (*request).stopInstances,
	"RebootInstances":               (*request).rebootInstances,
	"TerminateInstances":            (*request).terminateInstances,
	"GetConsoleOutput":              (*request).getConsoleOutput,
	"CreateTags":                    (*request).createTags,
	"DeleteTags":                    (*request).deleteTags,
	"DescribeTags":                  (*request).describeTags,
	"DescribeImages":                (*request).describeImages,
	"DescribeInstanceTypes":         (*request).describeInstanceTypes,
	"DescribeRegions":               (*request).describeRegions,
	"DescribeAvailabilityZones":     (*request).describeAvailabilityZones,
	"DescribeSecurityGroups":        (*request).describeSecurityGroups,
	"CreateSecurityGroup":           (*request).createSecurityGroup,
	"DescribeKeyPairs":              (*request).describeKeyPairs,
	"DeleteSecurityGroup":           (*request).deleteSecurityGroup,
	"AuthorizeSecurityGroupIngress": authorize(false),
	"AuthorizeSecurityGroupEgress":  authorize(true),
	"RevokeSecurityGroupIngress":    revoke(false),
	"RevokeSecurityGroupEgress":     revoke(true),
	"CreateKeyPair":                 (*request).createKeyPair,
	"ImportKeyPair":                 (*request).importKeyPair,
	"DeleteKeyPair":                 (*request).deleteKeyPair,
	"DescribeInstanceAttribute":     (*request).describeInstanceAttribute,
	"ModifyInstanceAttribute":       (*request).modifyInstanceAttribute,
	"DescribeSubnets":               (*request).describeSubnets,
	"DescribeVpcs":                  (*request).describeVpcs,
	"DescribeVolumes":               (*request).describeVolumes,
}

func knows(action string) bool { return actions[action] != nil }

// Serves reports whether the server speaks the action.
func Serves(action string) bool { return knows(action) }

// ServeHTTP answers one call.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	httpserver.Serve(w, r, s.serveHTTP)
}

func (s *Server) serveHTTP(w http.ResponseWriter, r *http.Request) {
	call := Call{}
	p, failure := s.read(w, r, &call)
	out := s.answer(p, failure, &call)
	s.hooks.Drain(&s.mu)
	out.deliver(w, r)
}

// read gets the parameters out of the HTTP request.
func (s *Server) read(w http.ResponseWriter, r *http.Request, call *Call) (*params, *apiError) {
	if r.Method != http.MethodPost || r.URL.Path != "/" && r.URL.Path != "" {
		return nil, bad("InvalidRequest", "This endpoint takes POST requests to /")
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if tooLarge := (*http.MaxBytesError)(nil); errors.As(err, &tooLarge) {
		return nil, &apiError{http.StatusRequestEntityTooLarge, "RequestEntityTooLarge",
			fmt.Sprintf("The request is larger than %d bytes", maxBody)}
	}
	if err != nil {
		return nil, bad("MalformedQueryString", "The request could not be read")
	}
	p, failure := parseParams(string(body))
	if failure != nil {
		return nil, failure
	}
	call.Action, call.ClientToken = shorten(p.text("Action")), shorten(p.text("ClientToken"))
	call.AccessKey, failure = authenticate(r.Header.Get("Authorization"), s.opt.AccessKeys)
	if failure != nil {
		return nil, failure
	}
	switch action := p.text("Action"); {
	case action == "":
		return nil, errMissing("Action")
	case !knows(action):
		return nil, bad("InvalidAction", "The action %s is not valid for this web service.", shorten(action))
	case p.text("Version") != version:
		return nil, bad("NoSuchVersion", "The requested version (%s) of service AmazonEC2 does not exist",
			shorten(p.text("Version")))
	}
	if failure := p.known(); failure != nil {
		return nil, failure
	}
	return p, nil
}

// answer carries the call out, and says what is to be sent.
func (s *Server) answer(p *params, failure *apiError, call *Call) outcome {
	out, result := s.carryOut(p, failure, call)
	if result != nil { // it shares nothing with what the lock guards
		body, err := encode(call.Action, out.requestID, result)
		if err != nil { // replies are made of what can be encoded
			out.status, body = http.StatusInternalServerError, encodeError(out.requestID, bad("InternalError", "%v", err))
		}
		out.body = body
	}
	return out
}

// carryOut does what the call asks for, under the lock. The result is the body before it is text, nil where there is one already.
func (s *Server) carryOut(p *params, failure *apiError, call *Call) (outcome, reply) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.requests++
	out := outcome{requestID: fmt.Sprintf("00000000-0000-4000-8000-%012x", s.requests)}
	call.At, call.RequestID = s.opt.Now(), out.requestID
	var result reply
	if failure == nil {
		req := &request{params: p, Server: s, action: p.text("Action"), now: call.At}
		result, failure = req.serve(call)
	}
	out.status = http.StatusOK
	if failure != nil {
		result, out.status, out.body = nil, failure.status, encodeError(out.requestID, failure)
		call.Code = failure.code
	}
	if call.Status = out.status; call.Fault == Dropped {
		call.Status = 0
	}
	out.fault = call.Fault
	s.log.add(*call)
	return out, result
}

// serve lets faults have their say, and runs the action.
func (r *request) serve(call *Call) (reply, *apiError) {
	r.fleet.pass(r.now)
	r.tokens.pass(r.now, &r.fleet)
	var failure *apiError
	if r.dryRun, failure = r.flag("DryRun"); failure != nil {
		return nil, failure
	}
	if r.faults.throttle(r.action, r.cost(), r.now) {
		call.Fault = Throttled
		return nil, Rule{Kind: Throttled}.reply()
	}
	if rule, ok := r.faults.strike(r.action); ok {
		call.Fault = rule.Kind
		if rule.Kind == NoCapacity && r.action == "RunInstances" {
			r.bindToken()
		}
		if !rule.Kind.lost() {
			return nil, rule.reply() // nil for Dropped, whose outcome is no reply at all
		}
	}
	out, failure := actions[r.action](r)
	if failure == nil && r.dryRun {
		failure = errDryRun()
	}
	if failure != nil {
		return nil, failure
	}
	return out, nil
}

// cost is how many tokens the call takes from its bucket.
func (r *request) cost() float64 {
	if r.action == "RunInstances" {
		if n, err := r.number("MaxCount", 1); err == nil && n > 0 {
			return float64(n)
		}
	}
	return 1
}

// outcome is what is to be sent, and the fault that keeps it from arriving.
type outcome struct {
	requestID string
	status    int
	body      []byte
	fault     Kind
}

func (o outcome) deliver(w http.ResponseWriter, r *http.Request) {
	loss := losses[o.fault]
	if o.fault == Dropped {
		loss = serving.Closed
	}
	serving.Reply{
		Status: o.status, Type: "text/xml;charset=UTF-8", Body: o.body,
		Header: http.Header{"X-Amzn-Requestid": {o.requestID}},
	}.Deliver(w, r, loss)
}
