package cpwire

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"slices"

	"github.com/bootrace/bootrace/fakeprovider/internal/serving"
)

// The calls, as rules name them.
const (
	CallProvision = "provision"
	CallDelete    = "delete"
	CallStatus    = "status"
)

// Faults are what goes wrong. The zero value is nothing.
type Faults struct {
	// Rules are tried in order, and the first one that strikes decides over the call.
	Rules []Rule `json:"rules,omitempty"`
}

// Kind is what a [Rule] does to a call.
type Kind string

// The kinds of faults. Those whose names begin with "lost" let the call take effect, and lose the reply.
const (
	Throttled  Kind = "throttled"      // 429, with a Retry-After of one second
	NoCapacity Kind = "no-capacity"    // 503; provisions only
	Internal   Kind = "internal-error" // 500
	Refused    Kind = "refused"        // 422: for good, asking again is pointless
	Failed     Kind = "failed"         // the rule's Status and Message
	Slow       Kind = "slow"           // takes effect, and is answered, the rule's Delay later
	Dropped    Kind = "dropped"        // the connection is closed, and nothing took effect
	LostClosed Kind = "lost-closed"    // the connection is closed instead of a reply
	LostCut    Kind = "lost-cut"       // half of the body
	LostEmpty  Kind = "lost-empty"     // 200, and no body
	LostHang   Kind = "lost-hang"      // no reply, until the client gives up
)

// errorsOf are the kinds that answer with an error.
var errorsOf = map[Kind]problem{
	Throttled:  {http.StatusTooManyRequests, "request limit exceeded"},
	NoCapacity: {http.StatusServiceUnavailable, "insufficient capacity"},
	Internal:   {http.StatusInternalServerError, "internal error"},
	Refused:    {http.StatusUnprocessableEntity, "no machine of this kind can be launched"},
	Failed:     {},
}

// losses are how the other kinds lose the reply.
var losses = map[Kind]serving.Loss{
	Dropped: serving.Closed, LostClosed: serving.Closed, LostCut: serving.Cut, LostEmpty: serving.Empty, LostHang: serving.Hang,
	Slow: serving.Kept,
}

// Rule makes some calls fail.
type Rule struct {
	// Call is the calls that it is for: provision, delete or status; "" and "*" are all.
	Call string `json:"call,omitempty"`
	Kind Kind   `json:"kind"`
	// Workspace is whose calls it is for; "" is everybody's.
	Workspace string `json:"workspace,omitempty"`
	// Skip is how many calls are let through first, Times how many it strikes at the most; 0 is without end.
	Skip  int `json:"skip,omitempty"`
	Times int `json:"times,omitempty"`
	// Share is how many of the calls it strikes, in (0, 1]; 0 is all of them.
	Share float64 `json:"share,omitempty"`
	// Delay is for Slow, in real time. A client that gives up ends it: then the call takes effect at that moment.
	Delay Duration `json:"delay,omitempty"`
	// Status and Message are those of the reply: needed for Failed, and either may be set for the other kinds that send an
	// error, to replace what is sent by default.
	Status  int    `json:"status,omitempty"`
	Message string `json:"message,omitempty"`
}

// Duration is a time.Duration that JSON shows as "1m30s".
type Duration = serving.Duration

// Validate reports the first fault that makes no sense.
func (f Faults) Validate() error {
	for i, r := range f.Rules {
		if err := r.validate(); err != nil {
			return fmt.Errorf("cpwire: rule %d: %w", i, err)
		}
	}
	return nil
}

func (r Rule) validate() error {
	_, fails := errorsOf[r.Kind]
	_, lost := losses[r.Kind]
	switch {
	case !slices.Contains([]string{"", "*", CallProvision, CallDelete, CallStatus}, r.Call):
		return fmt.Errorf("unknown call %q", r.Call)
	case !fails && !lost:
		return fmt.Errorf("unknown kind %q", r.Kind)
	case r.Kind == Slow && r.Delay <= 0 || r.Kind != Slow && r.Delay != 0:
		return fmt.Errorf("a delay of %s; kind %s needs one, and it alone", r.Delay, Slow)
	case r.Kind == NoCapacity && r.Call != "" && r.Call != "*" && r.Call != CallProvision:
		return fmt.Errorf("kind %s is for provisions, not for %s", r.Kind, r.Call)
	case r.Kind == Failed && (r.Status == 0 || r.Message == ""):
		return fmt.Errorf("kind %s needs a status and a message", r.Kind)
	case !fails && (r.Status != 0 || r.Message != ""):
		return fmt.Errorf("kind %s sends no error, so it takes no status and no message", r.Kind)
	case r.Status != 0 && (r.Status < 400 || r.Status > 599):
		return fmt.Errorf("status %d is no error", r.Status)
	}
	return r.limits().Validate()
}

func (r Rule) limits() serving.Limits {
	return serving.Limits{Skip: r.Skip, Times: r.Times, Share: r.Share}
}

func (r Rule) matches(call, workspace string) bool {
	return (r.Call == "" || r.Call == "*" || r.Call == call) && (r.Workspace == "" || r.Workspace == workspace) &&
		(r.Kind != NoCapacity || call == CallProvision)
}

// problem returns the error that the rule answers with, or nil where it answers with none.
func (r Rule) problem() *problem {
	p, ok := errorsOf[r.Kind]
	if !ok {
		return nil
	}
	if r.Status != 0 {
		p.status = r.Status
	}
	if r.Message != "" {
		p.message = r.Message
	}
	return &p
}

// faultState is the faults, and how far they are through with what they do. It is guarded by the server's lock.
type faultState struct {
	Faults
	tallies []serving.Tally
	draws   []*rand.Rand // one for each rule: what one of them draws does not depend on the others
}

func newFaultState(f Faults, seed uint64) faultState {
	s := faultState{Faults: Faults{slices.Clone(f.Rules)}, tallies: make([]serving.Tally, len(f.Rules))}
	for i := range f.Rules {
		s.draws = append(s.draws, rand.New(rand.NewPCG(seed, uint64(i)))) //nolint:gosec // a fake's faults are no secret
	}
	return s
}

// strike returns the rule that decides over the call, or one of no kind.
func (s *faultState) strike(call, workspace string) Rule {
	for i, r := range s.Rules {
		if r.matches(call, workspace) && s.tallies[i].Strikes(r.limits(), s.draws[i].Float64) {
			return r
		}
	}
	return Rule{}
}

func (s *faultState) struck() []int {
	n := make([]int, len(s.tallies))
	for i, t := range s.tallies {
		n[i] = t.Struck
	}
	return n
}
