package reports

import (
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/bootrace/bootrace/controller/lifecycle"
	"github.com/bootrace/bootrace/harness/invariant"
	"github.com/bootrace/bootrace/harness/plan"
	"github.com/bootrace/bootrace/harness/runs"
	"github.com/bootrace/bootrace/scenarios"
)

func TestWords(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ got, want string }{
		{virtual(0), "0 virtual minutes"},
		{virtual(time.Minute), "1 virtual minute"},
		{virtual(97 * time.Minute), "97 virtual minutes"},
		{virtual(119*time.Minute + 40*time.Second), "120 virtual minutes"},
		{virtual(2 * time.Hour), "2 virtual hours"},
		{virtual(61*time.Hour + 20*time.Minute), "61 virtual hours"},
		{elapsed(0), "0.00s"},
		{elapsed(1234 * time.Millisecond), "1.23s"},
		{elapsed(61 * time.Second), "61.00s"},
		{elapsed(125 * time.Second), "2m05s"},
		{span(0), "0s"},
		{span(25 * time.Second), "25s"},
		{span(2 * time.Minute), "2m00s"},
		{span(9*time.Minute + 41*time.Second + 600*time.Millisecond), "9m42s"},
		{span(time.Hour + 2*time.Minute + 3*time.Second), "1h02m03s"},
		{statusName(lifecycle.None), "never created"},
		{statusName(lifecycle.Online), "online"},
		{plural(1, "scenario", "scenarios"), "1 scenario"},
		{plural(0, "scenario", "scenarios"), "0 scenarios"},
		{shown("a\n\tb\r\n c"), "a b c"},
		{shown("\x1b[2Ja\u202eb\x7f\xff"), "\ufffd[2Ja\ufffdb\ufffd\ufffd"},
		{shown(strings.Repeat("é", longest+1)), strings.Repeat("é", longest) + " …"},
		{string(visible([]byte("é\n· seen"))), "é\n· seen"},
		{string(visible([]byte("\x1b[2Ja\u202e\n\tb\x7f\xff\x00"))), "\ufffd[2Ja\ufffd\n\ufffdb\ufffd\ufffd\ufffd"},
		{code("plain"), "`plain`"},
		{code("a`b"), "`` a`b ``"},
		{escaped("a|b\nc"), `a\|b c`},
		{quoted("runs/20260102-030405-7.2"), "runs/20260102-030405-7.2"},
		{quoted("/tmp/größe"), "/tmp/größe"},
		{quoted("my runs"), "'my runs'"},
		{quoted("it's"), `'it'\''s'`},
		{quoted(""), "''"},
		{quoted("$(boom)"), "'$(boom)'"},
	} {
		if c.got != c.want {
			t.Errorf("%q, not %q", c.got, c.want)
		}
	}
}

func TestWrap(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		text string
		want []string
	}{
		{"", nil},
		{"one", []string{"one"}},
		{"one two  three", []string{"one two", "three"}},
		{"é é é é x", []string{"é é é é", "x"}},
		{"longer-than-a-line and", []string{"longer-than-a-line", "and"}},
	} {
		if got := wrap(c.text, 7); !slices.Equal(got, c.want) {
			t.Errorf("%q: %q", c.text, got)
		}
	}
}

// What is quoted for a shell is one word to it.
func TestQuotedForAShell(t *testing.T) {
	t.Parallel()
	for _, s := range []string{"plain", "two words", "it's", `"`, "$HOME", "`id`", "a;b", "*", "~", "a\\b", "new\nline", "#x"} {
		out, err := exec.CommandContext(t.Context(), "sh", "-c", "printf %s "+quoted(s)).Output()
		if err != nil || string(out) != s {
			t.Errorf("%q is %q to a shell: %v", s, out, err)
		}
	}
}

// The lines of results stand in columns, whatever the built-in scenarios are called and however they are expected to end.
func TestColumnsOfTheSuite(t *testing.T) {
	t.Parallel()
	var plans []*plan.Plan
	for _, s := range scenarios.Builtin() {
		p, err := plan.Resolve(s, 1)
		if err != nil {
			t.Fatal(err)
		}
		plans = append(plans, p)
	}
	var b strings.Builder
	term := Terminal{W: &b}.Fit(plans)
	for _, p := range plans {
		x := &runs.Result{Scenario: p.Name, Plan: p, Verdict: invariant.Held, Judgement: &invariant.Judgement{}, Wall: 1234 * time.Millisecond}
		for _, g := range planned(p) {
			g.Statuses = []runs.StatusCount{{Status: lifecycle.Online, Count: g.Count}}
			x.Groups = append(x.Groups, g)
		}
		term.Result(x)
	}
	place := -1
	for line := range strings.Lines(b.String()) {
		line = strings.TrimSuffix(line, "\n")
		if n := width(line); n > 130 {
			t.Errorf("%d characters: %s", n, line)
		}
		if at := width(line[:strings.Index(line, "1.23s")]); place >= 0 && at != place {
			t.Errorf("out of line: %s", line)
		} else {
			place = at
		}
	}
	if t.Failed() {
		t.Log(b.String())
	}
}

func TestFleet(t *testing.T) {
	t.Parallel()
	p := func(groups ...string) *plan.Plan { // "group provider" for each workspace
		var p plan.Plan
		for _, g := range groups {
			name, provider, _ := strings.Cut(g, " ")
			p.Workspaces = append(p.Workspaces, plan.Workspace{Group: name, Provider: provider})
		}
		return &p
	}
	for _, c := range []struct {
		plan *plan.Plan
		want string
	}{
		{p("kimi kimi", "kimi kimi"), "kimi × 2"},
		{p("hermes kimi"), "hermes (kimi) × 1"},
		{p("an-extraordinarily-long-name kimi"), "an-extraordinarily-long-name (kimi) × 1"},
		{p("kimi kimi", "minimax minimax", "kimi kimi"), "kimi × 2, minimax × 1"},
		{p("kimi kimi", "openai openai", "gemini gemini"), "3 providers × 1"},
		{p("kimi kimi", "openai openai", "gemini gemini", "gemini gemini"), "4 in 3 providers"},
		{p("first kimi", "second kimi"), "2 groups × 1"},
		{p("first kimi", "second kimi", "second kimi"), "3 in 2 groups"},
	} {
		if got := fleet(c.plan); got != c.want {
			t.Errorf("%q, not %q", got, c.want)
		}
	}
}

// What is said of violations counts workspaces, however often each was wronged.
func TestViolated(t *testing.T) {
	t.Parallel()
	x := &runs.Result{
		Plan: &plan.Plan{Workspaces: []plan.Workspace{{Group: "a", Provider: "kimi"}, {Group: "b", Provider: "kimi"}}},
		Judgement: &invariant.Judgement{Findings: []invariant.Finding{
			{Invariant: "gives-up", Violations: []invariant.Violation{{Workspace: 1}, {Workspace: 1}, {Workspace: 1}}},
			{Invariant: "held"},
			{Invariant: "legal-edges", Violations: []invariant.Violation{{Workspace: 1}, {Workspace: 2}}},
			{Invariant: "no-panic", Violations: []invariant.Violation{{}, {}}},
		}},
	}
	x.First = &x.Judgement.Findings[2].Violations[0]
	x.First.Invariant = "legal-edges"
	if got, want := violated(x), "legal-edges (2 of 2), gives-up (1 of 2, all a), no-panic"; got != want {
		t.Errorf("%q, not %q", got, want)
	}
	if got := subject(x, &invariant.Violation{Workspace: 3}); got != "the controller" {
		t.Error(got)
	}
}
