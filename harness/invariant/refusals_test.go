package invariant_test

import (
	"github.com/bootrace/bootrace/controller/lifecycle"
	"github.com/bootrace/bootrace/harness/history"
)

// hibernates writes a hibernate that was answered so.
func (s *story) hibernates(data string, code int) *story {
	says := ""
	if code == 200 {
		s.moved(lifecycle.Hibernate, lifecycle.Hibernating, "hibernate", "")
		s.machine(s.inc, history.Terminated)
		s.moved(lifecycle.MachineStopped, lifecycle.Hibernated, "hibernate", "")
		says = "hibernated"
	}
	s.operator("hibernate", code, says).Data = data
	return s
}

// working has an agent that beat last with so many active tasks.
func (s *story) working(tasks string) *story {
	s.create().at(minute).lives().beats(2 * minute)
	s.at(2*minute+second).sends("heartbeat", 200, "active_tasks="+tasks)
	return s.at(2*minute + 2*second)
}

// refusalCases are about operators' calls that are refused without a reason, or granted in spite of one.
var refusalCases = []judgedCase{
	{"reply-is-state", "hibernated without force, and idle", func(s *story) { s.working("0").hibernates("force=false", 200) }, false, nil},
	{"reply-is-state", "hibernated without force, and busy", func(s *story) { s.working("2").hibernates("force=false", 200) }, true, nil},
	{"reply-is-state", "hibernated with force, and busy", func(s *story) { s.working("2").hibernates("force=true", 200) }, false, nil},
	{"reply-is-state", "hibernated without force, where the last word of tasks may be lost", func(s *story) {
		s.working("2").sends("heartbeat", 0, "active_tasks=0").Err = "timed out"
		s.at(3*minute).hibernates("force=false", 200)
	}, false, nil},
	{"reply-is-state", "hibernated by who does not say whether with force", func(s *story) { s.working("2").hibernates("", 200) }, false, nil},
	{"reply-is-state", "not hibernated without force, and busy", func(s *story) {
		s.working("1").hibernates("force=false", 409).beats(60 * minute)
	}, false, nil},
	{"reply-is-state", "not hibernated without force, and idle", func(s *story) {
		s.working("0").hibernates("force=false", 409).beats(60 * minute)
	}, true, nil},
	{"reply-is-state", "not hibernated with force, and busy", func(s *story) {
		s.working("1").hibernates("force=true", 409).beats(60 * minute)
	}, true, nil},
	{"reply-is-state", "not hibernated, as of one that is not up", func(s *story) {
		s.create().hibernates("force=true", 404).at(minute).lives().beats(60 * minute)
	}, false, nil},
	{"reply-is-state", "not hibernated, as of one that is not up, which came up meanwhile", func(s *story) {
		s.create().at(minute).lives()
		s.at(minute+second).operator("hibernate", 404, "").Sent = history.Time(minute - second)
		s.beats(60 * minute)
	}, false, nil},
	{"reply-is-state", "not hibernated, though it is degraded", func(s *story) {
		s.create().at(minute).lives().moved(lifecycle.BeatSick, lifecycle.Degraded, "heartbeat", "")
		s.sends("heartbeat", 200, "last_error_rate=0.9")
		s.at(minute+second).hibernates("force=true", 404)
		for s.now < 60*minute {
			s.at(s.now+30*second).sends("heartbeat", 200, "last_error_rate=0.9")
		}
	}, true, nil},
	{"reply-is-state", "resumed, as nobody had paused it", func(s *story) {
		s.create().at(minute).lives().operator("resume", 409, "")
		s.beats(60 * minute)
	}, false, nil},
	{"reply-is-state", "not resumed, though it is paused", func(s *story) {
		s.create().at(minute).lives().at(2*minute).paused().operator("pause", 200, "paused")
		s.at(3*minute).operator("resume", 409, "")
	}, true, nil},
	{"reply-is-state", "not resumed, since its parent is paused", func(s *story) {
		s.create().at(minute).lives().born().at(2 * minute).paused()
		s.child(lifecycle.Pause, lifecycle.AwaitingAgent, lifecycle.Paused, "pause").operator("pause", 200, "paused")
		s.at(3*minute).childAsked("resume", 409)
	}, false, nil},
	{"reply-is-state", "not restarted, though it is up", func(s *story) {
		s.create().at(minute).lives().at(minute+second).operator("restart", 409, "")
		s.beats(60 * minute)
	}, true, nil},
	{"reply-is-state", "not paused, though it is up", func(s *story) {
		s.create().at(minute).lives().at(minute+second).operator("pause", 409, "")
		s.beats(60 * minute)
	}, true, nil},
	{"reply-is-state", "an external one is not restarted", func(s *story) {
		s.external().beats(minute).operator("restart", 409, "")
		s.beats(60 * minute)
	}, false, nil},
}
