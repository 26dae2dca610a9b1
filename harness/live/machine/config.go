package machine

import (
	"time"

	"github.com/bootrace/bootrace/harness/hiccup"
	"github.com/bootrace/bootrace/harness/plan"
)

// Config is how the machine boots and its agent behaves. All durations are in the contract's time.
type Config struct {
	Speed     float64       `json:"speed"`
	Boot      plan.Boot     `json:"boot"`
	Launched  time.Time     `json:"launched"` // when the boot began, which is before this program did
	Provider  string        `json:"provider"`
	LLM       string        `json:"llm"` // base URL of the LLM providers
	Workspace int           `json:"workspace"`
	Inc       int           `json:"incarnation"`
	Interval  plan.Duration `json:"interval"` // of heartbeats
	URL       string        `json:"url"`      // where the agent claims to serve

	SkipRegister bool   `json:"skip_register,omitempty"`
	IgnoresGone  bool   `json:"ignores_gone,omitempty"`
	Swallow      bool   `json:"swallow,omitempty"`
	ErrorPercent int    `json:"error_percent,omitempty"`
	Tasks        int    `json:"tasks,omitempty"` // active ones that its agent reports
	Sick         []Sick `json:"sick,omitempty"`
	// Starved has the agent of a container take memory until it is killed for it.
	Starved bool `json:"starved,omitempty"`
	// Awake has the agent begin at once, without a boot.
	Awake bool `json:"awake,omitempty"`
	// Naps is after how many naps the agent ends; 0 is never.
	Naps int `json:"naps,omitempty"`
}

// Sick is a time in which the agent reports errors, by a fault of that number.
type Sick struct {
	Fault int       `json:"fault"`
	From  time.Time `json:"from"`
	Until time.Time `json:"until"`
}

// Kinds of reports.
const (
	Again   = "again"  // the boot is not the first since the container's start
	Booting = "boot"   // Phase is one of package history's boot phases
	Agent   = "agent"  // Phase is history.Started or history.Ended
	Struck  = "struck" // Fault made itself felt
	// Unanswered is a Call that was Sent and got no answer; from machines that are containers.
	Unanswered = "unanswered"
	// Slow is a Window in which the machine was slow that this program runs on.
	Slow = "slow"
)

// EnvMetadata is the environment variable with the URL that a container asks for its configuration, as a cloud's machine
// asks its metadata service. Where it is not set, the configuration is on the standard input.
const EnvMetadata = "BOOTRACE_METADATA"

// Report is what a machine says.
type Report struct {
	Kind   string         `json:"kind"`
	At     time.Time      `json:"at"`
	Phase  string         `json:"phase,omitempty"`
	Fault  int            `json:"fault,omitempty"`
	Call   string         `json:"call,omitempty"`
	Sent   time.Time      `json:"sent,omitzero"`
	Window *hiccup.Window `json:"window,omitempty"`
}
