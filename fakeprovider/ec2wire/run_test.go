package ec2wire_test

import (
	"encoding/base64"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/bootrace/bootrace/fakeprovider/ec2wire"
)

func TestRunInstancesParameters(t *testing.T) {
	t.Parallel()
	f := newFixture(t, ec2wire.Options{})
	group := f.call("CreateSecurityGroup", "GroupName", "agents", "GroupDescription", "of agents").ok().one("groupId")
	f.call("CreateSecurityGroup", "GroupName", "agents", "GroupDescription", "again").fails(400, "InvalidGroup.Duplicate")
	data := base64.StdEncoding.EncodeToString([]byte("#!/bin/sh\n"))
	a := f.call("RunInstances", "ImageId", ami, "MinCount", "1", "MaxCount", "3", "InstanceType", "t3.micro",
		"KeyName", "bootrace", "SecurityGroupId.1", group, "Placement.AvailabilityZone", "us-east-1b", "UserData", data,
		"SubnetId", "subnet-0b007ace000000002", "InstanceInitiatedShutdownBehavior", "terminate", "ClientToken", "t",
		"TagSpecification.1.ResourceType", "instance", "TagSpecification.1.Tag.1.Key", "Name",
		"TagSpecification.1.Tag.1.Value", `<a & "b">`).ok()
	if ids := a.all("instanceId"); len(ids) != 3 || !slices.Equal(a.all("amiLaunchIndex"), []string{"0", "1", "2"}) {
		t.Errorf("launched %v\n%s", ids, a.body)
	}
	if !slices.Equal(a.all("name"), []string{"pending", "pending", "pending"}) || a.all("value")[2] != `<a & "b">` {
		t.Errorf("reply\n%s", a.body)
	}
	m := f.Machines()[1]
	if string(m.UserData) != "#!/bin/sh\n" || m.InstanceType != "t3.micro" || m.Zone != "us-east-1b" || m.Boots != 1 {
		t.Errorf("machine %+v", m)
	}
	if got := f.call("DescribeInstances", "Filter.1.Name", "instance.group-id", "Filter.1.Value.1", group).all("groupName"); len(got) != 9 { // of the machine, its interface and its placement
		t.Errorf("group and placement names %v", got)
	}

	for name, c := range map[string]struct {
		params []string
		code   string
	}{
		"no image":          {[]string{"ImageId", ""}, "MissingParameter"},
		"image of no form":  {[]string{"ImageId", "debian"}, "InvalidAMIID.Malformed"},
		"unknown image":     {[]string{"ImageId", "ami-12345678"}, "InvalidAMIID.NotFound"},
		"none":              {[]string{"MinCount", "0"}, "InvalidParameterValue"},
		"no number":         {[]string{"MaxCount", "many"}, "InvalidParameterValue"},
		"least above most":  {[]string{"MinCount", "2"}, "InvalidParameterCombination"},
		"unknown type":      {[]string{"InstanceType", "z9.huge"}, "InvalidParameterValue"},
		"unknown zone":      {[]string{"Placement.AvailabilityZone", "mars-1a"}, "InvalidParameterValue"},
		"unknown group":     {[]string{"SecurityGroupId.1", "sg-12345678"}, "InvalidGroup.NotFound"},
		"unknown name":      {[]string{"SecurityGroup.1", "nobody"}, "InvalidGroup.NotFound"},
		"unknown key":       {[]string{"KeyName", "lost"}, "InvalidKeyPair.NotFound"},
		"subnet of no form": {[]string{"SubnetId", "home"}, "InvalidSubnetID.NotFound"},
		"no base64":         {[]string{"UserData", "!"}, "InvalidUserData.Malformed"},
		"long user data": {[]string{"UserData", base64.StdEncoding.EncodeToString(make([]byte, 16385))},
			"InvalidParameterValue"},
		"long token": {[]string{"ClientToken", strings.Repeat("x", 65)}, "InvalidParameterValue"},
		"reserved tag": {[]string{"TagSpecification.1.ResourceType", "instance", "TagSpecification.1.Tag.1.Key", "aws:x"},
			"InvalidParameterValue"},
		"no tag": {[]string{"TagSpecification.1.ResourceType", "instance"}, "InvalidParameterValue"},
		"dry":    {[]string{"DryRun", "maybe"}, "InvalidParameterValue"},
	} {
		params := append([]string{"ImageId", ami, "MinCount", "1", "MaxCount", "1"}, c.params...)
		a := f.call("RunInstances", params...)
		if a.status != 400 || a.one("Code") != c.code {
			t.Errorf("%s: %d\n%s", name, a.status, a.body)
		}
	}
	f.call("RunInstances", "ImageId", ami, "MaxCount", "1").says("The request must contain the parameter MinCount")
	f.call("RunInstances", "ImageId", "ami-12345678", "MinCount", "1", "MaxCount", "1").says(
		"The image id '[ami-12345678]' does not exist")
	f.call("RunInstances", "ImageId", ami, "MinCount", "1", "MaxCount", "1", "DryRun", "true").fails(412, "DryRunOperation")
	if n := len(f.Machines()); n != 3 {
		t.Errorf("%d machines: calls that failed have launched some", n)
	}
}

func TestClientTokens(t *testing.T) {
	t.Parallel()
	f := newFixture(t, ec2wire.Options{Times: ec2wire.Times{Forget: time.Hour}})
	first := f.run("ClientToken", "t", "MaxCount", "2")
	f.clock.add(time.Hour)
	if again := f.run("ClientToken", "t", "MaxCount", "2"); !slices.Equal(first, again) {
		t.Errorf("asked again, %v are %v", first, again)
	}
	a := f.call("RunInstances", "ImageId", ami, "MinCount", "1", "MaxCount", "1", "ClientToken", "t")
	a.fails(400, "IdempotentParameterMismatch")
	a.says("Arguments on this idempotent request are inconsistent with arguments used in previous request(s).")
	if other := f.run("ClientToken", "u"); slices.Contains(first, other[0]) {
		t.Errorf("another token gave the same machine %v", other)
	}
	if one, two := f.run(), f.run(); one[0] == two[0] {
		t.Error("without a token, two launches are one")
	}
	f.call("TerminateInstances", "InstanceId.1", first[0]).ok()
	again := func() answer {
		return f.call("RunInstances", "ImageId", ami, "MinCount", "1", "MaxCount", "2", "ClientToken", "t")
	}
	again().fails(400, "IdempotentInstanceTerminated")
	f.clock.add(2 * time.Hour) // the machine is forgotten, its token is not
	again().fails(400, "IdempotentInstanceTerminated")
	f.clock.add(22*time.Hour - 1) // a day after the end of the first machine, not of the second
	again().fails(400, "IdempotentInstanceTerminated")
	f.clock.add(24 * time.Hour)
	again().fails(400, "IdempotentInstanceTerminated") // the second lives
	f.call("TerminateInstances", "InstanceId.1", first[1]).ok()
	f.clock.add(24*time.Hour - 1)
	again().fails(400, "IdempotentInstanceTerminated")
	f.clock.add(1)
	again().ok()
}

func TestClientTokenIsBoundByAFailedLaunchToo(t *testing.T) {
	t.Parallel()
	f := newFixture(t, ec2wire.Options{Faults: ec2wire.Faults{Rules: []ec2wire.Rule{{Kind: ec2wire.NoCapacity, Times: 1}}}})
	f.call("RunInstances", "ImageId", ami, "MinCount", "1", "MaxCount", "1", "ClientToken", "t").fails(
		500, "InsufficientInstanceCapacity")
	f.call("RunInstances", "ImageId", ami, "MinCount", "1", "MaxCount", "2", "ClientToken", "t").fails(
		400, "IdempotentParameterMismatch")
	if got := f.run("ClientToken", "t"); len(got) != 1 {
		t.Errorf("the same launch, tried again: %v", got)
	}
}

func TestLaunchesAtOnce(t *testing.T) {
	t.Parallel()
	f := newFixture(t, ec2wire.Options{Launched: func(ec2wire.Machine) {}})
	var all sync.WaitGroup
	ids := make([]string, 16)
	for i := range ids {
		all.Go(func() { ids[i] = f.run("ClientToken", fmt.Sprint(i%4))[0] })
	}
	all.Wait()
	slices.Sort(ids)
	if got := slices.Compact(ids); len(got) != 4 {
		t.Errorf("4 tokens launched %v", got)
	}
}

func TestSameCallsGiveSameIDs(t *testing.T) {
	t.Parallel()
	one, two := newFixture(t, ec2wire.Options{}), newFixture(t, ec2wire.Options{})
	for _, f := range []*fixture{one, two} {
		f.run("MaxCount", "3")
	}
	a, b := one.call("DescribeInstances"), two.call("DescribeInstances")
	if a.body != b.body {
		t.Errorf("two servers with the same calls differ:\n%s\n%s", a.body, b.body)
	}
}
