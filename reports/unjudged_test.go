package reports_test

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/bootrace/bootrace/harness/history"
	"github.com/bootrace/bootrace/harness/invariant"
	"github.com/bootrace/bootrace/harness/plan"
	"github.com/bootrace/bootrace/harness/runs"
	"github.com/bootrace/bootrace/reports"
)

// TestUnjudged checks that what could not be judged for a target is named in every report, and is green in none.
func TestUnjudged(t *testing.T) {
	t.Parallel()
	p := &plan.Plan{
		Name: "s", Controllers: 1, Duration: plan.Duration(15 * time.Minute),
		Workspaces: []plan.Workspace{{Name: "w", Group: "w", Provider: "kimi", Runtime: "claude-code", Boots: []plan.Boot{{}}}},
		Live:       &plan.Live{Speed: 1, Unseen: []string{"log"}},
	}
	h := &history.History{Events: []history.Event{
		{Kind: history.Move, WS: 1, Inc: 1, To: 1}, {At: history.Time(15 * time.Minute), Kind: history.End},
	}}
	r := &runs.Run{}
	r.Add(runs.Played{Plan: p, History: h, Judgement: invariant.Judge(p, h)})
	var terminal bytes.Buffer
	reports.Terminal{W: &terminal}.Fit([]*plan.Plan{p}).Summary(r)
	markdown, err := reports.Markdown(r)
	if err != nil {
		t.Fatal(err)
	}
	junit, err := reports.JUnit(r)
	if err != nil {
		t.Fatal(err)
	}
	html, err := reports.HTML(r)
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{"terminal": terminal.String(), "Markdown": string(markdown), "JUnit": string(junit), "HTML": string(html)} {
		if !strings.Contains(text, "cause-kept") || !strings.Contains(strings.Join(strings.Fields(text), " "), "does not show log") {
			t.Errorf("%s does not say what was not judged:\n%s", name, text)
		}
	}
	if n := strings.Count(string(junit), "<skipped "); n != 3 || !strings.Contains(string(junit), `skipped="3"`) {
		t.Errorf("JUnit has %d skipped cases:\n%s", n, junit)
	}
}
