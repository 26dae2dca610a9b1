package rules_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/bootrace/bootrace/controller"
	"github.com/bootrace/bootrace/controller/lifecycle"
	"github.com/bootrace/bootrace/harness/contract"
)

// told is what the contract says, one fact a line, so that a difference is the lines that one side has and the other lacks.
func told(c *contract.Contract) []string {
	var facts []string
	say := func(format string, args ...any) { facts = append(facts, fmt.Sprintf(format, args...)) }
	for _, s := range c.Statuses {
		say("status %s: converged %t, held %t, keeps its machine %t", s.Name, s.Converged, s.Held, s.KeepsMachine)
	}
	for _, e := range c.Events {
		say("event %s: proof of life %t, outcome %t, begins a boot %t", e.Name, e.Proof, e.Outcome, e.Begins)
	}
	for _, e := range c.Edges {
		say("edge %s: %q to %q", e.Event, e.From, e.To)
	}
	for _, rate := range []float64{0, 0.09, 0.1, 0.3, 0.49, 0.5, 0.8, 1} {
		for _, wedged := range []bool{false, true} {
			say("a heartbeat of error rate %v, wedged %t, is %s", rate, wedged, c.Beats.Event(rate, wedged))
		}
	}
	for _, runtime := range runtimes {
		say("budget of %s: %s", runtime, c.Times.Budget(runtime))
	}
	t := c.Times
	say("liveness TTL %s, external %s", t.LivenessTTL, t.ExternalTTL)
	say("sweeps: provision %s, liveness %s, orphan %s, launcher %s", t.ProvisionSweepEvery, t.LivenessSweepEvery, t.OrphanSweepEvery, t.LauncherEvery)
	say("launches: time-out %s, retried after at most %s, %d at once, %d a turn", t.LaunchTimeout, t.LaunchRetryMax, t.LaunchesAtOnce, t.LaunchBatch)
	return facts
}

var runtimes = []string{"claude-code", "hermes", "langgraph", "one that nobody knows"}

// done is what the controller's code does, in the same words.
func done(t *lifecycle.Table, s controller.Settings) []string {
	var facts []string
	say := func(format string, args ...any) { facts = append(facts, fmt.Sprintf(format, args...)) }
	for _, s := range lifecycle.Statuses() {
		say("status %s: converged %t, held %t, keeps its machine %t", s, s.Converged(), s.Held(), s.KeepsMachine())
	}
	for _, e := range lifecycle.Events() {
		say("event %s: proof of life %t, outcome %t, begins a boot %t", e, e.ProofOfLife(), e.Outcome(), e.BeginsIncarnation())
	}
	for _, e := range t.Edges() {
		say("edge %s: %q to %q", e.Event, e.From, e.To)
	}
	for _, rate := range []float64{0, 0.09, 0.1, 0.3, 0.49, 0.5, 0.8, 1} {
		for _, wedged := range []bool{false, true} {
			say("a heartbeat of error rate %v, wedged %t, is %s", rate, wedged, lifecycle.BeatEvent(rate, wedged))
		}
	}
	for _, runtime := range runtimes {
		say("budget of %s: %s", runtime, s.Budget(runtime))
	}
	say("liveness TTL %s, external %s", s.LivenessTTL, s.ExternalTTL)
	say("sweeps: provision %s, liveness %s, orphan %s, launcher %s", s.ProvisionSweepEvery, s.LivenessSweepEvery, s.OrphanSweepEvery, s.LauncherEvery)
	say("launches: time-out %s, retried after at most %s, %d at once, %d a turn", s.LaunchTimeout, s.LaunchRetryMax, controller.LaunchesAtOnce, s.LaunchBatch)
	return facts
}

// difference returns the facts that only one side has, in a form that a person can act upon.
func difference(contract, code []string) string {
	var b strings.Builder
	for _, f := range contract {
		if !slices.Contains(code, f) {
			fmt.Fprintf(&b, "the contract says, and the controller does not:  %s\n", f)
		}
	}
	for _, f := range code {
		if !slices.Contains(contract, f) {
			fmt.Fprintf(&b, "the controller does, and the contract does not say:  %s\n", f)
		}
	}
	return b.String()
}

// The reference controller keeps to the contract as it was written down a second time.
func TestReferenceAgreesWithTheContract(t *testing.T) {
	t.Parallel()
	if d := difference(told(contract.Standard()), done(lifecycle.Standard(), controller.DefaultSettings())); d != "" {
		t.Errorf("the contract and the reference controller differ:\n%s", d)
	}
}

// A controller whose table, budgets or times were altered is told from the contract, fact by fact.
func TestDifferencesAreNamed(t *testing.T) {
	t.Parallel()
	forgot := controller.DefaultSettings()
	forgot.Budgets = map[string]time.Duration{}
	slow := controller.DefaultSettings()
	slow.LivenessSweepEvery *= 4
	for _, c := range []struct {
		name     string
		table    *lifecycle.Table
		settings controller.Settings
		want     string
	}{
		{
			"an edge too many", lifecycle.Standard().With(lifecycle.Edge{Event: lifecycle.Register, From: lifecycle.Paused, To: lifecycle.Online}),
			controller.DefaultSettings(), `the controller does, and the contract does not say:  edge register: "paused" to "online"`,
		},
		{
			"an edge too few", lifecycle.Standard().Without(lifecycle.Beat, lifecycle.Failed),
			controller.DefaultSettings(), `the contract says, and the controller does not:  edge beat: "failed" to "online"`,
		},
		{"a budget forgotten", lifecycle.Standard(), forgot, "the controller does, and the contract does not say:  budget of hermes: 10m0s"},
		{"a sweep that is slow", lifecycle.Standard(), slow, "liveness 1m0s"},
	} {
		if d := difference(told(contract.Standard()), done(c.table, c.settings)); !strings.Contains(d, c.want) {
			t.Errorf("%s: the difference does not say %q:\n%s", c.name, c.want, d)
		}
	}
}
