package foreigntest

import (
	"context"
	"errors"
	"net"
	"strconv"
	"sync"
)

// Network is a network in memory: connections are pipes, and addresses are known by their port alone. It is what lets real
// HTTP run in a synctest bubble. The zero value is ready; it is safe for concurrent use.
type Network struct {
	mu        sync.Mutex
	listeners map[string]*listener
	last      int
}

type listener struct {
	network *Network
	port    string
	conns   chan net.Conn
	closed  chan struct{}
	once    sync.Once
}

var errRefused = errors.New("connection refused")

// Listen listens at the address, or at a free port where its port is 0.
func (n *Network) Listen(_ context.Context, _, address string) (net.Listener, error) {
	_, port, err := net.SplitHostPort(address)
	if err != nil {
		return nil, err
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	if port == "0" {
		n.last++
		port = strconv.Itoa(10_000 + n.last)
	}
	if n.listeners == nil {
		n.listeners = map[string]*listener{}
	}
	if n.listeners[port] != nil {
		return nil, errors.New("address already in use")
	}
	l := &listener{network: n, port: port, conns: make(chan net.Conn), closed: make(chan struct{})}
	n.listeners[port] = l
	return l, nil
}

// Dial connects to whoever listens there.
func (n *Network) Dial(ctx context.Context, network, address string) (net.Conn, error) {
	refused := &net.OpError{Op: "dial", Net: network, Err: errRefused}
	_, port, err := net.SplitHostPort(address)
	if err != nil {
		return nil, err
	}
	n.mu.Lock()
	l := n.listeners[port]
	n.mu.Unlock()
	if l == nil {
		return nil, refused
	}
	here, there := net.Pipe()
	select {
	case l.conns <- there:
		return here, nil
	case <-l.closed:
		return nil, refused
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func (l *listener) Accept() (net.Conn, error) {
	select {
	case c := <-l.conns:
		return c, nil
	case <-l.closed:
		return nil, net.ErrClosed
	}
}

func (l *listener) Close() error {
	l.once.Do(func() {
		close(l.closed)
		l.network.mu.Lock()
		defer l.network.mu.Unlock()
		delete(l.network.listeners, l.port)
	})
	return nil
}

type address string

func (address) Network() string  { return "tcp" }
func (a address) String() string { return string(a) }

func (l *listener) Addr() net.Addr { return address("127.0.0.1:" + l.port) }
