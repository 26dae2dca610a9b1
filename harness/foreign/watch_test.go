package foreign

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/bootrace/bootrace/controller/lifecycle"
	"github.com/bootrace/bootrace/harness/history"
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
	w := &world{session: &Session{client: newClient(Target{URL: server.URL}), owners: map[string]*member{}}}
	defer w.session.client.http.CloseIdleConnections()
	w.known = watched{status: map[int]lifecycle.Status{}, seen: map[feedKey]bool{}, pending: map[string][]feedEntry{}}
	w.members = []*member{{world: w, number: 1, id: "1"}}
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
		{"the same again", "hibernated", entry("HIBERNATED", "02") + "," + entry("HIBERNATING", "02"), []lifecycle.Status{lifecycle.Hibernated}},
		{
			"what the feed does not tell", "online", entry("FAILED", "05") + "," + entry("WHATEVER", "04"),
			[]lifecycle.Status{lifecycle.Online, lifecycle.Failed},
		},
		{
			"one that had to wait for a later one", "online", entry("REMOVED", "06") + "," + entry("ONLINE", "07") + "," + entry("FAILED", "05") + "," + entry("WHATEVER", "04"),
			[]lifecycle.Status{lifecycle.Online, lifecycle.Removed},
		},
	} {
		list, feed = look.list, look.feed
		before := len(w.history.Events)
		if err := w.read(t.Context()); err != nil {
			t.Fatal(err)
		}
		var got []lifecycle.Status
		for _, e := range w.history.Events[before:] {
			if e.Kind != history.Reading || e.WS != 1 || e.Sent == 0 || e.Sent > e.At {
				t.Errorf("%s: %+v", look.name, e)
			}
			got = append(got, e.To)
		}
		if len(got) != len(look.want) {
			t.Errorf("%s: read %v, want %v", look.name, got, look.want)
			continue
		}
		for i := range got {
			if got[i] != look.want[i] {
				t.Errorf("%s: read %v, want %v", look.name, got, look.want)
			}
		}
	}
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
		{"for a moment", []bool{true, true, false}, []lifecycle.Status{lifecycle.Online, lifecycle.Paused}},
		{"always", []bool{true, true, true, true}, []lifecycle.Status{lifecycle.Paused}},
	} {
		w := &world{session: &Session{client: newClient(Target{URL: server.URL}), owners: map[string]*member{}}}
		w.known = watched{status: map[int]lifecycle.Status{}, seen: map[feedKey]bool{}, pending: map[string][]feedEntry{}}
		w.members = []*member{{world: w, number: 1, id: "1"}}
		list = "paused"
		for i, f := range c.fails {
			fails = f
			if err := w.read(t.Context()); (err != nil) != (f && i < 2) {
				t.Errorf("%s: look %d: %v", c.name, i, err)
			}
		}
		w.session.client.http.CloseIdleConnections()
		var got []lifecycle.Status
		for _, e := range w.history.Events {
			if n := len(got); n == 0 || got[n-1] != e.To {
				got = append(got, e.To)
			}
		}
		if len(got) != len(c.want) || got[0] != c.want[0] || got[len(got)-1] != c.want[len(c.want)-1] {
			t.Errorf("%s: read %v, want %v", c.name, got, c.want)
		}
	}
}
