package cpwire_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/bootrace/bootrace/fakeprovider/cpwire"
)

func TestErrorsOnDemand(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		rule   cpwire.Rule
		status int
		error  string
	}{
		{cpwire.Rule{Kind: cpwire.Throttled}, 429, "request limit exceeded"},
		{cpwire.Rule{Kind: cpwire.NoCapacity}, 503, "insufficient capacity"},
		{cpwire.Rule{Kind: cpwire.Internal}, 500, "internal error"},
		{cpwire.Rule{Kind: cpwire.Refused}, 422, "no machine of this kind can be launched"},
		{cpwire.Rule{Kind: cpwire.Refused, Status: 403, Message: "no"}, 403, "no"},
		{cpwire.Rule{Kind: cpwire.Failed, Status: 507, Message: "full"}, 507, "full"},
	} {
		f := newFixture(t, cpwire.Options{Faults: cpwire.Faults{Rules: []cpwire.Rule{c.rule}}})
		a := f.provision("w", "1").is(c.status)
		if a.text("error") != c.error || (a.header.Get("Retry-After") == "1") != (c.status == 429) {
			t.Errorf("%s: %v %s", c.rule.Kind, a.header, a.body)
		}
		if s := f.State(); len(s.Machines) != 0 || !slices.Equal(s.Struck, []int{1}) || s.Recent[0].Fault != c.rule.Kind {
			t.Errorf("%s: state %+v", c.rule.Kind, s)
		}
	}
}

func TestRulesStrikeWhatTheyAreFor(t *testing.T) {
	t.Parallel()
	f := newFixture(t, cpwire.Options{})
	f.faults(
		cpwire.Rule{Kind: cpwire.Internal, Call: cpwire.CallDelete},
		cpwire.Rule{Kind: cpwire.Throttled, Workspace: "v"},
		cpwire.Rule{Kind: cpwire.NoCapacity, Skip: 1, Times: 1},
	)
	f.provision("w", "1").is(201)
	f.provision("v", "1").is(429)
	f.call("GET", "/cp/workspaces/v/status", "").is(429)
	f.call("GET", "/cp/workspaces/w/status", "").is(200) // lack of capacity is for provisions
	f.call("DELETE", "/cp/workspaces/w", "").is(500)
	f.provision("u", "1").is(503)
	f.provision("u", "1").is(201)
	if got := f.State().Struck; !slices.Equal(got, []int{1, 2, 1}) {
		t.Errorf("struck %v", got)
	}
	f.faults(cpwire.Rule{Kind: cpwire.Throttled, Share: 0.25})
	n := 0
	for range 1000 {
		if f.provision("w", "1").status == 429 {
			n++
		}
	}
	if n < 200 || n > 300 {
		t.Errorf("a quarter of 1000 calls are %d", n)
	}
}

// Replies that are lost, over a real socket: what the client sees, and that the call took effect.
func TestLostReplies(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		kind     cpwire.Kind
		launched int
		check    func(status int, body []byte, err error) bool
	}{
		{cpwire.Dropped, 0, func(_ int, _ []byte, err error) bool { return errors.Is(err, io.EOF) }},
		{cpwire.LostClosed, 1, func(_ int, _ []byte, err error) bool { return errors.Is(err, io.EOF) }},
		{cpwire.LostCut, 1, func(status int, body []byte, err error) bool {
			return status == 201 && errors.Is(err, io.ErrUnexpectedEOF) && bytes.HasPrefix(body, []byte(`{"instance_id":`))
		}},
		{cpwire.LostEmpty, 1, func(status int, body []byte, err error) bool { return status == 200 && err == nil && len(body) == 0 }},
		{cpwire.LostHang, 1, func(_ int, _ []byte, err error) bool { return errors.Is(err, context.DeadlineExceeded) }},
	} {
		t.Run(string(c.kind), func(t *testing.T) {
			t.Parallel()
			server := cpwire.New(cpwire.Options{Faults: cpwire.Faults{Rules: []cpwire.Rule{{Kind: c.kind}}}})
			listener := httptest.NewServer(server)
			defer listener.Close()
			patience := time.Minute
			if c.kind == cpwire.LostHang {
				patience = time.Second
			}
			ctx, cancel := context.WithTimeout(context.Background(), patience)
			defer cancel()
			r, err := http.NewRequestWithContext(ctx, http.MethodPost, listener.URL+"/cp/workspaces/provision", strings.NewReader(order("w", "1")))
			if err != nil {
				t.Fatal(err)
			}
			status, body := 0, []byte(nil)
			reply, err := (&http.Client{Transport: &http.Transport{DisableKeepAlives: true}}).Do(r)
			if err == nil {
				status = reply.StatusCode
				body, err = io.ReadAll(reply.Body)
				reply.Body.Close()
			}
			if !c.check(status, body, err) {
				t.Errorf("the client saw %d %q, %v", status, body, err)
			}
			if got := server.State(); len(got.Machines) != c.launched {
				t.Errorf("%d machines, want %d", len(got.Machines), c.launched)
			}
		})
	}
}

// A slow call takes effect after its delay, and at the latest when its client gives up.
func TestSlow(t *testing.T) {
	t.Parallel()
	f := newFixture(t, cpwire.Options{})
	f.faults(cpwire.Rule{Kind: cpwire.Slow, Delay: cpwire.Duration(20 * time.Millisecond), Times: 1})
	began := time.Now()
	f.provision("w", "1").is(201)
	if took := time.Since(began); took < 20*time.Millisecond {
		t.Errorf("it took %s", took)
	}
	f.faults(cpwire.Rule{Kind: cpwire.Slow, Delay: cpwire.Duration(time.Hour)})
	ctx, cancel := context.WithCancel(context.Background())
	time.AfterFunc(20*time.Millisecond, cancel) // short: whenever it comes, the outcome is the same
	f.ServeHTTP(httptest.NewRecorder(), httptest.NewRequestWithContext(ctx, "POST", "/cp/workspaces/provision", strings.NewReader(order("v", "1"))))
	if got := f.State(); len(got.Machines) != 2 {
		t.Errorf("machines %+v", got.Machines)
	}
}

func TestFaultsThatMakeNoSense(t *testing.T) {
	t.Parallel()
	f := newFixture(t, cpwire.Options{})
	f.faults(cpwire.Rule{Kind: cpwire.Internal})
	for _, r := range []cpwire.Rule{
		{}, {Kind: "tired"}, {Kind: cpwire.Internal, Call: "launch"}, {Kind: cpwire.Slow}, {Kind: cpwire.Internal, Delay: 1},
		{Kind: cpwire.NoCapacity, Call: cpwire.CallStatus}, {Kind: cpwire.Failed}, {Kind: cpwire.Failed, Status: 500},
		{Kind: cpwire.LostCut, Status: 500}, {Kind: cpwire.Internal, Status: 200}, {Kind: cpwire.Internal, Skip: -1},
		{Kind: cpwire.Internal, Times: -1}, {Kind: cpwire.Internal, Share: -0.1},
	} {
		if f.SetFaults(cpwire.Faults{Rules: []cpwire.Rule{r}}) == nil {
			t.Errorf("%+v is taken", r)
		}
	}
	f.provision("w", "1").is(500) // those before are still there
}

func TestAdmin(t *testing.T) {
	t.Parallel()
	f := newFixture(t, cpwire.Options{})
	admin := func(method, path, body string) answer { return f.send(f.Admin(), method, path, body) }
	id := f.provision("w", "a-secret").is(201).text("instance_id")
	if a := admin("PUT", "/faults", `{"rules":[{"call":"status","kind":"slow","delay":"1ms","times":1}]}`); a.status != 204 {
		t.Fatalf("faults: %d %s", a.status, a.body)
	}
	f.state("w")
	a := admin("GET", "/state", "")
	for _, part := range []string{
		`"id":"` + id + `"`, `"state":"running"`, `"struck":[1]`, `"provision":1`, `"status":1`, `"delay":"1ms"`, `"fault":"slow"`,
	} {
		if a.status != 200 || !strings.Contains(a.body, part) {
			t.Errorf("state lacks %s: %d\n%s", part, a.status, a.body)
		}
	}
	if strings.Contains(a.body, "a-secret") {
		t.Error("the state shows the agent's environment")
	}
	for _, c := range []struct {
		method, path, body string
		code               int
	}{
		{"POST", "/machines/" + id + "/end", `{"reason":"spot"}`, 204},
		{"POST", "/machines/" + id + "/end", "", 204},
		{"POST", "/machines/cp-0/end", "", 404},
		{"POST", "/machines/" + id + "/end", `{"because":"x"}`, 400},
		{"PUT", "/faults", `{"rules":[{"kind":"tired"}]}`, 400},
		{"PUT", "/faults", ``, 400},
		{"GET", "/faults", ``, 405},
	} {
		if a := admin(c.method, c.path, c.body); a.status != c.code {
			t.Errorf("%s %s %s: %d, want %d", c.method, c.path, c.body, a.status, c.code)
		}
	}
	if m := f.State().Machines[0]; m.Reason != "spot" {
		t.Errorf("machine %+v", m)
	}
}
