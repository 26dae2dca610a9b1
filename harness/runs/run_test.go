package runs_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/bootrace/bootrace/controller/lifecycle"
	"github.com/bootrace/bootrace/harness/history"
	"github.com/bootrace/bootrace/harness/invariant"
	"github.com/bootrace/bootrace/harness/plan"
	"github.com/bootrace/bootrace/harness/runs"
)

func TestGroups(t *testing.T) {
	t.Parallel()
	p := fleet("groups", 5)
	for i, group := range []string{"a", "b", "a", "b", "c"} {
		p.Workspaces[i].Group = group
	}
	var h history.History
	boot(&h, 1, 3*time.Minute) // a: slower than 3, but not the slowest: it is booted again
	boot(&h, 2, 2*time.Minute)
	stuck(&h, 4, 20*time.Minute)
	again := history.Event{At: at(20 * time.Minute), Kind: history.Move, WS: 1, Inc: 2, From: lifecycle.Online, To: lifecycle.Provisioning, By: "restart"}
	for _, e := range []history.Event{
		again,
		{At: at(20 * time.Minute), Kind: history.Move, WS: 3, Inc: 1, To: lifecycle.Provisioning, By: "create"},
		{At: at(21 * time.Minute), Kind: history.Machine, WS: 1, Inc: 2, Phase: history.Launched},
		{At: at(22 * time.Minute), Kind: history.Machine, WS: 3, Inc: 1, Phase: history.Launched},
		{At: at(22 * time.Minute), Kind: history.Agent, WS: 1, Inc: 1, Phase: history.Ended},
		{At: at(26 * time.Minute), Kind: history.Agent, WS: 1, Inc: 2, Phase: history.Started}, // 5m
		{At: at(27 * time.Minute), Kind: history.Agent, WS: 4, Inc: 1, Phase: history.Started}, // nobody saw it launched
		{At: at(27 * time.Minute), Kind: history.Move, WS: 1, Inc: 2, From: lifecycle.Provisioning, To: lifecycle.Degraded},
		{At: at(28 * time.Minute), Kind: history.Move, WS: 99, Inc: 1, To: lifecycle.Online}, // of no workspace of the plan
		{At: at(28 * time.Minute), Kind: history.Move, WS: 0, Inc: 1, To: lifecycle.Online},
	} {
		h.Add(e)
	}
	var r runs.Run
	x := r.Add(played(p, &h))
	want := []runs.Group{
		{
			Name: "a", Provider: "kimi", Runtime: "claude-code", Count: 2, Slowest: 5 * time.Minute, Never: 1,
			Statuses: []runs.StatusCount{{Status: lifecycle.Provisioning, Count: 1}, {Status: lifecycle.Degraded, Count: 1}},
		},
		{
			Name: "b", Provider: "kimi", Runtime: "claude-code", Count: 2, Slowest: 2 * time.Minute, Never: 1,
			Statuses: []runs.StatusCount{{Status: lifecycle.Online, Count: 1}, {Status: lifecycle.Failed, Count: 1}},
		},
		{
			Name: "c", Provider: "kimi", Runtime: "claude-code", Count: 1, Never: 1,
			Statuses: []runs.StatusCount{{Status: lifecycle.None, Count: 1}},
		},
	}
	if diff := cmp.Diff(want, x.Groups, cmpopts.IgnoreUnexported(runs.Group{})); diff != "" {
		t.Error(diff)
	}
}

func TestVerdictOfARun(t *testing.T) {
	t.Parallel()
	verdict := func(v invariant.Verdict) runs.Played {
		return runs.Played{Plan: fleet(string(v), 1), History: &history.History{}, Judgement: &invariant.Judgement{Verdict: v}}
	}
	broken := verdict(invariant.Held)
	broken.Plan = fleet("broken", 1)
	broken.Fault = errors.New("the harness broke")
	for name, c := range map[string]struct {
		played []runs.Played
		want   invariant.Verdict
	}{
		"nothing was played":     {nil, invariant.Inconclusive},
		"held":                   {[]runs.Played{verdict(invariant.Held)}, invariant.Held},
		"inconclusive":           {[]runs.Played{verdict(invariant.Held), verdict(invariant.Inconclusive)}, invariant.Inconclusive},
		"violated":               {[]runs.Played{verdict(invariant.Inconclusive), verdict(invariant.Violated), verdict(invariant.Held)}, invariant.Violated},
		"a fault proves nothing": {[]runs.Played{verdict(invariant.Held), broken}, invariant.Inconclusive},
	} {
		r := &runs.Run{Form: runs.Form, Began: began}
		for _, p := range c.played {
			r.Add(p)
		}
		keep(t, r, t.TempDir())
		if kept, err := runs.Load(r.Folder()); err != nil || kept.Verdict != c.want {
			t.Errorf("%s is kept: %v, %v", name, kept, err)
		}
		if r.Verdict != c.want {
			t.Errorf("%s: %s, not %s", name, r.Verdict, c.want)
		}
	}
}

// A fault of the harness is told, and nothing is blamed on the controller.
func TestFaultOfTheHarness(t *testing.T) {
	t.Parallel()
	var h history.History
	stuck(&h, 1, 20*time.Minute)
	p := played(fleet("stuck-one", 1), &h)
	p.Fault = errors.New("the database went away")
	var r runs.Run
	x := r.Add(p)
	if x.Verdict != invariant.Inconclusive || x.First != nil || x.Explanation != nil || x.Fault != "the database went away" {
		t.Errorf("%+v", x)
	}
	if r.Count(invariant.Inconclusive) != 1 {
		t.Error("the run blames the controller")
	}
}

func TestAgain(t *testing.T) {
	t.Parallel()
	r := newRun()
	keep(t, r, t.TempDir())
	again := r.Again("v2")
	h, err := r.History(r.Results[1])
	if err != nil {
		t.Fatal(err)
	}
	x := again.Add(played(r.Results[1].Plan, h))
	if x.Digest != r.Results[1].Digest || again.Folder() != r.Folder() || again.ID != r.ID || again.Version != "v2" || again.Defect != r.Defect {
		t.Errorf("%+v", again)
	}
	if r.Scenarios() != 2 || again.Scenarios() != 2 || len(again.Results) != 1 {
		t.Errorf("%d and %d scenarios", r.Scenarios(), again.Scenarios())
	}
	if again.Virtual() != 20*time.Minute || r.Virtual() != 40*time.Minute {
		t.Errorf("%s and %s of virtual time", again.Virtual(), r.Virtual())
	}
}

func TestParting(t *testing.T) {
	t.Parallel()
	events := func(n int, last history.Event) *history.History {
		h := &history.History{}
		for range n {
			h.Add(history.Event{Kind: history.Process, Replica: 1, Phase: history.Started})
		}
		h.Add(last)
		return h
	}
	end := history.Event{At: at(time.Minute), Kind: history.End}
	for name, c := range map[string]struct {
		kept, now *history.History
		says      []string
	}{
		"same":    {events(2, end), events(2, end), []string{"the histories are the same"}},
		"changed": {events(2, end), events(2, history.Event{At: at(time.Minute), Kind: history.Panic, Err: "boom"}), []string{"event 3 was", `{"t":60.000000,"kind":"end"} and is`, `"err":"boom"`}},
		"shorter": {events(2, end), &history.History{Events: events(2, end).Events[:2]}, []string{"ends after 2 events", `the kept one has {"t":60.000000,"kind":"end"}`}},
		"longer":  {&history.History{}, events(0, end), []string{"the kept one ends after 0 events", `"kind":"end"`}},
	} {
		for _, words := range c.says {
			if got := runs.Parting(c.kept, c.now); !strings.Contains(got, words) {
				t.Errorf("%s: %q does not say %q", name, got, words)
			}
		}
	}
}

func TestNoPlanIsTooSmall(t *testing.T) {
	t.Parallel()
	var r runs.Run
	x := r.Add(played(&plan.Plan{Name: "nobody", Controllers: 1}, &history.History{}))
	if len(x.Groups) != 0 || x.Verdict != invariant.Inconclusive {
		t.Errorf("%+v", x)
	}
}
