package replica

import (
	"context"
	"time"

	"github.com/bootrace/bootrace/controller/cloud"
)

// told is a cloud whose launches and terminations are reported as the controller sees them.
type told struct {
	cloud.Cloud
	report func(Report)
}

// Launch implements cloud.Cloud.
func (c told) Launch(ctx context.Context, spec cloud.Spec) (cloud.Machine, error) {
	sent := time.Now()
	m, err := c.Cloud.Launch(ctx, spec)
	c.tell(Report{Call: "launch", Sent: sent, Workspace: spec.WorkspaceID, Incarnation: spec.Incarnation, Machine: m.ID}, err)
	return m, err
}

// Terminate implements cloud.Cloud.
func (c told) Terminate(ctx context.Context, id string) error {
	sent := time.Now()
	err := c.Cloud.Terminate(ctx, id)
	c.tell(Report{Call: "terminate", Sent: sent, Machine: id}, err)
	return err
}

func (c told) tell(r Report, err error) {
	r.Kind, r.At = CloudRan, time.Now()
	if err != nil {
		r.Err = err.Error()
	}
	c.report(r)
}
