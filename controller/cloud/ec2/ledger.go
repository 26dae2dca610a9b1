package ec2

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/bootrace/bootrace/controller/cloud"
)

// ledger keeps the deployment under its cap. Before each launch it counts what EC2 lists, and adds what EC2 may not list
// yet: launches under way, those a moment ago, and those of which nobody knows how they ended. It errs on the side of
// launching too little.
type ledger struct {
	max    int
	settle time.Duration
	now    func() time.Time
	gate   chan struct{} // one count at a time

	mu      sync.Mutex
	arrived uint64              // launches that asked
	covered uint64              // those of them that asked before the last count began
	listed  map[owner]struct{}  // by the last count
	count   int                 // machines by the last count
	claims  map[owner]claimants // what the count may lack
}

// claimants are the launches of one owner.
type claimants struct {
	underWay int
	id       string    // of the machine, where it is known
	until    time.Time // when EC2 must know the machine, once none is under way
}

func newLedger(most int, settle time.Duration, now func() time.Time) *ledger {
	return &ledger{max: most, settle: settle, now: now, gate: make(chan struct{}, 1), claims: map[owner]claimants{}}
}

// admit lets a launch through or refuses it with cloud.ErrCapacity; list lists the deployment's machines. A launch for an
// owner that has a machine is let through, as it launches none. Whoever is let through calls [ledger.done] afterwards.
//
// Launches that ask while a count is running share the next one, so that many at once do not make as many lists.
func (l *ledger) admit(ctx context.Context, o owner, list func(context.Context) ([]Instance, error)) error {
	l.mu.Lock()
	l.arrived++
	mine := l.arrived
	l.mu.Unlock()
	select {
	case l.gate <- struct{}{}:
		defer func() { <-l.gate }()
	case <-ctx.Done():
		return fmt.Errorf("ec2: counting machines: %w", ctx.Err())
	}
	l.mu.Lock()
	covered, began := l.covered, l.arrived
	l.mu.Unlock()
	if covered < mine {
		all, err := list(ctx)
		if err != nil {
			return fmt.Errorf("ec2: counting machines before a launch: %w", err)
		}
		l.mu.Lock()
		l.covered, l.count, l.listed = began, len(all), make(map[owner]struct{}, len(all))
		for _, i := range all {
			l.listed[owner{i.WorkspaceID, i.Incarnation}] = struct{}{}
		}
		l.mu.Unlock()
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.claim(o)
}

// claim decides over one launch, under the lock.
func (l *ledger) claim(o owner) error {
	now, unlisted := l.now(), 0
	for other, c := range l.claims {
		if c.underWay == 0 && now.After(c.until) {
			delete(l.claims, other)
		} else if _, ok := l.listed[other]; !ok {
			unlisted++
		}
	}
	_, has := l.listed[o]
	c, claimed := l.claims[o]
	if !has && !claimed && l.count+unlisted >= l.max {
		return fmt.Errorf("ec2: %w: the deployment has %d machines, and may have %d", cloud.ErrCapacity,
			l.count+unlisted, l.max)
	}
	c.underWay++
	l.claims[o] = c
	return nil
}

// done records how a launch ended. One that may have taken effect keeps its place until EC2 must have listed it.
func (l *ledger) done(o owner, id string, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	c := l.claims[o]
	c.underWay--
	if id != "" {
		c.id = id
	}
	if cloud.Classify(err) == cloud.Permanent && c.underWay == 0 && c.until.IsZero() {
		delete(l.claims, o)
		return
	}
	if cloud.Classify(err) != cloud.Permanent {
		c.until = l.now().Add(l.settle)
	}
	l.claims[o] = c
}

// ended frees the place of a machine that was terminated.
func (l *ledger) ended(id string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for o, c := range l.claims {
		if c.id == id && c.underWay == 0 {
			delete(l.claims, o)
		}
	}
}
