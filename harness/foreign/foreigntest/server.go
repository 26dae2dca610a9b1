package foreigntest

import (
	"context"
	"net"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/bootrace/bootrace/harness/foreign/foreigntest/served"
)

// AdminToken is the operators' token.
const AdminToken = "the operators' token"

// Config is what a server is started with.
type Config struct {
	Behaviour
	Times
	// ControlPlane is the URL of the control plane that is asked for machines; empty where nobody boots anything.
	ControlPlane string
	// Listen and Dial are how it reaches others and is reached; nil for TCP on this machine.
	Listen served.Listen
	Dial   func(ctx context.Context, network, address string) (net.Conn, error)
}

// Server is a workspace server of somebody else's.
type Server struct {
	served.Server

	config Config
	client *http.Client

	mu    sync.Mutex
	rows  map[string]*row
	order []string
	moves []Move
	facts []Fact
	feed  []entry // oldest first
	calls map[string]*bucket
	dead  bool

	limited int // calls that it refused for being too many
}

// Limited is how many calls it refused for being too many.
func (s *Server) Limited() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.limited
}

// Move is a row that changed its status.
type Move struct {
	At       time.Time
	ID, Name string
	From, To string
	By       string // the call or sweep
}

// Fact is something that the server did or was answered, and that no row shows.
type Fact struct {
	ID   string
	What string
}

// The facts.
const (
	GrantedRemoved = "an agent's call of a removed row was granted"
	ToldUnwritten  = "the feed told of a status that was not written"
	Launched       = "the control plane gave it a machine"
	RefusedLaunch  = "the control plane gave it none"
	UnclearLaunch  = "the control plane did not answer, and may have given it a machine"
	Stopped        = "the control plane stopped a machine of it"
)

// note writes a fact down. It runs under the lock.
func (s *Server) note(id, what string) { s.facts = append(s.facts, Fact{id, what}) }

// Facts returns what it did, in order.
func (s *Server) Facts() []Fact {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.facts)
}

// Start serves until Close.
func Start(c Config) (*Server, error) {
	c.Times = c.withDefaults()
	if c.Step == 0 {
		c.Step = 20 * time.Millisecond
	}
	if c.Latency == 0 {
		c.Latency = 2 * time.Millisecond
	}
	if c.Dial == nil {
		c.Dial = (&net.Dialer{}).DialContext
	}
	s := &Server{config: c, rows: map[string]*row{}, calls: map[string]*bucket{}}
	s.client = &http.Client{Transport: &http.Transport{DialContext: c.Dial, DisableKeepAlives: true}, Timeout: 30 * time.Second}
	if err := s.Serve(c.Listen, s.handler()); err != nil {
		return nil, err
	}
	if !c.NoSweep {
		s.Every(c.ProvisionSweep, s.sweepBudgets)
		s.Every(c.LivenessSweep, s.sweepSilences)
	}
	return s, nil
}

// Close ends the server.
func (s *Server) Close() {
	s.Server.Close()
	s.client.CloseIdleConnections()
}

// Die has the server close every connection from now on, as a process that is gone does.
func (s *Server) Die() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.dead = true
}

// Live has it answer again.
func (s *Server) Live() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.dead = false
}

// Moves returns what its rows did.
func (s *Server) Moves() []Move {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.moves)
}

// Left returns the names of the rows that are not removed.
func (s *Server) Left() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var names []string
	for _, id := range s.order {
		if r := s.rows[id]; r.status != removed {
			names = append(names, r.name)
		}
	}
	return names
}

// Status returns the status of the first row whose name begins so, or "".
func (s *Server) Status(name string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, id := range s.order {
		if r := s.rows[id]; len(r.name) >= len(name) && r.name[:len(name)] == name {
			return r.status
		}
	}
	return ""
}

// Put makes a row that no call made, as a server does that has been in use.
func (s *Server) Put(name, status string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	r := s.insert("", name, false)
	r.status = status
}
