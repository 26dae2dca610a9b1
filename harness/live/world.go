package live

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/google/uuid"

	"github.com/bootrace/bootrace/controller"
	"github.com/bootrace/bootrace/fakeprovider/ec2wire"
	"github.com/bootrace/bootrace/harness/child"
	"github.com/bootrace/bootrace/harness/history"
	"github.com/bootrace/bootrace/harness/oracle"
	"github.com/bootrace/bootrace/harness/pgserver"
	"github.com/bootrace/bootrace/harness/plan"
)

// Run carries out the plan, whose Live field says how fast, and returns what happened. An error means that the world
// itself failed, or that ctx was done before the end, so that nothing can be said of the controller.
func Run(ctx context.Context, p *plan.Plan, o Options) (*history.History, error) {
	if err := o.check(p); err != nil {
		return nil, err
	}
	settings, err := p.Settings.Controller().Scale(p.Live.Speed)
	if err != nil {
		return nil, fmt.Errorf("live: %w", err)
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	w := &world{
		settings: settings,
		ctx:      ctx, fail: cancel, plan: p, options: o, nursery: child.NewNursery(),
		oracle: &sharedOracle{inner: oracle.NewRandom(p.Seed, "live/"+p.Name)},
		clock:  &clock{speed: p.Live.Speed}, notes: &notes{},
		numbers: map[uuid.UUID]int{}, bound: make(chan struct{}), silent: make(chan struct{}), machines: map[string]*machine{},
	}
	w.faults = newFaults(w)
	for i := range p.Workspaces {
		w.members = append(w.members, &member{number: i + 1, plan: &p.Workspaces[i], known: make(chan struct{})})
	}
	h, err := w.run()
	return h, errors.Join(err, w.clear())
}

// world is one run.
type world struct {
	ctx     context.Context //nolint:containedctx // it is the run's own
	fail    context.CancelCauseFunc
	plan    *plan.Plan
	options Options
	clock   *clock
	// settings are the controllers', as much faster as the run is.
	settings controller.Settings
	oracle   *sharedOracle
	notes    *notes
	nursery  *child.Nursery
	faults   *faults

	servers  []*server
	gateway  *gateway
	postgres *Postgres // the options', or the run's own
	database *pgserver.Database
	folders  []*folder
	links    []*link // by replica; empty where no fault is about them
	watch    *watch
	llm      *preflights
	cloud    *ec2wire.Server
	site     *site // where machines are containers; nil where they are processes
	cloudURL string
	stepsURL string
	llmURL   string
	replicas []*replica
	members  []*member
	keyring  keyring
	slow     slow
	silent   chan struct{} // closed when nobody calls any more
	tasks    tasks         // whatever goes on for no longer than the run
	surveyed atomic.Bool   // the observer is about to look at the list

	mu       sync.Mutex
	numbers  map[uuid.UUID]int   // a workspace's number in the plan, negative for a twin
	bound    chan struct{}       // closed and replaced whenever a number is given
	machines map[string]*machine // by the cloud's id
}

// member is one workspace of the plan.
type member struct {
	number int
	plan   *plan.Workspace
	known  chan struct{} // closed when the operator knows of it

	id      uuid.UUID // guarded by the world's lock, like what follows
	machine *machine  // the newest
	looking bool
}

// add notes an event of the present.
func (w *world) add(e history.Event) { w.notes.add(w.clock.now(), e) }

// broken ends the run because of a fault of the world's own.
func (w *world) broken(format string, args ...any) { w.fail(fmt.Errorf("live: "+format, args...)) }

// run starts the parts, lets the plan's time pass, and reads what is stored at the end.
func (w *world) run() (*history.History, error) {
	if err := w.build(); err != nil {
		return &history.History{}, err
	}
	w.begin()
	if w.sleep(time.Duration(w.plan.Duration) - w.clock.now()) {
		return w.end()
	}
	w.notes.freeze()
	return w.notes.history(nil), context.Cause(w.ctx)
}

// sleep lets so much of the contract's time pass, or reports false when the run is over before.
func (w *world) sleep(d time.Duration) bool {
	t := time.NewTimer(w.clock.real(d))
	defer t.Stop()
	select {
	case <-w.ctx.Done():
		return false
	case <-t.C:
		return true
	}
}

// sleepUntilSilence is sleep, but reports false as well when nobody calls any more.
func (w *world) sleepUntilSilence(d time.Duration) bool {
	t := time.NewTimer(w.clock.real(d))
	defer t.Stop()
	select {
	case <-w.ctx.Done():
		return false
	case <-w.silent:
		return false
	case <-t.C:
		return true
	}
}

// at does something at the contract's time, if the run comes to that.
func (w *world) at(t time.Duration, do func()) {
	w.tasks.Go(func() {
		if w.sleep(t - w.clock.now()) {
			do()
		}
	})
}

// after is at, but not before the channel is closed.
func (w *world) after(begun <-chan struct{}, t time.Duration, do func()) {
	w.at(t, func() {
		select {
		case <-begun:
			do()
		case <-w.ctx.Done():
		}
	})
}

// build starts everything that the run needs, up to controllers that serve.
func (w *world) build() error {
	var err error
	if err := w.buildDatabase(); err != nil {
		return err
	}
	if w.watch, err = w.watchMoves(); err != nil {
		return err
	}
	w.buildCloud()
	w.llm = newPreflights(w)
	w.gateway = newGateway(w)
	cloud, front := w.cloudHandler(), newServer(w.gateway)
	if w.options.Containers != nil {
		if err := w.buildSite(); err != nil {
			return err
		}
		cloud, front = w.site.cloudHandler(), w.site.front()
	}
	for _, s := range []struct {
		server *server
		host   string
		url    *string
	}{
		{newServer(cloud), loopback, &w.cloudURL}, {newServer(w.stepsHandler()), loopback, &w.stepsURL},
		{newServer(w.llm), w.llmHost(), &w.llmURL}, {front, w.frontHost(), &w.gateway.url},
	} {
		if *s.url, err = s.server.listenOn(s.host); err != nil {
			return err
		}
		w.servers = append(w.servers, s.server)
	}
	if w.site != nil {
		if err := w.site.serve(); err != nil {
			return err
		}
	}
	for i := range w.plan.Controllers {
		w.replicas = append(w.replicas, &replica{world: w, number: i + 1})
	}
	for _, r := range w.replicas {
		r.start()
	}
	for _, r := range w.replicas {
		if err := r.ready(); err != nil {
			return err
		}
	}
	return nil
}

// begin starts the plan's time.
func (w *world) begin() {
	w.clock.begin()
	w.measure()
	for _, r := range w.replicas {
		w.notes.add(0, history.Event{Kind: history.Process, Replica: r.number, Phase: history.Started})
	}
	w.faults.schedule()
	w.scheduleOperator()
}

// sharedOracle answers choices to whoever asks, one at a time.
type sharedOracle struct {
	mu    sync.Mutex
	inner oracle.Oracle
}

// Choose implements oracle.Oracle.
func (o *sharedOracle) Choose(p oracle.Point, n uint64) uint64 {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.inner.Choose(p, n)
}
