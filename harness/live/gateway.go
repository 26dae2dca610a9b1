package live

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/google/uuid"

	"github.com/bootrace/bootrace/controller/wire"
	"github.com/bootrace/bootrace/harness/agent"
	"github.com/bootrace/bootrace/harness/fault"
	"github.com/bootrace/bootrace/harness/history"
	"github.com/bootrace/bootrace/harness/live/caller"
	"github.com/bootrace/bootrace/harness/operator"
	"github.com/bootrace/bootrace/harness/oracle"
)

// What the callers of calls see that were not answered.
const (
	seenTimeout = history.TimedOut
	seenRefused = "connection refused"
	seenReset   = "connection reset: the controller died"
)

// maxBody bounds what the gateway takes of a request.
const maxBody = 2 << 20

// gateway stands between callers and the controller's replicas: it picks a replica for each call, writes down what came
// of it, and is the network whose faults the plan has. What one caller sees of a fault is what a network would show it:
// silence, until it gives up, or a connection that closes.
type gateway struct {
	world     *world
	url       string
	transport *http.Transport
	calls     tasks // calls under way, also those that nobody waits for any more
}

func newGateway(w *world) *gateway {
	return &gateway{world: w, transport: &http.Transport{DisableCompression: true, MaxIdleConnsPerHost: 256}}
}

// call is one request on its way.
type call struct {
	gateway  *gateway
	request  *http.Request
	body     []byte
	actor    string
	name     string
	ws, inc  int
	sent     time.Duration
	replica  *replica
	fate     fault.Fate
	copied   bool // a duplicate, whose reply nobody waits for
	mu       sync.Mutex
	deserted bool // its caller has given up
	answered bool // before that
}

// reply is what comes back from a replica, or why nothing does.
type reply struct {
	code   int
	header http.Header
	body   []byte
	seen   string // why there is none
}

// ServeHTTP carries one call.
func (g *gateway) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path == pathPing {
		w.WriteHeader(http.StatusNoContent)
		return
	}
	c, err := g.accept(w, r)
	if err != nil {
		panic(http.ErrAbortHandler) // the caller broke off
	}
	g.world.faults.ask(func(s *fault.Set) { c.fate = s.Network(c.actor, c.name, c.ws, c.replica.number) })
	if c.fate.Limited {
		c.limit(w)
		return
	}
	if c.fate.Duplicate {
		twin := &call{
			gateway: g, request: c.request, body: c.body, actor: c.actor, name: c.name, ws: c.ws, inc: c.inc, sent: c.sent,
			replica: c.replica, copied: true,
		}
		g.calls.Go(func() { twin.deliver(c.fate.DuplicateAfter) })
	}
	answers := make(chan reply, 1)
	if !c.fate.LoseRequest {
		g.calls.Go(func() {
			if out, ok := c.deliver(c.fate.Delay); ok {
				answers <- out
			}
		})
	}
	select {
	case <-r.Context().Done():
		if c.desert() {
			late := <-answers
			c.record(late.code, history.GivenUp, late.body)
		}
		panic(http.ErrAbortHandler)
	case out := <-answers:
		if out.seen == "" {
			c.record(out.code, "", out.body)
		}
		c.answer(w, out)
	}
}

// accept reads who calls, and what for.
func (g *gateway) accept(w http.ResponseWriter, r *http.Request) (*call, error) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if err != nil {
		return nil, err
	}
	c := &call{
		gateway: g, request: r, body: body, actor: r.Header.Get(caller.HeaderActor), name: r.Header.Get(caller.HeaderCall),
		sent: g.world.clock.now(), replica: g.world.replicas[0],
	}
	// Who does not say is nobody that the harness started: what is called tells the rest.
	c.ws, _ = strconv.Atoi(r.Header.Get(caller.HeaderWorkspace))
	c.inc, _ = strconv.Atoi(r.Header.Get(caller.HeaderIncarnation))
	if c.name == "" {
		c.name = nameOf(r.Method, r.URL.Path)
	}
	if c.actor == "" {
		c.actor = history.ActorOperator
		if c.name == "register" || c.name == "heartbeat" || c.name == "update-card" {
			c.actor = history.ActorAgent
		}
		c.ws = g.about(r.URL.Path, body)
	}
	if c.actor == history.ActorOperator {
		g.world.asks(c.name, c.ws)
	}
	if ns, err := strconv.ParseInt(r.Header.Get(caller.HeaderSent), 10, 64); err == nil {
		c.sent = g.world.clock.at(time.Unix(0, ns))
	}
	if n := len(g.world.replicas); n > 1 {
		c.replica = g.world.replicas[g.world.oracle.Choose(oracle.Replica, uint64(n))]
	}
	return c, nil
}

// nameOf is what scenarios call the request.
func nameOf(method, path string) string {
	switch path {
	case wire.PathRegister:
		return "register"
	case wire.PathHeartbeat:
		return "heartbeat"
	case wire.PathUpdateCard:
		return "update-card"
	case wire.PathEvents:
		return "events"
	case wire.PathWorkspaces:
		if method == http.MethodPost {
			return "create"
		}
		return "list"
	}
	parts := strings.Split(strings.Trim(path, "/"), "/")
	switch {
	case len(parts) == 2 && method == http.MethodDelete:
		return "delete"
	case len(parts) == 2:
		return "get"
	default:
		return parts[len(parts)-1]
	}
}

// about is the number of the workspace that the request names, in its path or in its body.
func (g *gateway) about(path string, body []byte) int {
	for part := range strings.SplitSeq(path, "/") {
		if id, err := uuid.Parse(part); err == nil {
			return g.world.number(id)
		}
	}
	var named struct {
		ID          uuid.UUID `json:"id"`
		WorkspaceID uuid.UUID `json:"workspace_id"`
	}
	if json.Unmarshal(body, &named) != nil {
		return 0
	}
	if named.ID != uuid.Nil {
		return g.world.number(named.ID)
	}
	return g.world.number(named.WorkspaceID)
}

// limit answers in the controller's place.
func (c *call) limit(w http.ResponseWriter) {
	if c.fate.RetryAfter > 0 {
		// In the contract's seconds, as an agent of the harness counts them.
		w.Header().Set("Retry-After", strconv.Itoa(int(c.fate.RetryAfter/time.Second)))
	}
	w.WriteHeader(http.StatusTooManyRequests)
	c.record(http.StatusTooManyRequests, "by a rate limiter on the way", nil)
}

// deliver hands the request to its replica after the delay, and returns the reply where it is for the caller to see.
func (c *call) deliver(after time.Duration) (reply, bool) {
	if after > 0 && !c.gateway.world.sleepUntilSilence(after) {
		return reply{}, false
	}
	out := c.forward()
	if out.seen != "" {
		if c.waiting() || c.copied && out.seen == seenReset {
			c.record(0, out.seen, nil)
		}
		return out, true
	}
	cut := false
	c.gateway.world.faults.ask(func(s *fault.Set) { cut = !c.fate.LoseReply && !c.copied && s.Cut(c.actor, c.ws, c.replica.number) })
	var seen string
	switch {
	case c.copied:
		seen = history.Duplicate
	case c.fate.LoseReply || cut:
		seen = history.ReplyLost
	case !c.handOver():
		seen = history.GivenUp
	default:
		return out, true // who hands it to the caller writes it down
	}
	c.record(out.code, seen, out.body)
	return out, false
}

// forward makes the call to the replica.
func (c *call) forward() reply {
	base := c.replica.base()
	if base == "" {
		return reply{seen: seenRefused}
	}
	r, err := http.NewRequestWithContext(c.gateway.world.ctx, c.request.Method, base+c.request.URL.RequestURI(), bytes.NewReader(c.body)) //nolint:gosec // to hand requests on is what a gateway does
	if err != nil {
		return reply{seen: err.Error()}
	}
	r.Header = c.request.Header.Clone()
	if (c.actor == history.ActorOperator || c.actor == history.ActorObserver) && r.Header.Get("Authorization") == "" {
		r.Header.Set("Authorization", "Bearer "+adminToken)
	}
	r.Header.Set(caller.HeaderCall, c.name)
	r.Header.Set(caller.HeaderWorkspace, strconv.Itoa(c.ws))
	r.Header.Set(caller.HeaderIncarnation, strconv.Itoa(c.inc))
	answer, err := c.gateway.transport.RoundTrip(r)
	if err != nil {
		return reply{seen: brokenBy(err)}
	}
	defer answer.Body.Close() //nolint:errcheck // it is read
	body, err := io.ReadAll(answer.Body)
	if err != nil {
		return reply{seen: brokenBy(err)}
	}
	return reply{code: answer.StatusCode, header: answer.Header, body: body}
}

func brokenBy(err error) string {
	var op *net.OpError
	if errors.Is(err, syscall.ECONNREFUSED) || errors.As(err, &op) && op.Op == "dial" {
		return seenRefused
	}
	return seenReset
}

// waiting reports whether the caller still waits.
func (c *call) waiting() bool {
	if c.copied {
		return false
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	return !c.deserted
}

// handOver notes that there is an answer for the caller, and reports whether the caller was still there then.
func (c *call) handOver() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.answered = !c.deserted
	return c.answered
}

// desert notes that the caller has given up, and reports whether there is an answer that it did not wait for.
func (c *call) desert() bool {
	c.mu.Lock()
	c.deserted = true
	answered := c.answered
	c.mu.Unlock()
	c.record(0, seenTimeout, nil)
	return answered
}

// answer gives the caller what came back.
func (c *call) answer(w http.ResponseWriter, out reply) {
	if out.seen != "" {
		panic(http.ErrAbortHandler)
	}
	for _, name := range []string{"Content-Type", "Retry-After"} {
		if v := out.header.Get(name); v != "" {
			w.Header().Set(name, v)
		}
	}
	w.WriteHeader(out.code)
	w.Write(out.body) //nolint:errcheck // the caller is gone, then
}

// record writes down what came of the call.
func (c *call) record(code int, seen string, body []byte) {
	e := history.Event{
		Kind: history.Call, Actor: c.actor, WS: c.ws, Inc: c.inc, Call: c.name, Sent: history.Time(c.sent), Code: code, Err: seen,
		Replica: c.replica.number, By: c.request.Header.Get(caller.HeaderWith),
	}
	if c.actor == history.ActorAgent && code == http.StatusOK {
		c.gateway.world.letIn(c.name, c.ws, c.inc, c.request.Header)
	}
	if code == 0 || c.fate.Limited {
		e.Replica = 0 // it did not answer
	} else if c.name != "heartbeat" {
		e.Says, e.Token, e.Data = operator.ReadAll(agent.Request{Call: c.name, Path: c.request.URL.Path}, agent.Response{Code: code, Body: body}, time.Time{})
	}
	if e.Data == "" {
		e.Data = operator.Sent(agent.Request{Call: c.name, Path: c.request.URL.RequestURI(), Body: c.body})
	}
	c.gateway.world.add(e)
}
