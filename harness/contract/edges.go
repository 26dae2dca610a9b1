package contract

// Edge says that the event moves a workspace from one status to another. From is empty for a workspace that does not exist.
type Edge struct {
	Event string `json:"event"`
	From  string `json:"from,omitempty"`
	To    string `json:"to"`
}

// edges are written out one by one, so that they can be read against the wire's section on statuses. An event that has no edge
// out of a status moves nothing there.
var edges = []Edge{
	// A create names where the life begins.
	{"create", "", "provisioning"},
	{"create_external", "", "online"},
	{"create_awaiting", "", "awaiting_agent"},

	// "A heartbeat is proof of life: it brings provisioning, awaiting_agent, offline and failed to online." So does a register.
	{"register", "provisioning", "online"},
	{"register", "awaiting_agent", "online"},
	{"register", "offline", "online"},
	{"register", "failed", "online"},
	{"beat", "provisioning", "online"},
	{"beat", "awaiting_agent", "online"},
	{"beat", "offline", "online"},
	{"beat", "failed", "online"},
	{"beat_rough", "provisioning", "online"},
	{"beat_rough", "awaiting_agent", "online"},
	{"beat_rough", "offline", "online"},
	{"beat_rough", "failed", "online"},
	{"beat_sick", "provisioning", "online"},
	{"beat_sick", "awaiting_agent", "online"},
	{"beat_sick", "offline", "online"},
	{"beat_sick", "failed", "online"},
	// "It moves online to degraded …, and back": a rough beat does neither.
	{"beat_sick", "online", "degraded"},
	{"beat", "degraded", "online"},

	// Only a boot that is still provisioning can fail.
	{"provision_timeout", "provisioning", "failed"},
	{"launch_failed", "provisioning", "failed"},
	{"bootstrap_failed", "provisioning", "failed"},
	{"silence", "online", "offline"},
	{"silence", "degraded", "offline"},

	// The operator may pause whatever is not put aside already.
	{"pause", "provisioning", "paused"},
	{"pause", "awaiting_agent", "paused"},
	{"pause", "online", "paused"},
	{"pause", "degraded", "paused"},
	{"pause", "offline", "paused"},
	{"pause", "failed", "paused"},
	{"resume", "paused", "provisioning"},
	{"resume_external", "paused", "awaiting_agent"},

	// "404 unless online or degraded."
	{"hibernate", "online", "hibernating"},
	{"hibernate", "degraded", "hibernating"},
	{"machine_stopped", "hibernating", "hibernated"},
	{"wake", "hibernated", "provisioning"},

	{"restart", "provisioning", "provisioning"},
	{"restart", "online", "provisioning"},
	{"restart", "degraded", "provisioning"},
	{"restart", "offline", "provisioning"},
	{"restart", "failed", "provisioning"},

	{"remove", "provisioning", "removed"},
	{"remove", "awaiting_agent", "removed"},
	{"remove", "online", "removed"},
	{"remove", "degraded", "removed"},
	{"remove", "offline", "removed"},
	{"remove", "failed", "removed"},
	{"remove", "paused", "removed"},
	{"remove", "hibernating", "removed"},
	{"remove", "hibernated", "removed"},
}
