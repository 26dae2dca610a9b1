package ec2wire_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/bootrace/bootrace/fakeprovider/ec2wire"
)

func TestResetAndSnapshots(t *testing.T) {
	t.Parallel()
	var events []string
	f := newFixture(t, ec2wire.Options{
		Times:    slow,
		Faults:   ec2wire.Faults{Rules: []ec2wire.Rule{{Action: "DescribeTags", Kind: ec2wire.Internal}}},
		Launched: func(m ec2wire.Machine) { events = append(events, fmt.Sprintf("launched %s %d", m.ID[17:], m.Boots)) },
		Stopped:  func(m ec2wire.Machine) { events = append(events, fmt.Sprintf("stopped %s %d", m.ID[17:], m.Boots)) },
	})
	told := func(want ...string) {
		t.Helper()
		if !slices.Equal(events, want) {
			t.Errorf("told of %v, not %v", events, want)
		}
		events = nil
	}
	list := func() []string { return f.call("DescribeInstances").ok().all("name") }
	kept, gone := f.run("ClientToken", "t")[0], f.run()[0]
	f.call("CreateTags", "ResourceId.1", kept, "Tag.1.Key", "a", "Tag.1.Value", "1").ok()
	f.call("CreateSecurityGroup", "GroupName", "g", "GroupDescription", "d").ok()
	if code, body := f.admin("PUT", "/snapshots/one", "{}"); code != 204 {
		t.Fatalf("%d %s", code, body)
	}
	told("launched 01 1", "launched 02 1")

	f.call("TerminateInstances", "InstanceId.1", gone).ok()
	f.call("DeleteTags", "ResourceId.1", kept).ok()
	later := f.run()[0]
	told("stopped 02 1", "launched 03 1")
	f.clock.add(time.Hour)
	if code, _ := f.admin("POST", "/snapshots/one/restore", "{}"); code != 204 {
		t.Fatal(code)
	}
	told("stopped 03 1", "launched 02 1")
	if got := list(); !slices.Equal(got, []string{"running", "running"}) {
		t.Errorf("states %v", got)
	}
	f.call("DescribeInstances", "InstanceId.1", later).fails(400, "InvalidInstanceID.NotFound")
	if got := f.call("DescribeInstances", "Filter.1.Name", "tag:a", "Filter.1.Value.1", "1").ok().one("instanceId"); got != kept {
		t.Errorf("the tag is that of %s", got)
	}
	if again := f.run("ClientToken", "t"); again[0] != kept {
		t.Errorf("the token stands for %v", again)
	}
	f.call("TerminateInstances", "InstanceId.1", kept).ok() // which the snapshot doesn't notice
	if err := f.Restore("one"); err != nil {
		t.Fatal(err)
	}
	told("stopped 01 1", "launched 01 1")

	f.faults(ec2wire.Faults{})
	f.Reset()
	told("stopped 01 1", "stopped 02 1")
	if len(list()) != 0 || len(f.Calls("RunInstances")) != 0 || len(f.call("DescribeSecurityGroups").ok().all("groupName")) != 1 {
		t.Error("something is left")
	}
	f.call("DescribeTags").fails(500, "InternalError") // the faults of the beginning
	if first := f.run("ClientToken", "t")[0]; first != kept {
		t.Errorf("the first machine is %s", first)
	}
	if f.Restore("two") == nil {
		t.Error("there is no snapshot of that name")
	}
	for i := range 20 {
		if err := f.Snapshot(fmt.Sprint(i)); (err != nil) != (i >= 15) {
			t.Errorf("snapshot %d: %v", i, err)
		}
	}
}

func TestImages(t *testing.T) {
	t.Parallel()
	f := newFixture(t, ec2wire.Options{AnyImage: true})
	f.call("RunInstances", "ImageId", "ami-12345678", "MinCount", "1", "MaxCount", "1", "InstanceType", "m7g.large").ok()
	f.call("RunInstances", "ImageId", ami, "MinCount", "1", "MaxCount", "1", "InstanceType", "m7g.large").fails(400, "InvalidParameterValue")
	f.call("RunInstances", "ImageId", "ami-1", "MinCount", "1", "MaxCount", "1").fails(400, "InvalidAMIID.Malformed")
	for _, image := range []ec2wire.Image{{ID: "ami-1", Architecture: "arm64"}, {ID: "ami-12345678", Architecture: "vax"}} {
		if image.Validate() == nil {
			t.Errorf("%v is an image", image)
		}
	}
}
