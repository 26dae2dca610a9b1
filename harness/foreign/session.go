package foreign

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/bootrace/bootrace/harness/foreign/dialect"
	"github.com/bootrace/bootrace/internal/httpserver"
)

// Session is a target that passed the preflight, with what is served to it here. It is safe for concurrent use.
type Session struct {
	target  Target
	client  *client
	control *control // nil where none is served
	fakes   *fakes   // nil where the target's machines are nowhere that tells of them
	servers []*http.Server

	agentURL string // where all agents claim to serve
	patience time.Duration

	lists *shared[[]shown]
	feeds *shared[dialect.Answer]

	mu      sync.Mutex
	owners  map[string]*member // of workspaces, by id
	owned   chan struct{}      // closed, and made anew, when somebody owns another workspace
	creates map[*member]int    // that are under way
	unknown map[string]bool    // words of the feed
	notes   []string
	left    []Leftover
	agents  bool // one was let in

	cleaning context.Context //nolint:containedctx // done where nobody waits for deletions any more
	abandon  context.CancelCauseFunc
}

// Open makes the preflight, and serves what the target may call: agents' URLs, and the control plane where it is asked for.
// Close ends it.
func Open(ctx context.Context, t Target) (*Session, error) {
	t, err := t.Complete()
	if err != nil {
		return nil, err
	}
	s := &Session{
		target: t, client: newClient(t), lists: newShared[[]shown](), feeds: newShared[dialect.Answer](),
		owners: map[string]*member{}, patience: t.Patience,
	}
	s.cleaning, s.abandon = context.WithCancelCause(context.WithoutCancel(ctx))
	if err := s.client.preflight(ctx); err != nil {
		return nil, fmt.Errorf("target %s: %w", t.Name, err)
	}
	address, err := s.serve(ctx, "127.0.0.1:0", http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.Write([]byte(`{"status":"ok"}`)) //nolint:errcheck // whoever asked is gone
	}))
	if err != nil {
		return nil, fmt.Errorf("serving as the agents: %w", err)
	}
	_, port, err := net.SplitHostPort(address)
	if err != nil {
		return nil, errors.Join(err, s.Close())
	}
	s.agentURL = "http://localhost:" + port // the wire refuses loopback addresses as numbers
	if t.ServeCP != "" {
		s.control = newControl(s)
		if _, err := s.serve(ctx, t.ServeCP, s.control); err != nil {
			return nil, errors.Join(fmt.Errorf("serving the control plane: %w", err), s.Close())
		}
	}
	if t.Fakeprovider != "" {
		if s.fakes, err = openFakes(ctx, s, t.Fakeprovider); err != nil {
			return nil, errors.Join(err, s.Close())
		}
	}
	return s, nil
}

// letIn notes that the target lets agents in.
func (s *Session) letIn() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.agents = true
}

func (s *Session) wasLetIn() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.agents
}

// unknownWord notes that the feed has a word which nobody has explained: once.
func (s *Session) unknownWord(word string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.unknown[word] {
		return
	}
	if s.unknown == nil {
		s.unknown = map[string]bool{}
	}
	s.unknown[word] = true
	s.notes = append(s.notes, fmt.Sprintf("the events feed has entries %q, which the dialect %s does not know, so they say nothing here: "+
		"statuses are read from the workspaces themselves, at every --poll. A copy of the dialect can say what they mean (calls.events.words)", word, s.client.spec.Name))
}

// unreadable notes why the feed could not be read: once.
func (s *Session) unreadable(why string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	note := "the events feed cannot be read, so it is left out: " + why
	if !slices.Contains(s.notes, note) {
		s.notes = append(s.notes, note)
	}
}

// Notes returns what a person should know of the target that is no verdict, each once.
func (s *Session) Notes() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.notes)
}

// claim boots what was launched for a workspace before anybody knew it.
func (s *Session) claim(workspace string) {
	switch {
	case s.control != nil:
		s.control.claim(workspace)
	case s.fakes != nil:
		s.fakes.claim(workspace)
	}
}

// end lets the host of a machine fail, and reports whether it does.
func (s *Session) end(x launch) bool {
	if s.fakes != nil {
		return s.fakes.end(x)
	}
	return s.control.end(x)
}

// broken ends what is played: nothing can be said of it any more.
func (s *Session) broken(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, m := range s.owners {
		m.world.fail(err)
	}
}

// Target returns the target with all its defaults.
func (s *Session) Target() Target { return s.target }

func (s *Session) serve(ctx context.Context, address string, h http.Handler) (string, error) {
	l, err := s.target.network().Listen(ctx, "tcp", address)
	if err != nil {
		return "", err
	}
	server := httpserver.New(h)
	s.servers = append(s.servers, server)
	go server.Serve(l) //nolint:errcheck // it ends with Close
	return l.Addr().String(), nil
}

// Close ends what is served.
func (s *Session) Close() error {
	var all error
	if s.fakes != nil {
		s.fakes.close()
	}
	for _, server := range s.servers {
		all = errors.Join(all, server.Close())
	}
	s.abandon(errAbandoned)
	s.client.http.CloseIdleConnections()
	return all
}

// own notes whose the workspace is, so that calls about it are told from those about others'.
func (s *Session) own(id string, m *member) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.owners[id] = m
	s.changedLocked()
}

// changedLocked wakes whoever waits for an owner.
func (s *Session) changedLocked() {
	if s.owned != nil {
		close(s.owned)
	}
	s.owned = nil
}

// creating notes that a create of the member's is under way, or no longer is.
func (s *Session) creating(m *member, by int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.creates == nil {
		s.creates = map[*member]int{}
	}
	if s.creates[m] += by; s.creates[m] <= 0 {
		delete(s.creates, m)
	}
	s.changedLocked()
}

// await returns whose the workspace is. A target may ask for a machine before it answers the create, so for as long as creates are
// under way, it waits a little; where only one is by then, the workspace is that one's. It returns nil for a workspace of nobody's.
func (s *Session) await(ctx context.Context, id string, patience time.Duration) *member {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	for {
		s.mu.Lock()
		m, creates := s.owners[id], len(s.creates)
		if s.owned == nil {
			s.owned = make(chan struct{})
		}
		changed := s.owned
		s.mu.Unlock()
		if m != nil || creates == 0 {
			return m
		}
		select {
		case <-changed:
		case <-ctx.Done():
			s.mu.Lock()
			defer s.mu.Unlock()
			if len(s.creates) == 1 {
				for m := range s.creates {
					return m
				}
			}
			return nil
		}
	}
}

func (s *Session) owner(id string) *member {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.owners[id]
}
