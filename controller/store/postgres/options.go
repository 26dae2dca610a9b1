package postgres

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/bootrace/bootrace/controller/store"
)

// Option alters how Open connects.
type Option func(*options)

type options struct {
	maxConns int32
	observe  func(store.RowChange)
	speaker  func(context.Context) string
	dialers  []func(pgconn.DialFunc) pgconn.DialFunc // each is put around the ones before
}

// MaxConns limits the pool to n connections. Otherwise it is as the URL says (pool_max_conns), or pgxpool's default.
func MaxConns(n int) Option {
	return func(o *options) { o.maxConns = int32(n) }
}

// Observe tells f of every row's move that a call of this store made, before that call returns: of what the probe's
// triggers saw happen to the row, whichever statement did it. Nothing is told without [InstallProbe], and nothing of a
// call that failed, since its transaction did not commit or may not have.
//
// The order is that of the moves. Calls that run at the same time report one after the other, each all of its moves
// together; of two such calls that moved the same workspace, the later one may report first. f must not call the store.
func Observe(f func(store.RowChange)) Option {
	return func(o *options) { o.observe = f }
}

// BusyPoll makes a call look for its answer again and again for up to d before it sleeps until the kernel wakes it. Where
// one call is made at a time, as in a simulation, and the server is on this machine and a core is free for each of the
// two, that nearly halves a heartbeat: neither is woken on a core that was asleep, nor on one that the other has just
// used. A tenth of a millisecond is a good d. It burns a core while it waits, so it is off by default, and wrong for a
// server with many requests at once and for a machine that has other work.
func BusyPoll(d time.Duration) Option {
	return func(o *options) {
		o.dialers = append(o.dialers, func(dial pgconn.DialFunc) pgconn.DialFunc { return busyPoll(dial, d) })
	}
}
