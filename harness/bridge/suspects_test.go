package bridge_test

import (
	"context"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bootrace/bootrace/harness/bridge"
	"github.com/bootrace/bootrace/harness/foreign"
	"github.com/bootrace/bootrace/harness/foreign/foreigntest"
	"github.com/bootrace/bootrace/harness/history"
	"github.com/bootrace/bootrace/harness/invariant"
	"github.com/bootrace/bootrace/harness/plan"
	"github.com/bootrace/bootrace/scenarios"
)

// somebodys plays a scenario against a server of somebody else's, in virtual time.
func somebodys(t *testing.T, b foreigntest.Behaviour, scenario string) (p *plan.Plan, h *history.History) {
	t.Helper()
	s, err := scenarios.Find(scenario)
	if err != nil {
		t.Fatal(err)
	}
	synctest.Test(t, func(t *testing.T) {
		network := new(foreigntest.Network)
		server, err := foreigntest.Start(foreigntest.Config{Behaviour: b, Listen: network.Listen, Dial: network.Dial})
		if err != nil {
			t.Fatal(err)
		}
		defer server.Close()
		session, err := foreign.Open(t.Context(), foreign.Target{URL: server.URL, Token: foreigntest.AdminToken, Network: network, Poll: 5 * time.Second})
		if err != nil {
			t.Fatal(err)
		}
		defer session.Close()
		if p, _, err = session.Target().Fit(s, 7); err != nil {
			t.Fatal(err)
		}
		if h, err = session.Play(t.Context(), p); err != nil {
			t.Fatal(err)
		}
	})
	return p, h
}

// TestSuspectsFit names defects only where they break the promise by the same mechanism: an agent that is locked out is no flap.
func TestSuspectsFit(t *testing.T) {
	t.Parallel()
	p, h := somebodys(t, foreigntest.Behaviour{KeepsToken: true}, "machine-death")
	first := invariant.Judge(p, h).First()
	if first == nil || first.Invariant != "converges" {
		t.Fatalf("violated: %+v", first)
	}
	told := invariant.Explain(p, h, first).Mechanism
	for _, want := range []string{"got 401", "The token that is live was issued to incarnation 1 by its register at +", "the restart at +", "did not revoke it, so incarnation 2"} {
		if !strings.Contains(told, want) {
			t.Errorf("the mechanism lacks %q: %s", want, told)
		}
	}
	found, err := bridge.Suspects(context.Background(), p, h, first.Invariant, 1, 2)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, r := range found {
		names = append(names, r.Defect)
	}
	if !slices.Contains(names, "restart-token-lockout") || slices.Contains(names, "flap") || slices.Contains(names, "sticky-failed") {
		t.Errorf("suspected of a lock-out: %v", names)
	}
}

// TestNoSuspectsWithoutAMechanism names no defect of a promise of which the run shows no mechanism, though defects there are that break it.
func TestNoSuspectsWithoutAMechanism(t *testing.T) {
	t.Parallel()
	p, h := somebodys(t, foreigntest.Behaviour{KeepsToken: true}, "machine-death")
	for _, name := range []string{"legal-edges", "one-machine", "linearizable"} {
		found, err := bridge.Suspects(context.Background(), p, h, name, 1, 1)
		if err != nil || len(found) > 0 {
			t.Errorf("suspected of %s, which the run does not break: %v, %v", name, found, err)
		}
	}
}

// TestWhoIsStuck says which kind of agent is stuck, and why the other is not.
func TestWhoIsStuck(t *testing.T) {
	t.Parallel()
	p, h := somebodys(t, foreigntest.Behaviour{BeatIgnoresFailed: true}, "minimax-past-budget")
	first := invariant.Judge(p, h).First()
	if first == nil || first.Invariant != "converges" || !p.Workspaces[first.Workspace-1].SkipRegister {
		t.Fatalf("violated: %+v", first)
	}
	told := invariant.Explain(p, h, first).Mechanism
	for _, want := range []string{"Its agent never registers", "until its agent registered at +", "here a register heals that, and a heartbeat does not"} {
		if !strings.Contains(told, want) {
			t.Errorf("the mechanism lacks %q: %s", want, told)
		}
	}
}
