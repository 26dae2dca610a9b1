package sim

import (
	"strconv"
	"time"

	"github.com/bootrace/bootrace/controller/cloud"
	"github.com/bootrace/bootrace/controller/wire"
	"github.com/bootrace/bootrace/harness/agent"
	"github.com/bootrace/bootrace/harness/history"
	"github.com/bootrace/bootrace/harness/operator"
	"github.com/bootrace/bootrace/harness/plan"
	"github.com/bootrace/bootrace/harness/sched"
)

// machine is where one incarnation's agent boots and runs: one of the cloud's, or an external workspace's own.
type machine struct {
	world   *world
	member  *member
	id      string // empty for an external workspace's
	inc     int
	token   string // to boot with
	pulled  bool   // its image is there
	process *sched.Process
	caller  *caller
	started time.Duration // the agent
	phase   int           // of its work
	runs    int           // of its agent that are over
	task    string        // what it is busy with
}

// launched boots the machine that the cloud launched. The machine of a workspace that is not the plan's, or of
// a twin, stays dark.
func (w *world) launched(m cloud.Machine, spec cloud.Spec, ws int) {
	w.add(history.Event{Kind: history.Machine, WS: ws, Inc: m.Incarnation, Machine: m.ID, Phase: history.Launched})
	if ws <= 0 {
		return
	}
	b := &machine{
		world: w, member: w.members[ws-1], id: m.ID, inc: m.Incarnation, token: spec.Env[wire.EnvToken],
		caller: w.newCaller(history.ActorAgent, ws, m.Incarnation),
	}
	b.member.machine = b
	b.member.keys.Booted(b.inc, b.token)
	w.machines[m.ID] = b
	if x := w.faults.Starved(ws); x != nil {
		b.process = w.process("machine " + m.ID)
		w.faults.starve(x, b)
		return
	}
	b.start()
}

// start boots the machine.
func (b *machine) start() {
	how := b.member.plan.Boot(b.inc)
	if b.pulled {
		how = how.Again()
	}
	b.process = b.world.process("machine " + b.id)
	b.process.Go("boot", func() { b.boot(how, b.token) })
}

// live reports whether the machine is one of the cloud's that it has not ended.
func (b *machine) live() bool {
	m, err := b.world.inventory.Describe(b.id)
	return err == nil && m.State.Live()
}

// restart boots a machine anew whose agent is gone.
func (b *machine) restart() {
	b.runs++
	b.record(history.Machine, history.Restarted)
	b.start()
}

// stopped terminates the machine, or lets it die, if it is live.
func (w *world) stopped(id, how string) bool {
	m, err := w.inventory.Describe(id)
	if err != nil || !w.inventory.Stop(id) {
		return false
	}
	ws := w.owner(m.WorkspaceID)
	w.ended[id] = w.sched.Now()
	w.add(history.Event{Kind: history.Machine, WS: ws, Inc: m.Incarnation, Machine: id, Phase: how})
	if how == history.Died {
		w.endOnWire(id)
	}
	if b := w.machines[id]; b != nil {
		b.process.Kill()
	}
	return true
}

// boot is a cold boot, and then the agent's life.
func (b *machine) boot(how plan.Boot, token string) {
	w := b.world
	phases := []struct {
		name  string
		done  string
		takes time.Duration
	}{
		{"image_pull", history.ImagePulled, time.Duration(how.ImagePull)},
		{"agent_start", history.AgentStarted, time.Duration(how.AgentStart)},
		{"preflight", history.PreflightDone, time.Duration(how.Preflight)},
	}
	for i, phase := range phases {
		if phase.name == "preflight" {
			b.refusals(how.Refusals)
			phase.takes += w.faults.LLMDelay(b.member.number)
		}
		b.pass(phase.takes)
		if i == 0 && b.id != "" {
			w.inventory.Run(b.id)
			b.pulled = how.Dies != phase.name
		}
		if how.Dies == phase.name {
			b.record(history.Boot, history.BootDied)
			return
		}
		if phase.name == "preflight" {
			// The provider must be there when the answer comes, too; otherwise the attempt was in vain.
			for w.faults.LLMRefuses(b.member.number) != nil {
				b.pass(plan.PreflightRetry)
				if w.faults.LLMRefuses(b.member.number) == nil {
					b.pass(phase.takes)
				}
			}
		}
		b.record(history.Boot, phase.done)
	}
	b.started = w.sched.Now()
	b.member.starts++
	b.record(history.Agent, history.Started)
	agent.Run(b, agent.Config{
		WorkspaceID: b.member.id.String(), Token: token, Interval: w.plan.Beat(b.member.plan),
		SkipRegister: b.member.plan.SkipRegister,
		RegisterOnce: b.member.plan.RegisterOnce, Again: b.runs > 0,
		IgnoresGone: b.member.plan.IgnoresGone,
		Swallow:     w.deployment.SwallowingAgents,
		URL:         operator.AgentURLAt(b.member.number, b.member.starts),
		Version:     strconv.Itoa(b.inc) + "." + strconv.Itoa(b.member.starts),
		CardEvery:   cardEvery,
	})
	b.record(history.Agent, history.Ended)
}

// cardEvery is how many heartbeats there are to one update of an agent's card. Assumed.
const cardEvery = 15

// refusals are the attempts at the preflight that the provider refuses, by the plan or by a fault.
func (b *machine) refusals(planned int) {
	w := b.world
	for refused := 0; refused < planned || w.faults.LLMRefuses(b.member.number) != nil; refused++ {
		b.pass(plan.PreflightRefusal + plan.PreflightRetry)
	}
}

// pass lets the time pass, and more of it where the machine is paused by then.
func (b *machine) pass(d time.Duration) {
	for w := b.world; ; {
		w.sched.Sleep(d)
		if d = w.faults.Paused(b.member.number); d <= 0 {
			return
		}
	}
}

func (b *machine) record(kind history.Kind, phase string) {
	b.world.add(history.Event{Kind: kind, WS: b.member.number, Inc: b.inc, Machine: b.id, Phase: phase})
}

// Sleep implements agent.World. A stalled agent sleeps on.
func (b *machine) Sleep(d time.Duration) bool {
	w := b.world
	if jitter := time.Duration(b.member.plan.BeatJitter); jitter > 0 && d == w.plan.Beat(b.member.plan) {
		d = max(d+w.latency(0, 2*jitter)-jitter, 0)
	}
	w.sched.Sleep(d)
	for {
		left := w.faults.Stalled(b.member.number)
		if left <= 0 {
			return true
		}
		w.sched.Sleep(left)
	}
}

// Call implements agent.World.
func (b *machine) Call(q agent.Request) (agent.Response, error) { return b.caller.call(q) }

// Report implements agent.World.
func (b *machine) Report() agent.Report {
	r := b.work()
	switch {
	case b.world.faults.Sick(b.member.number):
		sick(&r, b.member.number+b.inc)
	case b.member.plan.ErrorPercent > 0:
		r.ErrorRate, r.SampleError = float64(b.member.plan.ErrorPercent)/100, "some of its calls fail"
	}
	return r
}

// sick has the report say that the agent is: each of them in another way that the contract has.
func sick(r *agent.Report, which int) {
	switch which % 3 {
	case 0:
		r.Wedged = true
	case 1:
		r.ErrorRate, r.SampleError = 0.8, "the provider answers nonsense"
	default:
		r.ErrorRate, r.SampleError = 0.5, "every other call fails"
	}
}

// work is what the agent is busy with: another task every few heartbeats, and in between none.
func (b *machine) work() agent.Report {
	n := int(b.Uptime() / (4 * b.world.plan.Settings.Heartbeat()))
	if n != b.phase || n == 0 {
		b.phase, b.task = n, ""
		if n%3 > 0 {
			b.task = "task " + strconv.Itoa(n)
		}
	}
	if tasks := b.member.plan.Tasks; tasks > 0 {
		return agent.Report{ActiveTasks: tasks, CurrentTask: b.task}
	}
	return agent.Report{ActiveTasks: n % 3, CurrentTask: b.task}
}

// Uptime implements agent.World.
func (b *machine) Uptime() time.Duration { return b.world.sched.Now() - b.started }
