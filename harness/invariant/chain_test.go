package invariant_test

import (
	"strings"
	"testing"

	"github.com/bootrace/bootrace/controller/lifecycle"
	"github.com/bootrace/bootrace/harness/history"
	"github.com/bootrace/bootrace/harness/invariant"
	"github.com/bootrace/bootrace/harness/plan"
)

// explained ends the story, and returns the first violation with its explanation.
func explained(t *testing.T, s *story) (*invariant.Violation, invariant.Explanation) {
	t.Helper()
	j := s.end()
	x := j.First()
	if x == nil {
		t.Fatalf("nothing is violated: %v", j.Doubts)
	}
	return x, invariant.Explain(s.plan, &history.History{Events: s.events}, x)
}

// failedLate is a boot that was given up, whose agent registers late and beats.
func failedLate() *story {
	s := newStory()
	s.create().at(10*minute).moved(lifecycle.ProvisionTimeout, lifecycle.Failed, "provision-sweep", "timeout")
	s.at(12 * minute).add(history.Event{Kind: history.Agent, Inc: 1, Machine: "i-1", Phase: history.Started})
	s.agent("register", 1, 200)
	return s
}

// "Too late" and "never" are two texts, and what is counted ends where the workspace moved on.
func TestTooLateIsNotNever(t *testing.T) {
	t.Parallel()
	late := failedLate()
	late.beats(13 * minute)
	late.at(13*minute+24*second).moved(lifecycle.Beat, lifecycle.Online, "heartbeat", "").ByInc = 1
	late.agent("heartbeat", 1, 200)
	late.beats(60 * minute)
	_, e := explained(t, late)
	for _, words := range []string{"accepted 2 heartbeats", "left it failed", "54s too late"} {
		if !strings.Contains(e.Mechanism, words) {
			t.Errorf("the mechanism does not say %q: %s", words, e.Mechanism)
		}
	}
	for _, words := range []string{"no transition", "for ever", "to the end of the run"} {
		if strings.Contains(e.Mechanism, words) {
			t.Errorf("the mechanism says %q of a workspace that is online: %s", words, e.Mechanism)
		}
	}
	never := failedLate()
	never.beats(60 * minute)
	if _, e = explained(t, never); !strings.Contains(e.Mechanism, "no transition out of it") || strings.Contains(e.Mechanism, "too late") {
		t.Errorf("of one that is never online: %s", e.Mechanism)
	}
}

// A move's author is who the world recorded; who is not known is not taken for the operator.
func TestAuthors(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		by, actor string
		want      string
	}{
		{"monitor", history.ActorTick, "The tick monitor wrote offline"},
		{"monitor", "", "An unknown writer (monitor) wrote offline"},
		{"liveness-sweep", "", "The liveness sweeper wrote offline"},
		{"restart", history.ActorOperator, "The operator's restart wrote offline"},
		{"restart", "", "The operator's restart wrote offline"},
		{"heartbeat", history.ActorAgent, "The heartbeat handler wrote offline"},
	} {
		s := newStory()
		s.create().at(minute).lives().beats(5*minute).at(5*minute+second).moved(lifecycle.Silence, lifecycle.Offline, c.by, "silent").Actor = c.actor
		s.at(5*minute+30*second).moved(lifecycle.Beat, lifecycle.Online, "heartbeat", "").ByInc = 1
		s.agent("heartbeat", 1, 200)
		s.beats(60 * minute)
		_, e := explained(t, s)
		if !strings.Contains(e.Mechanism, c.want) {
			t.Errorf("%s of %q: %s", c.by, c.actor, e.Mechanism)
		}
		for _, l := range e.Timeline {
			if c.by != "liveness-sweep" && strings.Contains(l.Text, "liveness sweep") {
				t.Errorf("%s of %q: beside it the timeline says %q", c.by, c.actor, l.Text)
			}
		}
	}
}

// A controller with a quota of its own fails its fourth launch: there is nothing newer that it wrote over.
func TestNothingNewerNoLoser(t *testing.T) {
	t.Parallel()
	s := newStory()
	s.moved(lifecycle.Create, lifecycle.Provisioning, "create", "")
	s.operator("create", 201, "provisioning")
	s.at(5 * second).add(history.Event{Kind: history.Cloud, Call: "launch", Inc: 1, Sent: history.Time(4 * second), Err: "throttled"})
	s.at(minute).moved(lifecycle.LaunchFailed, lifecycle.Failed, "launcher", "quota of launches reached")
	if f := finding(t, s.end(), "loser-cannot-overwrite-winner"); f.Verdict != invariant.Held {
		t.Errorf("it is blamed: %v", f.Violations)
	}
	// The same without any call to the cloud, as the first thing that happens.
	s = newStory()
	s.moved(lifecycle.Create, lifecycle.Provisioning, "create", "")
	s.operator("create", 201, "provisioning")
	s.at(minute).moved(lifecycle.LaunchFailed, lifecycle.Failed, "launcher", "quota of launches reached")
	if f := finding(t, s.end(), "loser-cannot-overwrite-winner"); f.Verdict != invariant.Held {
		t.Errorf("it is blamed: %v", f.Violations)
	}
}

// Where something newer was written over, the text names both steps, and their order.
func TestLoserNamesBothSteps(t *testing.T) {
	t.Parallel()
	s := newStory()
	s.create().at(minute).lives().beats(2 * minute)
	s.at(3*minute).moved(lifecycle.Pause, lifecycle.Paused, "pause", "").Actor = history.ActorOperator
	s.operator("pause", 200, "paused")
	s.machine(1, history.Terminated)
	s.at(3*minute+second).moved(lifecycle.Silence, lifecycle.Offline, "liveness-sweep", "silent").Actor = history.ActorTick
	s.events = append(s.events, history.Event{
		At: history.Time(s.now), Kind: history.Turn, By: "liveness-sweep", Code: 1, Sent: history.Time(3*minute - second), Logged: history.Time(s.now),
	})
	x, e := explained(t, s)
	if x.Invariant != "loser-cannot-overwrite-winner" {
		t.Errorf("blamed is %s", x.Invariant)
	}
	for _, words := range []string{"The operator's pause made it paused at +03:00.0", "the liveness sweeper", "began at +02:59.0", "1s before it", "written as offline"} {
		if !strings.Contains(e.Mechanism, words) {
			t.Errorf("the mechanism does not say %q: %s", words, e.Mechanism)
		}
	}
}

// The headline is the earliest of what was broken, and at one moment the move before what the row says of it afterwards.
func TestBlameIsByCausality(t *testing.T) {
	t.Parallel()
	s := newStory()
	s.create().at(minute).lives().beats(2 * minute)
	s.at(2*minute+10*second).moved(lifecycle.Register, lifecycle.Failed, "register", "").ByInc = 1
	s.agent("register", 1, 200)
	s.beats(60 * minute)
	j := s.end()
	if x := j.First(); x.Invariant != "stays-online" && x.Invariant != "legal-edges" {
		t.Errorf("a register that fails its workspace is headlined %s: %s", x.Invariant, x.What)
	}
	last := history.Time(0)
	for _, f := range j.Following() {
		if f.At < last {
			t.Errorf("what follows is out of order: %v", j.Following())
		}
		last = f.At
	}
	if last == 0 {
		t.Error("nothing follows")
	}
}

// No machine is called that of a former boot where there is none.
func TestFormerBoot(t *testing.T) {
	t.Parallel()
	s := newStory()
	s.create().at(minute).lives().beats(2*minute).at(3*minute).moved(lifecycle.Remove, lifecycle.Removed, "delete", "")
	s.operator("delete", 200, "removed")
	_, e := explained(t, s)
	if strings.Contains(e.Mechanism, "former boot") {
		t.Error(e.Mechanism)
	}
	s = newStory()
	s.create().at(minute).lives().beats(2*minute).at(3*minute).moved(lifecycle.Restart, lifecycle.Provisioning, "restart", "")
	s.operator("restart", 200, "provisioning")
	s.at(4*minute).machine(2, history.Launched)
	s.lives().beats(60 * minute)
	if _, e = explained(t, s); !strings.Contains(e.Mechanism, "former boot") {
		t.Error(e.Mechanism)
	}
}

// Every violation has a story that says more than its own sentence, whatever the invariant.
func TestEveryInvariantHasAStory(t *testing.T) {
	t.Parallel()
	for _, c := range cases {
		if !c.red {
			continue
		}
		s := newStory()
		c.tell(s)
		j := s.end()
		for i := range finding(t, j, c.invariant).Violations {
			x := &finding(t, j, c.invariant).Violations[i]
			e := invariant.Explain(s.plan, &history.History{Events: s.events}, x)
			if own := strings.TrimSuffix(x.What, "."); x.Workspace > 0 && strings.EqualFold(strings.TrimSuffix(e.Mechanism, "."), own) {
				t.Errorf("%s, %s: the mechanism is the violation's own sentence: %s", c.invariant, c.name, e.Mechanism)
			}
		}
	}
}

// What a chain goes through stands in its story and in its timeline: a turn that failed, with the fault that struck it; and a
// write that never came names the turns that should have made it, and how many there were.
func TestTroublesAreTold(t *testing.T) {
	t.Parallel()
	s := newStory()
	s.create().fault(plan.Fault{Kind: "store-error", From: plan.Duration(10 * minute), Until: plan.Duration(11 * minute), Calls: []string{"expire_boots"}})
	s.at(10*minute + 21*second)
	s.events = append(s.events, history.Event{
		At: history.Time(s.now), Kind: history.Step, By: "provision-sweep", Actor: history.ActorTick, Replica: 1, Call: "expire_boots",
		Err: "store: connection lost", Fault: 1,
	}, history.Event{
		At: history.Time(s.now), Kind: history.Turn, By: "provision-sweep", Replica: 1, Code: 1, Sent: history.Time(10*minute + 20*second),
		Logged: history.Time(s.now), Err: "store: connection lost",
	})
	s.at(40 * minute)
	s.events = append(s.events, history.Event{
		At: history.Time(s.now), Kind: history.Turn, By: "provision-sweep", Replica: 1, Code: 58, Sent: history.Time(10*minute + 51*second),
		Logged: history.Time(s.now),
	})
	x, e := explained(t, s)
	if x.Invariant != "gives-up" {
		t.Fatalf("blamed is %s", x.Invariant)
	}
	for _, words := range []string{"expire_boots of the provision-timeout sweeper at +10:21.0 failed: store: connection lost (fault 1)", "58 turns"} {
		if !strings.Contains(e.Mechanism, words) {
			t.Errorf("the mechanism does not say %q: %s", words, e.Mechanism)
		}
	}
	found := false
	for _, l := range e.Timeline {
		found = found || strings.Contains(l.Text, "failed: store: connection lost (fault 1)")
	}
	if !found {
		t.Errorf("the timeline does not show it: %v", e.Timeline)
	}
}
