package foreign_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/bootrace/bootrace/harness/foreign"
	"github.com/bootrace/bootrace/harness/plan"
	"github.com/bootrace/bootrace/scenarios"
)

// answers serves bodies by path, each with 200; a body that begins with a number is one with that code.
func answers(t *testing.T, by map[string]string) string {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, ok := by[r.Method+" "+r.URL.Path]
		if !ok {
			body = "404 {}"
		}
		code := 200
		if number, rest, ok := strings.Cut(body, " "); ok && len(number) == 3 && number[0] >= '2' && number[0] <= '5' {
			code = int(number[0]-'0')*100 + int(number[1]-'0')*10 + int(number[2]-'0')
			body = rest
		}
		if code == 302 {
			w.Header().Set("Location", "/login")
		}
		w.WriteHeader(code)
		w.Write([]byte(body))
	}))
	t.Cleanup(server.Close)
	return server.URL
}

const healthy = `{"status":"ok"}`

// TestPreflight checks that whatever is no controller of this wire is recognised, by the call that shows it.
func TestPreflight(t *testing.T) {
	t.Parallel()
	down := httptest.NewServer(nil)
	down.Close()
	for _, c := range []struct {
		name string
		url  string
		want []string
	}{
		{"down", down.URL, []string{"target staging: GET /health: no answer", "connection refused"}},
		{"refuses the token", serve(t, "", nil), []string{"GET /workspaces: answered 401: it refuses the token"}},
		{"HTML", answers(t, map[string]string{"GET /health": "<!doctype html><p>welcome"}), []string{"GET /health: answered 200 with HTML"}},
		{"a login", answers(t, map[string]string{"GET /health": "302 <a>"}), []string{"GET /health: answered 302, a redirect to \"/login\""}},
		{"half a JSON", answers(t, map[string]string{"GET /health": healthy, "GET /workspaces": `[{"id":"1","sta`}), []string{"GET /workspaces: answered 200 with what is no whole JSON", `"sta`}},
		{"nothing", answers(t, map[string]string{"GET /health": "200 "}), []string{"GET /health: answered 200 with nothing"}},
		{"ill", answers(t, map[string]string{"GET /health": "503 {}"}), []string{"GET /health: answered 503: it is not healthy"}},
		{"another server", answers(t, map[string]string{"GET /health": `{"healthy":true}`}), []string{"GET /health: says", `has {"status":"ok"}`}},
		{"another list", answers(t, map[string]string{"GET /health": healthy, "GET /workspaces": `{"workspaces":[]}`}), []string{"GET /workspaces: speaks another version of the wire: it is no array"}},
		{"another status", answers(t, map[string]string{"GET /health": healthy, "GET /workspaces": `[{"id":"1","status":"RUNNING"}]`}), []string{"another version of the wire", `"RUNNING"`}},
		{"no list", answers(t, map[string]string{"GET /health": healthy}), []string{"GET /workspaces: answered 404", "(--org-id)"}},
		{"a failing list", answers(t, map[string]string{"GET /health": healthy, "GET /workspaces": `500 {"error":"the database is gone"}`}), []string{"GET /workspaces: answered 500: the database is gone"}},
	} {
		x := target(c.url)
		if c.name == "refuses the token" {
			x.Token = "another"
		}
		s, err := foreign.Open(t.Context(), x)
		if err == nil {
			s.Close()
			t.Errorf("%s: it passes", c.name)
			continue
		}
		for _, want := range c.want {
			if !strings.Contains(err.Error(), want) {
				t.Errorf("%s: the error lacks %q: %v", c.name, want, err)
			}
		}
	}
}

// TestAwait waits for a target that comes up late, and no longer than it is told for one that does not.
func TestAwait(t *testing.T) {
	t.Parallel()
	inner, err := url.Parse(serve(t, "", nil))
	if err != nil {
		t.Fatal(err)
	}
	through := httputil.NewSingleHostReverseProxy(inner)
	through.Transport = &http.Transport{DisableKeepAlives: true}
	up := time.Now().Add(700 * time.Millisecond) // short: it is late, by however much
	late := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if time.Now().Before(up) {
			w.WriteHeader(http.StatusServiceUnavailable)
			return
		}
		through.ServeHTTP(w, r)
	}))
	t.Cleanup(late.Close)
	if s, err := foreign.Await(t.Context(), target(late.URL), time.Minute); err != nil {
		t.Error(err)
	} else {
		s.Close()
	}
	down := httptest.NewServer(nil)
	down.Close()
	began := time.Now()
	if _, err := foreign.Await(t.Context(), target(down.URL), 500*time.Millisecond); err == nil || !strings.Contains(err.Error(), "connection refused") {
		t.Errorf("one that is not there: %v", err)
	}
	if took := time.Since(began); took < 500*time.Millisecond || took > time.Minute {
		t.Errorf("it waited %s", took)
	}
}

// TestTargetThatBreaksOff checks that a target which turns strange while a plan is played is an error that names the call,
// and no history to judge.
func TestTargetThatBreaksOff(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		call string
		code int
		body string
		want string
	}{
		{"POST /registry/heartbeat", 200, "<html>", "target staging: POST /registry/heartbeat: answered 200 with HTML"},
		{"POST /workspaces", 201, `{"id":"1`, "POST /workspaces: answered 201 with what is no whole JSON"},
		{"POST /workspaces", 401, `{"error":"expired"}`, "POST /workspaces: answered 401: it refuses the token"},
		{"GET /events", 200, "<html>", "GET /events: answered 200 with HTML"},
		{"POST /registry/register", 302, "", "POST /registry/register: answered 302, a redirect"},
	} {
		inner, err := url.Parse(serve(t, "", nil))
		if err != nil {
			t.Fatal(err)
		}
		through := httputil.NewSingleHostReverseProxy(inner)
		through.Transport = &http.Transport{DisableKeepAlives: true}
		proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.Method+" "+r.URL.Path != c.call {
				through.ServeHTTP(w, r)
				return
			}
			w.WriteHeader(c.code)
			w.Write([]byte(c.body))
		}))
		t.Cleanup(proxy.Close)
		session, err := foreign.Open(t.Context(), target(proxy.URL))
		if err != nil {
			t.Fatal(err)
		}
		p, _, err := session.Target().Fit(own("one", group(1, time.Minute), nil), 1)
		if err != nil {
			t.Fatal(err)
		}
		began := time.Now()
		if _, err := session.Play(t.Context(), p); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: the error lacks %q: %v", c.call, c.want, err)
		}
		if took := time.Since(began); took > time.Minute {
			t.Errorf("%s: it took %s to say so", c.call, took)
		}
		session.Close()
		if n := workspaces(t, inner.String()); n != 0 && c.call != "POST /workspaces" {
			t.Errorf("%s: %d workspaces are left behind", c.call, n)
		}
	}
}

// TestLeftOut checks that a scenario which a target cannot play is left out, with the reason.
func TestLeftOut(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		scenario string
		alter    func(*foreign.Target)
		why      string
	}{
		{"two-replicas", nil, "it needs several replicas"},
		{"minimax-past-budget", func(x *foreign.Target) { x.Boots = foreign.BootsNone }, "it needs provisioning"},
		{"hibernate-and-wake", func(x *foreign.Target) { x.Lacks = []string{"hibernate"} }, "it needs hibernate, which the target lacks"},
		{"postgres-errors", nil, "its fault store-error cannot be brought about from outside"},
		{"cloud-capacity", nil, "its fault cloud-capacity strikes a cloud, and the target's is not the harness's"},
		{"cloud-capacity", func(x *foreign.Target) { x.ServeCP = "127.0.0.1:0" }, ""},
		{"cloud-capacity", func(x *foreign.Target) { x.Fakeprovider = "http://localhost:1" }, "its fault cloud-capacity strikes a cloud"},
		{"beyond-the-first-page", nil, "its setting sweep_batch is the target's own"},
		{"crash-after-launch", nil, "its setting first_turns is the target's own"},
		{"external-agents", func(x *foreign.Target) { x.Boots = foreign.BootsNone }, ""},
		{"minimax-past-budget", nil, ""},
	} {
		x := target("http://localhost:1")
		if c.alter != nil {
			c.alter(&x)
		}
		x, err := x.Complete()
		if err != nil {
			t.Fatal(err)
		}
		s, err := scenarios.Find(c.scenario)
		if err != nil {
			t.Fatal(err)
		}
		p, why, err := x.Fit(s, 1)
		if err != nil || !strings.HasPrefix(why, c.why) || (why == "") != (p != nil) {
			t.Errorf("%s: %q, %v, want %q", c.scenario, why, err, c.why)
		}
	}
}

// TestFit checks that what happens before and after the contract's budget happens before and after the target's.
func TestFit(t *testing.T) {
	t.Parallel()
	x, err := foreign.Target{URL: "http://localhost:1", Budgets: map[string]time.Duration{"": 20 * time.Second}}.Complete()
	if err != nil {
		t.Fatal(err)
	}
	s, err := scenarios.Find("minimax-past-budget")
	if err != nil {
		t.Fatal(err)
	}
	p, _, err := x.Fit(s, 1)
	if err != nil {
		t.Fatal(err)
	}
	// 11m42s is 1m42s past a budget of 10m, and 3m10s is 19 of its 60ths.
	for i, want := range map[int]time.Duration{0: 122 * time.Second, 5: 6333 * time.Millisecond} {
		if got := p.Workspaces[i].Boot(1).Total().Round(time.Millisecond); got != want {
			t.Errorf("workspace %d boots in %s, want %s", i+1, got, want)
		}
	}
	text, err := json.Marshal(p)
	if err != nil {
		t.Fatal(err)
	}
	var kept plan.Plan
	if err := json.Unmarshal(text, &kept); err != nil {
		t.Errorf("the plan cannot be kept: %v", err)
	}
	if p.Settings.Controller().Budget("claude-code") != 20*time.Second || p.Live == nil || p.Live.Tolerance != plan.Duration(time.Second) {
		t.Errorf("settings %+v, live %+v", p.Settings, p.Live)
	}
	// The slowest boot, and then a silence: the TTL of 180s, a sweep of 15s, 5s for small things, and two looks.
	if want := plan.Duration(122*time.Second + 200*time.Second + 3*time.Second); plan.Duration(time.Duration(p.Duration).Round(time.Second)) != want {
		t.Errorf("it takes %s, want %s", p.Duration, want)
	}
	sick, err := scenarios.Find("sick-agents")
	if err != nil {
		t.Fatal(err)
	}
	q, _, err := x.Fit(sick, 1)
	if err != nil {
		t.Fatal(err)
	}
	if f := q.Faults[0]; f.Until-f.From != sick.Faults[0].Until-sick.Faults[0].From {
		t.Errorf("agents are sick from %s to %s: too short to be noticed by heartbeats as slow as the contract's", f.From, f.Until)
	}
	again, _, err := x.Fit(s, 1)
	if err != nil || again.Workspaces[0].Name == p.Workspaces[0].Name {
		t.Errorf("two runs name a workspace %s", again.Workspaces[0].Name)
	}
}

// TestTargetsThatMakeNoSense are refused before anybody is called.
func TestTargetsThatMakeNoSense(t *testing.T) {
	t.Parallel()
	for want, alter := range map[string]func(*foreign.Target){
		"has no URL":                     func(x *foreign.Target) { x.URL = "" },
		"is not an http or https URL":    func(x *foreign.Target) { x.URL = "localhost:80" },
		`dialect "klingon"`:              func(x *foreign.Target) { x.Dialect = "klingon" },
		`not by "nobody"`:                func(x *foreign.Target) { x.Boots = "nobody" },
		"give both or neither":           func(x *foreign.Target) { x.Boots = foreign.BootsTarget },
		"the fake provider's URL":        func(x *foreign.Target) { x.Fakeprovider = "localhost" },
		"give one of them":               func(x *foreign.Target) { x.ServeCP, x.Fakeprovider = "127.0.0.1:0", "http://localhost:1" },
		`said to lack "flying"`:          func(x *foreign.Target) { x.Lacks = []string{"flying"} },
		"below zero":                     func(x *foreign.Target) { x.TTL = -1 },
		"which is no time":               func(x *foreign.Target) { x.Budgets[""] = 0 },
		"calls every one of them silent": func(x *foreign.Target) { x.Heartbeat = time.Hour },
	} {
		x := target("http://localhost:1")
		alter(&x)
		if _, err := x.Complete(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
	}
}
