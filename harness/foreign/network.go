package foreign

import (
	"context"
	"net"
)

// Network is how the harness reaches a target, and is reached by it. A test gives one in memory, so that a run needs no longer
// than its calls.
type Network interface {
	Dial(ctx context.Context, network, address string) (net.Conn, error)
	Listen(ctx context.Context, network, address string) (net.Listener, error)
}

func (t Target) network() Network {
	if t.Network == nil {
		return tcp{}
	}
	return t.Network
}

type tcp struct{}

func (tcp) Dial(ctx context.Context, network, address string) (net.Conn, error) {
	return (&net.Dialer{Timeout: callTimeout}).DialContext(ctx, network, address)
}

func (tcp) Listen(ctx context.Context, network, address string) (net.Listener, error) {
	return (&net.ListenConfig{}).Listen(ctx, network, address)
}
