package lifecycle

import "fmt"

// Status is where a workspace is in its life. The zero value, [None], is the status of a workspace that does not exist.
type Status uint8

// The statuses of a workspace, as the wire names them.
const (
	None          Status = iota // no row: nobody created it
	Provisioning                // created or restarted; its machine boots; the provision budget runs
	AwaitingAgent               // external, created without a URL; waits for its agent as long as it takes
	Online                      // proof of life within the liveness TTL
	Degraded                    // alive, but reports errors or a wedged runtime
	Offline                     // was alive; silent for longer than the liveness TTL
	Failed                      // "not yet", not "dead": the budget ran out, or the boot or launch reported failure
	Paused                      // by the operator, until resume
	Hibernating                 // by the operator; its machine is being stopped
	Hibernated                  // by the operator, until wake
	Removed                     // by the operator, for ever

	statusCount = int(Removed) + 1
)

var statusNames = [statusCount]string{
	"", "provisioning", "awaiting_agent", "online", "degraded", "offline", "failed", "paused", "hibernating",
	"hibernated", "removed",
}

// Statuses returns every status of an existing workspace, in the order of their declaration.
func Statuses() []Status {
	all := make([]Status, 0, statusCount-1)
	for s := Provisioning; s <= Removed; s++ {
		all = append(all, s)
	}
	return all
}

// String returns the wire's name of the status; [None] is the empty string.
func (s Status) String() string {
	if int(s) < statusCount {
		return statusNames[s]
	}
	return fmt.Sprintf("status(%d)", uint8(s))
}

// ParseStatus is the inverse of [Status.String]. The empty string parses as [None].
func ParseStatus(name string) (Status, error) {
	for i, n := range statusNames {
		if n == name {
			return Status(i), nil
		}
	}
	return None, fmt.Errorf("lifecycle: %q is no status", name)
}

// MarshalText encodes the status as its wire name.
func (s Status) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// UnmarshalText decodes a wire name; an unknown one is an error.
func (s *Status) UnmarshalText(text []byte) (err error) {
	*s, err = ParseStatus(string(text))
	return err
}

// Converged reports whether the status is one that a workspace with a beating agent must reach.
func (s Status) Converged() bool { return s == Online || s == Degraded }

// Held reports whether the operator put the workspace there, so that no sweeper and no agent may move it.
func (s Status) Held() bool {
	return s == Paused || s == Hibernating || s == Hibernated || s == Removed
}

// KeepsMachine reports whether a workspace in this status may own a running machine. A failed or offline workspace
// keeps its machine: its boot may only be late, and its agent may come back.
func (s Status) KeepsMachine() bool {
	switch s {
	case Provisioning, Online, Degraded, Offline, Failed:
		return true
	default:
		return false
	}
}
