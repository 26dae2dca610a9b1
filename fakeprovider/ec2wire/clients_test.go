package ec2wire_test

import (
	"context"
	"encoding/json"
	"errors"
	"net/http/httptest"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/bootrace/bootrace/fakeprovider/ec2wire"
	"github.com/bootrace/bootrace/internal/await"
)

// requireClients is the environment variable that makes a missing client a failure: a run that is to prove that real
// clients are understood must not pass by skipping them.
const requireClients = "BOOTRACE_REQUIRE_AWSCLI"

// missing skips the test, or fails it where the clients are required.
func missing(t *testing.T, what, install string) {
	t.Helper()
	if os.Getenv(requireClients) == "1" {
		t.Fatalf("%s, and %s=1 requires it; %s", what, requireClients, install)
	}
	t.Skipf("%s; %s", what, install)
}

// serveWall puts a server on the machine's clock on a loopback listener: other programs wait in real time.
func serveWall(t *testing.T) (*ec2wire.Server, string) {
	t.Helper()
	server := ec2wire.New(ec2wire.Options{Times: ec2wire.Times{
		Boot: 200 * time.Millisecond, Check: 100 * time.Millisecond, Stop: 100 * time.Millisecond, ShutDown: 100 * time.Millisecond,
	}})
	listener := httptest.NewServer(server)
	t.Cleanup(listener.Close)
	return server, listener.URL
}

// clientEnv is an environment in which a client finds no account, no configuration and no proxy of the user's.
func clientEnv(t *testing.T) []string {
	return []string{
		"PATH=" + os.Getenv("PATH"), "HOME=" + t.TempDir(), "LANG=C.UTF-8", "AWS_ACCESS_KEY_ID=AKIDCLI",
		"AWS_SECRET_ACCESS_KEY=secret", "AWS_DEFAULT_REGION=us-east-1", "AWS_EC2_METADATA_DISABLED=true", "AWS_PAGER=",
		"NO_PROXY=127.0.0.1",
	}
}

// TestBoto3 has boto3 go through a machine's life.
func TestBoto3(t *testing.T) {
	t.Parallel()
	var python string
	for _, candidate := range []string{"/usr/bin/python3", "python3"} { // Debian's own has Debian's packages
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		if path, err := exec.LookPath(candidate); err == nil && exec.CommandContext(ctx, path, "-c", "import boto3").Run() == nil {
			python = path
		}
		cancel()
		if python != "" {
			break
		}
	}
	if python == "" {
		missing(t, "no python3 here has boto3", "on Debian: apt-get install python3-boto3")
	}
	server, url := serveWall(t)
	if err := server.SetFaults(ec2wire.Faults{Rules: []ec2wire.Rule{
		{Action: "DescribeInstances", Kind: ec2wire.Unavailable, Times: 1},
		{Action: "CreateTags", Kind: ec2wire.LostClosed, Times: 1},
	}}); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, python, "testdata/boto3_client.py", url)
	cmd.Env = clientEnv(t)
	var complaints strings.Builder
	cmd.Stderr = &complaints
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("boto3: %v\n%s", err, complaints.String())
	}
	var saw map[string]any
	if err := json.Unmarshal(out, &saw); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	want := map[string]any{
		"launched": "pending", "same": true, "mismatch": "400 IdempotentParameterMismatch", "dry run": "412 DryRunOperation",
		"pages": []any{5.0, 5.0, 2.0}, "filtered": true, "tags": map[string]any{"role": "one", "more": "<&> ü"}, "console": "",
		"stopped": "stopping", "started": "pending", "ended": "shutting-down", "waiting for the dead": "error",
		"unknown": "400 InvalidInstanceID.NotFound", "malformed": "400 InvalidInstanceID.Malformed",
		"unknown action": "400 InvalidAction",
		"permissions": []any{map[string]any{
			"IpProtocol": "tcp", "FromPort": 22.0, "ToPort": 22.0, "UserIdGroupPairs": []any{}, "Ipv6Ranges": []any{},
			"PrefixListIds": []any{}, "IpRanges": []any{map[string]any{"CidrIp": "10.0.0.0/8", "Description": "inside"}},
		}},
		"key": true, "type": []any{2.0, 4096.0, []any{"x86_64"}}, "why": "pending",
		"machine": []any{true, true, true, "agents", "required", true},
		"in use":  "400 DependencyViolation", "protected": "400 OperationNotPermitted", "attribute": false, "left": []any{"Tags"},
		"none": "400 InvalidParameterCombination",
	}
	if diff := cmp.Diff(want, saw); diff != "" {
		t.Error(diff)
	}
	if got := server.Struck(); !slices.Equal(got, []int{1, 1}) {
		t.Errorf("faults struck %v: boto3 did not try again", got)
	}
	if m := server.Machines()[0]; string(m.UserData) != "#!/bin/sh\necho hi\n" {
		t.Errorf("user data %q", m.UserData)
	}
}

// awscli is the AWS command line, pointed at a server.
type awscli struct {
	*testing.T
	path, url string
	env       []string
}

// run runs `aws ec2 …` and returns what it printed, and its complaints where it failed.
func (a *awscli) run(args ...string) (out, complaints string) {
	a.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, a.path, append([]string{"--endpoint-url", a.url, "--output", "json", "ec2"}, args...)...)
	cmd.Env = a.env
	text, err := cmd.Output()
	if failed := (*exec.ExitError)(nil); errors.As(err, &failed) {
		return "", string(failed.Stderr)
	}
	if err != nil {
		a.Fatalf("aws ec2 %v: %v", args, err)
	}
	return strings.TrimSpace(string(text)), ""
}

// prints checks that the command succeeds and prints this, after --query has picked it out.
func (a *awscli) prints(want string, args ...string) {
	a.Helper()
	out, complaints := a.run(args...)
	if compact := strings.Join(strings.Fields(out), ""); compact != want || complaints != "" {
		a.Errorf("aws ec2 %s\nprinted %s%s\nwant    %s", strings.Join(args, " "), compact, complaints, want)
	}
}

// TestAWSCLI drives the AWS command line through a machine's life. Each command costs the best part of a second to start,
// so every one of them is to show something new.
func TestAWSCLI(t *testing.T) {
	t.Parallel()
	cli := &awscli{T: t}
	for _, candidate := range []string{"/usr/bin/aws", "aws"} {
		if path, err := exec.LookPath(candidate); err == nil {
			cli.path = path
			break
		}
	}
	if cli.path == "" {
		missing(t, "there is no aws command here", "on Debian: apt-get install awscli")
	}
	server, url := serveWall(t)
	cli.url, cli.env = url, clientEnv(t)

	cli.prints(`"pending"`, "run-instances", "--image-id", ami, "--count", "1", "--instance-type", "t3.micro",
		"--key-name", "bootrace", "--security-groups", "default", "--user-data", "#!/bin/sh", "--client-token", "cli-1",
		"--tag-specifications", "ResourceType=instance,Tags=[{Key=role,Value=one}]", "--query", "Instances[0].State.Name")
	if all := server.Machines(); len(all) != 1 || string(all[0].UserData) != "#!/bin/sh" || all[0].Tags["role"] != "one" {
		t.Fatalf("machines %+v", all)
	}
	id := server.Machines()[0].ID
	cli.prints("7", "run-instances", "--image-id", ami, "--count", "7", "--query", "length(Instances)")
	if out, complaints := cli.run("wait", "instance-running", "--instance-ids", id); out != "" || complaints != "" {
		t.Errorf("wait: %s%s", out, complaints)
	}
	cli.prints("8", "describe-instances", "--page-size", "5", "--query", "length(Reservations[].Instances[])")
	if got := len(server.Calls("DescribeInstances")); got < 3 {
		t.Errorf("%d calls for pages of 5 of 8 machines, and the wait before", got)
	}
	cli.prints(`["`+id+`"]`, "describe-instances", "--filters", "Name=tag:role,Values=o*",
		"Name=instance-state-name,Values=running", "--query", "Reservations[].Instances[].InstanceId")
	cli.prints("", "create-tags", "--resources", id, "--tags", "Key=more,Value=two")
	cli.prints(`"two"`, "describe-tags", "--filters", "Name=key,Values=more", "--query", "Tags[0].Value")
	if err := server.WriteConsole(id, "kernel: hello\n"); err != nil {
		t.Fatal(err)
	}
	cli.prints(`"kernel:hello\n"`, "get-console-output", "--instance-id", id, "--query", "Output")
	cli.prints(`"ok"`, "describe-instance-status", "--instance-ids", id, "--query", "InstanceStatuses[0].InstanceStatus.Status")
	cli.prints(`["running","stopping"]`, "stop-instances", "--instance-ids", id, "--query",
		"StoppingInstances[0].[PreviousState.Name,CurrentState.Name]")
	await.Until(t, "the machine to have stopped", func() bool {
		m, ok := server.Machine(id)
		return ok && m.State == ec2wire.Stopped
	})
	cli.prints(`"pending"`, "start-instances", "--instance-ids", id, "--query", "StartingInstances[0].CurrentState.Name")
	cli.prints("7", "describe-regions", "--query", "length(Regions)")
	cli.prints(`["us-east-1c"]`, "describe-availability-zones", "--zone-ids", "use1-az3", "--query", "AvailabilityZones[].ZoneName")
	cli.prints(`["m7g.large","m7i.large"]`, "describe-instance-types", "--instance-types", "m7i.large", "m7g.large", "--query",
		"sort(InstanceTypes[].InstanceType)")
	cli.prints(`"shutting-down"`, "terminate-instances", "--instance-ids", id, "--query", "TerminatingInstances[0].CurrentState.Name")
	if _, complaints := cli.run("describe-instances", "--instance-ids", "i-12345678"); !strings.Contains(complaints,
		"(InvalidInstanceID.NotFound) when calling the DescribeInstances operation: The instance ID 'i-12345678' does not exist") {
		t.Errorf("an unknown machine: %s", complaints)
	}
	for _, c := range server.Calls("") {
		if c.AccessKey != "AKIDCLI" {
			t.Errorf("call %+v", c)
		}
	}
}
