package gin

import (
	"context"
	"net/http"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
)

// lead stands for election until the context ends. Who holds the lock leads, for as long as the connection lasts.
func (c *Controller) lead(ctx context.Context) {
	for ctx.Err() == nil {
		if err := c.stand(ctx); err != nil {
			c.opt.Log.Warn("leading", "err", err)
		}
		select {
		case <-ctx.Done():
		case <-time.After(5 * time.Second):
		}
	}
}

// stand leads where nobody else does.
func (c *Controller) stand(ctx context.Context) error {
	conn, err := c.pool.Acquire(ctx)
	if err != nil {
		return err
	}
	leads := false
	defer func() {
		if leads { // the lock must not outlive this on a connection that somebody else is given
			conn.Hijack().Close(context.WithoutCancel(ctx)) //nolint:errcheck // it is the end of it
			return
		}
		conn.Release()
	}()
	if err := conn.QueryRow(ctx, "select pg_try_advisory_lock($1)", leadership).Scan(&leads); err != nil || !leads {
		return err
	}
	if _, err := conn.Exec(ctx, "listen work"); err != nil {
		return err
	}
	next := time.Now()
	for sweep := 0; ; sweep++ {
		if err := c.work(ctx, queries{conn}, sweep%3 == 0); err != nil {
			return err
		}
		next = next.Add(10 * time.Second)
		if err := c.wait(ctx, conn, next); err != nil {
			return err
		}
	}
}

// wait waits until it is time, and launches meanwhile what is announced.
func (c *Controller) wait(ctx context.Context, conn *pgxpool.Conn, until time.Time) error {
	for {
		waiting, cancel := context.WithDeadline(ctx, until)
		_, err := conn.Conn().WaitForNotification(waiting)
		late := waiting.Err() != nil
		cancel()
		if late && ctx.Err() == nil {
			return nil // that it is time is why nothing came
		}
		if err != nil {
			return err
		}
		if err := c.launch(ctx, queries{conn}); err != nil {
			return err
		}
	}
}

// work is a turn of the leader's. Not every turn looks for boots that are overdue.
func (c *Controller) work(ctx context.Context, q queries, boots bool) error {
	if err := q.expireSilent(ctx, c.opt.TTL); err != nil {
		return err
	}
	if boots {
		if err := c.expire(ctx, q); err != nil {
			return err
		}
	}
	return c.launch(ctx, q)
}

// expire gives up the boots that took too long.
func (c *Controller) expire(ctx context.Context, q queries) error {
	if !c.opt.Bugs.RowByRow {
		return q.expireBoots(ctx, c.opt.Budget, c.opt.SlowBudget)
	}
	ids, err := q.listOverdue(ctx, c.opt.Budget, c.opt.SlowBudget)
	if err != nil {
		return err
	}
	for _, id := range ids {
		if err := q.failBoot(ctx, id); err != nil {
			return err
		}
	}
	return nil
}

// launch asks for the machines that are wanted, and ends those that are not.
func (c *Controller) launch(ctx context.Context, q queries) error {
	jobs, err := q.listJobs(ctx)
	if err != nil {
		return err
	}
	for _, j := range jobs {
		if j.Status == "removed" || j.Cleared < j.Boot-1 || j.Attempts > 0 {
			// Whatever was launched before is unwanted, also where nobody wrote down that it was.
			if err := c.ask(ctx, http.MethodDelete, "/cp/workspaces/"+j.ID, nil, nil); err != nil {
				c.opt.Log.Error("ending machines", "workspace", j.ID, "err", err)
				continue
			}
			done := j.Boot - 1
			if j.Status == "removed" {
				done = j.Boot + 1
			}
			if err := q.recordCleared(ctx, j, done); err != nil {
				return err
			}
		}
		if j.Status != "provisioning" {
			continue
		}
		if n, err := q.beginLaunch(ctx, j); err != nil || n == 0 {
			if err != nil {
				return err
			}
			continue
		}
		var m struct {
			ID string `json:"instance_id"`
		}
		order := map[string]any{"workspace_id": j.ID, "env": map[string]string{"WORKSPACE_AUTH_TOKEN": j.Token, "BOOT": strconv.Itoa(j.Boot)}}
		if err := c.ask(ctx, http.MethodPost, "/cp/workspaces/provision", order, &m); err != nil {
			c.opt.Log.Error("launching", "workspace", j.ID, "err", err)
			continue
		}
		if err := q.recordMachine(ctx, j, m.ID); err != nil {
			return err
		}
	}
	return nil
}
