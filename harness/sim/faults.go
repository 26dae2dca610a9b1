package sim

import (
	"fmt"
	"slices"
	"time"

	"github.com/bootrace/bootrace/controller/cloud"
	"github.com/bootrace/bootrace/harness/history"
	"github.com/bootrace/bootrace/harness/oracle"
	"github.com/bootrace/bootrace/harness/plan"
	"github.com/bootrace/bootrace/harness/sched"
)

// faults decides what the plan's faults do to whatever passes by.
type faults struct {
	world *world
	all   []*fault
	// By where they strike, so that what no fault is about costs nothing.
	networks, stores, clouds, llms, agents, stalls []*fault
}

// fault is one of the plan's, in action.
type fault struct {
	plan.Fault
	number  int
	spent   bool // a crash by call, once it struck as often as it should
	strikes int
	counts  map[int]int // occurrences within the window, by workspace
	struck  bool
}

// where says which of the world's parts each kind strikes.
var where = map[string]func(*faults) *[]*fault{
	"partition":                func(f *faults) *[]*fault { return &f.networks },
	"lose-request":             func(f *faults) *[]*fault { return &f.networks },
	"lose-reply":               func(f *faults) *[]*fault { return &f.networks },
	"delay":                    func(f *faults) *[]*fault { return &f.networks },
	"reorder":                  func(f *faults) *[]*fault { return &f.networks },
	"rate-limit":               func(f *faults) *[]*fault { return &f.networks },
	"duplicate":                func(f *faults) *[]*fault { return &f.networks },
	"store-error":              func(f *faults) *[]*fault { return &f.stores },
	"store-error-after-commit": func(f *faults) *[]*fault { return &f.stores },
	"stall":                    func(f *faults) *[]*fault { return &f.stalls },
	"store-slow":               func(f *faults) *[]*fault { return &f.stores },
	"crash":                    func(f *faults) *[]*fault { return &f.stores },
	"cloud-throttle":           func(f *faults) *[]*fault { return &f.clouds },
	"cloud-capacity":           func(f *faults) *[]*fault { return &f.clouds },
	"cloud-slow":               func(f *faults) *[]*fault { return &f.clouds },
	"cloud-lost-reply":         func(f *faults) *[]*fault { return &f.clouds },
	"cloud-stale":              func(f *faults) *[]*fault { return &f.clouds },
	"cloud-refuses":            func(f *faults) *[]*fault { return &f.clouds },
	"llm-outage":               func(f *faults) *[]*fault { return &f.llms },
	"llm-throttle":             func(f *faults) *[]*fault { return &f.llms },
	"llm-slow":                 func(f *faults) *[]*fault { return &f.llms },
	"agent-stall":              func(f *faults) *[]*fault { return &f.agents },
	"agent-sick":               func(f *faults) *[]*fault { return &f.agents },
}

func newFaults(w *world) *faults {
	f := &faults{world: w}
	for i, planned := range w.plan.Faults {
		one := &fault{Fault: planned, number: i + 1, counts: map[int]int{}}
		f.all = append(f.all, one)
		if list, ok := where[planned.Kind]; ok {
			at := list(f)
			*at = append(*at, one)
		}
	}
	return f
}

// schedule writes the starts and ends of the faults into the history, and lets those strike that need nobody to pass by.
func (f *faults) schedule() {
	w := f.world
	for _, x := range f.all {
		w.sched.After(time.Duration(x.From), func() {
			w.add(history.Event{Kind: history.Fault, Fault: x.number, Phase: history.Started})
			f.start(x)
		})
		if end := x.End(); end > time.Duration(x.From) {
			w.sched.After(end, func() { w.add(history.Event{Kind: history.Fault, Fault: x.number, Phase: history.Ended}) })
		}
	}
}

func (f *faults) start(x *fault) {
	w := f.world
	switch x.Kind {
	case "clock":
		f.shift(x, time.Duration(x.By))
		w.sched.After(time.Duration(x.Until-x.From), func() { f.shift(x, -time.Duration(x.By)) })
	case "crash":
		if len(x.Calls) > 0 {
			return
		}
		for _, r := range w.replicas {
			if (x.Replica == 0 || x.Replica == r.number) && !r.process.Dead() {
				f.strike(x, 0)
				f.down(x, r)
			}
		}
	case "stray-agent":
		f.strike(x, 0)
		w.stray()
	case "machine-death":
		for _, m := range w.members {
			if x.hits(m.number) && m.machine != nil && w.stopped(m.machine.id, history.Died) {
				f.strike(x, m.number)
			}
		}
	}
}

// down kills the replica and lets it start again after the fault's delay.
func (f *faults) down(x *fault, r *replica) {
	f.world.sched.After(time.Duration(x.Delay), r.start)
	r.kill()
}

func (f *faults) shift(x *fault, by time.Duration) {
	for _, r := range f.world.replicas {
		if x.Replica == 0 || x.Replica == r.number {
			r.offset += by
			r.process.SetOffset(r.offset)
			f.strike(x, 0)
		}
	}
}

// strike writes down that the fault did something.
func (f *faults) strike(x *fault, ws int) {
	x.struck = true
	f.world.add(history.Event{Kind: history.Fault, Fault: x.number, WS: ws, Phase: history.Struck})
}

// hits reports whether the fault is about the workspace.
func (x *fault) hits(ws int) bool { return x.Workspaces == nil || slices.Contains(x.Workspaces, ws) }

func (x *fault) active(now time.Duration) bool {
	return now >= time.Duration(x.From) && (now < time.Duration(x.Until) || x.Until == 0)
}

// due reports whether the fault strikes this occurrence of a call about the workspace, and counts it.
func (f *faults) due(x *fault, call string, ws int) bool {
	if !x.active(f.world.sched.Now()) || !x.hits(ws) || len(x.Calls) > 0 && !slices.Contains(x.Calls, call) {
		return false
	}
	x.counts[ws]++
	switch {
	case len(x.Nth) > 0:
		return slices.Contains(x.Nth, x.counts[ws])
	case x.Percent > 0:
		return f.world.oracle.Choose(oracle.Strike, 100) < uint64(x.Percent)
	default:
		return true
	}
}

// fate is what the network does to one call.
type fate struct {
	loseRequest bool
	loseReply   bool
	delay       time.Duration
	duplicate   time.Duration // 0 for no duplicate
	limited     bool          // answered 429 on the way
	retryAfter  time.Duration // by which answer
}

func (f *faults) network(c *caller, call string, r *replica) fate {
	var out fate
	if c.actor == history.ActorObserver {
		return out // the observer stands beside the network
	}
	for _, x := range f.networks {
		if x.Kind == "partition" {
			if c.actor == history.ActorAgent && f.cutBy(x, c.ws, r) {
				f.strike(x, c.ws)
				out.loseRequest = true
			}
			continue
		}
		if !f.due(x, call, c.ws) {
			continue
		}
		f.strike(x, c.ws)
		switch x.Kind {
		case "lose-request":
			out.loseRequest = true
		case "lose-reply":
			out.loseReply = true
		case "rate-limit":
			out.limited, out.retryAfter = true, time.Duration(x.Delay)
		case "delay":
			out.delay += time.Duration(x.Delay)
		case "reorder":
			out.delay += f.world.latency(0, time.Duration(x.Delay))
		case "duplicate":
			out.duplicate = max(time.Duration(x.Delay), mostHop)
		}
	}
	return out
}

// cutBy reports whether the partition lies between the workspace's machine and the replica now.
func (f *faults) cutBy(x *fault, ws int, r *replica) bool {
	return x.active(f.world.sched.Now()) && x.hits(ws) && (x.Replica == 0 || x.Replica == r.number)
}

// cut reports whether a reply from the replica cannot reach the caller now.
func (f *faults) cut(c *caller, r *replica) bool {
	if c.actor != history.ActorAgent {
		return false
	}
	for _, x := range f.networks {
		if x.Kind == "partition" && f.cutBy(x, c.ws, r) {
			f.strike(x, c.ws)
			return true
		}
	}
	return false
}

// onReplica reports whether the fault strikes this occurrence of a store operation of the replica.
func (f *faults) onReplica(x *fault, r *replica, op string) bool {
	return (x.Replica == 0 || x.Replica == r.number) && f.due(x, op, 0)
}

func (f *faults) storeDelay(r *replica, op string) (late time.Duration) {
	for _, x := range f.stores {
		if x.Kind == "store-slow" && f.onReplica(x, r, op) {
			f.strike(x, 0)
			late += time.Duration(x.Delay)
		}
	}
	return late
}

// held is how long the replica is held up in a step that the running task is about to make.
func (f *faults) held(r *replica) (late time.Duration) {
	t := f.world.sched.Current()
	for _, x := range f.stalls {
		if (x.Replica == 0 || x.Replica == r.number) && f.due(x, t.Name, t.Workspace) {
			f.strike(x, t.Workspace)
			late += time.Duration(x.Delay)
		}
	}
	return late
}

// storeFails reports whether the operation fails: before it takes effect, or after its commit.
func (f *faults) storeFails(r *replica, op string, committed bool) bool {
	kind := "store-error"
	if committed {
		kind = "store-error-after-commit"
	}
	failed := false
	for _, x := range f.stores {
		if x.Kind == kind && f.onReplica(x, r, op) {
			f.strike(x, 0)
			failed = true
		}
	}
	return failed
}

// crash kills the replica where a fault wants it dead before or after this operation; it does not return then.
func (f *faults) crash(r *replica, op string, committed bool) {
	for _, x := range f.stores {
		if x.Kind != "crash" || len(x.Calls) == 0 || x.spent || (x.When == "after") != committed {
			continue
		}
		if !f.onReplica(x, r, op) {
			continue
		}
		x.strikes++
		x.spent = x.strikes >= len(x.Nth) // one for each of its nth, or a single one
		f.strike(x, 0)
		f.down(x, r)
	}
}

// cloudFate is what the cloud does to one call.
type cloudFate struct {
	err   error
	delay time.Duration
}

func (f *faults) cloudCall(ws int, call string) cloudFate {
	var out cloudFate
	for _, x := range f.clouds {
		if x.Kind == "cloud-stale" {
			continue
		}
		if (x.Kind == "cloud-capacity" || x.Kind == "cloud-refuses") && call != "launch" {
			continue
		}
		if !f.due(x, call, ws) {
			continue
		}
		f.strike(x, ws)
		switch x.Kind {
		case "cloud-throttle":
			out.err = fmt.Errorf("%s: %w", call, cloud.ErrThrottled)
		case "cloud-capacity":
			out.err = fmt.Errorf("%s: %w", call, cloud.ErrCapacity)
		case "cloud-refuses":
			out.err = fmt.Errorf("%s: %w: the image does not exist", call, cloud.ErrRefused)
		case "cloud-slow":
			out.delay += time.Duration(x.Delay)
		case "cloud-lost-reply":
			out.delay = sched.Forever / 4
		}
	}
	return out
}

// unseen reports whether list and describe do not know the machine yet.
func (f *faults) unseen(ws int, launched time.Time) bool {
	for _, x := range f.clouds {
		if x.Kind == "cloud-stale" && x.hits(ws) && x.active(f.world.sched.Now()) &&
			launched.Sub(sched.Epoch) >= time.Duration(x.From) {
			f.strike(x, ws)
			return true
		}
	}
	return false
}

// llmRefuses reports whether the provider refuses a preflight of the workspace now.
func (f *faults) llmRefuses(ws int) bool {
	for _, x := range f.llms {
		if x.Kind != "llm-slow" && f.due(x, "preflight", ws) {
			f.strike(x, ws)
			return true
		}
	}
	return false
}

// llmDelay is how much longer a preflight that starts now takes.
func (f *faults) llmDelay(ws int) (late time.Duration) {
	for _, x := range f.llms {
		if x.Kind == "llm-slow" && f.due(x, "preflight", ws) {
			f.strike(x, ws)
			late += time.Duration(x.Delay)
		}
	}
	return late
}

// stalled is how long the workspace's agent is still stopped.
func (f *faults) stalled(ws int) (left time.Duration) {
	for _, x := range f.agents {
		if x.Kind == "agent-stall" && f.due(x, "agent", ws) {
			f.strike(x, ws)
			left = max(left, time.Duration(x.Until)-f.world.sched.Now())
		}
	}
	return left
}

// sick reports whether the workspace's agent reports errors now.
func (f *faults) sick(ws int) bool {
	for _, x := range f.agents {
		if x.Kind == "agent-sick" && f.due(x, "agent", ws) {
			f.strike(x, ws)
			return true
		}
	}
	return false
}
