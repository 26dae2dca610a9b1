package cloud

import (
	"context"
	"errors"
	"time"
)

// State is where a machine is in its life.
type State string

// The states of a machine. A terminated machine stays known for a while, and never starts again.
const (
	Pending    State = "pending"
	Running    State = "running"
	Stopping   State = "stopping"
	Terminated State = "terminated"
)

// Live reports whether a machine in the state costs money and may run an agent.
func (s State) Live() bool { return s == Pending || s == Running || s == Stopping }

// Spec asks for a machine.
type Spec struct {
	WorkspaceID string
	Incarnation int
	Name        string // the workspace's name; for people
	Runtime     string
	Model       string
	Template    string
	Tier        int
	Env         map[string]string // for the agent; holds its token: never logged
	// Replaces is the machine of the same incarnation that has ended and whose place this one takes; empty for the first one,
	// and always with a controller that leaves it to the operator to ask for another boot. Launches that differ in it are two.
	Replaces string
}

// Key is what a launch is idempotent by, together with the incarnation.
func (s Spec) Key() string {
	if s.Replaces == "" {
		return s.WorkspaceID
	}
	return s.WorkspaceID + " after " + s.Replaces
}

// Machine is one instance.
type Machine struct {
	ID          string
	WorkspaceID string
	Incarnation int
	State       State
	LaunchedAt  time.Time
}

// Errors of a cloud. Implementations wrap them, so that callers use errors.Is.
var (
	ErrNotFound  = errors.New("machine not found")
	ErrThrottled = errors.New("cloud request limit exceeded")
	ErrCapacity  = errors.New("cloud has insufficient capacity")
	ErrRefused   = errors.New("cloud refused the request for good")
)

// Class says what a caller should do about an error.
type Class int

// The classes of errors.
const (
	OK        Class = iota
	Transient       // try again later; the call may have taken effect
	Permanent       // trying again is pointless; the call took no effect
)

// Classify sorts an error of a cloud. What is not known to be permanent is transient: giving up on a boot is the graver
// mistake.
func Classify(err error) Class {
	switch {
	case err == nil:
		return OK
	case errors.Is(err, ErrRefused):
		return Permanent
	default:
		return Transient
	}
}

// Cloud launches and stops machines. See the package documentation for what every implementation guarantees. All methods
// return promptly when ctx is done, with its error.
type Cloud interface {
	Launch(ctx context.Context, spec Spec) (Machine, error)
	Terminate(ctx context.Context, id string) error
	// Describe returns the machine, or ErrNotFound.
	Describe(ctx context.Context, id string) (Machine, error)
	// List returns the live machines that carry the controller's tags, in order of their ids.
	List(ctx context.Context) ([]Machine, error)
}
