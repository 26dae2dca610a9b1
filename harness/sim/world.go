package sim

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"

	"github.com/bootrace/bootrace/controller/lifecycle"
	"github.com/bootrace/bootrace/controller/store"
	"github.com/bootrace/bootrace/fakeprovider"
	"github.com/bootrace/bootrace/fakeprovider/cpwire"
	"github.com/bootrace/bootrace/fakeprovider/ec2wire"
	"github.com/bootrace/bootrace/harness/history"
	"github.com/bootrace/bootrace/harness/intruder"
	"github.com/bootrace/bootrace/harness/oracle"
	"github.com/bootrace/bootrace/harness/plan"
	"github.com/bootrace/bootrace/harness/sched"
)

// OpenStore returns an empty store that moves workspaces by the table and tells observe of every row's move.
type OpenStore func(table *lifecycle.Table, observe func(store.RowChange)) (store.Store, error)

// Options are what a run needs beside its plan.
type Options struct {
	Open   OpenStore
	Oracle oracle.Oracle // default: random, from the plan's seed
	Target Target        // default: the reference controller
	// Meet is told of every row that moved while somebody else's tick was at work; nil where nobody wants to know.
	Meet func(Meeting)
	// Turned is told of every turn of a tick that made several steps into the store, and how many; nil where nobody wants to know.
	Turned func(tick string, steps int)
	// Room is where the history is written, as far as it goes; what it holds is overwritten. It may be nil.
	Room []history.Event
}

// Run carries out the plan and returns what happened. An error means that the world itself failed, so that nothing can be
// said of the controller.
func Run(p *plan.Plan, o Options) (h *history.History, err error) {
	if o.Target.Around == nil {
		return run(p, o)
	}
	if around := o.Target.Around(func() { h, err = run(p, o) }); around != nil {
		err = around
	}
	return h, err
}

func run(p *plan.Plan, o Options) (*history.History, error) {
	if o.Oracle == nil {
		o.Oracle = p.Oracle()
	}
	w := &world{
		plan: p, oracle: o.Oracle, sched: sched.New(o.Oracle), history: &history.History{},
		inventory: fakeprovider.NewInventory(), machines: map[string]*machine{}, ended: map[string]time.Duration{},
		numbers: map[uuid.UUID]int{}, meet: o.Meet, turned: o.Turned, moves: make([]int, len(p.Workspaces)+1),
		by: nobody, reads: map[reader]*read{},
	}
	if o.Target.Deploy == nil {
		o.Target = Reference(nil)
	}
	switch p.Cloud {
	case "":
	case plan.EC2:
		w.openEC2()
	default:
		return nil, fmt.Errorf("there is no cloud %q", p.Cloud)
	}
	w.deployment = o.Target.Deploy()
	var err error
	if w.beside = w.deployment.Beside; w.beside != nil {
		w.openCP()
		if w.ec2 == nil {
			w.openEC2()
		}
		w.sched.Beside(w.beside)
	} else if w.store, err = o.Open(w.deployment.Table, w.observe); err != nil {
		return nil, fmt.Errorf("opening the store: %w", err)
	}
	if w.history.Events = o.Room[:0]; o.Room == nil {
		w.history.Events = make([]history.Event, 0, expectedEvents(p))
	}
	if err := w.build(); err != nil {
		return w.history, err
	}
	err = w.sched.Run(time.Duration(p.Duration))
	w.cutOff()
	w.sched.Stop(w.processes...)
	if err != nil {
		return w.history, err
	}
	for _, r := range w.replicas {
		r.closeTurns()
	}
	if err := w.readEnd(); err != nil {
		return w.history, fmt.Errorf("reading what is stored at the end: %w", err)
	}
	w.add(history.Event{Kind: history.End})
	return w.history, nil
}

// expectedEvents guesses how long the history gets, so that it need not be copied as it grows: heartbeats are most of it.
func expectedEvents(p *plan.Plan) int {
	beats := int(time.Duration(p.Duration) / p.Settings.Heartbeat())
	return min(len(p.Workspaces)*(beats+32), 1<<20)
}

// world is one run.
type world struct {
	plan       *plan.Plan
	oracle     oracle.Oracle
	sched      *sched.Scheduler
	history    *history.History
	store      store.Store
	deployment Deployment

	processes []*sched.Process
	env       *sched.Process // the world's own: faults, people
	replicas  []*replica
	faults    *faults
	inventory *fakeprovider.Inventory
	ec2       *ec2wire.Server // nil where the fake cloud is asked without a wire
	cp        *cpwire.Server  // nil where the controller is made of our parts
	beside    Beside          // nil likewise
	hidden    map[string]bool // by EC2, from the list under way
	machines  map[string]*machine
	ended     map[string]time.Duration // when machines did
	members   []*member
	numbers   map[uuid.UUID]int // a workspace's number in the plan

	by        *sched.Task // who is about to change rows: see Move
	byOp      string
	byReplica *replica
	byStep    *Step // of a controller beside the scheduler
	reads     map[reader]*read
	struck    int // the fault that struck last

	surveyed bool // the observer is about to look at the list
	fed      bool // the observer reads the events feed, or has read it

	meet   func(Meeting)
	turned func(tick string, steps int)
	moves  []int // so far, by workspace
}

// member is one workspace of the plan, as the world knows it.
type member struct {
	number   int
	plan     *plan.Workspace
	id       uuid.UUID
	known    bool // the operator has its id
	asked    bool // the operator has asked for it
	creates  int  // that reached a controller beside the scheduler
	rows     int  // that it made of them
	machine  *machine
	starts   int // of agents, so far
	observer *observer
	keys     intruder.Keys

	incarnation int // as its row's moves say, where the controller is not made of our parts
}

func (w *world) build() error {
	w.env = w.process("world")
	w.faults = newFaults(w)
	for i := range w.plan.Workspaces {
		w.members = append(w.members, &member{number: i + 1, plan: &w.plan.Workspaces[i]})
	}
	for i := range w.plan.Controllers {
		r := &replica{world: w, number: i + 1}
		w.replicas = append(w.replicas, r)
		if w.beside == nil {
			r.start()
		} else {
			r.come()
		}
	}
	if w.beside != nil {
		before := make([]time.Duration, len(w.replicas))
		for i := range before { // nothing ties the phases of sweepers to anything
			before[i] = w.latency(time.Second, time.Minute)
		}
		if err := w.beside.Open(&Site{w}, before); err != nil {
			return err
		}
		for _, r := range w.replicas {
			w.add(history.Event{Kind: history.Process, Replica: r.number, Phase: history.Started})
		}
	}
	w.faults.schedule()
	w.scheduleOperator()
	return nil
}

func (w *world) process(name string) *sched.Process {
	p := w.sched.NewProcess(name)
	w.processes = append(w.processes, p)
	return p
}

// add appends an event at the present time.
func (w *world) add(e history.Event) {
	e.At = history.Time(w.sched.Now())
	w.history.Add(e)
}

// observe is told by the store of every row's move.
func (w *world) observe(c store.RowChange) {
	number := w.numbers[c.WorkspaceID]
	e := history.Event{
		Kind: history.Move, WS: number, Inc: c.Incarnation, From: c.From, To: c.To, By: w.by.Name, ByInc: w.by.Incarnation,
		Actor: w.by.Actor, Call: w.byOp,
	}
	if w.byStep != nil {
		e.Data = w.byStep.Text
	}
	if w.byReplica != nil {
		e.Replica = w.byReplica.number
		w.byReplica.wrote(number)
	}
	w.add(e)
	if number > 0 {
		if c.To == lifecycle.Provisioning || c.To == lifecycle.AwaitingAgent {
			w.members[number-1].keys.Begins()
		}
		w.meets(number, w.moves[number])
		w.moves[number]++
		w.look(w.members[number-1])
	}
}

// latency draws how long a hop takes.
func (w *world) latency(least, most time.Duration) time.Duration {
	return least + time.Duration(w.oracle.Choose(oracle.Latency, uint64((most-least)/time.Microsecond)))*time.Microsecond
}

// readEnd writes down what the controller's own records say at the end.
func (w *world) readEnd() error {
	if w.beside != nil {
		return w.rowsAtEnd()
	}
	ctx := context.Background()
	log, err := w.store.Transitions(ctx, uuid.NullUUID{}, 0)
	if err != nil {
		return err
	}
	for i := len(log) - 1; i >= 0; i-- {
		t := log[i]
		w.add(history.Event{
			Kind: history.Log, WS: w.numbers[t.WorkspaceID], Inc: t.Incarnation, Event: t.Event, From: t.From, To: t.To,
			Cause: t.Cause, Logged: history.Time(t.At.Sub(sched.Epoch)),
		})
	}
	var ids []uuid.UUID
	for _, m := range w.members {
		if m.id != uuid.Nil {
			ids = append(ids, m.id)
		}
	}
	rows, err := w.store.Lookup(ctx, ids)
	if err != nil {
		return err
	}
	for _, r := range rows {
		e := history.Event{
			Kind: history.Row, WS: w.numbers[r.ID], Inc: r.Incarnation, To: r.Status, Cause: r.Cause, Machine: r.MachineID,
		}
		if !r.Token.IsZero() {
			e.Phase = history.TokenLive
		}
		w.add(e)
	}
	return nil
}
