//go:build unix

package postgres

import (
	"context"
	"errors"
	"net"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
)

// busyPoll wraps a dialer so that its connections poll before they sleep; see BusyPoll.
func busyPoll(dial pgconn.DialFunc, d time.Duration) pgconn.DialFunc {
	return func(ctx context.Context, network, addr string) (net.Conn, error) {
		c, err := dial(ctx, network, addr)
		if err != nil {
			return nil, err
		}
		sc, ok := c.(syscall.Conn)
		if !ok {
			return c, nil
		}
		raw, err := sc.SyscallConn()
		if err != nil {
			return c, nil //nolint:nilerr // it works as it is, only slower
		}
		return &pollingConn{Conn: c, raw: raw, patience: d}, nil
	}
}

type pollingConn struct {
	net.Conn
	raw      syscall.RawConn
	patience time.Duration
}

// Read tries the socket, which is in non-blocking mode, until something is there or its patience ends. All else, like
// errors, the end of the stream and deadlines, is left to the ordinary Read.
func (c *pollingConn) Read(p []byte) (int, error) {
	var n int
	poll := func(fd uintptr) bool {
		for start := time.Now(); ; {
			var err error
			n, err = syscall.Read(int(fd), p)
			if err == nil || !errors.Is(err, syscall.EAGAIN) && !errors.Is(err, syscall.EINTR) || time.Since(start) > c.patience {
				return true
			}
		}
	}
	if err := c.raw.Read(poll); err == nil && n > 0 {
		return n, nil
	}
	return c.Conn.Read(p)
}
