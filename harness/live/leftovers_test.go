package live_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/bootrace/bootrace/harness/history"
	"github.com/bootrace/bootrace/harness/live"
	"github.com/bootrace/bootrace/harness/plan"
	"github.com/bootrace/bootrace/internal/await"
	"github.com/bootrace/bootrace/scenarios"
)

// leftovers is what a run could leave on this machine.
type leftovers struct {
	children  []string // processes whose parent this is
	sockets   int      // that this process has open
	databases []string
	folders   []string
}

// look counts. Connections that were closed take a moment to be gone, so it looks until it sees what it expects, or for as long
// as no machine needs.
func look(t *testing.T, want *leftovers) leftovers {
	t.Helper()
	for giveUp := time.Now().Add(await.Hang); ; time.Sleep(20 * time.Millisecond) { // sleeps: between two looks
		got := leftovers{childrenOf(t, os.Getpid()), socketsOf(t), databasesOn(t), foldersOf(t)}
		if want == nil || got.same(*want) || time.Now().After(giveUp) {
			return got
		}
	}
}

func (l leftovers) same(o leftovers) bool {
	return slices.Equal(l.children, o.children) && l.sockets == o.sockets && slices.Equal(l.databases, o.databases) && slices.Equal(l.folders, o.folders)
}

// childrenOf returns the processes whose parent has the id, by id and name.
func childrenOf(t *testing.T, parent int) (all []string) {
	t.Helper()
	stats, err := filepath.Glob("/proc/[0-9]*/stat")
	if err != nil || len(stats) == 0 {
		t.Skip("this system shows no processes in /proc")
	}
	for _, path := range stats {
		b, err := os.ReadFile(path)
		if err != nil {
			continue // it has ended
		}
		text := string(b)
		fields := strings.Fields(text[strings.LastIndexByte(text, ')')+1:])
		if len(fields) > 1 && fields[1] == strconv.Itoa(parent) {
			all = append(all, strings.SplitN(text, ")", 2)[0])
		}
	}
	slices.Sort(all)
	return all
}

func socketsOf(t *testing.T) (n int) {
	t.Helper()
	fds, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	for _, fd := range fds {
		if to, err := os.Readlink("/proc/self/fd/" + fd.Name()); err == nil && strings.HasPrefix(to, "socket:") {
			n++
		}
	}
	return n
}

func databasesOn(t *testing.T) []string {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), database.Server().URL(""))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(context.Background())
	rows, err := conn.Query(t.Context(), `SELECT datname::text FROM pg_database WHERE datname LIKE 'bootrace\_%' ORDER BY 1`)
	if err != nil {
		t.Fatal(err)
	}
	names, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		t.Fatal(err)
	}
	return names
}

func foldersOf(t *testing.T) []string {
	t.Helper()
	entries, err := os.ReadDir(os.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for _, e := range entries {
		all = append(all, e.Name())
	}
	return all
}

// small is a plan that is over in a moment and touches everything that a run can leave.
func small(t testing.TB, faults ...scenarios.Fault) *plan.Plan {
	t.Helper()
	s := &scenarios.Scenario{
		Name: "small", About: "what a run leaves", Duration: scenarios.Duration(100 * time.Second),
		Fleet: []scenarios.Group{
			{Provider: "kimi", Count: 2, Boot: &scenarios.Boot{Total: scenarios.Duration(20 * time.Second)}},
			{Provider: "openai", Name: "elsewhere", External: true, Boot: &scenarios.Boot{Total: scenarios.Duration(10 * time.Second)}},
		},
		Faults: faults,
	}
	return resolved(t, s, 200)
}

func at(s int) scenarios.Duration { return scenarios.Duration(time.Duration(s) * time.Second) }

// TestNothingIsLeft runs twenty runs in a row, some of them broken off, and compares what is there with what was there
// before. It must not run beside other tests.
func TestNothingIsLeft(t *testing.T) {
	before := look(t, nil)
	for i := range 20 {
		ctx, cancel := context.WithCancel(t.Context())
		var p *plan.Plan
		switch i % 5 {
		case 0:
			p = small(t)
		case 1:
			p = small(t, scenarios.Fault{Kind: "crash", From: at(25), Delay: at(5)}, scenarios.Fault{Kind: "machine-death", From: at(60)})
		case 2:
			p = small(t, scenarios.Fault{Kind: "store-slow", From: at(10), Until: at(60), Delay: at(3)}, scenarios.Fault{Kind: "lose-request", From: at(10), Until: at(90)})
		case 3:
			p = small(t, scenarios.Fault{Kind: "agent-stall", From: at(40), Until: at(4000)}, scenarios.Fault{Kind: "controller-stall", From: at(50), Until: at(4000)})
			time.AfterFunc(400*time.Millisecond, cancel) // short: whenever it is broken off, nothing may be left
		case 4:
			p = small(t, scenarios.Fault{Kind: "postgres-crash", From: at(40), Delay: at(10)})
		}
		h, err := live.Run(ctx, p, live.Options{Postgres: database})
		switch broken := i%5 == 3; {
		case broken && !errors.Is(err, context.Canceled):
			t.Fatalf("run %d was broken off and ended with %v", i, err)
		case !broken && err != nil:
			t.Fatalf("run %d: %v", i, err)
		case !broken && (len(h.Events) == 0 || h.Events[len(h.Events)-1].Kind != history.End):
			t.Fatalf("run %d has no end", i)
		}
		cancel()
	}
	if after := look(t, &before); !after.same(before) {
		t.Errorf("before: %+v\nafter:  %+v", before, after)
	}
}

// victim is set in a harness that will be killed.
const victim = "BOOTRACE_LIVE_VICTIM"

// TestVictim is run by TestKilledHarness in a process of its own.
func TestVictim(t *testing.T) {
	if os.Getenv(victim) == "" {
		t.Skip("only TestKilledHarness runs this: it is killed")
	}
	p := small(t, scenarios.Fault{Kind: "store-slow", From: at(10), Until: at(9000), Delay: at(3)}, scenarios.Fault{Kind: "agent-stall", From: at(40), Until: at(9000)})
	p.Duration = plan.Duration(3 * time.Hour)
	live.Run(t.Context(), p, live.Options{Postgres: database})
}

// TestKilledHarness kills a harness in the middle of a run: its children must end with it, stopped ones too, and what it
// left must be gone when the next run is over.
func TestKilledHarness(t *testing.T) {
	before := look(t, nil)
	c := exec.Command(os.Args[0], "-test.run=^TestVictim$")
	c.Env = append(os.Environ(), victim+"=1")
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	// A controller, two machines and an external agent, of which some are stopped by then; and its Postgres.
	var children []string
	await.UntilNothing(t, func() string {
		if children = childrenOf(t, c.Process.Pid); len(children) < 5 {
			return fmt.Sprintf("the harness has only started %v", children)
		}
		return ""
	})
	time.Sleep(500 * time.Millisecond) // sleeps: so that some are stopped, as a rule; the outcome is the same where none is yet
	if err := c.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	c.Wait()
	await.UntilNothing(t, func() string {
		alive := slices.DeleteFunc(slices.Clone(children), func(child string) bool {
			pid, _, _ := strings.Cut(child, " ")
			status, err := os.ReadFile(fmt.Sprintf("/proc/%s/stat", pid))
			return err != nil || strings.Contains(string(status), ") Z ")
		})
		if len(alive) == 0 {
			return ""
		}
		return fmt.Sprintf("the harness is dead, and these live on: %v", alive)
	})
	again, err := live.OpenPostgres(t.Context(), database.Options())
	if err != nil {
		t.Fatal(err)
	}
	defer again.Close()
	if _, err := live.Run(t.Context(), small(t, scenarios.Fault{Kind: "store-slow", From: at(10), Until: at(60), Delay: at(3)}), live.Options{Postgres: again}); err != nil {
		t.Fatal(err)
	}
	if err := again.Close(); err != nil {
		t.Fatal(err)
	}
	if after := look(t, &before); !after.same(before) {
		t.Errorf("before: %+v\nafter:  %+v", before, after)
	}
}
