package sched_test

import (
	"strings"
	"testing"
	"time"

	"github.com/bootrace/bootrace/harness/oracle"
	"github.com/bootrace/bootrace/harness/sched"
)

// interleaving runs three tasks of two steps each.
func interleaving(t *testing.T, o oracle.Oracle) string {
	t.Helper()
	s := sched.New(o)
	p := s.NewProcess("p")
	var log strings.Builder
	for _, name := range "abc" {
		p.Go(string(name), func() {
			for range 2 {
				log.WriteRune(name)
				s.Yield()
			}
		})
	}
	if err := s.Run(time.Second); err != nil {
		t.Fatal(err)
	}
	return log.String()
}

// There are 6! / (2! 2! 2!) ways to interleave three tasks of two steps.
func TestExhaustiveTriesEveryInterleaving(t *testing.T) {
	t.Parallel()
	o := oracle.NewExhaustive()
	seen := map[string]bool{}
	for runs := 1; ; runs++ {
		seen[interleaving(t, o)] = true
		if !o.Next() {
			break
		}
		if runs > 10_000 {
			t.Fatal("it does not end")
		}
	}
	if len(seen) != 90 {
		t.Errorf("%d interleavings, want 90", len(seen))
	}
}

// PCT runs tasks by priority, each to its end where nothing is held up: so there are 3! ways, and all are seen.
func TestPCTRunsByPriority(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for seed := range uint64(100) {
		way := interleaving(t, oracle.NewPCT(seed, "test"))
		if again := interleaving(t, oracle.NewPCT(seed, "test")); again != way {
			t.Fatalf("seed %d: %s, then %s", seed, way, again)
		}
		for i := 0; i < len(way); i += 2 {
			if way[i] != way[i+1] {
				t.Fatalf("seed %d: %s leaves a task of a higher priority", seed, way)
			}
		}
		seen[way] = true
	}
	if len(seen) != 6 {
		t.Errorf("%d ways, want 6", len(seen))
	}
}

// What was logged of any strategy can be replayed.
func TestReplayRepeatsWhatWasRecorded(t *testing.T) {
	t.Parallel()
	recording, log := oracle.Logged(oracle.NewRandom(5, "test"))
	way := interleaving(t, recording)
	replay := oracle.NewReplay(log.Asked)
	if again := interleaving(t, replay); again != way || replay.Parted() {
		t.Errorf("%s, replayed as %s; parted: %v", way, again, replay.Parted())
	}
	short := oracle.NewReplay(log.Asked[:2])
	if interleaving(t, short); !short.Parted() {
		t.Error("a replay that ran out of answers did not tell")
	}
}
