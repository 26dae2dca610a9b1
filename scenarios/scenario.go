package scenarios

// Scenario is what a person writes: a fleet, what the operator does to it, and what goes wrong in the meantime. It leaves
// things open (boot times, which reply is lost); a seed closes them when the harness resolves it to a plan.
//
// All times are offsets from the start of the run.
//
// The struct tags drive the loader and the JSON Schema alike, and these comments are the schema's descriptions. A field
// is required unless it is omitempty. In the tag names stands the vocabulary of a field (see vocabulary), and in the tag
// duration which durations it takes: positive ones, signed ones, or, without the tag, zero and positive ones.
type Scenario struct {
	// Kebab-case; names the scenario in reports and on the command line.
	Name string `yaml:"name" json:"name" jsonschema:"pattern=^[a-z0-9][a-z0-9-]*$,maxLength=100"`
	// What race this is about, and why it matters.
	About string `yaml:"about" json:"about" jsonschema:"minLength=1"`
	// When the run ends. Left out, it is long enough for the last boot, act and fault, and for everything to settle
	// afterwards.
	Duration Duration `yaml:"duration,omitempty" json:"duration,omitempty" duration:"positive"`
	// Controller replicas on one database.
	Controllers int `yaml:"controllers,omitempty" json:"controllers,omitempty" jsonschema:"minimum=1,maximum=5,default=1"`
	// How the next task is chosen: at random, or by priorities that the seed draws, as in probabilistic concurrency
	// testing.
	Schedule string    `yaml:"schedule,omitempty" json:"schedule,omitempty" names:"schedule"`
	Settings *Settings `yaml:"settings,omitempty" json:"settings,omitempty"`
	// The workspaces, in groups that are alike.
	Fleet []Group `yaml:"fleet" json:"fleet" jsonschema:"minItems=1"`
	// What the operator does.
	Acts []Act `yaml:"acts,omitempty,flow" json:"acts,omitempty"`
	// What goes wrong.
	Faults []Fault `yaml:"faults,omitempty" json:"faults,omitempty"`
	Expect *Expect `yaml:"expect,omitempty" json:"expect,omitempty"`
	// What a controller must offer for the scenario to make sense. A controller without it is not tested with the scenario.
	Needs []string `yaml:"needs,omitempty" json:"needs,omitempty" names:"capability" jsonschema:"minItems=1,uniqueItems=true"`
}

// Settings override the times that the controller and the agents run by. What is left out is the contract's default.
type Settings struct {
	// One budget for the boots of all runtimes.
	ProvisionTimeout Duration `yaml:"provision_timeout,omitempty" json:"provision_timeout,omitempty" duration:"positive"`
	// How long a workspace may be silent before it is offline.
	LivenessTTL Duration `yaml:"liveness_ttl,omitempty" json:"liveness_ttl,omitempty" duration:"positive"`
	// Interval of an agent's heartbeats.
	HeartbeatInterval Duration `yaml:"heartbeat_interval,omitempty" json:"heartbeat_interval,omitempty" duration:"positive"`
	// Interval of the sweep that gives up boots whose budget is over.
	ProvisionSweepEvery Duration `yaml:"provision_sweep_every,omitempty" json:"provision_sweep_every,omitempty" duration:"positive"`
	// Interval of the sweep that notices silence.
	LivenessSweepEvery Duration `yaml:"liveness_sweep_every,omitempty" json:"liveness_sweep_every,omitempty" duration:"positive"`
	// How long an external workspace may be silent before it is offline.
	ExternalTTL Duration `yaml:"external_ttl,omitempty" json:"external_ttl,omitempty" duration:"positive"`
	// How many machines one turn of the launcher stops, and launches, at most.
	LaunchBatch int `yaml:"launch_batch,omitempty" json:"launch_batch,omitempty" jsonschema:"minimum=1,maximum=10000"`
	// How many rows one statement of a sweep moves at most.
	SweepBatch int `yaml:"sweep_batch,omitempty" json:"sweep_batch,omitempty" jsonschema:"minimum=1,maximum=10000"`
	// When the ticks of a controller take their first turns after its start: at once, or after their intervals. Default: a drawn
	// time in between.
	FirstTurns string `yaml:"first_turns,omitempty" json:"first_turns,omitempty" names:"first_turns"`
}

// Group is a number of workspaces that are alike.
type Group struct {
	// How acts and faults refer to the group. Default: the provider's name.
	Name string `yaml:"name,omitempty" json:"name,omitempty" jsonschema:"pattern=^[a-z0-9][a-z0-9-]*$,maxLength=100"`
	// The LLM provider whose preflight the boot runs.
	Provider string `yaml:"provider" json:"provider" names:"provider"`
	// The agent's runtime. It sets the provision budget and how long the image pull takes.
	Runtime string `yaml:"runtime,omitempty" json:"runtime,omitempty" names:"runtime" jsonschema:"default=claude-code"`
	// How many workspaces.
	Count int `yaml:"count,omitempty" json:"count,omitempty" jsonschema:"minimum=1,maximum=1000,default=1"`
	// Runs elsewhere: the controller launches no machine, and the agent calls in when its boot is over.
	External bool `yaml:"external,omitempty" json:"external,omitempty"`
	// The group whose workspaces are the parents of these, assigned in turn. Pausing or resuming a parent does the same to
	// all workspaces below it. A workspace with children cannot be deleted.
	Parent string `yaml:"parent,omitempty" json:"parent,omitempty"`

	// Gives the controller an external workspace's URL at its creation. The workspace then counts as online until it is
	// silent, and its agent gets a token with its first register.
	KnownURL bool `yaml:"known_url,omitempty" json:"known_url,omitempty"`
	// The error rate that the agents report, in percent: from 50 they are degraded, below 10 they recover.
	ErrorPercent int `yaml:"error_percent,omitempty" json:"error_percent,omitempty" jsonschema:"minimum=0,maximum=100"`
	// How many active tasks the agents report. A workspace with active tasks is hibernated only by force.
	Tasks int `yaml:"tasks,omitempty" json:"tasks,omitempty" jsonschema:"minimum=0,maximum=1000"`
	// Agents heartbeat without registering first, as if they had registered before.
	SkipRegister bool `yaml:"skip_register,omitempty" json:"skip_register,omitempty"`
	// Agents register only at the first start of their process. After a restart of the process, they only heartbeat.
	RegisterOnce bool `yaml:"register_once,omitempty" json:"register_once,omitempty"`
	// Agents continue after a 404 or 410, which say that their workspace is gone.
	IgnoresGone bool `yaml:"ignores_gone,omitempty" json:"ignores_gone,omitempty"`
	// Interval of the heartbeats of the group's agents. Default: that of the settings.
	BeatEvery Duration `yaml:"beat_every,omitempty" json:"beat_every,omitempty" duration:"positive"`
	// By how much a heartbeat may be earlier or later, drawn from the seed.
	BeatJitter Duration `yaml:"beat_jitter,omitempty" json:"beat_jitter,omitempty" duration:"positive"`

	// When the first workspace of the group is created.
	CreateAt Duration `yaml:"create_at,omitempty" json:"create_at,omitempty"`
	// The group whose names these workspaces get, after its own were deleted. A controller that identifies workspaces by name
	// confuses them.
	SameNamesAs string `yaml:"same_names_as,omitempty" json:"same_names_as,omitempty"`
	// Interval between the creations of the group's workspaces.
	CreateEvery Duration `yaml:"create_every,omitempty" json:"create_every,omitempty"`
	// Fixes phases of the cold boot. The others are drawn from the provider's and the runtime's profile.
	Boot *Boot `yaml:"boot,omitempty,flow" json:"boot,omitempty"`
}

// Boot fixes how long phases of every cold boot of the group take.
type Boot struct {
	// The image pull.
	ImagePull Duration `yaml:"image_pull,omitempty" json:"image_pull,omitempty" duration:"positive"`
	// The start of the agent's process.
	AgentStart Duration `yaml:"agent_start,omitempty" json:"agent_start,omitempty" duration:"positive"`
	// The LLM provider's preflight.
	Preflight Duration `yaml:"preflight,omitempty" json:"preflight,omitempty" duration:"positive"`
	// The whole boot, from the launch to the first heartbeat. Phases that are left out share what remains.
	Total Duration `yaml:"total,omitempty" json:"total,omitempty" duration:"positive"`
	// The phase in which the boot dies; no agent ever starts.
	Dies string `yaml:"dies,omitempty" json:"dies,omitempty" names:"phase"`
}

// Act is something that the operator does to workspaces, once or several times.
type Act struct {
	// When it happens.
	At Duration `yaml:"at" json:"at"`
	// What the operator does.
	Do string `yaml:"do" json:"do" names:"act"`
	// The group that it applies to. Default: all groups.
	Group string `yaml:"group,omitempty" json:"group,omitempty"`
	// Applies only to this number of workspaces, the first of the group, or of the fleet if no group is given.
	First int `yaml:"first,omitempty" json:"first,omitempty" jsonschema:"minimum=1"`
	// Applies only to the workspace with this number, counted from 1, of the group, or of the fleet if no group is given.
	Only int `yaml:"only,omitempty" json:"only,omitempty" jsonschema:"minimum=1"`
	// How many times it is done, if more than once. Requires every.
	Times int `yaml:"times,omitempty" json:"times,omitempty" jsonschema:"minimum=2,maximum=1000"`
	// Interval between those times.
	Every Duration `yaml:"every,omitempty" json:"every,omitempty" duration:"positive"`
}

// Fault is something that goes wrong between two moments.
type Fault struct {
	// What goes wrong. It decides which other fields are required and allowed.
	Kind string `yaml:"kind" json:"kind" names:"fault"`
	// When it begins.
	From Duration `yaml:"from,omitempty" json:"from,omitempty"`
	// When it ends. Required for kinds that last; not allowed for those that strike once.
	Until Duration `yaml:"until,omitempty" json:"until,omitempty" duration:"positive"`
	// The group that it strikes. Default: all groups.
	Group string `yaml:"group,omitempty" json:"group,omitempty"`
	// Strikes only this number of workspaces, the first of the group, or of the fleet if no group is given.
	First int `yaml:"first,omitempty" json:"first,omitempty" jsonschema:"minimum=1"`
	// Strikes only the workspace with this number, counted from 1, of the group, or of the fleet if no group is given.
	Only int `yaml:"only,omitempty" json:"only,omitempty" jsonschema:"minimum=1"`
	// The controller replica that it strikes, counted from 1. Default: all replicas.
	Replica int `yaml:"replica,omitempty" json:"replica,omitempty" jsonschema:"minimum=1,maximum=5"`
	// Limits network faults to HTTP calls, store faults and crashes to store operations, and cloud faults to cloud calls.
	// Default: all calls.
	Calls []string `yaml:"calls,omitempty" json:"calls,omitempty" names:"call" jsonschema:"minItems=1,uniqueItems=true"`
	// Strikes only these occurrences of the calls within the window, counted from 1 for each workspace. Default: all
	// occurrences.
	Nth []int `yaml:"nth,omitempty" json:"nth,omitempty" jsonschema:"minItems=1,uniqueItems=true,minimum=1"`
	// Strikes each occurrence with this probability, drawn from the seed.
	Percent int `yaml:"percent,omitempty" json:"percent,omitempty" jsonschema:"minimum=1,maximum=100"`
	// How much slower calls are (delay, cloud-slow, llm-slow, store-slow), at most (reorder); how much later the second
	// request is (duplicate); how long a step is delayed (stall, preempt); or how long a crashed process stays down (crash,
	// postgres-crash, postgres-restart).
	Delay Duration `yaml:"delay,omitempty" json:"delay,omitempty" duration:"positive"`
	// How far the clock is off. Negative is behind.
	By Duration `yaml:"by,omitempty" json:"by,omitempty" duration:"signed"`
	// Whether a crash or a delay strikes before or after the step takes effect. Default: before.
	When string `yaml:"when,omitempty" json:"when,omitempty" names:"moment"`
}

// Expect makes a scenario honest: a run in which the race it is about did not take place is inconclusive, not held. What it says
// must never be, at most, or by some time, is a promise of the scenario's own beside those of every run.
type Expect struct {
	// Lifecycle events that must have happened at least once.
	Events []string `yaml:"events,omitempty" json:"events,omitempty" names:"event" jsonschema:"minItems=1,uniqueItems=true"`
	// Acts that the controller may refuse. A refusal of any other act makes the run inconclusive, since its purpose was not
	// achieved.
	Refused []string `yaml:"refused,omitempty,flow" json:"refused,omitempty" names:"act" jsonschema:"minItems=1,uniqueItems=true"`
	// How many workspaces must be in which status at the end. Another count makes the run inconclusive, unless an invariant
	// is violated.
	Statuses map[string]int `yaml:"statuses,omitempty,flow" json:"statuses,omitempty" names:"status" jsonschema:"minimum=0"`
	// Lifecycle events that must never happen. A run in which one happens is violated.
	Never []string `yaml:"never,omitempty" json:"never,omitempty" names:"event" jsonschema:"minItems=1,uniqueItems=true"`
	// How many times workspaces may enter a status, all of them together. More often is violated.
	AtMost map[string]int `yaml:"at_most,omitempty,flow" json:"at_most,omitempty" names:"status" jsonschema:"minimum=0"`
	// When every workspace must have been online at the latest. A run in which one was not is violated.
	OnlineBy Duration `yaml:"online_by,omitempty" json:"online_by,omitempty" duration:"positive"`
	// Promises about groups.
	Groups []GroupExpect `yaml:"groups,omitempty" json:"groups,omitempty" jsonschema:"minItems=1"`
}

// GroupExpect is what must be so of one group.
type GroupExpect struct {
	// The group.
	Group string `yaml:"group" json:"group"`
	// Lifecycle events that must never happen to its workspaces.
	Never []string `yaml:"never,omitempty" json:"never,omitempty" names:"event" jsonschema:"minItems=1,uniqueItems=true"`
	// How many times its workspaces may enter a status, all of them together.
	AtMost map[string]int `yaml:"at_most,omitempty,flow" json:"at_most,omitempty" names:"status" jsonschema:"minimum=0"`
	// When all its workspaces must have been online at the latest.
	OnlineBy Duration `yaml:"online_by,omitempty" json:"online_by,omitempty" duration:"positive"`
}
