package main

import (
	"time"

	"github.com/bootrace/bootrace/controller/cloud/ec2"
	"github.com/bootrace/bootrace/fakeprovider/ec2wire"
)

// ec2Where says where EC2 is, and who calls it.
type ec2Where struct {
	Endpoint        string `placeholder:"URL" help:"A server that speaks EC2's protocol, such as bootrace fakeprovider. Without it, this is real AWS."`
	Region          string `placeholder:"NAME" help:"Region; required on real AWS."`
	AccessKeyID     string `placeholder:"ID" help:"Access key for the endpoint; a fake accepts any. On real AWS, the default credential chain is used instead: environment, shared configuration, role."`
	SecretAccessKey string `env:"BOOTRACE_EC2_SECRET_ACCESS_KEY" placeholder:"TEXT" help:"Its secret."`
	AllowRealAWS    bool   `name:"allow-real-aws" help:"Allow real AWS, which costs money."`
}

// config is as much of the configuration as says where EC2 is.
func (w ec2Where) config() ec2.Config {
	return ec2.Config{
		Endpoint: w.Endpoint, Region: w.Region, AccessKeyID: w.AccessKeyID, SecretAccessKey: w.SecretAccessKey, AllowRealAWS: w.AllowRealAWS,
	}
}

// ec2Flags say which machines to launch, and where.
type ec2Flags struct {
	ec2Where        `embed:""`
	Deployment      string            `placeholder:"NAME" help:"Name that identifies this controller's machines. Only controllers that share a database may share it."`
	MaxMachines     int               `placeholder:"N" help:"Maximum number of machines at a time; required on real AWS."`
	Expiry          time.Duration     `placeholder:"TIME" help:"Lifetime of a machine, such as 4h. It is stored in a tag for bootrace cloud reap, and set as a timer on the machine. Required on real AWS."`
	Image           string            `placeholder:"AMI" help:"Machine image; its cloud-init must run user data."`
	InstanceType    string            `placeholder:"TYPE" help:"Machine type. Default: t3.small."`
	Subnet          string            `placeholder:"ID" help:"Subnet. Default: the default subnet."`
	SecurityGroup   []string          `placeholder:"ID" help:"Security group. May be repeated."`
	KeyName         string            `placeholder:"NAME" help:"SSH key pair."`
	InstanceProfile string            `placeholder:"NAME" help:"IAM instance profile."`
	Spot            bool              `help:"Launch spot instances."`
	Tag             map[string]string `placeholder:"KEY=VALUE" help:"Tag for the machines, in addition to bootrace's own. May be repeated."`
	AgentCommand    string            `placeholder:"COMMAND" help:"Shell command that starts the agent on a machine."`
	MaxAttempts     int               `placeholder:"N" help:"Number of attempts of one call. Default: 3."`
	AttemptTimeout  time.Duration     `placeholder:"TIME" help:"Timeout of one attempt. Default: 20s."`
	Settle          time.Duration     `placeholder:"TIME" help:"How long EC2 may take to know a machine that it has launched. Default: 30s."`
}

// config returns the configuration. At an endpoint that is not Amazon's, where nothing costs anything and machines are
// somebody else's fake, what has to be said on real AWS has defaults.
func (f ec2Flags) config() ec2.Config {
	c := f.ec2Where.config()
	c.Deployment, c.MaxMachines, c.Expiry, c.ImageID, c.InstanceType = f.Deployment, f.MaxMachines, f.Expiry, f.Image, f.InstanceType
	c.SubnetID, c.SecurityGroupIDs, c.KeyName, c.InstanceProfile = f.Subnet, f.SecurityGroup, f.KeyName, f.InstanceProfile
	c.Spot, c.Tags, c.AgentCommand = f.Spot, f.Tag, f.AgentCommand
	c.MaxAttempts, c.AttemptTimeout, c.Settle = f.MaxAttempts, f.AttemptTimeout, f.Settle
	if !c.RealAWS() {
		for _, d := range []struct {
			field *string
			value string
		}{{&c.Deployment, "bootrace"}, {&c.ImageID, ec2wire.DefaultImages()[0].ID}, {&c.AgentCommand, "exec agent"}} {
			if *d.field == "" {
				*d.field = d.value
			}
		}
	}
	return c
}
