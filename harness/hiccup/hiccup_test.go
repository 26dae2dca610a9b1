package hiccup_test

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"io"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bootrace/bootrace/harness/hiccup"
)

// reports collects what a meter reports.
type reports struct {
	mu  sync.Mutex
	all []hiccup.Window
}

func (r *reports) add(w hiccup.Window) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.all = append(r.all, w)
}

// slow is a probe that takes as long as the function says, of the calls so far.
func slow(takes func(n int) (time.Duration, error)) hiccup.Probe {
	n := 0
	return hiccup.Probe{Source: "http", Nominal: 5 * time.Millisecond, Do: func(context.Context) error {
		d, err := takes(n)
		n++
		time.Sleep(d) // sleeps: in a bubble
		return err
	}}
}

func TestMeterSaysNothingOfAMachineThatKeepsUp(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var r reports
		m := hiccup.Start(hiccup.Options{Report: r.add, Probes: []hiccup.Probe{
			slow(func(int) (time.Duration, error) { return 4 * time.Millisecond, nil }),
		}})
		time.Sleep(time.Minute) // sleeps: in a bubble
		m.Close()
		if len(r.all) > 0 {
			t.Errorf("reported %v", r.all)
		}
	})
}

func TestMeterReportsSlowCalls(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var r reports
		began := time.Now()
		m := hiccup.Start(hiccup.Options{Process: "harness", Report: r.add, Probes: []hiccup.Probe{
			slow(func(n int) (time.Duration, error) {
				switch n {
				case 10:
					return 805 * time.Millisecond, nil
				case 20:
					return time.Hour, errors.New("the other side is down: not the machine's fault")
				}
				return time.Millisecond, nil
			}),
		}})
		time.Sleep(3 * time.Hour) // sleeps: in a bubble
		m.Close()
		if len(r.all) != 1 {
			t.Fatalf("reported %d windows, want 1: %v", len(r.all), r.all)
		}
		w := r.all[0]
		if w.Source != "http" || w.Process != "harness" || w.Lost != 800*time.Millisecond || w.Worst != 800*time.Millisecond {
			t.Errorf("reported %+v", w)
		}
		if at := w.From.Sub(began); at > 2*time.Second || w.Span() < w.Lost {
			t.Errorf("the window is from %s to %s after the start", at, w.Until.Sub(began))
		}
	})
}

// TestMeterReportsWhatIsUnderWayAtItsEnd: the slowest call of all must not get lost because the run is over before it.
func TestMeterReportsWhatIsUnderWayAtItsEnd(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var r reports
		m := hiccup.Start(hiccup.Options{Report: r.add, Probes: []hiccup.Probe{{
			Source: "sql", Do: func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() },
		}}})
		time.Sleep(7 * time.Second) // sleeps: in a bubble
		m.Close()
		if len(r.all) != 1 || r.all[0].Lost != 7*time.Second {
			t.Errorf("reported %v, want 7s lost", r.all)
		}
	})
}

// TestMeterOfAProcessThatIsStopped tries what only real time can show: a process that gets no processor says so, and says when.
func TestMeterOfAProcessThatIsStopped(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
	defer cancel()
	child := exec.CommandContext(ctx, os.Args[0])
	child.Env = append(os.Environ(), envChild+"=1")
	stdin, err := child.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	stdout, err := child.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	defer child.Wait()
	lines := bufio.NewScanner(stdout)
	if !lines.Scan() { // it measures
		t.Fatal("the child said nothing")
	}
	const stopped = 700 * time.Millisecond
	if err := child.Process.Signal(syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	for state := ""; state != "T"; { // a busy machine takes its time to stop it
		stat, err := os.ReadFile("/proc/" + strconv.Itoa(child.Process.Pid) + "/stat")
		if err != nil {
			t.Skip("this system shows no processes in /proc")
		}
		_, after, _ := strings.Cut(string(stat), ") ")
		state, _, _ = strings.Cut(after, " ")
	}
	from := time.Now()
	time.Sleep(stopped) // sleeps: that is what is measured
	if err := child.Process.Signal(syscall.SIGCONT); err != nil {
		t.Fatal(err)
	}
	for lines.Scan() {
		var w hiccup.Window
		if err := json.Unmarshal(lines.Bytes(), &w); err != nil {
			t.Fatal(err)
		}
		if w.Span() < 0 || w.Lost > w.Span() || w.Lost < 0 || w.Share < 0 || w.Share > 1 {
			t.Errorf("%+v makes no sense", w)
		}
		// A machine that is slow itself may have more to say: only what is certain is asked for.
		if w.Source == hiccup.Timers && w.Worst >= stopped-hiccup.Beat && w.Until.After(from.Add(stopped-hiccup.Beat)) {
			stdin.Close()
			return
		}
	}
	t.Error("the child was stopped, and reported nothing of it")
}

const envChild = "BOOTRACE_HICCUP_TEST_CHILD"

// TestMain has this program measure, where it is started for that, until its standard input ends.
func TestMain(m *testing.M) {
	if os.Getenv(envChild) == "" {
		os.Exit(m.Run())
	}
	out := json.NewEncoder(os.Stdout)
	meter := hiccup.Start(hiccup.Options{Kernel: true, Machine: true, Report: func(w hiccup.Window) {
		out.Encode(w)
	}})
	time.Sleep(4 * hiccup.Beat) // sleeps: a meter that has not begun measures nothing
	os.Stdout.WriteString("ready\n")
	io.Copy(io.Discard, os.Stdin)
	meter.Close()
}

func at(d time.Duration) time.Time { return time.Unix(1000, 0).Add(d) }

func window(source, process string, from, until, lost time.Duration) hiccup.Window {
	return hiccup.Window{Source: source, Process: process, From: at(from), Until: at(until), Lost: lost, Worst: lost}
}

func total(windows []hiccup.Window, source string) (lost time.Duration) {
	for _, w := range windows {
		if w.Source == source {
			lost += w.Lost
		}
	}
	return lost
}

func TestSeries(t *testing.T) {
	t.Parallel()
	const ms = time.Millisecond
	for _, c := range []struct {
		name    string
		add     []hiccup.Window
		lost    time.Duration // of timers
		windows int
	}{
		{"nothing", nil, 0, 0},
		{"one", []hiccup.Window{window("timers", "a", 0, 250*ms, 100*ms)}, 100 * ms, 1},
		{"two processes in one stretch: the slower counts", []hiccup.Window{
			window("timers", "a", 0, 250*ms, 100*ms), window("timers", "b", 0, 250*ms, 200*ms),
		}, 200 * ms, 1},
		{"neighbours that are alike are one", []hiccup.Window{
			window("timers", "a", 0, 250*ms, 100*ms), window("timers", "b", 250*ms, 500*ms, 120*ms),
		}, 220 * ms, 1},
		{"neighbours that are not stay two", []hiccup.Window{
			window("timers", "a", 0, 250*ms, 20*ms), window("timers", "b", 250*ms, 500*ms, 240*ms),
		}, 260 * ms, 2},
		{"a long one", []hiccup.Window{window("timers", "a", 100*ms, 2100*ms, 2000*ms)}, 2000 * ms, 1},
		{"sources stay apart", []hiccup.Window{
			window("timers", "a", 0, 250*ms, 100*ms), window("sql", "a", 0, 250*ms, 200*ms),
		}, 100 * ms, 2},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			var s hiccup.Series
			for _, w := range c.add {
				s.Add(w)
			}
			windows := s.Windows()
			if got := total(windows, "timers"); got < c.lost-ms || got > c.lost+ms || len(windows) != c.windows {
				t.Errorf("lost %s in %d windows, want %s in %d: %v", got, len(windows), c.lost, c.windows, windows)
			}
			for i := 1; i < len(windows); i++ {
				if windows[i].Until.Before(windows[i-1].Until) {
					t.Errorf("not in order: %v", windows)
				}
			}
		})
	}
}
