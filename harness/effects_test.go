package harness_test

import (
	"context"
	"strings"
	"testing"

	"github.com/google/uuid"

	"github.com/bootrace/bootrace/controller"
	"github.com/bootrace/bootrace/controller/lifecycle"
	"github.com/bootrace/bootrace/controller/store"
	"github.com/bootrace/bootrace/harness/sim"
)

// again tries a create that failed once more, by an id of its own each time: it may have taken effect.
type again struct{ store.Store }

func (s again) Create(ctx context.Context, w store.Workspace, event lifecycle.Event) (store.Transition, error) {
	t, err := s.Store.Create(ctx, w, event)
	if err != nil {
		w.ID = uuid.NewSHA1(w.ID, []byte("again"))
		return s.Store.Create(ctx, w, event)
	}
	return t, err
}

// One call has one effect: whoever does it again after an ambiguous answer is found, by what there is twice.
func TestOneCallOneEffect(t *testing.T) {
	t.Parallel()
	target := sim.Target{Name: "again", Deploy: func() sim.Deployment {
		return sim.Deployment{Table: lifecycle.Standard(), Start: func(c controller.Config) (sim.Instance, error) {
			c.Store = again{c.Store}
			k, err := controller.New(c)
			if err != nil {
				return sim.Instance{}, err
			}
			return sim.Instance{Handler: k.Handler(), Ticks: k.Ticks()}, nil
		}}
	}}
	x := firstFound(t, target, int(seeds(3000, 300)))
	if x == nil && underRace {
		return
	}
	told := x != nil && x.Invariant == "reply-is-state" && strings.Contains(x.What, "which is another workspace") // the second one's reply
	if x == nil || x.Invariant != "no-phantom-rows" && !told || x.Workspace == 0 {
		t.Errorf("found %+v", x)
	}
}
