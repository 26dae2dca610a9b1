package serving

import "sync"

// Queue tells listeners of events, one at a time and in their order, with no lock held, so that a listener may call the
// server.
type Queue[E any] struct {
	events   []event[E]
	draining bool
}

type event[E any] struct {
	tell func(E)
	what E
}

// Add queues an event, under the server's lock. A nil listener is told nothing.
func (q *Queue[E]) Add(tell func(E), what E) {
	if tell != nil {
		q.events = append(q.events, event[E]{tell, what})
	}
}

// Drain tells of what is queued. Where somebody does so already, that one goes on with it: waiting here would be a
// deadlock for a listener that calls the server.
func (q *Queue[E]) Drain(mu *sync.Mutex) {
	mu.Lock()
	defer mu.Unlock()
	if q.draining {
		return
	}
	q.draining = true
	defer func() { q.draining = false }()
	for len(q.events) > 0 {
		next := q.events[0]
		q.events = q.events[1:]
		q.call(next, mu)
	}
}

// call calls one listener without the lock, and has it again afterwards also if the listener panics.
func (q *Queue[E]) call(e event[E], mu *sync.Mutex) {
	mu.Unlock()
	defer mu.Lock()
	e.tell(e.what)
}
