package reports_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode"

	"github.com/bootrace/bootrace/controller/lifecycle"
	"github.com/bootrace/bootrace/harness/history"
	"github.com/bootrace/bootrace/harness/invariant"
	"github.com/bootrace/bootrace/harness/plan"
	"github.com/bootrace/bootrace/harness/runs"
	"github.com/bootrace/bootrace/reports"
)

// traceEvent is an event of a trace, with the fields that the format knows and this package uses.
type traceEvent struct {
	Ph   string         `json:"ph"`
	Cat  string         `json:"cat"`
	Name string         `json:"name"`
	PID  *int           `json:"pid"`
	TID  *int           `json:"tid"`
	TS   *int64         `json:"ts"`
	Dur  *int64         `json:"dur"`
	S    string         `json:"s"`
	ID   int            `json:"id"`
	BP   string         `json:"bp"`
	Args map[string]any `json:"args"`
}

func (e traceEvent) thread() [2]int { return [2]int{*e.PID, *e.TID} }

// checkTrace checks a trace by the rules of the format, and returns its events. The rules are those of "Trace Event Format"
// (https://docs.google.com/document/d/1CvAClvFfyA5R-PhYUmn5OOQtYMH4h6I0nSsKchNAySU), sections JSON Object Format, Complete
// Events, Instant Events, Flow Events and Metadata Events; that slices of one thread nest perfectly or not at all is said by
// https://perfetto.dev/docs/faq, too.
func checkTrace(t checker, trace []byte) []traceEvent {
	t.Helper()
	var top struct {
		DisplayTimeUnit string            `json:"displayTimeUnit"`
		OtherData       map[string]string `json:"otherData"`
		TraceEvents     []traceEvent      `json:"traceEvents"`
	}
	d := json.NewDecoder(strings.NewReader(string(trace)))
	d.DisallowUnknownFields()
	if err := d.Decode(&top); err != nil {
		t.Fatal(err)
	}
	if top.DisplayTimeUnit != "ms" && top.DisplayTimeUnit != "ns" {
		t.Errorf("displayTimeUnit is %q", top.DisplayTimeUnit)
	}
	type flow struct{ start, end *traceEvent }
	processes, threads := map[int]string{}, map[[2]int]string{}
	slicesOf := map[[2]int][]traceEvent{}
	flows := map[int]*flow{}
	for i := range top.TraceEvents {
		e := &top.TraceEvents[i]
		if e.PID == nil || e.TID == nil || e.Name == "" || e.Ph != "M" && (e.TS == nil || *e.TS < 0 || e.Cat == "") {
			t.Fatalf("event %d lacks a field that every event has: %+v", i, e)
		}
		if text := fmt.Sprint(e.Name, e.Args); strings.ContainsFunc(text, func(r rune) bool { return unicode.IsControl(r) || unicode.Is(unicode.Cf, r) }) {
			t.Errorf("event %d says what cannot be seen: %q", i, text)
		}
		if (e.Ph == "X") != (e.Dur != nil) || (e.Ph == "i") != (e.S != "") || (e.Ph == "f") != (e.BP != "") || (e.Ph == "s" || e.Ph == "f") != (e.ID != 0) {
			t.Errorf("event %d has fields of another phase: %+v", i, e)
		}
		switch e.Ph {
		case "M":
			key, ok := map[string]string{
				"process_name": "name", "process_labels": "labels", "process_sort_index": "sort_index", "thread_name": "name", "thread_sort_index": "sort_index",
			}[e.Name]
			if _, has := e.Args[key]; !ok || !has || len(e.Args) != 1 {
				t.Errorf("event %d is no metadata that the format knows: %+v", i, e)
			}
			switch e.Name {
			case "process_name":
				processes[*e.PID] = e.Args[key].(string)
			case "thread_name":
				threads[e.thread()] = e.Args[key].(string)
			}
		case "X":
			if *e.Dur < 0 {
				t.Errorf("event %d ends before it begins: %+v", i, e)
			}
			slicesOf[e.thread()] = append(slicesOf[e.thread()], *e)
		case "i":
			if e.S != "t" && e.S != "p" && e.S != "g" {
				t.Errorf("event %d has the scope %q", i, e.S)
			}
		case "s", "f":
			f := flows[e.ID]
			if f == nil {
				f = &flow{}
				flows[e.ID] = f
			}
			end := &f.start
			if e.Ph == "f" {
				end = &f.end
			}
			if *end != nil {
				t.Errorf("arrow %d has two ends %q", e.ID, e.Ph)
			}
			*end = e
		default:
			t.Errorf("event %d has the phase %q", i, e.Ph)
		}
	}
	for i, e := range top.TraceEvents {
		if processes[*e.PID] == "" || *e.TID != 0 && threads[e.thread()] == "" {
			t.Fatalf("event %d is of a process or thread without a name: %+v", i, e)
		}
	}
	for thread, list := range slicesOf {
		slices.SortStableFunc(list, func(a, b traceEvent) int { // outer ones before those within
			if *a.TS != *b.TS {
				return int(*a.TS - *b.TS)
			}
			return int(*b.Dur - *a.Dur)
		})
		var open []int64
		for _, e := range list {
			for len(open) > 0 && open[len(open)-1] <= *e.TS {
				open = open[:len(open)-1]
			}
			if until := *e.TS + *e.Dur; len(open) > 0 && until > open[len(open)-1] {
				t.Errorf("%s: %s at %d overlaps what began before it", threads[thread], e.Name, *e.TS)
			} else {
				open = append(open, until)
			}
		}
	}
	within := func(e *traceEvent) bool {
		return slices.ContainsFunc(slicesOf[e.thread()], func(x traceEvent) bool { return *x.TS <= *e.TS && *e.TS <= *x.TS+*x.Dur })
	}
	for id, f := range flows {
		if f.start == nil || f.end == nil || f.start.Cat != f.end.Cat || f.start.Name != f.end.Name || *f.start.TS > *f.end.TS || f.end.BP != "e" {
			t.Errorf("arrow %d has no two ends that fit: %+v, %+v", id, f.start, f.end)
		} else if !within(f.start) || !within(f.end) {
			t.Errorf("arrow %d leads from or to no slice: %+v, %+v", id, f.start, f.end)
		}
	}
	return top.TraceEvents
}

func TestTrace(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"green", "red", "fault", "nothing", "interrupted", "hostile"} {
		checkTrace(t, must(t)(reports.Trace(cases[name](t))))
	}
	checkTrace(t, must(t)(reports.Trace(hostileRun(hostile))))
	checkTrace(t, must(t)(reports.Trace(hostileRun(`"},{"ph":"`))))
}

// What a trace shows is what the history says.
func TestTraceShowsTheHistory(t *testing.T) {
	t.Parallel()
	r := kept(t, "red", 1)
	events := checkTrace(t, must(t)(reports.Trace(r)))
	h, err := r.History(r.Results[0])
	if err != nil {
		t.Fatal(err)
	}
	var want struct{ calls, moves, sweeps, proofs int }
	for _, e := range h.Events {
		switch e.Kind {
		case history.Call:
			want.calls++
		case history.Move:
			want.moves++
			if e.By == "provision-sweep" || e.By == "liveness-sweep" {
				want.sweeps++
			}
			if e.ByInc > 0 {
				want.proofs++
			}
		}
	}
	got := want
	got.calls, got.moves, got.sweeps, got.proofs = 0, 0, 0, 0
	violated := 0
	for _, e := range events {
		switch {
		case e.Ph == "X" && e.Cat == "call":
			got.calls++
		case e.Ph == "X" && e.Cat == "status":
			got.moves++
		case e.Ph == "i" && e.Cat == "move" && e.Args["workspace"] != nil:
			got.sweeps++
		case e.Ph == "f":
			got.proofs++
		case e.Ph == "i" && e.Cat == "verdict" && e.Name == "VIOLATED converges":
			violated++
		}
	}
	if got != want || want.sweeps == 0 || want.proofs == 0 {
		t.Errorf("the trace has %+v, the history %+v", got, want)
	}
	if n := len(r.Results[0].Judgement.Violations()); violated != n || n == 0 {
		t.Errorf("the trace has %d violations, not %d", violated, n)
	}
}

// Calls that overlap stand side by side, and no arrow is drawn where nobody can tell which call made a move.
func TestTraceOverlaps(t *testing.T) {
	t.Parallel()
	at := func(s int) history.Time { return history.Time(time.Duration(s) * time.Second) }
	p := &plan.Plan{
		Name: "s", Controllers: 1, Duration: plan.Duration(time.Minute),
		Workspaces: []plan.Workspace{{Name: "w", Group: "w", Provider: "kimi", Runtime: "claude-code", Boots: []plan.Boot{{}}}},
	}
	beat := func(sent, got int) history.Event {
		return history.Event{At: at(got), Sent: at(sent), Kind: history.Call, WS: 1, Inc: 1, Actor: history.ActorAgent, Call: "heartbeat", Code: 200}
	}
	move := func(s int, from, to lifecycle.Status) history.Event {
		return history.Event{At: at(s), Kind: history.Move, WS: 1, Inc: 1, From: from, To: to, By: "heartbeat", ByInc: 1}
	}
	h := &history.History{Events: []history.Event{
		move(2, lifecycle.Provisioning, lifecycle.Online), beat(1, 3), // the only one that was under way
		move(13, lifecycle.Offline, lifecycle.Online), beat(11, 15), beat(12, 16), // either may have made it
		{At: at(60), Kind: history.End},
	}}
	r := &runs.Run{}
	r.Add(runs.Played{Plan: p, History: h, Judgement: &invariant.Judgement{Verdict: invariant.Held}})
	var arrows []int64
	threads := map[int]bool{}
	for _, e := range checkTrace(t, must(t)(reports.Trace(r))) {
		if e.Ph == "f" {
			arrows = append(arrows, *e.TS)
		}
		if e.Cat == "call" {
			threads[*e.TID] = true
		}
	}
	if got, want := fmt.Sprint(arrows), "[2000000]"; got != want {
		t.Errorf("arrows end at %s, not %s", got, want)
	}
	if len(threads) != 2 {
		t.Errorf("the calls stand in %d threads", len(threads))
	}
}
