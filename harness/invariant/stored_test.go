package invariant_test

import (
	"time"

	"github.com/bootrace/bootrace/controller/lifecycle"
	"github.com/bootrace/bootrace/harness/history"
)

// sends writes a call with what it sends.
func (s *story) sends(call string, code int, data string) *history.Event {
	e := s.agent(call, s.inc, code)
	e.Data = data
	return e
}

// shows writes a GET with what it shows.
func (s *story) shows(data string) *story {
	s.now += time.Second
	s.add(history.Event{
		Kind: history.Call, Actor: history.ActorObserver, Call: "get", Sent: history.Time(s.now), Code: 200, Replica: 1, Data: data,
	})
	return s
}

// fed writes an entry of an events feed that was read now.
func (s *story) fed(e lifecycle.Event, from, to lifecycle.Status, logged time.Duration) *story {
	s.add(history.Event{
		Kind: history.Reading, Call: "events", Sent: history.Time(s.now), Inc: 1, Event: e, From: from, To: to, Logged: history.Time(logged),
	})
	return s
}

// storedCases are about what replies show and say that they did.
var storedCases = []judgedCase{
	{"stored-as-sent", "the second URL is shown", func(s *story) {
		s.create().at(minute).lives().sends("register", 200, "url=http://a:1").Sent--
		s.sends("register", 200, "url=http://a:2")
		s.shows("url=http://a:2").beats(60 * minute)
	}, false, nil},
	{"stored-as-sent", "the second URL is ignored", func(s *story) {
		s.create().at(minute).lives()
		s.at(minute+second).sends("register", 200, "url=http://a:1")
		s.at(minute+2*second).sends("register", 200, "url=http://a:2")
		s.shows("url=http://a:1").beats(60 * minute)
	}, true, nil},
	{"stored-as-sent", "a register without an answer may have been stored", func(s *story) {
		s.create().at(minute).lives()
		s.at(minute+second).sends("register", 200, "url=http://a:1")
		s.at(minute+2*second).sends("register", 0, "url=http://a:2").Err = "timed out"
		s.shows("url=http://a:1").shows("url=http://a:2").beats(60 * minute)
	}, false, nil},
	{"stored-as-sent", "what a refused register sent is shown", func(s *story) {
		s.create().at(minute).lives()
		s.at(minute+second).sends("register", 200, "url=http://a:1")
		s.at(minute+2*second).sends("register", 401, "url=http://a:2")
		s.shows("url=http://a:2").beats(60 * minute)
	}, true, nil},
	{"stored-as-sent", "a card that nobody sent", func(s *story) {
		s.create().at(minute).lives()
		s.at(minute+second).sends("register", 200, `url=http://a:1; agent_card={"v":1}`)
		s.at(minute+2*second).sends("update-card", 200, `agent_card={"v":2}`)
		s.shows(`url=http://a:1; agent_card={"v":1}`).beats(60 * minute)
	}, true, nil},
	{"stored-as-sent", "an error rate as the last beat had it", func(s *story) {
		s.create().at(minute).lives().beats(2*minute).at(2*minute+second).sends("heartbeat", 200, "last_error_rate=0.3")
		s.shows("last_error_rate=0.3; uptime_seconds=61").beats(60 * minute)
	}, false, nil},
	{"stored-as-sent", "an error rate that an older beat had", func(s *story) {
		s.create().at(minute).lives().at(2*minute).sends("heartbeat", 200, "last_error_rate=0.3")
		s.at(2*minute+second).sends("heartbeat", 200, "active_tasks=0")
		s.shows("last_error_rate=0.3; uptime_seconds=60").beats(60 * minute)
	}, true, nil},
	{"stored-as-sent", "the uptime of no beat", func(s *story) {
		s.create().at(minute).lives().at(2*minute).sends("heartbeat", 200, "active_tasks=0")
		s.shows("uptime_seconds=7").beats(60 * minute)
	}, true, nil},
	{"stored-as-sent", "another name", func(s *story) {
		s.create()
		s.events[len(s.events)-2].Data = "name=w-1"
		s.shows("name=w-2").at(minute).lives().beats(60 * minute)
	}, true, nil},
	{"stored-as-sent", "launched as another model", func(s *story) {
		s.create()
		s.events[len(s.events)-2].Data = "name=w-1; model=kimi"
		s.add(history.Event{Kind: history.Cloud, Call: "launch", Inc: 1, Data: "name=w-1; model=gemini"})
		s.at(minute).lives().beats(60 * minute)
	}, true, nil},
	{"stored-as-sent", "heard of by a heartbeat that was refused", func(s *story) {
		s.create().at(minute).lives().at(2*minute).agent("heartbeat", 1, 401)
		s.shows("last_heartbeat_at=120000000").at(2 * minute).beats(60 * minute)
	}, true, nil},
	{"stored-as-sent", "heard of by the last heartbeat", func(s *story) {
		s.create().at(minute).lives().beats(2 * minute).shows("last_heartbeat_at=120000000").beats(60 * minute)
	}, false, nil},
	{"stored-as-sent", "another incarnation", func(s *story) {
		s.create().shows("incarnation=2").at(minute).lives().beats(60 * minute)
	}, true, nil},
	{"stored-as-sent", "the feed shows the log", func(s *story) {
		s.create().at(minute).lives().beats(50*minute).at(50*minute+second).
			fed(lifecycle.Register, lifecycle.Provisioning, lifecycle.Online, minute).fed(lifecycle.Create, lifecycle.None, lifecycle.Provisioning, 0)
		s.beats(60 * minute)
	}, false, nil},
	{"stored-as-sent", "the feed has from and to the wrong way round", func(s *story) {
		s.create().at(minute).lives().beats(50*minute).at(50*minute+second).
			fed(lifecycle.Register, lifecycle.Online, lifecycle.Provisioning, minute).fed(lifecycle.Create, lifecycle.None, lifecycle.Provisioning, 0)
		s.beats(60 * minute)
	}, true, nil},
	{"stored-as-sent", "the feed lacks the last transition", func(s *story) {
		s.create().at(minute).lives().beats(50*minute).at(50*minute+second).fed(lifecycle.Create, lifecycle.None, lifecycle.Provisioning, 0)
		s.beats(60 * minute)
	}, true, nil},

	{"degraded-as-reported", "sick, and well again", func(s *story) {
		s.create().at(minute).lives().beats(2*minute).at(2*minute+second).moved(lifecycle.BeatSick, lifecycle.Degraded, "heartbeat", "").ByInc = 1
		s.sends("heartbeat", 200, "last_error_rate=0.5")
		s.at(2*minute+30*second).sends("heartbeat", 200, "last_error_rate=0.3")
		s.at(3*minute).moved(lifecycle.Beat, lifecycle.Online, "heartbeat", "").ByInc = 1
		s.sends("heartbeat", 200, "last_error_rate=0.09")
		s.beats(60 * minute)
	}, false, nil},
	{"degraded-as-reported", "an error rate read as a percentage", func(s *story) {
		s.create().at(minute).lives().beats(2*minute).at(2*minute+second).sends("heartbeat", 200, "last_error_rate=0.5")
		s.beats(60 * minute)
	}, true, nil},
	{"degraded-as-reported", "a wedged runtime is ignored", func(s *story) {
		s.create().at(minute).lives().beats(2*minute).at(2*minute+second).sends("heartbeat", 200, "runtime_state=wedged")
		s.beats(60 * minute)
	}, true, nil},
	{"degraded-as-reported", "never comes back", func(s *story) {
		s.create().at(minute).lives().beats(2*minute).at(2*minute+second).moved(lifecycle.BeatSick, lifecycle.Degraded, "heartbeat", "").ByInc = 1
		s.sends("heartbeat", 200, "last_error_rate=0.8")
		s.at(3*minute).sends("heartbeat", 200, "active_tasks=0")
		s.beats(60 * minute)
	}, true, nil},
	{"degraded-as-reported", "comes back while it is half well", func(s *story) {
		s.create().at(minute).lives().beats(2*minute).at(2*minute+second).moved(lifecycle.BeatSick, lifecycle.Degraded, "heartbeat", "").ByInc = 1
		s.sends("heartbeat", 200, "last_error_rate=0.8")
		s.at(3*minute).moved(lifecycle.Beat, lifecycle.Online, "heartbeat", "").ByInc = 1
		s.sends("heartbeat", 200, "last_error_rate=0.1")
		s.beats(60 * minute)
	}, true, nil},
	{"degraded-as-reported", "the first sick beat only brings it online", func(s *story) {
		s.create().at(minute).add(history.Event{Kind: history.Agent, Inc: 1, Machine: "i-1", Phase: history.Started})
		s.moved(lifecycle.BeatSick, lifecycle.Online, "heartbeat", "").ByInc = 1
		s.sends("heartbeat", 200, "last_error_rate=0.8")
		s.at(minute+30*second).moved(lifecycle.BeatSick, lifecycle.Degraded, "heartbeat", "").ByInc = 1
		s.agent("heartbeat", 1, 200)
		s.beats(60 * minute)
	}, false, nil},

	{"reply-is-state", "a delete that does nothing", func(s *story) {
		s.create().at(minute).lives().beats(2*minute).at(2*minute+second).operator("delete", 200, "online")
		s.beats(60 * minute)
	}, true, nil},
	{"reply-is-state", "a restart that does nothing", func(s *story) {
		s.create().at(2*second).operator("restart", 200, "provisioning")
		s.at(minute).lives().beats(60 * minute)
	}, true, nil},
	{"reply-is-state", "a delete of what is removed", func(s *story) {
		s.create().at(minute).lives().at(2*minute).moved(lifecycle.Remove, lifecycle.Removed, "delete", "")
		s.operator("delete", 200, "removed")
		s.machine(1, history.Terminated)
		s.at(3*minute).operator("delete", 200, "removed")
	}, false, nil},
	{"reply-is-state", "its agent is told that it is not there", func(s *story) {
		s.create().at(minute).lives().beats(2*minute).at(2*minute+second).agent("heartbeat", 1, 404)
		s.beats(60 * minute)
	}, true, nil},
	{"reply-is-state", "its operator is told that it is not there", func(s *story) {
		s.create().at(minute).lives().beats(2*minute).at(2*minute+second).operator("restart", 404, "")
		s.beats(60 * minute)
	}, true, nil},
	{"reply-is-state", "a pause counts nobody", func(s *story) {
		s.create().at(minute).lives().at(2 * minute).paused()
		s.operator("pause", 200, "").Data = "count=0"
	}, true, nil},
	{"reply-is-state", "a pause counts itself", func(s *story) {
		s.create().at(minute).lives().at(2 * minute).paused()
		s.operator("pause", 200, "paused").Data = "count=1"
	}, false, nil},
	{"reply-is-state", "paused, says its state, and it is not", func(s *story) {
		s.create().at(minute).lives().beats(2*minute).at(2*minute+second).operator("state", 200, "online").Data = "paused=true; deleted=false"
		s.beats(60 * minute)
	}, true, nil},
	{"reply-is-state", "about another workspace", func(s *story) {
		s.create().at(minute).lives().shows("another=x").beats(60 * minute)
	}, true, nil},
	{"reply-is-state", "a credential that is refused", func(s *story) {
		s.create().at(minute).lives()
		s.at(minute+second).agent("register", 1, 200).Token = true
		s.at(minute+2*second).agent("heartbeat", 1, 401)
		s.at(2 * minute).beats(60 * minute)
	}, true, nil},

	{"gives-up", "a refusal for good fails it at once", func(s *story) {
		s.create().at(minute).machine(1, history.Died)
		s.add(history.Event{Kind: history.Cloud, Call: "launch", Inc: 1, Err: "refused", Phase: history.Permanent})
		s.moved(lifecycle.LaunchFailed, lifecycle.Failed, "launcher", "refused")
	}, false, nil},
	{"gives-up", "a launch that was throttled fails it at once", func(s *story) {
		s.create().at(minute).machine(1, history.Died)
		s.add(history.Event{Kind: history.Cloud, Call: "launch", Inc: 1, Err: "throttled"})
		s.moved(lifecycle.LaunchFailed, lifecycle.Failed, "launcher", "throttled")
	}, true, nil},
	{"gives-up", "failed as if somebody had said so", func(s *story) {
		s.create().at(minute).moved(lifecycle.BootstrapFailed, lifecycle.Failed, "launcher", "it must have")
	}, true, nil},

	{"cause-kept", "the watcher's words stand in the cause", func(s *story) {
		s.create().at(minute).moved(lifecycle.BootstrapFailed, lifecycle.Failed, "bootstrap-failed", "bootstrap failed: it fell\nKilled")
		s.operator("bootstrap-failed", 200, "").Data = "error=it fell; log_tail=Killed"
	}, false, nil},
	{"cause-kept", "a fixed text in place of the watcher's words", func(s *story) {
		s.create().at(minute).moved(lifecycle.BootstrapFailed, lifecycle.Failed, "bootstrap-failed", "bootstrap failed")
		s.operator("bootstrap-failed", 200, "").Data = "error=it fell; log_tail=Killed"
	}, true, nil},
	{"cause-kept", "a fixed text in place of the cloud's error", func(s *story) {
		s.create().at(minute).machine(1, history.Died)
		s.add(history.Event{Kind: history.Cloud, Call: "launch", Inc: 1, Err: "the image does not exist", Phase: history.Permanent})
		s.moved(lifecycle.LaunchFailed, lifecycle.Failed, "launcher", "launch failed")
	}, true, nil},
}
