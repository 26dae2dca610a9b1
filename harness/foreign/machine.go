package foreign

import (
	"context"
	"time"

	"github.com/bootrace/bootrace/harness/agent"
	"github.com/bootrace/bootrace/harness/history"
	"github.com/bootrace/bootrace/harness/plan"
)

// machine is where one incarnation's agent boots and runs: a goroutine.
type machine struct {
	*caller
	member  *member
	launch  launch // whose id is empty where the target launched none
	inc     int
	ctx     context.Context //nolint:containedctx // it is the machine's life
	end     context.CancelFunc
	started time.Time // the agent
}

// boot begins the incarnation's boot, with the token where it has one.
func (m *member) boot(ctx context.Context, inc int, x launch, token string) {
	w := m.world
	ctx, end := context.WithCancel(ctx)
	b := &machine{member: m, launch: x, inc: inc, ctx: ctx, end: end}
	b.caller = &caller{world: w, ctx: ctx, actor: history.ActorAgent, ws: m.number, inc: inc}
	w.mu.Lock()
	m.machine = b
	if x.id != "" {
		w.machines[x.id] = b
	}
	workspace := m.id
	w.mu.Unlock()
	w.spawn(func() {
		defer end()
		if b.boot(m.plan.Boot(inc), workspace) {
			b.live(workspace, token)
		}
	})
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
		if !b.pass(phase.name, phase.takes, workspace) {
			return false
		}
		if how.Dies == phase.name {
			b.tell(history.Boot, history.BootDied)
			return false
		}
		for phase.name == "preflight" && b.refused() {
			if !sleep(b.ctx, plan.PreflightRetry) {
				return false
			}
		}
		b.tell(history.Boot, phase.done)
	}
	return true
}

// pass lets a phase take its time: a preflight by being made, where there are providers to make it at, and until it is
// answered. It reports false where the boot ends before.
func (b *machine) pass(phase string, takes time.Duration, workspace string) bool {
	fakes := b.world.session.fakes
	if phase != "preflight" || fakes == nil {
		return sleep(b.ctx, takes)
	}
	for fakes.preflight(b.ctx, workspace, b.member.plan.Provider, takes) != nil {
		if !sleep(b.ctx, plan.PreflightRetry) {
			return false
		}
	}
	return b.ctx.Err() == nil
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
	b.started = time.Now()
	b.tell(history.Agent, history.Started)
	agent.Run(b, agent.Config{
		WorkspaceID: workspace, Token: token, Interval: w.plan.Settings.Heartbeat(), SkipRegister: b.member.plan.SkipRegister,
		URL: w.session.agentURL,
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
	if b == nil || b.ctx.Err() != nil {
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
	w := m.world
	w.mu.Lock()
	b := m.machine
	w.mu.Unlock()
	if b != nil && b.launch.id != "" {
		return w.session.end(b.launch)
	}
	return m.stop(history.Died)
}

// Sleep implements agent.World. A stalled agent sleeps on.
func (b *machine) Sleep(d time.Duration) bool {
	for sleep(b.ctx, d) {
		b.world.mu.Lock()
		d = b.world.faults.Stalled(b.member.number)
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
	return agent.Report{}
}

// Uptime implements agent.World.
func (b *machine) Uptime() time.Duration { return time.Since(b.started) }
