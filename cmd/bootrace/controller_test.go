package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/bootrace/bootrace/internal/await"
)

// controllerAt starts a controller on any free port and returns where it serves.
func controllerAt(t *testing.T, args ...string) (*process, string) {
	t.Helper()
	dir := t.TempDir()
	p := start(t, dir, dir, append([]string{"controller", "--listen", "127.0.0.1:0"}, args...)...)
	return p, "http://" + p.says(`msg=serving address=(\S+)`)[1]
}

// call makes an HTTP call and returns the status and the body, decoded where that is JSON.
func call(t *testing.T, method, url, token string, body any) (int, map[string]any, string) {
	t.Helper()
	var b bytes.Buffer
	if body != nil {
		if err := json.NewEncoder(&b).Encode(body); err != nil {
			t.Fatal(err)
		}
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	q, err := http.NewRequestWithContext(ctx, method, url, &b)
	if err != nil {
		t.Fatal(err)
	}
	q.Header.Set("Content-Type", "application/json")
	if token != "" {
		q.Header.Set("Authorization", "Bearer "+token)
	}
	r, err := http.DefaultClient.Do(q)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Body.Close()
	text, err := io.ReadAll(r.Body)
	if err != nil {
		t.Fatal(err)
	}
	var decoded map[string]any
	json.Unmarshal(text, &decoded)
	return r.StatusCode, decoded, string(text)
}

// live creates a workspace, registers its agent and has it beat, as an operator and an agent do. It returns the
// workspace's id and its agent's token.
func live(t *testing.T, url, admin, name string) (id, token string) {
	t.Helper()
	code, reply, text := call(t, http.MethodPost, url+"/workspaces", admin, map[string]any{"name": name, "runtime": "claude-code", "model": "kimi"})
	if code != http.StatusCreated || reply["status"] != "provisioning" {
		t.Fatalf("create: %d %s", code, text)
	}
	id, _ = reply["id"].(string)
	code, reply, text = call(t, http.MethodPost, url+"/registry/register", "", map[string]any{
		"id": id, "url": "http://10.0.0.1:8000", "agent_card": map[string]any{"name": name},
	})
	token, _ = reply["auth_token"].(string)
	if code != http.StatusOK || token == "" {
		t.Fatalf("register: %d %s", code, text)
	}
	beat(t, url, id, token, http.StatusOK)
	return id, token
}

func beat(t *testing.T, url, id, token string, want int) {
	t.Helper()
	code, _, text := call(t, http.MethodPost, url+"/registry/heartbeat", token, map[string]any{
		"workspace_id": id, "error_rate": 0, "active_tasks": 1, "uptime_seconds": 30,
	})
	if code != want {
		t.Fatalf("heartbeat: %d %s, not %d", code, text, want)
	}
}

func status(t *testing.T, url, id string) string {
	t.Helper()
	code, reply, text := call(t, http.MethodGet, url+"/workspaces/"+id, "", nil)
	if code != http.StatusOK {
		t.Fatalf("get: %d %s", code, text)
	}
	s, _ := reply["status"].(string)
	return s
}

func TestControllerInMemory(t *testing.T) {
	t.Parallel()
	p, url := controllerAt(t)
	p.says("rows are kept in memory and lost at the end")
	p.says("operators' calls are open")

	if code, reply, text := call(t, http.MethodGet, url+"/health", "", nil); code != http.StatusOK || reply["status"] != "ok" {
		t.Errorf("health: %d %s", code, text)
	}
	id, _ := live(t, url, "", "first")
	if got := status(t, url, id); got != "online" {
		t.Errorf("it is %s", got)
	}
	code, _, text := call(t, http.MethodGet, url+"/metrics", "", nil)
	for _, want := range []string{
		`bootrace_heartbeats_total{outcome="accepted"} 1`, "go_goroutines ", "process_start_time_seconds ",
	} {
		if code != http.StatusOK || !strings.Contains(text, want) {
			t.Errorf("metrics: %d, without %q", code, want)
		}
	}
	if code, _, text := call(t, http.MethodGet, url+"/nothing", "", nil); code != http.StatusNotFound {
		t.Errorf("no such call: %d %s", code, text)
	}
	p.signal(syscall.SIGTERM)
	p.ends(exitHeld)
	p.says("msg=stopping grace=10s")
	p.says("msg=stopped")
}

func TestControllerAdminToken(t *testing.T) {
	t.Parallel()
	const token = "let-me-in"
	p, url := controllerAt(t, "--admin-token", token)
	for _, c := range []struct {
		method, path, token string
		want                int
	}{
		{http.MethodGet, "/workspaces", "", http.StatusUnauthorized},
		{http.MethodGet, "/workspaces", "let-me-im", http.StatusUnauthorized},
		{http.MethodGet, "/workspaces", token, http.StatusOK},
		{http.MethodPost, "/workspaces", "", http.StatusUnauthorized},
		{http.MethodGet, "/events", "", http.StatusUnauthorized},
		{http.MethodGet, "/health", "", http.StatusOK},
	} {
		if code, _, text := call(t, c.method, url+c.path, c.token, nil); code != c.want {
			t.Errorf("%s %s with token %q: %d %s, not %d", c.method, c.path, c.token, code, text, c.want)
		}
	}
	id, agent := live(t, url, token, "first")
	beat(t, url, id, "another", http.StatusUnauthorized)
	beat(t, url, id, agent, http.StatusOK)
	p.signal(syscall.SIGINT)
	p.ends(exitHeld)
	if out := p.output(); strings.Contains(out, "operators' calls are open") || strings.Contains(out, token) {
		t.Error("it says that it is open, or tells its token")
	}
}

func TestControllerWhosePortIsTaken(t *testing.T) {
	t.Parallel()
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	p := start(t, t.TempDir(), t.TempDir(), "controller", "--listen", l.Addr().String())
	p.ends(exitEnvironment)
	p.says("^bootrace: listening: .*" + l.Addr().String() + ".*address already in use$")
}

func TestControllerWithoutItsDatabase(t *testing.T) {
	t.Parallel()
	p := start(t, t.TempDir(), t.TempDir(), "controller", "--listen", "127.0.0.1:0", "--database-url", "postgres://who:secret@127.0.0.1:1/none")
	p.ends(exitEnvironment)
	p.says("^bootrace: postgres: ")
	p.says("^  127.0.0.1:1 .*connection refused$")
	if strings.Contains(p.output(), "secret") {
		t.Error("it tells the password")
	}
}

// A request that is under way when the controller is told to end is answered; what comes later is not.
func TestControllerEndsGracefully(t *testing.T) {
	t.Parallel()
	p, url := controllerAt(t)
	address := strings.TrimPrefix(url, "http://")
	var d net.Dialer
	c, err := d.DialContext(t.Context(), "tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	const body = `{"name": "slow", "runtime": "claude-code"}`
	fmt.Fprintf(c, "POST /workspaces HTTP/1.1\r\nHost: %s\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s", address, len(body), body[:10])
	underWay(t, url)
	p.signal(syscall.SIGTERM)
	p.says("msg=stopping")
	await.Until(t, "its listener to close", func() bool { // which may take a moment
		late, err := d.DialContext(t.Context(), "tcp", address)
		if err == nil {
			late.Close()
		}
		return err != nil
	})
	fmt.Fprint(c, body[10:])
	c.SetReadDeadline(time.Now().Add(patience))
	reply, err := io.ReadAll(c)
	if err != nil || !strings.HasPrefix(string(reply), "HTTP/1.1 201 ") || !strings.Contains(string(reply), `"status":"provisioning"`) {
		t.Errorf("the request under way got %q, %v", reply, err)
	}
	p.ends(exitHeld)
	p.says("msg=stopped")
}

// A request that never ends does not keep the controller for ever.
func TestControllerCutsOffAfterTheGrace(t *testing.T) {
	t.Parallel()
	p, url := controllerAt(t, "--grace", "100ms")
	address := strings.TrimPrefix(url, "http://")
	var d net.Dialer
	c, err := d.DialContext(t.Context(), "tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	fmt.Fprintf(c, "POST /workspaces HTTP/1.1\r\nHost: %s\r\nContent-Type: application/json\r\nContent-Length: 1000\r\n\r\n{", address)
	underWay(t, url)
	p.signal(syscall.SIGTERM)
	p.ends(exitEnvironment)
	p.says("^bootrace: requests under way did not end within 100ms and were cut off$")
}

// What is kept in Postgres is there after a restart: rows, the agents' tokens, and the log.
func TestControllerOnPostgres(t *testing.T) {
	t.Parallel()
	server := postgresServer(t)
	db, err := server.CreateDatabase(t.Context(), "")
	if err != nil {
		t.Fatal(err)
	}
	args := []string{"--database-url", db.URL, "--admin-token", "admin", "--secret", "kept"}
	p, url := controllerAt(t, args...)
	id, token := live(t, url, "admin", "kept")
	removed, _ := live(t, url, "admin", "removed")
	if code, _, text := call(t, http.MethodDelete, url+"/workspaces/"+removed, "admin", nil); code != http.StatusOK {
		t.Fatalf("delete: %d %s", code, text)
	}
	_, _, before := call(t, http.MethodGet, url+"/events", "admin", nil)
	p.signal(syscall.SIGTERM)
	p.ends(exitHeld)
	if strings.Contains(p.output(), "kept in memory") {
		t.Error("it says that it keeps nothing")
	}

	// Two replicas on one database, as in production.
	p, url = controllerAt(t, args...)
	q, other := controllerAt(t, args...)
	for _, at := range []string{url, other} {
		if got := status(t, at, id); got != "online" {
			t.Errorf("after the restart it is %s", got)
		}
		if got := status(t, at, removed); got != "removed" {
			t.Errorf("after the restart the removed one is %s", got)
		}
		beat(t, at, id, token, http.StatusOK)
	}
	if _, _, after := call(t, http.MethodGet, url+"/events", "admin", nil); after != before {
		t.Errorf("the log was %s and is %s", before, after)
	}
	if code, _, text := call(t, http.MethodGet, other+"/health", "", nil); code != http.StatusOK {
		t.Errorf("health: %d %s", code, text)
	}
	// One of them is killed, and the other goes on.
	p.signal(syscall.SIGKILL)
	p.ends(-1)
	beat(t, other, id, token, http.StatusOK)
	// The database goes away: that shows, and does not end the controller.
	if err := db.Drop(context.Background()); err != nil {
		t.Fatal(err)
	}
	if code, _, text := call(t, http.MethodGet, other+"/health", "", nil); code != http.StatusServiceUnavailable {
		t.Errorf("health without a database: %d %s", code, text)
	}
	q.signal(syscall.SIGTERM)
	q.ends(exitHeld)
}

// With a cloud, the controller boots machines: one for a workspace, until it is gone. At twenty times the speed, a budget of
// 60 s is three.
func TestControllerOnEC2(t *testing.T) {
	t.Parallel()
	_, where := fakeAt(t)
	p, url := controllerAt(t, "--cloud", "ec2", "--ec2-endpoint", where["ec2"], "--ec2-deployment", "mine", "--ec2-tag", "team=blue",
		"--speed", "20", "--provision-timeout-seconds", "60")
	p.says("no secret is given")
	p.says(`launching machines.* at=` + where["ec2"] + ` .*deployment=mine`)
	code, reply, text := call(t, http.MethodPost, url+"/workspaces", "", map[string]any{"name": "first", "runtime": "claude-code", "model": "kimi"})
	id, _ := reply["id"].(string)
	if code != http.StatusCreated {
		t.Fatalf("create: %d %s", code, text)
	}
	machine := func() (state string, tags map[string]any) {
		_, reply, _ := call(t, http.MethodGet, where["admin"]+"/ec2/state", "", nil)
		all, _ := reply["machines"].([]any)
		if len(all) > 1 {
			t.Fatalf("machines %v", all)
		}
		for _, m := range all {
			m := m.(map[string]any)
			state, tags = m["state"].(string), m["tags"].(map[string]any)
		}
		return state, tags
	}
	until(t, "a machine runs", func() bool { state, _ := machine(); return state == "running" })
	if _, tags := machine(); tags["bootrace:workspace"] != id || tags["bootrace:deployment"] != "mine" || tags["team"] != "blue" {
		t.Errorf("it has the tags %v", tags)
	}
	until(t, "the boot is given up", func() bool { return status(t, url, id) == "failed" })
	if code, _, text := call(t, http.MethodDelete, url+"/workspaces/"+id, "", nil); code != http.StatusOK {
		t.Fatalf("delete: %d %s", code, text)
	}
	until(t, "its machine is gone", func() bool { state, _ := machine(); return state == "terminated" })
	p.signal(syscall.SIGTERM)
	p.ends(exitHeld)
}

// until waits until something is so.
func until(t *testing.T, what string, so func() bool) {
	t.Helper()
	await.Until(t, what, so)
}

// underWay waits until the controller has begun to read what was sent to it before: it accepts connections in their order, so that
// it has the one before when it answers on another.
func underWay(t *testing.T, url string) {
	t.Helper()
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	for range 3 {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url+"/health", http.NoBody)
		if err != nil {
			t.Fatal(err)
		}
		reply, err := client.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		reply.Body.Close()
	}
}

func TestControllerWhoseCloudMakesNoSense(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		args []string
		says string
	}{
		{[]string{"--cloud", "ec2"}, "this is real AWS, and costs money"},
		{[]string{"--cloud", "ec2", "--ec2-allow-real-aws", "--ec2-region", "eu-west-1"}, "real AWS needs max_machines"},
		{[]string{"--cloud", "ec2", "--ec2-endpoint", "https://ec2.eu-west-1.amazonaws.com"}, "this is real AWS, and costs money"},
		{[]string{"--cloud", "ec2", "--ec2-endpoint", "localhost"}, "is no http or https URL"},
		{[]string{"--ec2-endpoint", "http://127.0.0.1:1"}, "--cloud ec2 was not"},
		{[]string{"--cloud", "moon"}, `--cloud must be one of "none","ec2","docker"`},
		{[]string{"--speed", "0"}, "speed 0 is not above 0"},
	} {
		if code, _, err := inProcess(append([]string{"controller", "--listen", "127.0.0.1:0"}, c.args...)...); code != exitUsage || !strings.Contains(err, c.says) {
			t.Errorf("%q ended with %d, and without %q:\n%s", c.args, code, c.says, err)
		}
	}
}
