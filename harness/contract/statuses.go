package contract

// Status is one status of a workspace.
type Status struct {
	Name string `json:"name"`
	// Converged is where a workspace with a beating agent must be.
	Converged bool `json:"converged,omitempty"`
	// Held is where the operator put it: no sweep and no agent moves it from there.
	Held bool `json:"held,omitempty"`
	// KeepsMachine is where it may own a running machine.
	KeepsMachine bool   `json:"keeps_machine,omitempty"`
	Why          string `json:"why,omitempty"`
}

var statuses = []Status{
	{Name: "provisioning", KeepsMachine: true, Why: "its machine boots, and the budget runs"},
	{Name: "awaiting_agent", Why: "external: the machine is somebody else's, and no budget runs"},
	{Name: "online", Converged: true, KeepsMachine: true, Why: "proof of life within the TTL"},
	{Name: "degraded", Converged: true, KeepsMachine: true, Why: "alive, and reports errors or a wedged runtime"},
	{Name: "offline", KeepsMachine: true, Why: "silent for the TTL; its agent may come back"},
	{Name: "failed", KeepsMachine: true, Why: "not yet, and not dead: the boot may only be late"},
	{Name: "paused", Held: true, Why: "until resume"},
	{Name: "hibernating", Held: true, Why: "its machine is being stopped"},
	{Name: "hibernated", Held: true, Why: "until resume or restart"},
	{Name: "removed", Held: true, Why: "for ever"},
}

// Event is one thing that may move a workspace.
type Event struct {
	Name string `json:"name"`
	// Proof of life.
	Proof bool `json:"proof,omitempty"`
	// Outcome of a step that others may have overtaken: it counts only where the table has an edge.
	Outcome bool `json:"outcome,omitempty"`
	// Begins a boot: the next incarnation, with a budget, a token and a machine of its own.
	Begins bool `json:"begins,omitempty"`
}

var events = []Event{
	{Name: "create"}, {Name: "create_external"}, {Name: "create_awaiting"},
	{Name: "register", Proof: true}, {Name: "beat", Proof: true}, {Name: "beat_rough", Proof: true}, {Name: "beat_sick", Proof: true},
	{Name: "provision_timeout", Outcome: true}, {Name: "launch_failed", Outcome: true}, {Name: "bootstrap_failed", Outcome: true},
	{Name: "silence", Outcome: true},
	{Name: "pause"}, {Name: "resume", Begins: true}, {Name: "resume_external"},
	{Name: "hibernate"}, {Name: "machine_stopped", Outcome: true},
	{Name: "wake", Begins: true}, {Name: "restart", Begins: true},
	{Name: "remove"},
}

// Beats are the thresholds of error_rate, a share from 0 to 1, at which a heartbeat changes meaning. A wedged runtime is sick
// whatever its rate.
type Beats struct {
	SickAt    float64 `json:"sick_at"`    // at or above: sick
	HealthyAt float64 `json:"healthy_at"` // below: healthy
}

// beats are the wire's: "degraded at error_rate ≥ 0.5 or runtime_state wedged, and back at error_rate < 0.1 with no wedge".
var beats = Beats{SickAt: 0.5, HealthyAt: 0.1}

// Event returns which event a heartbeat is that reports so.
func (b Beats) Event(rate float64, wedged bool) string {
	switch {
	case wedged || rate >= b.SickAt:
		return "beat_sick"
	case rate >= b.HealthyAt:
		return "beat_rough"
	default:
		return "beat"
	}
}
