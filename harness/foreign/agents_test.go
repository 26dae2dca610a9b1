package foreign_test

import (
	"testing"
	"time"

	"github.com/bootrace/bootrace/harness/foreign/foreigntest"
	"github.com/bootrace/bootrace/harness/history"
	"github.com/bootrace/bootrace/scenarios"
)

// What a scenario says of its agents is so at a target, too, by the target's own heartbeat.
func TestAgentsAreAsTheScenarioSays(t *testing.T) {
	t.Parallel()
	boot := &scenarios.Boot{Total: scenarios.Duration(time.Minute)}
	s := own("agents", []scenarios.Group{
		{Provider: "kimi", Name: "plain", Count: 1, SkipRegister: true, Boot: boot},
		{Provider: "kimi", Name: "slow", Count: 1, SkipRegister: true, Boot: boot, BeatEvery: scenarios.Duration(time.Minute)},
		{Provider: "kimi", Name: "uneven", Count: 1, SkipRegister: true, Boot: boot, BeatJitter: scenarios.Duration(10 * time.Second)},
		{Provider: "kimi", Name: "gone", Count: 1, External: true},
		{Provider: "kimi", Name: "deaf", Count: 1, External: true, IgnoresGone: true},
	}, []scenarios.Act{
		{At: scenarios.Duration(10 * time.Minute), Do: "delete", Group: "gone"}, {At: scenarios.Duration(10 * time.Minute), Do: "delete", Group: "deaf"},
		{At: scenarios.Duration(30 * time.Minute), Do: "pause", Group: "plain"},
	})
	stage(t, foreigntest.Behaviour{}, foreigntest.Times{}, nil, func(t *testing.T, x *staged) {
		one := x.play(t, s)[0]
		const plain, slow, uneven, gone, deaf = 1, 2, 3, 4, 5
		gaps := map[int][]time.Duration{}
		last := map[int]history.Time{}
		refused := map[int]int{}
		for _, e := range one.history.Events {
			if e.Kind != history.Call || e.Actor != history.ActorAgent || e.Call != "heartbeat" {
				continue
			}
			if before, ok := last[e.WS]; ok {
				gaps[e.WS] = append(gaps[e.WS], (e.Sent - before).D())
			}
			last[e.WS] = e.Sent
			if e.Code/100 == 4 {
				refused[e.WS]++
			}
		}
		beat := x.session.Target().Heartbeat
		mean := func(ws int) time.Duration {
			var sum time.Duration
			for _, g := range gaps[ws] {
				sum += g
			}
			return sum / time.Duration(max(len(gaps[ws]), 1))
		}
		for ws, want := range map[int]time.Duration{plain: beat, slow: 2 * beat, uneven: beat} {
			if got := mean(ws); len(gaps[ws]) < 4 || got < want*9/10 || got > want*11/10 {
				t.Errorf("workspace %d beats every %s in the mean of %d, want %s", ws, got, len(gaps[ws]), want)
			}
		}
		even, off := 0, 0
		for _, g := range gaps[uneven] {
			if g > beat*11/10 || g < beat*9/10 {
				off++
			}
		}
		for _, g := range gaps[plain] {
			if g < beat*11/10 && g > beat*9/10 {
				even++
			}
		}
		if off == 0 || even < len(gaps[plain])/2 {
			t.Errorf("%d of %d gaps are uneven with jitter, and %d of %d even without", off, len(gaps[uneven]), even, len(gaps[plain]))
		}
		if refused[gone] > 2 || refused[deaf] <= 2 {
			t.Errorf("refused beats: %d of one that ends when it is told, %d of one that does not hear it", refused[gone], refused[deaf])
		}
	})
}
