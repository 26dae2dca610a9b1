package ec2wire

import (
	"bytes"
	"fmt"
	"maps"
	"strings"
	"time"
)

// Limits of what a machine may carry, EC2's own.
const (
	maxUserData  = 16 << 10
	maxConsole   = 64 << 10
	maxTags      = 50
	maxTagKey    = 128
	maxTagValue  = 256
	maxTokenSize = 64
)

// Machine is one instance at one moment.
type Machine struct {
	ID            string            `json:"id"`
	ReservationID string            `json:"reservation_id"`
	ClientToken   string            `json:"client_token,omitempty"`
	ImageID       string            `json:"image_id"`
	InstanceType  string            `json:"instance_type"`
	KeyName       string            `json:"key_name,omitempty"`
	Zone          string            `json:"zone"`
	PrivateIP     string            `json:"private_ip"`
	Spot          bool              `json:"spot,omitempty"`
	State         State             `json:"state"`
	Reason        Reason            `json:"reason,omitzero"` // why it was stopped or terminated
	LaunchedAt    time.Time         `json:"launched_at"`     // of the last start
	ChangedAt     time.Time         `json:"changed_at"`      // when it came to its state
	Boots         int               `json:"boots"`           // 1 at the launch, and one more with each start and reboot
	Tags          map[string]string `json:"tags,omitempty"`
	UserData      []byte            `json:"-"` // decoded; it may hold credentials
}

// machine is a Machine with what nobody outside needs.
type machine struct {
	Machine
	seq       uint64 // order of launches
	index     int    // within its reservation
	created   time.Time
	groups    []string // ids of security groups
	subnet    string
	console   []byte
	consoleAt time.Time
}

// settle takes the machine through the states that it has come to by itself.
func (m *machine) settle(now time.Time, times Times) {
	for {
		next, after, ok := times.next(m.State)
		due := m.ChangedAt.Add(after)
		if !ok || now.Before(due) {
			return
		}
		m.State, m.ChangedAt = next, due
	}
}

// change is an event that puts the machine into a state.
func (m *machine) change(to State, why Reason, now time.Time) {
	m.State, m.Reason, m.ChangedAt = to, why, now
}

// boot is an event that makes the machine begin to boot.
func (m *machine) boot(now time.Time) {
	m.change(Pending, Reason{}, now)
	m.LaunchedAt = now
	m.Boots++
}

// forgotten reports whether EC2 has no memory of the machine any more.
func (m *machine) forgotten(now time.Time, times Times) bool {
	return m.State == Terminated && !now.Before(m.ChangedAt.Add(times.Forget))
}

// snapshot returns what the machine is now, sharing nothing with it that can change.
func (m *machine) snapshot() Machine {
	s := m.Machine
	s.Tags = maps.Clone(m.Tags)
	s.UserData = bytes.Clone(m.UserData)
	return s
}

// write appends to what the machine's console shows; the end of it is kept.
func (m *machine) write(text []byte, now time.Time) {
	m.console = append(m.console, text...)
	if n := len(m.console); n > maxConsole {
		m.console = append([]byte(nil), m.console[n-maxConsole:]...)
	}
	m.consoleAt = now
}

// reason is the field of the same name, which EC2 words differently from the coded one.
func (m *machine) reason() string {
	switch m.Reason {
	case Reason{}:
		return ""
	case UserInitiated:
		return fmt.Sprintf("User initiated (%s GMT)", m.ChangedAt.UTC().Format(time.DateTime))
	default:
		return m.Reason.Code
	}
}

// privateDNS is the name that EC2 derives from the address.
func (m *machine) privateDNS() string {
	return "ip-" + strings.ReplaceAll(m.PrivateIP, ".", "-") + ".ec2.internal"
}
