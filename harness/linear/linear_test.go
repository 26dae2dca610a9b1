package linear_test

import (
	"bytes"
	"context"
	"strings"
	"testing"
	"time"

	"github.com/bootrace/bootrace/controller/defects"
	"github.com/bootrace/bootrace/controller/lifecycle"
	"github.com/bootrace/bootrace/harness"
	"github.com/bootrace/bootrace/harness/generate"
	"github.com/bootrace/bootrace/harness/history"
	"github.com/bootrace/bootrace/harness/linear"
	"github.com/bootrace/bootrace/harness/oracle"
	"github.com/bootrace/bootrace/harness/plan"
	"github.com/bootrace/bootrace/harness/sim"
	"github.com/bootrace/bootrace/harness/stores"
	"github.com/bootrace/bootrace/scenarios"
)

func play(t *testing.T, name string, seed uint64, defect string) *harness.Outcome {
	t.Helper()
	s, err := scenarios.Find(name)
	if err != nil {
		t.Fatal(err)
	}
	p, err := plan.Resolve(s, seed)
	if err != nil {
		t.Fatal(err)
	}
	var d *defects.Defect
	if defect != "" {
		if d, err = defects.Find(defect); err != nil {
			t.Fatal(err)
		}
	}
	o := harness.Play(context.Background(), p, stores.Memory(), sim.Reference(d), nil)
	if o.Fault != nil {
		t.Fatal(o.Fault)
	}
	return o
}

// TestBuiltinSuiteIsLinearizable checks the histories of the whole suite, in which every fault strikes.
func TestBuiltinSuiteIsLinearizable(t *testing.T) {
	t.Parallel()
	for _, name := range scenarios.Names() {
		for seed := range uint64(3) {
			o := play(t, name, seed, "")
			problems, replies := linear.Check(o.Plan, o.History, linear.Timeout)
			for _, x := range problems {
				t.Errorf("%s, seed %d, workspace %d: %s (unknown: %v)", name, seed, x.Workspace, x.What, x.Unknown)
			}
			if replies < len(o.Plan.Workspaces) {
				t.Errorf("%s, seed %d: only %d replies of %d workspaces", name, seed, replies, len(o.Plan.Workspaces))
			}
		}
	}
}

// TestGeneratedPlansAreLinearizable checks the histories of plans that a search draws.
func TestGeneratedPlansAreLinearizable(t *testing.T) {
	t.Parallel()
	for seed := range uint64(200) {
		draws := oracle.NewRandom(seed, "linear")
		p := generate.Plan(func(_ string, n int) int { return int(draws.Choose(oracle.Ident, uint64(n))) }, generate.Random)
		o := harness.Play(context.Background(), p, stores.Memory(), sim.Reference(nil), nil)
		problems, _ := linear.Check(p, o.History, linear.Timeout)
		for _, x := range problems {
			t.Errorf("seed %d, workspace %d: %s (unknown: %v)", seed, x.Workspace, x.What, x.Unknown)
		}
	}
}

// TestDefectsHaveNoLegalOrder checks histories of controllers that say what cannot be.
func TestDefectsHaveNoLegalOrder(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		defect, scenario string
		says             string
	}{
		{"sticky-failed", "mass-cold-start", "and then it is said to be failed"},
		{"degraded-resurrect", "delete-while-recovering", "it can only be removed, and then it is said to be online"},
		{"old-incarnation-online", "cloud-lost-replies", "heartbeat of incarnation 1 got 200"},
		{"unpause-by-register", "pause-resume-during-boot", "it can only be paused, and then it is said to be online"},
		{"enum-drift", "external-agents", "it can only be awaiting_agent, and then it is said to be provisioning"},
		{"lying-hibernate", "hibernate-and-wake", "it can only be hibernated, and then it is said to be online"},
	} {
		// Which of its races a scenario has depends on the seed.
		var o *harness.Outcome
		var problems []linear.Problem
		for seed := uint64(0); seed < 5 && len(problems) == 0; seed++ {
			o = play(t, c.scenario, seed, c.defect)
			problems, _ = linear.Check(o.Plan, o.History, linear.Timeout)
		}
		if len(problems) == 0 {
			t.Errorf("%s: every reply fits", c.defect)
			continue
		}
		x := problems[0]
		if x.Unknown || !strings.Contains(x.What, c.says) {
			t.Errorf("%s: %s (unknown: %v)", c.defect, x.What, x.Unknown)
		}
		var page bytes.Buffer
		if err := linear.Draw(&page, o.Plan, o.History, x.Workspace); err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(page.String(), "<html") || !strings.Contains(page.String(), "said to be") || strings.Contains(page.String(), `src="http`) {
			t.Errorf("%s: the picture is none, or needs the network", c.defect)
		}
	}
}

const second = history.Time(time.Second)

func call(at history.Time, actor, name string, inc, code int, says string) history.Event {
	return history.Event{
		Sent: at, At: at + second/10, Kind: history.Call, WS: 1, Actor: actor, Call: name, Inc: inc, Code: code, Says: says, Replica: 1,
	}
}

func agent(at history.Time, name string, code int) history.Event {
	return call(at, history.ActorAgent, name, 1, code, "")
}

func operator(at history.Time, name string, code int, says string) history.Event {
	return call(at, history.ActorOperator, name, 0, code, says)
}

// TestByHand checks what the model makes of single histories.
func TestByHand(t *testing.T) {
	t.Parallel()
	create := operator(0, "create", 201, "provisioning")
	removed := operator(10*second, "delete", 200, "removed")
	lost := operator(10*second, "delete", 0, "")
	late := removed
	late.At += 10 * second
	for _, c := range []struct {
		name   string
		events []history.Event
		legal  bool
	}{
		{"a register after the removal", []history.Event{create, agent(second, "register", 200), removed, agent(12*second, "register", 200)}, false},
		{"a register while it is removed", []history.Event{create, agent(12*second, "register", 200), late}, true},
		{"a register while it is removed, and one after", []history.Event{create, agent(12*second, "register", 200), late, agent(21*second, "heartbeat", 200)}, false},
		{"a removal without an answer that happens late", []history.Event{create, lost, agent(20*second, "heartbeat", 200), agent(30*second, "heartbeat", 410)}, true},
		{"a removal without an answer that never happens", []history.Event{create, lost, agent(20*second, "heartbeat", 200)}, true},
		{"a removal that happens, and is undone", []history.Event{create, lost, agent(20*second, "heartbeat", 410), agent(30*second, "heartbeat", 200)}, false},
		{"a 410 for nothing", []history.Event{create, agent(20*second, "heartbeat", 410)}, false},
		{"a heartbeat for nobody", []history.Event{agent(second, "heartbeat", 200)}, false},
		{"swept between two beats", []history.Event{
			create, agent(second, "register", 200), operator(2*second, "state", 200, "offline"), agent(3*second, "heartbeat", 200),
			operator(4*second, "state", 200, "online"),
		}, true},
		{"failed though its beat was accepted", []history.Event{
			create, operator(2*second, "state", 200, "failed"), agent(3*second, "heartbeat", 200), operator(4*second, "state", 200, "failed"),
		}, false},
		{"hibernated, and online", []history.Event{
			create, agent(second, "register", 200), operator(2*second, "hibernate", 200, "hibernated"), operator(4*second, "state", 200, "online"),
		}, false},
		{"paused and resumed", []history.Event{
			create, operator(2*second, "pause", 200, "paused"), operator(3*second, "resume", 200, ""),
			call(4*second, history.ActorAgent, "register", 2, 200, ""), operator(5*second, "state", 200, "online"),
		}, true},
		{"online without a resume", []history.Event{
			create, agent(second, "register", 200), operator(2*second, "pause", 200, "paused"), operator(5*second, "state", 200, "online"),
		}, false},
		{"the old incarnation after a restart", []history.Event{
			create, operator(2*second, "restart", 200, "provisioning"), agent(4*second, "heartbeat", 200),
		}, false},
		{"an unanswered register that lands after the restart", []history.Event{
			create, agent(second, "register", 0), operator(2*second, "restart", 200, "provisioning"), operator(4*second, "state", 200, "online"),
		}, false},
		{"a 5xx that took effect", []history.Event{
			create, agent(second, "register", 200), operator(2*second, "hibernate", 503, ""), operator(4*second, "state", 200, "hibernating"),
		}, true},
		{"a reading of what cannot be", []history.Event{
			create, removed, {Kind: history.Reading, WS: 1, Sent: 20 * second, At: 20 * second, To: lifecycle.Online},
		}, false},
	} {
		p := &plan.Plan{Workspaces: []plan.Workspace{{Name: "w-1", Boots: []plan.Boot{{}}}}}
		problems, _ := linear.Check(p, &history.History{Events: c.events}, linear.Timeout)
		if legal := len(problems) == 0; legal != c.legal {
			t.Errorf("%s: legal is %v, want %v: %+v", c.name, legal, c.legal, problems)
		}
	}
}

// TestParents checks that a pause or a resume of a parent may have moved its child, and nobody else.
func TestParents(t *testing.T) {
	t.Parallel()
	of := func(workspace int, e history.Event) history.Event {
		e.WS = workspace
		return e
	}
	events := []history.Event{
		operator(0, "create", 201, "provisioning"), of(2, operator(0, "create", 201, "provisioning")), operator(2*second, "pause", 200, "paused"),
		of(2, operator(4*second, "state", 200, "paused")), operator(6*second, "resume", 200, ""), of(2, operator(8*second, "state", 200, "provisioning")),
	}
	for parent, legal := range []bool{false, true} {
		p := &plan.Plan{Workspaces: []plan.Workspace{
			{Name: "w-1", Boots: []plan.Boot{{}}}, {Name: "w-2", Parent: parent, Boots: []plan.Boot{{}}},
		}}
		if problems, _ := linear.Check(p, &history.History{Events: events}, linear.Timeout); (len(problems) == 0) != legal {
			t.Errorf("with parent %d: %+v", parent, problems)
		}
	}
}

// TestManyLostCalls checks that calls without an answer do not make the search long, and that one that is too long says so.
func TestManyLostCalls(t *testing.T) {
	t.Parallel()
	p := &plan.Plan{Workspaces: []plan.Workspace{{Name: "w-1", Boots: []plan.Boot{{}}}}}
	h := &history.History{Events: []history.Event{operator(0, "create", 201, "provisioning"), agent(second, "register", 200)}}
	for i := range history.Time(500) {
		h.Add(agent((2+i)*second, "heartbeat", 0))
	}
	h.Add(operator(600*second, "state", 200, "online"))
	if problems, _ := linear.Check(p, h, linear.Timeout); len(problems) > 0 {
		t.Errorf("%+v", problems)
	}
	problems, _ := linear.Check(p, h, time.Nanosecond)
	if len(problems) != 1 || !problems[0].Unknown || !strings.Contains(problems[0].What, "was found in 1ns") {
		t.Errorf("without time: %+v", problems)
	}
}
