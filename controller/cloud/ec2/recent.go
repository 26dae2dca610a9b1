package ec2

import (
	"sync"
	"time"

	"github.com/bootrace/bootrace/controller/cloud"
)

// recent remembers the machines that this client launched a moment ago, for as long as EC2 may not know them yet.
type recent struct {
	settle time.Duration
	now    func() time.Time

	mu       sync.Mutex
	launched map[string]launched
}

type launched struct {
	machine cloud.Machine
	until   time.Time
}

func newRecent(settle time.Duration, now func() time.Time) recent {
	return recent{settle: settle, now: now, launched: map[string]launched{}}
}

func (r *recent) add(m cloud.Machine) {
	r.mu.Lock()
	defer r.mu.Unlock()
	now := r.now()
	for id, l := range r.launched {
		if now.After(l.until) {
			delete(r.launched, id)
		}
	}
	r.launched[m.ID] = launched{m, now.Add(r.settle)}
}

// find returns the machine as it was launched, where that was a moment ago.
func (r *recent) find(id string) (cloud.Machine, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	l, ok := r.launched[id]
	if !ok || r.now().After(l.until) {
		return cloud.Machine{}, false
	}
	return l.machine, true
}

func (r *recent) remove(id string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.launched, id)
}
