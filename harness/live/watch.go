package live

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/bootrace/bootrace/controller/store/postgres"
)

// watch hears of rows' moves as they are made, to know which workspace a row is and when to look at it. What is judged is
// what the database wrote down itself: see end.
type watch struct {
	world *world
	done  chan struct{}
}

// watchMoves begins to listen.
func (w *world) watchMoves() (*watch, error) {
	h := &watch{world: w, done: make(chan struct{})}
	conn, err := h.connect()
	if err != nil {
		return nil, err
	}
	go func() {
		defer close(h.done)
		h.listen(conn)
	}()
	return h, nil
}

func (h *watch) connect() (*pgx.Conn, error) {
	ctx := h.world.ctx
	conn, err := pgx.Connect(ctx, h.world.database.URL)
	if err != nil {
		return nil, fmt.Errorf("live: listening to moves: %w", err)
	}
	if _, err := conn.Exec(ctx, "LISTEN "+postgres.Channel); err != nil {
		hangUp(conn)
		return nil, fmt.Errorf("live: listening to moves: %w", err)
	}
	return conn, nil
}

// hangUp closes a connection, but does not wait for long.
func hangUp(conn *pgx.Conn) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	conn.Close(ctx) //nolint:errcheck // it is closed in any case
}

// listen hears notices until the run is over. Where the connection breaks it makes another, and catches up on the rows
// that it has not heard of.
func (h *watch) listen(conn *pgx.Conn) {
	w := h.world
	for w.ctx.Err() == nil {
		notice, err := conn.WaitForNotification(w.ctx)
		if err == nil {
			h.heard([]byte(notice.Payload))
			continue
		}
		hangUp(conn)
		for w.ctx.Err() == nil {
			time.Sleep(20 * time.Millisecond)
			if conn, err = h.connect(); err == nil {
				break
			}
		}
		if err == nil {
			h.catchUp(conn)
		}
	}
	if conn != nil && !conn.IsClosed() {
		hangUp(conn)
	}
}

func (h *watch) catchUp(conn *pgx.Conn) {
	moves, err := postgres.Moves(h.world.ctx, conn)
	if err != nil {
		return // the connection broke again, which the next wait shows
	}
	for _, m := range moves {
		h.world.bind(m.WorkspaceID, m.Name)
	}
}

func (h *watch) heard(payload []byte) {
	w := h.world
	var n postgres.Notice
	if err := json.Unmarshal(payload, &n); err != nil {
		w.broken("a notice of a move that cannot be understood: %w", err)
		return
	}
	if n.New {
		w.bind(n.ID, n.Name)
	}
	if number := w.numberNow(n.ID); number > 0 {
		w.look(w.members[number-1])
	}
}

// bind notes which workspace of the plan a row is: the first row of its name is the workspace, and those that follow are
// its twins, under its negative number. A row of any other name is nobody's.
func (w *world) bind(id uuid.UUID, name string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if _, known := w.numbers[id]; known {
		return
	}
	w.numbers[id] = 0
	for _, m := range w.members {
		switch {
		case m.plan.Name != name:
		case m.id == uuid.Nil:
			m.id, w.numbers[id] = id, m.number
		default:
			w.numbers[id] = -m.number
		}
	}
	close(w.bound)
	w.bound = make(chan struct{})
}

// numberNow is the number of the row's workspace, as far as is known: 0 where it is nobody's.
func (w *world) numberNow(id uuid.UUID) int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.numbers[id]
}

// bindPatience is how long a row may take to be heard of after it was written, in real time, until the database is asked itself.
const bindPatience = 200 * time.Millisecond

// numberOf is the number of a row that the list shows, of which the database may have had no chance to tell.
func (w *world) numberOf(id uuid.UUID, name string) int {
	if w.number(id) == 0 {
		w.bind(id, name)
	}
	return w.numberNow(id)
}

// number is the number of the row's workspace. Whoever speaks of a row may be quicker than the word of it.
func (w *world) number(id uuid.UUID) int {
	giveUp := time.NewTimer(bindPatience)
	defer giveUp.Stop()
	for {
		w.mu.Lock()
		number, known := w.numbers[id]
		bound := w.bound
		w.mu.Unlock()
		if known {
			return number
		}
		select {
		case <-bound:
		case <-giveUp.C:
			w.ask(id)
			return w.numberNow(id)
		case <-w.ctx.Done():
			return 0
		}
	}
}

// ask asks the database whose row it is: on a machine that is slow, the word of it may be long on its way. What it does not know
// is nobody's, for now.
func (w *world) ask(id uuid.UUID) {
	ctx, cancel := context.WithTimeout(w.ctx, readPatience)
	defer cancel()
	conn, err := pgx.Connect(ctx, w.database.URL)
	if err != nil {
		return // it is down, and the next call asks again
	}
	defer hangUp(conn)
	var name string
	if conn.QueryRow(ctx, "SELECT name FROM workspaces WHERE id = $1", id).Scan(&name) == nil {
		w.bind(id, name)
	}
}
