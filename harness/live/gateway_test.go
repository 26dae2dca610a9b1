package live

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/bootrace/bootrace/harness/agent"
	"github.com/bootrace/bootrace/harness/history"
	"github.com/bootrace/bootrace/harness/live/caller"
	"github.com/bootrace/bootrace/harness/oracle"
	"github.com/bootrace/bootrace/harness/plan"
	"github.com/bootrace/bootrace/internal/await"
)

// crossing is a gateway between an agent and a controller that only counts.
type crossing struct {
	world   *world
	reached atomic.Int32
	agent   *caller.Caller
}

// cross puts the faults on the way from workspace 1 to its controller.
func cross(t *testing.T, faults ...plan.Fault) *crossing {
	t.Helper()
	return crossPatiently(t, patient, faults...)
}

// How fast a caller's patience of 10 s runs out: one that is to be answered waits for minutes, since a slow machine is no lost call.
const (
	patient   = 1.0 / 18
	impatient = 60
)

func crossPatiently(t *testing.T, patience float64, faults ...plan.Fault) *crossing {
	t.Helper()
	ctx, cancel := context.WithCancelCause(context.Background())
	c := &crossing{world: &world{
		ctx: ctx, fail: cancel, plan: &plan.Plan{Faults: faults}, clock: &clock{speed: 60}, notes: &notes{},
		silent: make(chan struct{}), oracle: &sharedOracle{inner: oracle.NewRandom(1, "test")}, numbers: map[uuid.UUID]int{}, bound: make(chan struct{}),
	}}
	c.world.faults = newFaults(c.world)
	controller := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c.reached.Add(1)
		io.Copy(io.Discard, r.Body)
		w.Header().Set("Content-Type", "application/json")
		w.Write([]byte(`{"status":"registered","auth_token":"a"}`))
	}))
	c.world.replicas = []*replica{{world: c.world, number: 1, address: controller.URL}}
	c.world.gateway = newGateway(c.world)
	front := newServer(c.world.gateway)
	base, err := front.listen()
	if err != nil {
		t.Fatal(err)
	}
	c.world.clock.begin()
	c.agent = caller.New(base, patience, history.ActorAgent, 1, 2)
	t.Cleanup(func() {
		c.agent.Close()
		front.close()
		cancel(nil)
		c.world.gateway.calls.Wait()
		c.world.gateway.transport.CloseIdleConnections()
		controller.Close()
	})
	return c
}

func (c *crossing) call(name string) (agent.Response, error) {
	return c.agent.Call(agent.Request{Call: name, Method: http.MethodPost, Path: "/registry/" + name, Body: []byte(`{}`)})
}

// calls waits for so many calls in the history.
func (c *crossing) calls(t *testing.T, n int) []history.Event {
	t.Helper()
	var calls []history.Event
	await.UntilNothing(t, func() string {
		calls = nil
		for _, e := range c.world.notes.history(nil).Events {
			if e.Kind == history.Call {
				calls = append(calls, e)
			}
		}
		if len(calls) >= n {
			return ""
		}
		return fmt.Sprintf("the history has %+v", calls)
	})
	return calls
}

func (c *crossing) struck() (n int) {
	for _, e := range c.world.notes.history(nil).Events {
		if e.Kind == history.Fault && e.Phase == history.Struck && e.Fault == 1 && e.WS == 1 {
			n++
		}
	}
	return n
}

const long = plan.Duration(time.Hour)

// What the network does to a call, what its caller sees of that, and what the history says.
func TestGateway(t *testing.T) {
	t.Parallel()
	type told struct {
		code int
		err  string
	}
	for _, c := range []struct {
		name    string
		fault   *plan.Fault
		code    int // what the caller is given; 0 where no answer comes
		reached int32
		told    []told
		takes   time.Duration // at least, in the contract's time
	}{
		{"nothing", nil, 200, 1, []told{{200, ""}}, 0},
		{"lose-request", &plan.Fault{Kind: "lose-request", Until: long}, 0, 0, []told{{0, "timed out"}}, 10 * time.Second},
		{"lose-reply", &plan.Fault{Kind: "lose-reply", Until: long}, 0, 1, []told{{200, "the reply was lost"}, {0, "timed out"}}, 10 * time.Second},
		{"partition", &plan.Fault{Kind: "partition", Until: long}, 0, 0, []told{{0, "timed out"}}, 10 * time.Second},
		{"a partition of others", &plan.Fault{Kind: "partition", Until: long, Workspaces: []int{2}}, 200, 1, []told{{200, ""}}, 0},
		{"delay", &plan.Fault{Kind: "delay", Until: long, Delay: plan.Duration(5 * time.Second)}, 200, 1, []told{{200, ""}}, 5 * time.Second},
		{"a delay too long", &plan.Fault{Kind: "delay", Until: long, Delay: plan.Duration(2 * time.Minute)}, 0, 1, []told{{0, "timed out"}, {200, "the caller had given up"}}, 10 * time.Second},
		{"duplicate", &plan.Fault{Kind: "duplicate", Until: long, Delay: plan.Duration(5 * time.Second)}, 200, 2, []told{{200, ""}, {200, "a duplicate; nobody waits for its reply"}}, 0},
		{"rate-limit", &plan.Fault{Kind: "rate-limit", Until: long, Delay: plan.Duration(20 * time.Second)}, 429, 0, []told{{429, "by a rate limiter on the way"}}, 0},
		{"the second call", &plan.Fault{Kind: "lose-request", Until: long, Nth: []int{2}}, 200, 1, []told{{200, ""}}, 0},
		{"another call", &plan.Fault{Kind: "lose-request", Until: long, Calls: []string{"heartbeat"}}, 200, 1, []told{{200, ""}}, 0},
		{"later", &plan.Fault{Kind: "lose-request", From: long, Until: 2 * long}, 200, 1, []told{{200, ""}}, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			var faults []plan.Fault
			if c.fault != nil {
				faults = append(faults, *c.fault)
			}
			patience := patient
			if c.code == 0 {
				patience = impatient
			}
			x := crossPatiently(t, patience, faults...)
			began := x.world.clock.now()
			r, err := x.call("register")
			if took := x.world.clock.now() - began; took < c.takes {
				t.Errorf("it took %s, not %s", took, c.takes)
			}
			if r.Code != c.code || (err == nil) != (c.code != 0) {
				t.Errorf("the caller sees %d, %v", r.Code, err)
			}
			if c.code == 429 && r.RetryAfter != "20" {
				t.Errorf("it is told to wait for %q", r.RetryAfter)
			}
			calls := x.calls(t, len(c.told))
			for i, want := range c.told {
				got := calls[i]
				if got.Code != want.code || got.Err != want.err {
					t.Errorf("call %d is told as %d, %q", i, got.Code, got.Err)
				}
				if got.WS != 1 || got.Inc != 2 || got.Actor != history.ActorAgent || got.Call != "register" || got.Sent > got.At {
					t.Errorf("it is whose? %+v", got)
				}
				if answered := want.code == 200; got.Token != answered || (got.Replica == 1) != answered {
					t.Errorf("token %v of replica %d", got.Token, got.Replica)
				}
			}
			if x.reached.Load() != c.reached {
				t.Errorf("the controller was reached %d times", x.reached.Load())
			}
			strikes := c.fault != nil && (c.code != 200 || c.reached > 1 || c.takes > 0)
			if (x.struck() > 0) != strikes {
				t.Errorf("the fault struck %d times", x.struck())
			}
		})
	}
}

// A controller that is down refuses, and one that dies with a call in its hands resets.
func TestGatewayWithoutController(t *testing.T) {
	t.Parallel()
	x := cross(t)
	x.world.replicas[0].address = ""
	if _, err := x.call("heartbeat"); err == nil {
		t.Error("a controller that is down answers")
	}
	dying := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }))
	defer dying.Close()
	x.world.replicas[0].mu.Lock()
	x.world.replicas[0].address = dying.URL
	x.world.replicas[0].mu.Unlock()
	if _, err := x.call("heartbeat"); err == nil {
		t.Error("a controller that dies answers")
	}
	calls := x.calls(t, 2)
	if calls[0].Err != "connection refused" || !strings.HasPrefix(calls[1].Err, "connection reset") || calls[0].Code != 0 || calls[1].Replica != 0 {
		t.Errorf("%+v", calls)
	}
}

// Whoever does not say who they are is known by what they call.
func TestGatewayKnowsStrangers(t *testing.T) {
	t.Parallel()
	x := cross(t)
	id := uuid.New()
	x.world.numbers[id] = 1
	for _, q := range []struct{ method, path, body, actor, name string }{
		{http.MethodPost, "/registry/heartbeat", `{"workspace_id":"` + id.String() + `"}`, history.ActorAgent, "heartbeat"},
		{http.MethodPost, "/registry/register", `{"id":"` + id.String() + `"}`, history.ActorAgent, "register"},
		{http.MethodDelete, "/workspaces/" + id.String() + "?confirm=true", "", history.ActorOperator, "delete"},
		{http.MethodPost, "/workspaces/" + id.String() + "/pause", "", history.ActorOperator, "pause"},
		{http.MethodPost, "/admin/workspaces/" + id.String() + "/bootstrap-failed", "", history.ActorOperator, "bootstrap-failed"},
		{http.MethodGet, "/workspaces/" + id.String(), "", history.ActorOperator, "get"},
	} {
		r := httptest.NewRequest(q.method, q.path, strings.NewReader(q.body))
		c, err := x.world.gateway.accept(httptest.NewRecorder(), r)
		if err != nil || c.actor != q.actor || c.name != q.name || c.ws != 1 {
			t.Errorf("%s %s is %+v, %v", q.method, q.path, c, err)
		}
	}
	for method, name := range map[string]string{http.MethodPost: "create", http.MethodGet: "list"} {
		if got := nameOf(method, "/workspaces"); got != name {
			t.Errorf("%s is %s", method, got)
		}
	}
}
