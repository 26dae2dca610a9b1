package dialect

import (
	"context"
	"encoding/json"
	"net/http"
	"slices"
	"time"

	"github.com/bootrace/bootrace/controller/lifecycle"
)

// Names of the calls. Agents make Register and Heartbeat, and operators all others.
const (
	Health          = "health"
	List            = "list"
	Get             = "get"
	Events          = "events"
	Create          = "create"
	Delete          = "delete"
	Clean           = "clean" // deletes what is left of a run, with all that is below it; Delete where there is none
	Restart         = "restart"
	Pause           = "pause"
	Resume          = "resume" // also wakes what is hibernated
	Hibernate       = "hibernate"
	BootstrapFailed = "bootstrap-failed"
	Register        = "register"
	Heartbeat       = "heartbeat"
)

// Dialect is how one kind of controller speaks. It is safe for concurrent use.
type Dialect interface {
	// Spec says what the dialect has.
	Spec() Spec
	// Speak makes the call, with as many requests as it takes. An error is of the type *Error: nothing was answered, or what is none
	// of the dialect's. A refusal is an Answer.
	Speak(ctx context.Context, c Call, send Send) (Answer, error)
}

// Send carries out one request and reads its whole reply, whose Body is still there to be read.
type Send func(*http.Request) (*http.Response, error)

// Spec is what a dialect has.
type Spec struct {
	Name  string
	About string
	// Calls are the names of those that there are. Health, Events, Clean and all that operators do to a workspace may be missing.
	Calls []string
	// Lacks are capabilities of scenarios that it does not have, beside those whose calls are missing.
	Lacks []string
	// External says that workspaces can be created whose agents run elsewhere.
	External bool
	// ControlPlane says that the server asks the control plane of the contract for machines, where it is told one.
	ControlPlane bool
	// NeverGivesUp says that the server waits for a boot for ever.
	NeverGivesUp bool
	// OnlyCreateTells says that an agent's token is told by the reply to create and by no other call: whoever loses that reply has no
	// agent.
	OnlyCreateTells bool
	// Params are what a target has to say beside its URL.
	Params map[string]Param
	// Words are those of the events feed, and what each says that a workspace became; None where it says nothing of that.
	Words map[string]lifecycle.Status
	Times Times
	// Holds is how long the server holds a heartbeat before it answers: a long poll.
	Holds time.Duration
}

// Param is something that a target has to say beside its URL.
type Param struct {
	About    string
	Default  string
	Required bool
}

// Times are those of a server that is run as it comes; zero ones are the contract's.
type Times struct {
	Budget, TTL, ExternalTTL, Heartbeat, ProvisionSweep, LivenessSweep time.Duration
}

// Call is a call to be made. What it is about is in the field of its name, where it says more than whom.
type Call struct {
	Name   string
	ID     string            // whom it is about
	Token  string            // of who makes it; empty for none
	Params map[string]string // of the target
	// Operator is the operators' token, whoever makes the call.
	Operator string
	// Kept is what the process that makes the call has been told to keep by earlier ones; nil where it forgets everything.
	Kept map[string]string

	// Force is what a hibernate says of active tasks: that they are no reason to refuse it.
	Force bool

	Create    *CreateCall
	Register  *RegisterCall
	Heartbeat *HeartbeatCall
	Failed    *FailedCall
}

// CreateCall is what a workspace is created with; empty fields are left out.
type CreateCall struct {
	Name, Runtime, Model, Parent, URL string
	External                          bool
}

// RegisterCall is what an agent says of itself when it registers.
type RegisterCall struct {
	URL  string
	Card json.RawMessage
}

// HeartbeatCall is what an agent says beside being there.
type HeartbeatCall struct {
	ErrorRate               float64
	SampleError, Task       string
	ActiveTasks, UptimeSecs int64
	Wedged                  bool
}

// FailedCall is what an operator says of a boot that failed.
type FailedCall struct{ Error, Log string }

// Answer is what the server answered.
type Answer struct {
	Request string // method and path of the last request
	Raw     int    // the code of its reply
	// Code is what that means in the contract: 200 or 201 where it was done, 404 and 410 where there is nobody, 401 where the token
	// is no good, 429 where it was once too often.
	Code       int
	RetryAfter string
	Said       string // why it refused
	// Partly says that the call was refused after an earlier request of it had been granted, which may have taken effect.
	Partly bool
	Hint   string // what to do about it, where the dialect knows

	Workspaces []Workspace // of List; of Get, Create and others the one that they are about
	Entries    []Entry     // of Events; nil where there is no feed
	Token      string      // the agent's, where the call hands one out
	Count      int         // of Pause and Resume: how many workspaces they moved
	Counted    bool
}

// OK reports whether the call was done.
func (a Answer) OK() bool { return a.Code/100 == 2 }

// Workspace is one workspace as the server shows it.
type Workspace struct {
	ID, Name, Cause string
	Word            string // the server's, for the status
	Status          lifecycle.Status
	Incarnation     int
}

// Entry is one of the events feed.
type Entry struct {
	Type, Workspace, Cause string
	At                     time.Time
	To                     lifecycle.Status // what it says itself; None where its type has to
	Whole                  string           // the entry, which tells it from others
}

// Error is a call that was not answered as the dialect has it.
type Error struct {
	Call string // its method and path
	Why  string
	Err  error // what the network said; nil where there was an answer
}

func (e *Error) Error() string {
	if e.Err != nil {
		return e.Call + ": " + e.Why + ": " + e.Err.Error()
	}
	return e.Call + ": " + e.Why
}

func (e *Error) Unwrap() error { return e.Err }

// Has reports whether the dialect has the call.
func (s Spec) Has(call string) bool { return slices.Contains(s.Calls, call) }
