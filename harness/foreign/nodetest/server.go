package nodetest

import (
	"cmp"
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/bootrace/bootrace/harness/foreign/foreigntest/served"
)

// Token is the bearer token of everybody who may call.
const Token = "an administrator's token"

// Config is what a server is started with; zero times are those of Kubernetes.
type Config struct {
	// StickyNeverUpdated has a node that was given up at its start stay so: its status is accepted, and its condition is not written.
	StickyNeverUpdated bool

	StartupGrace, MonitorGrace, MonitorPeriod time.Duration

	// Listen is how it is reached; nil for TCP on this machine, at a free port.
	Listen served.Listen
}

// Server is an API server with its node lifecycle controller.
type Server struct {
	served.Server

	config Config

	mu     sync.Mutex
	nodes  map[string]*node
	leases map[string]*lease
}

// node is a v1 Node: what is needed of it.
type node struct {
	labels  map[string]string
	created time.Time
	ready   *condition
	heard   time.Time // its status was posted, or its lease renewed
}

type condition struct {
	Type     string `json:"type"`
	Status   string `json:"status"`
	Reason   string `json:"reason"`
	Message  string `json:"message"`
	LastBeat string `json:"lastHeartbeatTime,omitempty"`
}

type lease struct{ Holder, Renewed string }

// Start serves until Close.
func Start(c Config) (*Server, error) {
	c.StartupGrace, c.MonitorGrace = cmp.Or(c.StartupGrace, time.Minute), cmp.Or(c.MonitorGrace, 50*time.Second)
	c.MonitorPeriod = cmp.Or(c.MonitorPeriod, 5*time.Second)
	s := &Server{config: c, nodes: map[string]*node{}, leases: map[string]*lease{}}
	if err := s.Serve(c.Listen, s.handler()); err != nil {
		return nil, err
	}
	s.Every(c.MonitorPeriod, s.monitor)
	return s, nil
}

// Left returns the names of the nodes and leases that there are.
func (s *Server) Left() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var left []string
	for name := range s.nodes {
		left = append(left, "node "+name)
	}
	for name := range s.leases {
		left = append(left, "lease "+name)
	}
	slices.Sort(left)
	return left
}

// monitor is a turn of the node lifecycle controller.
func (s *Server) monitor() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, n := range s.nodes {
		switch {
		case n.ready == nil && time.Since(n.created) >= s.config.StartupGrace:
			n.ready = &condition{Type: "Ready", Status: "Unknown", Reason: "NodeStatusNeverUpdated", Message: "Kubelet never posted node status."}
		case n.ready != nil && n.ready.Status != "Unknown" && time.Since(n.heard) >= s.config.MonitorGrace:
			n.ready = &condition{Type: "Ready", Status: "Unknown", Reason: "NodeStatusUnknown", Message: "Kubelet stopped posting node status."}
		}
	}
}

func reply(w http.ResponseWriter, code int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(code)
	json.NewEncoder(w).Encode(v) //nolint:errcheck // whoever asked is gone
}

// refuse answers with a Status, as an API server does.
func refuse(w http.ResponseWriter, code int, reason, message string) {
	reply(w, code, map[string]any{"kind": "Status", "apiVersion": "v1", "status": "Failure", "reason": reason, "message": message, "code": code})
}

// selects reports whether the node has the labels that the selector, name=value, asks for.
func (n *node) selects(selector string) bool {
	name, value, ok := strings.Cut(selector, "=")
	return !ok || n.labels[name] == value
}
