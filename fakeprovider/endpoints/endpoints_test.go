package endpoints_test

import (
	"context"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/bootrace/bootrace/controller/cloud"
	"github.com/bootrace/bootrace/controller/cloud/ec2"
	"github.com/bootrace/bootrace/fakeprovider/endpoints"
	"github.com/bootrace/bootrace/fakeprovider/llm"
	"github.com/bootrace/bootrace/internal/await"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	ami       = "ami-0b007ace000000001"
	provision = `{"workspace_id":"w-cp","env":{"TOKEN":"cp-secret"}}`
	chat      = `{"model":"m","messages":[{"role":"user","content":"hi"}]}`
)

// fixture is endpoints on sockets of their own.
type fixture struct {
	*testing.T
	*endpoints.Endpoints
	client *http.Client
	stop   func() error
}

// serve serves the parts of each string, such as "ec2 cp", on a socket of their own, and returns their URLs.
func serve(t *testing.T, o endpoints.Options, on ...string) (*fixture, []string) {
	t.Helper()
	e, err := endpoints.New(o)
	if err != nil {
		t.Fatal(err)
	}
	handlers := map[net.Listener]http.Handler{}
	var urls []string
	for _, parts := range on {
		l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		var named []endpoints.Part
		for _, p := range strings.Fields(parts) {
			named = append(named, endpoints.Part(p))
		}
		handlers[l] = e.Handler(named...)
		urls = append(urls, "http://"+l.Addr().String())
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- endpoints.Serve(ctx, handlers, nil) }()
	f := &fixture{T: t, Endpoints: e, client: &http.Client{Transport: &http.Transport{}}}
	stopped := false
	f.stop = func() error {
		stopped = true
		cancel()
		return <-ended
	}
	t.Cleanup(func() {
		if !stopped {
			if err := f.stop(); err != nil {
				t.Error(err)
			}
		}
		f.client.CloseIdleConnections()
	})
	return f, urls
}

func (f *fixture) call(method, url, body string) (int, string) {
	f.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, method, url, strings.NewReader(body))
	if err != nil {
		f.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer w-llm")
	r.Header.Set("Content-Type", "application/json")
	reply, err := f.client.Do(r)
	if err != nil {
		f.Fatal(err)
	}
	defer reply.Body.Close()
	text, err := io.ReadAll(reply.Body)
	if err != nil {
		f.Fatal(err)
	}
	return reply.StatusCode, string(text)
}

func (f *fixture) wants(code int, method, url, body string) string {
	f.Helper()
	got, text := f.call(method, url, body)
	if got != code {
		f.Fatalf("%s %s: %d, want %d\n%s", method, url, got, code, text)
	}
	return text
}

func (f *fixture) launch(url string) cloud.Machine {
	f.Helper()
	transport := &http.Transport{}
	f.Cleanup(transport.CloseIdleConnections)
	c, err := ec2.New(context.Background(), ec2.Config{
		Deployment: "d", Endpoint: url, ImageID: ami, AgentCommand: "agent", Transport: transport,
	})
	if err != nil {
		f.Fatal(err)
	}
	m, err := c.Launch(context.Background(), cloud.Spec{
		WorkspaceID: "w-ec2", Incarnation: 1, Name: "n", Env: map[string]string{"TOKEN": "ec2-secret"},
	})
	if err != nil {
		f.Fatal(err)
	}
	return m
}

func TestEverythingOnOneAddress(t *testing.T) {
	t.Parallel()
	f, urls := serve(t, endpoints.Options{Seed: 5, Speed: 1000}, "")
	m := f.launch(urls[0])
	f.wants(201, "POST", urls[0]+"/cp/workspaces/provision", provision)
	f.wants(204, "PUT", urls[0]+"/admin/llm/workspaces/w-llm/preflight", `{"takes":"10s","refusals":1}`)
	f.wants(429, "POST", urls[0]+"/minimax/v1/chat/completions", chat)
	f.wants(200, "POST", urls[0]+"/minimax/v1/chat/completions", chat)
	f.wants(200, "GET", urls[0]+"/kimi/v1/models", "")
	f.wants(400, "GET", urls[0]+"/", "") // EC2 has only POST there
	f.wants(404, "GET", urls[0]+"/nothing", "")

	var s endpoints.State
	if err := json.Unmarshal([]byte(f.wants(200, "GET", urls[0]+"/admin/state", "")), &struct {
		Seed  *uint64
		Speed *float64
	}{&s.Seed, &s.Speed}); err != nil || s.Seed != 5 || s.Speed != 1000 {
		t.Errorf("state: %v, %+v", err, s)
	}
	text := f.wants(200, "GET", urls[0]+"/admin/state", "")
	for _, part := range []string{`"id":"` + m.ID + `"`, `"workspace_id":"w-cp"`, `"workspace":"w-llm"`, `"refused":1`} {
		if !strings.Contains(text, part) {
			t.Errorf("the state lacks %s:\n%s", part, text)
		}
	}
	if strings.Contains(text, "secret") {
		t.Error("the state shows a secret")
	}
}

func TestPartsOnTheirOwn(t *testing.T) {
	t.Parallel()
	f, urls := serve(t, endpoints.Options{Speed: 1000}, "ec2", "cp llm", "admin")
	f.launch(urls[0])
	f.wants(404, "POST", urls[0]+"/cp/workspaces/provision", provision)
	f.wants(404, "GET", urls[0]+"/kimi/v1/models", "")
	f.wants(404, "GET", urls[0]+"/admin/state", "")
	f.wants(201, "POST", urls[1]+"/cp/workspaces/provision", provision)
	f.wants(200, "GET", urls[1]+"/kimi/v1/models", "")
	f.wants(404, "POST", urls[1]+"/", "")
	f.wants(404, "GET", urls[1]+"/admin/state", "")
	f.wants(200, "GET", urls[2]+"/admin/health", "")
	f.wants(404, "GET", urls[2]+"/kimi/v1/models", "")
}

func TestAdministration(t *testing.T) {
	t.Parallel()
	f, urls := serve(t, endpoints.Options{Speed: 1000}, "")
	u := urls[0]
	f.wants(204, "PUT", u+"/admin/llm/faults", `{"rules":[{"kind":"outage"}]}`)
	f.wants(204, "PUT", u+"/admin/cp/faults", `{"rules":[{"kind":"no-capacity"}]}`)
	f.wants(204, "PUT", u+"/admin/ec2/faults", `{"rules":[{"kind":"failed","status":400,"code":"Blocked"}]}`)
	f.wants(400, "PUT", u+"/admin/ec2/faults", `{"rules":[{"kind":"tired"}]}`)
	f.wants(503, "GET", u+"/kimi/v1/models", "")
	f.wants(503, "POST", u+"/cp/workspaces/provision", provision)
	if got := f.EC2.State().Faults.Rules; len(got) != 1 {
		t.Errorf("EC2's faults are %+v", got)
	}
	f.wants(204, "DELETE", u+"/admin/faults", "")
	f.wants(200, "GET", u+"/kimi/v1/models", "")
	f.wants(201, "POST", u+"/cp/workspaces/provision", provision)
	m := f.launch(u)
	f.wants(204, "POST", u+"/admin/ec2/machines/"+m.ID+"/end", "")
	f.wants(204, "POST", u+"/admin/cp/machines/"+f.CP.State().Machines[0].ID+"/end", "")
	if s := f.State(); s.EC2.Machines[0].State.String() != "terminated" || s.CP.Machines[0].State != "terminated" {
		t.Errorf("state %+v", s)
	}
	f.wants(405, "GET", u+"/admin/faults", "")
	f.wants(404, "GET", u+"/admin/nothing", "")
}

func TestHooksTellWhatAnAgentNeeds(t *testing.T) {
	t.Parallel()
	told := make(chan string, 16)
	answered := make(chan llm.Call, 16)
	tell := func(what string) func(endpoints.Machine) {
		return func(m endpoints.Machine) {
			told <- strings.Join([]string{what, m.Cloud, m.ID, m.WorkspaceID, m.Env["TOKEN"]}, " ")
		}
	}
	f, urls := serve(t, endpoints.Options{
		Speed: 1000, Launched: tell("launched"), Stopped: tell("stopped"), Answered: func(c llm.Call) { answered <- c },
	}, "")
	m := f.launch(urls[0])
	f.wants(201, "POST", urls[0]+"/cp/workspaces/provision", provision)
	cp := f.CP.State().Machines[0].ID
	f.wants(200, "DELETE", urls[0]+"/cp/workspaces/w-cp", "")
	f.wants(204, "POST", urls[0]+"/admin/ec2/machines/"+m.ID+"/end", "")

	if err := f.LLM.SetPreflight("w-llm", 0, 0); err != nil {
		t.Fatal(err)
	}
	f.wants(200, "POST", urls[0]+"/kimi/v1/chat/completions", chat)
	if c := <-answered; c.Workspace != "w-llm" || c.Status != 200 {
		t.Errorf("answered %+v", c)
	}
	close(told)
	var got []string
	for s := range told {
		got = append(got, s)
	}
	want := []string{
		"launched ec2 " + m.ID + " w-ec2 ec2-secret", "launched cp " + cp + " w-cp cp-secret",
		"stopped cp " + cp + " w-cp cp-secret", "stopped ec2 " + m.ID + " w-ec2 ec2-secret",
	}
	if !slices.Equal(got, want) {
		t.Errorf("told %q\nwant %q", got, want)
	}
}

// Machines boot at the speed that is asked for.
func TestSpeed(t *testing.T) {
	t.Parallel()
	f, urls := serve(t, endpoints.Options{Speed: 1000, Boot: 20 * time.Second}, "")
	text := f.wants(201, "POST", urls[0]+"/cp/workspaces/provision", provision)
	if !strings.Contains(text, "pending") {
		t.Errorf("it is not pending: %s", text)
	}
	await.Until(t, "the machine to run", func() bool {
		return strings.Contains(f.wants(200, "GET", urls[0]+"/cp/workspaces/w-cp/status", ""), "running")
	})
}

// A server that ends does not wait for a preflight of an hour, and does not answer it.
func TestServeEndsAtOnce(t *testing.T) {
	t.Parallel()
	f, urls := serve(t, endpoints.Options{}, "", "admin")
	if err := f.LLM.SetPreflight("w-llm", time.Hour, 0); err != nil {
		t.Fatal(err)
	}
	failed := make(chan error, 1)
	go func() {
		r, err := http.NewRequestWithContext(context.Background(), http.MethodPost, urls[0]+"/minimax/v1/chat/completions", strings.NewReader(chat))
		if err == nil {
			r.Header.Set("Authorization", "Bearer w-llm")
			r.Header.Set("Content-Type", "application/json")
			var reply *http.Response
			if reply, err = f.client.Do(r); err == nil {
				reply.Body.Close()
			}
		}
		failed <- err
	}()
	await.Until(t, "the preflight to be under way", func() bool { return f.LLM.State().Providers[0].UnderWay > 0 })
	began := time.Now()
	if err := f.stop(); err != nil {
		t.Error(err)
	}
	if took := time.Since(began); took > await.Hang {
		t.Errorf("it ended after %s", took)
	}
	if got := f.LLM.State().Providers[0]; got.UnderWay != 0 || got.Abandoned != 1 {
		t.Errorf("it ended before its requests had: %+v", got)
	}
	if err := <-failed; err == nil {
		t.Error("the preflight was answered")
	}
}

func TestServeFailsWithItsListener(t *testing.T) {
	t.Parallel()
	e, err := endpoints.New(endpoints.Options{})
	if err != nil {
		t.Fatal(err)
	}
	handlers := map[net.Listener]http.Handler{}
	for i := range 2 {
		l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		if handlers[l] = e.Handler(); i == 0 {
			l.Close()
		}
	}
	if err := endpoints.Serve(context.Background(), handlers, nil); err == nil || !strings.Contains(err.Error(), "serving on 127.0.0.1:") {
		t.Errorf("it ended with %v", err)
	}
}

func TestOptionsThatMakeNoSense(t *testing.T) {
	t.Parallel()
	for _, o := range []endpoints.Options{{Speed: -1}, {Boot: -1}} {
		if _, err := endpoints.New(o); err == nil {
			t.Errorf("%+v is taken", o)
		}
	}
}
