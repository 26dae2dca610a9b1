package bubble

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/bootrace/bootrace/controller/lifecycle"
	"github.com/bootrace/bootrace/harness/sim"
)

// statements counts those that all runs have carried out, for whoever measures.
var statements atomic.Int64

// patience is how long, on the machine's clock, a statement may take before it is asked whether it waits for a lock. Postgres has
// looked for a deadlock by then.
const patience = 4 * time.Millisecond

// exchange sends the batch to Postgres and reads the answer. It returns false where the statement waits for another's lock.
func (g *gate) exchange(c *conn, x *sim.Step, b *batch, answer *[]byte) bool {
	broken := func(err error) bool {
		g.sever(c, err)
		return true
	}
	if c.err() != nil {
		return true
	}
	if c.session == nil {
		g.conns++
		c.name = g.conns
		if s := g.spare(b); s != nil {
			c.session = s
			*answer = append(*answer, s.greeting...)
			return true
		}
		s, err := open(g.database)
		if err != nil {
			return broken(err)
		}
		c.session = s
		if b.code == protocol3 {
			s.startup = b.startup()
		}
	}
	s := c.session
	var ahead []byte
	if b.code == 0 && !b.plain {
		if !s.set {
			if err := s.prepare(); err != nil {
				return broken(err)
			}
		}
		var err error
		if ahead, err = s.tells(time.Now(), b, len(g.blocked) > 0); err != nil {
			return broken(err)
		}
		b.virtual()
	}
	s.wrote = s.wrote || writes(b.text) || notifies(b.text)
	g.listens(c, b)
	if b.runs {
		statements.Add(1)
		s.says(x)
	}
	if err := s.send(append(ahead, b.bytes...)); err != nil {
		return broken(err)
	}
	if b.code == cancelRequest {
		g.sever(c, io.EOF) // as Postgres does
		return true
	}
	if b.plain && b.owed == 0 && b.first != 'p' {
		return true
	}
	over, err := g.finish(c, b, answer)
	if err != nil {
		return broken(err)
	}
	if !over {
		g.blocked = append(g.blocked, &waiting{c, x, b, answer})
		return false
	}
	if b.code == protocol3 && s.status == 'I' {
		s.greeting = bytes.Clone(*answer)
	}
	g.after(c)
	return true
}

// says notes the statement among those of its transaction, and has the step tell of all of them.
func (s *session) says(x *sim.Step) {
	if s.status == 'I' {
		s.texts = nil
	}
	text := x.Text
	if len(text) > longest {
		text = text[:longest] + " …"
	}
	if x.Op != "begin" && x.Op != "rollback" {
		s.texts = append(s.texts, fmt.Sprintf("%s at +%s", text, now().Round(time.Millisecond)))
	}
	x.Text = strings.Join(s.texts, "; ")
}

// longest is how much of a statement is told.
const longest = 240

// finish reads the answer, and reports false where the statement waits for a lock.
func (g *gate) finish(c *conn, b *batch, answer *[]byte) (bool, error) {
	s := c.session
	for {
		whole := !s.telling
		if !whole {
			var err error
			if whole, err = s.told(); err != nil {
				return false, err
			}
		}
		if n := s.answered(max(b.owed, 1)); whole && n > 0 {
			*answer = append(*answer, s.in[:n]...)
			s.in = append([]byte(nil), s.in[n:]...)
			return true, nil
		}
		came, err := s.read(patience)
		if err != nil {
			return false, err
		}
		if came {
			continue
		}
		if waits, err := g.waits(s.pid); err != nil || waits {
			return false, err
		}
	}
}

// waits reports whether the backend waits for a lock that another holds, and will until that one goes on. In a circle it will not:
// Postgres ends a statement of it in a moment.
func (g *gate) waits(pid uint32) (bool, error) {
	seen := map[uint32]bool{}
	circle := false
	first := 0
	for next := []uint32{pid}; len(next) > 0; {
		at := next[0]
		next = next[1:]
		if seen[at] {
			continue
		}
		seen[at] = true
		by, err := g.blockers(at)
		if err != nil {
			return false, err
		}
		if at == pid {
			first = len(by)
		}
		circle = circle || slices.Contains(by, pid)
		next = append(next, by...)
	}
	return first > 0 && !circle, nil
}

// blockers are the backends that hold the lock that the backend waits for.
func (g *gate) blockers(pid uint32) ([]uint32, error) {
	r := g.control.ExecPrepared(context.Background(), "blockers", [][]byte{[]byte(strconv.Itoa(int(pid)))}, nil, nil).Read()
	if r.Err != nil {
		return nil, r.Err
	}
	var by []uint32
	for _, row := range r.Rows {
		by = append(by, uint32(atoi(row[0])))
	}
	return by, nil
}

// after tells the world what has been committed, and goes on with those who waited for it.
func (g *gate) after(c *conn) {
	g.committed(c)
	g.release()
}

// committed tells the world of the moves that c has committed.
func (g *gate) committed(c *conn) {
	s := c.session
	if s == nil || s.status != 'I' || !s.wrote {
		return
	}
	s.wrote = false
	var err error
	if g.running {
		err = g.moved(s.pid)
	}
	if err = errors.Join(err, g.notify()); err != nil {
		panic(err) // the world cannot see any more, and must not judge
	}
}

// release goes on with those whose lock is free by now, until none is left.
func (g *gate) release() {
	for i := 0; i < len(g.blocked); i++ {
		w := g.blocked[i]
		over, err := g.finish(w.conn, w.batch, w.answer)
		if err == nil && !over {
			continue
		}
		g.over(w, err)
		i = -1 // what it did may let others go on
	}
}

// over ends the wait of a step, and tells the world what it did: after whoever moved one of its rows before it. Postgres lets those go
// on who wait for one row in an order of its own, and by now several may have committed.
func (g *gate) over(w *waiting, err error) {
	g.blocked = slices.DeleteFunc(g.blocked, func(x *waiting) bool { return x == w })
	for x := g.before(w); err == nil && x != nil; x = g.before(w) {
		var failed error
		for over := false; !over && failed == nil; {
			over, failed = g.finish(x.conn, x.batch, x.answer) // its reply is on its way: its moves are to be seen
		}
		g.over(x, failed)
	}
	if err != nil {
		g.sever(w.conn, err)
	}
	g.site.Over(w.step, func() {
		if err == nil {
			g.committed(w.conn)
		}
	})
}

// before is a step that waits and has moved a row before w did, or nil.
func (g *gate) before(w *waiting) *waiting {
	if !g.running || w.conn.session == nil {
		return nil
	}
	if err := g.look(); err != nil {
		panic(err) // the world cannot see any more, and must not judge
	}
	for i, mine := range g.untold {
		if atoi(mine[5]) != int(w.conn.session.pid) {
			continue
		}
		for _, theirs := range g.untold[:i] {
			if !bytes.Equal(theirs[0], mine[0]) {
				continue
			}
			for _, x := range g.blocked {
				if x.conn.session != nil && int(x.conn.session.pid) == atoi(theirs[5]) {
					return x
				}
			}
		}
	}
	return nil
}

// sever ends the connection at once, for that reason, and waits until Postgres has let go of all that it held.
func (g *gate) sever(c *conn, why error) {
	c.fail(why)
	s := c.session
	if s == nil {
		return
	}
	c.session = nil
	waits := slices.ContainsFunc(g.blocked, func(w *waiting) bool { return w.conn == c })
	g.blocked = slices.DeleteFunc(g.blocked, func(w *waiting) bool { return w.conn == c })
	switch {
	case !waits && s.reset():
		g.spares = append(g.spares, s)
	case s.pid == 0:
		s.close()
		return
	default:
		s.close()
		g.terminate(s.pid)
	}
	if g.running {
		if err := g.moved(s.pid); err != nil { // a commit may have been on its way
			panic(err)
		}
		g.release()
	}
}

// terminate ends the backend, and waits until it is gone.
func (g *gate) terminate(pid uint32) {
	for {
		r := g.control.ExecParams(context.Background(), `select pg_terminate_backend(pid) from pg_stat_activity where pid = $1::int`,
			[][]byte{[]byte(strconv.Itoa(int(pid)))}, nil, nil, nil).Read()
		if r.Err != nil {
			panic(errors.Join(errors.New("ending a connection"), r.Err))
		}
		if len(r.Rows) == 0 {
			return
		}
	}
}

// spare is a session that another connection has left, and that was opened with the same words; nil where there is none.
func (g *gate) spare(b *batch) *session {
	if b.code != protocol3 {
		return nil
	}
	words := b.startup()
	i := slices.IndexFunc(g.spares, func(s *session) bool { return s.startup == words })
	if i < 0 {
		return nil
	}
	s := g.spares[i]
	g.spares = slices.Delete(g.spares, i, i+1)
	return s
}

// status reads the controller's word for a status.
func (r Rows) status(word string) (lifecycle.Status, error) {
	if w, ok := r.Words[word]; ok {
		word = w
	}
	var s lifecycle.Status
	err := s.UnmarshalText([]byte(word))
	return s, err
}

func atoi(p []byte) int {
	n, _ := strconv.Atoi(string(p)) // 0 where there is none
	return n
}
