package foreign_test

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bootrace/bootrace/harness/foreign"
	"github.com/bootrace/bootrace/harness/foreign/foreigntest"
	"github.com/bootrace/bootrace/harness/history"
	"github.com/bootrace/bootrace/harness/invariant"
)

// TestAgentsThatAreNotLetIn has a server mint tokens where nobody outside can read them: that says nothing of it, and is said at once.
func TestAgentsThatAreNotLetIn(t *testing.T) {
	t.Parallel()
	stage(t, foreigntest.Behaviour{TokensElsewhere: true}, short, nil, func(t *testing.T, x *staged) {
		p, _, err := x.session.Target().Fit(find(t, "minimax-past-budget")[0], 7)
		if err != nil {
			t.Fatal(err)
		}
		began := time.Now()
		h, err := x.session.Play(t.Context(), p)
		if !errors.Is(err, foreign.ErrShutOut) || !strings.Contains(err.Error(), "--serve-cp") || !strings.Contains(err.Error(), "--boots none") {
			t.Errorf("it says %v", err)
		}
		if took := time.Since(began); took > 10*time.Second { // short: it is the bubble's time, and none of the machine's
			t.Errorf("it took %s to say so", took)
		}
		if j := invariant.Judge(p, h); j.Verdict == invariant.Violated {
			t.Errorf("it is accused: %v", j.Violations())
		}
		if left := x.server.Left(); len(left) > 0 {
			t.Errorf("left: %v", left)
		}
	})
}

// TestNothingBoots has a server that has nothing to boot a workspace with, and one that never sweeps: neither has held anything.
func TestNothingBoots(t *testing.T) {
	t.Parallel()
	for name, b := range map[string]foreigntest.Behaviour{"no provisioner": {NoProvisioner: true}, "no sweep": {NoSweep: true}} {
		stage(t, b, short, nil, func(t *testing.T, x *staged) {
			one := x.play(t, find(t, "minimax-past-budget")...)[0]
			if j := invariant.Judge(one.plan, one.history); j.Verdict == invariant.Held {
				t.Errorf("%s: %s", name, j.Verdict)
			}
		})
	}
}

// TestLimit plays against a server that allows so many calls a minute: agents are not turned away, nothing is accused, and all is
// deleted.
func TestLimit(t *testing.T) {
	t.Parallel()
	fast := func(x *foreign.Target) { x.Poll = 200 * time.Millisecond }
	stage(t, foreigntest.Behaviour{RateLimit: 120}, short, fast, func(t *testing.T, x *staged) {
		for _, one := range x.play(t, find(t, "minimax-past-budget")...) {
			held(t, one.plan, one.history)
			for _, e := range one.history.Events {
				if e.Kind == history.Call && e.Actor == history.ActorAgent && e.Code == http.StatusTooManyRequests {
					t.Errorf("an agent's %s was turned away at %s", e.Call, e.At.D())
					break
				}
			}
		}
		if got := x.session.Limit(); got != 120 {
			t.Errorf("the limit is said to be %d", got)
		}
		if left := x.server.Left(); len(left) > 0 {
			t.Errorf("left: %v", left)
		}
		p, _, err := x.session.Target().Fit(find(t, "mass-cold-start")[0], 7)
		if err != nil {
			t.Fatal(err)
		}
		if why := x.session.TooMuch(p); !strings.Contains(why, "the target allows 120") {
			t.Errorf("200 workspaces: %q", why)
		}
	})
}

// TestLimitThatIsUsedUp opens a target whose limit others have used up: it is waited out.
func TestLimitThatIsUsedUp(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		network := new(foreigntest.Network)
		server, err := foreigntest.Start(foreigntest.Config{Behaviour: foreigntest.Behaviour{RateLimit: 1}, Listen: network.Listen, Dial: network.Dial})
		if err != nil {
			t.Fatal(err)
		}
		defer server.Close()
		began := time.Now()
		s, err := foreign.Open(t.Context(), foreign.Target{URL: server.URL, Token: foreigntest.AdminToken, Network: network})
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		if took := time.Since(began); took < 50*time.Second || took > 3*time.Minute {
			t.Errorf("it waited %s", took)
		}
	})
}

// TestCleanWaitsOutTheLimit has more to delete than the target allows in a minute.
func TestCleanWaitsOutTheLimit(t *testing.T) {
	t.Parallel()
	stage(t, foreigntest.Behaviour{RateLimit: 40}, short, nil, func(t *testing.T, x *staged) {
		const mark = "br0123456789"
		for i := range 100 {
			x.server.Put(fmt.Sprintf("kimi-%d-%s-%06x", i, mark, i), "failed")
		}
		x.server.Put("somebody's own", "online")
		deleted, left, err := foreign.Clean(t.Context(), x.session.Target(), mark)
		if rest := x.server.Left(); deleted != 100 || len(left) > 0 || err != nil || len(rest) != 1 {
			t.Errorf("deleted %d, left %v and %v, %v", deleted, left, rest, err)
		}
		if n := x.server.Limited(); n == 0 || n > 40 { // eight at a time, once in each of three minutes
			t.Errorf("%d calls were refused: none, or many, is no waiting", n)
		}
	})
}

// TestWhatIsLeftIsListed has the target go away before anything could be deleted.
func TestWhatIsLeftIsListed(t *testing.T) {
	t.Parallel()
	stage(t, foreigntest.Behaviour{}, short, nil, func(t *testing.T, x *staged) {
		p, _, err := x.session.Target().Fit(find(t, "minimax-past-budget")[0], 7)
		if err != nil {
			t.Fatal(err)
		}
		go func() {
			time.Sleep(time.Minute) // sleeps: it is the bubble's time, and says when the target dies
			x.server.Die()
		}()
		if _, err := x.session.Play(t.Context(), p); err == nil {
			t.Error("it was played to its end")
		}
		if left := x.session.Left(); len(left) != 10 || left[0].ID == "" || left[0].Why == "" {
			t.Errorf("10 workspaces are left, and it lists %v", left)
		}
		x.server.Live()
		deleted, left, err := foreign.Clean(t.Context(), x.session.Target(), x.session.Target().Run)
		if deleted != 10 || len(left) > 0 || err != nil || len(x.server.Left()) > 0 {
			t.Errorf("deleted %d, left %v and %v, %v", deleted, left, x.server.Left(), err)
		}
	})
}

// TestProvisionsToTheLetter has a server send the same provision for a boot as for the one before it, whose machine it may not have
// stopped: each is given a machine. Faults strike also those that come before the reply to the create.
func TestProvisionsToTheLetter(t *testing.T) {
	t.Parallel()
	served := func(x *foreign.Target) { x.ServeCP = stagedCP }
	stage(t, foreigntest.Behaviour{SameProvision: true, StopsNothing: true, ProvisionFirst: true, ThrottledIsRefused: true}, short, served, func(t *testing.T, x *staged) {
		for _, one := range x.play(t, find(t, "pause-resume-during-boot", "cloud-throttling")...) {
			launched, struck := map[int]int{}, 0
			for _, e := range one.history.Events {
				if e.Kind == history.Machine && e.Phase == history.Launched {
					launched[e.WS]++
				}
				if e.Kind == history.Fault && e.Phase == history.Struck {
					struck++
				}
			}
			for i := range one.plan.Workspaces {
				if want := 2; one.plan.Name == "pause-resume-during-boot" && launched[i+1] != want {
					t.Errorf("workspace %d got %d machines, not %d", i+1, launched[i+1], want)
				}
			}
			if struck == 0 && one.plan.Name == "cloud-throttling" {
				t.Errorf("%s: no fault struck", one.plan.Name)
			}
		}
	})
}
