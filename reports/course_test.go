package reports

import (
	"fmt"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/bootrace/bootrace/controller/lifecycle"
	"github.com/bootrace/bootrace/harness/history"
	"github.com/bootrace/bootrace/harness/invariant"
	"github.com/bootrace/bootrace/harness/plan"
	"github.com/bootrace/bootrace/harness/runs"
)

func minute(m float64) history.Time { return history.Time(m * float64(time.Minute)) }

// played is a result of one workspace, of the provider kimi with a budget of 10 minutes, whose history has the events.
func played(t *testing.T, p *plan.Plan, events ...history.Event) (*course, *runs.Result) {
	t.Helper()
	p.Controllers, p.Duration = max(p.Controllers, 1), plan.Duration(20*time.Minute)
	p.Workspaces = []plan.Workspace{{Name: "w", Group: "w", Provider: "kimi", Runtime: "claude-code", Boots: []plan.Boot{{}}}}
	r := &runs.Run{}
	x := r.Add(runs.Played{Plan: p, History: &history.History{Events: events}, Judgement: &invariant.Judgement{Verdict: invariant.Held}})
	c, err := courseOf(r, x)
	if err != nil {
		t.Fatal(err)
	}
	return c, x
}

// boot is a cold boot of so many minutes, from its move to its agent's start.
func boot(inc int, began, took float64) []history.Event {
	return []history.Event{
		{At: minute(began), Kind: history.Move, WS: 1, Inc: inc, To: lifecycle.Provisioning},
		{At: minute(began + took), Kind: history.Agent, WS: 1, Inc: inc, Phase: history.Started},
	}
}

func TestCourse(t *testing.T) {
	t.Parallel()
	c, _ := played(t, &plan.Plan{Controllers: 2, Faults: []plan.Fault{{Kind: "partition", From: plan.Duration(minute(3)), Until: plan.Duration(minute(9))}, {Kind: "crash"}}},
		history.Event{Kind: history.Process, Replica: 2, Phase: history.Started},
		history.Event{Kind: history.Process, Replica: 1, Phase: history.Started},
		history.Event{At: minute(1), Kind: history.Move, WS: 1, Inc: 1, To: lifecycle.Provisioning, By: "create"},
		history.Event{At: minute(2), Kind: history.Machine, WS: 1, Inc: 1, Machine: "i-1", Phase: history.Launched},
		history.Event{At: minute(3), Kind: history.Fault, Fault: 1, Phase: history.Started},
		history.Event{At: minute(4), Kind: history.Move, WS: 1, Inc: 1, From: lifecycle.Provisioning, To: lifecycle.Online, By: "register", ByInc: 1},
		history.Event{At: minute(4), Kind: history.Fault, Fault: 1, Phase: history.Struck},
		history.Event{At: minute(5), Kind: history.Process, Replica: 1, Phase: history.Ended},
		history.Event{At: minute(6), Kind: history.Process, Replica: 1, Phase: history.Started},
		history.Event{At: minute(6), Kind: history.Tick, Replica: 1, By: "launcher", Err: "no"},
		history.Event{At: minute(7), Kind: history.Machine, WS: 1, Inc: 1, Machine: "i-1", Phase: history.Died},
		history.Event{At: minute(7), Kind: history.Machine, WS: 1, Inc: 2, Machine: "i-2", Phase: history.Launched},
		history.Event{At: minute(8), Kind: history.Fault, Fault: 1, Phase: history.Ended},
		history.Event{At: minute(8), Kind: history.Move, WS: -1, Inc: 1, To: lifecycle.Provisioning, By: "create"},
		history.Event{At: minute(9), Kind: history.Call, Actor: history.ActorAgent, Call: "register", Code: 404},
		history.Event{At: minute(9), Kind: history.Call, Actor: history.ActorOperator, Call: "list", Code: 200},
		history.Event{At: minute(20), Kind: history.End},
	)
	var got []string
	say := func(format string, args ...any) { got = append(got, fmt.Sprintf(format, args...)) }
	for _, l := range c.lanes {
		say("lane %d %s: %d calls", l.number, l.name, len(l.calls))
		for _, s := range l.stays {
			say("%s %s %s", s.status, between(s.from, s.until), by(s.move))
		}
		for _, m := range l.machines {
			say("%s %s %s", m.id, between(m.launched, m.until), m.ended)
		}
	}
	for _, f := range c.faults {
		say("fault %d %t %s, struck %d", f.number, f.began, between(f.from, f.until), len(f.strikes))
	}
	for _, r := range c.replicas {
		for _, ran := range r.ran {
			say("controller %d %s", r.number, between(ran.from, ran.until))
		}
		say("failed %d", len(r.ticks))
	}
	say("others %d", len(c.others))
	want := []string{
		"lane 1 w: 0 calls",
		"provisioning +01:00.0 to +04:00.0 (3m) by the operator's create",
		"online +04:00.0 to +20:00.0 (16m) by its agent's register",
		"i-1 +02:00.0 to +07:00.0 (5m) died",
		"i-2 +07:00.0 to +20:00.0 (13m) ",
		"lane -1 twin of 1: 0 calls",
		"provisioning +08:00.0 to +20:00.0 (12m) by the operator's create",
		"lane 0 not of the plan: 1 calls",
		"fault 1 true +03:00.0 to +08:00.0 (5m), struck 1",
		"fault 2 false +00:00.0 to +00:00.0 (0s), struck 0",
		"controller 1 +00:00.0 to +05:00.0 (5m)", "controller 1 +06:00.0 to +20:00.0 (14m)", "failed 1",
		"controller 2 +00:00.0 to +20:00.0 (20m)", "failed 0",
		"others 1",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// A budget is over for boots that were wanted and had not ended, and for no others.
func TestOverdue(t *testing.T) {
	t.Parallel()
	paused := history.Event{At: minute(5), Kind: history.Move, WS: 1, Inc: 1, From: lifecycle.Provisioning, To: lifecycle.Paused, By: "pause"}
	failed := history.Event{At: minute(5), Kind: history.Move, WS: 1, Inc: 1, From: lifecycle.Provisioning, To: lifecycle.Failed, By: "bootstrap-failed"}
	restarted := history.Event{At: minute(5), Kind: history.Move, WS: 1, Inc: 2, From: lifecycle.Provisioning, To: lifecycle.Provisioning, By: "restart"}
	for name, c := range map[string]struct {
		events []history.Event
		want   bool
	}{
		"in time":       {boot(1, 1, 9.9), false},
		"just in time":  {boot(1, 1, 10), false},
		"late":          {boot(1, 1, 10.1), true},
		"never":         {boot(1, 1, 5)[:1], true},
		"failed before": {append(boot(1, 1, 5)[:1], failed), true},
		"paused":        {append(boot(1, 1, 5)[:1], paused), false},
		"restarted":     {append(boot(1, 1, 5)[:1], restarted), false},
	} {
		course, _ := played(t, &plan.Plan{}, c.events...)
		l := course.lanes[0]
		if got := l.overdue(&l.boots[0], minute(11)); got != c.want {
			t.Errorf("%s: overdue is %t", name, got)
		}
	}
}

func TestHistograms(t *testing.T) {
	t.Parallel()
	var all []*course
	for _, took := range []float64{0.5, 1, 1.5, 9.5, 10, 10.5, 11, 19.9, 20, 20.1, 100} {
		c, _ := played(t, &plan.Plan{}, boot(1, 0, took)...)
		all = append(all, c)
	}
	never, _ := played(t, &plan.Plan{}, boot(1, 0, 1)[:1]...)
	hermes, _ := played(t, &plan.Plan{}, boot(1, 0, 12)...)
	hermes.lanes[0].boots[0].budget = 30 * time.Minute
	list := histograms(append(all, hermes, never))
	if len(list) != 2 {
		t.Fatalf("%d histograms", len(list))
	}
	var bars []string
	for _, m := range regexp.MustCompile(`class="(bin[^"]*)"[^>]*><title>([^<]*)<`).FindAllStringSubmatch(string(list[0].Drawing), -1) {
		bars = append(bars, m[1]+": "+m[2])
	}
	want := []string{
		"bin: 0s to 1m: 2 boots", "bin: 1m to 2m: 1 boot", "bin: 9m to 10m: 2 boots", "bin late: 10m to 11m: 2 boots",
		"bin late: 19m to 20m: 2 boots", "bin late: 20m or longer: 2 boots",
	}
	if diff := cmp.Diff(want, bars); diff != "" {
		t.Error(diff)
	}
	if got, want := list[0].Facts, "12 boots, half within 10m30s, slowest 1h40m00s, 6 past the budget, 1 never over"; got != want {
		t.Errorf("%q, not %q", got, want)
	}
	if got, want := list[1].Budget+": "+list[1].Facts, "30m: 1 boot, half within 12m00s, slowest 12m00s"; got != want {
		t.Errorf("%q, not %q", got, want)
	}
}

// Statuses stand where they belong, in hundredths of the width, and changes that lie within a hairline are one bar.
func TestDrawingPlaces(t *testing.T) {
	t.Parallel()
	bar := regexp.MustCompile(`class="bar s-([a-z]*)" x="([^"]*)" y="\d*" width="([^"]*)"`)
	move := func(at float64, from, to lifecycle.Status) history.Event {
		return history.Event{At: minute(at), Kind: history.Move, WS: 1, Inc: 1, From: from, To: to, By: "liveness-sweep"}
	}
	for _, c := range []struct {
		events []history.Event
		want   string
	}{
		{[]history.Event{move(0, 0, lifecycle.Online), move(5, lifecycle.Online, lifecycle.Offline)}, "online 0% 25%, offline 25% 75%"},
		{[]history.Event{move(19.99, 0, lifecycle.Online)}, "online 99.95% 0.1%"},
		{[]history.Event{
			move(2, 0, lifecycle.Online), move(10, lifecycle.Online, lifecycle.Offline), move(10.001, lifecycle.Offline, lifecycle.Online),
			move(10.002, lifecycle.Online, lifecycle.Offline), move(12, lifecycle.Offline, lifecycle.Online),
		}, "online 10% 40%, many 50% 0.1%, offline 50.01% 9.99%, online 60% 40%"},
	} {
		course, x := played(t, &plan.Plan{}, c.events...)
		var got []string
		for _, m := range bar.FindAllStringSubmatch(string(draw(course, x).Plot), -1) {
			got = append(got, strings.Join(m[1:], " "))
		}
		if text := strings.Join(got, ", "); text != c.want {
			t.Errorf("%q, not %q", text, c.want)
		}
	}
}

func TestAxis(t *testing.T) {
	t.Parallel()
	for end, want := range map[time.Duration]string{
		0:                     "[]",
		time.Second:           "[100ms 200ms 300ms 400ms 500ms 600ms 700ms 800ms 900ms]",
		17 * time.Minute:      "[2m0s 4m0s 6m0s 8m0s 10m0s 12m0s 14m0s 16m0s]",
		61 * time.Minute:      "[10m0s 20m0s 30m0s 40m0s 50m0s 1h0m0s]",
		1000 * 24 * time.Hour: "[3072h0m0s 6144h0m0s 9216h0m0s 12288h0m0s 15360h0m0s 18432h0m0s 21504h0m0s]",
	} {
		var got []time.Duration
		for _, m := range axis(history.Time(end)) {
			got = append(got, m.D())
		}
		if fmt.Sprint(got) != want {
			t.Errorf("%s: %v, not %s", end, got, want)
		}
	}
}

// A boot that a restart of its machine breaks off is over when the next is: its budget runs on.
func TestCourseOfARestart(t *testing.T) {
	t.Parallel()
	boot := func(m float64, phase string) history.Event {
		return history.Event{At: minute(m), Kind: history.Boot, WS: 1, Inc: 1, Machine: "i-1", Phase: phase}
	}
	up := func(m float64) history.Event {
		return history.Event{At: minute(m), Kind: history.Agent, WS: 1, Inc: 1, Machine: "i-1", Phase: history.Started}
	}
	machine := func(m float64, phase string) history.Event {
		return history.Event{At: minute(m), Kind: history.Machine, WS: 1, Inc: 1, Machine: "i-1", Phase: phase}
	}
	c, _ := played(t, &plan.Plan{Controllers: 1},
		history.Event{At: minute(1), Kind: history.Move, WS: 1, Inc: 1, To: lifecycle.Provisioning, By: "create"},
		machine(2, history.Launched), boot(3, history.ImagePulled), machine(4, history.Restarted), boot(4, history.ImagePulled),
		boot(5, history.AgentStarted), up(6), machine(8, history.Restarted), up(9), history.Event{At: minute(20), Kind: history.End},
	)
	l := c.lanes[0]
	if len(l.machines) != 1 || l.machines[0].ended != "" || len(l.machines[0].again) != 2 {
		t.Errorf("machines: %+v", l.machines)
	}
	if len(l.boots) != 3 || l.boots[0].at != minute(6) || l.boots[1].at != minute(6) || l.boots[2].at != minute(9) || len(l.boots[0].phases) != 2 {
		t.Errorf("boots: %+v", l.boots)
	}
	all := histograms([]*course{c})
	if len(all) != 1 || len(all[0].took) != 1 || all[0].took[0] != minute(5).D() || all[0].missing != 0 {
		t.Errorf("histograms: %+v", all)
	}
	if p := bootPiece(&l.boots[1]); p.name != "boot again" || p.from != minute(4) || p.until != minute(5) {
		t.Errorf("in the trace: %+v", p)
	}
}
