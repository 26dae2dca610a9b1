package explore

import (
	"bytes"
	"maps"
	"slices"
	"time"

	"github.com/google/uuid"

	"github.com/bootrace/bootrace/controller/defects"
)

// mind is what replicas keep beside their store. Like rows it does not change: a step makes another, and equal ones are one and
// the same.
type mind struct {
	id     uint64
	server *defects.KeyServer // which all of them share
	own    [maxReplicas]*defects.Process
}

// mindFloor is how far back times are distinguished while the world settles: longer than anything that is counted in.
const mindFloor = 10 * time.Minute

func newMind() *mind {
	m := &mind{server: defects.NewKeyServer()}
	for r := range m.own {
		m.own[r] = defects.NewProcess(epoch)
	}
	return m
}

func (m *mind) clone() *mind {
	c := &mind{server: m.server.Clone()}
	for r := range m.own {
		c.own[r] = m.own[r].Clone()
	}
	return c
}

// after returns the mind after a step of the replica, and what that answers.
func (m *mind) after(o *op, replica int) (*mind, *result) {
	c := m.clone()
	a := o.memory(defects.Kept{KeyServer: c.server, Process: c.own[replica]})
	return c, &result{ok: a.OK, ids: a.IDs}
}

// restarted returns the mind after the replica crashed and started again.
func (m *mind) restarted(replica int, now time.Duration) *mind {
	c := m.clone()
	c.own[replica] = defects.NewProcess(epoch.Add(now))
	return c
}

func (w *world) internMind(m *mind) *mind {
	w.enc.b = w.enc.b[:0]
	w.enc.mind(m)
	m.id = w.enc.sum()
	if known := w.allMinds[m.id]; known != nil {
		return known
	}
	w.allMinds[m.id] = m
	return m
}

// mind writes what is kept, in an order of its own.
func (e *encoder) mind(m *mind) {
	byID := func(a, b uuid.UUID) int { return bytes.Compare(a[:], b[:]) }
	e.int(len(m.server.Keys))
	for _, id := range slices.SortedFunc(maps.Keys(m.server.Keys), byID) {
		e.b = append(e.b, id[:]...)
		e.time(m.server.Keys[id])
	}
	e.int(len(m.server.Tokens))
	for _, id := range slices.SortedFunc(maps.Keys(m.server.Tokens), byID) {
		e.b = append(e.b, id[:]...)
		e.int(len(m.server.Tokens[id]))
		for _, t := range m.server.Tokens[id] {
			e.b = append(e.b, t[:]...)
		}
	}
	for _, p := range m.own {
		e.time(p.Started)
		e.time(p.Since)
		e.int(len(p.Count))
		for _, address := range slices.Sorted(maps.Keys(p.Count)) {
			e.string(address)
			e.int(p.Count[address])
		}
	}
}

// Do implements defects.Memory.
func (p *probe) Do(name string, about uuid.UUID, do func(defects.Kept) defects.Recalled) defects.Recalled {
	r := p.do(op{name: name, space: p.space(about), write: true, memory: do})
	return defects.Recalled{OK: r.ok, IDs: r.ids}
}
