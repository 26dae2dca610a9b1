package ec2wire

import (
	"fmt"

	"github.com/bootrace/bootrace/fakeprovider/internal/serving"
)

// Faults are what goes wrong. The zero value is nothing.
type Faults struct {
	// Invisible is how long a machine just launched is missing from lists and NotFound by its id, as EC2 is only
	// eventually consistent. A repeated client token finds it all the same.
	Invisible Duration `json:"invisible,omitempty"`
	// Buckets throttle actions by name; "*" stands for every action that is not named, each with a bucket of its own. A
	// launch takes a token for each machine, any other call takes one.
	Buckets map[string]Bucket `json:"buckets,omitempty"`
	// Rules are tried in order, and the first one that strikes decides over the call.
	Rules []Rule `json:"rules,omitempty"`
}

// Kind is what a [Rule] does to a call.
type Kind string

// The kinds of faults. Those whose names begin with "lost" let the call take effect, and lose the reply.
const (
	Throttled   Kind = "throttled"      // 503 RequestLimitExceeded
	NoCapacity  Kind = "no-capacity"    // 500 InsufficientInstanceCapacity, as real EC2 sends it; launches and starts only
	Internal    Kind = "internal-error" // 500 InternalError
	Unavailable Kind = "unavailable"    // 503 Unavailable
	Failed      Kind = "failed"         // the rule's Status, Code and Message
	Dropped     Kind = "dropped"        // the connection is closed, and nothing took effect
	LostClosed  Kind = "lost-closed"    // the connection is closed instead of a reply
	LostCut     Kind = "lost-cut"       // 200, and half of the body
	LostEmpty   Kind = "lost-empty"     // 200, and no body
	LostHang    Kind = "lost-hang"      // no reply, until the client gives up
)

// Rule makes some calls of an action fail.
type Rule struct {
	// Action is the calls that it is for; "" and "*" are all.
	Action string `json:"action,omitempty"`
	Kind   Kind   `json:"kind"`
	// Skip is how many calls are let through first, Times how many it strikes at the most; 0 is without end.
	Skip  int `json:"skip,omitempty"`
	Times int `json:"times,omitempty"`
	// Share is how many of the calls it strikes, in (0, 1]; 0 is all of them.
	Share float64 `json:"share,omitempty"`
	// Status, Code and Message are those of the reply: all needed for Failed, and any of them may be set for the other
	// kinds that send an error, to replace what is sent by default.
	Status  int    `json:"status,omitempty"`
	Code    string `json:"code,omitempty"`
	Message string `json:"message,omitempty"`
}

// Validate reports the first fault that makes no sense.
func (f Faults) Validate() error {
	if f.Invisible < 0 {
		return fmt.Errorf("ec2wire: invisible is %s, below zero", f.Invisible)
	}
	for name, b := range f.Buckets {
		if name != "*" && !knows(name) {
			return fmt.Errorf("ec2wire: bucket of the unknown action %q", name)
		}
		if b.Size < 0 || b.Refill < 0 {
			return fmt.Errorf("ec2wire: bucket of %s: below zero", name)
		}
	}
	for i, r := range f.Rules {
		if err := r.validate(); err != nil {
			return fmt.Errorf("ec2wire: rule %d: %w", i, err)
		}
	}
	return nil
}

func (r Rule) validate() error {
	if r.Action != "" && r.Action != "*" && !knows(r.Action) {
		return fmt.Errorf("unknown action %q", r.Action)
	}
	if err := r.limits().Validate(); err != nil {
		return err
	}
	if r.Status != 0 && (r.Status < 400 || r.Status > 599) {
		return fmt.Errorf("status %d is no error", r.Status)
	}
	switch r.Kind {
	case Failed:
		if r.Status == 0 || r.Code == "" {
			return fmt.Errorf("kind %s needs a status and a code", r.Kind)
		}
	case Throttled, NoCapacity, Internal, Unavailable, Dropped, LostClosed, LostCut, LostEmpty, LostHang:
	default:
		return fmt.Errorf("unknown kind %q", r.Kind)
	}
	return nil
}

// losses are the kinds that let the call take effect, and lose the reply.
var losses = map[Kind]serving.Loss{
	LostClosed: serving.Closed, LostCut: serving.Cut, LostEmpty: serving.Empty, LostHang: serving.Hang,
}

// lost reports whether the kind lets the call take effect.
func (k Kind) lost() bool { return losses[k] != serving.Kept }

func (r Rule) limits() serving.Limits {
	return serving.Limits{Skip: r.Skip, Times: r.Times, Share: r.Share}
}

// reply is the error that the rule sends, or nil where it sends none.
func (r Rule) reply() *apiError {
	var e apiError
	switch r.Kind {
	case Throttled:
		e = apiError{503, "RequestLimitExceeded", "Request limit exceeded."}
	case NoCapacity:
		e = apiError{500, "InsufficientInstanceCapacity", "We currently do not have sufficient capacity in the Availability " +
			"Zone you requested. Our system will be working on provisioning additional capacity."}
	case Internal:
		e = apiError{500, "InternalError", "An internal error has occurred"}
	case Unavailable:
		e = apiError{503, "Unavailable", "The server is overloaded and can't handle the request."}
	case Failed:
	default:
		return nil
	}
	if r.Status != 0 {
		e.status = r.Status
	}
	if r.Code != "" {
		e.code = r.Code
	}
	if r.Message != "" {
		e.message = r.Message
	}
	return &e
}

// matches reports whether the rule is for the action.
func (r Rule) matches(action string) bool {
	if r.Kind == NoCapacity && action != "RunInstances" && action != "StartInstances" {
		return false
	}
	return r.Action == "" || r.Action == "*" || r.Action == action
}

// Duration is a time.Duration that JSON shows as "1m30s".
type Duration = serving.Duration
