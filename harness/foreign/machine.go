package foreign

import (
	"context"
	"math/rand/v2"
	"time"

	"github.com/bootrace/bootrace/harness/agent"
	"github.com/bootrace/bootrace/harness/fault"
	"github.com/bootrace/bootrace/harness/history"
	"github.com/bootrace/bootrace/harness/plan"
)

// machine is where one incarnation's agent boots and runs: a goroutine.
type machine struct {
	*caller
	member  *member
	launch  launch // whose id is empty where the target launched none
	inc     int
	ctx     context.Context //nolint:containedctx // it is the agent's life
	end     context.CancelFunc
	started time.Time // the agent
	jitter  *rand.Rand

	token     string // the agent's; guarded by the world's lock, like what follows
	pulled    bool   // its image is there
	restarted bool   // its agent ran before, in another process
	starved   bool   // its agent was killed for want of memory, and is to be started again
}

// boot begins the incarnation's boot, with the token where it has one.
func (m *member) boot(inc int, x launch, token string) {
	(&machine{member: m, launch: x, inc: inc, token: token}).start()
}

// start boots the machine, unless it is short of memory.
func (b *machine) start() {
	m, w := b.member, b.member.world
	b.ctx, b.end = context.WithCancel(w.life)
	b.caller = &caller{world: w, ctx: b.ctx, actor: history.ActorAgent, ws: m.number, inc: b.inc, kept: map[string]string{}}
	w.mu.Lock()
	m.machine = b
	if b.launch.id != "" {
		w.machines[b.launch.id] = b
	}
	workspace, token := m.id, b.token
	how := m.plan.Boot(b.inc)
	if b.pulled {
		how = how.Again()
	}
	if x := w.faults.Starved(m.number); x != nil && !m.plan.External {
		b.starved = true
		w.faults.Strike(x, m.number)
	}
	starved := b.starved
	w.mu.Unlock()
	if starved {
		b.end()
		return
	}
	w.spawn(func() {
		defer b.end()
		if b.boot(how, workspace) {
			b.live(workspace, token)
		}
	})
}

// again starts the agent anew on a machine where it is gone.
func (b *machine) again() {
	b.world.mu.Lock()
	next := &machine{member: b.member, launch: b.launch, inc: b.inc, token: b.token, pulled: b.pulled, restarted: b.restarted || !b.started.IsZero()}
	b.world.mu.Unlock()
	if b.launch.id != "" {
		b.tell(history.Machine, history.Restarted)
	}
	next.start()
}

// kill ends the agent of the member's machine, which stays, and returns it; nil where none runs.
func (m *member) kill() *machine {
	b := m.current()
	if b == nil || m.plan.External || b.ctx.Err() != nil {
		return nil
	}
	b.end()
	b.tell(history.Agent, history.Ended)
	return b
}

// current is the member's machine, or nil.
func (m *member) current() *machine {
	m.world.mu.Lock()
	defer m.world.mu.Unlock()
	return m.machine
}

// starve kills the agent for want of memory.
func (m *member) starve() bool {
	b := m.kill()
	if b == nil {
		return false
	}
	m.world.mu.Lock()
	defer m.world.mu.Unlock()
	b.starved = true
	return true
}

// feed starts an agent again that was killed for want of memory, unless it still is.
func (m *member) feed() {
	w := m.world
	w.mu.Lock()
	b := m.machine
	up := b != nil && b.starved && w.faults.Starved(m.number) == nil
	if up {
		b.starved = false
	}
	w.mu.Unlock()
	if up {
		b.again()
	}
}

// Keep implements agent.Keeper.
func (b *machine) Keep(token string) {
	b.world.mu.Lock()
	defer b.world.mu.Unlock()
	b.token = token
}

// boot is a cold boot. It reports whether the agent comes up.
func (b *machine) boot(how plan.Boot, workspace string) bool {
	for _, phase := range []struct {
		name  string
		done  string
		takes time.Duration
	}{
		{"image_pull", history.ImagePulled, time.Duration(how.ImagePull)},
		{"agent_start", history.AgentStarted, time.Duration(how.AgentStart)},
		{"preflight", history.PreflightDone, time.Duration(how.Preflight)},
	} {
		if phase.name == "preflight" {
			phase.takes += b.late() + time.Duration(how.Refusals)*(plan.PreflightRefusal+plan.PreflightRetry)
		}
		if !b.phase(phase.name, phase.takes, workspace) {
			return false
		}
		if how.Dies == phase.name {
			b.tell(history.Boot, history.BootDied)
			return false
		}
		for phase.name == "preflight" && b.refused() {
			if !b.pass(plan.PreflightRetry) {
				return false
			}
		}
		if phase.name == "image_pull" {
			b.world.mu.Lock()
			b.pulled = true
			b.world.mu.Unlock()
		}
		b.tell(history.Boot, phase.done)
	}
	return true
}

// phase lets a phase take its time: a preflight by being made, where there are providers to make it at, and until it is
// answered. It reports false where the boot ends before.
func (b *machine) phase(name string, takes time.Duration, workspace string) bool {
	fakes := b.world.session.fakes
	if name != "preflight" || fakes == nil {
		return b.pass(takes)
	}
	for fakes.preflight(b.ctx, workspace, b.member.plan.Provider, takes) != nil {
		if !b.pass(plan.PreflightRetry) {
			return false
		}
	}
	return b.pass(0)
}

// late is how much longer a preflight takes that starts now.
func (b *machine) late() time.Duration {
	b.world.mu.Lock()
	defer b.world.mu.Unlock()
	return b.world.faults.LLMDelay(b.member.number)
}

// refused reports whether the LLM provider refuses a preflight now.
func (b *machine) refused() bool {
	b.world.mu.Lock()
	defer b.world.mu.Unlock()
	return b.world.faults.LLMRefuses(b.member.number) != nil
}

// live is the agent's life.
func (b *machine) live(workspace, token string) {
	w := b.world
	w.mu.Lock()
	b.started = time.Now()
	w.mu.Unlock()
	b.jitter = rand.New(rand.NewPCG(w.plan.Seed, uint64(b.member.number))) //nolint:gosec // agents only have to differ
	b.tell(history.Agent, history.Started)
	agent.Run(b, agent.Config{
		WorkspaceID: workspace, Token: token, Interval: w.plan.Beat(b.member.plan), SkipRegister: b.member.plan.SkipRegister,
		RegisterOnce: b.member.plan.RegisterOnce, Again: b.restarted, IgnoresGone: b.member.plan.IgnoresGone, URL: w.session.agentURL,
	})
	if b.ctx.Err() == nil {
		b.tell(history.Agent, history.Ended) // it was told that its workspace is gone
	}
}

func (b *machine) tell(kind history.Kind, phase string) {
	b.world.add(history.Event{Kind: kind, WS: b.member.number, Inc: b.inc, Machine: b.launch.id, Phase: phase})
}

// stop ends the member's machine, if it has one, and its agent with it. It reports whether there was one.
func (m *member) stop(how string) bool {
	w := m.world
	w.mu.Lock()
	b := m.machine
	m.machine = nil
	w.mu.Unlock()
	if b == nil || b.ctx.Err() != nil && !b.starved {
		return false
	}
	b.tell(history.Agent, history.Ended)
	if b.launch.id != "" {
		b.tell(history.Machine, how)
	}
	b.end()
	return true
}

// die lets the host of the member's machine fail.
func (m *member) die() bool {
	if b := m.current(); b != nil && b.launch.id != "" {
		return m.world.session.end(b.launch)
	}
	return m.stop(history.Died)
}

// Sleep implements agent.World. A stalled agent sleeps on, and one whose heartbeat was held has slept already.
func (b *machine) Sleep(d time.Duration) bool {
	if jitter := time.Duration(b.member.plan.BeatJitter); jitter > 0 && d == b.world.plan.Beat(b.member.plan) {
		d = max(d+time.Duration(b.jitter.Int64N(int64(2*jitter)))-jitter, 0)
	}
	d, b.held = max(d-b.held, 0), 0
	return b.sleep(d, (*fault.Set).Stalled)
}

// pass lets a boot's time pass, and more of it where the machine is paused by then.
func (b *machine) pass(d time.Duration) bool { return b.sleep(d, (*fault.Set).Paused) }

// sleep sleeps, and on for as long as a fault makes it.
func (b *machine) sleep(d time.Duration, longer func(*fault.Set, int) time.Duration) bool {
	for sleep(b.ctx, d) {
		b.world.mu.Lock()
		d = longer(b.world.faults, b.member.number)
		b.world.mu.Unlock()
		if d <= 0 {
			return true
		}
	}
	return false
}

// Report implements agent.World.
func (b *machine) Report() agent.Report {
	b.world.mu.Lock()
	defer b.world.mu.Unlock()
	if b.world.faults.Sick(b.member.number) {
		return agent.Report{ErrorRate: 0.8, SampleError: "the provider answers nonsense"}
	}
	if percent := b.member.plan.ErrorPercent; percent > 0 {
		return agent.Report{ErrorRate: float64(percent) / 100, SampleError: "some of its calls fail"}
	}
	return agent.Report{ActiveTasks: b.member.plan.Tasks}
}

// Uptime implements agent.World.
func (b *machine) Uptime() time.Duration { return time.Since(b.started) }
