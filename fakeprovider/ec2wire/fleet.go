package ec2wire

import (
	"container/heap"
	"fmt"
	"maps"
	"slices"
	"time"
)

// fleet is every machine that EC2 knows. It is guarded by the server's lock.
type fleet struct {
	byID   map[string]*machine
	order  []*machine // by launch
	index  index
	timers timers
	seq    uint64
	times  Times
	max    int
}

func newFleet(times Times, most int) fleet {
	return fleet{byID: map[string]*machine{}, index: index{}, times: times, max: most}
}

// pass lets time pass: machines whose time has come are in their next states, and what is long terminated is forgotten. The
// others are not looked at.
func (f *fleet) pass(now time.Time) {
	for len(f.timers) > 0 && !f.timers[0].due.After(now) {
		t := heap.Pop(&f.timers).(timer)
		m := t.machine
		switch next, _, ok := f.times.next(m.State); {
		case m.change != t.change:
		case ok:
			f.come(m, next, t.due)
		case m.State == Terminated:
			f.forget(m)
		}
	}
}

// change is an event that puts the machine into a state, for a reason.
func (f *fleet) change(m *machine, to State, why Reason, now time.Time) {
	m.Reason = why
	f.come(m, to, now)
}

// come has the machine be in a state from a time on.
func (f *fleet) come(m *machine, to State, at time.Time) {
	f.index.remove(stateKey(m.State), m)
	m.State, m.ChangedAt = to, at
	m.change++
	f.index.add(stateKey(to), m)
	if after, ok := f.after(to); ok {
		heap.Push(&f.timers, timer{at.Add(after), m, m.change})
	}
	if to == Terminated && m.launch != nil {
		m.launch.ended = later(m.launch.ended, at)
	}
}

// after returns how long a machine is in the state before something happens to it by itself; ok is false where nothing does.
func (f *fleet) after(s State) (after time.Duration, ok bool) {
	if s == Terminated {
		return f.times.Forget, true
	}
	_, after, ok = f.times.next(s)
	return after, ok
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// boot is an event that makes the machine begin to boot.
func (f *fleet) boot(m *machine, now time.Time) {
	f.change(m, Pending, Reason{}, now)
	m.LaunchedAt = now
	m.Boots++
}

// tag replaces the machine's tags.
func (f *fleet) tag(m *machine, tags map[string]string) {
	for key, value := range m.Tags {
		f.index.remove(tagRowKey(key, value), m)
	}
	m.Tags = maps.Clone(tags)
	for key, value := range m.Tags {
		f.index.add(tagRowKey(key, value), m)
	}
}

// forget has nobody know of the machine any more.
func (f *fleet) forget(m *machine) {
	f.index.remove(stateKey(m.State), m)
	f.index.remove(tokenKey(m.ClientToken), m)
	f.tag(m, nil)
	delete(f.byID, m.ID)
	if at, found := slices.BinarySearchFunc(f.order, m.seq, bySeq); found {
		f.order = slices.Delete(f.order, at, at+1)
	}
	m.change++
}

// room makes room for as many of the wanted machines as it can, by forgetting terminated ones, and returns how many fit.
func (f *fleet) room(wanted int) int {
	for len(f.order)+wanted > f.max {
		ended := f.index[stateKey(Terminated)]
		if len(ended) == 0 {
			break
		}
		f.forget(ended[0])
	}
	return min(wanted, f.max-len(f.order))
}

// add gives the machine its identity and makes it known.
func (f *fleet) add(m *machine, tags map[string]string) {
	f.seq++
	m.seq = f.seq
	m.ID = fmt.Sprintf("i-%017x", f.seq)
	m.PrivateIP = fmt.Sprintf("10.%d.%d.%d", f.seq>>16&255, f.seq>>8&255, f.seq&255)
	f.byID[m.ID] = m
	f.order = append(f.order, m)
	f.index.add(tokenKey(m.ClientToken), m)
	f.tag(m, tags)
}
