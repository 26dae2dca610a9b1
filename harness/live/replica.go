package live

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/google/uuid"

	"github.com/bootrace/bootrace/controller"
	"github.com/bootrace/bootrace/controller/wire"
	"github.com/bootrace/bootrace/harness/child"
	"github.com/bootrace/bootrace/harness/fault"
	"github.com/bootrace/bootrace/harness/history"
	programs "github.com/bootrace/bootrace/harness/live/replica"
	"github.com/bootrace/bootrace/harness/oracle"
)

// secret is what tokens are derived from; every replica has the same.
const secret = "bootrace live"

// settle is how long EC2 may take until it knows a machine, as controllers reckon, in the contract's time.
const settle = 30 * time.Second

// replica is one controller process, as the harness knows it. It can be killed and start again.
type replica struct {
	world  *world
	number int

	mu      sync.Mutex
	process *child.Process
	address string        // where it serves; empty while it does not
	up      chan struct{} // closed when the process serves or has ended
	starts  int
}

// config is what the process is started with.
func (r *replica) config() programs.Config {
	w := r.world
	c := programs.Config{
		Number: r.number, DatabaseURL: w.databaseURL(r.number), Endpoint: w.cloudURL, Secret: secret, PublicURL: w.gateway.url,
		AdminToken: adminToken,
		Settings:   w.settings, Settle: w.clock.real(settle),
		Phases: map[string]time.Duration{},
	}
	if w.site != nil {
		c.Docker = w.site.cloud("tcp://" + strings.TrimPrefix(w.cloudURL, "http://"))
	}
	if w.options.Defect != nil {
		c.Defect = w.options.Defect.Name
	}
	for name, every := range map[string]time.Duration{
		controller.TickLauncher: c.Settings.LauncherEvery, controller.TickOrphanSweep: c.Settings.OrphanSweepEvery,
		controller.TickProvisionSweep: c.Settings.ProvisionSweepEvery, controller.TickLivenessSweep: c.Settings.LivenessSweepEvery,
	} {
		c.Phases[name] = time.Duration(w.oracle.Choose(oracle.Latency, uint64(every)))
	}
	if w.stepFaults() {
		c.Steps = w.stepsURL
	}
	return c
}

// start starts the process, unless the run is over.
func (r *replica) start() {
	w := r.world
	path, args, err := w.options.program(CommandController)
	if err != nil {
		w.broken("%w", err)
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	up := make(chan struct{})
	r.starts++
	again := r.starts > 1
	var once sync.Once
	var process *child.Process
	started := make(chan struct{}) // process is set
	process, err = w.nursery.Start(child.Program{
		Path: path, Args: args, Config: r.config(),
		Heard: func(line []byte) {
			<-started
			var x programs.Report
			if err := json.Unmarshal(line, &x); err != nil {
				w.broken("controller %d says what cannot be understood: %w", r.number, err)
				return
			}
			if x.Kind == programs.Ready {
				r.serves(process, x, again)
				once.Do(func() { close(up) })
				return
			}
			r.heard(x)
		},
	})
	if err != nil {
		w.broken("controller %d: %w", r.number, err)
		return
	}
	close(started)
	r.process, r.up, r.address = process, up, ""
	w.tasks.Go(func() {
		<-process.Done()
		once.Do(func() { close(up) })
		if !process.Killed() && w.ctx.Err() == nil {
			w.broken("controller %d exited unexpectedly: %w", r.number, errors.Join(process.Err(), errors.New("it was not told to")))
		}
	})
}

// serves notes that the process does.
func (r *replica) serves(process *child.Process, x programs.Report, again bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if process.Killed() {
		return
	}
	r.address = "http://" + x.Address
	if again {
		r.world.notes.add(r.world.clock.at(x.At), history.Event{Kind: history.Process, Replica: r.number, Phase: history.Started})
	}
}

// heard notes what the process reports.
func (r *replica) heard(x programs.Report) {
	w := r.world
	at := w.clock.at(x.At)
	switch x.Kind {
	case programs.TickErr:
		w.notes.add(at, history.Event{Kind: history.Tick, By: x.By, Replica: r.number, Err: x.Err})
	case programs.Panicked:
		w.notes.add(at, history.Event{Kind: history.Panic, By: x.By, Replica: r.number, Err: x.Err})
	case programs.CloudRan:
		e := history.Event{
			Kind: history.Cloud, Call: x.Call, Sent: history.Time(w.clock.at(x.Sent)), Inc: x.Incarnation, Machine: x.Machine,
			Err: x.Err, Replica: r.number,
		}
		if x.Call == "launch" && (fault.ForGood(x.Err) || w.site != nil && x.Err != "" && !passing(x.Err)) {
			e.Phase = history.Permanent
		}
		if id, err := uuid.Parse(x.Workspace); err == nil {
			e.WS = w.number(id)
		} else if m := w.machineByID(x.Machine); m != nil {
			e.WS, e.Inc = m.ws, m.inc
		}
		w.notes.add(at, e)
	case programs.Slow:
		onIt := func(f *fault.Fault) bool { return f.On(r.number) }
		if !w.faults.stopped(x.Window, onIt, "controller-stall") {
			w.slow.addProcess(history.ActorController, r.number, x.Window)
		}
	case programs.Unusable:
		w.broken("controller %d cannot start: %s", r.number, x.Err)
	}
}

// ready waits until the process serves.
func (r *replica) ready() error {
	r.mu.Lock()
	up := r.up
	r.mu.Unlock()
	if up == nil {
		return fmt.Errorf("live: controller %d was not started", r.number)
	}
	select {
	case <-up:
		return r.warm()
	case <-r.world.ctx.Done():
		return r.world.ctx.Err()
	}
}

// warm makes the process do something before the clock starts, so that the first call of the plan is no slower than others.
func (r *replica) warm() error {
	base := r.base()
	if base == "" {
		return fmt.Errorf("live: controller %d ended before it served", r.number)
	}
	q, err := http.NewRequestWithContext(r.world.ctx, http.MethodGet, base+wire.PathWorkspaces, http.NoBody)
	if err != nil {
		return fmt.Errorf("live: %w", err)
	}
	answer, err := r.world.gateway.transport.RoundTrip(q)
	if err != nil {
		return fmt.Errorf("live: controller %d does not answer: %w", r.number, err)
	}
	io.Copy(io.Discard, answer.Body) //nolint:errcheck // what it says does not matter
	answer.Body.Close()              //nolint:errcheck // it is read
	return nil
}

// base is the URL of the process; empty while it does not serve.
func (r *replica) base() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.address
}

// kill ends the process like kill -9, and has it start again after the delay. It reports false where it is down already.
func (r *replica) kill(down time.Duration) bool {
	r.mu.Lock()
	process := r.process
	if process == nil || process.Killed() {
		r.mu.Unlock()
		return false
	}
	r.address = ""
	process.Kill()
	r.mu.Unlock()
	w := r.world
	w.add(history.Event{Kind: history.Process, Replica: r.number, Phase: history.Ended})
	w.tasks.Go(func() {
		<-process.Done()
		if w.sleep(down) {
			r.start()
		}
	})
	return true
}

// stall stops the process, and reports whether it ran.
func (r *replica) stall() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.process != nil && !r.process.Killed() && r.process.Stop() == nil
}

// goOn lets a stopped process go on.
func (r *replica) goOn() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.process.Continue() //nolint:errcheck // it has died, then
}
