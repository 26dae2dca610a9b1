package generate

import (
	"time"

	"github.com/bootrace/bootrace/controller"
	"github.com/bootrace/bootrace/harness/plan"
)

// delays are a fault's, around what the contract's times make interesting: the heartbeat of 30 s, the call time-out of
// 10 s, the launch's of 60 s.
var delays = []time.Duration{2 * time.Second, 8 * time.Second, 20 * time.Second, 45 * time.Second, 70 * time.Second}

// windows are a fault's: too short to matter, two heartbeats long, around the liveness TTL by less than a sweep and by a
// heartbeat, and well beyond it.
func (g *generator) windows() []time.Duration {
	const little = 5 * time.Second
	ttl, beat := g.ttl(), g.plan.Settings.Heartbeat()
	return []time.Duration{
		20 * time.Second, 2 * beat, ttl, ttl - little, ttl + little, ttl + beat - little, ttl - beat, ttl + 4*beat,
	}
}

// kinds are the faults that are drawn, by how simple they are.
var kinds = []func(*generator, *plan.Fault){
	(*generator).stall, (*generator).partition, (*generator).machineDeath, (*generator).crash, (*generator).lose,
	(*generator).late, (*generator).storeFault, (*generator).sick, (*generator).cloudFault, (*generator).agentStall,
	(*generator).llm, (*generator).clock, (*generator).strayAgent, (*generator).rateLimit, (*generator).doubt,
}

func (g *generator) fault() {
	var f plan.Fault
	f.From = plan.Duration(g.moment("fault"))
	kinds[g.draw("fault kind", len(kinds))](g, &f)
	g.plan.Faults = append(g.plan.Faults, f)
	g.moments = append(g.moments, time.Duration(f.From), f.End())
}

// lasts gives the fault a window.
func (g *generator) lasts(f *plan.Fault) {
	f.Until = f.From + plan.Duration(pick(g, "for", g.windows()...))
}

// someone limits the fault to one workspace, more often than not.
func (g *generator) someone(f *plan.Fault) {
	if n := len(g.plan.Workspaces); n > 1 && g.draw("limited", 3) > 0 {
		f.Workspaces = []int{1 + g.draw("to", n)}
	}
}

// sometimes limits the fault to some occurrences, or makes it a matter of luck.
func (g *generator) sometimes(f *plan.Fault) {
	switch g.draw("which", 4) {
	case 1:
		f.Nth = []int{1 + g.draw("nth", 3)}
	case 2:
		f.Percent = 50
	case 3:
		f.Nth = []int{1, 2}
	}
}

// stall is a preemption: one step of one call or tick is held up while everything else goes on.
func (g *generator) stall(f *plan.Fault) {
	f.Kind = "stall"
	g.lasts(f)
	f.Calls = []string{pick(g, "task", "heartbeat", controller.TickLivenessSweep, controller.TickProvisionSweep,
		controller.TickLauncher, "register", "delete", "restart", "pause", "hibernate", controller.TickOrphanSweep)}
	f.Delay = plan.Duration(pick(g, "delay", delays...))
	if g.draw("when", 3) == 2 { // what it has found is out of date when it goes on
		f.When = "after"
	}
	if g.draw("every step", 3) > 0 {
		f.Nth = []int{1 + g.draw("step", 6)}
	}
	g.someone(f)
}

func (g *generator) partition(f *plan.Fault) {
	f.Kind = "partition"
	g.lasts(f)
	g.someone(f)
}

func (g *generator) machineDeath(f *plan.Fault) {
	f.Kind = pick(g, "machine", "machine-death", "machine-restart")
	g.someone(f)
}

func (g *generator) crash(f *plan.Fault) {
	f.Kind = "crash"
	f.Delay = plan.Duration(pick(g, "down", 20*time.Second, 90*time.Second, 5*time.Second))
	if g.draw("crash at", 2) == 1 {
		f.Calls = []string{pick(g, "operation", "expire_boots", "apply", "heartbeat", "claim_launches", "attach_machine", "expire_silent", "release_machine")}
		f.When = pick(g, "when", "before", "after")
		f.Nth = []int{1 + g.draw("nth", 2)}
		f.Until = f.From + plan.Duration(3*time.Minute)
	}
	if g.plan.Controllers > 1 {
		f.Replica = g.draw("replica", g.plan.Controllers+1)
	}
}

func (g *generator) lose(f *plan.Fault) {
	f.Kind = pick(g, "lose", "lose-reply", "lose-request")
	g.lasts(f)
	// The reply to the creation of an external workspace carries the only copy of its token; who loses it has to start
	// over, and the operator here does not.
	f.Calls = []string{pick(g, "call", "heartbeat", "register", "delete", "restart", "pause", "resume", "hibernate")}
	g.sometimes(f)
	g.someone(f)
}

func (g *generator) late(f *plan.Fault) {
	f.Kind = pick(g, "late", "delay", "duplicate", "reorder")
	g.lasts(f)
	f.Calls = []string{pick(g, "call", "heartbeat", "register")}
	f.Delay = plan.Duration(pick(g, "delay", delays...))
	g.sometimes(f)
	g.someone(f)
}

// storeOperations are those that fail by themselves, the likeliest to matter first.
var storeOperations = []string{
	"heartbeat", "apply", "register", "expire_boots", "expire_silent", "claim_launches", "attach_machine", "release_machine", "defer_launch",
	"create", "get", "lookup", "children", "list", "update_card",
}

func (g *generator) storeFault(f *plan.Fault) {
	f.Kind = pick(g, "store", "store-error", "store-error-after-commit", "store-slow")
	g.lasts(f)
	if f.Kind == "store-slow" {
		f.Delay = plan.Duration(pick(g, "delay", delays[:3]...))
	}
	if g.draw("operations", 2) == 1 {
		f.Calls = []string{pick(g, "operation", storeOperations...)}
	}
	g.sometimes(f)
}

func (g *generator) sick(f *plan.Fault) {
	f.Kind = "agent-sick"
	f.Until = f.From + plan.Duration(pick(g, "for", 60*time.Second, 3*time.Minute))
	g.someone(f)
}

func (g *generator) cloudFault(f *plan.Fault) {
	f.Kind = pick(g, "cloud", "cloud-lost-reply", "cloud-slow", "cloud-throttle", "cloud-capacity", "cloud-refuses", "cloud-stale")
	if g.draw("from the start", 2) == 0 {
		f.From = 0
	}
	g.lasts(f)
	switch f.Kind {
	case "cloud-slow":
		f.Delay = plan.Duration(pick(g, "delay", delays...))
		f.Calls = []string{pick(g, "cloud call", "launch", "terminate")}
	case "cloud-lost-reply":
		f.Calls = []string{pick(g, "cloud call", "launch", "terminate")}
	case "cloud-throttle": // a list that fails says nothing either
		f.Calls = []string{pick(g, "cloud call", "launch", "terminate", "list", "describe")}
	}
	if f.Kind != "cloud-stale" {
		g.sometimes(f)
	}
	g.someone(f)
}

// doubt is a cloud that looks as if machines had ended.
func (g *generator) doubt(f *plan.Fault) {
	f.Kind = pick(g, "doubt", "describe-error", "list-truncated", "list-stale", "cloud-stale")
	g.lasts(f)
	if f.Kind == "describe-error" || f.Kind == "cloud-stale" {
		g.someone(f)
	}
}

func (g *generator) agentStall(f *plan.Fault) {
	f.Kind = pick(g, "silent", "agent-stall", "machine-pause", "agent-oom")
	g.lasts(f)
	g.someone(f)
}

func (g *generator) llm(f *plan.Fault) {
	f.Kind = pick(g, "llm", "llm-outage", "llm-slow", "llm-throttle")
	g.lasts(f)
	if f.Kind == "llm-slow" {
		f.Delay = plan.Duration(pick(g, "delay", delays...))
	}
	g.someone(f)
}

func (g *generator) clock(f *plan.Fault) {
	f.Kind = "clock"
	g.lasts(f)
	f.By = plan.Duration(pick(g, "by", time.Minute, -time.Minute, 15*time.Minute, -15*time.Minute))
	if g.plan.Controllers > 1 {
		f.Replica = g.draw("replica", g.plan.Controllers+1)
	}
}

func (g *generator) strayAgent(f *plan.Fault) { f.Kind = "stray-agent" }

func (g *generator) rateLimit(f *plan.Fault) {
	f.Kind = "rate-limit"
	g.lasts(f)
	f.Calls = []string{pick(g, "call", "register", "heartbeat")}
	f.Delay = plan.Duration(pick(g, "retry after", 0, 20*time.Second, 60*time.Second))
	g.sometimes(f)
	g.someone(f)
}
