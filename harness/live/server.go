package live

import (
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/netip"

	"github.com/bootrace/bootrace/internal/httpserver"
)

// server serves one of the harness's own ends on loopback.
type server struct {
	http   *http.Server
	only   netip.Prefix // from where it is called; from anywhere where it is zero
	served chan struct{}
}

// silent is the log of servers: what clients do that are killed in the middle of a call is no news.
var silent = log.New(io.Discard, "", 0)

func newServer(h http.Handler) *server {
	s := &server{http: httpserver.New(h), served: make(chan struct{})}
	s.http.ErrorLog = silent
	return s
}

// loopback is where a server is that only this machine's processes call.
const loopback = "127.0.0.1"

// listen begins to serve on loopback and returns the server's base URL.
func (s *server) listen() (url string, err error) { return s.listenOn(loopback) }

// listenOn is listen, on an address of this machine.
func (s *server) listenOn(host string) (url string, err error) {
	listener, err := net.Listen("tcp", net.JoinHostPort(host, "0")) //nolint:noctx // it takes no time
	if err != nil {
		return "", fmt.Errorf("live: %w", err)
	}
	if s.only.IsValid() {
		listener = &fence{listener, s.only}
	}
	go func() {
		defer close(s.served)
		s.http.Serve(listener) //nolint:errcheck // it ends when it is closed
	}()
	return "http://" + listener.Addr().String(), nil
}

// close cuts every connection. Handlers see their requests' contexts end.
func (s *server) close() {
	s.http.Close() //nolint:errcheck // nothing is left to be told
	<-s.served
}
