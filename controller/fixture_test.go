package controller_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"go.uber.org/goleak"

	"github.com/bootrace/bootrace/controller"
	"github.com/bootrace/bootrace/controller/cloud"
	"github.com/bootrace/bootrace/controller/lifecycle"
	"github.com/bootrace/bootrace/controller/store"
	"github.com/bootrace/bootrace/controller/store/memory"
	"github.com/bootrace/bootrace/controller/wire"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const adminToken = "let me in"

// handClock is moved by hand.
type handClock struct{ now time.Time }

func (c *handClock) Now() time.Time { return c.now }

func (c *handClock) WithTimeout(ctx context.Context, d time.Duration) (context.Context, context.CancelFunc) {
	return context.WithTimeout(ctx, d)
}

// scriptedCloud launches what it is asked to, unless it is told to fail.
type scriptedCloud struct {
	mu       sync.Mutex
	err      error
	specs    []cloud.Spec
	stopped  []string
	machines []cloud.Machine
}

func (c *scriptedCloud) Launch(_ context.Context, spec cloud.Spec) (cloud.Machine, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.specs = append(c.specs, spec)
	if c.err != nil {
		return cloud.Machine{}, c.err
	}
	m := cloud.Machine{
		ID: fmt.Sprintf("m-%s-%d", spec.Name, spec.Incarnation), WorkspaceID: spec.WorkspaceID, Incarnation: spec.Incarnation,
		State: cloud.Running,
	}
	c.machines = append(c.machines, m)
	return m, nil
}

func (c *scriptedCloud) Terminate(_ context.Context, id string) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.err != nil {
		return c.err
	}
	c.stopped = append(c.stopped, id)
	for i, m := range c.machines {
		if m.ID == id {
			c.machines = append(c.machines[:i:i], c.machines[i+1:]...)
			break
		}
	}
	return nil
}

func (c *scriptedCloud) Describe(context.Context, string) (cloud.Machine, error) {
	return cloud.Machine{}, cloud.ErrNotFound
}

func (c *scriptedCloud) List(context.Context) ([]cloud.Machine, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return append([]cloud.Machine(nil), c.machines...), c.err
}

// fixture is a controller on a memory store, and hands to work it with.
type fixture struct {
	*testing.T
	store   *memory.Store
	cloud   *scriptedCloud
	clock   *handClock
	control *controller.Controller
	handler http.Handler
}

func newFixture(t *testing.T) *fixture {
	t.Helper()
	f := &fixture{
		T: t, store: memory.New(lifecycle.Standard(), nil), cloud: &scriptedCloud{},
		clock: &handClock{now: time.Date(2026, 4, 1, 12, 0, 0, 0, time.UTC)},
	}
	var err error
	f.control, err = controller.New(controller.Config{
		Store: f.store, Cloud: f.cloud, Clock: f.clock, AdminToken: adminToken, Secret: []byte("secret"),
		PublicURL: "http://controller.test",
	})
	if err != nil {
		t.Fatal(err)
	}
	f.handler = f.control.Handler()
	return f
}

// call makes a request, and fails the test where the answer has another code. It returns the body.
func (f *fixture) call(code int, token, method, path string, body any) string {
	f.Helper()
	var reader io.Reader
	switch b := body.(type) {
	case nil:
	case string:
		reader = strings.NewReader(b)
	default:
		raw, err := json.Marshal(b)
		if err != nil {
			f.Fatal(err)
		}
		reader = strings.NewReader(string(raw))
	}
	q := httptest.NewRequest(method, path, reader)
	if token != "" {
		q.Header.Set("Authorization", "Bearer "+token)
	}
	w := httptest.NewRecorder()
	f.handler.ServeHTTP(w, q)
	if w.Code != code {
		f.Fatalf("%s %s: got %d, want %d: %s", method, path, w.Code, code, w.Body)
	}
	if w.Code >= 400 {
		var e wire.Error
		if err := json.Unmarshal(w.Body.Bytes(), &e); err != nil || e.Error == "" {
			f.Fatalf("%s %s: an error without words: %s", method, path, w.Body)
		}
	}
	return w.Body.String()
}

func decode[T any](f *fixture, body string) T {
	f.Helper()
	var v T
	if err := json.Unmarshal([]byte(body), &v); err != nil {
		f.Fatalf("%v: %s", err, body)
	}
	return v
}

// create creates a workspace and returns its id and the token that its machine is booted with.
func (f *fixture) create() (id uuid.UUID, token string) {
	f.Helper()
	reply := decode[wire.CreateReply](f, f.call(201, adminToken, "POST", "/workspaces", wire.CreateRequest{Name: "w"}))
	f.tick(controller.TickLauncher)
	return uuid.MustParse(reply.ID), f.cloud.specs[len(f.cloud.specs)-1].Env[wire.EnvToken]
}

func (f *fixture) tick(name string) {
	f.Helper()
	for _, t := range f.control.Ticks() {
		if t.Name == name {
			if err := t.Run(context.Background()); err != nil {
				f.Fatalf("tick %s: %v", name, err)
			}
			return
		}
	}
	f.Fatalf("there is no tick %s", name)
}

func (f *fixture) row(id uuid.UUID) store.Workspace {
	f.Helper()
	w, err := f.store.Get(context.Background(), id)
	if err != nil {
		f.Fatal(err)
	}
	return w
}

// put brings the workspace into a status by the unguarded door.
func (f *fixture) put(id uuid.UUID, s lifecycle.Status) {
	f.Helper()
	if err := f.store.Edit(context.Background(), id, func(w *store.Workspace) {
		w.Status = s
		if s == lifecycle.Failed {
			w.Cause = "it was put there"
		}
	}); err != nil {
		f.Fatal(err)
	}
}

func (f *fixture) beat(code int, id uuid.UUID, token string, rate float64, state string) {
	f.Helper()
	f.call(code, token, "POST", "/registry/heartbeat", wire.Heartbeat{WorkspaceID: id.String(), ErrorRate: rate, RuntimeState: state})
}

func (f *fixture) register(code int, id uuid.UUID, token string) wire.RegisterReply {
	f.Helper()
	return decode[wire.RegisterReply](f, f.call(code, token, "POST", "/registry/register", wire.RegisterRequest{
		ID: id.String(), URL: "http://localhost:8000", AgentCard: json.RawMessage(`{"name":"a"}`),
	}))
}

func (f *fixture) want(id uuid.UUID, s lifecycle.Status) {
	f.Helper()
	if got := f.row(id).Status; got != s {
		f.Fatalf("the workspace is %q, want %q", got, s)
	}
}
