package sched_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/bootrace/bootrace/harness/oracle"
	"github.com/bootrace/bootrace/harness/sched"
)

func TestMain(m *testing.M) {
	code := m.Run()
	sched.Release()
	if err := goleak.Find(); err != nil && code == 0 {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}

func newScheduler(seed uint64) *sched.Scheduler { return sched.New(oracle.NewRandom(seed, "test")) }

func TestSleepersWakeInOrderOfTime(t *testing.T) {
	t.Parallel()
	s := newScheduler(1)
	p := s.NewProcess("p")
	var log []string
	for _, d := range []time.Duration{3 * time.Second, time.Second, 2 * time.Second} {
		p.Go(d.String(), func() {
			s.Sleep(d)
			log = append(log, fmt.Sprintf("%s@%s", d, s.Now()))
		})
	}
	if err := s.Run(time.Minute); err != nil {
		t.Fatal(err)
	}
	if got, want := strings.Join(log, " "), "1s@1s 2s@2s 3s@3s"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if s.Now() != time.Minute {
		t.Errorf("Run ended at %s", s.Now())
	}
}

func TestRunStopsAtUntilAndGoesOn(t *testing.T) {
	t.Parallel()
	s := newScheduler(1)
	p := s.NewProcess("p")
	beats := 0
	p.Go("beater", func() {
		for {
			s.Sleep(30 * time.Second)
			beats++
		}
	})
	for _, want := range []int{2, 4} {
		if err := s.Run(time.Duration(want) * 30 * time.Second); err != nil || beats != want {
			t.Fatalf("%d beats, want %d; %v", beats, want, err)
		}
	}
	s.Stop(p)
}

// Interleavings are the oracle's: seeds give different ones, one seed always the same.
func TestInterleavingIsTheOracles(t *testing.T) {
	t.Parallel()
	run := func(seed uint64) string {
		s := newScheduler(seed)
		p := s.NewProcess("p")
		var log strings.Builder
		for _, name := range "abc" {
			p.Go(string(name), func() {
				for range 3 {
					log.WriteRune(name)
					s.Yield()
				}
			})
		}
		if err := s.Run(time.Second); err != nil {
			t.Error(err)
		}
		return log.String()
	}
	seen := map[string]bool{}
	for seed := range uint64(50) {
		first := run(seed)
		if len(first) != 9 {
			t.Fatalf("seed %d: %q", seed, first)
		}
		if again := run(seed); again != first {
			t.Errorf("seed %d: %q, then %q", seed, first, again)
		}
		seen[first] = true
	}
	if len(seen) < 30 {
		t.Errorf("50 seeds gave only %d interleavings", len(seen))
	}
}

func TestKillUnwindsWhereTasksStand(t *testing.T) {
	t.Parallel()
	s := newScheduler(1)
	victim, killer := s.NewProcess("victim"), s.NewProcess("killer")
	var log []string
	victim.Go("sleeper", func() {
		defer func() { log = append(log, "deferred") }()
		defer s.Sleep(time.Second) // a step of a dead task ends it
		s.Sleep(time.Hour)
		log = append(log, "survived")
	})
	killer.Go("killer", func() {
		s.Sleep(time.Minute)
		victim.Kill()
		log = append(log, "killed")
	})
	if err := s.Run(2 * time.Hour); err != nil {
		t.Fatal(err)
	}
	if got := strings.Join(log, " "); got != "deferred killed" {
		t.Errorf("got %q", got)
	}
	victim.Go("late", func() { t.Error("a dead process ran a task") })
	if err := s.Run(3 * time.Hour); err != nil {
		t.Fatal(err)
	}
}

func TestSuicide(t *testing.T) {
	t.Parallel()
	s := newScheduler(1)
	p := s.NewProcess("p")
	p.Go("a", func() { s.Sleep(time.Hour); t.Error("a survived") })
	p.Go("b", func() { p.Kill(); t.Error("b survived") })
	if err := s.Run(2 * time.Hour); err != nil {
		t.Fatal(err)
	}
}

func TestParkWakesOnceOrTimesOut(t *testing.T) {
	t.Parallel()
	s := newScheduler(1)
	p := s.NewProcess("p")
	parked := p.Go("parked", func() {
		if !s.Park(time.Minute) || s.Now() != 10*time.Second {
			t.Errorf("was not woken in time: %s", s.Now())
		}
		if s.Park(time.Minute) || s.Now() != 70*time.Second {
			t.Errorf("did not time out: %s", s.Now())
		}
	})
	p.Go("waker", func() {
		s.Sleep(10 * time.Second)
		s.Wake(parked)
		s.Wake(parked)
	})
	if err := s.Run(time.Hour); err != nil {
		t.Fatal(err)
	}
}

func TestPanicIsReportedWithItsTask(t *testing.T) {
	t.Parallel()
	s := newScheduler(1)
	p := s.NewProcess("controller")
	p.Go("sweeper", func() { panic("boom") })
	err := s.Run(time.Second)
	if err == nil || !strings.Contains(err.Error(), "task sweeper of controller panicked: boom") {
		t.Errorf("got %v", err)
	}
}

func TestVirtualDeadline(t *testing.T) {
	t.Parallel()
	s := newScheduler(1)
	p := s.NewProcess("p")
	p.Go("caller", func() {
		ctx, cancel := s.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		if left := sched.Remaining(ctx); left != time.Minute {
			t.Errorf("%s remain", left)
		}
		s.Sleep(time.Minute - 1)
		if ctx.Err() != nil {
			t.Errorf("ended early: %v", ctx.Err())
		}
		s.Sleep(1)
		s.Yield()
		if !errors.Is(ctx.Err(), context.DeadlineExceeded) {
			t.Errorf("did not end: %v", ctx.Err())
		}
	})
	if err := s.Run(time.Hour); err != nil {
		t.Fatal(err)
	}
}

func TestClocksCanBeOff(t *testing.T) {
	t.Parallel()
	s := newScheduler(1)
	p := s.NewProcess("p")
	p.SetOffset(-time.Hour)
	p.Go("p", func() {
		s.Sleep(time.Minute)
		if got := p.Now(); !got.Equal(sched.Epoch.Add(-59 * time.Minute)) {
			t.Errorf("the clock shows %s", got)
		}
	})
	if err := s.Run(time.Hour); err != nil {
		t.Fatal(err)
	}
}

func BenchmarkSwitch(b *testing.B) {
	s := newScheduler(1)
	p := s.NewProcess("p")
	for range 10 {
		p.Go("t", func() {
			for {
				s.Sleep(30 * time.Second)
			}
		})
	}
	b.ResetTimer()
	if err := s.Run(time.Duration(b.N) * 3 * time.Second); err != nil {
		b.Fatal(err)
	}
	b.StopTimer()
	s.Stop(p)
}
