package invariant_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/bootrace/bootrace/controller/lifecycle"
	"github.com/bootrace/bootrace/harness/history"
	"github.com/bootrace/bootrace/harness/invariant"
	"github.com/bootrace/bootrace/harness/plan"
	"github.com/bootrace/bootrace/scenarios"
)

const (
	second = time.Second
	minute = time.Minute
)

// cases holds, for every invariant, histories in which it holds and histories in which it is violated. A red history says
// which other invariants it breaks too; no others may be.
var cases = slices.Concat(commonCases, licenceCases, storedCases, policyCases, intruderCases, refusalCases)

type judgedCase struct {
	invariant string
	name      string
	tell      func(*story)
	red       bool
	also      []string // invariants that the same history breaks
}

var commonCases = []judgedCase{
	{"converges", "a late boot comes online", func(s *story) {
		s.create().at(10*minute).moved(lifecycle.ProvisionTimeout, lifecycle.Failed, "provision-sweep", "timeout")
		s.at(12 * minute).lives().beats(60 * minute)
	}, false, nil},
	{"converges", "a late boot stays failed", func(s *story) {
		s.create().at(10*minute).moved(lifecycle.ProvisionTimeout, lifecycle.Failed, "provision-sweep", "timeout")
		s.at(12 * minute).add(history.Event{Kind: history.Agent, Inc: 1, Machine: "i-1", Phase: history.Started})
		s.agent("register", 1, 200)
		s.beats(60 * minute)
	}, true, nil},
	{"converges", "a paused workspace owes nothing", func(s *story) {
		s.create().at(minute).lives().beats(2*minute).at(3*minute).moved(lifecycle.Pause, lifecycle.Paused, "pause", "")
		s.operator("pause", 200, "paused")
		s.at(3*minute+second).machine(1, history.Terminated)
	}, false, nil},
	{"converges", "a live agent is turned away for ever", func(s *story) {
		s.create().at(minute).add(history.Event{Kind: history.Agent, Inc: 1, Machine: "i-1", Phase: history.Started})
		for s.now < 55*minute {
			s.at(s.now+30*second).agent("register", 1, 401)
		}
		s.moved(lifecycle.ProvisionTimeout, lifecycle.Failed, "provision-sweep", "timeout")
	}, true, []string{"gives-up"}},
	{"converges", "a beat of an older incarnation owes nothing", func(s *story) {
		s.create().at(minute).lives().beats(2 * minute)
		s.at(3*minute).moved(lifecycle.Restart, lifecycle.Provisioning, "restart", "")
		s.operator("restart", 200, "provisioning")
		s.at(3*minute+second).machine(1, history.Terminated)
		s.machine(2, history.Launched)
		s.agent("heartbeat", 1, 401)
		s.at(5 * minute).lives().beats(60 * minute)
	}, false, nil},
	{"converges", "an agent that has not come back from a restart of its machine owes nothing", func(s *story) {
		s.create().at(minute).lives().beats(5*minute).machine(1, history.Restarted)
		s.at(8*minute+10*second).moved(lifecycle.Silence, lifecycle.Offline, "liveness-sweep", "silent")
	}, false, nil},
	{"converges", "an agent is turned away after a restart of its machine", func(s *story) {
		s.create().at(minute).lives().beats(5*minute).machine(1, history.Restarted)
		s.at(6 * minute).add(history.Event{Kind: history.Agent, Inc: 1, Machine: "i-1", Phase: history.Started})
		for s.now < 8*minute {
			s.at(s.now+30*second).agent("register", 1, 401)
		}
		s.at(8*minute+10*second).moved(lifecycle.Silence, lifecycle.Offline, "liveness-sweep", "silent")
	}, true, nil},

	{"expected", "as the scenario says", func(s *story) {
		s.expects(&scenarios.Expect{
			Never: []string{"silence"}, AtMost: map[string]int{"failed": 1}, OnlineBy: scenarios.Duration(13 * minute),
			Groups: []scenarios.GroupExpect{{Group: "w", AtMost: map[string]int{"online": 1}}, {Group: "other", OnlineBy: scenarios.Duration(second)}},
		})
		s.create().at(10*minute).moved(lifecycle.ProvisionTimeout, lifecycle.Failed, "provision-sweep", "timeout")
		s.at(12 * minute).lives().beats(60 * minute)
	}, false, nil},
	{"expected", "what never happens", func(s *story) {
		s.expects(&scenarios.Expect{Never: []string{"silence"}})
		s.create().at(minute).lives().beats(5*minute).at(8*minute+10*second).moved(lifecycle.Silence, lifecycle.Offline, "liveness-sweep", "silent")
		s.machine(1, history.Died)
	}, true, nil},
	{"expected", "what the scenario says of another group", func(s *story) {
		s.expects(&scenarios.Expect{Groups: []scenarios.GroupExpect{{Group: "other", Never: []string{"silence"}}, {Group: "w", Never: []string{"remove"}}}})
		s.create().at(minute).lives().beats(5*minute).at(8*minute+10*second).moved(lifecycle.Silence, lifecycle.Offline, "liveness-sweep", "silent")
		s.machine(1, history.Died)
	}, false, nil},
	{"expected", "too often", func(s *story) {
		s.expects(&scenarios.Expect{Groups: []scenarios.GroupExpect{{Group: "w", AtMost: map[string]int{"failed": 0}}}})
		s.create().at(10*minute).moved(lifecycle.ProvisionTimeout, lifecycle.Failed, "provision-sweep", "timeout")
		s.at(12 * minute).lives().beats(60 * minute)
	}, true, nil},
	{"expected", "too late", func(s *story) {
		s.expects(&scenarios.Expect{OnlineBy: scenarios.Duration(11 * minute)})
		s.create().at(10*minute).moved(lifecycle.ProvisionTimeout, lifecycle.Failed, "provision-sweep", "timeout")
		s.at(12 * minute).lives().beats(60 * minute)
	}, true, nil},

	{"stays-online", "silent for the TTL", func(s *story) {
		s.create().at(minute).lives().beats(5*minute).at(8*minute+10*second).moved(lifecycle.Silence, lifecycle.Offline, "liveness-sweep", "silent")
		s.machine(1, history.Died)
	}, false, nil},
	{"stays-online", "swept a second after a beat", func(s *story) {
		s.create().at(minute).lives().beats(5*minute).at(5*minute+second).moved(lifecycle.Silence, lifecycle.Offline, "liveness-sweep", "silent")
		s.at(5*minute+30*second).moved(lifecycle.Beat, lifecycle.Online, "heartbeat", "").ByInc = 1
		s.agent("heartbeat", 1, 200)
		s.beats(60 * minute)
	}, true, nil},
	{"stays-online", "swept while its beats get 429", func(s *story) {
		s.create().at(minute).lives().beats(5 * minute)
		for s.now < 8*minute+30*second {
			s.at(s.now+30*second).agent("heartbeat", 1, 429)
		}
		s.at(8*minute+31*second).moved(lifecycle.Silence, lifecycle.Offline, "liveness-sweep", "silent")
		s.at(9*minute).moved(lifecycle.Beat, lifecycle.Online, "heartbeat", "").ByInc = 1
		s.agent("heartbeat", 1, 200)
		s.beats(60 * minute)
	}, true, nil},
	{"stays-online", "a clock that is off excuses it", func(s *story) {
		s.create().at(minute).lives().beats(5 * minute)
		s.fault(plan.Fault{Kind: "clock", From: plan.Duration(5 * minute), Until: plan.Duration(6 * minute), By: plan.Duration(15 * minute)})
		s.at(5*minute+second).moved(lifecycle.Silence, lifecycle.Offline, "liveness-sweep", "silent")
		s.at(5*minute+30*second).moved(lifecycle.Beat, lifecycle.Online, "heartbeat", "").ByInc = 1
		s.agent("heartbeat", 1, 200)
		s.beats(60 * minute)
	}, false, nil},

	{"detects-silence", "noticed within a sweep", func(s *story) {
		s.create().at(minute).lives().beats(5*minute).machine(1, history.Died)
		s.at(8*minute+14*second).moved(lifecycle.Silence, lifecycle.Offline, "liveness-sweep", "silent")
	}, false, nil},
	{"detects-silence", "never noticed", func(s *story) {
		s.create().at(minute).lives().beats(5*minute).machine(1, history.Died)
	}, true, nil},
	{"detects-silence", "noticed too late", func(s *story) {
		s.create().at(minute).lives().beats(5*minute).machine(1, history.Died)
		s.at(9*minute).moved(lifecycle.Silence, lifecycle.Offline, "liveness-sweep", "silent")
	}, true, nil},
	{"detects-silence", "created online, and never heard", func(s *story) {
		s.external().at(minute+44*second).moved(lifecycle.Silence, lifecycle.Offline, "liveness-sweep", "silent")
	}, false, nil},
	{"detects-silence", "created online, never heard, and never noticed", func(s *story) { s.external() }, true, nil},
	{"detects-silence", "a controller that was down is given a sweep more", func(s *story) {
		s.create().at(minute).lives().beats(5*minute).machine(1, history.Died)
		s.at(8 * minute)
		s.events = append(s.events, history.Event{At: history.Time(s.now), Kind: history.Process, Replica: 1, Phase: history.Ended})
		s.at(10 * minute)
		s.events = append(s.events, history.Event{At: history.Time(s.now), Kind: history.Process, Replica: 1, Phase: history.Started})
		s.at(10*minute+10*second).moved(lifecycle.Silence, lifecycle.Offline, "liveness-sweep", "silent")
	}, false, nil},

	{"gives-up", "one sweep after the budget", func(s *story) {
		s.create().at(10*minute+29*second).moved(lifecycle.ProvisionTimeout, lifecycle.Failed, "provision-sweep", "timeout")
	}, false, nil},
	{"gives-up", "before the budget", func(s *story) {
		s.create().at(9*minute).moved(lifecycle.ProvisionTimeout, lifecycle.Failed, "provision-sweep", "timeout")
		s.at(9*minute + 30*second).lives().beats(60 * minute)
	}, true, nil},
	{"gives-up", "never", func(s *story) { s.create() }, true, nil},
	{"gives-up", "a restart begins another budget", func(s *story) {
		s.create().at(9*minute).moved(lifecycle.Restart, lifecycle.Provisioning, "restart", "")
		s.operator("restart", 200, "provisioning")
		s.at(9*minute+second).machine(1, history.Terminated)
		s.machine(2, history.Launched)
		s.at(19*minute+20*second).moved(lifecycle.ProvisionTimeout, lifecycle.Failed, "provision-sweep", "timeout")
	}, false, nil},

	{"removed-is-terminal", "refused and forgotten", func(s *story) {
		s.create().at(minute).lives().at(2*minute).moved(lifecycle.Remove, lifecycle.Removed, "delete", "")
		s.operator("delete", 200, "removed")
		s.at(2*minute+10*second).agent("heartbeat", 1, 410)
		s.machine(1, history.Terminated)
	}, false, nil},
	{"removed-is-terminal", "a beat brings it back", func(s *story) {
		s.create().at(minute).lives().at(2*minute).moved(lifecycle.Remove, lifecycle.Removed, "delete", "")
		s.operator("delete", 200, "removed")
		s.at(2*minute+second).moved(lifecycle.Beat, lifecycle.Online, "heartbeat", "").ByInc = 1
		s.agent("heartbeat", 1, 0).Err = "timed out"
		s.at(3*minute).machine(1, history.Terminated)
		s.at(5*minute+10*second).moved(lifecycle.Silence, lifecycle.Offline, "liveness-sweep", "silent")
	}, true, []string{"legal-edges"}},
	{"removed-is-terminal", "its agent gets a 200", func(s *story) {
		s.create().at(minute).lives().at(2*minute).moved(lifecycle.Remove, lifecycle.Removed, "delete", "")
		s.operator("delete", 200, "removed")
		s.at(2*minute+second).agent("register", 1, 200).Token = true
		s.machine(1, history.Terminated)
	}, true, nil},
	{"removed-is-terminal", "its credential lives on", func(s *story) {
		s.create().at(minute).lives().at(2*minute).moved(lifecycle.Remove, lifecycle.Removed, "delete", "")
		s.operator("delete", 200, "removed")
		s.machine(1, history.Terminated)
		s.token = true
	}, true, nil},

	{"operator-intent-holds", "resumed by the operator", func(s *story) {
		s.create().at(minute).lives().at(2*minute).moved(lifecycle.Pause, lifecycle.Paused, "pause", "")
		s.operator("pause", 200, "paused")
		s.at(2*minute+second).machine(1, history.Terminated)
		s.at(3*minute).moved(lifecycle.Resume, lifecycle.Provisioning, "resume", "")
		s.operator("resume", 200, "")
		s.machine(2, history.Launched)
		s.at(4 * minute).lives().beats(60 * minute)
	}, false, nil},
	{"operator-intent-holds", "unpaused by a register", func(s *story) {
		s.create().at(minute).lives().at(2*minute).moved(lifecycle.Pause, lifecycle.Paused, "pause", "")
		s.operator("pause", 200, "paused")
		s.at(3*minute).moved(lifecycle.Register, lifecycle.Online, "register", "").ByInc = 1
		s.agent("register", 1, 200)
		s.at(3*minute+second).machine(1, history.Terminated)
		s.at(6*minute+10*second).moved(lifecycle.Silence, lifecycle.Offline, "liveness-sweep", "silent")
	}, true, []string{"legal-edges"}},

	{"operator-intent-holds", "hibernates at once", func(s *story) {
		s.create().at(minute).lives().at(2*minute).moved(lifecycle.Hibernate, lifecycle.Hibernating, "hibernate", "")
		s.at(2*minute+second).machine(1, history.Terminated)
		s.at(2*minute+2*second).moved(lifecycle.MachineStopped, lifecycle.Hibernated, "hibernate", "")
		s.operator("hibernate", 200, "hibernated").Sent = history.Time(2 * minute)
	}, false, nil},
	{"operator-intent-holds", "hibernating for ever", func(s *story) {
		s.create().at(minute).lives().at(2*minute).moved(lifecycle.Hibernate, lifecycle.Hibernating, "hibernate", "")
		s.operator("hibernate", 503, "")
		s.at(2*minute+second).machine(1, history.Terminated)
	}, true, nil},

	{"launches", "a machine once it is created", func(s *story) { s.create().at(minute).lives().beats(60 * minute) }, false, nil},
	{"launches", "tried again after an error, and given", func(s *story) {
		s.moved(lifecycle.Create, lifecycle.Provisioning, "create", "")
		s.operator("create", 201, "provisioning")
		s.at(second).add(history.Event{Kind: history.Cloud, Call: "launch", Inc: 1, Err: "throttled"})
		s.at(minute).machine(1, history.Launched)
		s.at(2 * minute).lives().beats(60 * minute)
	}, false, nil},
	{"launches", "never launched", func(s *story) {
		s.moved(lifecycle.Create, lifecycle.Provisioning, "create", "")
		s.operator("create", 201, "provisioning")
		s.at(10*minute+second).moved(lifecycle.ProvisionTimeout, lifecycle.Failed, "provision-sweep", "timeout")
	}, true, nil},
	{"launches", "never tried again after an error", func(s *story) {
		s.moved(lifecycle.Create, lifecycle.Provisioning, "create", "")
		s.operator("create", 201, "provisioning")
		s.at(second).add(history.Event{Kind: history.Cloud, Call: "launch", Inc: 1, Err: "throttled"})
		s.at(10*minute+second).moved(lifecycle.ProvisionTimeout, lifecycle.Failed, "provision-sweep", "timeout; last launch error: throttled")
	}, true, nil},
	{"launches", "not tried again while the cloud is at fault", func(s *story) {
		s.moved(lifecycle.Create, lifecycle.Provisioning, "create", "")
		s.operator("create", 201, "provisioning")
		s.fault(plan.Fault{Kind: "cloud-throttle", Until: plan.Duration(9 * minute)})
		s.at(second).add(history.Event{Kind: history.Cloud, Call: "launch", Inc: 1, Err: "throttled"})
		s.at(10*minute+second).moved(lifecycle.ProvisionTimeout, lifecycle.Failed, "provision-sweep", "timeout; last launch error: throttled")
	}, false, nil},

	{"loser-cannot-overwrite-winner", "a launch error while it boots", func(s *story) {
		s.create().at(minute).machine(1, history.Died)
		s.add(history.Event{Kind: history.Cloud, Call: "launch", Inc: 1, Err: "refused", Phase: history.Permanent})
		s.moved(lifecycle.LaunchFailed, lifecycle.Failed, "launcher", "refused")
	}, false, nil},
	{"loser-cannot-overwrite-winner", "a launch error after it is online", func(s *story) {
		s.create().at(minute).lives().beats(2 * minute).add(history.Event{Kind: history.Cloud, Call: "launch", Inc: 1, Err: "timed out"})
		s.moved(lifecycle.LaunchFailed, lifecycle.Failed, "launcher", "timed out")
		s.at(2*minute+30*second).moved(lifecycle.Beat, lifecycle.Online, "heartbeat", "").ByInc = 1
		s.agent("heartbeat", 1, 200)
		s.beats(60 * minute)
	}, true, []string{"stays-online", "legal-edges"}},
	{"loser-cannot-overwrite-winner", "an older incarnation's launch error", func(s *story) {
		s.create().at(minute).moved(lifecycle.Restart, lifecycle.Provisioning, "restart", "")
		s.operator("restart", 200, "provisioning")
		s.machine(1, history.Terminated)
		s.machine(2, history.Launched)
		s.at(2 * minute).add(history.Event{Kind: history.Cloud, Call: "launch", Inc: 1, Err: "refused"})
		s.moved(lifecycle.LaunchFailed, lifecycle.Failed, "launcher", "refused")
		s.at(3 * minute).lives().beats(60 * minute)
	}, true, nil},

	{"legal-edges", "a life by the book", func(s *story) { s.create().at(minute).lives().beats(60 * minute) }, false, nil},
	{"legal-edges", "degraded straight out of provisioning", func(s *story) {
		s.create().at(minute).add(history.Event{Kind: history.Agent, Inc: 1, Machine: "i-1", Phase: history.Started})
		s.moved(lifecycle.BeatSick, lifecycle.Degraded, "heartbeat", "").ByInc = 1
		s.agent("heartbeat", 1, 200)
		s.beats(60 * minute)
	}, true, nil},
	{"legal-edges", "an event that does not lead there", func(s *story) {
		s.create().at(minute).add(history.Event{Kind: history.Agent, Inc: 1, Machine: "i-1", Phase: history.Started})
		s.moved(lifecycle.Wake, lifecycle.Online, "heartbeat", "")
		s.logs[len(s.logs)-1].Inc, s.inc = 1, 1
		s.events[len(s.events)-1].Inc = 1
		s.agent("heartbeat", 1, 200)
		s.beats(60 * minute)
	}, true, nil},

	{"one-machine", "stopped within the bound", func(s *story) {
		s.create().at(minute).moved(lifecycle.Remove, lifecycle.Removed, "delete", "")
		s.operator("delete", 200, "removed")
		s.at(2*minute).machine(1, history.Terminated)
	}, false, nil},
	{"one-machine", "never stopped", func(s *story) {
		s.create().at(minute).moved(lifecycle.Remove, lifecycle.Removed, "delete", "")
		s.operator("delete", 200, "removed")
	}, true, nil},
	{"one-machine", "paused, and never stopped", func(s *story) {
		s.create().at(minute).lives().at(2*minute).moved(lifecycle.Pause, lifecycle.Paused, "pause", "")
		s.operator("pause", 200, "paused")
	}, true, nil},
	{"one-machine", "two for one incarnation", func(s *story) {
		s.create().at(minute).add(history.Event{Kind: history.Machine, Inc: 1, Machine: "i-other", Phase: history.Launched})
		s.lives().beats(60 * minute)
	}, true, nil},
	{"one-machine", "a machine that was restarted is the same", func(s *story) {
		s.create().at(minute).lives().beats(5*minute).machine(1, history.Restarted)
		s.at(6 * minute).add(history.Event{Kind: history.Agent, Inc: 1, Machine: "i-1", Phase: history.Started})
		s.agent("register", 1, 200)
		s.beats(60 * minute)
	}, false, nil},
	{"one-machine", "paused, restarted, and never stopped", func(s *story) {
		s.create().at(minute).moved(lifecycle.Pause, lifecycle.Paused, "pause", "")
		s.operator("pause", 200, "paused")
		s.at(minute+second).machine(1, history.Restarted)
	}, true, nil},
	{"one-machine", "the old incarnation's goes on", func(s *story) {
		s.create().at(minute).moved(lifecycle.Restart, lifecycle.Provisioning, "restart", "")
		s.operator("restart", 200, "provisioning")
		s.machine(2, history.Launched)
		s.at(2 * minute).lives().beats(60 * minute)
	}, true, nil},
	{"one-machine", "never stopped, and another's could not be", func(s *story) {
		s.below().create().at(minute).moved(lifecycle.Remove, lifecycle.Removed, "delete", "")
		s.operator("delete", 200, "removed")
		s.fault(plan.Fault{Kind: "cloud-throttle", Until: plan.Duration(59 * minute), Calls: []string{"terminate"}, Workspaces: []int{2}})
	}, true, nil},
	{"one-machine", "never stopped, and could not be", func(s *story) {
		s.below().create().at(minute).moved(lifecycle.Remove, lifecycle.Removed, "delete", "")
		s.operator("delete", 200, "removed")
		s.fault(plan.Fault{Kind: "cloud-throttle", Until: plan.Duration(59 * minute), Calls: []string{"terminate"}, Workspaces: []int{1}})
	}, false, nil},
	{"one-machine", "stopped while it is wanted", func(s *story) {
		s.create().at(minute).machine(1, history.Terminated)
		s.at(10*minute+second).moved(lifecycle.ProvisionTimeout, lifecycle.Failed, "provision-sweep", "timeout")
	}, true, nil},
	{"one-machine", "a machine of nobody's", func(s *story) {
		s.create().at(minute).lives()
		s.events = append(s.events, history.Event{At: history.Time(s.now), Kind: history.Machine, Machine: "i-x", Phase: history.Launched})
		s.beats(60 * minute)
	}, true, nil},

	{"current-incarnation", "the old one is refused", func(s *story) {
		s.create().at(minute).lives().at(2*minute).moved(lifecycle.Restart, lifecycle.Provisioning, "restart", "")
		s.operator("restart", 200, "provisioning")
		s.at(2*minute+second).agent("heartbeat", 1, 401)
		s.machine(1, history.Terminated)
		s.machine(2, history.Launched)
		s.at(3 * minute).lives().beats(60 * minute)
	}, false, nil},
	{"current-incarnation", "the old one makes it online", func(s *story) {
		s.create().at(minute).lives().at(2*minute).moved(lifecycle.Restart, lifecycle.Provisioning, "restart", "")
		s.operator("restart", 200, "provisioning")
		s.at(2*minute+second).moved(lifecycle.Beat, lifecycle.Online, "heartbeat", "").ByInc = 1
		s.agent("heartbeat", 1, 200)
		s.machine(1, history.Terminated)
		s.machine(2, history.Launched)
		s.at(3 * minute).add(history.Event{Kind: history.Agent, Inc: 2, Machine: "i-2", Phase: history.Started})
		s.agent("register", 2, 200)
		s.beats(60 * minute)
	}, true, nil},
	{"current-incarnation", "the old one is accepted", func(s *story) {
		s.create().at(minute).lives().at(2*minute).moved(lifecycle.Restart, lifecycle.Provisioning, "restart", "")
		s.operator("restart", 200, "provisioning")
		s.at(2*minute+second).machine(1, history.Terminated)
		s.machine(2, history.Launched)
		s.at(3 * minute).lives().beats(4 * minute)
		s.at(4*minute+second).agent("heartbeat", 1, 200)
		s.at(4*minute + 30*second).beats(60 * minute)
	}, true, nil},

	{"reply-is-state", "it says what is stored", func(s *story) {
		s.create().at(minute).lives().beats(2*minute).operator("state", 200, "online")
		s.beats(60 * minute)
	}, false, nil},
	{"reply-is-state", "it says hibernated, and is online", func(s *story) {
		s.create().at(minute).lives().beats(2*minute).operator("hibernate", 200, "hibernated")
		s.beats(60 * minute)
	}, true, nil},

	{"event-iff-transition", "one for one", func(s *story) { s.create().at(minute).lives().beats(60 * minute) }, false, nil},
	{"event-iff-transition", "a transition without an entry", func(s *story) {
		s.create().at(minute).add(history.Event{Kind: history.Agent, Inc: 1, Machine: "i-1", Phase: history.Started})
		s.movedUnlogged(lifecycle.Register, lifecycle.Online, "register", "").ByInc = 1
		s.agent("register", 1, 200)
		s.beats(60 * minute)
	}, true, nil},
	{"event-iff-transition", "two entries for one transition", func(s *story) {
		s.create().at(10*minute+second).moved(lifecycle.ProvisionTimeout, lifecycle.Failed, "provision-sweep", "timeout")
		s.logs = append(s.logs, s.logs[len(s.logs)-1])
	}, true, nil},

	{"event-iff-transition", "an entry with the time of the one before", func(s *story) {
		s.create().at(minute).lives()
		s.logs[len(s.logs)-1].Logged = s.logs[len(s.logs)-2].Logged
		s.beats(60 * minute)
	}, true, nil},

	{"cause-kept", "shown and logged", func(s *story) {
		s.create().at(10*minute+second).moved(lifecycle.ProvisionTimeout, lifecycle.Failed, "provision-sweep", "timeout")
		s.at(10*minute + 2*second).add(history.Event{Kind: history.Reading, To: lifecycle.Failed, Cause: "timeout"})
	}, false, nil},
	{"cause-kept", "no cause in the log", func(s *story) {
		s.create().at(10*minute+second).moved(lifecycle.ProvisionTimeout, lifecycle.Failed, "provision-sweep", "")
	}, true, nil},
	{"cause-kept", "no cause shown", func(s *story) {
		s.create().at(10*minute+second).moved(lifecycle.ProvisionTimeout, lifecycle.Failed, "provision-sweep", "timeout")
		s.at(10*minute + 2*second).add(history.Event{Kind: history.Reading, To: lifecycle.Failed})
	}, true, nil},
	{"cause-kept", "erased on the row", func(s *story) {
		s.create().at(10*minute+second).moved(lifecycle.ProvisionTimeout, lifecycle.Failed, "provision-sweep", "timeout")
		s.cause = ""
	}, true, nil},

	{"cause-kept", "the last launch's error stands in the cause", func(s *story) {
		s.moved(lifecycle.Create, lifecycle.Provisioning, "create", "")
		s.operator("create", 201, "provisioning")
		s.fault(plan.Fault{Kind: "cloud-capacity", Until: plan.Duration(10 * minute)})
		s.at(9 * minute).add(history.Event{Kind: history.Cloud, Call: "launch", Inc: 1, Sent: history.Time(9 * minute), Err: "no capacity"})
		s.at(10*minute+second).moved(lifecycle.ProvisionTimeout, lifecycle.Failed, "provision-sweep", "timeout; last launch error: no capacity")
	}, false, nil},
	{"cause-kept", "the last launch's error is forgotten", func(s *story) {
		s.moved(lifecycle.Create, lifecycle.Provisioning, "create", "")
		s.operator("create", 201, "provisioning")
		s.fault(plan.Fault{Kind: "cloud-capacity", Until: plan.Duration(10 * minute)})
		s.at(9 * minute).add(history.Event{Kind: history.Cloud, Call: "launch", Inc: 1, Sent: history.Time(9 * minute), Err: "no capacity"})
		s.at(10*minute+second).moved(lifecycle.ProvisionTimeout, lifecycle.Failed, "provision-sweep", "timeout")
	}, true, nil},

	{"cause-kept", "the error of a launch before the one that succeeded", func(s *story) {
		s.moved(lifecycle.Create, lifecycle.Provisioning, "create", "")
		s.operator("create", 201, "provisioning")
		s.at(5 * second).add(history.Event{Kind: history.Cloud, Call: "launch", Inc: 1, Sent: history.Time(4 * second), Err: "no capacity"})
		s.at(20*second).machine(1, history.Launched)
		s.at(21 * second).add(history.Event{Kind: history.Cloud, Call: "launch", Inc: 1, Sent: history.Time(19 * second), Machine: "i-1"})
		s.at(10*minute+second).moved(lifecycle.ProvisionTimeout, lifecycle.Failed, "provision-sweep", "timeout; last launch error: no capacity")
	}, true, nil},
	{"cause-kept", "the error of a launch that the cloud carried out later", func(s *story) {
		s.moved(lifecycle.Create, lifecycle.Provisioning, "create", "")
		s.operator("create", 201, "provisioning")
		s.at(65 * second).add(history.Event{Kind: history.Cloud, Call: "launch", Inc: 1, Sent: history.Time(5 * second), Err: "deadline exceeded"})
		s.at(70*second).machine(1, history.Launched)
		s.at(10*minute+second).moved(lifecycle.ProvisionTimeout, lifecycle.Failed, "provision-sweep", "timeout; last launch error: deadline exceeded")
	}, false, nil},
	{"cause-kept", "a launch failed before the one that succeeded", func(s *story) {
		s.moved(lifecycle.Create, lifecycle.Provisioning, "create", "")
		s.operator("create", 201, "provisioning")
		s.at(5 * second).add(history.Event{Kind: history.Cloud, Call: "launch", Inc: 1, Sent: history.Time(4 * second), Err: "no capacity"})
		s.at(20*second).machine(1, history.Launched)
		s.at(21 * second).add(history.Event{Kind: history.Cloud, Call: "launch", Inc: 1, Sent: history.Time(19 * second), Machine: "i-1"})
		s.at(10*minute+second).moved(lifecycle.ProvisionTimeout, lifecycle.Failed, "provision-sweep", "timeout")
	}, false, nil},
	{"cause-kept", "shown of one that is online again", func(s *story) {
		s.create().at(10*minute+second).moved(lifecycle.ProvisionTimeout, lifecycle.Failed, "provision-sweep", "timeout")
		s.at(11 * minute).lives().at(11*minute + 2*second).add(history.Event{Kind: history.Reading, To: lifecycle.Online, Cause: "timeout"})
		s.beats(60 * minute)
	}, true, nil},

	{"no-phantom-rows", "created by the operator", func(s *story) { s.create().at(minute).lives().beats(60 * minute) }, false, nil},
	{"no-phantom-rows", "a register made one", func(s *story) {
		s.create().at(minute).lives()
		s.events = append(s.events, history.Event{
			At: history.Time(s.now), Kind: history.Move, Inc: 1, To: lifecycle.Online, By: "register",
		})
		s.beats(60 * minute)
	}, true, nil},

	{"no-phantom-rows", "one create made two", func(s *story) {
		s.create().twinned().at(minute).lives().beats(60 * minute)
	}, true, nil},
	{"no-phantom-rows", "two creates made two", func(s *story) {
		s.create().twinned()
		s.operator("create", 201, "provisioning")
		s.at(minute).lives().beats(60 * minute)
	}, false, nil},
	{"no-phantom-rows", "a heartbeat for nobody got 200", func(s *story) {
		s.create().at(minute).lives()
		s.events = append(s.events, history.Event{
			At: history.Time(s.now), Kind: history.Call, Actor: history.ActorAgent, Call: "heartbeat", Code: 200, Replica: 1,
		})
		s.beats(60 * minute)
	}, true, nil},
	{"no-phantom-rows", "a heartbeat for nobody got 404", func(s *story) {
		s.create().at(minute).lives()
		s.events = append(s.events, history.Event{
			At: history.Time(s.now), Kind: history.Call, Actor: history.ActorAgent, Call: "heartbeat", Code: 404, Replica: 1,
		})
		s.beats(60 * minute)
	}, false, nil},

	{"bounded-churn", "one silence is life", func(s *story) {
		s.create().at(minute).lives().beats(10*minute).at(13*minute+10*second).moved(lifecycle.Silence, lifecycle.Offline, "liveness-sweep", "silent")
		s.at(14*minute).moved(lifecycle.Beat, lifecycle.Online, "heartbeat", "").ByInc = 1
		s.agent("heartbeat", 1, 200)
		s.beats(60 * minute)
	}, false, nil},
	{"bounded-churn", "on and off and on and off", func(s *story) {
		s.create().at(minute).lives().beats(5 * minute)
		for range 3 {
			s.at(s.now+3*minute+10*second).moved(lifecycle.Silence, lifecycle.Offline, "liveness-sweep", "silent")
			s.at(s.now+second).moved(lifecycle.Beat, lifecycle.Online, "heartbeat", "").ByInc = 1
			s.agent("heartbeat", 1, 200)
		}
		s.beats(60 * minute)
	}, true, nil},

	{"bounded-churn", "off for half a minute, again and again", func(s *story) {
		s.create().at(minute).lives().beats(5 * minute)
		for range 3 {
			s.at(s.now+3*minute+10*second).moved(lifecycle.Silence, lifecycle.Offline, "liveness-sweep", "silent")
			s.at(s.now+30*second).moved(lifecycle.Beat, lifecycle.Online, "heartbeat", "").ByInc = 1
			s.agent("heartbeat", 1, 200)
		}
		s.beats(60 * minute)
	}, true, nil},

	{"referential-integrity", "deleted after its child", func(s *story) {
		s.create().at(minute).lives().born().at(2*minute).operator("delete", 409, "")
		s.at(3*minute).child(lifecycle.Remove, lifecycle.AwaitingAgent, lifecycle.Removed, "delete").childAsked("delete", 200)
		s.at(4*minute).moved(lifecycle.Remove, lifecycle.Removed, "delete", "")
		s.operator("delete", 200, "removed")
		s.machine(1, history.Terminated)
	}, false, nil},
	{"referential-integrity", "a child that may be there is reason enough", func(s *story) {
		s.create().at(minute).lives().below().childAsked("create", 0).at(2*minute).operator("delete", 409, "")
		s.beats(60 * minute)
	}, false, nil},
	{"referential-integrity", "deleted before its child", func(s *story) {
		s.create().at(minute).lives().born().at(2*minute).moved(lifecycle.Remove, lifecycle.Removed, "delete", "")
		s.operator("delete", 200, "removed")
		s.machine(1, history.Terminated)
	}, true, nil},
	{"referential-integrity", "created below what is removed", func(s *story) {
		s.create().at(minute).lives().at(2*minute).moved(lifecycle.Remove, lifecycle.Removed, "delete", "")
		s.operator("delete", 200, "removed")
		s.machine(1, history.Terminated)
		s.at(3 * minute).born()
	}, true, nil},
	{"referential-integrity", "kept for a child that is gone", func(s *story) {
		s.create().at(minute).lives().born().beats(2 * minute)
		s.child(lifecycle.Remove, lifecycle.AwaitingAgent, lifecycle.Removed, "delete").childAsked("delete", 200)
		s.beats(4*minute).operator("delete", 409, "")
		s.beats(60 * minute)
	}, true, nil},
	{"referential-integrity", "refused below a parent that is there", func(s *story) {
		s.create().at(minute).lives().below().childAsked("create", 400).beats(60 * minute)
	}, true, nil},

	{"operator-intent-holds", "a pause and a resume reach its child", func(s *story) {
		s.create().at(minute).lives().born().at(2 * minute).paused()
		s.child(lifecycle.Pause, lifecycle.AwaitingAgent, lifecycle.Paused, "pause").operator("pause", 200, "paused")
		s.at(3*minute).childAsked("resume", 409)
		s.at(4*minute).moved(lifecycle.Resume, lifecycle.Provisioning, "resume", "")
		s.child(lifecycle.ResumeExternal, lifecycle.Paused, lifecycle.AwaitingAgent, "resume").operator("resume", 200, "")
		s.machine(2, history.Launched)
		s.at(5 * minute).lives().beats(60 * minute)
	}, false, nil},
	{"operator-intent-holds", "a child is resumed, and nobody asked for it", func(s *story) {
		s.create().at(minute).lives().born().at(2 * minute).paused()
		s.child(lifecycle.Pause, lifecycle.AwaitingAgent, lifecycle.Paused, "pause").operator("pause", 200, "paused")
		s.at(4*minute).child(lifecycle.ResumeExternal, lifecycle.Paused, lifecycle.AwaitingAgent, "register")
	}, true, []string{"unasked"}},
	{"operator-intent-holds", "a pause does not reach its child", func(s *story) {
		s.create().at(minute).lives().born().at(2*minute).paused().operator("pause", 200, "paused")
	}, true, nil},
	{"operator-intent-holds", "a resume does not reach its child", func(s *story) {
		s.create().at(minute).lives().born().at(2 * minute).paused()
		s.child(lifecycle.Pause, lifecycle.AwaitingAgent, lifecycle.Paused, "pause").operator("pause", 200, "paused")
		s.at(4*minute).moved(lifecycle.Resume, lifecycle.Provisioning, "resume", "")
		s.operator("resume", 200, "")
		s.machine(2, history.Launched)
		s.at(5 * minute).lives().beats(60 * minute)
	}, true, nil},
	{"operator-intent-holds", "a child is resumed below a parent that is paused", func(s *story) {
		s.create().at(minute).lives().born().at(2 * minute).paused()
		s.child(lifecycle.Pause, lifecycle.AwaitingAgent, lifecycle.Paused, "pause").operator("pause", 200, "paused")
		s.at(4*minute).child(lifecycle.ResumeExternal, lifecycle.Paused, lifecycle.AwaitingAgent, "resume").childAsked("resume", 200)
	}, true, nil},

	{"reply-is-state", "the list shows what is stored", func(s *story) {
		s.create().listed(lifecycle.Provisioning).at(minute).lives().beats(2 * minute).listed(lifecycle.Online)
		s.at(3*minute).moved(lifecycle.Remove, lifecycle.Removed, "delete", "")
		s.operator("delete", 200, "removed")
		s.machine(1, history.Terminated)
		s.at(3*minute + 10*second).listed(lifecycle.None)
	}, false, nil},
	{"reply-is-state", "the list lacks it", func(s *story) {
		s.create().at(minute).lives().beats(2 * minute).listed(lifecycle.None).beats(60 * minute)
	}, true, nil},
	{"reply-is-state", "the list shows what is removed", func(s *story) {
		s.create().at(minute).lives().at(3*minute).moved(lifecycle.Remove, lifecycle.Removed, "delete", "")
		s.operator("delete", 200, "removed")
		s.machine(1, history.Terminated)
		s.at(3*minute + 10*second).listed(lifecycle.Removed)
	}, true, nil},
	{"reply-is-state", "the list shows another status", func(s *story) {
		s.create().at(minute).lives().beats(2 * minute).listed(lifecycle.Paused).beats(60 * minute)
	}, true, nil},
	{"no-phantom-rows", "the list shows one", func(s *story) {
		s.create().at(minute).lives().listed(lifecycle.Online)
		s.events = append(s.events, history.Event{At: history.Time(s.now), Kind: history.Reading, Call: "list", Sent: history.Time(s.now), To: lifecycle.Online})
		s.beats(60 * minute)
	}, true, nil},

	{"linearizable", "every reply fits", func(s *story) {
		s.plan.Live = &plan.Live{Speed: 1}
		s.create().at(minute).lives().beats(2*minute).operator("state", 200, "online")
		s.at(3*minute).moved(lifecycle.Remove, lifecycle.Removed, "delete", "")
		s.operator("delete", 200, "removed")
		s.machine(1, history.Terminated)
		s.at(3*minute+second).agent("heartbeat", 1, 410)
	}, false, nil},
	{"linearizable", "a register is accepted after the removal", func(s *story) {
		s.plan.Live = &plan.Live{Speed: 1}
		s.create().at(minute).lives().beats(2 * minute)
		s.at(3*minute).moved(lifecycle.Remove, lifecycle.Removed, "delete", "")
		s.operator("delete", 200, "removed")
		s.machine(1, history.Terminated)
		s.at(3*minute+second).agent("register", 1, 200)
	}, true, []string{"removed-is-terminal"}},

	{"no-panic", "it does not", func(s *story) { s.create().at(minute).lives().beats(60 * minute) }, false, nil},
	{"no-panic", "a handler does", func(s *story) {
		s.create().at(minute).lives()
		s.events = append(s.events, history.Event{At: history.Time(s.now), Kind: history.Panic, By: "heartbeat", Err: "nil map", Replica: 1})
		s.beats(60 * minute)
	}, true, nil},
}

func TestInvariantsRedAndGreen(t *testing.T) {
	t.Parallel()
	for _, c := range cases {
		t.Run(c.invariant+"/"+strings.ReplaceAll(c.name, " ", "-"), func(t *testing.T) {
			t.Parallel()
			s := newStory()
			c.tell(s)
			j := s.end()
			var want []string
			if c.red {
				want = append([]string{c.invariant}, c.also...)
			}
			got := violatedNames(j)
			slices.Sort(want)
			slices.Sort(got)
			if !slices.Equal(got, want) {
				t.Errorf("violated %v, want %v", got, want)
				for _, v := range j.Violations() {
					t.Logf("%s: %s", v.Invariant, v.What)
				}
			}
			if finding(t, j, c.invariant).Checked == 0 {
				t.Error("the invariant had nothing to check, so that it held says nothing")
			}
			if c.red {
				explains(t, s, j)
			}
		})
	}
}

// explains checks that a violation can be told: with the workspace, what was expected, and a mechanism in sentences.
func explains(t *testing.T, s *story, j *invariant.Judgement) {
	t.Helper()
	for _, v := range j.Violations() {
		e := invariant.Explain(s.plan, &history.History{Events: s.events}, &v)
		if v.What == "" || v.Expected == "" || !strings.HasSuffix(e.Mechanism, ".") || e.Expected != v.Expected {
			t.Errorf("%s is told badly: %+v", v.Invariant, e)
		}
		if v.Workspace == 1 && (len(e.Timeline) < 3 || !strings.Contains(e.Subject, "kimi")) {
			t.Errorf("%s has no story: %+v", v.Invariant, e)
		}
	}
}

func TestEveryInvariantIsSeenRedAndGreen(t *testing.T) {
	t.Parallel()
	for _, inv := range invariant.All() {
		if inv.Promise == "" {
			t.Errorf("%s promises nothing", inv.Name)
		}
		for _, red := range []bool{true, false} {
			if !slices.ContainsFunc(cases, func(c judgedCase) bool { return c.invariant == inv.Name && c.red == red }) {
				t.Errorf("%s has no case with red = %v", inv.Name, red)
			}
		}
	}
}

func TestDoubts(t *testing.T) {
	t.Parallel()
	s := newStory()
	s.create().at(minute).lives().beats(60 * minute)
	s.plan.Faults = append(s.plan.Faults, plan.Fault{Kind: "partition"})
	j := s.end()
	if j.Verdict != invariant.Inconclusive || len(j.Doubts) != 1 || !strings.Contains(j.Doubts[0], "fault 1 (partition) never struck") {
		t.Errorf("a fault that never struck: %s, %q", j.Verdict, j.Doubts)
	}
	cut := invariant.Judge(s.plan, &history.History{Events: s.events[:len(s.events)-1]})
	if cut.Verdict != invariant.Inconclusive {
		t.Errorf("a history that was cut short is %s", cut.Verdict)
	}
}

func TestVerdictsAreOrdered(t *testing.T) {
	t.Parallel()
	for _, c := range [][3]invariant.Verdict{
		{invariant.Held, invariant.Held, invariant.Held},
		{invariant.Held, invariant.Inconclusive, invariant.Inconclusive},
		{invariant.Violated, invariant.Inconclusive, invariant.Violated},
		{invariant.Violated, invariant.Held, invariant.Violated},
	} {
		if c[0].Worse(c[1]) != c[2] || c[1].Worse(c[0]) != c[2] {
			t.Errorf("the worse of %s and %s is not %s", c[0], c[1], c[2])
		}
	}
}

func TestSpansAndClocks(t *testing.T) {
	t.Parallel()
	for d, want := range map[time.Duration]string{
		12 * time.Millisecond: "12ms", 1500 * time.Millisecond: "1.5s", 102 * second: "1m42s", 10 * minute: "10m",
		2 * time.Hour: "2h", 61 * minute: "1h01m", 10*minute + 2*second: "10m02s", time.Hour + second: "1h00m01s",
	} {
		if got := invariant.Span(d); got != want {
			t.Errorf("Span(%s) = %s, want %s", d, got, want)
		}
	}
	for d, want := range map[time.Duration]string{
		0: "+00:00.0", 702300 * time.Millisecond: "+11:42.3", time.Hour + 5*second: "+1:00:05.0", -second: "-00:01.0",
		59960 * time.Millisecond: "+01:00.0",
	} {
		if got := invariant.Clock(history.Time(d)); got != want {
			t.Errorf("Clock(%s) = %s, want %s", d, got, want)
		}
	}
}
