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
	seq     uint64 // order of launches
	change  uint64 // how often its state has changed
	launch  *launch
	index   int // within its reservation
	created time.Time
	groups  []group
	subnet  string
	vpc     string
	owner   string // the account

	architecture string
	zoneID       string
	httpTokens   string // of the metadata service: optional or required
	spotRequest  string
	behavior     string // when it shuts down by itself: stop or terminate
	persistent   bool   // a spot machine that may be stopped
	protected    bool   // from being terminated by the API

	console   []byte
	consoleAt time.Time
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

// stateReason is why the machine is in its state, as EC2 codes it.
func (m *machine) stateReason() Reason {
	if m.State == Pending && m.Reason == (Reason{}) {
		return Reason{"pending", "pending"}
	}
	return m.Reason
}

// hex is the machine's number, as it is in the ids of what it has.
func (m *machine) hex() string { return fmt.Sprintf("%017x", m.seq) }

func (m *machine) volume() string           { return "vol-" + m.hex() }
func (m *machine) networkInterface() string { return "eni-" + m.hex() }

func (m *machine) mac() string {
	return fmt.Sprintf("02:00:%02x:%02x:%02x:%02x", m.seq>>24&255, m.seq>>16&255, m.seq>>8&255, m.seq&255)
}

// privateDNS is the name that EC2 derives from the address.
func (m *machine) privateDNS() string {
	return "ip-" + strings.ReplaceAll(m.PrivateIP, ".", "-") + ".ec2.internal"
}
