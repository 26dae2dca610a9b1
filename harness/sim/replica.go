package sim

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"github.com/bootrace/bootrace/controller"
	"github.com/bootrace/bootrace/harness/history"
	"github.com/bootrace/bootrace/harness/oracle"
	"github.com/bootrace/bootrace/harness/sched"
	"github.com/bootrace/bootrace/scenarios"
)

// replica is one controller process. It can die and start again; what it kept in memory is gone then.
type replica struct {
	world   *world
	number  int
	offset  time.Duration // of its clock
	process *sched.Process
	handler http.Handler
	idle    []*worker
	busy    []*worker
	turns   []*turn         // of its ticks, under way
	spare   []*turn         // over
	vain    []history.Event // turns in a row that found nothing, by tick

	starting bool // and serves nobody yet: that of a controller beside the scheduler
}

// secret is what tokens are derived from; every replica of every run has the same.
var secret = []byte("bootrace simulation")

// come is the beginning of a replica's life.
func (r *replica) come() {
	r.process = r.world.process(fmt.Sprintf("controller %d", r.number))
	r.process.SetOffset(r.offset)
	r.idle, r.busy, r.turns, r.spare, r.vain = nil, nil, nil, nil, nil
}

func (r *replica) start() {
	w := r.world
	r.come()
	if w.beside != nil {
		r.starting = true
		w.beside.Restart(r.number, func(err error) {
			r.starting = false
			if err != nil {
				w.add(history.Event{Kind: history.Panic, By: "start", Replica: r.number, Err: err.Error()})
				return
			}
			w.add(history.Event{Kind: history.Process, Replica: r.number, Phase: history.Started})
		})
		return
	}
	built, err := w.deployment.Start(controller.Config{
		Store:    r.storeWay(),
		Cloud:    r.cloud(),
		Settings: w.plan.Settings.Controller(),
		Secret:   secret, AdminToken: adminToken,
		Clock:   clock{r.process, w.sched},
		Entropy: oracle.Reader{Oracle: w.oracle},
		Each:    r.each,
	})
	if err != nil {
		panic(err) // the plan's settings were validated
	}
	r.handler = built.Handler
	w.add(history.Event{Kind: history.Process, Replica: r.number, Phase: history.Started})
	for _, tick := range built.Ticks {
		r.process.Go(tick.Name, func() { r.tick(tick) })
	}
}

// tick runs a tick for ever. Its first turn comes when the plan says, or at a drawn time, since nothing ties the phases of sweepers to
// anything.
func (r *replica) tick(tick controller.Tick) {
	w := r.world
	w.sched.Current().Actor = history.ActorTick
	switch w.plan.Settings.FirstTurns {
	case scenarios.AtOnce:
	case scenarios.AfterInterval:
		w.sched.Sleep(tick.Every)
	default:
		w.sched.Sleep(w.latency(0, tick.Every))
	}
	for {
		w.sched.Renew(w.sched.Current())
		r.turn(tick)
		w.sched.Sleep(tick.Every)
	}
}

// turn runs the tick once. Its errors and panics go into the history, and its next turn goes on.
func (r *replica) turn(tick controller.Tick) {
	w := r.world
	t := r.began(tick.Name)
	defer func() {
		if p := recover(); p != nil {
			if sched.IsKill(p) {
				panic(p)
			}
			w.add(history.Event{Kind: history.Panic, By: tick.Name, Replica: r.number, Err: fmt.Sprint(p)})
			r.turnOver(t, fmt.Sprint(p))
			r.over(t)
		}
	}()
	var failed string
	if err := tick.Run(context.Background()); err != nil {
		failed = err.Error()
		w.add(history.Event{Kind: history.Tick, By: tick.Name, Replica: r.number, Err: failed})
	}
	r.turnOver(t, failed)
	r.over(t)
}

// kill ends the replica like kill -9. Called from one of its own tasks, it does not return.
func (r *replica) kill() {
	if r.process.Dead() {
		return
	}
	r.closeTurns()
	r.world.add(history.Event{Kind: history.Process, Replica: r.number, Phase: history.Ended})
	for _, k := range r.busy {
		k.job.reset()
	}
	if b := r.world.beside; b != nil {
		r.starting = false
		b.Kill(r.number)
	}
	r.process.Kill()
}

// each runs do for 0 … n-1, each as a task of its own, and returns when all have.
func (r *replica) each(ctx context.Context, n int, do func(context.Context, int)) {
	s := r.world.sched
	switch n {
	case 0:
		return
	case 1:
		do(ctx, 0)
		return
	}
	parent, left := s.Current(), n
	for i := range n {
		task := r.process.Go(parent.Name, func() {
			do(ctx, i)
			if left--; left == 0 {
				s.Wake(parent)
			}
		})
		task.Workspace, task.Incarnation, task.Actor = parent.Workspace, parent.Incarnation, parent.Actor
	}
	for left > 0 {
		s.Park(sched.Forever)
	}
}

// clock is a replica's clock.
type clock struct {
	process *sched.Process
	sched   *sched.Scheduler
}

func (c clock) Now() time.Time { return c.process.Now() }

func (c clock) WithTimeout(ctx context.Context, d time.Duration) (context.Context, context.CancelFunc) {
	return c.sched.WithTimeout(ctx, d)
}
