package ec2wire

import "github.com/bootrace/bootrace/fakeprovider/internal/serving"

// hookQueue tells listeners of machines that begin to boot and to end.
type hookQueue struct {
	launched, stopped func(Machine)
	serving.Queue[Machine]
}

// add queues an event, under the server's lock.
func (q *hookQueue) add(tell func(Machine), m *machine) {
	if tell != nil {
		q.Add(tell, m.snapshot())
	}
}
