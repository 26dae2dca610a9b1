package live

import (
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"time"
)

// server serves one of the harness's own ends on loopback.
type server struct {
	http   http.Server
	served chan struct{}
}

func newServer(h http.Handler) *server {
	return &server{
		http: http.Server{
			Handler: h, ReadHeaderTimeout: 10 * time.Second,
			// What clients do that are killed in the middle of a call is no news.
			ErrorLog: log.New(io.Discard, "", 0),
		},
		served: make(chan struct{}),
	}
}

// listen begins to serve and returns the server's base URL.
func (s *server) listen() (url string, err error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0") //nolint:noctx // it takes no time
	if err != nil {
		return "", fmt.Errorf("live: %w", err)
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
