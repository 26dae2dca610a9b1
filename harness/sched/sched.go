package sched

import (
	"slices"
	"time"

	"github.com/bootrace/bootrace/harness/oracle"
)

// Epoch is the wall-clock time of virtual time zero.
var Epoch = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

// Scheduler runs tasks. It must be used from one goroutine, and from its own tasks.
type Scheduler struct {
	oracle  oracle.Oracle
	picker  oracle.Picker // the oracle, where it wants to know the tasks
	ids     []uint64      // of the ready, for it
	begun   uint64        // tasks
	now     time.Duration
	until   time.Duration
	ready   []*Task
	timers  timers
	current *Task
	idle    []*routine
	outside Outside
	failure error
}

// Outside is what happens beside the tasks on the same virtual time, on goroutines that the scheduler does not run.
type Outside interface {
	// Settle returns once nothing outside can go on by itself. What the oracle is to choose it starts as tasks, in an order that
	// is the same in every run.
	Settle()
	// Pass lets time pass until then, or until something outside wants to go on, and returns what time it is.
	Pass(then time.Duration) time.Duration
}

// Beside has something else happen beside the tasks. It must be called before Run.
func (s *Scheduler) Beside(o Outside) { s.outside = o }

// New returns a scheduler at virtual time zero.
func New(o oracle.Oracle) *Scheduler {
	picker, _ := o.(oracle.Picker)
	return &Scheduler{oracle: o, picker: picker}
}

// Process is a group of tasks that live and die together, with a clock of its own.
type Process struct {
	Name   string
	sched  *Scheduler
	tasks  []*Task
	offset time.Duration
	dead   bool
}

// NewProcess returns a process with no tasks.
func (s *Scheduler) NewProcess(name string) *Process { return &Process{Name: name, sched: s} }

// Task is something that runs for itself, on a coroutine.
type Task struct {
	Name    string
	process *Process
	run     func()
	routine *routine // nil until it runs, and once it has ended
	epoch   uint32   // counts its wake-ups, so that a timer of an earlier sleep is known to be stale
	parked  bool
	woken   bool // by Wake, as opposed to its timer
	dead    bool
	index   int    // in the process's tasks
	id      uint64 // for the oracle

	// Workspace, Incarnation and Actor are on whose behalf the task acts, where that is somebody; for the world to use.
	Workspace   int
	Incarnation int
	Actor       string
}

// errKilled unwinds a killed task.
type errKilled struct{}

// Now is the virtual time since the start.
func (s *Scheduler) Now() time.Duration { return s.now }

// Current returns the running task, or nil outside of tasks.
func (s *Scheduler) Current() *Task { return s.current }

// Process returns the task's process.
func (t *Task) Process() *Process { return t.process }

// Dead reports whether the process was killed.
func (p *Process) Dead() bool { return p.dead }

// SetOffset puts the process's clock off by d.
func (p *Process) SetOffset(d time.Duration) { p.offset = d }

// Now is the time on the process's clock.
func (p *Process) Now() time.Time { return Epoch.Add(p.sched.now + p.offset) }

// Go starts a task of the process; it runs when the scheduler comes to it. In a dead process it never does.
func (p *Process) Go(name string, run func()) *Task {
	s := p.sched
	t := &Task{Name: name, process: p, run: run, index: len(p.tasks)}
	s.name(t)
	if p.dead {
		t.dead = true
		return t
	}
	p.tasks = append(p.tasks, t)
	s.ready = append(s.ready, t)
	return t
}

func (p *Process) forget(t *Task) {
	last := len(p.tasks) - 1
	p.tasks[t.index] = p.tasks[last]
	p.tasks[t.index].index = t.index
	p.tasks = p.tasks[:last]
	t.dead = true
}

// Kill ends the process and all its tasks at once. Called from one of them, it does not return.
func (p *Process) Kill() {
	if p.dead {
		return
	}
	p.dead = true
	s := p.sched
	victims := slices.Clone(p.tasks)
	running := s.current
	suicide := false
	for _, t := range victims {
		t.dead = true
		t.epoch++
		if t == running {
			suicide = true
			continue
		}
		s.ready = slices.DeleteFunc(s.ready, func(r *Task) bool { return r == t })
		if t.routine != nil {
			s.current = t
			s.resume(t)
		}
	}
	s.current = running
	p.tasks = nil
	if running == nil {
		s.release()
	}
	if suicide {
		panic(errKilled{})
	}
}

// Run runs tasks until virtual time until, or until there is nothing left to do, and returns the panic of a task as an
// error. It can be called again with a later time.
func (s *Scheduler) Run(until time.Duration) error {
	s.until = until
	defer s.release()
	for s.failure == nil {
		if s.outside != nil {
			s.outside.Settle()
		}
		if len(s.ready) == 0 {
			if !s.advance() {
				break
			}
			continue
		}
		i := 0
		if n := len(s.ready); n > 1 {
			i = s.pick()
		}
		t := s.ready[i]
		s.ready = slices.Delete(s.ready, i, i+1)
		s.current = t
		ended := s.resume(t)
		s.current = nil
		if ended && !t.dead {
			t.process.forget(t)
		}
	}
	if s.failure == nil {
		s.now = max(s.now, until)
	}
	return s.failure
}

// pick chooses one of the ready tasks.
func (s *Scheduler) pick() int {
	if s.picker == nil {
		return int(s.oracle.Choose(oracle.Task, uint64(len(s.ready))))
	}
	s.ids = s.ids[:0]
	for _, t := range s.ready {
		s.ids = append(s.ids, t.id)
	}
	return s.picker.Pick(s.ids)
}

// name gives the task a number that no other has had.
func (s *Scheduler) name(t *Task) {
	s.begun++
	t.id = s.begun
}

// Renew makes the task another one to the oracle: what it does next has nothing to do with what it did before.
func (s *Scheduler) Renew(t *Task) { s.name(t) }

// Stop ends every task of the processes, so that nothing of the scheduler is left behind.
func (s *Scheduler) Stop(processes ...*Process) {
	for _, p := range processes {
		p.Kill()
	}
}

// advance moves virtual time to the next timers and makes their tasks ready.
func (s *Scheduler) advance() bool {
	first, at := s.timers.first()
	if s.outside != nil {
		then := s.until
		if first != nil {
			then = min(then, at)
		}
		if then > s.now {
			if s.now = s.outside.Pass(then); s.now < then {
				return true // something outside wants to go on
			}
			if first == nil || at > then {
				return true // and may do so at the very end
			}
		}
	}
	if first == nil || at > s.until {
		return false
	}
	s.now = at
	for first != nil && at == s.now {
		if t := s.timers.pop(); t.task != nil {
			s.makeReady(t.task)
		} else {
			t.call()
		}
		first, at = s.timers.first()
	}
	return true
}

func (s *Scheduler) makeReady(t *Task) {
	t.epoch++
	t.parked = false
	s.ready = append(s.ready, t)
}

// suspend hands over to the scheduler until the task is made ready again.
func (s *Scheduler) suspend(t *Task) {
	if !t.routine.yield(struct{}{}) || t.dead {
		panic(errKilled{})
	}
}

func (s *Scheduler) running() *Task {
	t := s.current
	if t == nil {
		panic("sched: a step outside of any task")
	}
	if t.dead {
		panic(errKilled{})
	}
	return t
}

// Sleep lets the running task go on after d. Where nothing else could happen before, it just moves time.
func (s *Scheduler) Sleep(d time.Duration) {
	t := s.running()
	at := s.now + max(d, 0)
	if len(s.ready) == 0 && at <= s.until && s.outside == nil && s.timers.idle(at) {
		s.now = at
		return
	}
	s.timers.push(at, timer{task: t, epoch: t.epoch})
	s.suspend(t)
}

// Yield lets others that are ready run first, if the oracle chooses so.
func (s *Scheduler) Yield() {
	t := s.running()
	if len(s.ready) == 0 {
		return
	}
	s.ready = append(s.ready, t)
	s.suspend(t)
}

// Park suspends the running task until Wake, or for at most d, and reports whether it was woken.
func (s *Scheduler) Park(d time.Duration) bool {
	t := s.running()
	t.parked, t.woken = true, false
	s.timers.push(s.now+max(d, 0), timer{task: t, epoch: t.epoch})
	s.suspend(t)
	return t.woken
}

// Forever is a time for Park that no run reaches.
const Forever = 1000000 * time.Hour

// Wake makes a parked task ready. It does nothing where the task is not parked.
func (s *Scheduler) Wake(t *Task) {
	if t.parked && !t.dead {
		t.woken = true
		s.makeReady(t)
	}
}

// After calls f at virtual time now + d, outside of any task: f must not sleep, park or yield.
func (s *Scheduler) After(d time.Duration, f func()) {
	s.timers.push(s.now+max(d, 0), timer{call: f})
}

// IsKill reports whether a recovered panic is what unwinds a killed task. Whoever recovers it must panic with it again.
func IsKill(recovered any) bool {
	_, killed := recovered.(errKilled)
	return killed
}
