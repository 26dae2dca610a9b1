package invariant

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"github.com/bootrace/bootrace/controller/lifecycle"
	"github.com/bootrace/bootrace/harness/history"
)

// launcherTurn is how long the launcher may take to come to what is wanted of it: the turn before, which waits for a stop and
// a launch that run into their deadlines, and the pause between two turns. On a wall clock a replica makes only so many calls
// at a time, and the others wait; simulated ones are all made at once.
func (v *View) launcherTurn() time.Duration {
	launches := 1
	if v.Plan.Live != nil {
		launches = (len(v.Spaces) + v.Settings.LaunchesAtOnce - 1) / v.Settings.LaunchesAtOnce
	}
	return v.Settings.LauncherEvery + time.Duration(1+launches)*v.Settings.LaunchTimeout + v.slack()
}

// attempts are the launches of the incarnation that were tried, in the order of their ends; one that succeeded has no Err.
func (s *Space) attempts(inc int) []*history.Event {
	var all []*history.Event
	for _, c := range s.Clouds {
		if c.Call == "launch" && c.Inc == inc {
			all = append(all, c)
		}
	}
	for _, m := range s.Machines {
		if m.Phase == history.Launched && m.Inc == inc {
			all = append(all, m)
		}
	}
	slices.SortStableFunc(all, func(a, b *history.Event) int { return cmp.Compare(a.At, b.At) })
	return all
}

// launches judges that whoever wants a machine is launched one, and that a launch that failed for now is tried again.
func launches(v *View, r *report) {
	for _, s := range v.Spaces {
		if s.Plan.External {
			continue
		}
		for i, m := range s.Moves {
			if m.To != lifecycle.Provisioning {
				continue
			}
			until := v.End // it wants a machine until it moves on
			if i+1 < len(s.Moves) {
				until = s.Moves[i+1].At.D()
			}
			if !v.launched(s, m, until, r) {
				break
			}
		}
	}
}

// launched judges the launches of the incarnation that the move begins, and reports false where it found a violation.
func (v *View) launched(s *Space, m *history.Event, until time.Duration, r *report) bool {
	since, bound, what := m.At.D(), v.launcherTurn(), "nothing was launched for it"
	for _, a := range append(s.attempts(m.Inc), nil) {
		deadline := v.extend(since, bound, true)
		tried := a != nil && begun(a) <= min(deadline, until)
		if !tried && deadline > until {
			return true
		}
		r.owed()
		if !tried {
			r.violated(Violation{
				Workspace: s.Number, Since: history.Time(since), At: history.Time(deadline), Bound: bound,
				What:     fmt.Sprintf("it wanted a machine at %s, and %s until %s", Clock(m.At), what, Clock(history.Time(deadline))),
				Expected: fmt.Sprintf("a launch within %s, and another one after each that fails for now", Span(bound)),
			})
			return false
		}
		if a.Err == "" {
			return true
		}
		since, bound = a.At.D(), v.Settings.LaunchRetryMax+v.launcherTurn()
		what = fmt.Sprintf("after the launch that failed at %s (%s) no other was tried", Clock(a.At), a.Err)
	}
	return true
}

// begun is when the launch was tried.
func begun(a *history.Event) time.Duration {
	if a.Kind == history.Cloud {
		return a.Sent.D()
	}
	return a.At.D()
}
