package invariant_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/bootrace/bootrace/controller/lifecycle"
	"github.com/bootrace/bootrace/harness/history"
	"github.com/bootrace/bootrace/harness/invariant"
	"github.com/bootrace/bootrace/harness/plan"
)

// slow has the machine lose so much of the time, by the timers of a controller.
func (s *story) slow(from, until, lost time.Duration) {
	s.events = append(s.events, history.Event{
		At: history.Time(until), Sent: history.Time(from), Kind: history.Slow, By: "timers", Actor: history.ActorController, Replica: 1,
		Lost: history.Time(lost), Worst: history.Time(lost),
	})
	slices.SortStableFunc(s.events, func(a, b history.Event) int { return int(a.At - b.At) })
}

// live makes the story one of a live run at 60 times real time.
func live() *story {
	s := newStory()
	s.plan.Live = &plan.Live{Speed: 60, Tolerance: plan.Duration(2 * second)}
	return s
}

// TestSlowMachine: a bound is wider by what the machine lost while it ran, and where that is more than can be judged, the promise is
// inconclusive. What was lost before anything was due excuses nothing, and neither does it excuse what has no bound.
func TestSlowMachine(t *testing.T) {
	t.Parallel()
	late := func(by time.Duration) func(s *story) { // the silence since 5m is noticed that much too late: due at 8m, bound 8m22s
		return func(s *story) {
			s.create().at(minute).lives().beats(5*minute).machine(1, history.Died)
			s.at(8*minute+22*second+by).moved(lifecycle.Silence, lifecycle.Offline, "liveness-sweep", "silent")
		}
	}
	early := func(s *story) {
		s.create().at(9*minute).moved(lifecycle.ProvisionTimeout, lifecycle.Failed, "provision-sweep", "timeout")
		s.at(9*minute + 30*second).lives().beats(60 * minute)
	}
	for _, c := range []struct {
		name              string
		invariant         string
		tell              func(*story)
		from, until, lost time.Duration
		want              invariant.Verdict
	}{
		{"a machine that kept up", "detects-silence", late(10 * second), 0, 0, 0, invariant.Violated},
		{"it lost enough", "detects-silence", late(10 * second), 8 * minute, 9 * minute, 30 * second, invariant.Held},
		{"it lost less than that", "detects-silence", late(30 * second), 8 * minute, 9 * minute, 10 * second, invariant.Violated},
		{"it lost enough, but long before", "detects-silence", late(10 * second), 5 * minute, 7 * minute, 2 * minute, invariant.Violated},
		{"it lost enough, but afterwards", "detects-silence", late(10 * second), 9 * minute, 10 * minute, minute, invariant.Violated},
		{"it lost nearly all", "detects-silence", late(3 * minute), 8 * minute, 12 * minute, 3*minute + 30*second, invariant.Inconclusive},
		{"never, and it was slow for a while", "detects-silence", late(time.Hour), 8 * minute, 9 * minute, 20 * second, invariant.Violated},
		{"too early, and it was slow before", "gives-up", early, 0, 8 * minute, 7 * minute, invariant.Violated},
		{"a move that nothing allows", "legal-edges", func(s *story) {
			s.create().at(minute).lives().beats(2*minute).at(3*minute).moved(lifecycle.Silence, lifecycle.Provisioning, "liveness-sweep", "")
		}, 0, 60 * minute, 60 * minute, invariant.Violated},
		{"an order that was read off clocks", "removed-is-terminal", func(s *story) {
			s.create().at(minute).lives().at(2*minute).moved(lifecycle.Remove, lifecycle.Removed, "delete", "")
			s.at(2*minute+3*second).agent("heartbeat", 1, 200)
			s.machine(1, history.Terminated)
		}, 2 * minute, 2*minute + 4*second, 4 * second, invariant.Inconclusive},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s := live()
			c.tell(s)
			if c.lost > 0 {
				s.slow(c.from, c.until, c.lost)
			}
			j := s.end()
			f := finding(t, j, c.invariant)
			if f.Verdict != c.want {
				t.Fatalf("%s, want %s: %v", f.Verdict, c.want, f.Violations)
			}
			if c.want != invariant.Inconclusive {
				return
			}
			for _, text := range []string{"this machine was too slow to judge it of workspace 1: from ", "timers of controller 1: late by up to", "of real time"} {
				if !strings.Contains(f.Why, text) {
					t.Errorf("the reason lacks %q: %s", text, f.Why)
				}
			}
			if j.Slow == nil || !j.Slow.Decides && j.Verdict == invariant.Inconclusive {
				t.Errorf("the judgement does not say that the machine decides: %+v, %v", j.Slow, j.Violations())
			}
		})
	}
}

// TestSlownessOnlyExcuses judges every history of cases beside any slowness: nothing is violated that was not, whatever has no bound
// stays so, and of a machine that did nothing at all no bound is claimed to be broken.
func TestSlownessOnlyExcuses(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		c := rapid.SampledFrom(cases).Draw(t, "case")
		s := live()
		c.tell(s)
		before := map[string]invariant.Verdict{}
		for _, f := range s.end().Findings {
			before[f.Invariant] = f.Verdict
		}
		s = live()
		c.tell(s)
		end := time.Duration(s.plan.Duration)
		for range rapid.IntRange(1, 4).Draw(t, "windows") {
			from := time.Duration(rapid.Int64Range(0, int64(end-1)).Draw(t, "from"))
			span := time.Duration(rapid.Int64Range(1, int64(20*minute)).Draw(t, "span"))
			s.slow(from, min(end, from+span), min(end, from+span)-from)
		}
		for _, f := range s.end().Findings {
			if f.Verdict == invariant.Violated && before[f.Invariant] != invariant.Violated {
				t.Errorf("%s, %s: a slow machine makes %s violated: %v", c.invariant, c.name, f.Invariant, f.Violations)
			}
			if f.Verdict == invariant.Inconclusive && !strings.Contains(f.Why, "too slow") && before[f.Invariant] != invariant.Inconclusive {
				t.Errorf("%s, %s: %s is inconclusive: %s", c.invariant, c.name, f.Invariant, f.Why)
			}
		}
		s = live()
		c.tell(s)
		s.slow(0, end, end)
		for _, v := range s.end().Violations() {
			if v.Bound > 0 && v.Due == 0 {
				t.Errorf("%s, %s: a machine that did nothing broke the bound of %s: %s", c.invariant, c.name, v.Invariant, v.What)
			}
		}
	})
}
