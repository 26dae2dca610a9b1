package live_test

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/bootrace/bootrace/controller/cloud/docker"
	"github.com/bootrace/bootrace/controller/defects"
	"github.com/bootrace/bootrace/controller/lifecycle"
	"github.com/bootrace/bootrace/harness/history"
	"github.com/bootrace/bootrace/harness/invariant"
	"github.com/bootrace/bootrace/harness/live"
	"github.com/bootrace/bootrace/harness/plan"
	"github.com/bootrace/bootrace/internal/needdocker"
	"github.com/bootrace/bootrace/scenarios"
)

// containerSpeed leaves a launch's time-out more time than a container takes to start on a busy machine.
const containerSpeed = 30

// opened opens the Engine for all tests: the program that machines boot is built once.
var opened = sync.OnceValues(func() (*live.Containers, error) {
	return live.OpenContainers(context.Background(), func(string) {})
})

// closeContainers gives back what opened did, where a test asked for it.
func closeContainers() {
	if asked.Load() {
		if c, err := opened(); err == nil {
			c.Close()
		}
	}
}

var asked atomic.Bool

func containers(t *testing.T) (*docker.Engine, *live.Containers) {
	t.Helper()
	e := needdocker.Engine(t)
	asked.Store(true)
	c, err := opened()
	if err != nil {
		t.Fatal(err)
	}
	return e, c
}

func fromFile(t *testing.T, name string) *plan.Plan {
	t.Helper()
	found, err := scenarios.Files([]string{filepath.Join("testdata", name)})
	if err != nil {
		t.Fatal(err)
	}
	return resolved(t, found[0], containerSpeed)
}

func playContained(t *testing.T, p *plan.Plan, d *defects.Defect) *history.History {
	t.Helper()
	_, c := containers(t)
	h, err := live.Run(t.Context(), p, live.Options{Postgres: database, Defect: d, Containers: c})
	if err != nil {
		t.Fatal(err)
	}
	return h
}

// TestDocker keeps the tests with containers to themselves: their starts keep the cores busy, and what other tests make happen
// would come late.
func TestDocker(t *testing.T) { //nolint:tparallel // see above
	t.Run("Containers", testContainers)
	t.Run("SeedDefect", testSeedDefectInContainers)
	t.Run("Leftovers", testRunsLeaveNothingForLong)
}

// What is done to containers is seen as what it is: a machine off its network is silent and comes back, a stopped agent too,
// and one that is killed has died. And it is what the Engine was asked for, and says that it did.
func testContainers(t *testing.T) {
	t.Parallel()
	atSomeSpeed(t, fromFile(t, "containers.yaml"), containersShow)
}

func containersShow(t *testing.T, p *plan.Plan) (h *history.History, complaints []string) {
	complain := func(format string, args ...any) { complaints = append(complaints, fmt.Sprintf(format, args...)) }
	e, _ := containers(t)
	done := happenings(t, e)
	h = playContained(t, p, nil)
	j := invariant.Judge(p, h)
	for action, least := range map[string]int{"pause": 1, "unpause": 1, "restart": 1, "oom": 1, "update": 2, "exec_start": 3, "kill": 1} {
		if n := done()[action]; n < least {
			complain("the Engine tells of %d %s, want at least %d", n, action, least)
		}
	}
	if j.Verdict != invariant.Held {
		complain("%s: %v %v", j.Verdict, j.Doubts, j.Violations())
	}
	has := func(what string, is func(e *history.Event) bool) {
		if !slices.ContainsFunc(h.Events, func(e history.Event) bool { return is(&e) }) {
			complain("the history lacks %s", what)
		}
	}
	for n, f := range p.Faults {
		for _, phase := range []string{history.Started, history.Struck, history.Ended} {
			has(f.Kind+" "+phase, func(e *history.Event) bool {
				return e.Kind == history.Fault && e.Fault == n+1 && e.Phase == phase
			})
		}
	}
	for _, ws := range []int{3, 4, 5, 7, 9} { // parted, stalled, paused and hungry
		for _, to := range []lifecycle.Status{lifecycle.Offline, lifecycle.Online} {
			has(fmt.Sprintf("workspace %d's move to %s", ws, to), func(e *history.Event) bool {
				return e.Kind == history.Move && e.WS == ws && e.To == to && e.At.D() > 4*time.Minute
			})
		}
	}
	for _, ws := range []int{3, 4} {
		has("what only a machine off its network knows", func(e *history.Event) bool {
			return e.Kind == history.Call && e.WS == ws && e.Actor == history.ActorAgent && e.Code == 0 && e.At.D() > 5*time.Minute && e.At.D() < 9*time.Minute
		})
	}
	has("the death of a machine", func(e *history.Event) bool {
		return e.Kind == history.Machine && e.WS == 6 && e.Inc == 1 && e.Phase == history.Died
	})
	for _, ws := range []int{8, 9} { // rebooted and hungry
		has("that the machine boots again", func(e *history.Event) bool {
			return e.Kind == history.Machine && e.WS == ws && e.Inc == 1 && e.Phase == history.Restarted
		})
	}
	has("a second machine", func(e *history.Event) bool {
		return e.Kind == history.Machine && e.WS == 6 && e.Inc == 2 && e.Phase == history.Launched
	})
	return h, complaints
}

// happenings counts what the Engine tells of this process's containers from now on, by action.
func happenings(t *testing.T, e *docker.Engine) func() map[string]int {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	events, err := e.Events(ctx, docker.LabelOwner+"="+docker.Self())
	if err != nil {
		t.Fatal(err)
	}
	counts, over := map[string]int{}, make(chan struct{})
	go func() {
		defer close(over)
		for x := range events {
			action, _, _ := strings.Cut(x.Action, ":") // what is executed is named behind it
			counts[action]++
		}
	}()
	return func() map[string]int {
		cancel()
		<-over
		return counts
	}
}

// Twelve containers, and the seed defect: it is found where machines are real ones, too.
func testSeedDefectInContainers(t *testing.T) {
	t.Parallel()
	d, err := defects.Find("sticky-failed")
	if err != nil {
		t.Fatal(err)
	}
	atSomeSpeed(t, resolved(t, find(t, "two-of-each"), containerSpeed), func(t *testing.T, p *plan.Plan) (*history.History, []string) {
		h := playContained(t, p, d)
		j := invariant.Judge(p, h)
		x := j.First()
		if x == nil || x.Invariant != "converges" {
			return h, []string{fmt.Sprintf("%s: %v %v", j.Verdict, j.Doubts, j.Violations())}
		}
		if m := invariant.Explain(p, h, x).Mechanism; !strings.Contains(m, "sweeper gave up") {
			return h, []string{m}
		}
		return h, nil
	})
}
