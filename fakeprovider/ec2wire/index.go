package ec2wire

import (
	"container/heap"
	"slices"
	"strconv"
	"strings"
	"time"
)

// index finds machines by an exact value that a filter can ask for. The machines of a value are in the order of launches.
type index map[string][]*machine

func bySeq(m *machine, seq uint64) int {
	switch {
	case m.seq < seq:
		return -1
	case m.seq > seq:
		return 1
	default:
		return 0
	}
}

func (x index) add(key string, m *machine) {
	row := x[key]
	at, found := slices.BinarySearchFunc(row, m.seq, bySeq)
	if !found {
		x[key] = slices.Insert(row, at, m)
	}
}

func (x index) remove(key string, m *machine) {
	row := x[key]
	at, found := slices.BinarySearchFunc(row, m.seq, bySeq)
	switch {
	case !found:
	case len(row) == 1:
		delete(x, key)
	default:
		x[key] = slices.Delete(row, at, at+1)
	}
}

func tagRowKey(key, value string) string { return "tag:" + key + "\x00" + value }

func stateKey(s State) string { return "instance-state-name\x00" + s.String() }

func tokenKey(token string) string { return "client-token\x00" + token }

// keysOf returns the index's keys for one value of a filter, and reports whether there is an index for the filter.
func keysOf(filter, value string) (string, bool) {
	if strings.ContainsAny(value, `*?\`) {
		return "", false
	}
	switch filter {
	case "instance-state-name", "client-token":
		return filter + "\x00" + value, true
	case "instance-state-code":
		code, err := strconv.ParseUint(value, 10, 8)
		return stateKey(State(code)), err == nil
	}
	if key, ok := strings.CutPrefix(filter, "tag:"); ok {
		return tagRowKey(key, value), true
	}
	return "", false
}

// candidates returns machines among which all are that the filters keep, in the order of launches: as few as an index allows.
func (f *fleet) candidates(filters []filterValues) []*machine {
	best := f.order
	for _, filter := range filters {
		var keys []string
		n := 0
		for _, value := range filter.values {
			key, ok := keysOf(filter.name, value)
			if !ok {
				n = len(best)
				break
			}
			keys = append(keys, key)
			n += len(f.index[key])
		}
		if n >= len(best) {
			continue
		}
		if len(keys) == 1 {
			best = f.index[keys[0]]
			continue
		}
		merged := make([]*machine, 0, n)
		for _, key := range keys {
			merged = append(merged, f.index[key]...)
		}
		slices.SortFunc(merged, func(a, b *machine) int { return bySeq(a, b.seq) })
		best = slices.Compact(merged)
	}
	return best
}

// timer is when a machine comes to its next state by itself, or is forgotten.
type timer struct {
	due     time.Time
	machine *machine
	change  uint64 // of the machine, when it was set: a later change makes it void
}

// timers is a heap by time; of timers for the same time, the machine that was launched first comes first.
type timers []timer

func (t timers) Len() int { return len(t) }
func (t timers) Less(i, j int) bool {
	if !t[i].due.Equal(t[j].due) {
		return t[i].due.Before(t[j].due)
	}
	return t[i].machine.seq < t[j].machine.seq
}
func (t timers) Swap(i, j int) { t[i], t[j] = t[j], t[i] }

// Push implements heap.Interface.
func (t *timers) Push(x any) { *t = append(*t, x.(timer)) }

// Pop implements heap.Interface.
func (t *timers) Pop() any {
	old := *t
	last := old[len(old)-1]
	old[len(old)-1] = timer{}
	*t = old[:len(old)-1]
	return last
}

var _ heap.Interface = (*timers)(nil)
