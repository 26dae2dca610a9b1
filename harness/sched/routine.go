package sched

import (
	"fmt"
	"iter"
	"runtime/debug"
	"sync"
)

// routine is a coroutine that runs one task after another. To begin one costs more than to run most tasks.
type routine struct {
	next  func() (struct{}, bool)
	stop  func()
	yield func(struct{}) bool
	task  *Task
}

// resume lets the task go on until it suspends or has ended, and reports whether it has.
func (s *Scheduler) resume(t *Task) bool {
	r := t.routine
	if r == nil {
		r = s.routine()
		r.task, t.routine = t, r
	}
	r.next()
	if t.routine != nil {
		return false
	}
	r.task = nil
	s.idle = append(s.idle, r)
	return true
}

// routine returns one without a task.
func (s *Scheduler) routine() *routine {
	if last := len(s.idle) - 1; last >= 0 {
		r := s.idle[last]
		s.idle = s.idle[:last]
		return r
	}
	if s.outside == nil { // others must not share what belongs to a bubble
		if r := kept.take(); r != nil {
			return r
		}
	}
	r := &routine{}
	r.next, r.stop = iter.Pull(func(yield func(struct{}) bool) {
		r.yield = yield
		for more := true; more; more = yield(struct{}{}) {
			r.task.perform()
		}
	})
	return r
}

// perform runs the task to its end.
func (t *Task) perform() {
	defer func() {
		t.routine, t.run = nil, nil
		s := t.process.sched
		if r := recover(); r != nil {
			if _, killed := r.(errKilled); !killed && s.failure == nil {
				s.failure = fmt.Errorf("task %s of %s panicked: %v\n%s", t.Name, t.process.Name, r, debug.Stack())
			}
		}
	}()
	t.run()
}

// release gives back the routines that have no task: nothing is left behind when nothing runs.
func (s *Scheduler) release() {
	for _, r := range s.idle {
		if s.outside != nil || !kept.keep(r) {
			r.stop()
		}
	}
	s.idle = nil
}

// store keeps routines for other schedulers, under the race detector alone: there the memory of a coroutine that has ended is lost
// (as of Go 1.26, whose runtime tells the detector only of goroutines that end), so that a search took gigabytes.
type store struct {
	mu  sync.Mutex
	all []*routine
}

var kept store

func (k *store) take() *routine {
	k.mu.Lock()
	defer k.mu.Unlock()
	last := len(k.all) - 1
	if last < 0 {
		return nil
	}
	r := k.all[last]
	k.all = k.all[:last]
	return r
}

func (k *store) keep(r *routine) bool {
	if !raced {
		return false
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	k.all = append(k.all, r)
	return true
}

// Release ends the coroutines that are kept for schedulers to come, which is so under the race detector alone. A test that looks for
// leaked goroutines calls it before.
func Release() {
	for r := kept.take(); r != nil; r = kept.take() {
		r.stop()
	}
}
