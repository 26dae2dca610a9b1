package sim

import (
	"time"

	"github.com/bootrace/bootrace/controller/lifecycle"
	"github.com/bootrace/bootrace/controller/store"
	"github.com/bootrace/bootrace/harness/history"
	"github.com/bootrace/bootrace/harness/sched"
)

// What a story needs to know of the controller's steps beside the moves that they made: what was read, what failed, and when
// ticks ran in vain. It is written so that a controller at rest writes nothing.

// nobody changes rows while no step into the store is under way.
var nobody = &sched.Task{}

// reader is a tick that reads a workspace.
type reader struct {
	replica, workspace int
	tick               string
}

// read is what a tick read last of a workspace.
type read struct {
	at      time.Duration
	status  lifecycle.Status
	inc     int
	machine string
	written bool // into the history
}

// saw is told of a workspace that the step under way has read. What a call reads is written; what a tick reads is, where it
// reads something else than the last time, or goes on to move the workspace.
func (r *replica) saw(op string, ws *store.Workspace) {
	w := r.world
	number := w.numbers[ws.ID]
	if number <= 0 || w.by.Actor == history.ActorObserver {
		return
	}
	now := w.sched.Now()
	if w.by.Actor != history.ActorTick {
		w.add(r.readStep(op, number, &read{now, ws.Status, ws.Incarnation, ws.MachineID, true}))
		return
	}
	who := reader{r.number, number, w.by.Name}
	last := w.reads[who]
	same := last != nil && last.status == ws.Status && last.inc == ws.Incarnation && last.machine == ws.MachineID
	if last == nil {
		last = &read{}
		w.reads[who] = last
	}
	*last = read{now, ws.Status, ws.Incarnation, ws.MachineID, !same}
	if !same {
		w.add(r.readStep(op, number, last))
		r.found()
	}
}

func (r *replica) readStep(op string, number int, x *read) history.Event {
	by := r.world.by
	return history.Event{
		Kind: history.Step, WS: number, Inc: x.inc, To: x.status, Machine: x.machine, Sent: history.Time(x.at), Call: op,
		By: by.Name, ByInc: by.Incarnation, Actor: by.Actor, Replica: r.number,
	}
}

// wrote notes that the step under way moved the workspace. What its tick had read of it this turn is written now, where it was
// not yet.
func (r *replica) wrote(number int) {
	w := r.world
	if w.by.Actor != history.ActorTick {
		return
	}
	r.found()
	if last := w.reads[reader{r.number, number, w.by.Name}]; last != nil && !last.written {
		last.written = true
		w.add(r.readStep("", number, last))
	}
}

// failed writes a step that failed down, with the fault that struck it.
func (r *replica) failed(op string, err error) {
	t := r.world.sched.Current()
	r.world.add(history.Event{
		Kind: history.Step, WS: max(t.Workspace, 0), Call: op, By: t.Name, ByInc: t.Incarnation, Actor: t.Actor, Replica: r.number,
		Err: err.Error(), Fault: r.world.struck,
	})
}

// found notes that the tick of the step under way found something.
func (r *replica) found() {
	for _, t := range r.turns {
		if t.tick == r.world.by.Name {
			t.found = true
		}
	}
}

// turnOver writes a turn down that is over. Those in a row that found nothing are one event, written when that row ends.
func (r *replica) turnOver(t *turn, failed string) {
	w := r.world
	e := history.Event{
		Kind: history.Turn, By: t.tick, Replica: r.number, Code: 1, Sent: history.Time(t.began), Logged: history.Time(w.sched.Now()), Err: failed,
	}
	for i := range r.vain {
		v := &r.vain[i]
		if v.By != t.tick {
			continue
		}
		if !t.found && failed == "" {
			if v.Code++; v.Code == 1 {
				v.Sent = e.Sent
			}
			v.Logged = e.Logged
			return
		}
		if v.Code > 0 {
			w.add(*v)
			v.Code = 0
		}
		w.add(e)
		return
	}
	if t.found || failed != "" {
		w.add(e)
		e.Code, e.Err = 0, ""
	}
	r.vain = append(r.vain, e)
}

// closeTurns writes down the turns that were not yet.
func (r *replica) closeTurns() {
	for i := range r.vain {
		if r.vain[i].Code > 0 {
			r.world.add(r.vain[i])
			r.vain[i].Code = 0
		}
	}
}
