package foreign_test

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/bootrace/bootrace/harness/foreign"
	"github.com/bootrace/bootrace/harness/plan"
	"github.com/bootrace/bootrace/scenarios"
)

// TestScalingKeepsTheOrder draws targets' times, and has every built-in scenario fitted to them: what comes first comes first, boots
// end on the side of the budget on which they did, and what agents suffer lasts as many TTLs, or the scenario is said to be
// impossible, with the reason.
func TestScalingKeepsTheOrder(t *testing.T) {
	t.Parallel()
	builtin := scenarios.Builtin() // which is read anew each time
	rapid.Check(t, func(t *rapid.T) {
		draw := func(name string, least, most time.Duration) time.Duration {
			return time.Duration(rapid.Int64Range(int64(least/time.Millisecond), int64(most/time.Millisecond)).Draw(t, name)) * time.Millisecond
		}
		beat := draw("heartbeat", 100*time.Millisecond, time.Minute)
		x, err := foreign.Target{
			URL: "http://localhost:1", ServeCP: "127.0.0.1:0", Heartbeat: beat,
			Budgets: map[string]time.Duration{"": draw("budget", 500*time.Millisecond, time.Hour)},
			TTL:     beat + draw("TTL", time.Millisecond, 10*time.Minute), ExternalTTL: beat + draw("external TTL", time.Millisecond, 10*time.Minute),
			ProvisionSweep: draw("provision sweep", 50*time.Millisecond, 2*time.Minute), LivenessSweep: draw("liveness sweep", 50*time.Millisecond, 2*time.Minute),
		}.Complete()
		if err != nil {
			t.Fatal(err)
		}
		s := rapid.SampledFrom(builtin).Draw(t, "scenario")
		seed := rapid.Uint64Range(0, 1000).Draw(t, "seed")
		was, err := plan.Resolve(s, seed)
		if err != nil {
			t.Fatal(err)
		}
		is, why, err := x.Fit(s, seed)
		var no *foreign.Impossible
		switch {
		case errors.As(err, &no):
			if no.Why == "" || no.Plan.Name != s.Name {
				t.Fatalf("%s is impossible without a reason: %+v", s.Name, no)
			}
			return
		case err != nil:
			t.Fatal(err)
		case is == nil && why == "":
			t.Fatalf("%s is left out without a reason", s.Name)
		case is == nil:
			return
		}
		ordered(t, x, was, is)
	})
}

// happening is a moment of a plan by two clocks.
type happening struct {
	what    string
	was, is time.Duration
}

func ordered(t *rapid.T, x foreign.Target, was, is *plan.Plan) {
	t.Helper()
	var harness []happening
	note := func(what string, a, b plan.Duration) {
		harness = append(harness, happening{what, time.Duration(a), time.Duration(b)})
	}
	for i := range was.Workspaces {
		note("create of "+was.Workspaces[i].Name, was.Workspaces[i].CreateAt, is.Workspaces[i].CreateAt)
	}
	for i := range was.Acts {
		note(was.Acts[i].Do, was.Acts[i].At, is.Acts[i].At)
	}
	for i := range was.Faults {
		note("start of "+was.Faults[i].Kind, was.Faults[i].From, is.Faults[i].From)
		if was.Faults[i].Until > 0 {
			note("end of "+was.Faults[i].Kind, was.Faults[i].Until, is.Faults[i].Until)
		}
	}
	const exact = 5 * time.Microsecond // plans keep microseconds, and every bound may miss one
	for _, a := range harness {
		for _, b := range harness {
			if a.was < b.was && a.is > b.is+exact || a.was == b.was && (a.is-b.is).Abs() > exact {
				t.Fatalf("%s: %s at %s and %s at %s come at %s and %s", was.Name, a.what, a.was, b.what, b.was, a.is, b.is)
			}
		}
	}
	for i := range was.Workspaces {
		w := &was.Workspaces[i]
		from, to := was.Times().Budget(w.Runtime), x.Budget(w.Runtime)
		end := happening{"end of the boot of " + w.Name, time.Duration(w.CreateAt) + w.Boot(1).Total(), time.Duration(is.Workspaces[i].CreateAt) + is.Workspaces[i].Boot(1).Total()}
		if late, now := w.Boot(1).Total() > from, is.Workspaces[i].Boot(1).Total() > to+exact; late != now && w.Boot(1).Dies == "" && !w.External {
			t.Fatalf("%s: %s, of %s, takes %s of %s", was.Name, end.what, w.Boot(1).Total(), is.Workspaces[i].Boot(1).Total(), to)
		}
		for j, f := range was.Faults {
			if f.Workspaces != nil && !slices.Contains(f.Workspaces, i+1) {
				continue
			}
			for _, m := range []happening{
				{"start of " + f.Kind, time.Duration(f.From), time.Duration(is.Faults[j].From)}, {"end of " + f.Kind, time.Duration(f.Until), time.Duration(is.Faults[j].Until)},
			} {
				if m.was > 0 && (m.was < end.was && m.is > end.is+exact || m.was > end.was && m.is < end.is-exact) {
					t.Fatalf("%s: %s at %s and %s at %s come at %s and %s", was.Name, m.what, m.was, end.what, end.was, m.is, end.is)
				}
			}
			suffered := f.Until > 0 && !strings.HasPrefix(f.Kind, "llm-") && !strings.HasPrefix(f.Kind, "cloud-") && time.Duration(f.From) >= end.was
			ttls := float64(f.Until-f.From) / float64(was.Times().LivenessTTL)
			if got := float64(is.Faults[j].Until-is.Faults[j].From) / float64(x.TTL); suffered && got < ttls-0.001 {
				t.Fatalf("%s: %s lasts %.2f TTLs, and should %.2f", was.Name, f.Kind, got, ttls)
			}
		}
	}
}

// TestImpossible has a boot end after a partition of the agents that are up, which lasts as many TTLs as it did: within a budget that
// is shorter, it cannot.
func TestImpossible(t *testing.T) {
	t.Parallel()
	up, slow := group(1, 2*minute)[0], group(1, 9*minute)[0]
	up.Name = "up"
	s := own("boot-after-partition", []scenarios.Group{up, slow}, nil, scenarios.Fault{Kind: "partition", From: scenarios.Duration(3 * minute), Until: scenarios.Duration(8 * minute)})
	for budget, possible := range map[time.Duration]bool{10 * minute: true, 5 * time.Second: false} {
		x, err := foreign.Target{URL: "http://localhost:1", Budgets: map[string]time.Duration{"": budget}}.Complete()
		if err != nil {
			t.Fatal(err)
		}
		p, leftOut, err := x.Fit(s, 7)
		var no *foreign.Impossible
		if possible != (p != nil) || possible == errors.As(err, &no) || leftOut != "" {
			t.Errorf("budget %s: %v, %q, %v", budget, p != nil, leftOut, err)
		}
		if !possible && (!strings.Contains(no.Why, "its race cannot take place with these times") || !strings.Contains(no.Why, "the end of the partition")) {
			t.Errorf("it says %s", no.Why)
		}
	}
}

// TestShortBudget is the case that was seen: with a budget of seconds, a second silence is still one.
func TestShortBudget(t *testing.T) {
	t.Parallel()
	x, err := foreign.Target{URL: "http://localhost:1", Budgets: map[string]time.Duration{"": 5 * time.Second}}.Complete()
	if err != nil {
		t.Fatal(err)
	}
	p, _, err := x.Fit(find(t, "second-silence")[0], 7)
	if err != nil {
		t.Fatal(err)
	}
	cut, death := p.Faults[0], p.Faults[1]
	if time.Duration(cut.Until-cut.From) < 5*time.Minute || time.Duration(death.From-cut.Until) < time.Minute {
		t.Errorf("the partition lasts from %s to %s, and the machine dies at %s", cut.From, cut.Until, death.From)
	}
	external, _, err := x.Fit(find(t, "external-agents")[0], 7)
	if err != nil {
		t.Fatal(err)
	}
	if took := time.Duration(external.Duration); took > 20*time.Minute {
		t.Errorf("external agents take %s whatever the budget", took)
	}
}
