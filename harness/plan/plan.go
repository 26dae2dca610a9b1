package plan

import (
	"slices"
	"time"

	"github.com/bootrace/bootrace/controller"
	"github.com/bootrace/bootrace/harness/contract"
	"github.com/bootrace/bootrace/harness/oracle"
	"github.com/bootrace/bootrace/scenarios"
)

// Duration is a time.Duration that reads and writes as "9m30s".
type Duration = scenarios.Duration

// Plan is everything that determines a run. Workspaces, faults and replicas are numbered from 1 wherever a number names
// one.
type Plan struct {
	Name        string   `json:"name"`
	Seed        uint64   `json:"seed"`
	Duration    Duration `json:"duration"`
	Controllers int      `json:"controllers"`
	// Schedule is how it is chosen which task goes on: at random where empty, or by "pct".
	Schedule   string      `json:"schedule,omitempty"`
	Settings   Settings    `json:"settings"`
	Workspaces []Workspace `json:"workspaces"`
	Acts       []Act       `json:"acts,omitempty"`
	Faults     []Fault     `json:"faults,omitempty"`
	// Expect is what must have happened for the run to say anything.
	Expect *scenarios.Expect `json:"expect,omitempty"`
	// Live is set where the plan is carried out on wall-clock time.
	Live *Live `json:"live,omitempty"`
	// Cloud is where machines are: the fake cloud where it is empty, or EC2, whose wire the controller's own client speaks then.
	Cloud string `json:"cloud,omitempty"`
	// Contract is what the controller is judged by, where that is not the standard one.
	Contract *contract.Contract `json:"contract,omitempty"`
}

// Times returns the times that the plan's controller is judged by: the contract's, but for those that the plan sets.
func (p *Plan) Times() contract.Times {
	c := p.Contract
	if c == nil {
		c = standard
	}
	t, s := c.Times, p.Settings
	for _, f := range []struct {
		field *time.Duration
		value Duration
	}{
		{&t.ProvisionTimeout, s.ProvisionTimeout}, {&t.LivenessTTL, s.LivenessTTL}, {&t.Heartbeat, s.HeartbeatInterval},
		{&t.ProvisionSweepEvery, s.ProvisionSweepEvery}, {&t.LivenessSweepEvery, s.LivenessSweepEvery},
		{&t.ExternalTTL, s.ExternalTTL},
	} {
		if f.value > 0 {
			*f.field = time.Duration(f.value)
		}
	}
	if s.LaunchBatch > 0 {
		t.LaunchBatch = s.LaunchBatch
	}
	return t
}

var standard = contract.Standard()

// EC2 is the Cloud of plans that are played with the controller's EC2 client.
const EC2 = "ec2"

// Settings are the times that the parts of a run go by. Zero fields are the defaults.
type Settings struct {
	ProvisionTimeout  Duration `json:"provision_timeout,omitempty"`
	LivenessTTL       Duration `json:"liveness_ttl,omitempty"`
	HeartbeatInterval Duration `json:"heartbeat_interval,omitempty"`
	// Other times of a controller that somebody else runs, where they are not the contract's.
	ProvisionSweepEvery Duration `json:"provision_sweep_every,omitempty"`
	LivenessSweepEvery  Duration `json:"liveness_sweep_every,omitempty"`
	ExternalTTL         Duration `json:"external_ttl,omitempty"`
	// LaunchBatch and SweepBatch are the controller's: how many machines a turn of its launcher launches, and how many rows one
	// statement of a sweep moves.
	LaunchBatch int `json:"launch_batch,omitempty"`
	SweepBatch  int `json:"sweep_batch,omitempty"`
	// FirstTurns is when ticks take their first turns after a start: [scenarios.AtOnce], [scenarios.AfterInterval], or at a drawn time where it is empty.
	FirstTurns string `json:"first_turns,omitempty"`
}

// Controller returns the controller's settings, in full.
func (s Settings) Controller() controller.Settings {
	return controller.Settings{
		ProvisionTimeout: time.Duration(s.ProvisionTimeout), LivenessTTL: time.Duration(s.LivenessTTL),
		ProvisionSweepEvery: time.Duration(s.ProvisionSweepEvery), LivenessSweepEvery: time.Duration(s.LivenessSweepEvery),
		ExternalTTL: time.Duration(s.ExternalTTL), LaunchBatch: s.LaunchBatch, SweepBatch: s.SweepBatch,
	}.WithDefaults()
}

// defaultHeartbeat is the contract's interval.
const defaultHeartbeat = 30 * time.Second

// Heartbeat returns how often agents beat.
func (s Settings) Heartbeat() time.Duration {
	if s.HeartbeatInterval > 0 {
		return time.Duration(s.HeartbeatInterval)
	}
	return defaultHeartbeat
}

// Beat is how often the agent of the workspace beats.
func (p *Plan) Beat(w *Workspace) time.Duration {
	if w.BeatEvery > 0 {
		return time.Duration(w.BeatEvery)
	}
	return p.Settings.Heartbeat()
}

// Workspace is one member of the fleet. Its number is its place in the plan, from 1.
type Workspace struct {
	Name     string `json:"name"` // unique in the plan, but for those that are created under the name of one that was deleted
	Group    string `json:"group"`
	Provider string `json:"provider"`
	Runtime  string `json:"runtime"`
	External bool   `json:"external,omitempty"`
	// Parent is the number of the workspace that it is created below, which is created no later; 0 is none.
	Parent int `json:"parent,omitempty"`
	// What its scenario says of its agent.
	KnownURL     bool `json:"known_url,omitempty"`
	ErrorPercent int  `json:"error_percent,omitempty"`
	// Tasks is how many active tasks its agent reports; where 0, simulated agents have some from time to time.
	Tasks        int  `json:"tasks,omitempty"`
	SkipRegister bool `json:"skip_register,omitempty"`
	// RegisterOnce has its agent try to register once, and only beat from then on, also where its process starts again.
	RegisterOnce bool `json:"register_once,omitempty"`
	// IgnoresGone has its agent go on after a 404 or 410.
	IgnoresGone bool `json:"ignores_gone,omitempty"`
	// BeatEvery is how often its agent beats, where that is not the settings' interval, and BeatJitter by how much a beat may come
	// earlier or later.
	BeatEvery  Duration `json:"beat_every,omitempty"`
	BeatJitter Duration `json:"beat_jitter,omitempty"`

	CreateAt Duration `json:"create_at"`
	// Budget is how long its controller gives its boots, where that is neither the settings' nor the contract's.
	Budget Duration `json:"budget,omitempty"`
	// Boots are its cold boots, by incarnation; later incarnations boot like the last.
	Boots []Boot `json:"boots"`
}

// Boot is one cold boot.
type Boot struct {
	ImagePull  Duration `json:"image_pull"`
	AgentStart Duration `json:"agent_start"`
	Preflight  Duration `json:"preflight"`
	// Refusals are how many attempts at the preflight the provider refuses before it answers one.
	Refusals int `json:"refusals,omitempty"`
	// Dies names the phase in which the boot ends for good; empty where it succeeds.
	Dies string `json:"dies,omitempty"`
}

// PreflightRetry is how long an agent waits before it tries a refused preflight again (an assumption: the contract does
// not say), and PreflightRefusal how long the refusal takes to come.
const (
	PreflightRetry   = 10 * time.Second
	PreflightRefusal = 2 * time.Second
)

// Total is how long the boot takes from launch to the first heartbeat, faults aside.
func (b Boot) Total() time.Duration {
	return time.Duration(b.ImagePull) + time.Duration(b.AgentStart) + time.Duration(b.Preflight) +
		time.Duration(b.Refusals)*(PreflightRetry+PreflightRefusal)
}

// Again is the boot on a machine that has been through it before: what was pulled is there.
func (b Boot) Again() Boot {
	b.ImagePull = 0
	return b
}

// Boot returns the boot of the incarnation, from 1.
func (w Workspace) Boot(incarnation int) Boot {
	return w.Boots[min(max(incarnation, 1), len(w.Boots))-1]
}

// Above returns the workspaces that the one of the number is below: its parent, its parent's parent, and so on.
func (p *Plan) Above(number int) []int {
	var line []int
	for n := p.Workspaces[number-1].Parent; n > 0 && !slices.Contains(line, n); n = p.Workspaces[n-1].Parent {
		line = append(line, n)
	}
	return line
}

// Below returns the workspaces that are below the one of the number, in order.
func (p *Plan) Below(number int) []int {
	var all []int
	for i := range p.Workspaces {
		if p.Workspaces[i].Parent > 0 && slices.Contains(p.Above(i+1), number) {
			all = append(all, i+1)
		}
	}
	return all
}

// Generations is how many workspaces there are, at most, from one that is below nobody down to one that nobody is below,
// the first not counted: 0 where there are no parents.
func (p *Plan) Generations() int {
	most := 0
	for i := range p.Workspaces {
		most = max(most, len(p.Above(i+1)))
	}
	return most
}

// Act is something that the operator does to one workspace.
type Act struct {
	At        Duration `json:"at"`
	Do        string   `json:"do"`
	Workspace int      `json:"workspace"`
}

// Fault is a scenario's fault with its targets resolved.
type Fault struct {
	Kind       string   `json:"kind"`
	From       Duration `json:"from"`
	Until      Duration `json:"until,omitempty"`
	Workspaces []int    `json:"workspaces,omitempty"` // nil where it strikes all, or is not about workspaces
	Replica    int      `json:"replica,omitempty"`    // 0 where it strikes all
	Calls      []string `json:"calls,omitempty"`
	Nth        []int    `json:"nth,omitempty"`
	Percent    int      `json:"percent,omitempty"`
	Delay      Duration `json:"delay,omitempty"`
	By         Duration `json:"by,omitempty"`
	When       string   `json:"when,omitempty"`
}

// Clone returns a copy that shares nothing with the plan but what it expects.
func (p *Plan) Clone() *Plan {
	c := *p
	c.Workspaces = slices.Clone(p.Workspaces)
	for i := range c.Workspaces {
		c.Workspaces[i].Boots = slices.Clone(c.Workspaces[i].Boots)
	}
	c.Acts = slices.Clone(p.Acts)
	c.Faults = slices.Clone(p.Faults)
	for i := range c.Faults {
		f := &c.Faults[i]
		f.Workspaces, f.Calls, f.Nth = slices.Clone(f.Workspaces), slices.Clone(f.Calls), slices.Clone(f.Nth)
	}
	return &c
}

// PCT is the Schedule of package oracle's PCT.
const PCT = "pct"

// Oracle returns what makes the choices that the plan leaves to the run: its seed and schedule decide them.
func (p *Plan) Oracle() oracle.Oracle {
	purpose := "run/" + p.Name
	if p.Schedule == PCT {
		return oracle.NewPCT(p.Seed, purpose)
	}
	return oracle.NewRandom(p.Seed, purpose)
}

// End is when the fault is over, for good.
func (f Fault) End() time.Duration {
	end := time.Duration(max(f.From, f.Until))
	if f.Kind == "crash" || f.Kind == "delay" || f.Kind == "reorder" || f.Kind == "duplicate" || f.Kind == "store-slow" ||
		f.Kind == "cloud-slow" || f.Kind == "stall" || f.Kind == "preempt" || f.Kind == "postgres-crash" || f.Kind == "postgres-restart" ||
		f.Kind == "rate-limit" {
		end += time.Duration(f.Delay)
	}
	return end
}

// Momentary reports whether the fault strikes once and is over.
func (f Fault) Momentary() bool { return f.End() == time.Duration(f.From) }

// Healed is when the last fault is over.
func (p *Plan) Healed() time.Duration {
	var last time.Duration
	for _, f := range p.Faults {
		if f.Kind != "intruder" { // which hinders nobody
			last = max(last, f.End())
		}
	}
	return last
}
