package ec2_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"github.com/bootrace/bootrace/controller"
	"github.com/bootrace/bootrace/controller/cloud/ec2"
	"github.com/bootrace/bootrace/controller/lifecycle"
	"github.com/bootrace/bootrace/controller/store/memory"
	"github.com/bootrace/bootrace/controller/wire"
	"github.com/bootrace/bootrace/fakeprovider/ec2wire"
	"github.com/bootrace/bootrace/internal/await"
)

// agents boots an agent on each machine: it reads its environment off the user data, as a real one is given it by
// cloud-init, and heartbeats until the machine ends.
type agents struct {
	*testing.T
	controller http.Handler
	mu         sync.Mutex
	stop       map[string]chan struct{}
	running    sync.WaitGroup
}

func (a *agents) launched(m ec2wire.Machine) {
	env, err := ec2.BootEnv(m.UserData)
	if err != nil {
		a.Error(err)
		return
	}
	stop := make(chan struct{})
	a.mu.Lock()
	a.stop[m.ID] = stop
	a.mu.Unlock()
	a.running.Go(func() {
		for {
			a.call(http.MethodPost, wire.PathHeartbeat, env[wire.EnvToken], map[string]any{"workspace_id": env[wire.EnvWorkspaceID]})
			select {
			case <-stop:
				return
			case <-time.After(20 * time.Millisecond): // short: the heartbeat's interval
			}
		}
	})
}

func (a *agents) stopped(m ec2wire.Machine) {
	a.mu.Lock()
	defer a.mu.Unlock()
	close(a.stop[m.ID])
	delete(a.stop, m.ID)
}

// call calls the controller, and returns the status and the decoded reply.
func (a *agents) call(method, path, bearer string, body any) (int, map[string]any) {
	text, err := json.Marshal(body)
	if err != nil {
		a.Error(err)
	}
	r := httptest.NewRequest(method, path, bytes.NewReader(text))
	if bearer != "" {
		r.Header.Set("Authorization", "Bearer "+bearer)
	}
	w := httptest.NewRecorder()
	a.controller.ServeHTTP(w, r)
	reply := map[string]any{}
	_ = json.Unmarshal(w.Body.Bytes(), &reply)
	return w.Code, reply
}

// TestControllerBootsOnEC2 runs the reference controller on this cloud while EC2 throttles, is out of capacity, loses
// replies and does not show new machines: every workspace comes online on one machine of its own, and no machine is left
// over when they are deleted.
func TestControllerBootsOnEC2(t *testing.T) {
	t.Parallel()
	a := &agents{T: t, stop: map[string]chan struct{}{}}
	f := newFixture(t, ec2wire.Options{
		Seed: 3, Launched: a.launched, Stopped: a.stopped,
		Faults: ec2wire.Faults{
			Invisible: ec2wire.Duration(200 * time.Millisecond),
			Rules: []ec2wire.Rule{
				{Action: "RunInstances", Kind: ec2wire.NoCapacity, Times: 5},
				{Action: "RunInstances", Kind: ec2wire.LostEmpty, Times: 2},
				{Action: "RunInstances", Kind: ec2wire.LostClosed, Share: 0.3},
				{Action: "TerminateInstances", Kind: ec2wire.LostCut, Times: 2},
				{Kind: ec2wire.Throttled, Share: 0.2},
			},
		},
	}, func(c *ec2.Config) { c.MaxMachines, c.Settle, c.Expiry = 12, time.Second, time.Hour })
	control, err := controller.New(controller.Config{
		Store: memory.New(lifecycle.Standard(), nil), Cloud: f.cloud, Secret: []byte("secret"), PublicURL: "http://controller.test",
		Settings: controller.Settings{
			LauncherEvery: 20 * time.Millisecond, OrphanSweepEvery: 50 * time.Millisecond,
			LaunchRetryMin: 20 * time.Millisecond, LaunchRetryMax: 100 * time.Millisecond,
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	a.controller = control.Handler()
	ctx, cancel := context.WithCancel(context.Background())
	var ticks sync.WaitGroup
	ticks.Go(func() { control.Run(ctx) })
	defer func() {
		cancel()
		ticks.Wait()
		a.mu.Lock()
		for _, stop := range a.stop {
			close(stop)
		}
		a.mu.Unlock()
		a.running.Wait()
	}()

	ids := make([]string, 12)
	for i := range ids {
		code, reply := a.call(http.MethodPost, wire.PathWorkspaces, "", map[string]any{"name": "boots"})
		if code != http.StatusCreated {
			t.Fatalf("create: %d %v", code, reply)
		}
		ids[i], _ = reply["id"].(string)
	}
	await := func(what string, done func() bool) {
		t.Helper()
		await.UntilNothing(t, func() string {
			if done() {
				return ""
			}
			return fmt.Sprintf("%s; machines %+v", what, f.wire.Machines())
		})
	}
	live := func() (n int) {
		for _, m := range f.wire.Machines() {
			if m.State == ec2wire.Pending || m.State == ec2wire.Running {
				n++
			}
		}
		return n
	}
	await("not all are online", func() bool {
		for _, id := range ids {
			if _, reply := a.call(http.MethodGet, wire.PathWorkspaces+"/"+id, "", nil); reply["status"] != "online" {
				return false
			}
		}
		return true
	})
	if n := live(); n != len(ids) {
		t.Errorf("%d machines for %d workspaces", n, len(ids))
	}
	for _, id := range ids {
		if code, reply := a.call(http.MethodDelete, wire.PathWorkspaces+"/"+id+"?confirm=true", "", nil); code >= 400 && code != 500 {
			t.Errorf("delete: %d %v", code, reply)
		}
	}
	await("machines are left over", func() bool { return live() == 0 })
	for i, n := range f.wire.Struck() {
		if n == 0 {
			t.Errorf("rule %d never struck", i)
		}
	}
}
