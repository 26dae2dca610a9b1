package bubble

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"runtime/debug"
	"runtime/pprof"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing/synctest"
	"time"
	"unsafe"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/bootrace/bootrace/controller/lifecycle"
	"github.com/bootrace/bootrace/controller/store"
	"github.com/bootrace/bootrace/harness/sched"
	"github.com/bootrace/bootrace/harness/sim"
)

// gate is what a controller's steps wait at. All but park is called from the scheduler's goroutine.
type gate struct {
	target    *Target
	database  *pgconn.Config
	control   *pgconn.PgConn
	site      *sim.Site
	replicas  []*replica
	conns     int
	services  map[string]*service
	listeners []*conn    // that may listen
	spares    []*session // that nobody uses any more
	blocked   []*waiting
	steps     atomic.Int64 // for the watchdog
	untold    [][][]byte   // moves of rows that the world does not know of yet
	running   bool         // the run has begun: the oracle decides from here on

	mu     sync.Mutex
	parked []*parking
	serial int                         // of calls served
	served map[unsafe.Pointer]*serving // by the label of the goroutines that do
	wake   chan struct{}
}

// serving is a call under way.
type serving struct {
	by     sim.Author
	serial int
}

// replica is one process of the controller.
type replica struct {
	number  int
	handler http.Handler
	cancel  context.CancelFunc
	conns   []severable
	dead    bool
}

// severable is a connection that can be ended at once, for a reason.
type severable interface{ sever(why error) }

// parking is something that waits to be chosen.
type parking struct {
	by    sim.Author
	call  int        // the serial number of the call that it serves
	name  func() int // of the connection, once it is used
	text  string
	bytes []byte
	quiet bool        // it is no step of the schedule, and done at once
	start func()      // has the world choose it
	early func()      // does it at once: before the run begins
	fail  func(error) // ends it: its replica is dead
}

// waiting is a step that waits for another's lock.
type waiting struct {
	conn   *conn
	step   *sim.Step
	batch  *batch
	answer *[]byte
}

var _ sim.Beside = (*gate)(nil)

// park has something wait to be chosen. It may be called from any goroutine of the bubble.
func (g *gate) park(p *parking) {
	g.mu.Lock()
	g.parked = append(g.parked, p)
	g.mu.Unlock()
	select {
	case g.wake <- struct{}{}:
	default:
	}
}

// author is who the running goroutine works for: the call that it or its parent serves, or the loop that it is.
func (g *gate) author(r *replica) (by sim.Author, call int) {
	g.mu.Lock()
	served, ok := g.served[label()]
	g.mu.Unlock()
	if ok {
		return served.by, served.serial
	}
	return sim.Author{Replica: r.number, Task: cmp.Or(loop(), "background")}, 0
}

// Settle implements sched.Outside.
func (g *gate) Settle() {
	g.steps.Add(1)
	g.deliver()
	for quiet := true; quiet; {
		synctest.Wait()
		quiet = false
		all := g.take()
		for i, p := range all {
			if p.quiet && !g.replicas[p.by.Replica-1].dead {
				p.early()
				quiet, all[i] = true, nil
			}
		}
		if quiet {
			g.putBack(all)
			continue
		}
		for _, p := range all {
			switch {
			case g.replicas[p.by.Replica-1].dead:
				p.fail(errDropped)
			case g.running:
				p.start()
			default:
				p.early()
			}
		}
	}
}

// putBack has those wait on that are not nil.
func (g *gate) putBack(all []*parking) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.parked = append(slices.DeleteFunc(all, func(p *parking) bool { return p == nil }), g.parked...)
}

// take takes what is parked, in an order that does not depend on which goroutine came first.
func (g *gate) take() []*parking {
	g.mu.Lock()
	defer g.mu.Unlock()
	all := g.parked
	g.parked = nil
	select {
	case <-g.wake:
	default:
	}
	slices.SortStableFunc(all, func(a, b *parking) int {
		return cmp.Or(cmp.Compare(a.by.Replica, b.by.Replica), cmp.Compare(a.call, b.call), strings.Compare(a.by.Task, b.by.Task),
			strings.Compare(a.text, b.text), bytes.Compare(a.bytes, b.bytes), cmp.Compare(number(a.name), number(b.name)))
	})
	return all
}

func number(name func() int) int {
	if name == nil {
		return 0
	}
	return name()
}

// now is the time since the run began; before, it is negative.
func now() time.Duration { return time.Since(sched.Epoch) }

// Pass implements sched.Outside.
func (g *gate) Pass(then time.Duration) time.Duration {
	timer := time.NewTimer(then - now())
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-g.wake:
	}
	return min(now(), then)
}

// Open implements sim.Beside.
func (g *gate) Open(site *sim.Site, before []time.Duration) error {
	g.site = site
	g.wake = make(chan struct{}, 1)
	g.served = map[unsafe.Pointer]*serving{}
	var err error
	if g.control, err = pgconn.ConnectConfig(context.Background(), g.database); err != nil {
		return err
	}
	for name, sql := range map[string]string{"moves": moves, "blockers": "select unnest(pg_blocking_pids($1::int))"} {
		if _, err := g.control.Prepare(context.Background(), name, sql, nil); err != nil {
			return err
		}
	}
	order := make([]int, len(before))
	for i := range before {
		order[i] = i
		g.replicas = append(g.replicas, &replica{number: i + 1})
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(before[b], before[a]) })
	for _, i := range order {
		g.until(-before[i], nil)
		var started *error
		g.start(g.replicas[i], func(err error) { started = &err })
		g.until(0, func() bool { return started != nil })
		switch {
		case started == nil:
			return fmt.Errorf("replica %d did not start within %v", i+1, before[i])
		case *started != nil:
			return fmt.Errorf("starting replica %d: %w", i+1, dialled(*started))
		}
	}
	if err := g.control.Exec(context.Background(), g.target.Rows.probe()).Close(); err != nil {
		return fmt.Errorf("watching the rows of %s: %w", g.target.Rows.Table, err)
	}
	g.until(0, nil)
	g.running = true
	return nil
}

// until lets the controller run by itself until the time, or until it is so.
func (g *gate) until(then time.Duration, so func() bool) {
	for {
		g.Settle()
		synctest.Wait()
		if so != nil && so() {
			return
		}
		g.mu.Lock()
		left := len(g.parked)
		g.mu.Unlock()
		switch {
		case left > 0:
		case now() >= then:
			return
		default:
			g.Pass(then)
		}
	}
}

// start starts the replica on a goroutine of its own, and calls over from the scheduler's once it serves, or cannot.
func (g *gate) start(r *replica, over func(error)) {
	ctx, cancel := context.WithCancel(context.Background())
	r.dead, r.cancel, r.conns = false, cancel, nil
	by := sim.Author{Replica: r.number, Task: "start"}
	go func() {
		h, err := g.launch(ctx, r)
		end := func() {
			r.handler = h
			over(err)
		}
		g.park(&parking{by: by, start: end, early: end, fail: func(error) {}})
	}()
}

// launch calls the user's Start.
func (g *gate) launch(ctx context.Context, r *replica) (h http.Handler, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("it panicked: %v\n%s", p, debug.Stack())
		}
	}()
	h, err = g.target.Start(g.env(ctx, r))
	if err == nil && h == nil {
		err = errors.New("it returned no handler")
	}
	return h, err
}

// Restart implements sim.Beside.
func (g *gate) Restart(n int, over func(error)) { g.start(g.replicas[n-1], over) }

// Kill implements sim.Beside.
func (g *gate) Kill(n int) {
	r := g.replicas[n-1]
	r.dead, r.handler = true, nil
	r.cancel()
	g.mu.Lock()
	conns := r.conns
	r.conns = nil
	g.mu.Unlock()
	for _, c := range conns {
		c.sever(errDropped)
	}
}

// Serve implements sim.Beside.
func (g *gate) Serve(by sim.Author, w http.ResponseWriter, q *http.Request, over func(panicked any)) {
	r := g.replicas[by.Replica-1]
	handler := r.handler
	g.serial++
	serial := g.serial
	go func() {
		pprof.SetGoroutineLabels(pprof.WithLabels(context.Background(), pprof.Labels("call", by.Task)))
		me := label()
		g.mu.Lock()
		g.served[me] = &serving{by, serial}
		g.mu.Unlock()
		panicked := serve(handler, w, q)
		g.mu.Lock()
		delete(g.served, me)
		g.mu.Unlock()
		end := func() { over(panicked) }
		g.park(&parking{by: by, call: serial, start: end, early: end, fail: func(error) {}})
	}()
}

func serve(h http.Handler, w http.ResponseWriter, q *http.Request) (panicked any) {
	defer func() { panicked = recover() }()
	h.ServeHTTP(w, q)
	return nil
}

// look reads which rows have moved, those of one row in their order.
func (g *gate) look() error {
	result := g.control.ExecPrepared(context.Background(), "moves", nil, nil, nil).Read()
	if result.Err != nil {
		return fmt.Errorf("reading the rows' moves: %w", result.Err)
	}
	g.untold = append(g.untold, result.Rows...)
	return nil
}

// moved tells the world of the rows that the backend has moved. One that waited for its lock may have gone on, and have committed
// what it did: that is kept until its step is over.
func (g *gate) moved(pid uint32) error {
	if err := g.look(); err != nil {
		return err
	}
	var others [][][]byte
	all := g.untold
	g.untold = nil
	for _, row := range all {
		if atoi(row[5]) != int(pid) {
			others = append(others, row)
			continue
		}
		id, err := uuid.ParseBytes(row[0])
		if err != nil {
			return fmt.Errorf("the id of a workspace, %q, is no UUID: %w", row[0], err)
		}
		from, to := lifecycle.None, lifecycle.Removed
		if row[3] != nil {
			if from, err = g.target.Rows.status(string(row[3])); err != nil {
				return err
			}
		}
		if row[4] != nil {
			if to, err = g.target.Rows.status(string(row[4])); err != nil {
				return err
			}
		}
		if from == to && g.target.Rows.Incarnation == "" {
			continue
		}
		g.site.Moved(id, string(row[1]), atoi(row[2]), from, to)
	}
	g.untold = others
	return nil
}

// Rows implements sim.Beside.
func (g *gate) Rows() ([]store.Workspace, error) {
	result := g.control.ExecParams(context.Background(), g.target.Rows.rows(), nil, nil, nil, nil).Read()
	if result.Err != nil {
		return nil, result.Err
	}
	var rows []store.Workspace
	for _, row := range result.Rows {
		id, err := uuid.ParseBytes(row[0])
		if err != nil {
			return nil, err
		}
		status, err := g.target.Rows.status(string(row[2]))
		if err != nil {
			return nil, err
		}
		rows = append(rows, store.Workspace{
			ID: id, Name: string(row[1]), Status: status, Incarnation: atoi(row[3]), Cause: string(row[4]), MachineID: string(row[5]),
		})
	}
	return rows, nil
}
