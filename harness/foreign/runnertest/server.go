package runnertest

import (
	"cmp"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/bootrace/bootrace/harness/foreign/foreigntest/served"
)

// Token is the token of whoever administers the repository.
const Token = "a personal access token" //nolint:gosec // it opens a test double

// Repository is the one that there is.
const Repository = "acme/site"

// Config is what a server is started with.
type Config struct {
	// LateStayOffline has a runner that first comes later than ComeBy after its creation stay offline: its session and polls are
	// accepted, and its row is not written.
	LateStayOffline bool
	ComeBy          time.Duration // 10m where zero

	Hold  time.Duration // how long a poll is held; 50s where zero
	TTL   time.Duration // after how long a silence a runner is offline; 120s where zero
	Sweep time.Duration // how often it looks; 15s where zero

	// Listen is how it is reached; nil for TCP on this machine, at a free port.
	Listen served.Listen
}

// Server is a service of runners.
type Server struct {
	served.Server

	config Config

	mu       sync.Mutex
	runners  []*runner
	last     int64
	grants   map[string]bool    // registration tokens that nobody has used
	sessions map[string]*runner // by id
}

type runner struct {
	id      int64
	name    string
	os      string
	status  string
	token   string // its configuration
	session string
	created time.Time
	heard   time.Time
	polls   int // that are held
	closed  bool
}

// Start serves until Close.
func Start(c Config) (*Server, error) {
	c.ComeBy, c.Hold = cmp.Or(c.ComeBy, 10*time.Minute), cmp.Or(c.Hold, 50*time.Second)
	c.TTL, c.Sweep = cmp.Or(c.TTL, 2*time.Minute), cmp.Or(c.Sweep, 15*time.Second)
	s := &Server{config: c, grants: map[string]bool{}, sessions: map[string]*runner{}}
	if err := s.Serve(c.Listen, s.handler()); err != nil {
		return nil, err
	}
	s.Every(c.Sweep, s.sweep)
	return s, nil
}

// Left returns the names of the runners that there are.
func (s *Server) Left() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var left []string
	for _, x := range s.runners {
		left = append(left, x.name)
	}
	return left
}

// sweep takes those offline who have not polled for the TTL.
func (s *Server) sweep() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, x := range s.runners {
		if x.status == "online" && x.polls == 0 && time.Since(x.heard) >= s.config.TTL {
			x.status = "offline"
		}
	}
}

// hear notes a sign of life of the runner's.
func (s *Server) hear(x *runner) {
	x.heard = time.Now()
	late := s.config.LateStayOffline && x.os == "unknown" && time.Since(x.created) > s.config.ComeBy
	x.closed = x.closed || late
	if !x.closed {
		x.os, x.status = "linux", "online"
	}
}

// find returns the runner that the test is true of, or nil.
func (s *Server) find(is func(*runner) bool) *runner {
	if i := slices.IndexFunc(s.runners, is); i >= 0 {
		return s.runners[i]
	}
	return nil
}

func bearer(r *http.Request) string {
	_, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	return token
}
