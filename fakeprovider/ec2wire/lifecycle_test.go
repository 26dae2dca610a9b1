package ec2wire_test

import (
	"encoding/base64"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/bootrace/bootrace/fakeprovider/ec2wire"
)

var slow = ec2wire.Times{
	Boot: 10 * time.Second, Check: time.Minute, Stop: 20 * time.Second, ShutDown: 30 * time.Second, Forget: time.Hour,
}

func TestStateMachine(t *testing.T) {
	t.Parallel()
	f := newFixture(t, ec2wire.Options{Times: slow})
	id := f.run()[0]
	at := func(want string) {
		t.Helper()
		if got := f.states(id); len(got) != 1 || got[0] != want {
			t.Errorf("state %v, want %s", got, want)
		}
	}
	change := func(action, from, to string) {
		t.Helper()
		a := f.call(action, "InstanceId.1", id).ok()
		if got := a.all("name"); !slices.Equal(got, []string{to, from}) { // currentState, previousState
			t.Errorf("%s: %v, want %s → %s", action, got, from, to)
		}
	}
	at("pending")
	f.call("StopInstances", "InstanceId.1", id).fails(400, "IncorrectInstanceState")
	f.clock.add(10*time.Second - 1)
	at("pending")
	f.clock.add(1)
	at("running")
	change("StartInstances", "running", "running")
	f.call("RebootInstances", "InstanceId.1", id).ok()
	at("running")
	change("StopInstances", "running", "stopping")
	f.call("StartInstances", "InstanceId.1", id).fails(400, "IncorrectInstanceState")
	f.call("RebootInstances", "InstanceId.1", id).fails(400, "IncorrectInstanceState")
	f.clock.add(20 * time.Second)
	at("stopped")
	change("StopInstances", "stopped", "stopped")
	change("StartInstances", "stopped", "pending")
	f.clock.add(10 * time.Second)
	at("running")
	change("TerminateInstances", "running", "shutting-down")
	f.call("StartInstances", "InstanceId.1", id).says(
		fmt.Sprintf("The instance '%s' is not in a state from which it can be started.", id))
	f.clock.add(30 * time.Second)
	at("terminated")
	change("TerminateInstances", "terminated", "terminated")
	f.clock.add(time.Hour - 1)
	at("terminated")
	f.clock.add(1)
	f.call("DescribeInstances", "InstanceId.1", id).fails(400, "InvalidInstanceID.NotFound")
	if left := f.Machines(); len(left) != 0 {
		t.Errorf("%d machines are kept", len(left))
	}
}

func TestStatesPassWithoutAnybodyLooking(t *testing.T) {
	t.Parallel()
	f := newFixture(t, ec2wire.Options{Times: slow})
	id := f.run()[0]
	f.clock.add(time.Hour)
	m, _ := f.Machine(id)
	if want := f.clock.Now().Add(-time.Hour + 10*time.Second); m.State != ec2wire.Running || !m.ChangedAt.Equal(want) {
		t.Errorf("%s since %s, want running since %s", m.State, m.ChangedAt, want)
	}
}

func TestInstanceStatus(t *testing.T) {
	t.Parallel()
	f := newFixture(t, ec2wire.Options{Times: slow})
	f.run()
	if n := f.call("DescribeInstanceStatus").ok().all("instanceId"); len(n) != 0 {
		t.Errorf("a pending machine is shown: %v", n)
	}
	a := f.call("DescribeInstanceStatus", "IncludeAllInstances", "true").ok()
	if got := a.all("status"); !slices.Equal(got, []string{"not-applicable", "not-applicable"}) {
		t.Errorf("checks of a pending machine: %v", got)
	}
	f.clock.add(10 * time.Second)
	if got := f.call("DescribeInstanceStatus").all("status"); !slices.Contains(got, "initializing") {
		t.Errorf("checks of a machine that just runs: %v", got)
	}
	f.clock.add(time.Minute)
	if got := f.call("DescribeInstanceStatus").all("status"); !slices.Equal(got, []string{"ok", "passed", "ok", "passed"}) {
		t.Errorf("checks: %v", got)
	}
	f.call("DescribeInstanceStatus", "IncludeAllInstances", "perhaps").fails(400, "InvalidParameterValue")
}

func TestHooksTellEveryBootOnce(t *testing.T) {
	t.Parallel()
	var f *fixture
	var events []string
	f = newFixture(t, ec2wire.Options{
		Launched: func(m ec2wire.Machine) {
			events = append(events, fmt.Sprintf("launched %s %d %s", m.ID[17:], m.Boots, m.UserData))
			f.Machines() // a listener may call the server
		},
		Stopped: func(m ec2wire.Machine) { events = append(events, fmt.Sprintf("stopped %s %d", m.ID[17:], m.Boots)) },
	})
	ids := f.run("MaxCount", "2", "UserData", base64.StdEncoding.EncodeToString([]byte("secret")), "ClientToken", "t")
	f.run("MaxCount", "2", "UserData", base64.StdEncoding.EncodeToString([]byte("secret")), "ClientToken", "t")
	f.call("StopInstances", "InstanceId.1", ids[0]).ok()
	f.call("StopInstances", "InstanceId.1", ids[0]).ok()
	f.call("StartInstances", "InstanceId.1", ids[0]).ok()
	f.call("RebootInstances", "InstanceId.1", ids[0]).ok()
	for range 2 {
		f.call("TerminateInstances", "InstanceId.1", ids[0], "InstanceId.2", ids[1]).ok()
	}
	want := []string{
		"launched 01 1 secret", "launched 02 1 secret", "stopped 01 1", "launched 01 2 secret", "stopped 01 2",
		"launched 01 3 secret", "stopped 01 3", "stopped 02 1",
	}
	if diff := cmp.Diff(want, events); diff != "" {
		t.Error(diff)
	}
}

func TestHooksMayCallTheServer(t *testing.T) {
	t.Parallel()
	var f *fixture
	var events []string
	f = newFixture(t, ec2wire.Options{
		Launched: func(m ec2wire.Machine) {
			if err := f.End(m.ID, ec2wire.HostFailure); err != nil {
				t.Error(err)
			}
			events = append(events, "launched "+m.ID[17:])
		},
		Stopped: func(m ec2wire.Machine) { events = append(events, "stopped "+m.ID[17:]) },
	})
	f.run("MaxCount", "2")
	// One at a time: no machine is told to stop while another listener is being told of it.
	if want := []string{"launched 01", "launched 02", "stopped 01", "stopped 02"}; !slices.Equal(events, want) {
		t.Errorf("events %v, want %v", events, want)
	}
}

func TestStoppedMachineEndsWithoutAHook(t *testing.T) {
	t.Parallel()
	stopped := 0
	f := newFixture(t, ec2wire.Options{Stopped: func(ec2wire.Machine) { stopped++ }})
	id := f.run()[0]
	f.call("StopInstances", "InstanceId.1", id).ok()
	f.call("TerminateInstances", "InstanceId.1", id).ok()
	if stopped != 1 {
		t.Errorf("told %d times that the machine stopped", stopped)
	}
}

func TestSpotInterruption(t *testing.T) {
	t.Parallel()
	stopped := 0
	f := newFixture(t, ec2wire.Options{Times: slow, Stopped: func(ec2wire.Machine) { stopped++ }})
	id := f.run("InstanceMarketOptions.MarketType", "spot")[0]
	f.clock.add(time.Minute)
	if got := f.call("DescribeInstances", "Filter.1.Name", "instance-lifecycle", "Filter.1.Value.1", "spot").all("instanceId"); len(got) != 1 {
		t.Errorf("spot machines: %v", got)
	}
	f.call("StopInstances", "InstanceId.1", id).fails(400, "UnsupportedOperation")
	for range 2 {
		if err := f.End(id, ec2wire.SpotInterruption); err != nil {
			t.Fatal(err)
		}
	}
	f.clock.add(time.Minute)
	a := f.call("DescribeInstances", "InstanceId.1", id).ok()
	if a.one("name") != "terminated" || a.one("reason") != "Server.SpotInstanceTermination" || stopped != 1 {
		t.Errorf("told %d times\n%s", stopped, a.body)
	}
	if got := a.all("code"); !slices.Equal(got, []string{"48", "Server.SpotInstanceTermination"}) {
		t.Errorf("codes %v", got)
	}
	if err := f.End("i-12345678", ec2wire.SpotInterruption); err == nil {
		t.Error("no error for a machine that is not there")
	}
}

func TestIDs(t *testing.T) {
	t.Parallel()
	f := newFixture(t, ec2wire.Options{})
	id := f.run()[0]
	for _, action := range []string{"DescribeInstances", "StartInstances", "StopInstances", "RebootInstances", "TerminateInstances"} {
		f.call(action, "InstanceId.1", "machine").says(`Invalid id: "machine" (expecting "i-...")`)
		f.call(action, "InstanceId.1", "i-xyz").fails(400, "InvalidInstanceID.Malformed")
		a := f.call(action, "InstanceId.1", id, "InstanceId.2", "i-0000000000000beef")
		a.fails(400, "InvalidInstanceID.NotFound")
		a.says("The instance ID 'i-0000000000000beef' does not exist")
		f.call(action, "InstanceId.1", "i-beefbeef", "InstanceId.2", "i-cafecafe").says(
			"The instance IDs 'i-beefbeef, i-cafecafe' do not exist")
		if action != "DescribeInstances" {
			f.call(action).fails(400, "InvalidParameterCombination")
			f.call(action, "InstanceId.1", id, "DryRun", "true").fails(412, "DryRunOperation")
		}
	}
	if got := f.states(id); !slices.Equal(got, []string{"running"}) {
		t.Errorf("calls that failed have changed the machine: %v", got)
	}
	f.call("DescribeInstances", "DryRun", "true").fails(412, "DryRunOperation")
}

func TestMemoryIsBounded(t *testing.T) {
	t.Parallel()
	f := newFixture(t, ec2wire.Options{MaxMachines: 10})
	first := f.run("MaxCount", "4")
	f.run("MaxCount", "6")
	f.call("RunInstances", "ImageId", ami, "MinCount", "1", "MaxCount", "1").fails(400, "InstanceLimitExceeded")
	f.call("TerminateInstances", "InstanceId.1", first[0], "InstanceId.2", first[1]).ok()
	if got := f.run("MaxCount", "5"); len(got) != 2 {
		t.Errorf("%d machines for a launch of 1 to 5 where there is room for 2", len(got))
	}
	if got := len(f.Machines()); got != 10 {
		t.Errorf("%d machines are kept", got)
	}
	f.call("TerminateInstances", "InstanceId.1", first[2], "InstanceId.2", first[3]).ok()
	f.run()
	if _, ok := f.Machine(first[2]); ok {
		t.Error("the oldest terminated machine is kept")
	}
	if _, ok := f.Machine(first[3]); !ok {
		t.Error("a machine was forgotten without need")
	}
	for range 3000 {
		f.call("DescribeRegions")
	}
	if got := len(f.Calls("")); got > 1024 {
		t.Errorf("%d calls are kept", got)
	}
	id := first[3]
	if err := f.WriteConsole(id, strings.Repeat("x", 100_000)+"end"); err != nil {
		t.Fatal(err)
	}
	out, _ := base64.StdEncoding.DecodeString(f.call("GetConsoleOutput", "InstanceId", id).one("output"))
	if len(out) != 64<<10 || !strings.HasSuffix(string(out), "end") {
		t.Errorf("%d bytes of console", len(out))
	}
}
