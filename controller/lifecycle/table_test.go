package lifecycle_test

import (
	"strings"
	"testing"

	"github.com/bootrace/bootrace/controller/lifecycle"
)

// The properties of the contract that do not depend on how the table is written down.
func TestStandardTable(t *testing.T) {
	t.Parallel()
	table := lifecycle.Standard()
	seen := map[[2]int]bool{}
	reached := map[lifecycle.Status]bool{}
	for _, e := range table.Edges() {
		key := [2]int{int(e.Event), int(e.From)}
		if seen[key] {
			t.Errorf("%s out of %q stands twice: the table must be a function", e.Event, e.From)
		}
		seen[key] = true
		reached[e.To] = true
		if e.Why == "" {
			t.Errorf("%s out of %q has no reason", e.Event, e.From)
		}
		if e.From == lifecycle.Removed {
			t.Errorf("%s leads out of removed", e.Event)
		}
		if e.Event.ProofOfLife() && e.From.Held() {
			t.Errorf("%s moves %q, which only the operator may move", e.Event, e.From)
		}
		if e.Event.BeginsIncarnation() && e.To != lifecycle.Provisioning {
			t.Errorf("%s begins an incarnation but leads to %q", e.Event, e.To)
		}
	}
	for _, s := range lifecycle.Statuses() {
		if !reached[s] {
			t.Errorf("no edge leads to %q", s)
		}
	}
	for _, e := range lifecycle.Events() {
		if len(table.From(e)) == 0 {
			t.Errorf("event %s moves nothing", e)
		}
		if !e.ProofOfLife() {
			continue
		}
		for _, from := range []lifecycle.Status{lifecycle.Provisioning, lifecycle.AwaitingAgent, lifecycle.Offline, lifecycle.Failed} {
			if to, ok := table.Next(e, from); !ok || to != lifecycle.Online {
				t.Errorf("%s out of %s leads to %s, %v; the wire says online", e, from, to, ok)
			}
		}
	}
	for _, from := range lifecycle.Statuses() {
		if from == lifecycle.Removed {
			continue
		}
		if to, ok := table.Next(lifecycle.Remove, from); !ok || to != lifecycle.Removed {
			t.Errorf("remove out of %s leads to %s, %v", from, to, ok)
		}
	}
}

func TestTableIsImmutable(t *testing.T) {
	t.Parallel()
	table := lifecycle.Standard()
	before := table.Text()
	broken := table.Without(lifecycle.Beat, lifecycle.Failed)
	if to, ok := broken.Next(lifecycle.Beat, lifecycle.Failed); ok || to != lifecycle.Failed {
		t.Errorf("the edge is still there: %s, %v", to, ok)
	}
	wrong := table.With(lifecycle.Edge{Event: lifecycle.Register, From: lifecycle.Paused, To: lifecycle.Online})
	if to, ok := wrong.Next(lifecycle.Register, lifecycle.Paused); !ok || to != lifecycle.Online {
		t.Errorf("the edge is not there: %s, %v", to, ok)
	}
	table.Edges()[0].To = lifecycle.Removed
	if table.Text() != before {
		t.Error("a copy changed the original")
	}
}

func TestNextOutsideTheEnums(t *testing.T) {
	t.Parallel()
	if to, ok := lifecycle.Standard().Next(lifecycle.Event(200), lifecycle.Online); ok || to != lifecycle.Online {
		t.Errorf("an unknown event moved the workspace: %s, %v", to, ok)
	}
	if _, ok := lifecycle.Standard().Next(lifecycle.Beat, lifecycle.Status(200)); ok {
		t.Error("an unknown status was moved")
	}
}

func TestNamesRoundTrip(t *testing.T) {
	t.Parallel()
	for _, s := range append(lifecycle.Statuses(), lifecycle.None) {
		if got, err := lifecycle.ParseStatus(s.String()); err != nil || got != s {
			t.Errorf("ParseStatus(%q) = %v, %v", s, got, err)
		}
	}
	for _, e := range lifecycle.Events() {
		if got, err := lifecycle.ParseEvent(e.String()); err != nil || got != e {
			t.Errorf("ParseEvent(%q) = %v, %v", e, got, err)
		}
	}
	var s lifecycle.Status
	if err := s.UnmarshalText([]byte("onlin")); err == nil || !strings.Contains(err.Error(), `"onlin"`) {
		t.Errorf("a misspelt status gave %v", err)
	}
	var e lifecycle.Event
	if err := e.UnmarshalText([]byte("baet")); err == nil {
		t.Error("a misspelt event was accepted")
	}
}

func TestBeatEvent(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		rate   float64
		wedged bool
		want   lifecycle.Event
	}{
		{0, false, lifecycle.Beat},
		{0.0999, false, lifecycle.Beat},
		{0.1, false, lifecycle.BeatRough},
		{0.4999, false, lifecycle.BeatRough},
		{0.5, false, lifecycle.BeatSick},
		{0, true, lifecycle.BeatSick},
	} {
		if got := lifecycle.BeatEvent(c.rate, c.wedged); got != c.want {
			t.Errorf("BeatEvent(%v, %v) = %s, want %s", c.rate, c.wedged, got, c.want)
		}
	}
}

func TestRenderingsNameEveryEdge(t *testing.T) {
	t.Parallel()
	table := lifecycle.Standard()
	text, mermaid := table.Text(), table.Mermaid()
	if got := strings.Count(text, "\n"); got != len(table.Edges())+1 {
		t.Errorf("the text has %d lines for %d edges", got, len(table.Edges()))
	}
	for _, e := range table.Edges() {
		found := false
		for line := range strings.Lines(mermaid) {
			from := e.From.String()
			if e.From == lifecycle.None {
				from = "[*]"
			}
			if strings.HasPrefix(line, "    "+from+" --> "+e.To.String()+":") && strings.Contains(line, e.Event.String()) {
				found = true
			}
		}
		if !found {
			t.Errorf("the diagram lacks %s: %q → %q", e.Event, e.From, e.To)
		}
	}
}
