package live

import (
	"net"
	"net/netip"
)

// fence is a listener that hears only who calls from the one network. All networks of Docker lead to this machine, and to any
// of its addresses: whoever was taken off the one would reach it by another.
type fence struct {
	net.Listener
	only netip.Prefix
}

// Accept implements net.Listener. A connection from elsewhere is left without an answer, as a packet that is lost.
func (f *fence) Accept() (net.Conn, error) {
	for {
		c, err := f.Listener.Accept()
		if err != nil {
			return nil, err
		}
		from, err := netip.ParseAddrPort(c.RemoteAddr().String())
		if err == nil && f.only.Contains(from.Addr().Unmap()) {
			return c, nil
		}
		go func() {
			defer c.Close() //nolint:errcheck // nobody wrote to it
			var nothing [512]byte
			for {
				if _, err := c.Read(nothing[:]); err != nil {
					return // the caller has given up
				}
			}
		}()
	}
}
