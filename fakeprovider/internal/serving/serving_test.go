package serving_test

import (
	"context"
	"slices"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/bootrace/bootrace/fakeprovider/internal/serving"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// Events are told in their order, also those that a listener causes, and a listener that panics leaves the rest to the next.
func TestQueue(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	var q serving.Queue[int]
	var told []int
	add := func(tell func(int), what int) {
		mu.Lock()
		defer mu.Unlock()
		q.Add(tell, what)
	}
	note := func(n int) { told = append(told, n) }
	add(func(n int) {
		note(n)
		add(note, 3)
		q.Drain(&mu) // somebody drains already: this must neither wait nor overtake
	}, 1)
	add(nil, 0)
	add(note, 2)
	q.Drain(&mu)
	if !slices.Equal(told, []int{1, 2, 3}) {
		t.Errorf("told %v", told)
	}
	add(func(int) { panic("a listener's") }, 4)
	add(note, 5)
	func() {
		defer func() {
			if recover() == nil {
				t.Error("the panic is gone")
			}
		}()
		q.Drain(&mu)
	}()
	q.Drain(&mu)
	if !slices.Equal(told, []int{1, 2, 3, 5}) {
		t.Errorf("after a panic, told %v", told)
	}
}

func TestWaitEndsWithItsContext(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(context.Background())
	if !serving.Wait(ctx, 0) || !serving.Wait(ctx, time.Millisecond) {
		t.Error("it did not wait")
	}
	cancel()
	if serving.Wait(ctx, 0) || serving.Wait(ctx, time.Hour) {
		t.Error("it waited, with a context that has ended")
	}
}

func TestLimits(t *testing.T) {
	t.Parallel()
	var tally serving.Tally
	var got []bool
	for range 6 {
		got = append(got, tally.Strikes(serving.Limits{Skip: 2, Times: 2, Share: 0.5}, func() float64 { return float64(tally.Seen%2) * 0.9 }))
	}
	// The first two are skipped, the fifth draws 0.9; then two have been struck.
	if want := []bool{false, false, false, true, false, true}; !slices.Equal(got, want) || tally != (serving.Tally{Seen: 6, Struck: 2}) {
		t.Errorf("struck %v, %+v", got, tally)
	}
}
