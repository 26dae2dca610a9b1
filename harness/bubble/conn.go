package bubble

import (
	"bytes"
	"errors"
	"io"
	"net"
	"os"
	"sync"
	"time"

	"github.com/bootrace/bootrace/harness/sim"
)

// errDropped is what becomes of a connection that a fault breaks, or whose replica was killed.
var errDropped = errors.New("connection reset by peer")

// conn is a controller's connection to Postgres. What it writes is a step that waits for the scheduler; what it reads is there already,
// or it waits in a way that lets virtual time go on.
type conn struct {
	gate    *gate
	replica *replica
	name    int // in the order of first use; 0 before
	session *session
	out     outgoing

	mu      sync.Mutex
	in      bytes.Buffer
	more    chan struct{} // something came, or it is over
	broken  error
	readBy  deadline
	writeBy deadline
	closing bool
}

func (g *gate) newConn(r *replica) *conn {
	c := &conn{gate: g, replica: r, more: make(chan struct{}, 1), out: outgoing{texts: map[string]string{}}}
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
		c.gate.sever(c, errDropped)
		done <- err
	}
	c.gate.park(&parking{
		by: x.Author, call: call, conn: c, text: b.text, bytes: b.bytes, quiet: b.quiet(), start: func() { c.gate.site.Take(x) },
		early: func() {
			if x.Do() {
				x.Deliver()
			} else {
				x.Fail(errors.New("it waits for a lock, and nobody runs who could release it"))
			}
		},
		fail: x.Fail,
	})
	select {
	case err := <-done:
		return err
	case <-c.writeBy.over():
		return os.ErrDeadlineExceeded
	}
}

// give lets the reader have more.
func (c *conn) give(p []byte) {
	c.mu.Lock()
	c.in.Write(p)
	c.mu.Unlock()
	c.wake()
}

func (c *conn) wake() {
	select {
	case c.more <- struct{}{}:
	default:
	}
}

// fail breaks the connection.
func (c *conn) fail(err error) {
	c.mu.Lock()
	if c.broken == nil {
		c.broken = err
	}
	c.mu.Unlock()
	c.wake()
}

func (c *conn) err() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.broken
}

// Read implements net.Conn.
func (c *conn) Read(p []byte) (int, error) {
	for {
		c.mu.Lock()
		n, broken := 0, c.broken
		if c.in.Len() > 0 {
			n, _ = c.in.Read(p)
		}
		c.mu.Unlock()
		switch {
		case n > 0:
			return n, nil
		case errors.Is(broken, net.ErrClosed):
			return 0, broken
		case broken != nil:
			return 0, io.ErrUnexpectedEOF
		}
		select {
		case <-c.more:
		case <-c.readBy.over():
			return 0, os.ErrDeadlineExceeded
		}
	}
}

// Close implements net.Conn. The end reaches Postgres as a step of its own, since it may end a transaction and its locks.
func (c *conn) Close() error {
	c.mu.Lock()
	closed := c.closing
	c.closing = true
	c.mu.Unlock()
	if closed {
		return nil
	}
	c.fail(net.ErrClosed)
	end := func() {
		c.gate.sever(c, net.ErrClosed)
	}
	by, call := c.gate.author(c.replica)
	c.gate.park(&parking{
		by: by, call: call, conn: c, start: end, early: end, fail: func(error) { end() },
	})
	return nil
}

// SetDeadline implements net.Conn.
func (c *conn) SetDeadline(t time.Time) error {
	c.readBy.set(t)
	c.writeBy.set(t)
	return nil
}

// SetReadDeadline implements net.Conn.
func (c *conn) SetReadDeadline(t time.Time) error { c.readBy.set(t); return nil }

// SetWriteDeadline implements net.Conn.
func (c *conn) SetWriteDeadline(t time.Time) error { c.writeBy.set(t); return nil }

// LocalAddr implements net.Conn.
func (c *conn) LocalAddr() net.Addr { return address("controller") }

// RemoteAddr implements net.Conn.
func (c *conn) RemoteAddr() net.Addr { return address(Postgres) }

// address is the end of a connection inside of the bubble.
type address string

// Network implements net.Addr.
func (address) Network() string { return "bubble" }

// String implements net.Addr.
func (a address) String() string { return string(a) }
