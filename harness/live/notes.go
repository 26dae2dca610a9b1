package live

import (
	"cmp"
	"slices"
	"sync"
	"time"

	"github.com/bootrace/bootrace/harness/history"
)

// notes are the events of a run, as its parts hear of them: in any order.
type notes struct {
	mu     sync.Mutex
	events []history.Event
	frozen bool
}

// add notes an event of the time. After the end of the run there is nothing to be noted any more.
func (n *notes) add(at time.Duration, e history.Event) {
	e.At = history.Time(at)
	n.mu.Lock()
	defer n.mu.Unlock()
	if !n.frozen {
		n.events = append(n.events, e)
	}
}

// freeze ends the run: what happens from now on is no part of it.
func (n *notes) freeze() {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.frozen = true
}

// history puts the events in order, and others behind them. None of those that are noted is later than last.
func (n *notes) history(last []history.Event) *history.History {
	n.mu.Lock()
	defer n.mu.Unlock()
	events := slices.Clone(n.events)
	slices.SortStableFunc(events, func(a, b history.Event) int { return cmp.Compare(a.At, b.At) })
	h := &history.History{Events: events}
	for _, e := range last {
		if len(h.Events) > 0 {
			e.At = max(e.At, h.Events[len(h.Events)-1].At)
		}
		h.Add(e)
	}
	return h
}
