package bubble_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/bootrace/bootrace/harness"
	"github.com/bootrace/bootrace/harness/bubble"
	"github.com/bootrace/bootrace/harness/plan"
	"github.com/bootrace/bootrace/harness/stores"
)

// TestFigures prints what a run costs: ten agents that beat every 30 s, for 30 virtual minutes. It is a test, since a bubble needs one.
func TestFigures(t *testing.T) {
	s := &server{}
	s.beat = func(ctx context.Context, id string) error {
		_, err := s.pool.Exec(ctx, "update ws set status = 'online', since = now() where id = $1", id)
		return err
	}
	p := thePlan()
	p.Duration = plan.Duration(30 * time.Minute)
	for i := len(p.Workspaces); i < 10; i++ {
		w := p.Workspaces[0]
		w.Name = fmt.Sprintf("w%d", i)
		w.Group = w.Name
		p.Workspaces = append(p.Workspaces, w)
	}
	target := target(s, nil).For(t)
	steps := bubble.Statements()
	began := time.Now()
	o := harness.Play(context.Background(), p, stores.Memory(), target, nil)
	if o.Fault != nil {
		t.Fatal(o.Fault)
	}
	took := time.Since(began)
	n := bubble.Statements() - steps
	if n < 500 {
		t.Errorf("%d steps, want one a beat", n)
	}
	t.Logf("%v of virtual time in %v: %.0f times real time, %.0f statements a second", time.Duration(p.Duration), took.Round(time.Millisecond),
		time.Duration(p.Duration).Seconds()/took.Seconds(), float64(n)/took.Seconds())
}
