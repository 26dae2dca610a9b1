package replica

import (
	"time"

	"github.com/bootrace/bootrace/controller"
	"github.com/bootrace/bootrace/controller/cloud/docker"
	"github.com/bootrace/bootrace/harness/hiccup"
)

// Config is what a replica is made of.
type Config struct {
	Number      int                 `json:"number"` // from 1
	DatabaseURL string              `json:"database_url"`
	Endpoint    string              `json:"endpoint"`         // of EC2
	Docker      *docker.Config      `json:"docker,omitempty"` // where machines are containers, and not EC2's
	Settings    controller.Settings `json:"settings"`         // in real time, in full
	Settle      time.Duration       `json:"settle"`           // see ec2.Config
	Secret      string              `json:"secret"`
	PublicURL   string              `json:"public_url"`
	AdminToken  string              `json:"admin_token,omitempty"` // of the operators; where empty, their calls are open
	Defect      string              `json:"defect,omitempty"`
	// Steps is where to ask before and after steps into the store; empty where nobody wants to know.
	Steps string `json:"steps,omitempty"`
	// Phases are how long after the start each tick has its first turn, by its name: a drawn time, since nothing ties the
	// phases of sweepers to anything.
	Phases map[string]time.Duration `json:"phases,omitempty"`
}

// Kinds of reports.
const (
	Ready    = "ready"    // it serves: Address
	TickErr  = "tick"     // a tick failed: By, Err
	Panicked = "panic"    // By, Err
	CloudRan = "cloud"    // a call to the cloud ended: Call, Sent, Workspace, Incarnation, Machine, Err
	Unusable = "unusable" // it cannot start: Err
	Slow     = "slow"     // the machine was slow: Window
)

// Report is what a replica says.
type Report struct {
	Kind        string         `json:"kind"`
	At          time.Time      `json:"at"`
	Address     string         `json:"address,omitempty"`
	By          string         `json:"by,omitempty"`
	Err         string         `json:"err,omitempty"`
	Call        string         `json:"call,omitempty"`
	Sent        time.Time      `json:"sent,omitzero"`
	Workspace   string         `json:"workspace,omitempty"` // its id
	Incarnation int            `json:"incarnation,omitempty"`
	Machine     string         `json:"machine,omitempty"`
	Window      *hiccup.Window `json:"window,omitempty"`
}

// Step is a step into the store that a replica is about to make, or has made.
type Step struct {
	Replica   int    `json:"replica"`
	Op        string `json:"op"` // as scenarios name it
	Done      bool   `json:"done"`
	Task      string `json:"task"`      // the call or the tick that makes it
	Workspace int    `json:"workspace"` // the number that its caller gave
}

// Sentence is what becomes of a step: it waits, and then fails where Fails is set.
type Sentence struct {
	Wait  time.Duration `json:"wait"`
	Fails bool          `json:"fails"`
}
