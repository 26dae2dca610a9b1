package invariant_test

import (
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/bootrace/bootrace/controller/lifecycle"
	"github.com/bootrace/bootrace/harness/history"
	"github.com/bootrace/bootrace/harness/invariant"
	"github.com/bootrace/bootrace/harness/plan"
)

// blackBox is what a world sees nothing of that only has a controller's wire.
var blackBox = []string{"move", "log", "row", "machine", "cloud", "boot", "process", "tick", "panic"}

// polled tells the story again as a world would that only has the wire: what it cannot see is left out, and a reading every
// so often says where the workspace is.
func (s *story) polled(every time.Duration) (*plan.Plan, *history.History) {
	p := s.plan.Clone()
	p.Live = &plan.Live{Speed: 1, Tolerance: plan.Duration(time.Second), Unseen: blackBox}
	h := &history.History{}
	statuses := make([]lifecycle.Status, len(p.Workspaces)+1)
	next := time.Duration(0)
	read := func(until time.Duration) {
		for ; next < until; next += every {
			for ws, status := range statuses {
				if status != lifecycle.None {
					h.Add(history.Event{At: history.Time(next), Sent: history.Time(next), Kind: history.Reading, WS: ws, To: status})
				}
			}
		}
	}
	for _, e := range s.events {
		read(e.At.D())
		if e.Kind == history.Move && e.WS > 0 {
			statuses[e.WS] = e.To
		}
		if e.Kind == history.Move && e.WS == 0 {
			h.Add(history.Event{At: e.At, Sent: e.At, Kind: history.Reading, To: e.To})
		}
		if e.Kind == history.End {
			read(e.At.D() + every)
			e.At = history.Time(next)
			p.Duration = plan.Duration(next)
		}
		if e.Kind == history.Machine && e.Phase != history.Launched && e.WS == 1 { // its agent is the world's own
			h.Add(history.Event{At: e.At, Kind: history.Agent, WS: 1, Inc: e.Inc, Machine: e.Machine, Phase: history.Ended})
		}
		if !slices.Contains(blackBox, e.Kind.String()) {
			h.Add(e)
		}
	}
	return p, h
}

// outOfReach are red histories of judgeable invariants that only who sees rows can tell from green ones.
var outOfReach = map[string]string{
	"gives-up/a launch that was throttled fails it at once": "which errors are for good cannot be seen",
	"gives-up/failed as if somebody had said so":            "whether the cloud had refused the launch cannot be seen",
	"gives-up/before the budget":                            "whether the cloud had refused the launch cannot be seen",
	"removed-is-terminal/its credential lives on":           "no call showed the credential",
	"converges/a live agent is turned away for ever":        "nobody here ever had a token: the run is in doubt",
	"stays-online/swept while its beats get 429":            "it is the harness that calls too often, from one address: the run is in doubt",
	"no-phantom-rows/one create made two":                   "readings do not say whose create made a row",
	"bounded-churn/on and off and on and off":               "it is back within a second, between two readings",

	"reply-is-state/the list shows another status": "where it is, the list itself says",

	"reply-is-state/a delete that does nothing":                "what a call did between two readings cannot be told from what others did",
	"reply-is-state/a restart that does nothing":               "what a call did between two readings cannot be told from what others did",
	"reply-is-state/its agent is told that it is not there":    "what a call did between two readings cannot be told from what others did",
	"reply-is-state/its operator is told that it is not there": "what a call did between two readings cannot be told from what others did",
	"reply-is-state/a pause counts nobody":                     "what a call did between two readings cannot be told from what others did",
	"reply-is-state/paused, says its state, and it is not":     "what a call did between two readings cannot be told from what others did",
	"reply-is-state/a credential that is refused":              "what a call did between two readings cannot be told from what others did",

	"unasked/one restart without an answer restarts it twice":        "boots cannot be counted",
	"unasked/a call that was given up and answered late is one call": "boots cannot be counted",

	"reply-is-state/hibernated without force, and busy":     "a server of somebody else's may have reasons of its own",
	"reply-is-state/not hibernated without force, and idle": "a server of somebody else's may have reasons of its own",
	"reply-is-state/not hibernated with force, and busy":    "a server of somebody else's may have reasons of its own",
	"reply-is-state/not hibernated, though it is degraded":  "a server of somebody else's may have reasons of its own",
	"reply-is-state/not resumed, though it is paused":       "a server of somebody else's may have reasons of its own",
	"reply-is-state/not restarted, though it is up":         "a server of somebody else's may have reasons of its own",
	"reply-is-state/not paused, though it is up":            "a server of somebody else's may have reasons of its own",

	"referential-integrity/created below what is removed":        "what the wire says of an unknown parent, it does not say",
	"referential-integrity/refused below a parent that is there": "a server of somebody else's may have reasons of its own",
}

// TestReadInvariantsRedAndGreen judges the same histories as TestInvariantsRedAndGreen with nothing but the wire to go by.
func TestReadInvariantsRedAndGreen(t *testing.T) {
	t.Parallel()
	reds := map[string]bool{}
	for _, c := range cases {
		if strings.Contains(c.name, "a controller that was down") || strings.Contains(c.name, "that nobody saw") || strings.Contains(c.name, "out of sight of who reads") {
			continue // that it was down cannot be seen, and where calls are on a wire all copies are
		}
		s := newStory()
		c.tell(s)
		s.end()
		p, h := s.polled(5 * second)
		j := invariant.Judge(p, h)
		f := finding(t, j, c.invariant)
		if f.Why != "" {
			if f.Verdict != invariant.Inconclusive || !strings.Contains(f.Why, "does not show") {
				t.Errorf("%s: %s, %q", c.invariant, f.Verdict, f.Why)
			}
			continue
		}
		want := invariant.Held
		if c.red && outOfReach[c.invariant+"/"+c.name] == "" {
			want = invariant.Violated
			reds[c.invariant] = true
		}
		if f.Verdict != want {
			t.Errorf("%s, %s: %s, want %s", c.invariant, c.name, f.Verdict, want)
		}
		for _, v := range j.Violations() {
			if !c.red {
				t.Errorf("%s, %s: violates %s: %s", c.invariant, c.name, v.Invariant, v.What)
			}
			e := invariant.Explain(p, h, &v)
			if !strings.HasSuffix(e.Mechanism, ".") || strings.Contains(e.Mechanism, "somebody") {
				t.Errorf("%s is told badly: %s", v.Invariant, e.Mechanism)
			}
		}
	}
	want := []string{
		"as-declared", "bounded-churn", "converges", "current-incarnation", "degraded-as-reported", "detects-silence", "expected", "gives-up", "keeps-out", "linearizable", "no-phantom-rows",
		"operator-intent-holds", "referential-integrity", "removed-is-terminal", "reply-is-state", "stays-online", "unasked",
	}
	if got := slices.Sorted(maps.Keys(reds)); !slices.Equal(got, want) {
		t.Errorf("seen red: %v, want %v", got, want)
	}
}

// TestTolerance tells stories that break a bound by a little: less than the tolerance of a live run is held there, more is
// violated, and where time is simulated, which is exact, both are.
func TestTolerance(t *testing.T) {
	t.Parallel()
	const tolerance = 2 * second
	for _, c := range []struct {
		invariant string
		what      string
		tell      func(s *story, by time.Duration)
	}{
		{"converges", "online too late", func(s *story, by time.Duration) {
			s.create().at(minute).add(history.Event{Kind: history.Agent, Inc: 1, Machine: "i-1", Phase: history.Started})
			s.agent("register", 1, 200)
			s.at(minute+30*second+by).moved(lifecycle.Register, lifecycle.Online, "register", "").ByInc = 1
			s.agent("heartbeat", 1, 200)
			s.beats(60 * minute)
		}},
		{"stays-online", "swept before the TTL", func(s *story, by time.Duration) {
			s.create().at(minute).lives().at(4*minute-by).moved(lifecycle.Silence, lifecycle.Offline, "liveness-sweep", "silent")
			s.machine(1, history.Died)
		}},
		{"detects-silence", "swept too late", func(s *story, by time.Duration) {
			s.create().at(minute).lives().machine(1, history.Died)
			s.at(4*minute+20*second+by).moved(lifecycle.Silence, lifecycle.Offline, "liveness-sweep", "silent")
		}},
		{"gives-up", "too late", func(s *story, by time.Duration) {
			s.create().at(10*minute+35*second+by).moved(lifecycle.ProvisionTimeout, lifecycle.Failed, "provision-sweep", "timeout")
		}},
		{"gives-up", "too early", func(s *story, by time.Duration) {
			s.create().at(10*minute-by-100*time.Millisecond).moved(lifecycle.ProvisionTimeout, lifecycle.Failed, "provision-sweep", "timeout")
		}},
		{"removed-is-terminal", "a beat sent before the reply", func(s *story, by time.Duration) {
			s.create().at(minute).lives().at(2*minute).moved(lifecycle.Remove, lifecycle.Removed, "delete", "")
			s.at(2*minute+by).agent("heartbeat", 1, 200)
			s.machine(1, history.Terminated)
		}},
		{"operator-intent-holds", "resumed before the call was sent", func(s *story, by time.Duration) {
			s.create().at(minute).lives().at(2*minute).moved(lifecycle.Pause, lifecycle.Paused, "pause", "")
			s.machine(1, history.Terminated)
			s.at(3*minute).moved(lifecycle.Resume, lifecycle.Provisioning, "resume", "")
			s.machine(2, history.Launched)
			s.at(3*minute+by).operator("resume", 200, "")
			s.at(4 * minute).lives().beats(60 * minute)
		}},
		{"one-machine", "stopped too late", func(s *story, by time.Duration) {
			s.create().at(minute).moved(lifecycle.Remove, lifecycle.Removed, "delete", "")
			s.at(minute+130*second+by).machine(1, history.Terminated)
		}},
		{"one-machine", "stopped before the move was seen", func(s *story, by time.Duration) {
			s.create().at(minute).machine(1, history.Terminated)
			s.at(minute+by).moved(lifecycle.Remove, lifecycle.Removed, "delete", "")
		}},
		{"current-incarnation", "the old one, at the restart", func(s *story, by time.Duration) {
			s.create().at(minute).lives().at(2*minute).moved(lifecycle.Restart, lifecycle.Provisioning, "restart", "")
			s.machine(1, history.Terminated)
			s.machine(2, history.Launched)
			s.at(2*minute+by).agent("heartbeat", 1, 200)
			s.at(3 * minute).lives().beats(60 * minute)
		}},
		{"reply-is-state", "what was so a moment before", func(s *story, by time.Duration) {
			s.create().at(minute).lives().at(minute+by).operator("state", 200, "provisioning")
			s.at(minute).beats(60 * minute)
			slices.SortStableFunc(s.events, func(a, b history.Event) int { return int(a.At - b.At) })
		}},
	} {
		for _, run := range []struct {
			live bool
			by   time.Duration
			want invariant.Verdict
		}{
			{false, second, invariant.Violated},
			{true, second, invariant.Held},
			{true, 3 * second, invariant.Violated},
		} {
			s := newStory()
			if run.live {
				s.plan.Live = &plan.Live{Speed: 60, Tolerance: plan.Duration(tolerance)}
			}
			c.tell(s, run.by)
			f := finding(t, s.end(), c.invariant)
			if f.Verdict != run.want {
				t.Errorf("%s, %s by %s (live: %v): %s, want %s", c.invariant, c.what, run.by, run.live, f.Verdict, run.want)
			}
			for _, v := range f.Violations {
				if run.live && v.Bound > 0 && f.Invariant != "stays-online" && v.At > v.Since+history.Time(v.Bound-tolerance) && !strings.Contains(v.Expected, "2s of that tolerated") {
					t.Errorf("%s does not state its tolerance: %s", c.invariant, v.Expected)
				}
			}
		}
	}
}

// TestUnseen blinds a world to one kind of event after another: what needs it is inconclusive and says so, and nothing else
// changes.
func TestUnseen(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		kind string
		want []string
		says string
	}{
		{"log", []string{"cause-kept", "event-iff-transition", "loser-cannot-overwrite-winner"}, "log (its transition log"},
		{"machine", []string{"launches", "one-machine"}, "machine (its machines"},
		{"panic", []string{"no-panic"}, "panic (panics"},
		{"agent", []string{"converges"}, "agent (its agents"},
		{"row", nil, ""},
		{"cloud", []string{"launches"}, "cloud ("},
		{"boot", nil, ""},
		{"move", []string{"event-iff-transition", "legal-edges", "stored-as-sent"}, "move (the moves of its rows"},
	} {
		s := newStory()
		s.plan.Live = &plan.Live{Speed: 1, Unseen: []string{c.kind}}
		s.create().at(minute).lives().beats(60 * minute)
		j := s.end()
		var got []string
		for _, f := range j.Unjudged() {
			got = append(got, f.Invariant)
			if f.Verdict != invariant.Inconclusive || !strings.Contains(f.Why, c.says) || f.Checked > 0 {
				t.Errorf("blind to %s: %+v", c.kind, f)
			}
		}
		slices.Sort(got)
		if !slices.Equal(got, c.want) {
			t.Errorf("blind to %s, unjudged are %v, want %v", c.kind, got, c.want)
		}
		if j.Verdict != invariant.Held {
			t.Errorf("blind to %s, the run is %s: %v", c.kind, j.Verdict, j.Violations())
		}
	}
	s := newStory()
	s.plan.Live = &plan.Live{Speed: 1, Unseen: []string{"move", "reading", "log", "machine", "panic", "agent", "call"}}
	s.create()
	if j := s.end(); j.Verdict != invariant.Inconclusive || len(j.Doubts) == 0 {
		t.Errorf("a run that judged nothing is %s, %q", j.Verdict, j.Doubts)
	}
}

// TestBudgetFromTheCall has a row be written long after the call that asked for it was sent. The controller may have read its clock
// at any time between, so that only a boot that is given up sooner than its budget after the call was given up too early.
func TestBudgetFromTheCall(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name   string
		at     time.Duration
		unsure bool // the caller gave up, and nobody answered it
		want   invariant.Verdict
	}{
		{"a budget after the call", 10*minute + second, false, invariant.Held},
		{"sooner", 10*minute - second, false, invariant.Violated},
		{"a budget after a call without an answer", 10*minute + second, true, invariant.Held},
		{"sooner, after a call without an answer", 10*minute - second, true, invariant.Violated},
	} {
		s := newStory()
		s.at(minute).moved(lifecycle.Create, lifecycle.Provisioning, "create", "")
		call := history.Event{Kind: history.Call, Actor: history.ActorOperator, Call: "create", Code: 201, Replica: 1, Says: "provisioning"}
		if c.unsure {
			call.Code, call.Replica, call.Says, call.Err = 0, 0, "", "timed out"
		}
		s.add(call).Sent = 0
		s.machine(1, history.Launched)
		s.at(c.at).moved(lifecycle.ProvisionTimeout, lifecycle.Failed, "provision-sweep", "timeout")
		j := s.at(20 * minute).end()
		if got := finding(t, j, "gives-up").Verdict; got != c.want {
			t.Errorf("%s: %s, want %s", c.name, got, c.want)
		}
	}
}

// TestReadBudget judges a boot that is given up too early by readings, which takes a world that sees what the cloud says.
func TestReadBudget(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name   string
		blind  bool
		refuse bool
		want   invariant.Verdict
	}{
		{"the cloud launched it", false, false, invariant.Violated},
		{"the cloud refused it", false, true, invariant.Held},
		{"the cloud is out of sight", true, false, invariant.Held},
	} {
		s := newStory()
		s.create()
		if c.refuse {
			s.add(history.Event{Kind: history.Cloud, Call: "launch", Inc: 1, Err: "no capacity"})
		}
		s.at(9*minute).moved(lifecycle.ProvisionTimeout, lifecycle.Failed, "provision-sweep", "timeout")
		s.at(9*minute + 30*second).lives().beats(60 * minute)
		s.end()
		p, h := s.polled(5 * second)
		if !c.blind {
			p.Live.Unseen = []string{"move", "log", "row", "machine"}
			h.Events = slices.Insert(h.Events, 2, s.events[2:4]...)
			h.Events = slices.DeleteFunc(h.Events, func(e history.Event) bool {
				return e.Kind != history.Cloud && slices.Contains(blackBox, e.Kind.String())
			})
		}
		if f := finding(t, invariant.Judge(p, h), "gives-up"); f.Verdict != c.want {
			t.Errorf("%s: %s, want %s: %v", c.name, f.Verdict, c.want, f.Violations)
		}
	}
}

// TestReadMechanism tells the seed defect from readings alone.
func TestReadMechanism(t *testing.T) {
	t.Parallel()
	s := newStory()
	s.create().at(10*minute).moved(lifecycle.ProvisionTimeout, lifecycle.Failed, "provision-sweep", "timeout")
	s.at(12 * minute).add(history.Event{Kind: history.Agent, Inc: 1, Phase: history.Started})
	s.agent("register", 1, 200)
	s.beats(60 * minute)
	s.end()
	p, h := s.polled(5 * second)
	v := invariant.Judge(p, h).First()
	if v == nil || v.Invariant != "converges" {
		t.Fatalf("violated: %+v", v)
	}
	e := invariant.Explain(p, h, v)
	for _, want := range []string{
		"The provision-timeout sweeper gave up between +09:55.0 and +10:00.0", "the heartbeat handler accepted", `found "failed" each time`,
	} {
		if !strings.Contains(e.Mechanism, want) {
			t.Errorf("the mechanism lacks %q: %s", want, e.Mechanism)
		}
	}
}

// TestSeenIncarnations checks which incarnation a move is told of: the operator's calls count, and what readings show of it
// counts but once.
func TestSeenIncarnations(t *testing.T) {
	t.Parallel()
	for _, shows := range []bool{false, true} {
		s := newStory()
		p := s.plan.Clone()
		p.Live = &plan.Live{Speed: 1, Unseen: blackBox}
		inc := func(n int) int {
			if shows {
				return n
			}
			return 0
		}
		call := func(at time.Duration, name string, code int, says string) history.Event {
			return history.Event{
				Kind: history.Call, WS: 1, Actor: history.ActorOperator, Call: name, Sent: history.Time(at - second), At: history.Time(at), Code: code, Says: says,
			}
		}
		reading := func(at time.Duration, n int, to lifecycle.Status) history.Event {
			return history.Event{Kind: history.Reading, WS: 1, Inc: inc(n), Sent: history.Time(at), At: history.Time(at), To: to}
		}
		h := &history.History{Events: []history.Event{
			call(2*second, "create", 201, "provisioning"),
			reading(3*second, 1, lifecycle.Online),
			call(9*second, "restart", 409, ""),
			reading(19*second, 2, lifecycle.Provisioning), // before the reply to the restart comes
			call(20*second, "restart", 200, "provisioning"),
			reading(21*second, 2, lifecycle.Online),
			call(30*second, "resume", 200, ""),
			reading(31*second, 3, lifecycle.Online),
			call(40*second, "delete", 200, "removed"),
		}}
		var got []int
		var last lifecycle.Status
		for _, e := range invariant.Seen(p, h).Events {
			if e.Kind != history.Move {
				continue
			}
			if e.From != last || e.Sent > e.At {
				t.Errorf("a move from %s after %s, between %s and %s", e.From, last, e.Sent.D(), e.At.D())
			}
			last = e.To
			got = append(got, e.Inc)
		}
		want := []int{1, 1, 2, 2, 3, 3, 3} // what is read while the restart is under way is the restart's
		if !slices.Equal(got, want) || last != lifecycle.Removed {
			t.Errorf("readings show incarnations: %v: moves of %v, want %v, and it ends %s", shows, got, want, last)
		}
	}
}

// TestNobodyKnows checks that nothing is held against a target for a time of which nobody has read what was so.
func TestNobodyKnows(t *testing.T) {
	t.Parallel()
	for _, blind := range []bool{true, false} {
		s := newStory()
		s.create().at(10*minute).moved(lifecycle.ProvisionTimeout, lifecycle.Failed, "provision-sweep", "timeout")
		s.at(12*minute).agent("register", 1, 200)
		s.end()
		p, h := s.polled(5 * second)
		if blind { // the last reading is from before the register could have been heard
			h.Events = slices.DeleteFunc(h.Events, func(e history.Event) bool {
				return e.Kind == history.Reading && e.At > history.Time(12*minute+10*second)
			})
		}
		want := invariant.Violated
		if blind {
			want = invariant.Held
		}
		if f := finding(t, invariant.Judge(p, h), "converges"); f.Verdict != want {
			t.Errorf("without later readings: %v: %s, want %s: %v", blind, f.Verdict, want, f.Violations)
		}
	}
}

// A reading that was on its way while a later one, or the reply to a call, came in is no move back; one that was asked for
// afterwards is.
func TestReadingsOvertaken(t *testing.T) {
	t.Parallel()
	at := func(s float64) history.Time { return history.Time(s * float64(time.Second)) }
	p := &plan.Plan{
		Name: "overtaken", Controllers: 1, Duration: plan.Duration(time.Minute),
		Workspaces: []plan.Workspace{{Name: "w-1", Group: "w", Provider: "kimi", Runtime: "claude-code", Boots: []plan.Boot{{}}}},
		Live:       &plan.Live{Speed: 1, Tolerance: plan.Duration(time.Second), Unseen: []string{"move", "log", "row"}},
	}
	for _, c := range []struct {
		asked float64
		want  []lifecycle.Status
	}{
		{9, []lifecycle.Status{lifecycle.Provisioning, lifecycle.Online, lifecycle.Removed}},
		{12, []lifecycle.Status{lifecycle.Provisioning, lifecycle.Online, lifecycle.Removed, lifecycle.Online}},
	} {
		h := &history.History{Events: []history.Event{
			{At: at(1), Kind: history.Call, WS: 1, Actor: history.ActorOperator, Call: "create", Sent: at(0.5), Code: 201, Says: "provisioning"},
			{At: at(5), Kind: history.Reading, WS: 1, Sent: at(4), To: lifecycle.Online},
			{At: at(11), Kind: history.Call, WS: 1, Actor: history.ActorOperator, Call: "delete", Sent: at(10), Code: 200, Says: "removed"},
			{At: at(13), Kind: history.Reading, WS: 1, Sent: at(c.asked), To: lifecycle.Online},
			{At: at(60), Kind: history.End},
		}}
		var got []lifecycle.Status
		for _, e := range invariant.Seen(p, h).Events {
			if e.Kind == history.Move {
				got = append(got, e.To)
			}
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("asked for at %v s: %v, want %v", c.asked, got, c.want)
		}
	}
}
