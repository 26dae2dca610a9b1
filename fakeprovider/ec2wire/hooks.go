package ec2wire

import "sync"

// hookQueue tells listeners of machines that begin to boot and to end, one at a time and in the order of events, with no
// lock held, so that a listener may call the server.
type hookQueue struct {
	launched, stopped func(Machine)
	events            []hookEvent
	draining          bool
}

type hookEvent struct {
	tell func(Machine)
	m    Machine
}

// add queues an event, under the server's lock.
func (q *hookQueue) add(tell func(Machine), m *machine) {
	if tell != nil {
		q.events = append(q.events, hookEvent{tell, m.snapshot()})
	}
}

// drain tells of what is queued. Where somebody does so already, that one goes on with it: waiting here would be a
// deadlock for a listener that calls the server.
func (q *hookQueue) drain(mu *sync.Mutex) {
	mu.Lock()
	defer mu.Unlock()
	if q.draining {
		return
	}
	q.draining = true
	defer func() { q.draining = false }()
	for len(q.events) > 0 {
		event := q.events[0]
		q.events = q.events[1:]
		q.call(event, mu)
	}
}

// call calls one listener without the lock, and has it again afterwards also if the listener panics.
func (q *hookQueue) call(event hookEvent, mu *sync.Mutex) {
	mu.Unlock()
	defer mu.Lock()
	event.tell(event.m)
}
