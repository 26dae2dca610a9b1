package invariant_test

import (
	"testing"
	"time"

	"github.com/bootrace/bootrace/controller/lifecycle"
	"github.com/bootrace/bootrace/harness/history"
	"github.com/bootrace/bootrace/harness/invariant"
	"github.com/bootrace/bootrace/harness/plan"
	"github.com/bootrace/bootrace/scenarios"
)

// story writes a history by hand, of a plan with one workspace.
type story struct {
	plan   *plan.Plan
	events []history.Event
	logs   []history.Event
	now    time.Duration
	status lifecycle.Status
	inc    int
	token  bool
	cause  string
}

func newStory() *story {
	return &story{plan: &plan.Plan{
		Name: "story", Duration: plan.Duration(time.Hour), Controllers: 1,
		Workspaces: []plan.Workspace{{Name: "w-1", Group: "w", Provider: "kimi", Runtime: "claude-code", Boots: []plan.Boot{{}}}},
	}, token: true}
}

// at moves the story's clock.
func (s *story) at(d time.Duration) *story { s.now = d; return s }

// add writes an event of the workspace, and returns it to be altered.
func (s *story) add(e history.Event) *history.Event {
	e.At, e.WS = history.Time(s.now), 1
	s.events = append(s.events, e)
	return &s.events[len(s.events)-1]
}

// moved writes a move of the row with its log entry.
func (s *story) moved(e lifecycle.Event, to lifecycle.Status, by, cause string) *history.Event {
	s.logs = append(s.logs, history.Event{
		Kind: history.Log, WS: 1, Inc: s.nextInc(e), Event: e, From: s.status, To: to, Cause: cause, Logged: history.Time(s.now),
	})
	return s.movedUnlogged(e, to, by, cause)
}

func (s *story) nextInc(e lifecycle.Event) int {
	if s.inc == 0 || e.BeginsIncarnation() {
		return s.inc + 1
	}
	return s.inc
}

func (s *story) movedUnlogged(e lifecycle.Event, to lifecycle.Status, by, cause string) *history.Event {
	from := s.status
	s.inc = s.nextInc(e)
	s.status = to
	s.cause = ""
	if to == lifecycle.Failed {
		s.cause = cause
	}
	if to == lifecycle.Removed {
		s.token = false
	}
	return s.add(history.Event{Kind: history.Move, Inc: s.inc, From: from, To: to, By: by})
}

// create creates the workspace and launches its machine.
func (s *story) create() *story {
	s.moved(lifecycle.Create, lifecycle.Provisioning, "create", "")
	s.operator("create", 201, "provisioning")
	s.machine(1, history.Launched)
	return s
}

// external creates a workspace that runs elsewhere, at a URL that the operator knows.
func (s *story) external() *story {
	s.plan.Workspaces[0].External, s.plan.Workspaces[0].KnownURL = true, true
	s.moved(lifecycle.CreateExternal, lifecycle.Online, "create", "")
	s.operator("create", 201, "online")
	return s
}

// machine tells of the machine of the incarnation.
func (s *story) machine(inc int, phase string) {
	s.add(history.Event{Kind: history.Machine, Inc: inc, Machine: machineName(inc), Phase: phase})
}

func machineName(inc int) string { return "i-" + string(rune('0'+inc)) }

// operator writes an operator's call that was sent and answered at once.
func (s *story) operator(call string, code int, says string) *history.Event {
	return s.add(history.Event{
		Kind: history.Call, Actor: history.ActorOperator, Call: call, Sent: history.Time(s.now), Code: code, Says: says, Replica: 1,
	})
}

// agent writes a call of the incarnation's agent.
func (s *story) agent(call string, inc, code int) *history.Event {
	return s.add(history.Event{
		Kind: history.Call, Actor: history.ActorAgent, Inc: inc, Call: call, Sent: history.Time(s.now), Code: code, Replica: 1,
	})
}

// lives has the incarnation's agent come up: its register makes the workspace online.
func (s *story) lives() *story {
	s.add(history.Event{Kind: history.Agent, Inc: s.inc, Machine: machineName(s.inc), Phase: history.Started})
	s.moved(lifecycle.Register, lifecycle.Online, "register", "").ByInc = s.inc
	s.agent("register", s.inc, 200)
	return s
}

// beats has the current agent beat every 30 s until the time.
func (s *story) beats(until time.Duration) *story {
	for s.now+30*time.Second <= until {
		s.now += 30 * time.Second
		s.agent("heartbeat", s.inc, 200)
	}
	return s
}

// fault adds a fault to the plan that struck.
func (s *story) fault(f plan.Fault) *story {
	s.plan.Faults = append(s.plan.Faults, f)
	s.events = append(s.events, history.Event{
		At: history.Time(s.now), Kind: history.Fault, Fault: len(s.plan.Faults), Phase: history.Struck,
	})
	return s
}

// below adds a workspace to the plan that is below the story's own, and external, so that it owes nothing else.
func (s *story) below() *story {
	s.plan.Workspaces = append(s.plan.Workspaces, plan.Workspace{
		Name: "child-1", Group: "child", Provider: "kimi", Runtime: "claude-code", External: true, Parent: 1, Boots: []plan.Boot{{}},
	})
	return s
}

// child writes a move of the workspace below, with its log entry.
func (s *story) child(e lifecycle.Event, from, to lifecycle.Status, by string) *story {
	s.events = append(s.events, history.Event{
		At: history.Time(s.now), Kind: history.Move, WS: 2, Inc: 1, From: from, To: to, By: by,
	})
	s.logs = append(s.logs, history.Event{Kind: history.Log, WS: 2, Inc: 1, Event: e, From: from, To: to, Logged: history.Time(s.now)})
	return s
}

// childAsked writes an operator's call about the workspace below that was sent and answered at once.
func (s *story) childAsked(call string, code int) *story {
	s.operator(call, code, "").WS = 2
	return s
}

// born creates the workspace below.
func (s *story) born() *story {
	return s.below().child(lifecycle.CreateAwaiting, lifecycle.None, lifecycle.AwaitingAgent, "create").childAsked("create", 201)
}

// twinned adds a second row of the workspace.
func (s *story) twinned() *story {
	s.events = append(s.events, history.Event{
		At: history.Time(s.now), Kind: history.Move, WS: -1, Inc: 1, Event: lifecycle.Create, To: lifecycle.Provisioning, By: "create",
	})
	return s
}

// listed writes how the list of all workspaces shows the story's own; none where it lacks it.
func (s *story) listed(as lifecycle.Status) *story {
	s.add(history.Event{Kind: history.Reading, Call: "list", Sent: history.Time(s.now), To: as})
	return s
}

// expects has the story's scenario promise something of its own.
func (s *story) expects(e *scenarios.Expect) { s.plan.Expect = e }

// paused has the operator pause the story's own workspace.
func (s *story) paused() *story {
	s.moved(lifecycle.Pause, lifecycle.Paused, "pause", "")
	s.machine(s.inc, history.Terminated)
	return s
}

// end closes the history as a world does, and judges it.
func (s *story) end() *invariant.Judgement {
	s.now = time.Duration(s.plan.Duration)
	for _, l := range s.logs {
		l.At = history.Time(s.now)
		s.events = append(s.events, l)
	}
	if s.status != lifecycle.None {
		row := s.add(history.Event{Kind: history.Row, Inc: s.inc, To: s.status, Cause: s.cause})
		if s.token {
			row.Phase = history.TokenLive
		}
	}
	s.events = append(s.events, history.Event{At: history.Time(s.now), Kind: history.End})
	return invariant.Judge(s.plan, &history.History{Events: s.events})
}

func violatedNames(j *invariant.Judgement) []string {
	var names []string
	for _, f := range j.Findings {
		if f.Verdict == invariant.Violated {
			names = append(names, f.Invariant)
		}
	}
	return names
}

func finding(t *testing.T, j *invariant.Judgement, name string) invariant.Finding {
	t.Helper()
	for _, f := range j.Findings {
		if f.Invariant == name {
			return f
		}
	}
	t.Fatalf("there is no invariant %s", name)
	return invariant.Finding{}
}
