package ec2wire

import (
	"fmt"
	"time"
)

// State is where a machine is in its life; its value is EC2's code for it.
type State uint8

// The states of a machine.
const (
	Pending      State = 0
	Running      State = 16
	ShuttingDown State = 32
	Terminated   State = 48
	Stopping     State = 64
	Stopped      State = 80
)

// String returns EC2's name for the state.
func (s State) String() string {
	switch s {
	case Pending:
		return "pending"
	case Running:
		return "running"
	case ShuttingDown:
		return "shutting-down"
	case Terminated:
		return "terminated"
	case Stopping:
		return "stopping"
	case Stopped:
		return "stopped"
	default:
		return fmt.Sprintf("state(%d)", uint8(s))
	}
}

// MarshalText encodes the state as its name.
func (s State) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// executes reports whether something runs on a machine in the state.
func (s State) executes() bool { return s == Pending || s == Running }

// gone reports whether a machine in the state is past saving.
func (s State) gone() bool { return s == ShuttingDown || s == Terminated }

// next returns the state that follows by itself, and after how long; ok is false where none does.
func (t Times) next(s State) (next State, after time.Duration, ok bool) {
	switch s {
	case Pending:
		return Running, t.Boot, true
	case Stopping:
		return Stopped, t.Stop, true
	case ShuttingDown:
		return Terminated, t.ShutDown, true
	default:
		return s, 0, false
	}
}

// Reason says why a machine left its state, as EC2 codes it.
type Reason struct {
	Code    string `json:"code"`
	Message string `json:"message"`
}

// Reasons for a machine's end.
var (
	// UserInitiated is the reason after TerminateInstances and StopInstances.
	UserInitiated = Reason{"Client.UserInitiatedShutdown", "Client.UserInitiatedShutdown: User initiated shutdown"}
	// SpotInterruption is the reason when EC2 takes a spot machine back.
	SpotInterruption = Reason{"Server.SpotInstanceTermination", "Server.SpotInstanceTermination: Spot instance termination"}
	// HostFailure is the reason when the hardware or EC2 itself fails.
	HostFailure = Reason{"Server.InternalError", "Server.InternalError: Internal error"}
	// SelfShutdown is the reason when the machine powered itself off.
	SelfShutdown = Reason{"Client.InstanceInitiatedShutdown", "Client.InstanceInitiatedShutdown: Instance initiated shutdown"}
)
