package ec2wire_test

import (
	"strings"
	"testing"

	"github.com/bootrace/bootrace/fakeprovider/ec2wire"
)

func TestPermissions(t *testing.T) {
	t.Parallel()
	f := newFixture(t, ec2wire.Options{})
	id := f.call("CreateSecurityGroup", "GroupName", "g", "GroupDescription", "d").ok().one("groupId")
	ssh := []string{"GroupId", id, "IpPermissions.1.IpProtocol", "tcp", "IpPermissions.1.FromPort", "22", "IpPermissions.1.ToPort", "22",
		"IpPermissions.1.IpRanges.1.CidrIp", "10.0.0.0/8", "IpPermissions.1.IpRanges.1.Description", "inside",
		"IpPermissions.1.IpRanges.2.CidrIp", "192.168.0.0/16", "IpPermissions.1.Groups.1.GroupId", id}
	a := f.call("AuthorizeSecurityGroupIngress", ssh...).ok()
	if got := a.all("securityGroupRuleId"); len(got) != 3 {
		t.Errorf("rules %v\n%s", got, a.body)
	}
	f.call("AuthorizeSecurityGroupIngress", ssh...).fails(400, "InvalidPermission.Duplicate")
	shown := f.call("DescribeSecurityGroups", "GroupId.1", id).ok()
	if got := strings.Join(shown.all("cidrIp"), " "); got != "10.0.0.0/8 192.168.0.0/16 0.0.0.0/0" {
		t.Errorf("ranges %s\n%s", got, shown.body)
	}
	if len(shown.all("fromPort")) != 1 || len(shown.all("description")) != 1 {
		t.Errorf("one permission of three peers, and one of all protocols\n%s", shown.body)
	}
	by := func(filter, value string) int {
		return len(f.call("DescribeSecurityGroups", "Filter.1.Name", filter, "Filter.1.Value.1", value).ok().all("groupName"))
	}
	if by("ip-permission.cidr", "10.*") != 1 || by("ip-permission.from-port", "22") != 1 || by("egress.ip-permission.cidr", "0.0.0.0/0") != 2 {
		t.Error("a group isn't found by its permissions")
	}
	f.call("RevokeSecurityGroupIngress", "GroupId", id, "IpProtocol", "tcp", "FromPort", "22", "ToPort", "22", "CidrIp", "10.0.0.0/8").ok()
	f.call("RevokeSecurityGroupIngress", "GroupId", id, "IpProtocol", "tcp", "FromPort", "22", "ToPort", "22", "CidrIp", "10.0.0.0/8").fails(
		400, "InvalidPermission.NotFound")
	f.call("RevokeSecurityGroupEgress", "GroupId", id, "IpProtocol", "-1", "CidrIp", "0.0.0.0/0").ok()
	if by("egress.ip-permission.cidr", "0.0.0.0/0") != 1 || by("ip-permission.cidr", "10.*") != 0 {
		t.Error("a permission is left")
	}
	for name, c := range map[string]struct {
		code   string
		params []string
	}{
		"no group":   {"MissingParameter", []string{"IpProtocol", "tcp", "CidrIp", "10.0.0.0/8"}},
		"none":       {"MissingParameter", []string{"GroupId", id}},
		"no range":   {"InvalidParameterValue", []string{"GroupId", id, "IpProtocol", "tcp", "CidrIp", "all"}},
		"ports":      {"InvalidParameterValue", []string{"GroupId", id, "IpProtocol", "tcp", "FromPort", "2", "ToPort", "1", "CidrIp", "10.0.0.0/8"}},
		"no port":    {"InvalidParameterValue", []string{"GroupId", id, "IpProtocol", "tcp", "FromPort", "http", "CidrIp", "10.0.0.0/8"}},
		"peer":       {"InvalidGroup.NotFound", []string{"GroupId", id, "IpPermissions.1.IpProtocol", "tcp", "IpPermissions.1.Groups.1.GroupId", "sg-12345678"}},
		"other name": {"InvalidGroup.NotFound", []string{"GroupName", "h", "IpProtocol", "tcp", "CidrIp", "10.0.0.0/8"}},
	} {
		if a := f.call("AuthorizeSecurityGroupIngress", c.params...); a.status != 400 || a.one("Code") != c.code {
			t.Errorf("%s: %d\n%s", name, a.status, a.body)
		}
	}
	machine := f.run("SecurityGroupId.1", id)[0]
	f.call("DeleteSecurityGroup", "GroupId", id).fails(400, "DependencyViolation")
	f.call("TerminateInstances", "InstanceId.1", machine).ok()
	f.call("DescribeRegions").ok()
	f.call("DeleteSecurityGroup", "GroupId", id).ok()
	f.call("DeleteSecurityGroup", "GroupName", "default").fails(400, "CannotDelete")
	if again := f.call("CreateSecurityGroup", "GroupName", "g", "GroupDescription", "d").ok().one("groupId"); again == id {
		t.Error("an id is given twice")
	}
}
