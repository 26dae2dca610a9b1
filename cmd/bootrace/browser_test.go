package main

import (
	"context"
	"net/http"
	"strings"
	"testing"
)

// No web page can make a call of any server, whatever its name points to, and none can change anything by a form.
func TestServersAreClosedToBrowsers(t *testing.T) {
	t.Parallel()
	_, where := fakeAt(t, "--tell-boots", "--host", "fakes.internal")
	_, controller := controllerAt(t)
	const form, plain = true, false // whether a type of body is asked for
	for _, c := range []struct {
		base, method, path string
		json               bool
	}{
		{where["ec2"], "POST", "/", plain}, // signed, and a form by protocol
		{where["cp"], "POST", "/cp/workspaces/provision", form},
		{where["cp"], "DELETE", "/cp/workspaces/w", plain},
		{where["cp"], "GET", "/cp/workspaces/w/status", plain},
		{where["llm"], "GET", "/minimax/v1/models", plain},
		{where["llm"], "GET", "/minimax/v1/models/m", plain},
		{where["llm"], "POST", "/minimax/v1/chat/completions", form},
		{where["llm"], "POST", "/anthropic/v1/messages", form},
		{where["admin"], "GET", "/health", plain},
		{where["admin"], "GET", "/state", plain},
		{where["admin"], "GET", "/boots", plain},
		{where["admin"], "DELETE", "/faults", plain},
		{where["admin"], "GET", "/ec2/state", plain},
		{where["admin"], "PUT", "/ec2/faults", form},
		{where["admin"], "POST", "/ec2/machines/i-12345678/end", form},
		{where["admin"], "POST", "/ec2/machines/i-12345678/console", form},
		{where["admin"], "GET", "/cp/state", plain},
		{where["admin"], "PUT", "/cp/faults", form},
		{where["admin"], "POST", "/cp/machines/m/end", form},
		{where["admin"], "GET", "/llm/state", plain},
		{where["admin"], "PUT", "/llm/faults", form},
		{where["admin"], "PUT", "/llm/workspaces/w/preflight", form},
		{where["admin"], "DELETE", "/llm/workspaces/w/preflight", plain},
		{controller, "POST", "/registry/heartbeat", form},
		{controller, "POST", "/registry/register", form},
		{controller, "POST", "/registry/update-card", form},
		{controller, "POST", "/workspaces", form},
		{controller, "GET", "/workspaces", plain},
		{controller, "GET", "/workspaces/w", plain},
		{controller, "DELETE", "/workspaces/w", plain},
		{controller, "GET", "/workspaces/w/state", plain},
		{controller, "POST", "/workspaces/w/restart", form},
		{controller, "POST", "/workspaces/w/pause", form},
		{controller, "POST", "/workspaces/w/resume", form},
		{controller, "POST", "/workspaces/w/hibernate", form},
		{controller, "POST", "/admin/workspaces/w/bootstrap-failed", form},
		{controller, "GET", "/events", plain},
		{controller, "GET", "/health", plain},
		{controller, "GET", "/metrics", plain},
	} {
		for name, x := range map[string]struct {
			host, origin, kind string
			refused            int // 0 where it must not be
		}{
			"a name that points here": {"evil.example", "http://evil.example", "application/json", http.StatusForbidden},
			"such a name alone":       {"evil.example", "", "application/json", http.StatusForbidden},
			"another site's page":     {"", "https://evil.example", "application/json", http.StatusForbidden},
			"a form":                  {"", "", "application/x-www-form-urlencoded", http.StatusUnsupportedMediaType},
			"a program":               {"localhost:1", "", "application/json", 0},
		} {
			if x.refused == http.StatusUnsupportedMediaType && !c.json {
				continue
			}
			q, err := http.NewRequestWithContext(context.Background(), c.method, c.base+c.path, strings.NewReader("{}"))
			if err != nil {
				t.Fatal(err)
			}
			q.Host = x.host
			q.Header.Set("Content-Type", x.kind)
			if x.origin != "" {
				q.Header.Set("Origin", x.origin)
			}
			r, err := http.DefaultClient.Do(q)
			if err != nil {
				t.Fatal(err)
			}
			r.Body.Close()
			refused := r.StatusCode == http.StatusForbidden || r.StatusCode == http.StatusUnsupportedMediaType
			if refused != (x.refused != 0) || refused && r.StatusCode != x.refused {
				t.Errorf("%s: %s %s: status %d", name, c.method, c.base+c.path, r.StatusCode)
			}
		}
	}
}
