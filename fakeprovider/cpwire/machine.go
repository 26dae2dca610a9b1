package cpwire

import (
	"maps"
	"time"
)

// State is where a machine is in its life.
type State string

// The states of a machine, as the wire spells them.
const (
	Pending    State = "pending"
	Running    State = "running"
	Terminated State = "terminated"
)

// Why a machine ended, where nobody says anything else.
const (
	ReasonDeleted  = "deleted by its workspace's server"
	ReasonHostDied = "the host failed"
)

// Machine is one instance at one moment.
type Machine struct {
	ID          string            `json:"id"`
	OrgID       string            `json:"org_id,omitempty"`
	WorkspaceID string            `json:"workspace_id"`
	Runtime     string            `json:"runtime,omitempty"`
	Tier        int               `json:"tier,omitempty"`
	PlatformURL string            `json:"platform_url,omitempty"`
	PrivateIP   string            `json:"private_ip"`
	State       State             `json:"state"`
	Reason      string            `json:"reason,omitempty"` // why it ended
	LaunchedAt  time.Time         `json:"launched_at"`
	ChangedAt   time.Time         `json:"changed_at"` // when it came to its state
	Env         map[string]string `json:"-"`          // of the agent; it may hold credentials
}

// machine is a Machine with what nobody outside needs.
type machine struct {
	Machine
	asked [32]byte // digest of the request that launched it
}

// settle takes the machine through the state that it has come to by itself.
func (m *machine) settle(now time.Time, boot time.Duration) {
	if due := m.LaunchedAt.Add(boot); m.State == Pending && !now.Before(due) {
		m.State, m.ChangedAt = Running, due
	}
}

// snapshot returns what the machine is now, sharing nothing with it that can change.
func (m *machine) snapshot() Machine {
	s := m.Machine
	s.Env = maps.Clone(m.Env)
	return s
}
