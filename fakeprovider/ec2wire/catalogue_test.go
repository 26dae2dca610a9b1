package ec2wire_test

import (
	"encoding/base64"
	"slices"
	"strings"
	"testing"

	"github.com/bootrace/bootrace/fakeprovider/ec2wire"
)

func TestTags(t *testing.T) {
	t.Parallel()
	f := newFixture(t, ec2wire.Options{})
	ids := f.run("MaxCount", "2")
	f.call("CreateTags", "ResourceId.1", ids[0], "ResourceId.2", ids[1], "Tag.1.Key", "a", "Tag.1.Value", "1",
		"Tag.2.Key", "b").ok()
	a := f.call("DescribeTags", "Filter.1.Name", "resource-id", "Filter.1.Value.1", ids[0]).ok()
	if got := strings.Join(a.all("key"), "") + strings.Join(a.all("value"), ""); got != "ab1" {
		t.Errorf("tags %q\n%s", got, a.body)
	}
	f.call("DeleteTags", "ResourceId.1", ids[0], "Tag.1.Key", "a", "Tag.1.Value", "2", "Tag.2.Key", "b").ok()
	if m, _ := f.Machine(ids[0]); len(m.Tags) != 1 || m.Tags["a"] != "1" {
		t.Errorf("tags %v: a tag is deleted by another value, or kept", m.Tags)
	}
	f.call("DeleteTags", "ResourceId.1", ids[1]).ok()
	if m, _ := f.Machine(ids[1]); len(m.Tags) != 0 {
		t.Errorf("tags %v", m.Tags)
	}
	f.call("CreateTags", "ResourceId.1", "i-12345678", "Tag.1.Key", "a").fails(400, "InvalidInstanceID.NotFound")
	f.call("CreateTags", "ResourceId.1", "vol-12345678", "Tag.1.Key", "a").fails(400, "InvalidID")
	f.call("CreateTags", "ResourceId.1", ids[0]).fails(400, "MissingParameter")
	f.call("CreateTags", "Tag.1.Key", "a").fails(400, "MissingParameter")
	f.call("CreateTags", "ResourceId.1", ids[0], "Tag.1.Key", strings.Repeat("k", 129)).fails(400, "InvalidParameterValue")
	f.call("CreateTags", "ResourceId.1", ids[0], "Tag.1.Key", "c", "DryRun", "true").fails(412, "DryRunOperation")
	many := []string{"ResourceId.1", ids[0]}
	for i := range 50 {
		n := "Tag." + string(rune('0'+i/10)) + string(rune('0'+i%10)) + "1"
		many = append(many, n+".Key", n)
	}
	f.call("CreateTags", many...).fails(400, "TagLimitExceeded")
	if m, _ := f.Machine(ids[0]); len(m.Tags) != 1 {
		t.Errorf("%d tags after calls that failed", len(m.Tags))
	}
	f.call("CreateTags", append(many, "ResourceId.1", ids[1])...).ok()
	page := f.call("DescribeTags", "MaxResults", "20").ok()
	rest := f.call("DescribeTags", "NextToken", page.one("nextToken")).ok()
	if len(page.all("key")) != 20 || len(rest.all("key")) != 31 {
		t.Errorf("pages of %d and %d tags", len(page.all("key")), len(rest.all("key")))
	}
}

func TestConsole(t *testing.T) {
	t.Parallel()
	f := newFixture(t, ec2wire.Options{})
	id := f.run()[0]
	if got := f.call("GetConsoleOutput", "InstanceId", id).ok().all("output"); len(got) != 0 {
		t.Errorf("output %v of a machine that said nothing", got)
	}
	for _, text := range []string{"pulling\n", "panic: no <key>\n"} {
		if err := f.WriteConsole(id, text); err != nil {
			t.Fatal(err)
		}
	}
	f.call("TerminateInstances", "InstanceId.1", id).ok()
	out, err := base64.StdEncoding.DecodeString(f.call("GetConsoleOutput", "InstanceId", id).one("output"))
	if err != nil || string(out) != "pulling\npanic: no <key>\n" {
		t.Errorf("console %q, %v", out, err)
	}
	f.call("GetConsoleOutput").fails(400, "MissingParameter")
	f.call("GetConsoleOutput", "InstanceId", "x").fails(400, "InvalidInstanceID.Malformed")
	f.call("GetConsoleOutput", "InstanceId", "i-12345678").fails(400, "InvalidInstanceID.NotFound")
	if err := f.WriteConsole("i-12345678", ""); err == nil {
		t.Error("no error for a machine that is not there")
	}
}

func TestCatalogue(t *testing.T) {
	t.Parallel()
	f := newFixture(t, ec2wire.Options{Region: "mars-north-1"})
	for name, c := range map[string]struct {
		action  string
		params  []string
		element string
		want    string // joined
	}{
		"region":    {"DescribeRegions", []string{"Filter.1.Name", "region-name", "Filter.1.Value.1", "mars*"}, "regionName", "mars-north-1"},
		"regions":   {"DescribeRegions", []string{"RegionName.1", "us-west-2"}, "regionEndpoint", "ec2.us-west-2.amazonaws.com"},
		"zones":     {"DescribeAvailabilityZones", nil, "zoneName", "mars-north-1a mars-north-1b mars-north-1c"},
		"zone":      {"DescribeAvailabilityZones", []string{"ZoneName.1", "mars-north-1b"}, "zoneId", "marsn1-az2"},
		"images":    {"DescribeImages", []string{"Owner.1", "self"}, "architecture", "x86_64 arm64"},
		"no image":  {"DescribeImages", []string{"Owner.1", "amazon"}, "imageId", ""},
		"image":     {"DescribeImages", []string{"ImageId.1", ami}, "name", "bootrace-x86_64"},
		"arm":       {"DescribeImages", []string{"Filter.1.Name", "architecture", "Filter.1.Value.1", "arm64"}, "name", "bootrace-arm64"},
		"type":      {"DescribeInstanceTypes", []string{"InstanceType.1", "t3.micro"}, "sizeInMiB", "1024"},
		"types":     {"DescribeInstanceTypes", []string{"Filter.1.Name", "instance-type", "Filter.1.Value.1", "t3.*"}, "instanceType", "t3.2xlarge t3.large t3.medium t3.micro t3.nano t3.small t3.xlarge"},
		"groups":    {"DescribeSecurityGroups", []string{"Filter.1.Name", "group-name", "Filter.1.Value.1", "default"}, "groupName", "default"},
		"group":     {"DescribeSecurityGroups", []string{"GroupName.1", "default"}, "vpcId", "vpc-0b007ace000000001"},
		"zone id":   {"DescribeAvailabilityZones", []string{"ZoneId.1", "marsn1-az3"}, "zoneName", "mars-north-1c"},
		"key by id": {"DescribeKeyPairs", []string{"KeyPairId.1", "key-00000000000000001"}, "keyName", "bootrace"},
		"subnets":   {"DescribeSubnets", []string{"Filter.1.Name", "availability-zone", "Filter.1.Value.1", "mars-north-1b"}, "subnetId", "subnet-0b007ace000000002"},
		"vpcs":      {"DescribeVpcs", []string{"Filter.1.Name", "is-default", "Filter.1.Value.1", "true"}, "vpcId", "vpc-0b007ace000000001"},
		"gpu":       {"DescribeInstanceTypes", []string{"InstanceType.1", "g5.xlarge"}, "sizeInMiB", "16384"},
		"arm type":  {"DescribeInstanceTypes", []string{"InstanceType.1", "c7g.large"}, "defaultVCpus", "2"},
		"keys":      {"DescribeKeyPairs", []string{"KeyName.1", "bootrace"}, "keyName", "bootrace"},
	} {
		a := f.call(c.action, c.params...).ok()
		if got := strings.Join(a.all(c.element), " "); got != c.want {
			t.Errorf("%s: %q, want %q\n%s", name, got, c.want, a.body)
		}
	}
	for _, c := range [][]string{
		{"DescribeRegions", "RegionName.1", "x", "InvalidParameterValue"},
		{"DescribeAvailabilityZones", "ZoneName.1", "x", "InvalidParameterValue"},
		{"DescribeImages", "ImageId.1", "x", "InvalidAMIID.Malformed"},
		{"DescribeImages", "ImageId.1", "ami-12345678", "InvalidAMIID.NotFound"},
		{"DescribeInstanceTypes", "InstanceType.1", "x", "InvalidInstanceType"},
		{"DescribeSecurityGroups", "GroupId.1", "x", "InvalidGroupId.Malformed"},
		{"DescribeSecurityGroups", "GroupName.1", "x", "InvalidGroup.NotFound"},
		{"DescribeSecurityGroups", "GroupId.1", "sg-12345678", "InvalidGroup.NotFound"},
		{"DescribeKeyPairs", "KeyName.1", "x", "InvalidKeyPair.NotFound"},
		{"DescribeKeyPairs", "KeyPairId.1", "x", "InvalidKeyPair.NotFound"},
		{"DescribeAvailabilityZones", "ZoneId.1", "x", "InvalidParameterValue"},
		{"DescribeSubnets", "SubnetId.1", "x", "InvalidSubnetID.NotFound"},
		{"DescribeVpcs", "VpcId.1", "x", "InvalidVpcID.NotFound"},
		{"DescribeVolumes", "VolumeId.1", "vol-12345678", "InvalidVolume.NotFound"},
		{"CreateSecurityGroup", "GroupName", "sg-name", "InvalidParameterValue"},
		{"CreateSecurityGroup", "GroupName", "x", "MissingParameter"},
		{"CreateSecurityGroup", "GroupDescription", "x", "MissingParameter"},
	} {
		f.call(c[0], c[1], c[2]).fails(400, c[3])
		if strings.HasPrefix(c[0], "Describe") {
			f.call(c[0], "Filter.1.Name", "x", "Filter.1.Value.1", "y").fails(400, "InvalidParameterValue")
		}
	}
	var all []string
	for token := ""; ; {
		page := f.call("DescribeInstanceTypes", "MaxResults", "100", "NextToken", token).ok()
		all = append(all, page.all("instanceType")...)
		next := page.all("nextToken")
		if len(next) == 0 {
			break
		}
		token = next[0]
	}
	if len(all) < 1000 || !slices.IsSorted(all) || len(slices.Compact(slices.Clone(all))) != len(all) {
		t.Errorf("%d types", len(all))
	}
	f.call("DescribeInstanceTypes", "MaxResults", "101").fails(400, "InvalidParameterValue")
}
