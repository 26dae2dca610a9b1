package live

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/bootrace/bootrace/controller/lifecycle"
	"github.com/bootrace/bootrace/controller/store/postgres"
	"github.com/bootrace/bootrace/harness/history"
)

// Patience at the end of a run, in real time.
const (
	drainPatience = 5 * time.Second // for calls under way, where a stopped controller has them
	quietPatience = 5 * time.Second // for what a killed controller's connections were at
	readPatience  = 30 * time.Second
)

// end stops everything where it is, and reads what the database has written down.
func (w *world) end() (*history.History, error) {
	// Who calls goes first, so that what is under way gets its answer, and the calls that moved a row are in the history.
	w.silence()
	w.faults.settle()
	draining, cancel := context.WithTimeout(w.ctx, drainPatience)
	w.gateway.calls.drain(draining)
	cancel()
	if err := context.Cause(w.ctx); err != nil {
		return w.notes.history(nil), err
	}
	w.slow.close()
	end := w.clock.now()
	w.notes.freeze()
	for _, r := range w.replicas {
		r.mu.Lock()
		if r.process != nil {
			r.process.Kill()
		}
		r.mu.Unlock()
	}
	w.fail(errOver)
	ctx, cancel := context.WithTimeout(context.WithoutCancel(w.ctx), readPatience)
	defer cancel()
	last, err := w.readEnd(ctx, end)
	if err != nil {
		return w.notes.history(nil), fmt.Errorf("live: reading what is stored at the end: %w", err)
	}
	return w.notes.history(last), nil
}

// errOver ends what goes on for as long as the run.
var errOver = errors.New("live: the run is over")

// silence ends every agent.
func (w *world) silence() {
	close(w.silent)
	if w.site != nil {
		w.site.deaf.Store(true) // containers take a moment to end
	}
	w.mu.Lock()
	machines := slices.Collect(maps.Values(w.machines))
	for _, m := range w.members {
		if m.machine != nil {
			machines = append(machines, m.machine)
		}
	}
	w.mu.Unlock()
	for _, b := range machines {
		b.end()
	}
}

// readEnd puts the moves among the events and returns what follows them: the log, the rows and the end.
func (w *world) readEnd(ctx context.Context, end time.Duration) ([]history.Event, error) {
	conn, err := w.connect(ctx)
	if err != nil {
		return nil, err
	}
	defer hangUp(conn)
	if err := quiet(ctx, conn); err != nil {
		return nil, err
	}
	moves, err := postgres.Moves(ctx, conn)
	if err != nil {
		return nil, err
	}
	for _, m := range moves {
		w.bind(m.WorkspaceID, m.Name)
	}
	w.notes.mu.Lock()
	for _, m := range moves {
		by, inc, _ := strings.Cut(m.Speaker, " ")
		e := history.Event{
			Kind: history.Move, At: history.Time(min(w.clock.at(m.At), end)), WS: w.numberNow(m.WorkspaceID), Inc: m.Incarnation,
			From: m.From, To: m.To, By: by,
		}
		e.ByInc, _ = strconv.Atoi(inc) // a tick has none
		w.notes.events = append(w.notes.events, e)
	}
	w.notes.events = append(w.notes.events, w.slow.Events(w.clock.at, w.clock.speed, end)...)
	w.notes.mu.Unlock()
	return w.readStore(ctx, end)
}

// connect connects to the database, as soon as it lets us: it may be starting.
func (w *world) connect(ctx context.Context) (*pgx.Conn, error) {
	for {
		conn, err := pgx.Connect(ctx, w.database.URL)
		if err == nil || ctx.Err() != nil {
			return conn, err
		}
		time.Sleep(20 * time.Millisecond)
	}
}

// quiet waits until nobody else is connected: what killed controllers were at has committed or not by then. Who takes long
// is sent away.
func quiet(ctx context.Context, conn *pgx.Conn) error {
	const others = "FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid() AND backend_type = 'client backend'"
	for giveUp := time.Now().Add(quietPatience); ; {
		var n int
		if err := conn.QueryRow(ctx, "SELECT count(*) "+others).Scan(&n); err != nil {
			return err
		}
		if n == 0 {
			return nil
		}
		if time.Now().After(giveUp) {
			if _, err := conn.Exec(ctx, "SELECT pg_terminate_backend(pid) "+others); err != nil {
				return err
			}
		}
		time.Sleep(5 * time.Millisecond)
	}
}

// readStore reads what the controller's own records say.
func (w *world) readStore(ctx context.Context, end time.Duration) ([]history.Event, error) {
	rows, err := postgres.Open(ctx, w.database.URL, lifecycle.Standard(), postgres.MaxConns(1))
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	log, err := rows.Transitions(ctx, uuid.NullUUID{}, 0)
	if err != nil {
		return nil, err
	}
	at := history.Time(end)
	var last []history.Event
	for _, t := range slices.Backward(log) {
		last = append(last, history.Event{
			At: at, Kind: history.Log, WS: w.numberNow(t.WorkspaceID), Inc: t.Incarnation, Event: t.Event, From: t.From, To: t.To,
			Cause: t.Cause, Logged: history.Time(w.clock.at(t.At)),
		})
	}
	var ids []uuid.UUID
	for _, m := range w.members {
		if m.id != uuid.Nil {
			ids = append(ids, m.id)
		}
	}
	stored, err := rows.Lookup(ctx, ids)
	if err != nil {
		return nil, err
	}
	for _, r := range stored {
		e := history.Event{
			At: at, Kind: history.Row, WS: w.numberNow(r.ID), Inc: r.Incarnation, To: r.Status, Cause: r.Cause, Machine: r.MachineID,
		}
		if !r.Token.IsZero() {
			e.Phase = history.TokenLive
		}
		last = append(last, e)
	}
	return append(last, history.Event{At: at, Kind: history.End}), nil
}

// clear takes away whatever the run started.
func (w *world) clear() error {
	w.notes.freeze()
	w.fail(errOver)
	w.slow.close()
	w.nursery.Close()
	for _, s := range w.servers {
		s.close()
	}
	w.tasks.Wait()
	if w.gateway != nil {
		w.gateway.calls.Wait()
		w.gateway.transport.CloseIdleConnections()
	}
	if w.watch != nil {
		<-w.watch.done
	}
	if w.site != nil {
		return errors.Join(w.site.clear(), w.clearDatabase())
	}
	return w.clearDatabase()
}
