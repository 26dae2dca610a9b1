package defects

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"time"

	"github.com/google/uuid"

	"github.com/bootrace/bootrace/controller"
	"github.com/bootrace/bootrace/controller/lifecycle"
	"github.com/bootrace/bootrace/controller/store"
	"github.com/bootrace/bootrace/controller/wire"
)

// Loops of a policy that nobody asked for: they look at every workspace and call the controller's own API about some.

// loop is such a policy, as a tick of the controller: what it wants done to a workspace, as the end of a path; nothing where it
// wants nothing.
func loop(name string, wants func(w *store.Workspace, age time.Duration) string) func(http.Handler, controller.Config) controller.Tick {
	return func(h http.Handler, c controller.Config) controller.Tick {
		return controller.Tick{Name: name, Every: c.Settings.ProvisionSweepEvery, Run: func(ctx context.Context) error {
			rows, err := c.Store.List(ctx)
			if err != nil {
				return err
			}
			now := c.Clock.Now()
			for i := range rows {
				w := &rows[i]
				do := ""
				if !w.External {
					// Ages are in parts of a budget, so that they are in time wherever the controller is tried.
					do = wants(w, inBudgets(now.Sub(w.BootStartedAt), c.Settings.Budget(w.Runtime)))
				}
				if do == "" {
					continue
				}
				if err := callOwn(ctx, h, c, w.ID, do); err != nil {
					return fmt.Errorf("%s: %w", name, err)
				}
			}
			return nil
		}}
	}
}

// callOwn has the controller call its own API about the workspace, as its operator does.
func callOwn(ctx context.Context, h http.Handler, c controller.Config, id uuid.UUID, do string) error {
	q, err := http.NewRequestWithContext(ctx, http.MethodPost, wire.PathWorkspaces+"/"+id.String()+do, http.NoBody)
	if err != nil {
		return err
	}
	if c.AdminToken != "" {
		q.Header.Set("Authorization", "Bearer "+c.AdminToken)
	}
	reply := httptest.NewRecorder()
	if h.ServeHTTP(reply, q); reply.Code >= http.StatusInternalServerError {
		return fmt.Errorf("%s got %d", do, reply.Code)
	}
	return nil
}

// inBudgets is the age as it would be of a boot with the contract's budget.
func inBudgets(age, budget time.Duration) time.Duration {
	return time.Duration(float64(age) / float64(budget) * float64(controller.DefaultBudget))
}

// impatience restarts whatever is not fresh: seven minutes of a budget of ten after its boot began.
func impatience(w *store.Workspace, age time.Duration) string {
	if age >= 7*time.Minute && (w.Status == lifecycle.Provisioning || w.Status == lifecycle.Online) {
		return "/restart"
	}
	return ""
}

// thrift hibernates whoever has run for a while, at work or not.
func thrift(w *store.Workspace, age time.Duration) string {
	if age >= 8*time.Minute && w.Status == lifecycle.Online {
		return "/hibernate?force=true"
	}
	return ""
}
