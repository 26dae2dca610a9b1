package bubble

import (
	"bytes"
	"errors"
	"io"
	"net"
	"os"
	"sync"
	"time"
)

// errDropped is what becomes of a connection that a fault breaks, or whose replica was killed.
var errDropped = errors.New("connection reset by peer")

// pipe is the controller's end of a connection. What is read is there already, or its reader waits in a way that lets virtual time go on.
type pipe struct {
	mu      sync.Mutex
	in      bytes.Buffer
	more    chan struct{} // something came
	gone    chan struct{} // it is broken
	broken  error
	readBy  deadline
	writeBy deadline
	closing bool
	pushed  [][]byte // messages that nobody asked for, on their way; the scheduler's
}

func newPipe() pipe { return pipe{more: make(chan struct{}, 1), gone: make(chan struct{})} }

// give lets the reader have more.
func (p *pipe) give(b []byte) {
	p.mu.Lock()
	p.in.Write(b)
	p.mu.Unlock()
	p.wake()
}

func (p *pipe) wake() {
	select {
	case p.more <- struct{}{}:
	default:
	}
}

// fail breaks the connection.
func (p *pipe) fail(err error) {
	p.mu.Lock()
	if p.broken == nil {
		p.broken = err
		close(p.gone)
	}
	p.mu.Unlock()
	p.wake()
}

func (p *pipe) err() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.broken
}

// wait waits until what was written is answered. Where the connection breaks first, it may have been or not.
func (p *pipe) wait(done <-chan error) error {
	select {
	case err := <-done:
		return err
	case <-p.writeBy.over():
		return os.ErrDeadlineExceeded
	case <-p.gone:
	}
	select {
	case err := <-done:
		return err
	default:
		return p.err()
	}
}

// shut notes that the controller has closed its end, and reports whether it had not before.
func (p *pipe) shut() bool {
	p.mu.Lock()
	closed := p.closing
	p.closing = true
	p.mu.Unlock()
	if !closed {
		p.fail(net.ErrClosed)
	}
	return !closed
}

// Read implements net.Conn.
func (p *pipe) Read(b []byte) (int, error) {
	for {
		p.mu.Lock()
		n, broken := 0, p.broken
		if p.in.Len() > 0 {
			n, _ = p.in.Read(b)
		}
		p.mu.Unlock()
		switch {
		case n > 0:
			return n, nil
		case errors.Is(broken, net.ErrClosed):
			return 0, broken
		case broken != nil:
			return 0, io.ErrUnexpectedEOF
		}
		select {
		case <-p.more:
		case <-p.readBy.over():
			return 0, os.ErrDeadlineExceeded
		}
	}
}

// SetDeadline implements net.Conn.
func (p *pipe) SetDeadline(t time.Time) error {
	p.readBy.set(t)
	p.writeBy.set(t)
	return nil
}

// SetReadDeadline implements net.Conn.
func (p *pipe) SetReadDeadline(t time.Time) error { p.readBy.set(t); return nil }

// SetWriteDeadline implements net.Conn.
func (p *pipe) SetWriteDeadline(t time.Time) error { p.writeBy.set(t); return nil }

// LocalAddr implements net.Conn.
func (p *pipe) LocalAddr() net.Addr { return address("controller") }

// RemoteAddr implements net.Conn.
func (p *pipe) RemoteAddr() net.Addr { return address(Postgres) }

// address is the end of a connection inside of the bubble.
type address string

// Network implements net.Addr.
func (address) Network() string { return "bubble" }

// String implements net.Addr.
func (a address) String() string { return string(a) }
