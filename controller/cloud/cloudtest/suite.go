package cloudtest

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/bootrace/bootrace/controller/cloud"
)

// Backend is one cloud to be tried.
type Backend struct {
	// Connect returns a new client of the same cloud, as a controller that was restarted would have.
	Connect func(t *testing.T) cloud.Cloud
	// Settle is how long the cloud may take until what was done can be seen by Describe and List; 0 where at once.
	Settle time.Duration
}

// Run holds a cloud to what package cloud promises. Each subtest is given a backend of its own.
func Run(t *testing.T, open func(t *testing.T) Backend) {
	for name, test := range map[string]func(*suite){
		"LaunchIsIdempotent":              launchIsIdempotent,
		"LaunchIsIdempotentAtOnce":        launchIsIdempotentAtOnce,
		"LaunchIsIdempotentAcrossClients": launchIsIdempotentAcrossClients,
		"IncarnationsAreApart":            incarnationsAreApart,
		"ReplacementsAreApart":            replacementsAreApart,
		"LaunchTellsForWhom":              launchTellsForWhom,
		"ListShowsWhatLives":              listShowsWhatLives,
		"TerminatedNeverLivesAgain":       terminatedNeverLivesAgain,
		"TerminateTwice":                  terminateTwice,
		"TerminateTheUnknown":             terminateTheUnknown,
		"DescribeTheUnknown":              describeTheUnknown,
		"ContextsAreObeyed":               contextsAreObeyed,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := open(t)
			test(&suite{T: t, backend: b, cloud: b.Connect(t)})
		})
	}
}

type suite struct {
	*testing.T
	backend Backend
	cloud   cloud.Cloud
}

// spec asks for a machine of a workspace that nobody else asks for.
func spec() cloud.Spec {
	return cloud.Spec{
		WorkspaceID: uuid.NewString(), Incarnation: 1, Name: "conformance", Runtime: "claude-code", Model: "kimi",
		Env: map[string]string{"WORKSPACE_AUTH_TOKEN": "secret"},
	}
}

func (s *suite) launch(c cloud.Cloud, sp cloud.Spec) cloud.Machine {
	s.Helper()
	m, err := c.Launch(context.Background(), sp)
	if err != nil {
		s.Fatalf("launch: %v", err)
	}
	if m.ID == "" {
		s.Fatal("launch returned a machine without an id")
	}
	return m
}

func (s *suite) terminate(id string) {
	s.Helper()
	if err := s.cloud.Terminate(context.Background(), id); err != nil {
		s.Fatalf("terminate %s: %v", id, err)
	}
}

// eventually tries until the cloud has had its time to settle.
func (s *suite) eventually(what string, try func() bool) {
	s.Helper()
	for deadline := time.Now().Add(s.backend.Settle); ; time.Sleep(20 * time.Millisecond) {
		if try() {
			return
		}
		if time.Now().After(deadline) {
			s.Fatalf("after %s: %s", s.backend.Settle, what)
		}
	}
}

func (s *suite) listed(id string) bool {
	s.Helper()
	all, err := s.cloud.List(context.Background())
	if err != nil {
		s.Fatalf("list: %v", err)
	}
	if !slices.IsSortedFunc(all, func(a, b cloud.Machine) int { return strings.Compare(a.ID, b.ID) }) {
		s.Errorf("the list is not in order of ids: %v", all)
	}
	return slices.ContainsFunc(all, func(m cloud.Machine) bool { return m.ID == id })
}

func launchIsIdempotent(s *suite) {
	sp := spec()
	first := s.launch(s.cloud, sp)
	if again := s.launch(s.cloud, sp); again.ID != first.ID {
		s.Errorf("the same launch gave %s, then %s", first.ID, again.ID)
	}
}

func launchIsIdempotentAtOnce(s *suite) {
	sp := spec()
	ids := make([]string, 8)
	var all sync.WaitGroup
	for i := range ids {
		all.Go(func() {
			if m, err := s.cloud.Launch(context.Background(), sp); err == nil {
				ids[i] = m.ID
			} else if cloud.Classify(err) == cloud.Permanent {
				s.Errorf("a launch beside the same was refused for good: %v", err)
			}
		})
	}
	all.Wait()
	want := s.launch(s.cloud, sp).ID
	for _, id := range ids {
		if id != "" && id != want {
			s.Errorf("the same launch gave %v, then %s", ids, want)
		}
	}
}

func launchIsIdempotentAcrossClients(s *suite) {
	sp := spec()
	first := s.launch(s.cloud, sp)
	if again := s.launch(s.backend.Connect(s.T), sp); again.ID != first.ID {
		s.Errorf("a controller that was restarted launched %s beside %s", again.ID, first.ID)
	}
}

func incarnationsAreApart(s *suite) {
	sp := spec()
	first := s.launch(s.cloud, sp)
	sp.Incarnation = 2
	if second := s.launch(s.cloud, sp); second.ID == first.ID {
		s.Errorf("two incarnations were given one machine, %s", first.ID)
	}
}

func replacementsAreApart(s *suite) {
	sp := spec()
	first := s.launch(s.cloud, sp)
	s.terminate(first.ID)
	sp.Replaces = first.ID
	second := s.launch(s.cloud, sp)
	if second.ID == first.ID || second.WorkspaceID != sp.WorkspaceID || second.Incarnation != sp.Incarnation {
		s.Errorf("what replaces %s is %+v", first.ID, second)
	}
	if again := s.launch(s.cloud, sp); again.ID != second.ID {
		s.Errorf("the same replacement gave %s, then %s", second.ID, again.ID)
	}
}

func launchTellsForWhom(s *suite) {
	sp := spec()
	sp.Incarnation = 3
	launched := s.launch(s.cloud, sp)
	s.eventually("describe does not show the machine as it was launched", func() bool {
		m, err := s.cloud.Describe(context.Background(), launched.ID)
		if errors.Is(err, cloud.ErrNotFound) {
			return false
		}
		if err != nil {
			s.Fatalf("describe: %v", err)
		}
		return m.ID == launched.ID && m.WorkspaceID == sp.WorkspaceID && m.Incarnation == 3 && m.State.Live()
	})
}

func listShowsWhatLives(s *suite) {
	m := s.launch(s.cloud, spec())
	s.eventually("the list lacks a machine that was launched", func() bool { return s.listed(m.ID) })
	s.terminate(m.ID)
	s.eventually("the list shows a machine that was terminated", func() bool { return !s.listed(m.ID) })
}

func terminatedNeverLivesAgain(s *suite) {
	sp := spec()
	m := s.launch(s.cloud, sp)
	s.terminate(m.ID)
	s.eventually("a terminated machine is live", func() bool {
		got, err := s.cloud.Describe(context.Background(), m.ID)
		return errors.Is(err, cloud.ErrNotFound) || err == nil && !got.State.Live()
	})
	if again, err := s.cloud.Launch(context.Background(), sp); err == nil && again.ID == m.ID {
		got, err := s.cloud.Describe(context.Background(), m.ID)
		if err == nil && (got.State == cloud.Pending || got.State == cloud.Running) {
			s.Errorf("launching again brought the terminated machine %s back", m.ID)
		}
	}
}

func terminateTwice(s *suite) {
	m := s.launch(s.cloud, spec())
	s.terminate(m.ID)
	s.terminate(m.ID)
}

func terminateTheUnknown(s *suite) { s.terminate(s.gone()) }

// gone returns the id of a machine that is not there, in the form that the cloud gives ids.
func (s *suite) gone() string {
	id := []byte(s.launch(s.cloud, spec()).ID)
	for i := len(id) - 1; i > len(id)-5 && i >= 0; i-- {
		id[i] = '9'
	}
	return string(id)
}

func describeTheUnknown(s *suite) {
	if _, err := s.cloud.Describe(context.Background(), s.gone()); !errors.Is(err, cloud.ErrNotFound) {
		s.Errorf("describing an unknown machine gave %v", err)
	}
}

func contextsAreObeyed(s *suite) {
	m := s.launch(s.cloud, spec())
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := s.cloud.Launch(ctx, spec()); !errors.Is(err, context.Canceled) {
		s.Errorf("launch under a cancelled context gave %v", err)
	}
	if err := s.cloud.Terminate(ctx, m.ID); !errors.Is(err, context.Canceled) {
		s.Errorf("terminate under a cancelled context gave %v", err)
	}
	if _, err := s.cloud.Describe(ctx, m.ID); !errors.Is(err, context.Canceled) {
		s.Errorf("describe under a cancelled context gave %v", err)
	}
	if _, err := s.cloud.List(ctx); !errors.Is(err, context.Canceled) {
		s.Errorf("list under a cancelled context gave %v", err)
	}
}
