package generate

import (
	"time"

	"github.com/bootrace/bootrace/controller"
	"github.com/bootrace/bootrace/controller/lifecycle"
	"github.com/bootrace/bootrace/harness/plan"
)

// Aim is a meeting that a plan is drawn for: a workspace that goes along an edge of the lifecycle while a tick is at work.
type Aim struct {
	Event lifecycle.Event
	From  lifecycle.Status
	Tick  string
	// Position is where in its turn the tick is then: "before" all of its steps into the store, "between" two of them, or
	// "after" all of them.
	Position string
}

// Times of aimed plans. What is aimed at happens late enough for everything that leads there, and the tick is held up for longer
// than it pauses between two turns, so that it is at work at that moment.
const (
	aimAt     = 7 * time.Minute
	aimBudget = 2 * time.Minute
	aimTTL    = 90 * time.Second
	aimHold   = 75 * time.Second
)

// Aimed draws a plan in which the meeting is likely, if it is possible at all.
func Aimed(draw Draw, s Strategy, aim Aim) *plan.Plan {
	g := newGenerator(draw)
	g.plan.Settings = plan.Settings{ProvisionTimeout: plan.Duration(aimBudget), LivenessTTL: plan.Duration(aimTTL)}
	a := &aimer{generator: g, aim: aim, at: aimAt + time.Duration(draw("aim at", 60))*time.Second}
	a.subject = plan.Workspace{Name: "w1-1", Group: "w1", Provider: "kimi", Runtime: runtimes[0]}
	a.lead()
	if a.subject.Boots == nil {
		a.boots(30 * time.Second)
	}
	g.plan.Workspaces = []plan.Workspace{a.subject}
	a.hold()
	g.moments = append(g.moments, a.at)
	g.schedule(s)
	return g.finish()
}

// aimer leads one workspace to where it goes along the edge at about the time.
type aimer struct {
	*generator
	aim     Aim
	at      time.Duration
	subject plan.Workspace
}

// acts are the operator's, by the events that they bring about.
var acts = map[lifecycle.Event]string{
	lifecycle.Pause: "pause", lifecycle.Resume: "resume", lifecycle.ResumeExternal: "resume", lifecycle.Hibernate: "hibernate",
	lifecycle.Wake: "wake", lifecycle.Restart: "restart", lifecycle.Remove: "delete", lifecycle.BootstrapFailed: "bootstrap-failed",
}

// lead has the workspace come to the edge's status, and the event happen there.
func (a *aimer) lead() {
	a.reports()
	switch a.aim.From {
	case lifecycle.None:
		a.subject.External, a.subject.KnownURL = a.aim.Event != lifecycle.Create, a.aim.Event == lifecycle.CreateExternal
		a.created(0)
	case lifecycle.Provisioning:
		a.booting()
	case lifecycle.AwaitingAgent:
		a.subject.External = true
		if a.aim.Event.ProofOfLife() {
			a.created(40 * time.Second)
			a.boots(40 * time.Second)
		} else {
			a.created(30 * time.Second)
			a.boots(10 * time.Minute)
		}
	case lifecycle.Online, lifecycle.Degraded:
		a.up(2 * time.Minute)
	case lifecycle.Offline:
		a.silent()
	case lifecycle.Failed:
		a.created(aimBudget + 2*time.Minute)
		a.boots(aimBudget + 10*time.Minute)
		if a.aim.Event.ProofOfLife() {
			a.boots(aimBudget + 2*time.Minute - 3*time.Second) // and the launch
		}
	case lifecycle.Paused:
		a.subject.External = a.aim.Event == lifecycle.ResumeExternal
		a.created(2 * time.Minute)
		a.does("pause", 95*time.Second)
	case lifecycle.Hibernating:
		a.up(2 * time.Minute)
		a.does("hibernate", 3*time.Second)
		if a.aim.Event == lifecycle.Remove { // which it must still be
			a.strikes("cloud-throttle", 10*time.Second, -30*time.Second, "terminate")
		}
		if a.aim.Event == lifecycle.MachineStopped {
			a.strikes("cloud-slow", 10*time.Second, -30*time.Second, "terminate")
			a.last().Delay = plan.Duration(3 * time.Second)
		}
	case lifecycle.Hibernated:
		a.up(3 * time.Minute)
		a.does("hibernate", 95*time.Second)
	default:
	}
	if do := acts[a.aim.Event]; do != "" {
		a.does(do, 0)
	}
}

// reports has the agent send the kind of proof of life that the event is.
func (a *aimer) reports() {
	switch a.aim.Event {
	case lifecycle.BeatRough:
		a.subject.ErrorPercent = 30
	case lifecycle.BeatSick:
		a.subject.ErrorPercent = 80
	default:
	}
	beat := a.aim.Event.ProofOfLife() && a.aim.Event != lifecycle.Register
	a.subject.SkipRegister = beat && a.aim.From != lifecycle.Online
	if a.aim.From == lifecycle.Degraded && !beat {
		a.subject.ErrorPercent = 80
	}
}

// booting has the workspace be in the middle of its boot.
func (a *aimer) booting() {
	switch a.aim.Event {
	case lifecycle.ProvisionTimeout:
		a.created(aimBudget + 10*time.Second)
		a.boots(aimBudget + 10*time.Minute)
	case lifecycle.LaunchFailed:
		a.created(3 * time.Second)
		a.strikes("cloud-refuses", 5*time.Second, -30*time.Second)
	default:
		if a.aim.Event.ProofOfLife() {
			a.created(100 * time.Second) // launched before anything is held up
			a.boots(96 * time.Second)
			return
		}
		a.created(30 * time.Second)
		a.boots(90 * time.Second)
	}
}

// up has the workspace be online, or degraded, for so long when the moment comes.
func (a *aimer) up(before time.Duration) {
	a.created(before + 40*time.Second)
	switch a.aim.Event {
	case lifecycle.Beat: // out of degraded: it recovers
		a.subject.SkipRegister = false
		a.strikes("agent-sick", before, 10*time.Second)
	case lifecycle.BeatSick: // it falls sick
		a.subject.ErrorPercent = 0
		a.strikes("agent-sick", 15*time.Second, -time.Minute)
	case lifecycle.Silence:
		a.strikes("agent-stall", aimTTL-5*time.Second, -2*time.Minute)
	default:
	}
}

// silent has the workspace be offline: what it hears from its agent then is a beat, or, of one that never called, a register.
func (a *aimer) silent() {
	if a.aim.Event == lifecycle.Register {
		a.subject.External, a.subject.KnownURL = true, true
		a.created(220 * time.Second)
		a.boots(220 * time.Second)
		return
	}
	a.created(5 * time.Minute)
	until := -2 * time.Minute
	if a.aim.Event.ProofOfLife() {
		until = 3 * time.Second
		a.subject.SkipRegister = false
	}
	a.strikes("agent-stall", 4*time.Minute, until)
}

// created has the workspace be created so long before the moment.
func (a *aimer) created(before time.Duration) { a.subject.CreateAt = plan.Duration(a.at - before) }

// boots gives the workspace a boot of the length, faults and launch aside.
func (a *aimer) boots(total time.Duration) {
	preflight := (total * 2 / 3).Truncate(time.Second)
	a.subject.Boots = []plan.Boot{{
		ImagePull: plan.Duration(total - preflight - 2*time.Second), AgentStart: plan.Duration(2 * time.Second), Preflight: plan.Duration(preflight),
	}}
}

// does has the operator act on the workspace so long before the moment.
func (a *aimer) does(do string, before time.Duration) {
	a.plan.Acts = append(a.plan.Acts, plan.Act{At: plan.Duration(a.at - before), Do: do, Workspace: 1})
}

// strikes has a fault strike the workspace from so long before the moment until so long before it.
func (a *aimer) strikes(kind string, from, until time.Duration, calls ...string) {
	a.plan.Faults = append(a.plan.Faults, plan.Fault{
		Kind: kind, From: plan.Duration(a.at - from), Until: plan.Duration(a.at - until), Workspaces: []int{1}, Calls: calls,
	})
}

// last is the fault that was added last.
func (a *aimer) last() *plan.Fault { return &a.plan.Faults[len(a.plan.Faults)-1] }

// makers are the ticks that events are brought about by: another replica's meets them.
var makers = map[lifecycle.Event]string{
	lifecycle.ProvisionTimeout: controller.TickProvisionSweep, lifecycle.Silence: controller.TickLivenessSweep,
	lifecycle.LaunchFailed: controller.TickLauncher, lifecycle.MachineStopped: controller.TickLauncher,
}

// hold has the tick be where it is to be met. A second workspace gives it something to do.
func (a *aimer) hold() {
	other := plan.Workspace{
		Name: "w2-1", Group: "w2", Provider: "kimi", Runtime: runtimes[0],
		Boots: []plan.Boot{{ImagePull: plan.Duration(20 * time.Second), AgentStart: plan.Duration(2 * time.Second), Preflight: plan.Duration(8 * time.Second)}},
	}
	stall := plan.Fault{
		Kind: "stall", From: plan.Duration(a.at - aimHold), Until: plan.Duration(a.at + 30*time.Second), Calls: []string{a.aim.Tick},
		Delay: plan.Duration(aimHold),
	}
	if makers[a.aim.Event] == a.aim.Tick {
		a.plan.Controllers = 2
		stall.Replica = 2
	}
	switch a.aim.Position {
	case "between": // the cloud takes its time with the other workspace
		before := time.Duration(10+a.draw("launched before", 20)) * time.Second
		other.CreateAt = plan.Duration(a.at - before)
		stall = plan.Fault{
			Kind: "cloud-slow", From: other.CreateAt, Until: plan.Duration(a.at + time.Minute), Calls: []string{"launch"},
			Delay: plan.Duration(45 * time.Second), Workspaces: []int{2},
		}
	case "after":
		stall.When = "after"
	}
	a.plan.Workspaces = append(a.plan.Workspaces, other)
	a.plan.Faults = append(a.plan.Faults, stall)
}
