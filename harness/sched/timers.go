package sched

import "time"

// timer wakes a task, or calls a function, at a virtual time.
type timer struct {
	task  *Task
	epoch uint32
	call  func()
}

// stale reports whether the task went on since by other means.
func (t *timer) stale() bool { return t.task != nil && (t.task.dead || t.task.epoch != t.epoch) }

// timers is a queue of timers by time. The binary heap holds no pointers, only places in a slab that does: its elements
// move a lot, and moving pointers would keep the garbage collector's write barrier busy.
type timers struct {
	heap []place
	slab []timer
	free []int32
	next uint64
}

// place is a timer's place in the queue.
type place struct {
	at    time.Duration
	order uint64 // of creation: ties are broken by it, never by the heap's shape
	slot  int32
}

func (p *place) before(q *place) bool { return p.at < q.at || p.at == q.at && p.order < q.order }

// first returns the earliest timer that is not stale and its time, or nil where there is none.
func (h *timers) first() (*timer, time.Duration) {
	for len(h.heap) > 0 {
		if t := &h.slab[h.heap[0].slot]; !t.stale() {
			return t, h.heap[0].at
		}
		h.pop()
	}
	return nil, 0
}

// idle reports whether no timer, stale or not, is due by then.
func (h *timers) idle(then time.Duration) bool { return len(h.heap) == 0 || h.heap[0].at > then }

func (h *timers) push(at time.Duration, t timer) {
	var slot int32
	if n := len(h.free); n > 0 {
		slot = h.free[n-1]
		h.free = h.free[:n-1]
		h.slab[slot] = t
	} else {
		slot = int32(len(h.slab))
		h.slab = append(h.slab, t)
	}
	h.next++
	h.heap = append(h.heap, place{at, h.next, slot})
	q := h.heap
	for i := len(q) - 1; i > 0; {
		parent := (i - 1) / 2
		if !q[i].before(&q[parent]) {
			break
		}
		q[i], q[parent] = q[parent], q[i]
		i = parent
	}
}

// pop takes the first timer out; there must be one.
func (h *timers) pop() timer {
	slot := h.heap[0].slot
	t := h.slab[slot]
	h.slab[slot] = timer{}
	h.free = append(h.free, slot)
	last := len(h.heap) - 1
	h.heap[0] = h.heap[last]
	q := h.heap[:last]
	h.heap = q
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
	return t
}
