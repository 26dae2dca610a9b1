package stores

import (
	"context"
	"sync"

	"github.com/bootrace/bootrace/controller/lifecycle"
	"github.com/bootrace/bootrace/controller/store"
)

// resetter is a store that can be emptied, quicker than another is made.
type resetter interface {
	Reset(ctx context.Context) error
}

// Reusing opens the source's stores over and over: what is thrown away is emptied and handed out again to whoever wants a
// store of the same lifecycle. It is for searches that play thousands of plans. A source whose stores cannot be emptied
// is used as it is.
func Reusing(s Source) Source { return &reusing{Source: s, idle: map[string][]*lent{}} }

type reusing struct {
	Source
	mu   sync.Mutex
	idle map[string][]*lent // by the lifecycle's text
	all  []*lent
}

// lent is one store, with whoever observes it at present.
type lent struct {
	store   store.Store
	drop    func() error
	observe func(store.RowChange)
}

func (r *reusing) Open(ctx context.Context, table *lifecycle.Table, observe func(store.RowChange)) (store.Store, func() error, error) {
	key := table.Text()
	l, err := r.take(ctx, key, table)
	if err != nil {
		return nil, nil, err
	}
	l.observe = observe
	if _, ok := l.store.(resetter); !ok {
		return l.store, l.drop, nil
	}
	return l.store, func() error {
		r.mu.Lock()
		defer r.mu.Unlock()
		r.idle[key] = append(r.idle[key], l)
		return nil
	}, nil
}

// take returns an empty store of the lifecycle.
func (r *reusing) take(ctx context.Context, key string, table *lifecycle.Table) (*lent, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if n := len(r.idle[key]); n > 0 {
		l := r.idle[key][n-1]
		r.idle[key] = r.idle[key][:n-1]
		return l, l.store.(resetter).Reset(ctx)
	}
	l := &lent{}
	var err error
	l.store, l.drop, err = r.Source.Open(ctx, table, func(c store.RowChange) { l.observe(c) })
	if err != nil {
		return nil, err
	}
	if _, ok := l.store.(resetter); ok {
		r.all = append(r.all, l)
	}
	return l, nil
}

// Close throws every store away, and closes the source.
func (r *reusing) Close() error {
	var first error
	for _, l := range r.all {
		if err := l.drop(); err != nil && first == nil {
			first = err
		}
	}
	if err := r.Source.Close(); err != nil && first == nil {
		first = err
	}
	return first
}
