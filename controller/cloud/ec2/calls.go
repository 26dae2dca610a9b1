package ec2

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/service/ec2"
)

// calls are those of EC2's that this package makes. The client itself is kept out of sight: where a program looks methods up
// by name, as command lines do, the linker keeps every method of every type that it could come across, and EC2's client has
// seven hundred, which are half of such a program.
type calls struct {
	RunInstances       call[ec2.RunInstancesInput, ec2.RunInstancesOutput]
	DescribeInstances  call[ec2.DescribeInstancesInput, ec2.DescribeInstancesOutput]
	TerminateInstances call[ec2.TerminateInstancesInput, ec2.TerminateInstancesOutput]
	GetConsoleOutput   call[ec2.GetConsoleOutputInput, ec2.GetConsoleOutputOutput]
}

type call[In, Out any] func(context.Context, *In, ...func(*ec2.Options)) (*Out, error)

func callsOf(c *ec2.Client) calls {
	return calls{c.RunInstances, c.DescribeInstances, c.TerminateInstances, c.GetConsoleOutput}
}
