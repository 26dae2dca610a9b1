package ec2

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"github.com/bootrace/bootrace/controller/cloud"
)

// The tags of a machine.
const (
	tagPrefix     = "bootrace:"
	tagDeployment = tagPrefix + "deployment"
	// TagWorkspace holds the id of the workspace that the machine was launched for.
	TagWorkspace = tagPrefix + "workspace"
	// TagIncarnation holds its incarnation, in decimal.
	TagIncarnation = tagPrefix + "incarnation"
	// tagLifetime is how old the machine may become, "4h0m0s". It is no point in time: that would differ each time a
	// launch is tried again, and EC2 would refuse the repeated token.
	tagLifetime = tagPrefix + "lifetime"
	tagName     = "Name" // what consoles show
)

// owner is what a launch is idempotent by.
type owner struct {
	workspace   string
	incarnation int
}

// clientToken derives the token that makes a launch idempotent. Parts are distinguished by their lengths, so that no two
// owners share one.
func clientToken(deployment string, o owner) string {
	sum := sha256.Sum256(fmt.Appendf(nil, "%d:%s %d:%s %d", len(deployment), deployment, len(o.workspace), o.workspace,
		o.incarnation))
	return "bootrace-" + hex.EncodeToString(sum[:20])
}

// tagsFor returns the tags of a machine, in order.
func (c Config) tagsFor(spec cloud.Spec) []types.Tag {
	tags := maps.Clone(c.Tags)
	if tags == nil {
		tags = map[string]string{}
	}
	tags[tagDeployment] = c.Deployment
	tags[TagWorkspace] = cut(spec.WorkspaceID, 256)
	tags[TagIncarnation] = strconv.Itoa(spec.Incarnation)
	tags[tagName] = cut(spec.Name, 256)
	if c.Expiry > 0 {
		tags[tagLifetime] = c.Expiry.String()
	}
	var list []types.Tag
	for _, key := range slices.Sorted(maps.Keys(tags)) {
		list = append(list, types.Tag{Key: aws.String(key), Value: aws.String(tags[key])})
	}
	return list
}

// cut shortens text to so many bytes, at the end of a character.
func cut(text string, most int) string {
	if len(text) <= most {
		return text
	}
	return strings.ToValidUTF8(text[:most], "")
}

// Instance is a machine with what people want to see of it.
type Instance struct {
	cloud.Machine
	Deployment string // whose it is
	Name       string
	EC2State   string // pending, running, shutting-down, terminated, stopping, stopped
	Reason     string // why it was stopped or terminated, in EC2's words
	Type       string
	Zone       string
	PrivateIP  string
	PublicIP   string
	Lifetime   time.Duration // how old it may become; 0 where it has no such tag
}

// Expired reports whether the machine is older than it may become.
func (i Instance) Expired(now time.Time) bool {
	return i.Lifetime > 0 && !now.Before(i.LaunchedAt.Add(i.Lifetime))
}

// instanceOf reads an instance. Tags that are missing or no numbers are zero: somebody may have edited them.
func instanceOf(in types.Instance) Instance {
	tags := map[string]string{}
	for _, t := range in.Tags {
		tags[aws.ToString(t.Key)] = aws.ToString(t.Value)
	}
	incarnation, _ := strconv.Atoi(tags[TagIncarnation])
	lifetime, _ := time.ParseDuration(tags[tagLifetime])
	out := Instance{
		Machine: cloud.Machine{
			ID: aws.ToString(in.InstanceId), WorkspaceID: tags[TagWorkspace], Incarnation: incarnation,
			LaunchedAt: aws.ToTime(in.LaunchTime),
		},
		Deployment: tags[tagDeployment], Name: tags[tagName], Type: string(in.InstanceType), PrivateIP: aws.ToString(in.PrivateIpAddress),
		PublicIP: aws.ToString(in.PublicIpAddress), Lifetime: max(0, lifetime),
	}
	if in.State != nil {
		out.EC2State = string(in.State.Name)
	}
	out.State = stateOf(out.EC2State)
	if in.StateReason != nil {
		out.Reason = aws.ToString(in.StateReason.Message)
	}
	if in.Placement != nil {
		out.Zone = aws.ToString(in.Placement.AvailabilityZone)
	}
	return out
}

// stateOf sorts EC2's states into those of package cloud. A stopped machine is Stopping: it keeps its disk, which costs,
// and can be started again. So is one that shuts down, as its agent may still run for a moment.
func stateOf(name string) cloud.State {
	switch types.InstanceStateName(name) {
	case types.InstanceStateNamePending:
		return cloud.Pending
	case types.InstanceStateNameRunning:
		return cloud.Running
	case types.InstanceStateNameTerminated:
		return cloud.Terminated
	default:
		return cloud.Stopping
	}
}
