package live_test

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/bootrace/bootrace/controller/defects"
	"github.com/bootrace/bootrace/harness/history"
	"github.com/bootrace/bootrace/harness/invariant"
	"github.com/bootrace/bootrace/harness/live"
	"github.com/bootrace/bootrace/harness/plan"
	"github.com/bootrace/bootrace/scenarios"
)

func resolved(t testing.TB, s *scenarios.Scenario, speed float64) *plan.Plan {
	t.Helper()
	p, err := plan.Resolve(s, 1)
	if err != nil {
		t.Fatal(err)
	}
	return live.Plan(p, speed)
}

// trial is a built-in scenario with a controller of which it is known what comes of it.
type trial struct {
	scenario string
	defect   string // none where it is empty, and everything must hold
	breaks   string // the first of the invariants that are named
	told     string // words of the mechanism
}

// trials are those that are always made, and which between them use every way in which a live run differs from a simulated
// one: processes that are killed and stopped, machines that die, a database that crashes, a slow connection to it.
var trials = []trial{
	{scenario: "minimax-past-budget"},
	{"minimax-past-budget", "sticky-failed", "converges", "no transition out of it"},
	{scenario: "two-replicas"},
	{scenario: "postgres-crash"},
	{scenario: "restarted-machines"},
	{scenario: "silence-at-the-sweep"},
	{"silence-at-the-sweep", "fresh-row-offline", "stays-online", "The liveness sweeper wrote offline"},
	{scenario: "lost-heartbeat-replies"},
	{"stray-agent", "unknown-id-accepted", "no-phantom-rows", ""},
	{"held-up-beats", "old-incarnation-online", "current-incarnation", ""},
	{scenario: "cloud-lost-replies"},
	{"pause-family-during-boot", "list-hides-paused", "reply-is-state", "The list lacks it"},
}

// more are those that are made where everything is asked for: every built-in scenario, and each defect that one of them
// shows.
func more() []trial {
	all := slices.Clone(trials)
	for _, name := range scenarios.Names() {
		if name != "clock-jump" && name != "mass-cold-start" {
			all = append(all, trial{scenario: name})
		}
	}
	return append(all, []trial{
		{"minimax-past-budget", "fix-regressed", "converges", ""},
		{"second-silence", "zombie-online", "detects-silence", ""},
		{"silence-during-crash", "lost-expiry", "detects-silence", ""},
		{"delete-while-recovering", "degraded-resurrect", "removed-is-terminal", ""},
		{"launch-error-after-life", "late-start-error", "loser-cannot-overwrite-winner", ""},
		{"delete-during-boot", "delete-during-start", "one-machine", ""},
		{"pause-resume-during-boot", "pause-leaks-machine", "one-machine", ""},
		{"restart-during-boot", "stop-ignores-5xx", "one-machine", ""},
		{"restart-during-boot", "restart-token-lockout", "current-incarnation", ""},
		{"pause-resume-during-boot", "unpause-by-register", "operator-intent-holds", ""},
		{"delete-during-boot", "register-after-delete", "removed-is-terminal", ""},
		{"external-agents", "enum-drift", "reply-is-state", ""},
		{"hibernate-and-wake", "lying-hibernate", "reply-is-state", ""},
		{"minimax-past-budget", "nat-throttle", "bounded-churn", ""},
		{"minimax-past-budget", "timer-disagreement", "gives-up", ""},
		{"launch-refused", "dead-context-fail", "gives-up", ""},
		{"minimax-past-budget", "flap", "bounded-churn", ""},
		{"stalled-sweeps", "double-sweep", "event-iff-transition", ""},
		{"register-overtaken", "swallowed-4xx", "converges", "takes a refusal for success"},
		{"rolling-updates", "budget-from-restart", "gives-up", "began the budget anew"},
		{"cloud-throttling", "throttled-is-refused", "gives-up", ""},
		{"intruder", "old-incarnation-online", "keeps-out", "An intruder's "},
	}...)
}

// find returns a built-in scenario, or one of this test's own.
func find(t *testing.T, name string) *scenarios.Scenario {
	t.Helper()
	if name == "held-up-beats" {
		// On the way when the restart comes, and there after it: in the built-in scenarios that is a matter of luck.
		return &scenarios.Scenario{
			Name: name, About: "heartbeats that a restart overtakes", Duration: scenarios.Duration(12 * time.Minute),
			Fleet: []scenarios.Group{{Provider: "kimi", Count: 3, Boot: &scenarios.Boot{Total: scenarios.Duration(2 * time.Minute)}}},
			Acts:  []scenarios.Act{{At: at(370), Do: "restart"}},
			Faults: []scenarios.Fault{
				{Kind: "delay", From: at(330), Until: at(366), Calls: []string{"heartbeat"}, Delay: at(45)},
			},
		}
	}
	s, err := scenarios.Find(name)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// atOnce is how many runs are made at a time: they sleep most of theirs.
const atOnce = 6

// What holds in the simulated world holds here, and what is found there is found here.
func TestTrials(t *testing.T) {
	t.Parallel()
	all, speed, most := trials, float64(live.DefaultSpeed), atOnce
	switch {
	case full:
		all = more()
	case underRace:
		// Without those whose processes are many: a wall clock that nobody keeps up with shows nothing.
		most = atOnce / 2
		all = slices.DeleteFunc(slices.Clone(all), func(x trial) bool {
			return x.scenario == "silence-at-the-sweep" || x.scenario == "two-replicas"
		})
	}
	slots := make(chan struct{}, most)
	var under sync.WaitGroup
	for _, x := range all {
		s := find(t, x.scenario)
		slots <- struct{}{}
		under.Go(func() {
			defer func() { <-slots }()
			// What shows nothing on a machine that does not keep up is tried again, slower. A violation never is.
			for _, slower := range []float64{1, 2, 4, 8} {
				if last := slower == 8; x.make(t, resolved(t, s, speed/slower), last) {
					return
				}
			}
		})
	}
	under.Wait()
}

// make makes the trial, and reports whether it showed anything; where it did not, that is an error if it was the last.
func (x trial) make(t *testing.T, p *plan.Plan, last bool) bool {
	var d *defects.Defect
	if x.defect != "" {
		var err error
		if d, err = defects.Find(x.defect); err != nil {
			t.Error(err)
			return true
		}
	}
	h, err := live.Run(t.Context(), p, live.Options{Postgres: database, Defect: d})
	if err != nil {
		t.Errorf("%s: %v", x.scenario, err)
		return true
	}
	j := invariant.Judge(p, h)
	if j.Verdict == invariant.Inconclusive && !last {
		t.Logf("%s at speed %g: %v", x.scenario, p.Live.Speed, j.Doubts)
		return false
	}
	if x.defect == "" {
		if j.Verdict != invariant.Held {
			t.Errorf("%s is %s: %v %v", x.scenario, j.Verdict, j.Doubts, j.Violations())
		}
		return true
	}
	found := j.First()
	broken := slices.ContainsFunc(j.Findings, func(f invariant.Finding) bool { return f.Invariant == x.breaks && len(f.Violations) > 0 })
	if (found == nil || !broken) && !last {
		t.Logf("%s at speed %g does not find %s: %s", x.scenario, p.Live.Speed, x.defect, j.Verdict)
		return false
	}
	if found == nil || !broken {
		t.Errorf("%s does not find %s: %s, %v %v", x.scenario, x.defect, j.Verdict, j.Doubts, j.Violations())
		return true
	}
	if told := invariant.Explain(p, h, found).Mechanism; !strings.Contains(told, x.told) {
		t.Errorf("%s in %s is told so: %s", x.defect, x.scenario, told)
	}
	return true
}

// atSomeSpeed plays the plan, and again at half the speed where it does not show what it should on a machine that was slow, by
// what was measured meanwhile. On a machine that keeps up, once has to do.
func atSomeSpeed(t *testing.T, p *plan.Plan, play func(*testing.T, *plan.Plan) (*history.History, []string)) {
	t.Helper()
	const slowest = 3
	const kept = 0.03 // of the run's time, below which a machine keeps up: what is lost is lost all at once, where it hurts
	for speed := p.Live.Speed; ; speed /= 2 {
		h, complaints := play(t, live.Plan(p, speed))
		if len(complaints) == 0 {
			return
		}
		lost := float64(invariant.Lost(h)(0, time.Duration(p.Duration))) / float64(p.Duration)
		if lost < kept || speed/2 < slowest {
			for _, c := range complaints {
				t.Errorf("at %g×, of which this machine lost %.0f%%: %s", speed, lost*100, c)
			}
			return
		}
		t.Logf("at %g× this machine lost %.0f%% of the run, and these are not shown: %q", speed, lost*100, complaints)
	}
}

// A history can be kept and read again, and is judged alike then.
func TestHistoryCanBeKept(t *testing.T) {
	t.Parallel()
	atSomeSpeed(t, small(t), historyIsKept)
}

func historyIsKept(t *testing.T, p *plan.Plan) (*history.History, []string) {
	h, err := live.Run(t.Context(), p, live.Options{Postgres: database})
	if err != nil {
		t.Fatal(err)
	}
	var kept strings.Builder
	if _, err := h.WriteTo(&kept); err != nil {
		t.Fatal(err)
	}
	again, err := history.Read(strings.NewReader(kept.String()))
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(again.Events, h.Events) {
		t.Error("what is read is not what was written")
	}
	authors := map[string]bool{}
	for _, e := range h.Events {
		if e.Kind == history.Move {
			authors[e.By] = true
			if e.WS < 1 || e.By == "" || (e.By == "register" || e.By == "heartbeat") && e.ByInc != 1 {
				t.Errorf("a move by nobody: %+v", e)
			}
		}
	}
	var complaints []string
	for _, by := range []string{"create", "register"} {
		if !authors[by] {
			complaints = append(complaints, fmt.Sprintf("nobody's %s moved anything: %v", by, authors))
		}
	}
	return h, complaints
}

// What this world cannot do is named.
func TestSupports(t *testing.T) {
	t.Parallel()
	for _, s := range scenarios.Builtin() {
		p := resolved(t, s, live.DefaultSpeed)
		reason, ok := live.Options{Postgres: database}.Supports(p)
		why, cannot := map[string]string{
			"clock-jump": "fault 1 (clock)", "doubtful-cloud": "fault 1 (list-truncated)",
			"mass-reconnect": "beat_jitter", "same-name-again": "two rows of one name", "crash-after-launch": "first_turns",
			"beyond-the-first-page": "first_turns", "spot-end": "first_turns",
		}[s.Name]
		if ok == cannot || !ok && !strings.Contains(reason, why) {
			t.Errorf("%s: %v, %q", s.Name, ok, reason)
		}
	}
	p := small(t, scenarios.Fault{Kind: "cloud-stale", Until: at(20), First: 1})
	if reason, ok := live.Supports(p); ok || !strings.Contains(reason, "cloud-stale") {
		t.Errorf("%v, %q", ok, reason)
	}
	if _, err := live.Run(t.Context(), p, live.Options{Postgres: database}); err == nil || !strings.Contains(err.Error(), "cloud-stale") {
		t.Errorf("it is carried out all the same: %v", err)
	}
	p.Live = nil
	if _, err := live.Run(t.Context(), p, live.Options{Postgres: database}); err == nil {
		t.Error("a plan of the simulated world is carried out")
	}
}
