package foreign

import (
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/bootrace/bootrace/controller/lifecycle"
	"github.com/bootrace/bootrace/harness/foreign/dialect"
	"github.com/bootrace/bootrace/harness/history"
	"github.com/bootrace/bootrace/harness/invariant"
	"github.com/bootrace/bootrace/harness/plan"
)

// TestFeed checks what a look makes of the events feed: entries of one moment in the order in which they happened, each once,
// and the list by itself only where the feed does not explain it.
func TestFeed(t *testing.T) {
	t.Parallel()
	feed, list := "", ""
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/events" {
			w.Write([]byte("[" + feed + "]"))
			return
		}
		w.Write([]byte(`[{"id":"1","status":"` + list + `"}]`))
	}))
	defer server.Close()
	w := lookingAt(server.URL)
	defer w.session.client.http.CloseIdleConnections()
	entry := func(kind, at string) string {
		return `{"event_type":"WORKSPACE_` + kind + `","workspace_id":"1","payload":{},"created_at":"2026-01-01T00:00:` + at + `Z"}`
	}
	for _, look := range []struct {
		name, list, feed string
		want             []lifecycle.Status
	}{
		{"no feed yet", "provisioning", "", []lifecycle.Status{lifecycle.Provisioning}},
		{
			"newest first, two of one moment", "hibernating", entry("HIBERNATED", "02") + "," + entry("HIBERNATING", "02") + "," + entry("ONLINE", "01"),
			[]lifecycle.Status{lifecycle.Online, lifecycle.Hibernating, lifecycle.Hibernated},
		},
		{"the same again", "hibernated", entry("HIBERNATED", "02") + "," + entry("HIBERNATING", "02"), nil},
		{
			"what the feed does not tell, and what the row does not show", "online", entry("FAILED", "05") + "," + entry("WHATEVER", "04"),
			[]lifecycle.Status{lifecycle.Online},
		},
		{
			"a removal that no row shows", "online", entry("REMOVED", "06") + "," + entry("ONLINE", "07") + "," + entry("FAILED", "05") + "," + entry("WHATEVER", "04"),
			nil,
		},
		{
			"down and up again between two looks", "online", entry("ONLINE", "09") + "," + entry("OFFLINE", "08"),
			[]lifecycle.Status{lifecycle.Offline, lifecycle.Online},
		},
	} {
		list, feed = look.list, look.feed
		before := len(moves(w))
		if err := w.read(t.Context(), time.Now()); err != nil {
			t.Fatal(err)
		}
		for _, e := range w.history.Events {
			if e.Kind != history.Reading || e.WS != 1 || e.Sent == 0 || e.Sent > e.At {
				t.Errorf("%s: %+v", look.name, e)
			}
		}
		if got := moves(w)[before:]; !slices.Equal(got, look.want) {
			t.Errorf("%s: it became %v, want %v", look.name, got, look.want)
		}
	}
	if notes := w.session.Notes(); len(notes) != 1 || !strings.Contains(notes[0], `"WORKSPACE_WHATEVER"`) || !strings.Contains(notes[0], "read from the workspaces themselves") {
		t.Errorf("a word that nobody knows is told so: %v", notes)
	}
}

// lookingAt is a world of one workspace, that the server shows.
func lookingAt(url string) *world {
	s := &Session{client: newClient(Target{URL: url}), owners: map[string]*member{}, lists: newShared[[]shown](), feeds: newShared[dialect.Answer]()}
	w := &world{session: s, reading: make(chan struct{}, 1), began: time.Now()}
	w.known = watched{seen: map[feedKey]bool{}, pending: map[string][]feedEntry{}}
	w.members = []*member{{world: w, number: 1, id: "1"}}
	return w
}

// moves are what a judge makes of the world's history.
func moves(w *world) []lifecycle.Status {
	p := &plan.Plan{
		Workspaces: []plan.Workspace{{Boots: []plan.Boot{{}}}}, Live: &plan.Live{Speed: 1, Unseen: []string{"move", "log", "row"}},
	}
	var all []lifecycle.Status
	for _, e := range invariant.Seen(p, &w.history).Events {
		if e.Kind == history.Move {
			all = append(all, e.To)
		}
	}
	return all
}

// TestFeedThatFails has the feed fail for a moment, as a server that is short of time does: what the list shows meanwhile is not
// put before what the feed tells of later. A feed that never answers is none.
func TestFeedThatFails(t *testing.T) {
	t.Parallel()
	fails, list := false, "provisioning"
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case r.URL.Path != "/events":
			w.Write([]byte(`[{"id":"1","status":"` + list + `"}]`))
		case fails:
			w.WriteHeader(http.StatusServiceUnavailable)
		default:
			w.Write([]byte(`[{"event_type":"WORKSPACE_PAUSED","workspace_id":"1","payload":{},"created_at":"2026-01-01T00:00:02Z"},
				{"event_type":"WORKSPACE_ONLINE","workspace_id":"1","payload":{},"created_at":"2026-01-01T00:00:01Z"}]`))
		}
	}))
	defer server.Close()
	for _, c := range []struct {
		name  string
		fails []bool // by look
		want  []lifecycle.Status
	}{
		{"for a moment", []bool{true, true, false}, []lifecycle.Status{lifecycle.Provisioning, lifecycle.Online, lifecycle.Paused}},
		{"always", []bool{true, true, true, true}, []lifecycle.Status{lifecycle.Paused}},
	} {
		w := lookingAt(server.URL)
		if c.name == "for a moment" { // there is a feed, as an earlier look has shown
			w.known.fed = true
			w.write(1, 1, shown{Status: lifecycle.Provisioning}, true)
		}
		list = "paused"
		for i, f := range c.fails {
			fails = f
			if err := w.read(t.Context(), time.Now()); (err != nil) != (f && (w.known.fed || i < 2)) {
				t.Errorf("%s: look %d: %v", c.name, i, err)
			}
		}
		w.session.client.http.CloseIdleConnections()
		if got := moves(w); !slices.Equal(got, c.want) {
			t.Errorf("%s: it became %v, want %v", c.name, got, c.want)
		}
	}
}
