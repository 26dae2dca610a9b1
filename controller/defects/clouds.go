package defects

import (
	"context"
	"errors"
	"fmt"

	"github.com/google/uuid"

	"github.com/bootrace/bootrace/controller/cloud"
	"github.com/bootrace/bootrace/controller/lifecycle"
	"github.com/bootrace/bootrace/controller/store"
)

// leakyPause stops no machine of a workspace that is only put aside.
type leakyPause struct {
	cloud.Cloud
	store store.Store
}

func (c leakyPause) Terminate(ctx context.Context, id string) error {
	m, err := c.Describe(ctx, id)
	if err != nil {
		return c.Cloud.Terminate(ctx, id)
	}
	owner, err := uuid.Parse(m.WorkspaceID)
	if err != nil {
		return c.Cloud.Terminate(ctx, id)
	}
	if w, err := c.store.Get(ctx, owner); err == nil && w.Status.Held() && w.Status != lifecycle.Removed {
		return nil
	}
	return c.Cloud.Terminate(ctx, id)
}

// hopefulStop takes a stop that failed for one that worked.
type hopefulStop struct{ cloud.Cloud }

func (c hopefulStop) Terminate(ctx context.Context, id string) error {
	c.Cloud.Terminate(ctx, id) //nolint:errcheck // that is the defect
	return nil
}

// oneShot takes a launch that ran into its deadline for one that failed for good.
type oneShot struct{ cloud.Cloud }

func (c oneShot) Launch(ctx context.Context, spec cloud.Spec) (cloud.Machine, error) {
	m, err := c.Cloud.Launch(ctx, spec)
	if errors.Is(err, context.DeadlineExceeded) {
		err = fmt.Errorf("%w: %w", cloud.ErrRefused, err)
	}
	return m, err
}

// oneTry takes every error of a launch for a refusal for good.
type oneTry struct{ cloud.Cloud }

func (c oneTry) Launch(ctx context.Context, spec cloud.Spec) (cloud.Machine, error) {
	m, err := c.Cloud.Launch(ctx, spec)
	if err != nil {
		err = fmt.Errorf("%w: %w", cloud.ErrRefused, err)
	}
	return m, err
}
