package ec2

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"github.com/bootrace/bootrace/controller/cloud"
)

// pageSize is the most that EC2 gives at once.
const pageSize = 1000

// liveStates are the states of machines that List shows. One that shuts down is on its way, needs nobody to stop it, and
// does not cost any more.
var liveStates = []string{"pending", "running", "stopping", "stopped"}

// List implements cloud.Cloud.
func (c *Cloud) List(ctx context.Context) ([]cloud.Machine, error) {
	all, err := c.Instances(ctx)
	if err != nil {
		return nil, err
	}
	machines := make([]cloud.Machine, len(all))
	for i, in := range all {
		machines[i] = in.Machine
	}
	return machines, nil
}

// Instances returns what List does, with what people want to see of each machine.
func (c *Cloud) Instances(ctx context.Context) ([]Instance, error) {
	deployment := filter("tag:"+tagDeployment, c.config.Deployment) // holds no wildcard: Config.Validate sees to it
	if c.config.Deployment == "" {
		deployment = filter("tag-key", tagDeployment)
	}
	found, err := c.find(ctx, &ec2.DescribeInstancesInput{
		MaxResults: aws.Int32(pageSize), Filters: []types.Filter{deployment, filter("instance-state-name", liveStates...)},
	})
	if err != nil {
		return nil, err
	}
	all := make([]Instance, len(found))
	for i, in := range found {
		all[i] = instanceOf(in)
	}
	slices.SortFunc(all, func(a, b Instance) int { return strings.Compare(a.ID, b.ID) })
	return all, nil
}

// Describe implements cloud.Cloud. A machine that this client launched less than Config.Settle ago and that EC2 does not
// know yet is as it was launched.
func (c *Cloud) Describe(ctx context.Context, id string) (cloud.Machine, error) {
	i, err := c.Inspect(ctx, id)
	if errors.Is(err, cloud.ErrNotFound) {
		if m, ok := c.recent.find(id); ok {
			return m, nil
		}
	}
	return i.Machine, err
}

// Inspect returns what people want to see of one machine, ended ones included for as long as EC2 remembers them, or
// cloud.ErrNotFound.
func (c *Cloud) Inspect(ctx context.Context, id string) (Instance, error) {
	found, err := c.find(ctx, &ec2.DescribeInstancesInput{InstanceIds: []string{id}})
	if err != nil {
		return Instance{}, err
	}
	for _, in := range found {
		if aws.ToString(in.InstanceId) == id {
			return instanceOf(in), nil
		}
	}
	return Instance{}, fmt.Errorf("ec2: %s: %w", id, cloud.ErrNotFound)
}

// find calls DescribeInstances, page after page.
func (c *Cloud) find(ctx context.Context, input *ec2.DescribeInstancesInput) ([]types.Instance, error) {
	var found []types.Instance
	for {
		out, err := c.api.DescribeInstances(ctx, input)
		if err != nil {
			return nil, failure(ctx, "DescribeInstances", err)
		}
		if out.Reservations == nil {
			// EC2 sends the list's element also when there is nothing in it; without it this is no reply, and whoever
			// took it for an empty cloud would take every machine for dead.
			return nil, failure(ctx, "DescribeInstances", errNothing)
		}
		for _, r := range out.Reservations {
			found = append(found, r.Instances...)
		}
		next := aws.ToString(out.NextToken)
		if next == "" {
			return found, nil
		}
		if next == aws.ToString(input.NextToken) {
			return nil, failure(ctx, "DescribeInstances", errors.New("a page leads to itself"))
		}
		input.NextToken = aws.String(next)
	}
}

func filter(name string, values ...string) types.Filter {
	return types.Filter{Name: aws.String(name), Values: values}
}
