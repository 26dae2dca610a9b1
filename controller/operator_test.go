package controller_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/bootrace/bootrace/controller"
	"github.com/bootrace/bootrace/controller/cloud"
	"github.com/bootrace/bootrace/controller/lifecycle"
	"github.com/bootrace/bootrace/controller/store"
	"github.com/bootrace/bootrace/controller/wire"
	"github.com/bootrace/bootrace/internal/await"
)

func TestCreate(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	reply := decode[wire.CreateReply](f, f.call(201, adminToken, "POST", "/workspaces", wire.CreateRequest{Name: "w", Runtime: "hermes"}))
	row := f.row(uuid.MustParse(reply.ID))
	if reply.Status != "provisioning" || row.Status != lifecycle.Provisioning || row.Incarnation != 1 {
		t.Errorf("reply %+v, row %+v", reply, row)
	}
	if got := row.BootDeadline.Sub(row.BootStartedAt); got != 30*time.Minute {
		t.Errorf("hermes has a budget of %s", got)
	}
	external := decode[wire.CreateReply](f, f.call(201, adminToken, "POST", "/workspaces", wire.CreateRequest{Name: "x", External: true, URL: "http://there:1"}))
	if !external.External || external.Status != "online" || external.Connection != nil {
		t.Errorf("external with a URL: %+v", external)
	}
	f.want(uuid.MustParse(external.ID), lifecycle.Online)
	awaiting := decode[wire.CreateReply](f, f.call(201, adminToken, "POST", "/workspaces", wire.CreateRequest{Name: "y", External: true}))
	c := awaiting.Connection
	if awaiting.Status != "awaiting_agent" || c == nil || c.AuthToken == "" || c.WorkspaceID != awaiting.ID ||
		c.HeartbeatEndpoint != "http://controller.test/registry/heartbeat" || c.RegistryEndpoint != "http://controller.test/registry/register" {
		t.Fatalf("external without a URL: %+v, %+v", awaiting, c)
	}
	id := uuid.MustParse(awaiting.ID)
	f.want(id, lifecycle.AwaitingAgent)
	f.beat(401, id, "", 0, "")
	f.beat(200, id, c.AuthToken, 0, "")
	f.want(id, lifecycle.Online)
}

func TestBadCreates(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	for _, body := range []string{
		`{`, `{}`, `{"name":7}`, `{"name":"w","url":"http://there"}`, `{"name":"w","external":true,"url":"there"}`,
		`{"name":"w","parent_id":"7"}`, `{"name":"w","parent_id":"` + uuid.NewString() + `"}`, `{"name":"w","secrets":{"k":"v"}}`,
	} {
		f.call(400, adminToken, "POST", "/workspaces", body)
	}
	if all := decode[[]wire.Workspace](f, f.call(200, adminToken, "GET", "/workspaces", nil)); len(all) != 0 {
		t.Errorf("a refused create left a row: %+v", all)
	}
}

func TestOperatorsNeedTheirToken(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	id, token := f.create()
	for _, c := range [][2]string{
		{"POST", "/workspaces"}, {"GET", "/workspaces"}, {"DELETE", "/workspaces/" + id.String()}, {"GET", "/events"},
		{"GET", "/events/" + id.String()}, {"POST", "/admin/workspaces/" + id.String() + "/bootstrap-failed"},
	} {
		for _, wrong := range []string{"", "wrong", token} {
			f.call(401, wrong, c[0], c[1], nil)
		}
	}
	for _, path := range []string{"/restart", "/pause", "/resume", "/hibernate"} {
		f.call(401, "wrong", "POST", "/workspaces/"+id.String()+path, nil)
	}
	f.call(401, "", "GET", "/workspaces/"+id.String()+"/state", nil)
	f.want(id, lifecycle.Provisioning)
	f.call(200, token, "GET", "/workspaces/"+id.String()+"/state", nil)
	f.call(200, token, "POST", "/workspaces/"+id.String()+"/pause", nil)
	f.want(id, lifecycle.Paused)
	if f.call(200, "", "GET", "/health", nil) != `{"status":"ok"}` {
		t.Error("health is not what the contract says")
	}
}

func TestShow(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	id, token := f.create()
	f.call(400, "", "GET", "/workspaces/seven", nil)
	f.call(404, "", "GET", "/workspaces/"+uuid.NewString(), nil)
	f.register(200, id, token)
	f.call(200, token, "POST", "/registry/heartbeat", wire.Heartbeat{
		WorkspaceID: id.String(), ErrorRate: 0.25, SampleError: "oops", ActiveTasks: 2, UptimeSeconds: 90, CurrentTask: "dig",
	})
	got := decode[wire.Workspace](f, f.call(200, "", "GET", "/workspaces/"+id.String(), nil))
	if got.Status != "online" || got.LastErrorRate != 0.25 || got.SampleError != "oops" || got.ActiveTasks != 2 ||
		got.UptimeSeconds != 90 || got.CurrentTask != "dig" || string(got.AgentCard) != `{"name":"a"}` || got.URL != "http://localhost:8000" {
		t.Errorf("shown %+v", got)
	}
	f.call(200, adminToken, "DELETE", "/workspaces/"+id.String()+"?confirm=true", nil)
	if got := decode[wire.Workspace](f, f.call(200, "", "GET", "/workspaces/"+id.String(), nil)); got.Status != "removed" {
		t.Errorf("a removed workspace shows %s", got.Status)
	}
	f.call(404, adminToken, "GET", "/workspaces/"+id.String()+"/state", nil)
	if all := decode[[]wire.Workspace](f, f.call(200, adminToken, "GET", "/workspaces", nil)); len(all) != 0 {
		t.Errorf("the list shows removed ones: %+v", all)
	}
}

// Every call and status ends where the table says, and the reply says what is stored.
func TestOperatorsCallsFollowTheTable(t *testing.T) {
	t.Parallel()
	calls := map[string]struct {
		method, path string
		events       []lifecycle.Event
	}{
		"delete":  {"DELETE", "?confirm=true", []lifecycle.Event{lifecycle.Remove}},
		"restart": {"POST", "/restart", []lifecycle.Event{lifecycle.Restart, lifecycle.Wake}},
		"pause":   {"POST", "/pause", []lifecycle.Event{lifecycle.Pause}},
		"resume":  {"POST", "/resume", []lifecycle.Event{lifecycle.Resume, lifecycle.Wake}},
	}
	for name, c := range calls {
		for _, from := range lifecycle.Statuses() {
			f := newFixture(t)
			id, _ := f.create()
			f.put(id, from)
			want, moved := from, false
			for _, e := range c.events {
				if to, ok := lifecycle.Standard().Next(e, from); ok && !moved {
					want, moved = to, true
				}
			}
			code := 200
			switch {
			case from == lifecycle.Removed && name != "delete":
				code = 404
			case !moved && name != "delete" && (name != "pause" || from != lifecycle.Paused):
				code = 409
			}
			body := f.call(code, adminToken, c.method, "/workspaces/"+id.String()+c.path, nil)
			f.want(id, want)
			if code == 200 && name != "pause" && name != "resume" {
				if said := decode[wire.StatusReply](f, body).Status; said != want.String() {
					t.Errorf("%s out of %s says %s and stores %s", name, from, said, want)
				}
			}
			if inc := f.row(id).Incarnation; (inc == 2) != (moved && c.events[0].BeginsIncarnation()) {
				t.Errorf("%s out of %s: incarnation %d", name, from, inc)
			}
		}
	}
}

func TestHibernate(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	id, token := f.create()
	path := "/workspaces/" + id.String() + "/hibernate"
	f.call(404, adminToken, "POST", path, nil) // still provisioning
	f.register(200, id, token)
	f.call(200, token, "POST", "/registry/heartbeat", wire.Heartbeat{WorkspaceID: id.String(), ActiveTasks: 1})
	f.call(409, adminToken, "POST", path, nil)
	if said := decode[wire.StatusReply](f, f.call(200, adminToken, "POST", path+"?force=true", nil)).Status; said != "hibernated" {
		t.Errorf("the reply says %s", said)
	}
	f.want(id, lifecycle.Hibernated)
	if len(f.cloud.stopped) != 1 || f.row(id).MachineID != "" {
		t.Errorf("stopped %v, row %+v", f.cloud.stopped, f.row(id))
	}
}

// A hibernation that the cloud holds up is finished by the launcher, and the reply does not say that it is done.
func TestHibernateGoesOnAfterTheCloudFailed(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	id, token := f.create()
	f.register(200, id, token)
	f.cloud.err = cloud.ErrThrottled
	f.call(503, adminToken, "POST", "/workspaces/"+id.String()+"/hibernate", nil)
	f.want(id, lifecycle.Hibernating)
	f.cloud.err = nil
	f.tick(controller.TickLauncher)
	f.want(id, lifecycle.Hibernated)
	if f.row(id).MachineID != "" || len(f.cloud.machines) != 0 {
		t.Error("its machine is still there")
	}
}

func TestBootstrapFailed(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	id, token := f.create()
	path := "/admin/workspaces/" + id.String() + "/bootstrap-failed"
	first := decode[wire.BootstrapFailedReply](f, f.call(200, adminToken, "POST", path, wire.BootstrapFailedRequest{Error: "no disk", LogTail: "tail"}))
	second := decode[wire.BootstrapFailedReply](f, f.call(200, adminToken, "POST", path, wire.BootstrapFailedRequest{Error: "again"}))
	if !first.OK || first.NoChange || !second.OK || !second.NoChange {
		t.Errorf("replies %+v, %+v", first, second)
	}
	if cause := f.row(id).Cause; cause != "bootstrap failed: no disk\ntail" {
		t.Errorf("the cause is %q", cause)
	}
	f.beat(200, id, token, 0, "")
	f.want(id, lifecycle.Online)
	f.call(404, adminToken, "POST", "/admin/workspaces/"+uuid.NewString()+"/bootstrap-failed", wire.BootstrapFailedRequest{})
}

func TestFamilies(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	parent, _ := f.create()
	child := uuid.MustParse(decode[wire.CreateReply](f, f.call(201, adminToken, "POST", "/workspaces",
		wire.CreateRequest{Name: "child", ParentID: parent.String()})).ID)
	f.call(409, adminToken, "DELETE", "/workspaces/"+parent.String()+"?confirm=true", nil)
	if n := decode[wire.PauseReply](f, f.call(200, adminToken, "POST", "/workspaces/"+parent.String()+"/pause", nil)).PausedCount; n != 2 {
		t.Errorf("paused %d", n)
	}
	f.want(child, lifecycle.Paused)
	f.call(409, adminToken, "POST", "/workspaces/"+child.String()+"/resume", nil)
	f.call(409, adminToken, "POST", "/workspaces/"+child.String()+"/restart", nil)
	if n := decode[wire.ResumeReply](f, f.call(200, adminToken, "POST", "/workspaces/"+parent.String()+"/resume", nil)).ResumedCount; n != 2 {
		t.Errorf("resumed %d", n)
	}
	f.call(200, adminToken, "DELETE", "/workspaces/"+child.String()+"?confirm=true", nil)
	f.call(200, adminToken, "DELETE", "/workspaces/"+parent.String()+"?confirm=true", nil)
}

func TestLauncher(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.cloud.err = cloud.ErrCapacity
	id, _ := f.create()
	row := f.row(id)
	if row.MachineID != "" || !strings.Contains(row.LaunchError, "capacity") || row.LaunchAttempts != 1 {
		t.Fatalf("after a capacity error: %+v", row)
	}
	f.tick(controller.TickLauncher) // too soon
	f.clock.now = f.clock.now.Add(f.control.Settings.LaunchRetryMin)
	f.cloud.err = nil
	f.tick(controller.TickLauncher)
	if row := f.row(id); row.MachineID == "" || len(f.cloud.specs) != 2 {
		t.Fatalf("after the retry: %+v, %d launches", row, len(f.cloud.specs))
	}
	spec := f.cloud.specs[1]
	if spec.Env[wire.EnvWorkspaceID] != id.String() || spec.Env[wire.EnvPlatformURL] != "http://controller.test" {
		t.Errorf("the machine is told %v", spec.Env)
	}
	f.tick(controller.TickLauncher)
	if len(f.cloud.specs) != 2 {
		t.Error("it was launched again")
	}
}

// claimCounter counts how often the launcher asks its store what there is to do.
type claimCounter struct {
	store.Store
	claims int
}

func (s *claimCounter) ClaimLaunches(ctx context.Context, now, until time.Time, limit int) (store.Launches, error) {
	s.claims++
	return s.Store.ClaimLaunches(ctx, now, until, limit)
}

// A turn of the launcher is one question to its store, and a second one only where something was stopped, since a
// restart's next machine need not wait for another turn.
func TestLauncherAsksOnce(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	counter := &claimCounter{Store: f.store}
	var err error
	if f.control, err = controller.New(controller.Config{Store: counter, Cloud: f.cloud, Clock: f.clock, AdminToken: adminToken}); err != nil {
		t.Fatal(err)
	}
	f.handler = f.control.Handler()
	turn := func(what string, want int, launched, stopped []string) {
		t.Helper()
		*f.cloud, counter.claims = scriptedCloud{machines: f.cloud.machines, err: f.cloud.err}, 0
		f.tick(controller.TickLauncher)
		var specs []string
		for _, s := range f.cloud.specs {
			specs = append(specs, fmt.Sprintf("%s-%d", s.Name, s.Incarnation))
		}
		if counter.claims != want || !slices.Equal(specs, launched) || !slices.Equal(f.cloud.stopped, stopped) {
			t.Errorf("%s: it asked %d times, launched %v, stopped %v", what, counter.claims, specs, f.cloud.stopped)
		}
	}
	turn("nothing to do", 1, nil, nil)
	first, _ := f.create()
	turn("all is well", 1, nil, nil)
	f.call(201, adminToken, "POST", "/workspaces", wire.CreateRequest{Name: "second"})
	turn("a launch", 1, []string{"second-1"}, nil)
	f.call(200, adminToken, "POST", "/workspaces/"+first.String()+"/restart", nil)
	turn("a restart", 2, []string{"w-2"}, []string{"m-w-1"})
	f.call(200, adminToken, "POST", "/workspaces/"+first.String()+"/restart", nil)
	f.cloud.err = cloud.ErrThrottled
	counter.claims = 0
	for _, tick := range f.control.Ticks() {
		if tick.Name == controller.TickLauncher && tick.Run(context.Background()) == nil {
			t.Error("a stop that failed is no error")
		}
	}
	if counter.claims != 1 {
		t.Errorf("where nothing could be stopped, it asked %d times", counter.claims)
	}
}

func TestLaunchThatIsRefusedFails(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.cloud.err = errors.Join(cloud.ErrRefused, errors.New("no such image"))
	id, _ := f.create()
	f.want(id, lifecycle.Failed)
	if cause := f.row(id).Cause; !strings.Contains(cause, "no such image") {
		t.Errorf("the cause is %q", cause)
	}
}

// slowCloud lets something happen while a launch is under way.
type slowCloud struct {
	*scriptedCloud
	meanwhile func()
}

func (c *slowCloud) Launch(ctx context.Context, spec cloud.Spec) (cloud.Machine, error) {
	m, err := c.scriptedCloud.Launch(ctx, spec)
	if c.meanwhile != nil {
		c.meanwhile()
		c.meanwhile = nil
	}
	return m, err
}

func TestMachineThatNobodyWantsAnyMoreIsStopped(t *testing.T) {
	t.Parallel()
	for name, act := range map[string][2]string{
		"deleted": {"DELETE", "?confirm=true"}, "paused": {"POST", "/pause"}, "restarted": {"POST", "/restart"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFixture(t)
			slow := &slowCloud{scriptedCloud: f.cloud}
			var err error
			if f.control, err = controller.New(controller.Config{Store: f.store, Cloud: slow, Clock: f.clock, AdminToken: adminToken}); err != nil {
				t.Fatal(err)
			}
			f.handler = f.control.Handler()
			reply := decode[wire.CreateReply](f, f.call(201, adminToken, "POST", "/workspaces", wire.CreateRequest{Name: "w"}))
			slow.meanwhile = func() { f.call(200, adminToken, act[0], "/workspaces/"+reply.ID+act[1], nil) }
			f.tick(controller.TickLauncher)
			if len(f.cloud.stopped) != 1 || f.cloud.stopped[0] != "m-w-1" {
				t.Errorf("stopped %v", f.cloud.stopped)
			}
		})
	}
}

func TestOrphans(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	id, _ := f.create()
	f.cloud.machines = append(f.cloud.machines,
		cloud.Machine{ID: "of-nobody", WorkspaceID: uuid.NewString(), Incarnation: 1, State: cloud.Running},
		cloud.Machine{ID: "no-uuid", WorkspaceID: "seven", Incarnation: 1, State: cloud.Running},
		cloud.Machine{ID: "twin", WorkspaceID: id.String(), Incarnation: 1, State: cloud.Running},
		cloud.Machine{ID: "old", WorkspaceID: id.String(), Incarnation: 0, State: cloud.Running},
	)
	f.tick(controller.TickOrphanSweep)
	if len(f.cloud.machines) != 1 || f.cloud.machines[0].ID != "m-w-1" {
		t.Errorf("left %+v", f.cloud.machines)
	}
	// A launch whose outcome is not recorded yet is no orphan.
	if err := f.store.Edit(context.Background(), id, func(w *store.Workspace) { w.MachineID = "" }); err != nil {
		t.Fatal(err)
	}
	f.tick(controller.TickOrphanSweep)
	if len(f.cloud.machines) != 1 {
		t.Error("a machine whose launch is being recorded was stopped")
	}
}

func TestSweeps(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	id, token := f.create()
	f.clock.now = f.clock.now.Add(10*time.Minute - time.Second)
	f.tick(controller.TickProvisionSweep)
	f.want(id, lifecycle.Provisioning)
	f.clock.now = f.clock.now.Add(time.Second)
	f.tick(controller.TickProvisionSweep)
	f.want(id, lifecycle.Failed)
	f.beat(200, id, token, 0, "")
	f.clock.now = f.clock.now.Add(3*time.Minute - time.Second)
	f.tick(controller.TickLivenessSweep)
	f.want(id, lifecycle.Online)
	f.clock.now = f.clock.now.Add(time.Second)
	f.tick(controller.TickLivenessSweep)
	f.want(id, lifecycle.Offline)
}

func TestUnknownCalls(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.call(404, adminToken, "GET", "/nothing", nil)
	f.call(405, adminToken, "PUT", "/workspaces", nil)
}

func TestSettings(t *testing.T) {
	t.Parallel()
	if _, err := controller.New(controller.Config{}); err == nil {
		t.Error("a controller without a store was made")
	}
	bad := controller.Settings{LivenessTTL: -1}
	if _, err := controller.New(controller.Config{Store: newFixture(t).store, Settings: bad}); err == nil || !strings.Contains(err.Error(), "liveness_ttl") {
		t.Errorf("a TTL below zero gave %v", err)
	}
	s := controller.DefaultSettings()
	for n, want := range map[int]time.Duration{1: 5 * time.Second, 2: 10 * time.Second, 4: 40 * time.Second, 5: time.Minute, 50: time.Minute} {
		if got := s.LaunchBackoff(n); got != want {
			t.Errorf("attempt %d waits %s, want %s", n, got, want)
		}
	}
	s.ProvisionTimeout = time.Minute
	if s.Budget("hermes") != time.Minute {
		t.Error("the override does not override")
	}
}

// Run ticks until it is told to stop, and leaves nothing behind.
func TestRunStops(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.control, _ = controller.New(controller.Config{
		Store: f.store, Cloud: f.cloud, Settings: controller.Settings{LauncherEvery: time.Millisecond},
	})
	f.handler = f.control.Handler()
	f.call(201, "", "POST", "/workspaces", wire.CreateRequest{Name: "w"})
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() { f.control.Run(ctx); close(done) }()
	await.Until(t, "a launch", func() bool {
		f.cloud.mu.Lock()
		defer f.cloud.mu.Unlock()
		return len(f.cloud.specs) > 0
	})
	cancel()
	<-done
}
