package invariant_test

import (
	"github.com/bootrace/bootrace/controller/lifecycle"
	"github.com/bootrace/bootrace/harness/history"
)

// intruder writes a call of somebody's who has no right to it.
func (s *story) intruder(call, with string, code int) *history.Event {
	return s.add(history.Event{Kind: history.Call, Actor: history.ActorIntruder, Call: call, By: with, Sent: history.Time(s.now), Code: code, Replica: 1})
}

// intruderCases are about who knows a workspace's id and has no right to anything.
var intruderCases = []judgedCase{
	{"keeps-out", "all is refused", func(s *story) {
		s.create().at(minute).lives().beats(3 * minute)
		s.intruder("heartbeat", history.WithoutToken, 401)
		s.intruder("restart", history.WithAnothersToken, 401)
		s.intruder("get", history.WithoutToken, 200)
		s.beats(60 * minute)
	}, false, nil},
	{"keeps-out", "a restart is granted", func(s *story) {
		s.create().at(minute).lives().beats(3 * minute)
		s.intruder("restart", history.WithoutToken, 200)
		s.beats(60 * minute)
	}, true, nil},
	{"keeps-out", "a restart without an answer restarted it, out of sight of who reads", func(s *story) {
		s.create().at(minute).lives().beats(3 * minute).at(3*minute + second)
		s.intruder("restart", history.WithoutToken, 0)
		s.moved(lifecycle.Restart, lifecycle.Provisioning, "restart", "").Actor = history.ActorIntruder
		s.machine(1, history.Terminated)
		s.machine(2, history.Launched)
		s.at(s.now + minute).lives().beats(60 * minute)
	}, true, []string{"unasked"}},
	{"keeps-out", "a register is granted where there is a token", func(s *story) {
		s.create().at(minute).lives().beats(3 * minute)
		s.intruder("register", history.WithAnothersToken, 200)
		s.beats(60 * minute)
	}, true, nil},
	{"keeps-out", "a register is granted where nobody has a token yet", func(s *story) {
		s.create().at(30*second).intruder("register", history.WithoutToken, 200)
		s.intruder("list", history.WithoutToken, 401)
		s.at(minute).lives().beats(60 * minute)
	}, false, nil},
	{"keeps-out", "the token of the boot before is accepted", func(s *story) {
		s.create().at(minute).lives().beats(3*minute).at(3*minute+second).operator("restart", 200, "provisioning")
		s.restarted("restart")
		s.intruder("update-card", history.WithOldToken, 200)
		s.beats(60 * minute)
	}, true, nil},
}
