package lifecycle

import "fmt"

// Event is something that happened to a workspace and may move it. Whether it does is the [Table]'s to say.
type Event uint8

// The events of a workspace's life.
const (
	NoEvent          Event = iota
	Create                 // the operator asks for a workspace on a machine of ours
	CreateExternal         // … for one that runs elsewhere, at a known URL
	CreateAwaiting         // … for one that runs elsewhere and will call in
	Register               // its agent introduced itself: proof of life
	Beat                   // a heartbeat with error_rate < 0.1 and no wedge: proof of life
	BeatRough              // a heartbeat with 0.1 ≤ error_rate < 0.5 and no wedge: proof of life
	BeatSick               // a heartbeat with error_rate ≥ 0.5 or runtime_state "wedged": proof of life
	ProvisionTimeout       // the provision-timeout sweeper: no proof of life within the budget
	LaunchFailed           // the cloud refused to launch its machine, for good
	BootstrapFailed        // somebody who watched the boot reports that it failed
	Silence                // the liveness sweeper: no proof of life for the TTL
	Pause                  // the operator
	Resume                 // the operator; begins the next incarnation
	ResumeExternal         // the operator, for a workspace whose machine is not ours
	Hibernate              // the operator
	MachineStopped         // the machine of a hibernating workspace is gone
	Wake                   // the operator; begins the next incarnation
	Restart                // the operator; begins the next incarnation
	Remove                 // the operator

	eventCount = int(Remove) + 1
)

var eventNames = [eventCount]string{
	"", "create", "create_external", "create_awaiting", "register", "beat", "beat_rough", "beat_sick",
	"provision_timeout", "launch_failed", "bootstrap_failed", "silence", "pause", "resume", "resume_external",
	"hibernate", "machine_stopped", "wake", "restart", "remove",
}

// Events returns every event, in the order of their declaration.
func Events() []Event {
	all := make([]Event, 0, eventCount-1)
	for e := Create; e <= Remove; e++ {
		all = append(all, e)
	}
	return all
}

// String returns the event's name in logs, histories and the database.
func (e Event) String() string {
	if int(e) < eventCount {
		return eventNames[e]
	}
	return fmt.Sprintf("event(%d)", uint8(e))
}

// ParseEvent is the inverse of [Event.String].
func ParseEvent(name string) (Event, error) {
	for i, n := range eventNames {
		if n == name {
			return Event(i), nil
		}
	}
	return NoEvent, fmt.Errorf("lifecycle: %q is no event", name)
}

// MarshalText encodes the event as its name.
func (e Event) MarshalText() ([]byte, error) { return []byte(e.String()), nil }

// UnmarshalText decodes a name; an unknown one is an error.
func (e *Event) UnmarshalText(text []byte) (err error) {
	*e, err = ParseEvent(string(text))
	return err
}

// ProofOfLife reports whether the event shows that the workspace's agent is alive.
func (e Event) ProofOfLife() bool {
	switch e {
	case Register, Beat, BeatRough, BeatSick:
		return true
	default:
		return false
	}
}

// Outcome reports whether the event is the outcome of a step that others may have overtaken meanwhile.
func (e Event) Outcome() bool {
	switch e {
	case ProvisionTimeout, LaunchFailed, BootstrapFailed, Silence, MachineStopped:
		return true
	default:
		return false
	}
}

// BeginsIncarnation reports whether the event starts a new boot: a new incarnation, budget, token and machine.
func (e Event) BeginsIncarnation() bool {
	switch e {
	case Resume, Wake, Restart:
		return true
	default:
		return false
	}
}

// Thresholds of error_rate at which a heartbeat changes meaning, from the wire's contract.
const (
	DegradedAt  = 0.5 // at or above: sick
	RecoveredAt = 0.1 // below: healthy
)

// BeatEvent classifies a heartbeat by what it reports.
func BeatEvent(errorRate float64, wedged bool) Event {
	switch {
	case wedged || errorRate >= DegradedAt:
		return BeatSick
	case errorRate >= RecoveredAt:
		return BeatRough
	default:
		return Beat
	}
}
