package bubble

import (
	"encoding/binary"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5/pgproto3"
)

// listens notes that the connection may listen, by what it says.
func (g *gate) listens(c *conn, b *batch) {
	if strings.Contains(strings.ToLower(b.text), "listen") && !slices.Contains(g.listeners, c) {
		g.listeners = append(g.listeners, c)
	}
}

// notify has each connection that listens get what was notified, in steps of their own. Postgres has told the backends by the time that
// the commit is answered, so that whatever they are asked after that is answered after it.
func (g *gate) notify() error {
	g.listeners = slices.DeleteFunc(g.listeners, func(c *conn) bool { return c.session == nil })
	for _, c := range g.listeners {
		s := c.session
		if s.status != 'I' || s.telling || s.copies || slices.ContainsFunc(g.blocked, func(w *waiting) bool { return w.conn == c }) {
			continue // it is told at the end of its transaction
		}
		answer, err := s.ask(&pgproto3.Sync{})
		if err != nil {
			return err
		}
		var news []byte
		for len(answer) > 0 {
			n := 1 + int(binary.BigEndian.Uint32(answer[1:]))
			if answer[0] != 'Z' {
				news = append(news, answer[:n]...)
			}
			answer = answer[n:]
		}
		if len(news) > 0 {
			g.push(c.replica, c, &c.pipe, news)
		}
	}
	return nil
}

// notifies reports whether the statement may notify by itself. One that writes may by a trigger.
func notifies(sql string) bool { return strings.Contains(strings.ToLower(sql), "notify") }
