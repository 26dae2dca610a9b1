package main

import (
	"context"
	"encoding/json"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"

	"github.com/bootrace/bootrace/fakeprovider/llm"
)

// ami is an image of the fake EC2.
const ami = "ami-0b007ace000000001"

// fakeAt starts the fake endpoints on any free port and returns where each part of them is.
func fakeAt(t *testing.T, args ...string) (*process, map[string]string) {
	t.Helper()
	dir := t.TempDir()
	p := start(t, dir, dir, append([]string{"fakeprovider", "--listen", "127.0.0.1:0", "--json"}, args...)...)
	where := map[string]string{}
	if err := json.Unmarshal([]byte(p.says(`^(\{.*\})$`)[1]), &where); err != nil {
		t.Fatal(err)
	}
	return p, where
}

func TestFakeprovider(t *testing.T) {
	t.Parallel()
	p, where := fakeAt(t, "--speed", "1000", "--seed", "5", "--cp-token", "let-me-in")
	if where["ec2"] != where["cp"] || where["llm"] != where["ec2"] || where["admin"] != where["ec2"]+"/admin" {
		t.Fatalf("parts are at %v", where)
	}
	chat := map[string]any{"model": "m", "messages": []any{map[string]any{"role": "user", "content": "hi"}}}
	completion := where["llm"] + "/minimax/v1/chat/completions"
	for _, c := range []struct {
		method, url, token string
		body               any
		want               int
	}{
		{http.MethodPut, where["admin"] + "/llm/workspaces/w/preflight", "", map[string]any{"takes": "7m30s", "refusals": 1}, 204},
		{http.MethodPost, completion, "", chat, 401},
		{http.MethodPost, completion, "w", chat, 429},
		{http.MethodPost, completion, "w", chat, 200},
		{http.MethodPost, where["cp"] + "/cp/workspaces/provision", "", map[string]any{"workspace_id": "w"}, 401},
		{http.MethodPost, where["cp"] + "/cp/workspaces/provision", "let-me-in", map[string]any{"workspace_id": "w"}, 201},
		{http.MethodPut, where["admin"] + "/llm/faults", "", map[string]any{"rules": []llm.Rule{{Kind: llm.Outage}}}, 204},
		{http.MethodPost, completion, "w", chat, 503},
		{http.MethodDelete, where["admin"] + "/faults", "", nil, 204},
		{http.MethodPost, completion, "w", chat, 200},
	} {
		if code, _, text := call(t, c.method, c.url, c.token, c.body); code != c.want {
			t.Errorf("%s %s: %d %s, not %d", c.method, c.url, code, text, c.want)
		}
	}
	_, state, _ := call(t, http.MethodGet, where["admin"]+"/state", "", nil)
	if state["seed"] != 5.0 || state["speed"] != 1000.0 {
		t.Errorf("state %v", state)
	}
	p.signal(syscall.SIGINT)
	p.ends(exitHeld)
	p.says("msg=stopped")
}

// A client of EC2's that is nobody of ours, over a real socket. Its machine can be seen, and dies on demand.
func TestFakeproviderSpeaksToTheAWSCLI(t *testing.T) {
	t.Parallel()
	_, where := fakeAt(t)
	id := strings.Trim(awsCLI(t, where["ec2"], "run-instances", "--image-id", ami, "--count", "1", "--query", "Instances[0].InstanceId"), `"`)
	_, _, text := call(t, http.MethodGet, where["admin"]+"/ec2/state", "", nil)
	if id == "" || !strings.Contains(text, `"id":"`+id+`"`) {
		t.Fatalf("machine %q is not in %s", id, text)
	}
	if code, _, text := call(t, http.MethodPost, where["admin"]+"/ec2/machines/"+id+"/end", "", nil); code != http.StatusNoContent {
		t.Fatalf("end: %d %s", code, text)
	}
	if got := awsCLI(t, where["ec2"], "describe-instances", "--query", "Reservations[].Instances[].State.Name"); got != `["terminated"]` {
		t.Errorf("aws ec2 describe-instances printed %s", got)
	}
}

// What is under way when it is told to end is cut off, not waited for.
func TestFakeproviderEndsWithoutWaiting(t *testing.T) {
	t.Parallel()
	p, where := fakeAt(t)
	call(t, http.MethodPut, where["admin"]+"/llm/workspaces/w/preflight", "", map[string]any{"takes": "1h"})
	address := strings.TrimPrefix(where["llm"], "http://")
	var d net.Dialer
	c, err := d.DialContext(t.Context(), "tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	const body = `{"model":"m","messages":[{}]}`
	if _, err := c.Write([]byte("POST /kimi/v1/chat/completions HTTP/1.1\r\nHost: " + address +
		"\r\nX-Api-Key: w\r\nContent-Type: application/json\r\nContent-Length: 29\r\n\r\n" + body)); err != nil {
		t.Fatal(err)
	}
	for {
		if _, _, text := call(t, http.MethodGet, where["admin"]+"/llm/state", "", nil); strings.Contains(text, `"under_way":1`) {
			break
		}
	}
	p.signal(syscall.SIGTERM)
	p.ends(exitHeld)
	if n, err := c.Read(make([]byte, 1)); err == nil {
		t.Errorf("the preflight was answered, with %d bytes", n)
	}
}

func TestFakeproviderOnSeveralAddresses(t *testing.T) {
	t.Parallel()
	p, where := fakeAt(t, "--admin-listen", "127.0.0.1:0", "--llm-listen", "127.0.0.1:0")
	if where["ec2"] != where["cp"] || where["llm"] == where["ec2"] || where["admin"] == where["ec2"]+"/admin" || where["admin"] == where["llm"]+"/admin" {
		t.Fatalf("parts are at %v", where)
	}
	if code, _, text := call(t, http.MethodGet, where["admin"]+"/health", "", nil); code != http.StatusOK {
		t.Errorf("health: %d %s", code, text)
	}
	if code, _, _ := call(t, http.MethodGet, where["ec2"]+"/admin/health", "", nil); code != http.StatusNotFound {
		t.Errorf("the administration is where the clients are: %d", code)
	}
	taken := strings.TrimPrefix(where["ec2"], "http://")
	q := start(t, t.TempDir(), t.TempDir(), "fakeprovider", "--listen", "127.0.0.1:0", "--cp-listen", taken)
	q.ends(exitEnvironment)
	q.says("^bootrace: listening for cp: .*address already in use$")
	p.signal(syscall.SIGTERM)
	p.ends(exitHeld)
}

// awsCLI runs `aws ec2 …` against an endpoint and returns what it printed, without blanks.
func awsCLI(t *testing.T, url string, args ...string) string {
	t.Helper()
	path := "/usr/bin/aws"
	if _, err := os.Stat(path); err != nil {
		if os.Getenv("BOOTRACE_REQUIRE_AWSCLI") == "1" {
			t.Fatal("there is no aws command here; on Debian: apt-get install awscli")
		}
		t.Skip("there is no aws command here; on Debian: apt-get install awscli")
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	cmd := exec.CommandContext(ctx, path, append([]string{"--endpoint-url", url, "--output", "json", "ec2"}, args...)...)
	cmd.Env = []string{
		"PATH=" + os.Getenv("PATH"), "HOME=" + t.TempDir(), "LANG=C.UTF-8", "AWS_ACCESS_KEY_ID=any", "AWS_SECRET_ACCESS_KEY=any",
		"AWS_DEFAULT_REGION=us-east-1", "AWS_EC2_METADATA_DISABLED=true", "AWS_PAGER=", "NO_PROXY=127.0.0.1",
	}
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("aws ec2 %v: %v\n%s", args, err, out)
	}
	return strings.Join(strings.Fields(string(out)), "")
}
