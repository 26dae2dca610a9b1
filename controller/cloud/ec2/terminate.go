package ec2

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/ec2"
)

// Terminate implements cloud.Cloud. A machine that this client launched less than Config.Settle ago and that EC2 does not
// know yet is waited for: taking it for gone would leave it running.
func (c *Cloud) Terminate(ctx context.Context, id string) error {
	for wait := 50 * time.Millisecond; ; wait = min(2*wait, 2*time.Second) {
		out, err := c.api.TerminateInstances(ctx, &ec2.TerminateInstancesInput{InstanceIds: []string{id}})
		switch {
		case err == nil && out.TerminatingInstances == nil:
			return failure(ctx, "TerminateInstances", errNothing)
		case err == nil:
			c.forget(id)
			return nil
		case !isNotFound(err) || ctx.Err() != nil:
			return failure(ctx, "TerminateInstances", err)
		}
		if _, young := c.recent.find(id); !young {
			c.forget(id)
			return nil
		}
		if err := c.pause(ctx, wait); err != nil {
			return failure(ctx, "TerminateInstances", err)
		}
	}
}

func (c *Cloud) forget(id string) {
	c.recent.remove(id)
	if c.cap != nil {
		c.cap.ended(id)
	}
}

// Due returns those of the machines that are past the lifetime that their tag gives them and, where older is not 0, those that
// were launched longer ago than that, whatever their tag says.
func Due(all []Instance, older time.Duration, now time.Time) []Instance {
	var due []Instance
	for _, i := range all {
		if i.Expired(now) || older != 0 && now.Sub(i.LaunchedAt) > older {
			due = append(due, i)
		}
	}
	return due
}

// Reap terminates the deployment's machines that are [Due]. It returns those that it terminated, also beside an error, which
// tells of all the others that it could not.
func (c *Cloud) Reap(ctx context.Context, older time.Duration) ([]Instance, error) {
	if older < 0 {
		return nil, fmt.Errorf("ec2: reaping machines older than %s: below zero", older)
	}
	all, err := c.Instances(ctx)
	if err != nil {
		return nil, err
	}
	return c.TerminateAll(ctx, Due(all, older, c.config.Now()))
}

// TerminateAll terminates the machines, one after another. It returns those that it terminated, also beside an error, which
// tells of all the others that it could not.
func (c *Cloud) TerminateAll(ctx context.Context, all []Instance) ([]Instance, error) {
	var ended []Instance
	var problems []error
	for _, i := range all {
		if err := c.Terminate(ctx, i.ID); err != nil {
			problems = append(problems, fmt.Errorf("ec2: reaping %s: %w", i.ID, err))
			continue
		}
		ended = append(ended, i)
	}
	return ended, errors.Join(problems...)
}
