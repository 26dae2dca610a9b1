package contract

// Licence is what allows an event to move a workspace: a call that may have taken effect, or a rule whose condition held.
// Exactly one of Call and Rule is set. An event with several licences needs one of them.
type Licence struct {
	Event string `json:"event"`
	Call  string `json:"call,omitempty"`
	// Below says that the call licenses the event for every workspace below the one that it names, too.
	Below bool   `json:"below,omitempty"`
	Rule  string `json:"rule,omitempty"`
	// From, where it is not empty, says that the event is licensed out of that status only.
	From string `json:"from,omitempty"`
}

// The rules that license an event without a call.
const (
	RuleBudget  = "budget-over"     // the boot is as old as its budget
	RuleRefused = "launch-refused"  // the cloud refused the launch of this incarnation for good
	RuleSilent  = "silent"          // no proof of life for the TTL
	RuleStopped = "machine-stopped" // it is hibernating: the end of its machine takes it further
	RuleOffline = "offline"         // it has been offline for as long as the policy restarts_offline says
)

var rules = []string{RuleBudget, RuleRefused, RuleSilent, RuleStopped, RuleOffline}

var licences = []Licence{
	{Event: "create", Call: "create"},
	{Event: "create_external", Call: "create"},
	{Event: "create_awaiting", Call: "create"},
	{Event: "register", Call: "register"},
	{Event: "beat", Call: "heartbeat"},
	{Event: "beat_rough", Call: "heartbeat"},
	{Event: "beat_sick", Call: "heartbeat"},
	{Event: "provision_timeout", Rule: RuleBudget},
	{Event: "launch_failed", Rule: RuleRefused},
	{Event: "bootstrap_failed", Call: "bootstrap-failed"},
	{Event: "silence", Rule: RuleSilent},
	{Event: "pause", Call: "pause", Below: true},
	{Event: "resume", Call: "resume", Below: true},
	{Event: "resume_external", Call: "resume", Below: true},
	{Event: "hibernate", Call: "hibernate"},
	{Event: "machine_stopped", Rule: RuleStopped},
	{Event: "wake", Call: "resume", Below: true},
	{Event: "wake", Call: "restart"},
	{Event: "restart", Call: "restart"},
	{Event: "remove", Call: "delete", Below: true},
}
