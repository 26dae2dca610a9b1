package harness_test

import (
	"context"
	"errors"
	"math"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/bootrace/bootrace/harness"
	"github.com/bootrace/bootrace/harness/invariant"
	"github.com/bootrace/bootrace/harness/sim"
	"github.com/bootrace/bootrace/harness/stores"
	"github.com/bootrace/bootrace/scenarios"
)

func sampled3(t *testing.T, jobs int) harness.Sampling {
	t.Helper()
	s := harness.Sampling{First: 10, Seeds: 12, Target: sim.Reference(defect(t, "late-start-error")), Source: stores.Memory(), Jobs: jobs}
	for _, name := range []string{"cloud-lost-replies", "minimax-past-budget", "launch-error-after-life"} {
		x, err := scenarios.Find(name)
		if err != nil {
			t.Fatal(err)
		}
		s.Scenarios = append(s.Scenarios, x)
	}
	return s
}

// Rates are what playing each seed by itself says, however many are played at a time.
func TestSampling(t *testing.T) {
	t.Parallel()
	var rates []harness.Rate
	for _, jobs := range []int{1, 4} {
		s := sampled3(t, jobs)
		got, err := s.Run(context.Background())
		if err != nil {
			t.Fatal(err)
		}
		if jobs == 1 {
			rates = got
		} else if diff := cmp.Diff(rates, got); diff != "" {
			t.Errorf("%d at a time:\n%s", jobs, diff)
		}
	}
	s := sampled3(t, 1)
	for i, r := range rates {
		want := map[invariant.Verdict]int{}
		smallest := map[string]uint64{}
		online := 0
		for seed := s.First; seed < s.First+uint64(s.Seeds); seed++ {
			o := harness.Play(context.Background(), resolve(t, s.Scenarios[i], seed), s.Source, s.Target, nil)
			want[o.Judgement.Verdict]++
			if x := o.Judgement.First(); x != nil {
				mechanism := invariant.Fingerprint(o.Plan, o.History, x)
				if _, known := smallest[mechanism]; !known {
					smallest[mechanism] = seed
				}
			}
			for _, w := range o.Plan.Workspaces {
				if len(w.Boots) > 0 {
					online++
				}
			}
		}
		if r.Seeds != s.Seeds || r.Held != want[invariant.Held] || r.Violated != want[invariant.Violated] || r.Inconclusive != want[invariant.Inconclusive] {
			t.Errorf("%s: %+v, want %v", r.Scenario, r, want)
		}
		if len(r.Causes) != len(smallest) {
			t.Errorf("%s: %d causes, want %v", r.Scenario, len(r.Causes), smallest)
		}
		n := 0
		for _, c := range r.Causes {
			n += c.Seeds
			if c.Smallest != smallest[c.Fingerprint] || c.Plan == nil || c.Plan.Seed != c.Smallest {
				t.Errorf("%s: %+v, want seed %d", r.Scenario, c, smallest[c.Fingerprint])
			}
		}
		if n != r.Violated || len(r.ToOnline) == 0 || len(r.ToOnline) != len(r.Margin) || len(r.ToOnline) > 2*online {
			t.Errorf("%s: %d seeds of causes for %d violated; %d boots of %d online", r.Scenario, n, r.Violated, len(r.ToOnline), online)
		}
	}
	if rates[0].Violated == rates[0].Seeds || rates[2].Violated == 0 {
		t.Errorf("the rates are not between: %+v", rates)
	}
	// Half of the fleet is as slow as the scenario says: past its budget, which a boot that succeeds all the same shows.
	if m := rates[1].Margin; m[0] >= 0 || m[len(m)-1] <= 0 {
		t.Errorf("margins from %s to %s", m[0], m[len(m)-1])
	}
}

// A sampling that is cancelled says so, and counts what it has played.
func TestSamplingIsCancelled(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(context.Background())
	s := sampled3(t, 1)
	s.Progress = func(played, all int) {
		if played == 5 && all == 36 {
			cancel()
		}
	}
	rates, err := s.Run(ctx)
	if !errors.Is(err, context.Canceled) || len(rates) != 3 || rates[0].Seeds != 5 || rates[1].Seeds != 0 {
		t.Errorf("%+v, %v", rates, err)
	}
}

// The values are those of Wilson's interval as tables give it (Newcombe 1998, table I, method 3).
func TestInterval(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		n, all    int
		low, high float64
	}{
		{81, 263, 0.2553, 0.3662}, {15, 148, 0.0624, 0.1605}, {0, 20, 0, 0.1611}, {1, 29, 0.0061, 0.1718}, {0, 0, 0, 1}, {29, 29, 0.8830, 1},
	} {
		if low, high := harness.Interval(c.n, c.all); math.Abs(low-c.low) > 0.0001 || math.Abs(high-c.high) > 0.0001 {
			t.Errorf("%d of %d: %.4f to %.4f, want %.4f to %.4f", c.n, c.all, low, high, c.low, c.high)
		}
	}
}

func TestQuantile(t *testing.T) {
	t.Parallel()
	list := []time.Duration{1, 2, 3, 4}
	for share, want := range map[float64]time.Duration{0: 1, 0.25: 2, 0.5: 3, 0.99: 4, 1: 4} {
		if got := harness.Quantile(list, share); got != want {
			t.Errorf("%v: %d, want %d", share, got, want)
		}
	}
	if harness.Quantile(nil, 0.5) != 0 {
		t.Error("of nothing")
	}
}
