package invariant

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
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
	all := s.answered(inc)
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
	since, what := m.At.D(), "nothing was launched for it"
	queue := v.ahead(s, m, since)
	bound := v.launcherTurn() + v.queueing(queue, since)
	var a0 *history.Event // the last attempt
	for _, a := range append(s.attempts(m.Inc), nil) {
		deadline := v.extend(since, bound, s.Number)
		tried := a != nil && begun(a) <= min(deadline, until)
		if !tried && deadline > until {
			return !v.failedForNow(s, m, a0, r)
		}
		if v.spent(s, m.Inc, a0) {
			return true // by its own quota it gives up
		}
		r.owed()
		if !tried {
			r.violated(Violation{
				Workspace: s.Number, Since: history.Time(since), At: history.Time(deadline), Bound: bound,
				What:     fmt.Sprintf("it wanted a machine at %s%s, and %s until %s", Clock(m.At), v.behind(queue), what, Clock(history.Time(deadline))),
				Expected: fmt.Sprintf("a launch within %s, and another one after each that fails for now", Span(bound)),
			})
			return false
		}
		if a.Err == "" {
			return true
		}
		a0 = a
		since = a.At.D()
		queue = v.ahead(s, m, since)
		bound = v.Settings.LaunchRetryMax + v.launcherTurn() + v.queueing(queue, since)
		what = fmt.Sprintf("after the launch that failed at %s (%s) no other was tried", Clock(a.At), a.Err)
	}
	return true
}

// ahead is how many boots the launcher may come to before the one that the move begins: it takes what began first.
func (v *View) ahead(s *Space, m *history.Event, since time.Duration) int {
	if len(v.Spaces) <= v.Settings.LaunchBatch { // then no turn leaves anybody behind
		return 0
	}
	if v.wants == nil {
		v.wants = v.wanting()
	}
	n := 0
	if m.Inc > 1 { // the machine of the boot before is stopped first, and stops have a queue as well
		n = len(v.Spaces)
	}
	for _, w := range v.wants {
		if w.space != s.Number && w.since <= m.At.D() && w.until >= since {
			n++
		}
	}
	return n
}

// want is a time in which a workspace wants a machine and has none.
type want struct {
	space        int
	since, until time.Duration
}

// wanting lists when workspaces wanted a machine.
func (v *View) wanting() []want {
	all := []want{}
	for _, s := range v.Spaces {
		if s.Plan.External {
			continue
		}
		for i, m := range s.Moves {
			if m.To != lifecycle.Provisioning {
				continue
			}
			w := want{s.Number, m.At.D(), v.End}
			if i+1 < len(s.Moves) {
				w.until = s.Moves[i+1].At.D()
			}
			for _, x := range s.Machines {
				if x.Phase == history.Launched && x.Inc == m.Inc {
					w.until = min(w.until, x.At.D())
				}
			}
			all = append(all, w)
		}
	}
	return all
}

// queueing is how long a workspace may wait for its turn of the launcher that has so many before it. A turn takes as long as the
// longest did since, where the world records them; otherwise as long as one may that waits for a stop and a launch.
func (v *View) queueing(ahead int, since time.Duration) time.Duration {
	more := ahead / v.Settings.LaunchBatch
	if more == 0 {
		return 0
	}
	longest, known := time.Duration(0), false
	for _, t := range v.turns {
		if t.By == launcher && t.Code == 1 && t.Logged.D() >= since {
			longest, known = max(longest, t.Logged.D()-t.Sent.D()), true
		}
	}
	if !known {
		longest = 2 * v.Settings.LaunchTimeout
	}
	return time.Duration(more) * (v.Settings.LauncherEvery + longest)
}

// behind says that the workspace had others before it in the launcher's queue, where a turn does not take them all.
func (v *View) behind(ahead int) string {
	if ahead < v.Settings.LaunchBatch {
		return ""
	}
	return fmt.Sprintf(", behind %d others of which a turn of the launcher takes %d", ahead, v.Settings.LaunchBatch)
}

// begun is when the launch was tried.
func begun(a *history.Event) time.Duration {
	if a.Kind == history.Cloud {
		return a.Sent.D()
	}
	return a.At.D()
}

// failedForNow judges a boot that is failed where its last launch failed only for now, and reports whether that is a violation.
// Where the log is in sight, it says what failed the boot, and who judges that goes by it.
func (v *View) failedForNow(s *Space, begin, last *history.Event, r *report) bool {
	if !v.polled || last == nil || refusedForGood(last) {
		return false
	}
	i := slices.IndexFunc(s.Moves, func(m *history.Event) bool { return m == begin })
	if i < 0 || i+1 == len(s.Moves) {
		return false
	}
	next := s.Moves[i+1]
	age := next.At.D() - v.earliest(begin)
	others := slices.ContainsFunc(s.Calls, func(c *history.Event) bool {
		return c.Call == "bootstrap-failed" && mayHaveActed(c) && c.Sent <= next.At
	})
	if next.To != lifecycle.Failed || next.Phase == Hearsay || others || age >= v.budget(s)-v.trip() {
		return false
	}
	r.violated(Violation{
		Workspace: s.Number, Since: begin.At, At: next.At, Bound: v.budget(s),
		What: fmt.Sprintf("its launch failed for now at %s (%s), and no other was tried: by %s it was failed, no more than %s after its boot began",
			Clock(last.At), last.Err, Clock(next.At), Span(age)),
		Expected: fmt.Sprintf("another launch, until the budget of %s is over", Span(v.budget(s))),
	})
	return true
}

// refusedForGood reports whether the cloud's answer may have said that trying again is pointless.
func refusedForGood(c *history.Event) bool {
	switch {
	case c.Code == 0: // an answer of which nothing is known
		return c.Err != "the reply was lost"
	case c.Code >= 500, c.Code == 429, c.Code == 408, strings.Contains(c.Err, "RequestLimitExceeded"):
		return false
	}
	return true
}
