package sched

import "time"

// timer wakes a task, or calls a function, at a virtual time.
type timer struct {
	at    time.Duration
	order uint64 // of creation: ties are broken by it, never by the heap's shape
	task  *Task
	epoch uint32
	call  func()
}

// stale reports whether the task went on since by other means.
func (t *timer) stale() bool { return t.task != nil && (t.task.dead || t.task.epoch != t.epoch) }

func (t *timer) before(u *timer) bool { return t.at < u.at || t.at == u.at && t.order < u.order }

// timers is a binary heap, written out since container/heap would allocate for each element.
type timers []timer

func (h *timers) push(t timer) {
	*h = append(*h, t)
	q := *h
	for i := len(q) - 1; i > 0; {
		parent := (i - 1) / 2
		if !q[i].before(&q[parent]) {
			break
		}
		q[i], q[parent] = q[parent], q[i]
		i = parent
	}
}

func (h *timers) pop() timer {
	q := *h
	top := q[0]
	last := len(q) - 1
	q[0] = q[last]
	q[last] = timer{}
	q = q[:last]
	*h = q
	for i := 0; ; {
		child := 2*i + 1
		if child >= last {
			break
		}
		if right := child + 1; right < last && q[right].before(&q[child]) {
			child = right
		}
		if !q[child].before(&q[i]) {
			break
		}
		q[i], q[child] = q[child], q[i]
		i = child
	}
	return top
}
