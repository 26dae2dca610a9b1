package fakeprovider_test

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/bootrace/bootrace/fakeprovider"
)

const draws = 100_000

// source returns a seeded source of bits; each test names its own seed, so that none depends on another's draws.
func source(seed uint64) func() uint64 { return rand.New(rand.NewPCG(seed, 0)).Uint64 }

func near(t *testing.T, what string, got, want time.Duration, tolerance float64) {
	t.Helper()
	if diff := float64(got-want) / float64(want); diff < -tolerance || diff > tolerance {
		t.Errorf("%s is %s, want %s within %.0f%%", what, got, want, 100*tolerance)
	}
}

// spreads lists every spread of the tables by a name for messages.
func spreads() map[string]fakeprovider.Spread {
	all := map[string]fakeprovider.Spread{}
	for _, p := range fakeprovider.Providers() {
		all[p.Name+" preflight"] = p.Preflight
	}
	for _, r := range fakeprovider.Runtimes() {
		all[r.Name+" image pull"] = r.ImagePull
		all[r.Name+" cold image pull"] = r.ColdImagePull()
		all[r.Name+" agent start"] = r.AgentStart
	}
	return all
}

func TestSampleMatchesItsFigures(t *testing.T) {
	t.Parallel()
	for name, s := range spreads() {
		rand := source(1)
		got := make([]time.Duration, draws)
		for i := range got {
			got[i] = s.Sample(rand)
		}
		slices.Sort(got)
		near(t, name+": median", got[draws/2], s.Median, 0.01)
		near(t, name+": p99", got[draws*99/100], s.P99, 0.02)
		if got[0] < s.Min() || got[draws-1] > s.Max() {
			t.Errorf("%s: drew %s to %s, outside %s to %s", name, got[0], got[draws-1], s.Min(), s.Max())
		}
	}
}

func TestSampleIsDeterministicMonotonicAndRounded(t *testing.T) {
	t.Parallel()
	s := fakeprovider.Spread{Median: 8 * time.Minute, P99: 15 * time.Minute}
	last := time.Duration(0)
	for step := range uint64(512) {
		bits := step << 55
		a := s.Sample(func() uint64 { return bits })
		b := s.Sample(func() uint64 { return bits })
		if a != b {
			t.Fatalf("bits %#x gave %s, then %s", bits, a, b)
		}
		if a < last {
			t.Fatalf("bits %#x gave %s, less than the smaller bits' %s", bits, a, last)
		}
		if a%time.Millisecond != 0 {
			t.Fatalf("bits %#x gave %s: not a whole millisecond", bits, a)
		}
		last = a
	}
	// Fixed figures: a change of the method would change every stored seed's meaning, and must be seen.
	for bits, want := range map[uint64]time.Duration{
		0:             s.Min(),
		1 << 62:       400_026 * time.Millisecond,
		1 << 63:       8 * time.Minute,
		3 << 62:       575_962 * time.Millisecond,
		1<<64 - 1<<50: s.Max(),
	} {
		if got := s.Sample(func() uint64 { return bits }); got != want {
			t.Errorf("bits %#x gave %s, want %s", bits, got, want)
		}
	}
}

func TestDrawsTakeAFixedNumberOfValues(t *testing.T) {
	t.Parallel()
	rand := source(2)
	for _, r := range fakeprovider.Runtimes() {
		for _, p := range fakeprovider.Providers() {
			for range 200 {
				taken := 0
				b := fakeprovider.SampleBoot(r, p, func() uint64 { taken++; return rand() })
				if taken != 4 {
					t.Fatalf("a boot of %s with %s took %d values", r.Name, p.Name, taken)
				}
				if b.Total() > fakeprovider.MaxBoot(r, p) {
					t.Fatalf("a boot of %s with %s takes %s, more than the longest, %s", r.Name, p.Name, b.Total(), fakeprovider.MaxBoot(r, p))
				}
			}
		}
	}
}

// boots draws the boots of a runtime and a provider, in ascending order.
func boots(t *testing.T, runtime, provider string) []time.Duration {
	t.Helper()
	r, ok := fakeprovider.LookupRuntime(runtime)
	if !ok {
		t.Fatalf("no runtime %q", runtime)
	}
	p, ok := fakeprovider.LookupProvider(provider)
	if !ok {
		t.Fatalf("no provider %q", provider)
	}
	rand := source(3)
	all := make([]time.Duration, draws)
	for i := range all {
		all[i] = fakeprovider.SampleBoot(r, p, rand).Total()
	}
	slices.Sort(all)
	return all
}

// over is the share of the sorted durations that exceed the limit.
func over(sorted []time.Duration, limit time.Duration) float64 {
	i, _ := slices.BinarySearch(sorted, limit+1)
	return float64(len(sorted)-i) / float64(len(sorted))
}

// The facts that the contract's table of times states about cold boots.
func TestContractFacts(t *testing.T) {
	t.Parallel()
	const budget, hermesBudget, usual = 10 * time.Minute, 30 * time.Minute, 5 * time.Minute

	minimax := boots(t, "claude-code", "minimax")
	if share := over(minimax, budget); share < 0.3 || share > 0.6 {
		t.Errorf("%.1f%% of minimax's boots cross the budget; often is 30–60%%", 100*share)
	}
	if share := over(minimax, usual); share < 0.95 {
		t.Errorf("only %.1f%% of minimax's boots are slower than the usual ones", 100*share)
	}
	kimi := boots(t, "claude-code", "kimi")
	if share := over(kimi, budget); share >= 0.02 {
		t.Errorf("%.1f%% of kimi's boots cross the budget", 100*share)
	}
	if kimi[draws/2] >= minimax[draws/2] {
		t.Errorf("kimi's median boot of %s is not quicker than minimax's of %s", kimi[draws/2], minimax[draws/2])
	}
	for _, runtime := range []string{"claude-code", "langgraph"} {
		for _, p := range fakeprovider.Providers() {
			if p.Name == "minimax" {
				continue
			}
			all := boots(t, runtime, p.Name)
			if share := over(all, usual); share > 0.1 {
				t.Errorf("%.1f%% of the boots of %s with %s take more than 5 min", 100*share, runtime, p.Name)
			}
			if share := over(all, budget); share >= 0.02 {
				t.Errorf("%.1f%% of the boots of %s with %s cross the budget", 100*share, runtime, p.Name)
			}
		}
	}
	hermes := boots(t, "hermes", "kimi")
	if m := hermes[draws/2]; m < 13*time.Minute || m > 25*time.Minute {
		t.Errorf("hermes' median boot takes %s", m)
	}
	if share := over(hermes, 13*time.Minute) - over(hermes, 25*time.Minute); share < 0.9 {
		t.Errorf("only %.1f%% of hermes' boots take 13 to 25 min", 100*share)
	}
	if share := over(hermes, hermesBudget); share > 0.001 {
		t.Errorf("%.2f%% of hermes' boots cross their own budget", 100*share)
	}
}

func TestColdWorkersAndFailuresComeAtTheirRates(t *testing.T) {
	t.Parallel()
	for _, r := range fakeprovider.Runtimes() {
		rand, cold := source(4), 0
		for range draws {
			if _, c := r.SampleImagePull(rand); c {
				cold++
			}
		}
		if got := float64(cold) / draws; got < r.ColdWorker-0.01 || got > r.ColdWorker+0.01 {
			t.Errorf("%s: %.3f of the pulls were cold, want %.3f", r.Name, got, r.ColdWorker)
		}
	}
	for _, p := range fakeprovider.Providers() {
		rand, count := source(5), map[fakeprovider.Answer]int{}
		for range draws {
			count[p.SampleAnswer(rand)]++
		}
		for answer, want := range map[fakeprovider.Answer]float64{
			fakeprovider.RateLimited: p.Throttled, fakeprovider.ServerError: p.Failed,
		} {
			if got := float64(count[answer]) / draws; got < want-0.005 || got > want+0.005 {
				t.Errorf("%s: answer %d came with probability %.4f, want %.4f", p.Name, answer, got, want)
			}
		}
		if p.SampleAnswer(func() uint64 { return 0 }) != fakeprovider.Answered {
			t.Errorf("%s: the smallest value is not an answer", p.Name)
		}
	}
}

func TestTablesAreSane(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for _, p := range fakeprovider.Providers() {
		if p.Name == "" || seen[p.Name] {
			t.Errorf("provider %q is nameless or stands twice", p.Name)
		}
		seen[p.Name] = true
		if p.Throttled < 0 || p.Failed < 0 || p.Throttled+p.Failed > 0.2 {
			t.Errorf("%s fails with probability %v + %v", p.Name, p.Throttled, p.Failed)
		}
		if got, ok := fakeprovider.LookupProvider(p.Name); !ok || got != p {
			t.Errorf("LookupProvider(%q) = %v, %v", p.Name, got, ok)
		}
	}
	for _, r := range fakeprovider.Runtimes() {
		if r.Name == "" || seen[r.Name] {
			t.Errorf("runtime %q is nameless or stands twice", r.Name)
		}
		seen[r.Name] = true
		if r.ColdWorker < 0 || r.ColdWorker > 1 || r.ColdFactor < 1 {
			t.Errorf("%s: cold workers %v × %v", r.Name, r.ColdWorker, r.ColdFactor)
		}
		if got, ok := fakeprovider.LookupRuntime(r.Name); !ok || got != r {
			t.Errorf("LookupRuntime(%q) = %v, %v", r.Name, got, ok)
		}
	}
	for name, s := range spreads() {
		if s.Median < time.Second || s.P99 <= s.Median || s.P99 > time.Hour {
			t.Errorf("%s: median %s, p99 %s", name, s.Median, s.P99)
		}
	}
	for _, name := range []string{"minimax", "kimi", "anthropic", "openai", "gemini", "deepseek", "claude-code", "langgraph", "hermes"} {
		if !seen[name] {
			t.Errorf("%s is in no table", name)
		}
	}
	if _, ok := fakeprovider.LookupProvider("minmax"); ok {
		t.Error("an unknown provider was found")
	}
	if _, ok := fakeprovider.LookupRuntime(""); ok {
		t.Error("an unknown runtime was found")
	}
}

func TestTablesCannotBeChangedFromOutside(t *testing.T) {
	t.Parallel()
	fakeprovider.Providers()[0].Name = "changed"
	fakeprovider.Runtimes()[0].Name = "changed"
	if fakeprovider.Providers()[0].Name == "changed" || fakeprovider.Runtimes()[0].Name == "changed" {
		t.Error("a copy changed the table")
	}
}

func TestPhaseNamesRoundTrip(t *testing.T) {
	t.Parallel()
	for _, p := range fakeprovider.Phases() {
		text, err := p.MarshalText()
		if err != nil {
			t.Fatal(err)
		}
		var got fakeprovider.Phase
		if err := got.UnmarshalText(text); err != nil || got != p {
			t.Errorf("%s came back as %s, %v", p, got, err)
		}
	}
	if _, err := fakeprovider.ParsePhase("preflihgt"); err == nil {
		t.Error("a misspelt phase was accepted")
	}
	if got := fakeprovider.Phase(9).String(); got != "phase(9)" {
		t.Errorf("an unknown phase is called %q", got)
	}
}
