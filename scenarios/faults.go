package scenarios

// FaultKind is what a scenario may say of one kind of fault.
type FaultKind struct {
	Name  string
	About string
	Lasts bool     // has a window: until is required; the others strike once, at from
	Calls string   // "http", "store", "cloud", "task" or "": what `calls` may name; a task is an HTTP call or a tick
	Needs []string // fields that must be given beside kind, from and until
	Takes []string // further fields that may be given
}

// faultKinds is the one list of faults: validation, the JSON Schema and the documentation are derived from it.
var faultKinds = []FaultKind{
	{Name: "partition", About: "no packet passes between the agents and the controller", Lasts: true, Takes: []string{"group", "first", "replica"}},
	{Name: "lose-request", About: "requests vanish on the way to the controller", Lasts: true, Calls: "http", Takes: []string{"group", "first", "nth", "percent"}},
	{Name: "lose-reply", About: "requests take effect, their replies vanish", Lasts: true, Calls: "http", Takes: []string{"group", "first", "nth", "percent"}},
	{Name: "delay", About: "requests arrive late", Lasts: true, Calls: "http", Needs: []string{"delay"}, Takes: []string{"group", "first", "nth", "percent"}},
	{Name: "reorder", About: "requests arrive late by a drawn time of at most delay, so that they overtake one another", Lasts: true, Calls: "http", Needs: []string{"delay"}, Takes: []string{"group", "first", "nth", "percent"}},
	{Name: "duplicate", About: "requests arrive twice", Lasts: true, Calls: "http", Takes: []string{"group", "first", "nth", "percent", "delay"}},
	{Name: "rate-limit", About: "a proxy between the agents and the controller answers 429, with Retry-After if a delay is given", Lasts: true, Calls: "http", Takes: []string{"group", "first", "nth", "percent", "delay"}},
	{Name: "stall", About: "the controller is delayed in the n-th of its steps into the store, before or after it takes effect, counted for each kind of call or tick", Lasts: true, Calls: "task", Needs: []string{"delay"}, Takes: []string{"group", "first", "replica", "nth", "percent", "when"}},
	{Name: "preempt", About: "the n-th step into the store within the window is delayed, whatever makes it, before or after it takes effect", Lasts: true, Needs: []string{"delay"}, Takes: []string{"replica", "nth", "percent", "when"}},
	{Name: "store-error", About: "store operations fail before they take effect", Lasts: true, Calls: "store", Takes: []string{"replica", "nth", "percent"}},
	{Name: "store-error-after-commit", About: "store operations take effect but report an error", Lasts: true, Calls: "store", Takes: []string{"replica", "nth", "percent"}},
	{Name: "store-slow", About: "store operations take effect late", Lasts: true, Calls: "store", Needs: []string{"delay"}, Takes: []string{"replica", "nth", "percent"}},
	{Name: "crash", About: "a controller replica is killed and starts again: at from, or with calls at the first of them within the window", Lasts: false, Calls: "store", Needs: []string{"delay"}, Takes: []string{"replica", "nth", "when", "until"}},
	{Name: "controller-stall", About: "a controller replica's process is stopped, then continues", Lasts: true, Takes: []string{"replica"}},
	{Name: "postgres-crash", About: "the database server crashes and starts again: what was committed is there, what was pending is not", Lasts: false, Needs: []string{"delay"}},
	{Name: "postgres-restart", About: "the database server shuts down cleanly, as for an update, and starts again: sessions are notified and closed", Lasts: false, Needs: []string{"delay"}},
	{Name: "clock", About: "a controller replica's clock is off by a fixed time", Lasts: true, Needs: []string{"by"}, Takes: []string{"replica"}},
	{Name: "cloud-throttle", About: "the cloud answers that the request limit is exceeded", Lasts: true, Calls: "cloud", Takes: []string{"group", "first", "nth", "percent"}},
	{Name: "cloud-capacity", About: "the cloud has no machines left", Lasts: true, Takes: []string{"group", "first", "nth", "percent"}},
	{Name: "cloud-slow", About: "cloud calls take effect at once and answer late", Lasts: true, Calls: "cloud", Needs: []string{"delay"}, Takes: []string{"group", "first", "nth", "percent"}},
	{Name: "cloud-lost-reply", About: "cloud calls take effect but time out", Lasts: true, Calls: "cloud", Takes: []string{"group", "first", "nth", "percent"}},
	{Name: "cloud-stale", About: "list and describe do not yet know machines launched within the window", Lasts: true, Takes: []string{"group", "first"}},
	{Name: "describe-error", About: "describing one machine fails with an error", Lasts: true, Takes: []string{"group", "first", "nth", "percent"}},
	{Name: "list-stale", About: "the cloud's list of machines is the one from when the fault began: machines launched since are missing, and machines that ended since are still there", Lasts: true, Takes: []string{"nth", "percent"}},
	{Name: "list-truncated", About: "the cloud's list of machines is cut short without saying so", Lasts: true, Takes: []string{"nth", "percent"}},
	{Name: "cloud-refuses", About: "the cloud refuses to launch, permanently", Lasts: true, Takes: []string{"group", "first", "nth", "percent"}},
	{Name: "machine-death", About: "the machine dies", Lasts: false, Takes: []string{"group", "first"}},
	{Name: "machine-restart", About: "the machine is restarted: its agent ends at once, and boots again with what is already pulled", Lasts: false, Takes: []string{"group", "first"}},
	{Name: "machine-pause", About: "the machine is paused with everything that runs on it, including a boot, then continues", Lasts: true, Takes: []string{"group", "first"}},
	{Name: "stray-agent", About: "an agent registers and heartbeats for an id that does not exist", Lasts: false},
	{Name: "intruder", About: "a caller who knows a workspace's id tries every call without a token, with that of an earlier incarnation, or with another workspace's", Lasts: false, Takes: []string{"group", "first"}},
	{Name: "agent-stall", About: "the agent's process is stopped, then continues", Lasts: true, Takes: []string{"group", "first"}},
	{Name: "agent-oom", About: "the machine is short of memory: its agent is killed, again after each start, until the fault ends", Lasts: true, Takes: []string{"group", "first"}},
	{Name: "agent-sick", About: "the agent reports an error rate of 0.8", Lasts: true, Takes: []string{"group", "first"}},
	{Name: "llm-outage", About: "LLM preflights get 503 and are tried again", Lasts: true, Takes: []string{"group", "first"}},
	{Name: "llm-throttle", About: "LLM preflights get 429 and are tried again", Lasts: true, Takes: []string{"group", "first", "percent"}},
	{Name: "llm-slow", About: "LLM preflights take longer", Lasts: true, Needs: []string{"delay"}, Takes: []string{"group", "first"}},
}

// FaultKinds returns every kind of fault, in the order of the documentation.
func FaultKinds() []FaultKind { return append([]FaultKind(nil), faultKinds...) }
