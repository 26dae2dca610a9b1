package live

import (
	"encoding/json"
	"strconv"
	"sync"
	"time"

	"github.com/google/uuid"

	"github.com/bootrace/bootrace/controller/cloud/ec2"
	"github.com/bootrace/bootrace/controller/wire"
	"github.com/bootrace/bootrace/fakeprovider/ec2wire"
	"github.com/bootrace/bootrace/harness/child"
	"github.com/bootrace/bootrace/harness/fault"
	"github.com/bootrace/bootrace/harness/history"
	programs "github.com/bootrace/bootrace/harness/live/machine"
	"github.com/bootrace/bootrace/harness/operator"
	"github.com/bootrace/bootrace/harness/plan"
)

// machine is where one incarnation's agent boots and runs: one of the cloud's, or an external workspace's own.
type machine struct {
	world *world
	id    string // empty for an external workspace's
	ws    int    // negative for a twin's, 0 for nobody's
	inc   int

	env map[string]string // of its program, where that is a process

	mu         sync.Mutex
	process    body
	done       <-chan struct{} // closed when the process is gone that was the last
	ended      bool            // it must not run any more
	up         bool            // its agent has begun
	pulled     bool            // its image is there
	stalled    bool            // its agent is stopped
	paused     bool            // all of it is
	starved    bool            // its agent was killed for want of memory, and is to be started again
	restarting bool            // the container is
}

// note notes what happened to the machine.
func (b *machine) note(phase string, at time.Duration) {
	b.world.notes.add(at, history.Event{Kind: history.Machine, WS: b.ws, Inc: b.inc, Machine: b.id, Phase: phase})
}

// The tags by which the EC2 cloud names a machine's owner.
const (
	tagWorkspace   = "bootrace:workspace"
	tagIncarnation = "bootrace:incarnation"
)

// launched is told by the fake EC2 of a machine that begins to boot. The machine of a workspace that is not the plan's, or
// of a twin, stays dark.
func (w *world) launched(m ec2wire.Machine) {
	b := &machine{world: w, id: m.ID}
	b.inc, _ = strconv.Atoi(m.Tags[tagIncarnation]) // whoever launched it without is nobody of the plan's
	owner, err := uuid.Parse(m.Tags[tagWorkspace])
	if err == nil {
		b.ws = w.number(owner)
	}
	w.mu.Lock()
	w.machines[m.ID] = b
	if b.ws > 0 {
		w.members[b.ws-1].machine = b
	}
	w.mu.Unlock()
	b.note(history.Launched, w.clock.now())
	if b.ws <= 0 {
		return
	}
	env, err := ec2.BootEnv(m.UserData)
	if err != nil {
		w.broken("machine %s cannot be booted: %w", m.ID, err)
		return
	}
	b.boot(env)
}

// stopped is told by the fake EC2 of a machine that ends.
func (w *world) stopped(m ec2wire.Machine) {
	b := w.machineByID(m.ID)
	if b == nil {
		return
	}
	how := history.Terminated
	if m.Reason == ec2wire.HostFailure {
		how = history.Died
	}
	b.note(how, w.clock.now())
	b.end()
}

func (w *world) machineByID(id string) *machine {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.machines[id]
}

// machineOf is the newest machine of the workspace, or nil.
func (w *world) machineOf(m *member) *machine {
	w.mu.Lock()
	defer w.mu.Unlock()
	return m.machine
}

// config is how the machine's program boots and lives.
func (b *machine) config() programs.Config {
	w := b.world
	p := w.members[b.ws-1].plan
	c := programs.Config{
		Speed: w.clock.speed, Boot: p.Boot(b.inc), Launched: time.Now(), Provider: p.Provider, LLM: w.llmURL, Workspace: b.ws, Inc: b.inc,
		Interval: plan.Duration(w.plan.Beat(p)), URL: operator.AgentURL(b.ws),
		SkipRegister: p.SkipRegister, IgnoresGone: p.IgnoresGone, Swallow: w.options.Defect.SwallowsErrors(), ErrorPercent: p.ErrorPercent,
		Tasks: p.Tasks,
	}
	b.mu.Lock()
	if b.pulled {
		c.Boot = c.Boot.Again()
	}
	b.mu.Unlock()
	for _, x := range w.faults.set.All {
		if x.Kind == "agent-sick" && x.Hits(b.ws) {
			c.Sick = append(c.Sick, programs.Sick{
				Fault: x.Number, From: w.clock.wall(time.Duration(x.From)), Until: w.clock.wall(time.Duration(x.Until)),
			})
		}
	}
	return c
}

// boot starts the machine's program, unless the machine is short of memory.
func (b *machine) boot(env map[string]string) {
	b.env = env
	if b.id != "" && b.unfed() {
		return
	}
	c := b.config()
	if err := b.world.llm.expect(env[wire.EnvWorkspaceID], time.Duration(c.Boot.Preflight), c.Boot.Refusals); err != nil {
		b.world.broken("machine %s: %w", b.id, err)
	}
	b.start(c)
}

func (b *machine) start(c programs.Config) {
	w := b.world
	path, args, err := w.options.program(CommandAgent)
	if err != nil {
		w.broken("%w", err)
		return
	}
	program := child.Program{Path: path, Args: args, Config: c, Heard: b.heard}
	for name, value := range b.env {
		program.Env = append(program.Env, name+"="+value)
	}
	// Forking takes a moment, in which whoever launched the machine need not wait.
	w.tasks.Go(func() {
		b.mu.Lock()
		defer b.mu.Unlock()
		if b.ended || w.ctx.Err() != nil {
			return
		}
		p, err := w.nursery.Start(program)
		switch {
		case err == nil:
			b.process, b.done = &process{Process: p}, p.Done()
			if b.pauses() {
				b.paused = b.process.Pause() == nil
			}
		case w.ctx.Err() == nil:
			w.broken("machine %s: %w", b.id, err)
		}
	})
}

// heard notes what the program reports.
func (b *machine) heard(line []byte) {
	w := b.world
	var x programs.Report
	if err := json.Unmarshal(line, &x); err != nil {
		w.broken("machine %s says what cannot be understood: %w", b.id, err)
		return
	}
	e := history.Event{WS: b.ws, Inc: b.inc, Machine: b.id, Phase: x.Phase}
	switch x.Kind {
	case programs.Again:
		e.Kind, e.Phase = history.Machine, history.Restarted
	case programs.Booting:
		e.Kind = history.Boot
		if x.Phase == history.ImagePulled {
			b.mu.Lock()
			b.pulled = true
			b.mu.Unlock()
		}
	case programs.Agent:
		e.Kind = history.Agent
		b.mu.Lock()
		b.up = x.Phase == history.Started
		b.mu.Unlock()
		if x.Phase == history.Started {
			b.stallIfDue()
		}
	case programs.Unanswered:
		if b.world.site != nil {
			b.world.site.unanswered(b, x.Call, x.Sent, x.At)
		}
		return
	case programs.Slow:
		hits := func(f *fault.Fault) bool { return f.Hits(b.ws) }
		if !w.faults.stopped(x.Window, hits, "agent-stall", "machine-pause") {
			w.slow.addProcess(history.ActorAgent, b.ws, x.Window)
		}
		return
	case programs.Struck:
		e = history.Event{Kind: history.Fault, Fault: x.Fault, WS: b.ws, Phase: history.Struck}
	}
	if b.ws != 0 {
		w.notes.add(w.clock.at(x.At), e)
	}
}

// end kills the program, and keeps it from being started.
func (b *machine) end() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.ended = true
	if b.process != nil {
		b.process.Kill()
	}
}

// die ends the machine, as a host that fails does.
func (b *machine) die() bool {
	if b.world.site != nil {
		b.end() // Docker tells of its death
	} else {
		b.world.cloud.End(b.id, ec2wire.HostFailure) //nolint:errcheck // a machine that is unknown by now is dead, too
	}
	return true
}

// live reports whether the machine runs.
func (b *machine) live() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return !b.ended
}

// strayNaps is how often a stray agent naps before somebody notices and stops it.
const strayNaps = 5

// stray starts an agent for an id that nobody created.
func (w *world) stray() {
	b := &machine{world: w}
	c := programs.Config{
		Speed: w.clock.speed, Interval: plan.Duration(w.plan.Settings.Heartbeat()), URL: "http://stray.internal:8000",
		Awake: true, Naps: strayNaps,
	}
	b.env = map[string]string{wire.EnvWorkspaceID: uuid.NewString(), wire.EnvPlatformURL: w.gateway.url}
	b.start(c)
}

// external starts the agent of an external workspace, which no machine of the cloud's runs.
func (w *world) external(m *member, token string) {
	b := &machine{world: w, ws: m.number, inc: 1}
	w.mu.Lock()
	m.machine = b
	id := m.id
	w.mu.Unlock()
	b.boot(map[string]string{wire.EnvWorkspaceID: id.String(), wire.EnvPlatformURL: w.gateway.url, wire.EnvToken: token})
}
