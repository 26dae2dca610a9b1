package main

import (
	"time"

	"github.com/bootrace/bootrace/controller/cloud/ec2"
	"github.com/bootrace/bootrace/fakeprovider/ec2wire"
)

// ec2Where says where EC2 is, and who calls it.
type ec2Where struct {
	Endpoint        string `placeholder:"URL" help:"Something that speaks EC2's protocol, such as bootrace fakeprovider. Without it, this is real AWS."`
	Region          string `placeholder:"NAME" help:"Region; must be given on real AWS."`
	AccessKeyID     string `placeholder:"ID" help:"Access key for the endpoint; any will do for a fake. On real AWS the usual chain is asked instead: environment, shared configuration, role."`
	SecretAccessKey string `env:"BOOTRACE_EC2_SECRET_ACCESS_KEY" placeholder:"TEXT" help:"Its secret."`
	AllowRealAWS    bool   `name:"allow-real-aws" help:"Let this be real AWS, which costs money."`
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
	Deployment      string            `placeholder:"NAME" help:"What this controller's machines are told from others by: no two controllers that have not one database may share it."`
	MaxMachines     int               `placeholder:"N" help:"The most machines that may live at a time; must be given on real AWS."`
	Expiry          time.Duration     `placeholder:"TIME" help:"The age at which a forgotten machine ends, such as 4h: it is in a tag for bootrace cloud reap, and a timer on the machine; must be given on real AWS."`
	Image           string            `placeholder:"AMI" help:"Machine image; its cloud-init must run user data."`
	InstanceType    string            `placeholder:"TYPE" help:"Machine type; t3.small where not given."`
	Subnet          string            `placeholder:"ID" help:"Subnet; the default one where not given."`
	SecurityGroup   []string          `placeholder:"ID" help:"Security group; may be given several times."`
	KeyName         string            `placeholder:"NAME" help:"SSH key pair."`
	InstanceProfile string            `placeholder:"NAME" help:"IAM instance profile."`
	Spot            bool              `help:"Launch spot instances."`
	Tag             map[string]string `placeholder:"KEY=VALUE" help:"A tag for the machines, beside bootrace's own; may be given several times."`
	AgentCommand    string            `placeholder:"COMMAND" help:"Shell command that starts the agent on a machine."`
	MaxAttempts     int               `placeholder:"N" help:"How often one call is tried; 3 where not given."`
	AttemptTimeout  time.Duration     `placeholder:"TIME" help:"How long one try may take; 20s where not given."`
	Settle          time.Duration     `placeholder:"TIME" help:"How long EC2 may take until it knows a machine that it launched; 30s where not given."`
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
