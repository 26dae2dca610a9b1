package controller

import (
	"context"
	"errors"
	"net/http"

	"github.com/bootrace/bootrace/controller/lifecycle"
	"github.com/bootrace/bootrace/controller/store"
	"github.com/bootrace/bootrace/controller/wire"
)

// The calls that change what the operator wants of a workspace. Each records the intent in one compare-and-set; machines
// follow with the launcher's next turn.

func (c *Controller) remove(w http.ResponseWriter, r *http.Request, vars map[string]string) {
	id, ok := pathID(w, vars)
	if !ok {
		return
	}
	out, err := c.Store.Apply(r.Context(), store.Change{
		ID: id, Event: lifecycle.Remove, Childless: true, Now: c.Clock.Now(),
	})
	if err != nil {
		c.fail(w, r, err)
		return
	}
	c.metrics.count(out)
	answer(w, http.StatusOK, wire.StatusReply{Status: out.Status.String()})
}

// errConflict says that the workspace is where the request cannot apply.
type errConflict struct{ why string }

func (e errConflict) Error() string { return e.why }

// refuseOrFail answers for an error of an operator's step.
func (c *Controller) refuseOrFail(w http.ResponseWriter, r *http.Request, err error) {
	var conflict errConflict
	if errors.As(err, &conflict) {
		refuse(w, http.StatusConflict, conflict.why)
		return
	}
	c.fail(w, r, err)
}

// beginAttempts bounds how often a begin starts over because the workspace moved between its read and its write.
const beginAttempts = 4

// begin starts the next incarnation of the workspace by one of the events, whichever its status takes. The token depends
// on the incarnation's number, so it is read first, and written only if no other incarnation began meanwhile.
func (c *Controller) begin(ctx context.Context, ws store.Workspace, events ...lifecycle.Event) (store.Outcome, error) {
	for range beginAttempts {
		now := c.Clock.Now()
		for _, event := range events {
			out, err := c.Store.Apply(ctx, store.Change{
				ID: ws.ID, Event: event, Incarnation: ws.Incarnation, Now: now,
				Boot: &store.Boot{
					Deadline: now.Add(c.Settings.Budget(ws.Runtime)),
					Token:    store.HashToken(c.bootToken(ws.ID, ws.Incarnation+1)),
				},
			})
			if err != nil {
				return out, err
			}
			if out.Moved {
				c.metrics.count(out)
				return out, nil
			}
		}
		again, err := c.Store.Get(ctx, ws.ID)
		if err != nil {
			return store.Outcome{}, err
		}
		if again.Incarnation == ws.Incarnation {
			return store.Outcome{}, errConflict{"not possible while the workspace is " + again.Status.String()}
		}
		ws = again
	}
	return store.Outcome{}, errConflict{"the workspace keeps being restarted by others"}
}

// parentRuns refuses with a conflict while the workspace's parent is paused.
func (c *Controller) parentRuns(ctx context.Context, ws *store.Workspace) error {
	if !ws.ParentID.Valid {
		return nil
	}
	parent, err := c.Store.Get(ctx, ws.ParentID.UUID)
	if err == nil && parent.Status == lifecycle.Paused {
		return errConflict{"the parent is paused"}
	}
	return err
}

func (c *Controller) restart(w http.ResponseWriter, r *http.Request, vars map[string]string) {
	ws, ok := c.operable(w, r, vars)
	if !ok {
		return
	}
	if ws.External {
		refuse(w, http.StatusConflict, "the workspace is external: its machine is not ours to restart")
		return
	}
	if err := c.parentRuns(r.Context(), &ws); err != nil {
		c.refuseOrFail(w, r, err)
		return
	}
	out, err := c.begin(r.Context(), ws, lifecycle.Restart, lifecycle.Wake)
	if err != nil {
		c.refuseOrFail(w, r, err)
		return
	}
	answer(w, http.StatusOK, wire.StatusReply{Status: out.Status.String()})
}

// descendants returns the workspace and all below it, parents first.
func (c *Controller) descendants(ctx context.Context, ws store.Workspace) ([]store.Workspace, error) {
	all := []store.Workspace{ws}
	for i := 0; i < len(all); i++ {
		children, err := c.Store.Children(ctx, all[i].ID)
		if err != nil {
			return nil, err
		}
		all = append(all, children...)
	}
	return all, nil
}

func (c *Controller) pause(w http.ResponseWriter, r *http.Request, vars map[string]string) {
	ws, ok := c.operable(w, r, vars)
	if !ok {
		return
	}
	family, err := c.descendants(r.Context(), ws)
	if err != nil {
		c.fail(w, r, err)
		return
	}
	var reply wire.PauseReply
	for i, member := range family {
		out, err := c.Store.Apply(r.Context(), store.Change{ID: member.ID, Event: lifecycle.Pause, Now: c.Clock.Now()})
		if err != nil {
			c.fail(w, r, err)
			return
		}
		if i == 0 && out.Status != lifecycle.Paused {
			refuse(w, http.StatusConflict, "not possible while the workspace is "+out.Status.String())
			return
		}
		if out.Moved {
			c.metrics.count(out)
			reply.PausedCount++
		}
	}
	answer(w, http.StatusOK, reply)
}

func (c *Controller) resume(w http.ResponseWriter, r *http.Request, vars map[string]string) {
	ws, ok := c.operable(w, r, vars)
	if !ok {
		return
	}
	if err := c.parentRuns(r.Context(), &ws); err != nil {
		c.refuseOrFail(w, r, err)
		return
	}
	family, err := c.descendants(r.Context(), ws)
	if err != nil {
		c.fail(w, r, err)
		return
	}
	var reply wire.ResumeReply
	for i, member := range family {
		err := c.resumeOne(r.Context(), member)
		var conflict errConflict
		switch {
		case err == nil:
			reply.ResumedCount++
		case i > 0 && errors.As(err, &conflict): // a child that was not paused stays as it is
		default:
			c.refuseOrFail(w, r, err)
			return
		}
	}
	answer(w, http.StatusOK, reply)
}

// resumeOne resumes one paused workspace, or wakes a hibernated one.
func (c *Controller) resumeOne(ctx context.Context, ws store.Workspace) error {
	if !ws.External {
		_, err := c.begin(ctx, ws, lifecycle.Resume, lifecycle.Wake)
		return err
	}
	out, err := c.Store.Apply(ctx, store.Change{ID: ws.ID, Event: lifecycle.ResumeExternal, Now: c.Clock.Now()})
	if err != nil {
		return err
	}
	if !out.Moved {
		return errConflict{"not possible while the workspace is " + out.Status.String()}
	}
	c.metrics.count(out)
	return nil
}

func (c *Controller) hibernate(w http.ResponseWriter, r *http.Request, vars map[string]string) {
	ws, ok := c.operable(w, r, vars)
	if !ok {
		return
	}
	switch {
	case ws.External:
		refuse(w, http.StatusConflict, "the workspace is external: its machine is not ours to stop")
		return
	case !ws.Status.Converged():
		refuse(w, http.StatusNotFound, "only an online or degraded workspace can hibernate; it is "+ws.Status.String())
		return
	case ws.ActiveTasks > 0 && r.URL.Query().Get("force") != "true":
		refuse(w, http.StatusConflict, "the workspace has active tasks; force=true hibernates it all the same")
		return
	}
	out, err := c.Store.Apply(r.Context(), store.Change{
		ID: ws.ID, Event: lifecycle.Hibernate, Incarnation: ws.Incarnation, Now: c.Clock.Now(),
	})
	if err != nil {
		c.fail(w, r, err)
		return
	}
	if !out.Moved {
		refuse(w, http.StatusConflict, "the workspace has changed in the meantime; it is "+out.Status.String())
		return
	}
	c.metrics.count(out)
	// The reply says hibernated, so the machine is stopped before it, by the launcher's own step.
	ws.Status, ws.Incarnation = out.Status, out.Incarnation
	status, err := c.stopUnwanted(r.Context(), ws)
	if err != nil {
		refuse(w, http.StatusServiceUnavailable, "hibernating; stopping its machine failed and is tried again: "+err.Error())
		return
	}
	answer(w, http.StatusOK, wire.StatusReply{Status: status.String()})
}

func (c *Controller) bootstrapFailed(w http.ResponseWriter, r *http.Request, vars map[string]string) {
	id, ok := pathID(w, vars)
	if !ok {
		return
	}
	var q wire.BootstrapFailedRequest
	if !decode(w, r, maxBody, &q) {
		return
	}
	cause := "bootstrap failed"
	if q.Error != "" {
		cause += ": " + q.Error
	}
	if q.LogTail != "" {
		cause += "\n" + q.LogTail
	}
	out, err := c.Store.Apply(r.Context(), store.Change{
		ID: id, Event: lifecycle.BootstrapFailed, Cause: cause, Now: c.Clock.Now(),
	})
	if err != nil {
		c.fail(w, r, err)
		return
	}
	c.metrics.count(out)
	answer(w, http.StatusOK, wire.BootstrapFailedReply{OK: true, NoChange: !out.Moved})
}
