package fault

import (
	"slices"
	"time"

	"github.com/bootrace/bootrace/harness/oracle"
	"github.com/bootrace/bootrace/harness/plan"
	"github.com/bootrace/bootrace/scenarios"
)

// World is what faults strike in.
type World interface {
	oracle.Oracle
	// Now is the time since the start of the run.
	Now() time.Duration
	// Struck is told that the fault did something: to the workspace, or to none where that is 0.
	Struck(f *Fault, workspace int)
}

// Fault is one of a plan's, in action.
type Fault struct {
	plan.Fault
	Number int // in the plan, from 1

	// Elsewhere is set where the world has the fault struck by other means: the set leaves it alone then.
	Elsewhere bool

	spent   bool // a crash by call, once it struck as often as it should
	strikes int
	counts  map[int]int // occurrences within the window, by workspace
}

// Hits reports whether the fault is about the workspace.
func (x *Fault) Hits(workspace int) bool {
	return x.Workspaces == nil || slices.Contains(x.Workspaces, workspace)
}

// On reports whether the fault is about the controller replica.
func (x *Fault) On(replica int) bool { return x.Replica == 0 || x.Replica == replica }

// Active reports whether the time is in the fault's window.
func (x *Fault) Active(now time.Duration) bool {
	return now >= time.Duration(x.From) && (now < time.Duration(x.Until) || x.Until == 0)
}

// Set is a plan's faults.
type Set struct {
	// All are the faults in the plan's order.
	All []*Fault

	world World
	// By where they strike, so that what no fault is about costs nothing.
	networks, stores, clouds, llms, agents, stalls []*Fault
}

// where says which of the world's parts each kind strikes.
var where = map[string]func(*Set) *[]*Fault{
	"partition":                func(s *Set) *[]*Fault { return &s.networks },
	"lose-request":             func(s *Set) *[]*Fault { return &s.networks },
	"lose-reply":               func(s *Set) *[]*Fault { return &s.networks },
	"delay":                    func(s *Set) *[]*Fault { return &s.networks },
	"reorder":                  func(s *Set) *[]*Fault { return &s.networks },
	"rate-limit":               func(s *Set) *[]*Fault { return &s.networks },
	"duplicate":                func(s *Set) *[]*Fault { return &s.networks },
	"store-error":              func(s *Set) *[]*Fault { return &s.stores },
	"store-error-after-commit": func(s *Set) *[]*Fault { return &s.stores },
	"postgres-crash":           func(s *Set) *[]*Fault { return &s.stores },
	"postgres-restart":         func(s *Set) *[]*Fault { return &s.stores },
	"stall":                    func(s *Set) *[]*Fault { return &s.stalls },
	"preempt":                  func(s *Set) *[]*Fault { return &s.stalls },
	"controller-stall":         func(s *Set) *[]*Fault { return &s.stalls },
	"store-slow":               func(s *Set) *[]*Fault { return &s.stores },
	"crash":                    func(s *Set) *[]*Fault { return &s.stores },
	"cloud-throttle":           func(s *Set) *[]*Fault { return &s.clouds },
	"cloud-capacity":           func(s *Set) *[]*Fault { return &s.clouds },
	"cloud-slow":               func(s *Set) *[]*Fault { return &s.clouds },
	"cloud-lost-reply":         func(s *Set) *[]*Fault { return &s.clouds },
	"cloud-stale":              func(s *Set) *[]*Fault { return &s.clouds },
	"describe-error":           func(s *Set) *[]*Fault { return &s.clouds },
	"list-stale":               func(s *Set) *[]*Fault { return &s.clouds },
	"list-truncated":           func(s *Set) *[]*Fault { return &s.clouds },
	"cloud-refuses":            func(s *Set) *[]*Fault { return &s.clouds },
	"llm-outage":               func(s *Set) *[]*Fault { return &s.llms },
	"llm-throttle":             func(s *Set) *[]*Fault { return &s.llms },
	"llm-slow":                 func(s *Set) *[]*Fault { return &s.llms },
	"machine-pause":            func(s *Set) *[]*Fault { return &s.agents },
	"agent-oom":                func(s *Set) *[]*Fault { return &s.agents },
	"agent-stall":              func(s *Set) *[]*Fault { return &s.agents },
	"agent-sick":               func(s *Set) *[]*Fault { return &s.agents },
}

// NewSet returns the faults of a plan.
func NewSet(w World, faults []plan.Fault) *Set {
	s := &Set{world: w}
	for i, planned := range faults {
		one := &Fault{Fault: planned, Number: i + 1, counts: map[int]int{}}
		one.Calls = currentCalls(planned.Calls)
		s.All = append(s.All, one)
		if list, ok := where[planned.Kind]; ok {
			at := list(s)
			*at = append(*at, one)
		}
	}
	return s
}

// currentCalls returns the calls by the names that they go by now. It leaves the plan's own as they are.
func currentCalls(names []string) []string {
	for i, name := range names {
		if scenarios.CurrentCall(name) == name {
			continue
		}
		names = slices.Clone(names)
		for j := i; j < len(names); j++ {
			names[j] = scenarios.CurrentCall(names[j])
		}
		break
	}
	return names
}

// Strike tells the world that the fault did something.
func (s *Set) Strike(x *Fault, workspace int) { s.world.Struck(x, workspace) }

// due reports whether the fault strikes this occurrence of a call about the workspace, and counts it.
func (s *Set) due(x *Fault, call string, workspace int) bool {
	if x.Elsewhere || !x.Active(s.world.Now()) || !x.Hits(workspace) || len(x.Calls) > 0 && !slices.Contains(x.Calls, call) {
		return false
	}
	x.counts[workspace]++
	switch {
	case len(x.Nth) > 0:
		return slices.Contains(x.Nth, x.counts[workspace])
	case x.Percent > 0:
		return s.world.Choose(oracle.Strike, 100) < uint64(x.Percent)
	default:
		return true
	}
}
