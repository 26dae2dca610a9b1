package bubble

import (
	"errors"
	"net"

	"github.com/bootrace/bootrace/harness/sim"
)

// conn is a controller's connection to Postgres. What it writes is a step that waits for the scheduler.
type conn struct {
	pipe
	gate    *gate
	replica *replica
	name    int // in the order of first use; 0 before
	session *session
	out     outgoing
}

func (g *gate) newConn(r *replica) *conn {
	c := &conn{pipe: newPipe(), gate: g, replica: r, out: outgoing{texts: map[string]string{}}}
	g.mu.Lock()
	r.conns = append(r.conns, c)
	g.mu.Unlock()
	return c
}

// Write implements net.Conn. It returns once what it wrote is answered, where it is something that Postgres answers.
func (c *conn) Write(p []byte) (int, error) {
	if err := c.err(); err != nil {
		return 0, err
	}
	for _, b := range c.out.add(p) {
		if err := c.exchange(b); err != nil {
			return 0, err
		}
	}
	return len(p), nil
}

// exchange has the batch be a step.
func (c *conn) exchange(b batch) error {
	switch b.code {
	case sslRequest, gssRequest:
		c.give([]byte{'N'})
		return nil
	}
	if b.first == 'X' { // which Close is about to say, and which some drivers send while they hold a lock
		return nil
	}
	done := make(chan error, 1)
	x := &sim.Step{Op: b.verb(), Text: b.text}
	var call int
	x.Author, call = c.gate.author(c.replica)
	var answer []byte
	x.Do = func() bool { return c.gate.exchange(c, x, &b, &answer) }
	x.Deliver = func() {
		c.give(answer)
		done <- nil
	}
	x.Fail = func(err error) {
		done <- err
		c.sever(errDropped)
	}
	bytes := b.bytes
	if b.code == protocol3 {
		bytes = []byte(b.startup())
	}
	c.gate.park(&parking{
		by: x.Author, call: call, name: c.number, text: b.text, bytes: bytes, quiet: b.quiet(), start: func() { c.gate.site.Take(x) },
		early: func() {
			if x.Do() {
				x.Deliver()
			} else {
				x.Fail(errors.New("it waits for a lock, and nobody runs who could release it"))
			}
		},
		fail: x.Fail,
	})
	return c.wait(done)
}

// Close implements net.Conn. The end reaches Postgres as a step of its own, since it may end a transaction and its locks.
func (c *conn) Close() error {
	if !c.shut() {
		return nil
	}
	end := func() {
		c.sever(net.ErrClosed)
	}
	by, call := c.gate.author(c.replica)
	c.gate.park(&parking{
		by: by, call: call, name: c.number, start: end, early: end, fail: func(error) { end() },
	})
	return nil
}

// sever implements severable.
func (c *conn) sever(why error) { c.gate.sever(c, why) }

func (c *conn) number() int { return c.name }
