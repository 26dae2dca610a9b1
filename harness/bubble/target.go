package bubble

import (
	"context"
	"fmt"
	"net/http"
	"runtime"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/cryptotest"
	"testing/synctest"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/bootrace/bootrace/harness/contract"
	"github.com/bootrace/bootrace/harness/history"
	"github.com/bootrace/bootrace/harness/pgserver"
	"github.com/bootrace/bootrace/harness/plan"
	"github.com/bootrace/bootrace/harness/sched"
	"github.com/bootrace/bootrace/harness/sim"
	"github.com/bootrace/bootrace/scenarios"
)

// Target is a controller that knows nothing of this project.
type Target struct {
	// Name is how reports speak of it.
	Name string
	// Start starts one replica: it opens the database, starts the goroutines that run in production, and returns what serves its
	// calls. It is called again when a replica that died starts anew.
	Start func(Env) (http.Handler, error)
	// Rows says where its workspaces are.
	Rows Rows
	// Services are what the controller talks to beside its database, by the address that it dials. Each is started for every run.
	Services map[string]func() (Service, error)
	// Boot says which boot of its workspace a provision is for, by the environment that the controller orders it with. Without it nobody
	// can say whether a machine is that of the current boot, and what depends on that is not judged.
	Boot func(env map[string]string) int
	// Lacks are what it does not have, of [scenarios.Capabilities]; also "external" and "bootstrap-failed".
	Lacks []string
	// Contract is what it promises, where that is not the standard contract.
	Contract *contract.Contract
}

// template is the database that each run's is a copy of.
const template = "bootrace_bubble"

// For returns the target for the test, on a Postgres server that lasts as long as the test.
func (b Target) For(t *testing.T) sim.Target {
	t.Helper()
	ctx := context.Background()
	server, err := pgserver.Start(ctx, pgserver.Options{Settings: settings})
	if err != nil {
		t.Fatalf("bubble: %v", err)
	}
	t.Cleanup(func() {
		if err := server.Stop(); err != nil {
			t.Errorf("bubble: stopping Postgres: %v", err)
		}
	})
	if err := server.Template(ctx, template, install); err != nil {
		t.Fatalf("bubble: preparing the template database: %v", err)
	}
	var current atomic.Pointer[gate]
	return sim.Target{
		Name: b.Name, Contract: b.Contract, Fit: b.fit,
		Deploy: func() sim.Deployment { return sim.Deployment{Beside: current.Load(), BootOf: b.Boot} },
		Around: func(run func()) error {
			database, err := server.CreateDatabase(ctx, template)
			if err != nil {
				return err
			}
			config, err := pgconn.ParseConfig(database.URL)
			if err != nil {
				return err
			}
			services, end, err := b.services()
			if err != nil {
				return err
			}
			defer end()
			g := &gate{target: &b, database: config, services: services}
			current.Store(g)
			around(t, g, run)
			return database.Drop(ctx)
		},
	}
}

// around runs it in a bubble.
func around(t *testing.T, g *gate, run func()) {
	t.Helper()
	cryptotest.SetGlobalRandom(t, 1)
	// Timers that are due at the same time wake several goroutines. With one processor they go on one after the other, and in the same
	// order each time.
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	defer func() {
		// A controller that leaks goroutines leaves them behind in the bubble. They can do nothing there.
		if p := recover(); p != nil && !strings.Contains(fmt.Sprint(p), "blocked goroutines remain") {
			panic(p)
		}
	}()
	defer watch(&g.steps)()
	synctest.Test(t, func(*testing.T) {
		time.Sleep(time.Until(sched.Epoch.Add(-time.Hour)))
		run()
		g.close()
	})
}

// close ends the replicas, and lets their goroutines end.
func (g *gate) close() {
	for _, r := range g.replicas {
		if r.cancel != nil {
			g.Kill(r.number)
		}
	}
	for range 10 { // what fails is tried again, by some
		synctest.Wait()
		for _, p := range g.take() {
			p.fail(errDropped)
		}
		time.Sleep(time.Minute)
	}
	if g.control != nil {
		g.control.Close(context.Background()) //nolint:errcheck // it is thrown away
	}
}

// foreign are the faults that need more of the controller than a bubble gives it: a clock of its own, and a token for its operator.
var foreign = []string{"clock", "intruder"}

// fit alters a plan to one that the target can be played with.
func (b Target) fit(p *plan.Plan) *plan.Plan {
	if p.Live != nil {
		return p
	}
	p = p.Clone()
	p.Live = &plan.Live{Speed: 1, Steps: true, Unseen: []string{history.Log.String()}}
	if b.Boot == nil && !slices.Contains(b.Lacks, "restart") {
		p.Live.Unseen = append(p.Live.Unseen, history.Machine.String())
	}
	lacks := func(what string) bool { return slices.Contains(b.Lacks, what) }
	if lacks("replicas") {
		p.Controllers = 1
	}
	p.Faults = slices.DeleteFunc(p.Faults, func(f plan.Fault) bool { return slices.Contains(foreign, f.Kind) })
	p.Acts = slices.DeleteFunc(p.Acts, func(a plan.Act) bool {
		return lacks(scenarios.NeedOf(a.Do))
	})
	hold(p)
	for i := range p.Workspaces {
		w := &p.Workspaces[i]
		if lacks("parents") {
			w.Parent = 0
		}
		if lacks("external") {
			w.External, w.KnownURL = false, false
		}
	}
	return p
}

// held is how long a heartbeat is held up between two of its statements.
const held = 35 * time.Second

// hold has every other plan hold a heartbeat up between two of its statements while the operator acts on its workspace: what is read
// and then written with nothing between that keeps others out is found there.
func hold(p *plan.Plan) {
	if len(p.Acts) == 0 || p.Seed%2 == 1 || slices.ContainsFunc(p.Faults, func(f plan.Fault) bool { return f.Kind == "stall" }) {
		return
	}
	act := p.Acts[p.Seed/2%uint64(len(p.Acts))]
	from := max(time.Duration(act.At)-held+5*time.Second, 0)
	p.Faults = append(p.Faults, plan.Fault{
		Kind: "stall", From: plan.Duration(from), Until: act.At, Calls: []string{"heartbeat"}, Workspaces: []int{act.Workspace},
		Delay: plan.Duration(held), When: "after", Nth: []int{1 + int(p.Seed/2%3)},
	})
}
