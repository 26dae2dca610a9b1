package controller_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/uuid"

	"github.com/bootrace/bootrace/controller"
	"github.com/bootrace/bootrace/controller/lifecycle"
	"github.com/bootrace/bootrace/controller/wire"
)

// testHeartbeat sends one heartbeat to a workspace in the status and compares where it ends.
func testHeartbeat(t *testing.T, from, to lifecycle.Status, rate float64, state string) {
	t.Helper()
	f := newFixture(t)
	id, token := f.create()
	f.put(id, from)
	f.beat(200, id, token, rate, state)
	f.want(id, to)
}

// The seed of this program: a provision timeout says "not yet", and a heartbeat says "now".
func TestHeartbeatHandler_FailedToOnline(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	id, token := f.create()
	f.clock.now = f.clock.now.Add(f.control.Settings.Budget("claude-code"))
	f.tick(controller.TickProvisionSweep)
	f.want(id, lifecycle.Failed)
	shown := decode[wire.Workspace](f, f.call(200, "", "GET", "/workspaces/"+id.String(), nil))
	if !strings.Contains(shown.FailureCause, "provision timeout") {
		t.Errorf("the cause while it is failed: %q", shown.FailureCause)
	}
	f.beat(200, id, token, 0, "")
	f.want(id, lifecycle.Online)
	shown = decode[wire.Workspace](f, f.call(200, "", "GET", "/workspaces/"+id.String(), nil))
	if shown.Status != "online" || shown.FailureCause != "" {
		t.Errorf("after the heartbeat: %s, cause %q", shown.Status, shown.FailureCause)
	}
	log := decode[[]wire.Event](f, f.call(200, adminToken, "GET", "/events/"+id.String(), nil))
	if len(log) != 3 || log[0].EventType != "WORKSPACE_ONLINE" || log[1].Payload.Cause == "" {
		t.Errorf("the log does not keep the cause: %+v", log)
	}
}

func TestHeartbeatHandler_ProvisioningToOnline(t *testing.T) {
	t.Parallel()
	testHeartbeat(t, lifecycle.Provisioning, lifecycle.Online, 0, "")
}

func TestHeartbeatHandler_AwaitingAgentToOnline(t *testing.T) {
	t.Parallel()
	testHeartbeat(t, lifecycle.AwaitingAgent, lifecycle.Online, 0, "")
}

func TestHeartbeatHandler_OfflineToOnline(t *testing.T) {
	t.Parallel()
	testHeartbeat(t, lifecycle.Offline, lifecycle.Online, 0, "")
}

func TestHeartbeatHandler_OnlineToDegraded(t *testing.T) {
	t.Parallel()
	testHeartbeat(t, lifecycle.Online, lifecycle.Degraded, 0.5, "")
	testHeartbeat(t, lifecycle.Online, lifecycle.Degraded, 0, wire.Wedged)
}

func TestHeartbeatHandler_DegradedToOnline(t *testing.T) {
	t.Parallel()
	testHeartbeat(t, lifecycle.Degraded, lifecycle.Online, 0.05, "")
	testHeartbeat(t, lifecycle.Degraded, lifecycle.Degraded, 0.1, "")
	testHeartbeat(t, lifecycle.Degraded, lifecycle.Degraded, 0.05, wire.Wedged)
}

func TestHeartbeatHandler_PausedStaysPaused(t *testing.T) {
	t.Parallel()
	testHeartbeat(t, lifecycle.Paused, lifecycle.Paused, 0, "")
}

func TestHeartbeatHandler_HibernatingStaysHibernating(t *testing.T) {
	t.Parallel()
	testHeartbeat(t, lifecycle.Hibernating, lifecycle.Hibernating, 0, "")
}

func TestHeartbeatHandler_HibernatedStaysHibernated(t *testing.T) {
	t.Parallel()
	testHeartbeat(t, lifecycle.Hibernated, lifecycle.Hibernated, 0, "")
}

func TestHeartbeatHandler_RemovedIsRefused(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	id, token := f.create()
	f.call(200, adminToken, "DELETE", "/workspaces/"+id.String()+"?confirm=true", nil)
	f.beat(410, id, token, 0, "")
	f.call(410, token, "POST", "/registry/register", wire.RegisterRequest{ID: id.String(), URL: "http://localhost:1", AgentCard: json.RawMessage(`{}`)})
	f.call(410, "", "POST", "/registry/register", wire.RegisterRequest{ID: id.String(), URL: "http://localhost:1", AgentCard: json.RawMessage(`{}`)})
	f.want(id, lifecycle.Removed)
	if !f.row(id).Token.IsZero() {
		t.Error("a removed workspace has a live token")
	}
}

// Every status and every kind of heartbeat ends where the table says, and nowhere else.
func TestHeartbeatHandler_FollowsTheTable(t *testing.T) {
	t.Parallel()
	for _, from := range lifecycle.Statuses() {
		if from == lifecycle.Removed {
			continue
		}
		for event, beat := range map[lifecycle.Event]struct {
			rate  float64
			state string
		}{lifecycle.Beat: {0, ""}, lifecycle.BeatRough: {0.3, ""}, lifecycle.BeatSick: {0.9, ""}} {
			to, _ := lifecycle.Standard().Next(event, from)
			testHeartbeat(t, from, to, beat.rate, beat.state)
		}
	}
}

func TestRegisterFollowsTheTable(t *testing.T) {
	t.Parallel()
	for _, from := range lifecycle.Statuses() {
		if from == lifecycle.Removed {
			continue
		}
		f := newFixture(t)
		id, token := f.create()
		f.put(id, from)
		if reply := f.register(200, id, token); reply.AuthToken != "" {
			t.Errorf("a register with a token was given another: %+v", reply)
		}
		to, _ := lifecycle.Standard().Next(lifecycle.Register, from)
		f.want(id, to)
	}
}

func TestUnknownWorkspaceIsRefused(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	id := uuid.New()
	f.beat(404, id, "", 0, "")
	f.register(404, id, "")
	if all := decode[[]wire.Workspace](f, f.call(200, adminToken, "GET", "/workspaces", nil)); len(all) != 0 {
		t.Errorf("a refused call left a row: %+v", all)
	}
}

func TestAgentsNeedTheirToken(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	id, token := f.create()
	for _, wrong := range []string{"", "wrong", token + "x", adminToken} {
		f.beat(401, id, wrong, 0, "")
		f.call(401, wrong, "POST", "/registry/update-card", wire.UpdateCardRequest{WorkspaceID: id.String(), AgentCard: json.RawMessage(`{}`)})
	}
	f.register(401, id, "")
	f.want(id, lifecycle.Provisioning)
	f.call(200, token, "POST", "/registry/update-card", wire.UpdateCardRequest{WorkspaceID: id.String(), AgentCard: json.RawMessage(`{"v":2}`)})
	if got := string(f.row(id).Card); got != `{"v":2}` {
		t.Errorf("the card is %s", got)
	}
}

func TestRestartRevokesTheOldToken(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	id, old := f.create()
	f.register(200, id, old)
	f.call(200, adminToken, "POST", "/workspaces/"+id.String()+"/restart", nil)
	f.beat(401, id, old, 0, "")
	f.register(401, id, old)
	f.register(401, id, "")
	f.want(id, lifecycle.Provisioning)
	f.tick(controller.TickLauncher) // stops the old machine and launches the new one
	token := f.cloud.specs[len(f.cloud.specs)-1].Env[wire.EnvToken]
	if token == old || len(f.cloud.stopped) != 1 {
		t.Fatalf("token %q, formerly %q; stopped %v", token, old, f.cloud.stopped)
	}
	f.register(200, id, token)
	f.want(id, lifecycle.Online)
}

// Without a cloud nobody can hand a booting machine its token: the first register mints one. If its reply is lost, the
// next register mints another, until one has been used.
func TestFirstRegisterMintsAToken(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	var err error
	f.control, err = controller.New(controller.Config{Store: f.store, Clock: f.clock, AdminToken: adminToken})
	if err != nil {
		t.Fatal(err)
	}
	f.handler = f.control.Handler()
	reply := decode[wire.CreateReply](f, f.call(201, adminToken, "POST", "/workspaces", wire.CreateRequest{Name: "w"}))
	id := uuid.MustParse(reply.ID)
	lost := f.register(200, id, "").AuthToken
	token := f.register(200, id, "").AuthToken
	if lost == "" || token == "" || lost == token {
		t.Fatalf("tokens %q, %q", lost, token)
	}
	f.beat(401, id, lost, 0, "")
	f.beat(401, id, "", 0, "")
	f.beat(200, id, token, 0, "")
	f.register(401, id, "")
	f.beat(200, id, token, 0, "")
}

func TestBadAgentCalls(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	id, token := f.create()
	for name, c := range map[string]struct {
		code int
		path string
		body any
	}{
		"no JSON":              {400, "/registry/heartbeat", "beat"},
		"empty":                {400, "/registry/heartbeat", ""},
		"no id":                {400, "/registry/heartbeat", wire.Heartbeat{}},
		"bad id":               {400, "/registry/heartbeat", wire.Heartbeat{WorkspaceID: "7"}},
		"bad runtime state":    {400, "/registry/heartbeat", wire.Heartbeat{WorkspaceID: id.String(), RuntimeState: "tired"}},
		"too large":            {413, "/registry/heartbeat", `{"sample_error":"` + strings.Repeat("x", 70<<10) + `"}`},
		"no url":               {400, "/registry/register", `{"id":"` + id.String() + `","agent_card":{}}`},
		"no card":              {400, "/registry/register", `{"id":"` + id.String() + `","url":"http://localhost:1"}`},
		"null card":            {400, "/registry/register", `{"id":"` + id.String() + `","url":"http://localhost:1","agent_card":null}`},
		"loopback as a number": {400, "/registry/register", `{"id":"` + id.String() + `","url":"http://127.0.0.1:1","agent_card":{}}`},
		"loopback 6":           {400, "/registry/register", `{"id":"` + id.String() + `","url":"http://[::1]:1","agent_card":{}}`},
		"no http":              {400, "/registry/register", `{"id":"` + id.String() + `","url":"ftp://host","agent_card":{}}`},
		"no workspace":         {400, "/registry/update-card", `{"agent_card":{}}`},
		"update without card":  {400, "/registry/update-card", `{"workspace_id":"` + id.String() + `"}`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g := *f
			g.T = t
			g.call(c.code, token, "POST", c.path, c.body)
		})
	}
	t.Cleanup(func() { f.want(id, lifecycle.Provisioning) })
}
