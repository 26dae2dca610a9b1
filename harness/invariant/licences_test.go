package invariant_test

import (
	"github.com/bootrace/bootrace/controller/lifecycle"
	"github.com/bootrace/bootrace/harness/history"
	"github.com/bootrace/bootrace/harness/plan"
)

// restarted begins the next incarnation, whoever asked, and boots it.
func (s *story) restarted(by string) *story {
	s.moved(lifecycle.Restart, lifecycle.Provisioning, by, "")
	s.machine(s.inc-1, history.Terminated)
	s.machine(s.inc, history.Launched)
	return s.at(s.now + minute).lives()
}

// licenceCases are about who asked for what happened.
var licenceCases = []judgedCase{
	{"unasked", "restarted by a call", func(s *story) {
		s.create().at(minute).lives().beats(5*minute).at(5*minute+second).operator("restart", 200, "provisioning")
		s.restarted("restart").beats(60 * minute)
	}, false, nil},
	{"unasked", "restarted every 7 minutes by a tick", func(s *story) {
		s.create().at(minute).lives().beats(8 * minute).at(8*minute + second).restarted("launcher").beats(16 * minute).at(16*minute + second).restarted("launcher").beats(60 * minute)
	}, true, nil},
	{"unasked", "a restart that was refused restarts nothing", func(s *story) {
		s.create().at(minute).lives().beats(5*minute).at(5*minute+second).operator("restart", 401, "")
		s.restarted("restart").beats(60 * minute)
	}, true, nil},
	{"unasked", "a restart without an answer may come late", func(s *story) {
		s.create().at(minute).lives().beats(5*minute).at(5*minute+second).operator("restart", 0, "").Err = "timed out"
		s.beats(7 * minute).at(7*minute + second).restarted("restart").beats(60 * minute)
	}, false, nil},
	{"unasked", "one restart without an answer restarts it twice", func(s *story) {
		s.create().at(minute).lives().beats(5*minute).at(5*minute+second).operator("restart", 0, "").Err = "timed out"
		s.restarted("restart").beats(10 * minute).at(10*minute + second).restarted("restart").beats(60 * minute)
	}, true, nil},
	{"unasked", "a call that was given up and answered late is one call", func(s *story) {
		s.create().at(minute).lives().beats(5*minute).at(5*minute+second).operator("restart", 0, "").Err = "timed out"
		sent := s.events[len(s.events)-1].Sent
		late := s.at(s.now+20*second).operator("restart", 200, "provisioning")
		late.Err, late.Sent = history.GivenUp, sent
		s.restarted("restart").beats(10 * minute).at(10*minute + second).restarted("restart").beats(60 * minute)
	}, true, nil},
	{"unasked", "a copy of a call is a call of its own", func(s *story) {
		s.create().at(minute).lives().beats(5*minute).at(5*minute+second).operator("restart", 200, "provisioning")
		s.moved(lifecycle.Restart, lifecycle.Provisioning, "restart", "")
		s.at(s.now+second).operator("restart", 200, "provisioning").Err = history.Duplicate
		s.machine(1, history.Terminated)
		s.moved(lifecycle.Restart, lifecycle.Provisioning, "restart", "")
		s.machine(3, history.Launched)
		s.at(7 * minute).lives().beats(60 * minute)
	}, false, nil},
	{"unasked", "a copy may be under way that nobody saw", func(s *story) {
		s.create().at(minute).lives().beats(5 * minute)
		s.fault(plan.Fault{Kind: "duplicate", From: plan.Duration(4 * minute), Until: plan.Duration(6 * minute)})
		s.at(5*minute+second).operator("restart", 200, "provisioning")
		s.restarted("restart").at(s.now + 10*second).restarted("restart").beats(60 * minute)
	}, false, nil},
	{"unasked", "a tick pauses it", func(s *story) {
		s.create().at(minute).lives().beats(5*minute).moved(lifecycle.Pause, lifecycle.Paused, "launcher", "")
		s.machine(1, history.Terminated)
	}, true, nil},
	{"unasked", "a scale-down hibernates what is at work", func(s *story) {
		s.create().at(minute).lives().beats(5*minute).moved(lifecycle.Hibernate, lifecycle.Hibernating, "launcher", "")
		s.machine(1, history.Terminated)
		s.moved(lifecycle.MachineStopped, lifecycle.Hibernated, "launcher", "")
	}, true, nil},
	{"unasked", "a tick removes it", func(s *story) {
		s.create().at(minute).lives().beats(5*minute).at(5*minute+second).moved(lifecycle.Remove, lifecycle.Removed, "orphan-sweep", "")
		s.machine(1, history.Terminated)
	}, true, nil},
	{"unasked", "a tick makes it online", func(s *story) {
		s.create().at(minute).moved(lifecycle.Beat, lifecycle.Online, "launcher", "")
		s.at(4*minute+5*second).moved(lifecycle.Silence, lifecycle.Offline, "liveness-sweep", "silent")
	}, true, nil},
	{"unasked", "the family's pause is a licence for each below", func(s *story) {
		s.create().at(minute).lives().born().at(2 * minute).paused()
		s.child(lifecycle.Pause, lifecycle.AwaitingAgent, lifecycle.Paused, "pause").operator("pause", 200, "paused")
	}, false, nil},
	{"unasked", "a restart of the parent is none for a child", func(s *story) {
		s.create().at(minute).lives().born().beats(2*minute).at(2*minute+second).operator("restart", 200, "provisioning")
		s.child(lifecycle.Pause, lifecycle.AwaitingAgent, lifecycle.Paused, "restart").restarted("restart").beats(60 * minute)
	}, true, nil},
}
