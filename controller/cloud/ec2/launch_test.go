package ec2_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/bootrace/bootrace/controller/cloud"
	"github.com/bootrace/bootrace/controller/cloud/ec2"
	"github.com/bootrace/bootrace/fakeprovider/ec2wire"
	"github.com/bootrace/bootrace/internal/await"
)

func TestLaunchCarriesWhatTheAgentNeeds(t *testing.T) {
	t.Parallel()
	f := newFixture(t, ec2wire.Options{}, func(c *ec2.Config) {
		c.InstanceType, c.SubnetID, c.KeyName, c.Spot = "t3.micro", "subnet-0b007ace000000002", "bootrace", true
		c.Expiry, c.Tags = 4*time.Hour, map[string]string{"team": "boots"}
	})
	sp := spec()
	m := f.launch(sp)
	if m.WorkspaceID != sp.WorkspaceID || m.Incarnation != 1 || m.State != cloud.Pending || time.Since(m.LaunchedAt) > time.Minute {
		t.Errorf("launched %+v", m)
	}
	got, _ := f.wire.Machine(m.ID)
	want := map[string]string{
		"bootrace:deployment": "test", "bootrace:workspace": sp.WorkspaceID, "bootrace:incarnation": "1",
		"bootrace:lifetime": "4h0m0s", "Name": "kimi-1", "team": "boots",
	}
	if diff := cmp.Diff(want, got.Tags); diff != "" {
		t.Error(diff)
	}
	if got.InstanceType != "t3.micro" || got.KeyName != "bootrace" || !got.Spot || got.ImageID != ami {
		t.Errorf("machine %+v", got)
	}
	env, err := ec2.BootEnv(got.UserData)
	if err != nil {
		t.Fatal(err)
	}
	wantEnv := map[string]string{
		"WORKSPACE_AUTH_TOKEN": token, "PLATFORM_URL": "http://controller.test", "WORKSPACE_NAME": "kimi-1",
		"WORKSPACE_RUNTIME": "claude-code", "WORKSPACE_MODEL": "kimi", "WORKSPACE_TEMPLATE": "", "WORKSPACE_TIER": "2",
	}
	if diff := cmp.Diff(wantEnv, env); diff != "" {
		t.Error(diff)
	}
	seen, err := json.Marshal(f.wire.Machines())
	if err != nil || bytes.Contains(seen, []byte(token)) {
		t.Errorf("the token is seen: %s, %v", seen, err)
	}
}

// TestTokenIsInNoError tries every way for a launch to fail.
func TestTokenIsInNoError(t *testing.T) {
	t.Parallel()
	f := newFixture(t, ec2wire.Options{}, func(c *ec2.Config) { c.MaxAttempts, c.AttemptTimeout = 1, 100*time.Millisecond })
	check := func(err error) {
		t.Helper()
		if text := fmt.Sprintf("%v %+v %#v", err, err, err); err == nil || strings.Contains(text, token) {
			t.Errorf("the error %s", text)
		}
	}
	for _, kind := range []ec2wire.Kind{ec2wire.Throttled, ec2wire.NoCapacity, ec2wire.Internal, ec2wire.Dropped,
		ec2wire.LostClosed, ec2wire.LostCut, ec2wire.LostEmpty, ec2wire.LostHang} {
		f.faults(ec2wire.Rule{Kind: kind})
		_, err := f.cloud.Launch(context.Background(), spec())
		check(err)
	}
	sp := spec()
	sp.Env["ANOTHER"] = token + "\x00"
	_, err := f.cloud.Launch(context.Background(), sp)
	check(err)
	sp = spec()
	sp.Env["LARGE"] = strings.Repeat(token, 1000)
	_, err = f.cloud.Launch(context.Background(), sp)
	check(err)
}

// TestLaunchSurvivesALostReply asks again after each kind of lost reply, as the launcher does.
func TestLaunchSurvivesALostReply(t *testing.T) {
	t.Parallel()
	for _, kind := range []ec2wire.Kind{ec2wire.LostEmpty, ec2wire.LostCut, ec2wire.LostClosed} {
		f := newFixture(t, ec2wire.Options{}, func(c *ec2.Config) { c.MaxAttempts = 1 })
		f.faults(ec2wire.Rule{Kind: kind, Times: 1})
		sp := spec()
		if _, err := f.cloud.Launch(context.Background(), sp); cloud.Classify(err) != cloud.Transient {
			t.Errorf("%s: %v", kind, err)
		}
		m := f.launch(sp)
		if all := f.wire.Machines(); len(all) != 1 || all[0].ID != m.ID {
			t.Errorf("%s: launched %s, there are %d", kind, m.ID, len(all))
		}
	}
}

func TestLaunchAdoptsWhenTheConfigurationHasChanged(t *testing.T) {
	t.Parallel()
	f := newFixture(t, ec2wire.Options{}, nil)
	sp := spec()
	first := f.launch(sp)
	changed := connect(t, f.url, func(c *ec2.Config) { c.InstanceType = "m5.large" })
	again, err := changed.Launch(context.Background(), sp)
	if err != nil || again.ID != first.ID || again.WorkspaceID != sp.WorkspaceID {
		t.Errorf("with another type: %+v, %v, want %s", again, err, first.ID)
	}
	if calls := f.wire.Calls("RunInstances"); len(calls) != 2 || calls[1].Code != "IdempotentParameterMismatch" {
		t.Errorf("calls %+v", calls)
	}
	f.faults(ec2wire.Rule{Action: "DescribeInstances", Kind: ec2wire.Failed, Status: 500, Code: "InternalError"})
	if _, err := changed.Launch(context.Background(), sp); cloud.Classify(err) != cloud.Transient {
		t.Errorf("while nobody can look for the machine: %v", err)
	}
	if err := f.wire.SetFaults(ec2wire.Faults{Invisible: ec2wire.Duration(time.Hour)}); err != nil {
		t.Fatal(err)
	}
	if _, err := changed.Launch(context.Background(), sp); !errors.Is(err, cloud.ErrRefused) {
		t.Errorf("where there is no machine to be seen: %v", err)
	}
}

func TestLaunchAfterTheMachineEnded(t *testing.T) {
	t.Parallel()
	f := newFixture(t, ec2wire.Options{Times: ec2wire.Times{ShutDown: 500 * time.Millisecond}}, nil)
	sp := spec()
	m := f.launch(sp)
	if err := f.wire.End(m.ID, ec2wire.SpotInterruption); err != nil {
		t.Fatal(err)
	}
	_, err := f.cloud.Launch(context.Background(), sp) // EC2 answers with the machine that shuts down
	if !errors.Is(err, cloud.ErrRefused) || !strings.Contains(err.Error(), "Spot") {
		t.Errorf("while it shuts down: %v", err)
	}
	await.Until(t, "the machine to have shut down", func() bool {
		got, ok := f.wire.Machine(m.ID)
		return ok && got.State == ec2wire.Terminated
	})
	_, err = f.cloud.Launch(context.Background(), sp)
	var e *ec2.Error
	if !errors.Is(err, cloud.ErrRefused) || !errors.As(err, &e) || e.Code != "IdempotentInstanceTerminated" {
		t.Errorf("afterwards: %v", err)
	}
	changed := connect(t, f.url, func(c *ec2.Config) { c.InstanceType = "m5.large" })
	if _, err := changed.Launch(context.Background(), sp); !errors.Is(err, cloud.ErrRefused) {
		t.Errorf("with another type: %v", err)
	}
	sp.Incarnation++
	if again := f.launch(sp); again.ID == m.ID {
		t.Error("the next incarnation was given the dead machine")
	}
}

func TestSpecsThatCannotBeLaunched(t *testing.T) {
	t.Parallel()
	f := newFixture(t, ec2wire.Options{}, nil)
	for name, env := range map[string]map[string]string{
		"a bad name":  {"A B": "x"},
		"injection":   {"A;reboot": "x"},
		"a zero byte": {"A": "x\x00y"},
		"too much":    {"A": strings.Repeat("x", 17_000)},
	} {
		sp := spec()
		sp.Env = env
		if _, err := f.cloud.Launch(context.Background(), sp); !errors.Is(err, cloud.ErrRefused) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if n := f.attempts("RunInstances"); n != 0 {
		t.Errorf("%d calls", n)
	}
	sp := spec()
	sp.Name = strings.Repeat("ü", 200) // 400 bytes
	m := f.launch(sp)
	if got, _ := f.wire.Machine(m.ID); got.Tags["Name"] != strings.Repeat("ü", 128) {
		t.Errorf("name %q", got.Tags["Name"])
	}
}

func TestProbe(t *testing.T) {
	t.Parallel()
	f := newFixture(t, ec2wire.Options{}, nil)
	if err := f.cloud.Probe(context.Background()); err != nil {
		t.Errorf("probe: %v", err)
	}
	if n := len(f.wire.Machines()); n != 0 {
		t.Errorf("it launched %d machines", n)
	}
	wrong := connect(t, f.url, func(c *ec2.Config) { c.ImageID = "ami-12345678" })
	if err := wrong.Probe(context.Background()); !errors.Is(err, cloud.ErrRefused) || !strings.Contains(err.Error(), "InvalidAMIID.NotFound") {
		t.Errorf("with an image that is not there: %v", err)
	}
}

func TestLaunchEndsWithItsContext(t *testing.T) {
	t.Parallel()
	f := newFixture(t, ec2wire.Options{}, nil)
	for name, rule := range map[string]ec2wire.Rule{
		"in a call that hangs": {Kind: ec2wire.LostHang}, "in the SDK's backoff": {Kind: ec2wire.Throttled},
	} {
		f.faults(rule)
		ctx, cancel := context.WithTimeout(context.Background(), 100*time.Millisecond) // short: it expires
		began := time.Now()
		_, err := f.cloud.Launch(ctx, spec())
		cancel()
		if !errors.Is(err, context.DeadlineExceeded) || cloud.Classify(err) != cloud.Transient || time.Since(began) > await.Hang {
			t.Errorf("%s: %v after %s", name, err, time.Since(began))
		}
	}
}

// TestNotFoundJustAfterTheLaunch looks at a machine that EC2 does not know yet.
func TestNotFoundJustAfterTheLaunch(t *testing.T) {
	t.Parallel()
	f := newFixture(t, ec2wire.Options{Faults: ec2wire.Faults{Invisible: ec2wire.Duration(time.Second)}},
		func(c *ec2.Config) { c.Settle = 5 * time.Second })
	m := f.launch(spec())
	if got, err := f.cloud.Describe(context.Background(), m.ID); err != nil || got != m {
		t.Errorf("describe: %+v, %v, want %+v", got, err, m)
	}
	if _, err := f.cloud.Inspect(context.Background(), m.ID); !errors.Is(err, cloud.ErrNotFound) {
		t.Errorf("inspect: %v", err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 100*time.Millisecond) // short: it expires
	if err := f.cloud.Terminate(ctx, m.ID); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("terminating under a short deadline: %v", err)
	}
	cancel()
	if err := f.cloud.Terminate(context.Background(), m.ID); err != nil {
		t.Errorf("terminate: %v", err)
	}
	if got, _ := f.wire.Machine(m.ID); got.State != ec2wire.Terminated {
		t.Errorf("the machine is %s: it was taken for gone", got.State)
	}
}

// TestNotFoundForLong looks at a machine that EC2 has forgotten.
func TestNotFoundForLong(t *testing.T) {
	t.Parallel()
	f := newFixture(t, ec2wire.Options{Faults: ec2wire.Faults{Invisible: ec2wire.Duration(time.Hour)}},
		func(c *ec2.Config) { c.Settle = 200 * time.Millisecond })
	m := f.launch(spec())
	if err := f.cloud.Terminate(context.Background(), m.ID); err != nil {
		t.Errorf("terminate: %v", err)
	}
	if _, err := f.cloud.Describe(context.Background(), m.ID); !errors.Is(err, cloud.ErrNotFound) {
		t.Errorf("describe: %v", err)
	}
	if _, err := f.cloud.Describe(context.Background(), "garbage"); !errors.Is(err, cloud.ErrNotFound) {
		t.Errorf("describing what is no id: %v", err)
	}
	if err := f.cloud.Terminate(context.Background(), "garbage"); err != nil {
		t.Errorf("terminating what is no id: %v", err)
	}
}

func TestStates(t *testing.T) {
	t.Parallel()
	f := newFixture(t, ec2wire.Options{Times: ec2wire.Times{Boot: time.Hour, Stop: time.Hour, ShutDown: time.Hour}}, nil)
	ctx := context.Background()
	m := f.launch(spec())
	state := func() string {
		t.Helper()
		i, err := f.cloud.Inspect(ctx, m.ID)
		if err != nil {
			t.Fatal(err)
		}
		all, err := f.cloud.List(ctx)
		if err != nil {
			t.Fatal(err)
		}
		return fmt.Sprintf("%s %s listed=%t", i.EC2State, i.State, len(all) == 1)
	}
	if got := state(); got != "pending pending listed=true" {
		t.Error(got)
	}
	if err := f.cloud.Terminate(ctx, m.ID); err != nil {
		t.Fatal(err)
	}
	if got := state(); got != "shutting-down stopping listed=false" {
		t.Error(got)
	}
	if i, _ := f.cloud.Inspect(ctx, m.ID); !strings.Contains(i.Reason, "User initiated") || i.Name != "kimi-1" || i.Zone == "" || i.PrivateIP == "" {
		t.Errorf("instance %+v", i)
	}
}

func TestConsoleOutput(t *testing.T) {
	t.Parallel()
	f := newFixture(t, ec2wire.Options{}, nil)
	m := f.launch(spec())
	if out, err := f.cloud.ConsoleOutput(context.Background(), m.ID); err != nil || out != "" {
		t.Errorf("console %q, %v", out, err)
	}
	if err := f.wire.WriteConsole(m.ID, "agent: no key for minimax\xff\n\x00bye"); err != nil {
		t.Fatal(err)
	}
	if out, err := f.cloud.ConsoleOutput(context.Background(), m.ID); err != nil || out != "agent: no key for minimax\uFFFD\nbye" {
		t.Errorf("console %q, %v", out, err)
	}
	if _, err := f.cloud.ConsoleOutput(context.Background(), "i-12345678"); !errors.Is(err, cloud.ErrNotFound) {
		t.Errorf("of a machine that is not there: %v", err)
	}
}

// TestListPages lists more machines than EC2 gives at once, among those of others.
func TestListPages(t *testing.T) {
	t.Parallel()
	f := newFixture(t, ec2wire.Options{}, nil)
	other := connect(t, f.url, func(c *ec2.Config) { c.Deployment = "test2" })
	if _, err := other.Launch(context.Background(), spec()); err != nil {
		t.Fatal(err)
	}
	mine := f.launch(spec())
	post(t, f.url, "RunInstances", "MinCount", "1200", "MaxCount", "1200", "ImageId", ami,
		"TagSpecification.1.ResourceType", "instance", "TagSpecification.1.Tag.1.Key", "bootrace:deployment",
		"TagSpecification.1.Tag.1.Value", "test", "TagSpecification.1.Tag.2.Key", "bootrace:incarnation",
		"TagSpecification.1.Tag.2.Value", "many")
	all, err := f.cloud.List(context.Background())
	if err != nil || len(all) != 1201 || f.attempts("DescribeInstances") != 2 {
		t.Fatalf("%d machines in %d calls, %v", len(all), f.attempts("DescribeInstances"), err)
	}
	if !slices.IsSortedFunc(all, func(a, b cloud.Machine) int { return strings.Compare(a.ID, b.ID) }) || all[0].ID != mine.ID {
		t.Errorf("the list begins with %+v", all[0])
	}
	if all[1].Incarnation != 0 || all[1].WorkspaceID != "" {
		t.Errorf("tags that make no sense: %+v", all[1])
	}
}

func TestAPageThatLeadsToItself(t *testing.T) {
	t.Parallel()
	c := connect(t, serve(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = w.Write([]byte("<DescribeInstancesResponse><reservationSet/><nextToken>x</nextToken></DescribeInstancesResponse>"))
	})), nil)
	if _, err := c.List(context.Background()); cloud.Classify(err) != cloud.Transient {
		t.Errorf("list: %v", err)
	}
}

// TestOlderEC2 answers a repeated token with the machine that has ended, as EC2 did before 2025.
func TestOlderEC2(t *testing.T) {
	t.Parallel()
	c := connect(t, serve(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = w.Write([]byte("<RunInstancesResponse><instancesSet><item><instanceId>i-12345678</instanceId>" +
			"<instanceState><code>48</code><name>terminated</name></instanceState></item></instancesSet></RunInstancesResponse>"))
	})), nil)
	if m, err := c.Launch(context.Background(), spec()); !errors.Is(err, cloud.ErrRefused) {
		t.Errorf("launch: %+v, %v", m, err)
	}
}
