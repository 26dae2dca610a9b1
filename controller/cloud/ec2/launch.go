package ec2

import (
	"context"
	"encoding/base64"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"github.com/bootrace/bootrace/controller/cloud"
)

// Launch implements cloud.Cloud. A machine that was launched for the same workspace and incarnation and has ended since is
// cloud.ErrRefused: EC2 launches no other for the same token, so only a new incarnation helps.
func (c *Cloud) Launch(ctx context.Context, spec cloud.Spec) (cloud.Machine, error) {
	input, err := c.runInput(spec)
	if err != nil {
		return cloud.Machine{}, err
	}
	if err := ctx.Err(); err != nil {
		return cloud.Machine{}, failure(ctx, "RunInstances", err)
	}
	o := owner{spec.WorkspaceID, spec.Incarnation}
	if c.cap == nil {
		return c.run(ctx, spec, input)
	}
	if err := c.cap.admit(ctx, o, c.Instances); err != nil {
		return cloud.Machine{}, err
	}
	m, err := c.run(ctx, spec, input)
	c.cap.done(o, m.ID, err)
	return m, err
}

// run calls RunInstances, and makes a machine of what comes back.
func (c *Cloud) run(ctx context.Context, spec cloud.Spec, input *ec2.RunInstancesInput) (cloud.Machine, error) {
	out, err := c.api.RunInstances(ctx, input)
	if codeOf(err) == "IdempotentParameterMismatch" {
		return c.adopt(ctx, spec, input, err)
	}
	if err != nil {
		return cloud.Machine{}, failure(ctx, "RunInstances", err)
	}
	if len(out.Instances) == 0 || aws.ToString(out.Instances[0].InstanceId) == "" {
		return cloud.Machine{}, failure(ctx, "RunInstances", errNothing)
	}
	return c.machine(spec, out.Instances[0])
}

// machine returns what was launched. Before 2025, EC2 answered a repeated token with the machine that had ended; others
// that speak its protocol still do.
func (c *Cloud) machine(spec cloud.Spec, in types.Instance) (cloud.Machine, error) {
	i := instanceOf(in)
	if i.EC2State == "terminated" || i.EC2State == "shutting-down" {
		return cloud.Machine{}, fmt.Errorf("ec2: %w: machine %s of this incarnation has ended: %s", cloud.ErrRefused, i.ID,
			i.Reason)
	}
	m := i.Machine
	m.WorkspaceID, m.Incarnation = spec.WorkspaceID, spec.Incarnation // the tags of a reply can be behind
	c.recent.add(m)
	return m, nil
}

// adopt looks for the machine that the token launched with other parameters: the configuration has changed since, and the
// machine is still the one of this incarnation. Where there is none to be seen, the mismatch is the answer.
func (c *Cloud) adopt(ctx context.Context, spec cloud.Spec, input *ec2.RunInstancesInput, mismatch error) (cloud.Machine, error) {
	found, err := c.find(ctx, &ec2.DescribeInstancesInput{Filters: []types.Filter{
		filter("client-token", aws.ToString(input.ClientToken)),
	}})
	if err != nil {
		return cloud.Machine{}, err
	}
	if len(found) == 0 {
		return cloud.Machine{}, failure(ctx, "RunInstances", mismatch)
	}
	return c.machine(spec, found[0])
}

// runInput is the call that launches a machine. It depends on the spec and the configuration alone.
func (c *Cloud) runInput(spec cloud.Spec) (*ec2.RunInstancesInput, error) {
	if c.config.ListOnly {
		return nil, fmt.Errorf("ec2: %w: this client is for listing and terminating only", cloud.ErrRefused)
	}
	data, err := c.config.userData(spec)
	if err != nil {
		return nil, err
	}
	tags := c.config.tagsFor(spec)
	input := &ec2.RunInstancesInput{
		ClientToken:  aws.String(clientToken(c.config.Deployment, owner{spec.Key(), spec.Incarnation})),
		MinCount:     aws.Int32(1),
		MaxCount:     aws.Int32(1),
		ImageId:      aws.String(c.config.ImageID),
		InstanceType: types.InstanceType(c.config.InstanceType),
		UserData:     aws.String(base64.StdEncoding.EncodeToString(data)),
		TagSpecifications: []types.TagSpecification{
			{ResourceType: types.ResourceTypeInstance, Tags: tags},
			{ResourceType: types.ResourceTypeVolume, Tags: tags}, // so that a disk left over tells whose it was
		},
		SecurityGroupIds: c.config.SecurityGroupIDs,
		// A machine that powers itself off is of no use to anybody.
		InstanceInitiatedShutdownBehavior: types.ShutdownBehaviorTerminate,
		MetadataOptions:                   &types.InstanceMetadataOptionsRequest{HttpTokens: types.HttpTokensStateRequired},
	}
	if c.config.SubnetID != "" {
		input.SubnetId = aws.String(c.config.SubnetID)
	}
	if c.config.KeyName != "" {
		input.KeyName = aws.String(c.config.KeyName)
	}
	if c.config.InstanceProfile != "" {
		input.IamInstanceProfile = &types.IamInstanceProfileSpecification{Name: aws.String(c.config.InstanceProfile)}
	}
	if c.config.Spot {
		input.InstanceMarketOptions = &types.InstanceMarketOptionsRequest{MarketType: types.MarketTypeSpot}
	}
	return input, nil
}
