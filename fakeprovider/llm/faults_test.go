package llm_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/bootrace/bootrace/fakeprovider/llm"
)

func TestFaultsStrikeWhomTheyAreFor(t *testing.T) {
	t.Parallel()
	f := newFixture(t, llm.Options{})
	for _, w := range []string{"a", "b"} {
		f.preflight(w, time.Minute, 0)
	}
	f.faults(
		llm.Rule{Kind: llm.Outage, Provider: "minimax"},
		llm.Rule{Kind: llm.Throttle, Workspace: "b"},
		llm.Rule{Kind: llm.Slow, Provider: "kimi", Delay: llm.Duration(time.Hour)},
		llm.Rule{Kind: llm.Slow, Workspace: "a", Delay: llm.Duration(time.Second)},
	)
	f.openAI("minimax", "a").is(503)
	f.openAI("minimax", "b").is(503)
	f.openAI("kimi", "b").is(429)
	f.openAI("kimi", "a").is(200)
	if got := f.waits.last(); got != time.Hour+time.Minute+time.Second {
		t.Errorf("two that slow it down: %s", got)
	}
	f.openAI("gemini", "a").is(200)
	if got := f.waits.last(); got != time.Minute+time.Second {
		t.Errorf("one that slows it down: %s", got)
	}
	if got := f.Struck(); !slices.Equal(got, []int{2, 1, 1, 2}) {
		t.Errorf("struck %v", got)
	}
	f.faults()
	f.openAI("minimax", "b").is(200)
}

func TestFaultsUseNoRefusalsUp(t *testing.T) {
	t.Parallel()
	f := newFixture(t, llm.Options{})
	f.preflight("w", time.Minute, 1)
	f.faults(llm.Rule{Kind: llm.Outage, Times: 2})
	for i, want := range []int{503, 503, 429, 200} {
		if got := f.openAI("minimax", "w").status; got != want {
			t.Errorf("completion %d: %d, want %d", i, got, want)
		}
	}
}

func TestAnOutageMeetsWhatIsUnderWay(t *testing.T) {
	t.Parallel()
	f := newFixture(t, llm.Options{})
	f.preflight("w", time.Minute, 0)
	f.waits.during = func() { f.faults(llm.Rule{Kind: llm.Outage}) }
	f.openAI("minimax", "w").is(503)
	if got := f.Struck(); !slices.Equal(got, []int{1}) {
		t.Errorf("struck %v", got)
	}
	if c := f.Calls("w"); len(c) != 1 || c[0].Status != 503 || c[0].Fault != llm.Outage || time.Duration(c[0].Takes) != time.Minute {
		t.Errorf("calls %+v", c)
	}
	// The other way round: it was refused when it came, and is so though the outage ends before the answer.
	f.waits.during = func() { f.faults() }
	f.openAI("minimax", "w").is(503)
	f.openAI("minimax", "w").is(200)
}

func TestLimitsOfFaults(t *testing.T) {
	t.Parallel()
	f := newFixture(t, llm.Options{Seed: 3})
	f.preflight("w", 0, 0)
	statuses := func(n int) (all []int) {
		for range n {
			all = append(all, f.openAI("kimi", "w").status)
		}
		return all
	}
	f.faults(llm.Rule{Kind: llm.Throttle, Skip: 1, Times: 2})
	if got := statuses(5); !slices.Equal(got, []int{200, 429, 429, 200, 200}) {
		t.Errorf("skip 1, times 2: %v", got)
	}
	for _, c := range []struct {
		rules      []llm.Rule
		throttled  int // of 2000
		difference int
	}{
		{[]llm.Rule{{Kind: llm.Throttle, Share: 0.3}}, 600, 100},
		{[]llm.Rule{{Kind: llm.Throttle, Share: 0.5}, {Kind: llm.Throttle, Share: 0.5}}, 1500, 100}, // each draws for itself
	} {
		f.faults(c.rules...)
		throttled := 0
		for _, s := range statuses(2000) {
			if s == 429 {
				throttled++
			}
		}
		if throttled < c.throttled-c.difference || throttled > c.throttled+c.difference {
			t.Errorf("%d of 2000 are throttled by %+v", throttled, c.rules)
		}
	}
}

func TestFaultsThatMakeNoSense(t *testing.T) {
	t.Parallel()
	f := newFixture(t, llm.Options{})
	f.faults(llm.Rule{Kind: llm.Throttle})
	for _, r := range []llm.Rule{
		{}, {Kind: "tired"}, {Kind: llm.Slow}, {Kind: llm.Slow, Delay: -1}, {Kind: llm.Outage, Delay: 1}, {Kind: llm.Outage, Provider: "minmax"},
		{Kind: llm.Outage, Skip: -1}, {Kind: llm.Outage, Times: -1}, {Kind: llm.Outage, Share: 1.1},
	} {
		if f.SetFaults(llm.Faults{Rules: []llm.Rule{r}}) == nil {
			t.Errorf("%+v is taken", r)
		}
	}
	f.openAI("kimi", "w").is(429) // those before are still there
	for _, o := range []llm.Options{
		{Speed: -1}, {Speed: 2_000_000}, {Refusal: -1}, {RetryAfter: -1}, {Faults: llm.Faults{Rules: []llm.Rule{{}}}},
	} {
		if o.Validate() == nil {
			t.Errorf("%+v is taken", o)
		}
	}
}

func TestAdmin(t *testing.T) {
	t.Parallel()
	f := newFixture(t, llm.Options{Seed: 9, Speed: 60})
	admin := f.admin
	admin("PUT", "/workspaces/ws%201/preflight", `{"takes":"7m30s","refusals":2}`).is(204)
	admin("PUT", "/faults", `{"rules":[{"kind":"slow","workspace":"ws 1","delay":"30s"}]}`).is(204)
	for range 3 {
		f.openAI("minimax", "ws 1")
	}
	a := admin("GET", "/state", "").is(200)
	a.has("seed", 9.0).has("speed", 60.0).has("preflights.0.workspace", "ws 1").has("preflights.0.takes", "7m30s").
		has("preflights.0.refused", 2.0).has("struck.0", 1.0).has("faults.rules.0.delay", "30s").has("providers.0.provider", "minimax").
		has("providers.0.answered", 1.0).has("providers.0.throttled", 2.0).has("recent.2.takes", "8m0s").has("recent.2.number", 3.0)
	if strings.Contains(a.body, "say OK") {
		t.Error("the state shows a prompt")
	}
	admin("DELETE", "/workspaces/ws%201/preflight", "").is(204)
	for _, c := range []struct {
		method, path, body string
		code               int
	}{
		{"DELETE", "/workspaces/ws%201/preflight", "", 404},
		{"PUT", "/workspaces/w/preflight", `{"refusals":2}`, 400},
		{"PUT", "/workspaces/w/preflight", `{"takes":"soon"}`, 400},
		{"PUT", "/workspaces/w/preflight", `{"takes":"-1s"}`, 400},
		{"PUT", "/workspaces/w/preflight", `{"takes":"1s","provider":"x"}`, 400},
		{"PUT", "/faults", `{"rules":[{"kind":"tired"}]}`, 400},
		{"PUT", "/faults", ``, 400},
		{"POST", "/faults", `{}`, 405},
		{"GET", "/", ``, 404},
	} {
		admin(c.method, c.path, c.body).is(c.code)
	}
}
