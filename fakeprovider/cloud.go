package fakeprovider

import (
	"context"
	"time"

	"github.com/bootrace/bootrace/controller/cloud"
)

// Cloud is the fake cloud as a controller calls it, with no wire in between: it answers at once and gets nothing wrong.
type Cloud struct {
	Inventory *Inventory
	Now       func() time.Time
	// Launched is told of every new machine, and Stopped of every machine that was live and is not any more, so that
	// somebody boots and ends what runs on it. Either may be nil.
	Launched func(cloud.Machine, cloud.Spec)
	Stopped  func(cloud.Machine)
}

var _ cloud.Cloud = (*Cloud)(nil)

// NewCloud returns a cloud with no machines, on the machine's clock.
func NewCloud() *Cloud { return &Cloud{Inventory: NewInventory(), Now: time.Now} }

// Launch implements cloud.Cloud.
func (c *Cloud) Launch(ctx context.Context, spec cloud.Spec) (cloud.Machine, error) {
	if err := ctx.Err(); err != nil {
		return cloud.Machine{}, err
	}
	m, fresh := c.Inventory.Launch(spec, c.Now())
	if fresh && c.Launched != nil {
		c.Launched(m, spec)
	}
	if err := Ended(m); err != nil {
		return cloud.Machine{}, err
	}
	return m, nil
}

// Terminate implements cloud.Cloud.
func (c *Cloud) Terminate(ctx context.Context, id string) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if c.Inventory.Stop(id) && c.Stopped != nil {
		if m, err := c.Inventory.Describe(id); err == nil {
			c.Stopped(m)
		}
	}
	return nil
}

// Describe implements cloud.Cloud.
func (c *Cloud) Describe(ctx context.Context, id string) (cloud.Machine, error) {
	if err := ctx.Err(); err != nil {
		return cloud.Machine{}, err
	}
	return c.Inventory.Describe(id)
}

// List implements cloud.Cloud.
func (c *Cloud) List(ctx context.Context) ([]cloud.Machine, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	return c.Inventory.List(), nil
}
