package ec2wire_test

import (
	"strings"
	"testing"
	"time"

	"github.com/bootrace/bootrace/fakeprovider/ec2wire"
	"github.com/bootrace/bootrace/fakeprovider/ec2wire/model"
)

// Every filter that EC2 has for a call is taken, none that it has not, and one that the fake has nothing for matches nothing.
func TestEveryFilterIsTaken(t *testing.T) {
	t.Parallel()
	f := newFixture(t, ec2wire.Options{})
	f.run()
	taken := 0
	for action, of := range model.EC2().Actions {
		if len(of.Filters) == 0 || !ec2wire.Serves(action) {
			continue
		}
		for _, name := range of.Filters {
			if name == "tag:" {
				name = "tag:role"
			}
			a := f.call(action, "Filter.1.Name", name, "Filter.1.Value.1", "nothing-has-this").ok()
			if rows := a.all("item"); len(rows) > 0 {
				t.Errorf("%s by %s: %d elements", action, name, len(rows))
			}
			taken++
		}
		f.call(action, "Filter.1.Name", "shoe-size", "Filter.1.Value.1", "44").fails(400, "InvalidParameterValue")
	}
	if taken < 350 {
		t.Errorf("%d filters", taken)
	}
	f.call("DescribeInstanceStatus", "Filter.1.Name", "tag:role", "Filter.1.Value.1", "x").fails(400, "InvalidParameterValue")
	f.call("DescribeInstanceStatus", "Filter.1.Name", "instance-id", "Filter.1.Value.1", "x").fails(400, "InvalidParameterValue")
}

func TestStatusFilters(t *testing.T) {
	t.Parallel()
	f := newFixture(t, ec2wire.Options{Times: slow})
	f.run()
	f.clock.add(10 * time.Second)
	count := func(name, value string) int {
		return len(f.call("DescribeInstanceStatus", "Filter.1.Name", name, "Filter.1.Value.1", value).ok().all("instanceId"))
	}
	for _, name := range []string{"instance-status.status", "system-status.status", "instance-status.reachability"} {
		if count(name, "initializing") != 1 || count(name, "ok") != 0 {
			t.Errorf("%s of a machine that just runs", name)
		}
	}
	f.clock.add(time.Minute)
	if count("system-status.status", "ok") != 1 || count("instance-status.reachability", "passed") != 1 || count("event.code", "*") != 0 {
		t.Error("filters of a machine whose checks have passed")
	}
}

// What EC2 leaves out is left out, and no filter finds what is not there.
func TestWhatIsAbsent(t *testing.T) {
	t.Parallel()
	f := newFixture(t, ec2wire.Options{Times: slow})
	id := f.run()[0]
	if body := f.call("DescribeInstances").ok().body; strings.Contains(body, "<tagSet>") {
		t.Error("a machine without tags has an element for them")
	}
	lent := map[string]string{}
	before := f.call("DescribeInstances").ok()
	for element, filter := range map[string]string{
		"subnetId": "subnet-id", "vpcId": "vpc-id", "privateIpAddress": "private-ip-address", "volumeId": "block-device-mapping.volume-id",
		"networkInterfaceId": "network-interface.network-interface-id", "groupId": "instance.group-id",
	} {
		values := before.all(element)
		if len(values) == 0 {
			t.Fatalf("a machine that boots has no %s\n%s", element, before.body)
		}
		lent[filter] = values[0]
		if got := f.call("DescribeInstances", "Filter.1.Name", filter, "Filter.1.Value.1", values[0]).ok().all("instanceId"); len(got) != 1 {
			t.Errorf("%s does not find it", filter)
		}
	}
	f.call("TerminateInstances", "InstanceId.1", id).ok()
	f.clock.add(time.Minute)
	after := f.call("DescribeInstances").ok().body
	for _, element := range []string{"subnetId", "vpcId", "privateIpAddress", "volumeId", "networkInterfaceId", "groupId"} {
		if strings.Contains(after, "<"+element+">") {
			t.Errorf("a terminated machine has %s\n%s", element, after)
		}
	}
	for filter, value := range lent {
		for _, pattern := range []string{value, "*"} {
			if got := f.call("DescribeInstances", "Filter.1.Name", filter, "Filter.1.Value.1", pattern).ok().all("instanceId"); len(got) != 0 {
				t.Errorf("%s finds a terminated machine", filter)
			}
		}
	}
}

// TestDetails holds single calls to what EC2 answers.
func TestDetails(t *testing.T) {
	t.Parallel()
	f := newFixture(t, ec2wire.Options{})
	launch := []string{"ImageId", ami, "MinCount", "1", "MaxCount", "1"}
	for name, c := range map[string]struct {
		action, code, says string
		params             []string
	}{
		"no instance":            {"TerminateInstances", "InvalidParameterCombination", "No instances specified", nil},
		"none to stop":           {"StopInstances", "InvalidParameterCombination", "No instances specified", nil},
		"ids and a page":         {"DescribeInstances", "InvalidParameterCombination", "The parameter instancesSet cannot be used with the parameter maxResults", []string{"InstanceId.1", "i-12345678", "MaxResults", "5"}},
		"types and a page":       {"DescribeInstanceTypes", "InvalidParameterCombination", "", []string{"InstanceType.1", "t3.micro", "MaxResults", "5"}},
		"another architecture":   {"RunInstances", "InvalidParameterValue", "", append(launch, "InstanceType", "c7g.large")},
		"subnet and names":       {"RunInstances", "InvalidParameterCombination", "The parameter groupName cannot be used with the parameter subnet", append(launch, "SubnetId", "subnet-0b007ace000000001", "SecurityGroup.1", "default")},
		"unknown subnet":         {"RunInstances", "InvalidSubnetID.NotFound", "The subnet ID 'subnet-12345678' does not exist", append(launch, "SubnetId", "subnet-12345678")},
		"subnet elsewhere":       {"RunInstances", "InvalidParameterValue", "", append(launch, "SubnetId", "subnet-0b007ace000000001", "Placement.AvailabilityZone", "us-east-1b")},
		"group of no form":       {"RunInstances", "InvalidGroupId.Malformed", `Invalid id: "foo" (expecting "sg-...")`, append(launch, "SecurityGroupId.1", "foo")},
		"unknown zone id":        {"DescribeAvailabilityZones", "InvalidParameterValue", "Invalid availability zone-id: [x]", []string{"ZoneId.1", "x"}},
		"group's name":           {"CreateSecurityGroup", "InvalidParameterValue", "", []string{"GroupName", "sg-1", "GroupDescription", "d"}},
		"two unknown images":     {"DescribeImages", "InvalidAMIID.NotFound", "The image ids '[ami-12345678, ami-87654321]' do not exist", []string{"ImageId.1", "ami-12345678", "ImageId.2", "ami-87654321"}},
		"tags of no resource":    {"RunInstances", "InvalidParameterValue", "", append(launch, "TagSpecification.1.ResourceType", "teapot", "TagSpecification.1.Tag.1.Key", "k")},
		"types, too many":        {"DescribeInstanceTypes", "InvalidParameterValue", "", []string{"MaxResults", "101"}},
		"unknown market":         {"RunInstances", "InvalidParameterValue", "", append(launch, "InstanceMarketOptions.MarketType", "flea")},
		"two unknown types":      {"DescribeInstanceTypes", "InvalidInstanceType", "The following supplied instance types do not exist: [z9.huge, z9.tiny]", []string{"InstanceType.1", "z9.huge", "InstanceType.2", "z9.tiny"}},
		"key that is there":      {"CreateKeyPair", "InvalidKeyPair.Duplicate", "", []string{"KeyName", "bootrace"}},
		"key of no form":         {"ImportKeyPair", "InvalidKey.Format", "", []string{"KeyName", "k"}},
		"attribute of no form":   {"DescribeInstanceAttribute", "InvalidInstanceID.NotFound", "", []string{"InstanceId", "i-12345678", "Attribute", "userData"}},
		"unknown parameter":      {"DescribeInstances", "UnknownParameter", "The parameter Instanceid is not recognized", []string{"Instanceid.1", "i-12345678"}},
		"a list that is no list": {"DescribeInstances", "UnknownParameter", "", []string{"InstanceId.first", "i-12345678"}},
	} {
		a := f.call(c.action, c.params...)
		if a.status != 400 || a.one("Code") != c.code || c.says != "" && a.one("Message") != c.says {
			t.Errorf("%s: %d\n%s", name, a.status, a.body)
		}
	}
	for _, size := range []string{"t3a.medium", "c6i.large", "m5.2xlarge", "g5.xlarge", "m7i.large", "p4d.24xlarge"} {
		f.run("InstanceType", size)
	}
}

func TestProtectedFromTermination(t *testing.T) {
	t.Parallel()
	f := newFixture(t, ec2wire.Options{})
	id := f.run("DisableApiTermination", "true")[0]
	f.call("TerminateInstances", "InstanceId.1", id).fails(400, "OperationNotPermitted")
	if got := f.call("DescribeInstanceAttribute", "InstanceId", id, "Attribute", "disableApiTermination").ok().one("value"); got != "true" {
		t.Errorf("the attribute is %s", got)
	}
	f.call("ModifyInstanceAttribute", "InstanceId", id, "DisableApiTermination.Value", "false", "DryRun", "true").fails(412, "DryRunOperation")
	f.call("TerminateInstances", "InstanceId.1", id).fails(400, "OperationNotPermitted")
	f.call("ModifyInstanceAttribute", "InstanceId", id, "DisableApiTermination.Value", "false").ok()
	f.call("TerminateInstances", "InstanceId.1", id).ok()
}

func TestAttributes(t *testing.T) {
	t.Parallel()
	f := newFixture(t, ec2wire.Options{})
	id := f.run("InstanceType", "t3.micro", "UserData", "aGk=")[0]
	show := func(name string) string {
		return strings.Join(f.call("DescribeInstanceAttribute", "InstanceId", id, "Attribute", name).ok().all("value"), " ")
	}
	for name, want := range map[string]string{"instanceType": "t3.micro", "userData": "aGk=", "instanceInitiatedShutdownBehavior": "stop"} {
		if got := show(name); got != want {
			t.Errorf("%s is %q, not %q", name, got, want)
		}
	}
	change := func(params ...string) answer {
		return f.call("ModifyInstanceAttribute", append([]string{"InstanceId", id}, params...)...)
	}
	change("InstanceType.Value", "t3.small").fails(400, "IncorrectInstanceState")
	change("InstanceInitiatedShutdownBehavior.Value", "explode").fails(400, "InvalidParameterValue")
	change().fails(400, "InvalidParameterCombination")
	f.call("StopInstances", "InstanceId.1", id).ok()
	change("InstanceType.Value", "m7g.large").fails(400, "InvalidParameterValue")
	change("InstanceType.Value", "t3.small").ok()
	change("Attribute", "instanceInitiatedShutdownBehavior", "Value", "terminate").ok()
	if show("instanceType") != "t3.small" || show("instanceInitiatedShutdownBehavior") != "terminate" {
		t.Errorf("after: %s, %s", show("instanceType"), show("instanceInitiatedShutdownBehavior"))
	}
}

func TestTagsOfEverything(t *testing.T) {
	t.Parallel()
	f := newFixture(t, ec2wire.Options{})
	group := f.call("CreateSecurityGroup", "GroupName", "g", "GroupDescription", "d", "TagSpecification.1.ResourceType", "security-group",
		"TagSpecification.1.Tag.1.Key", "made", "TagSpecification.1.Tag.1.Value", "now").ok()
	if group.one("key") != "made" || !strings.HasSuffix(group.one("securityGroupArn"), ":security-group/"+group.one("groupId")) {
		t.Errorf("group\n%s", group.body)
	}
	key := f.call("CreateKeyPair", "KeyName", "k").ok()
	if !strings.Contains(key.one("keyMaterial"), "PRIVATE KEY") {
		t.Errorf("key\n%s", key.body)
	}
	for id, list := range map[string]string{
		group.one("groupId"): "DescribeSecurityGroups", ami: "DescribeImages", key.one("keyPairId"): "DescribeKeyPairs",
		f.run()[0]: "DescribeInstances",
	} {
		f.call("CreateTags", "ResourceId.1", id, "Tag.1.Key", "role", "Tag.1.Value", "one").ok()
		if got := f.call(list, "Filter.1.Name", "tag:role", "Filter.1.Value.1", "one").ok().body; !strings.Contains(got, id) {
			t.Errorf("%s by the tag of %s\n%s", list, id, got)
		}
		f.call("DeleteTags", "ResourceId.1", id, "Tag.1.Key", "role").ok()
		if got := f.call(list, "Filter.1.Name", "tag:role", "Filter.1.Value.1", "one").ok().body; strings.Contains(got, id) {
			t.Errorf("%s has a tag that was deleted", id)
		}
	}
	if got := f.call("DescribeTags").ok().all("resourceType"); len(got) != 1 || got[0] != "security-group" {
		t.Errorf("tags of %v", got)
	}
	f.call("DeleteKeyPair", "KeyName", "k").ok()
	f.call("DescribeKeyPairs", "KeyName.1", "k").fails(400, "InvalidKeyPair.NotFound")
}

func TestPersistentSpotMayBeStopped(t *testing.T) {
	t.Parallel()
	f := newFixture(t, ec2wire.Options{})
	id := f.run("InstanceMarketOptions.MarketType", "spot", "InstanceMarketOptions.SpotOptions.SpotInstanceType", "persistent")[0]
	if got := f.call("DescribeInstances", "InstanceId.1", id).ok().one("spotInstanceRequestId"); !strings.HasPrefix(got, "sir-") {
		t.Errorf("the request is %q", got)
	}
	f.call("StopInstances", "InstanceId.1", id).ok()
}
