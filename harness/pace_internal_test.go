package harness

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"

	"golang.org/x/sync/semaphore"

	"github.com/bootrace/bootrace/harness/history"
	"github.com/bootrace/bootrace/harness/invariant"
	"github.com/bootrace/bootrace/harness/live"
	"github.com/bootrace/bootrace/harness/plan"
)

// outcome is one with the verdict, of a run of which the machine lost so much; it decides where the verdict is inconclusive.
func outcome(v invariant.Verdict, lost float64) *Outcome {
	return &Outcome{History: &history.History{}, Judgement: &invariant.Judgement{
		Verdict: v, Slow: &invariant.Slowness{Lost: lost, Why: "timers", Decides: v == invariant.Inconclusive},
	}}
}

func TestPaceBeginsWithWhatIsFree(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		free      float64
		exactly   bool
		exactJobs bool
		speed     float64
		jobs      int
	}{
		{1, false, false, 60, 8},
		{0.5, false, false, 60, 8},
		{0.4, false, false, 54, 7},
		{0.05, false, false, 45, 6},
		{0.05, true, false, 60, 6},
		{0.05, false, true, 45, 8},
	} {
		p := NewPace(60, c.exactly, 8, c.exactJobs)
		p.begin(c.free)
		if speed, _ := p.Speed(); speed != c.speed || p.jobs != c.jobs {
			t.Errorf("%+v: begins at %g× with %d at a time", c, speed, p.jobs)
		}
	}
}

func TestPaceAdapts(t *testing.T) {
	t.Parallel()
	p := NewPace(60, false, 8, false)
	for range 20 {
		speed, _ := p.Speed()
		p.played(outcome(invariant.Inconclusive, 0.6), speed)
	}
	if speed, _ := p.Speed(); speed != 15 || p.jobs != 1 {
		t.Errorf("on a machine that is always too slow it goes at %g× with %d at a time, want 15× and 1", speed, p.jobs)
	}
	if s := p.Summary(); s.Holds != 0 {
		t.Errorf("it holds %g×, and nothing could be judged", s.Holds)
	}
	for range 30 {
		speed, _ := p.Speed()
		p.played(outcome(invariant.Held, 0), speed)
	}
	if speed, _ := p.Speed(); speed != 60 || p.jobs != 8 {
		t.Errorf("on a machine that has recovered it goes at %g× with %d at a time, want 60× and 8", speed, p.jobs)
	}
	p.played(&Outcome{Fault: errors.New("the harness failed"), Judgement: &invariant.Judgement{Verdict: invariant.Inconclusive}}, 60)
	p.played(outcome(invariant.Violated, 0.9), 60) // which is certain, however slow the machine was
	if s := p.Summary(); s.Last != 60 || s.Holds != 60 {
		t.Errorf("%+v", s)
	}
}

// TestRunsTooSlowToJudgeAreMadeAgain counts the speeds that a suite plays at.
func TestRunsTooSlowToJudgeAreMadeAgain(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name    string
		exactly bool
		holds   float64 // the highest speed at which something can be said
		speeds  []float64
		verdict invariant.Verdict
	}{
		{"a machine that keeps up", false, 60, []float64{60}, invariant.Held},
		{"one that holds half", false, 30, []float64{60, 30}, invariant.Held},
		{"one that holds a quarter", false, 15, []float64{60, 30, 15}, invariant.Held},
		{"one that holds nothing", false, 0, []float64{60, 30, 15}, invariant.Inconclusive},
		{"exactly", true, 30, []float64{60}, invariant.Inconclusive},
	} {
		var mu sync.Mutex
		var speeds []float64
		s := Suite{Live: &live.Options{}, Pace: NewPace(60, c.exactly, 4, false), playLive: func(_ context.Context, p *plan.Plan, _ live.Options) *Outcome {
			mu.Lock()
			defer mu.Unlock()
			speeds = append(speeds, p.Live.Speed)
			if p.Live.Speed > c.holds {
				return outcome(invariant.Inconclusive, 0.7)
			}
			return outcome(invariant.Held, 0.2)
		}}
		o := s.one(t.Context(), &plan.Plan{Name: "p", Workspaces: make([]plan.Workspace, 3)}, semaphore.NewWeighted(1<<20))
		if !slices.Equal(speeds, c.speeds) || o.Verdict() != c.verdict || len(o.Tries) != len(speeds)-1 {
			t.Errorf("%s: played at %v, %s after %d tries; want %v, %s", c.name, speeds, o.Verdict(), len(o.Tries), c.speeds, c.verdict)
		}
	}
}

// TestPaceLetsSoManyPlay has more scenarios than may be played at a time.
func TestPaceLetsSoManyPlay(t *testing.T) {
	t.Parallel()
	p := NewPace(60, false, 3, true)
	var all sync.WaitGroup
	var mu sync.Mutex
	now, most := 0, 0
	for range 20 {
		all.Go(func() {
			if err := p.acquire(t.Context()); err != nil {
				t.Error(err)
				return
			}
			defer p.release()
			mu.Lock()
			now++
			most = max(most, now)
			mu.Unlock()
			mu.Lock()
			now--
			mu.Unlock()
		})
	}
	all.Wait()
	if most > 3 {
		t.Errorf("%d at a time, want at most 3", most)
	}
	over, cancel := context.WithCancel(t.Context())
	cancel()
	for range 3 {
		p.acquire(t.Context())
	}
	if err := p.acquire(over); !errors.Is(err, context.Canceled) {
		t.Errorf("waiting for room when the run is over: %v", err)
	}
}
