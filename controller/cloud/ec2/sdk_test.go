package ec2_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/aws/smithy-go"

	"github.com/bootrace/bootrace/fakeprovider/ec2wire"
)

// run asks for one machine by way of the plain SDK.
func run(c *sdk.Client, clientToken *string) (*sdk.RunInstancesOutput, error) {
	return c.RunInstances(context.Background(), &sdk.RunInstancesInput{
		ImageId: aws.String(ami), MinCount: aws.Int32(1), MaxCount: aws.Int32(1), ClientToken: clientToken,
	})
}

// TestSDK pins what the SDK makes of EC2's replies, since this package is built on it: a new version of the SDK that
// behaves otherwise is to be noticed here.
func TestSDK(t *testing.T) {
	t.Parallel()
	failed := func(status int, code string) ec2wire.Rule {
		return ec2wire.Rule{Kind: ec2wire.Failed, Status: status, Code: code, Message: "as asked for"}
	}
	cut := ec2wire.Rule{Kind: ec2wire.LostCut}
	for name, c := range map[string]struct {
		rule     ec2wire.Rule
		attempts int
		least    time.Duration // the call takes
		most     time.Duration // on a machine that does nothing else
		code     string        // of the error; "" where the error has none
		machines int
	}{
		"503 RequestLimitExceeded":         {ec2wire.Rule{Kind: ec2wire.Throttled}, 3, 0, 3500 * time.Millisecond, "RequestLimitExceeded", 0},
		"400 RequestLimitExceeded":         {ec2wire.Rule{Kind: ec2wire.Throttled, Status: 400}, 3, 0, 3500 * time.Millisecond, "RequestLimitExceeded", 0},
		"500 InsufficientInstanceCapacity": {ec2wire.Rule{Kind: ec2wire.NoCapacity}, 3, 0, time.Second, "InsufficientInstanceCapacity", 0},
		"400 InsufficientInstanceCapacity": {ec2wire.Rule{Kind: ec2wire.NoCapacity, Status: 400}, 1, 0, time.Second, "InsufficientInstanceCapacity", 0},
		"400 PriorRequestNotComplete":      {failed(400, "PriorRequestNotComplete"), 3, 0, 3500 * time.Millisecond, "PriorRequestNotComplete", 0},
		"500 InternalError":                {ec2wire.Rule{Kind: ec2wire.Internal}, 3, 0, time.Second, "InternalError", 0},
		"503 Unavailable":                  {ec2wire.Rule{Kind: ec2wire.Unavailable}, 3, 0, time.Second, "Unavailable", 0},
		"412 DryRunOperation":              {failed(412, "DryRunOperation"), 1, 0, time.Second, "DryRunOperation", 0},
		"400 IdempotentParameterMismatch":  {failed(400, "IdempotentParameterMismatch"), 1, 0, time.Second, "IdempotentParameterMismatch", 0},
		"400 InvalidInstanceID.NotFound":   {failed(400, "InvalidInstanceID.NotFound"), 1, 0, time.Second, "InvalidInstanceID.NotFound", 0},
		"401":                              {failed(401, "AuthFailure"), 1, 0, time.Second, "AuthFailure", 0},
		"403":                              {failed(403, "UnauthorizedOperation"), 1, 0, time.Second, "UnauthorizedOperation", 0},
		"connection closed":                {ec2wire.Rule{Kind: ec2wire.LostClosed}, 3, 0, time.Second, "", 1},
		"client timeout":                   {ec2wire.Rule{Kind: ec2wire.LostHang}, 3, 600 * time.Millisecond, 2 * time.Second, "", 1},
		"200 and a body cut short":         {cut, 1, 0, time.Second, "", 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFixture(t, ec2wire.Options{Faults: ec2wire.Faults{Rules: []ec2wire.Rule{c.rule}}}, nil)
			began := time.Now()
			timeout := 10 * time.Second
			if c.rule.Kind == ec2wire.LostHang {
				timeout = 200 * time.Millisecond
			}
			_, err := run(plain(t, f.url, timeout), nil)
			took := time.Since(began)
			if err == nil {
				t.Fatal("no error")
			}
			var api smithy.APIError
			code := ""
			if errors.As(err, &api) {
				code = api.ErrorCode()
			}
			if code != c.code {
				t.Errorf("code %q, want %q: %v", code, c.code, err)
			}
			var broken *smithy.DeserializationError
			if got := errors.As(err, &broken); got != (c.rule == cut) {
				t.Errorf("a deserialization error: %t; %v", got, err)
			}
			calls := f.wire.Calls("RunInstances")
			if len(calls) != c.attempts || took < c.least || took > 4*c.most {
				t.Errorf("%d attempts in %s, want %d in %s to %s", len(calls), took, c.attempts, c.least, c.most)
			}
			for _, call := range calls {
				if len(call.ClientToken) != 36 || call.ClientToken != calls[0].ClientToken {
					t.Errorf("the SDK makes a token of 36 characters, and keeps it: %q", call.ClientToken)
				}
			}
			if n := len(f.wire.Machines()); n != c.machines {
				t.Errorf("%d machines, want %d", n, c.machines)
			}
			t.Logf("%d attempts, %s", len(calls), took.Round(time.Millisecond))
		})
	}
}

func TestSDKTakesAnEmptyReplyForSuccess(t *testing.T) {
	t.Parallel()
	f := newFixture(t, ec2wire.Options{Faults: ec2wire.Faults{Rules: []ec2wire.Rule{{Kind: ec2wire.LostEmpty}}}}, nil)
	c := plain(t, f.url, 0)
	out, err := run(c, nil)
	if err != nil || len(out.Instances) != 0 || f.attempts("RunInstances") != 1 || len(f.wire.Machines()) != 1 {
		t.Errorf("%d attempts, %d machines, output %+v, %v", f.attempts("RunInstances"), len(f.wire.Machines()), out, err)
	}
	// This is how this package tells an empty list from an empty reply.
	all, err := c.DescribeInstances(context.Background(), &sdk.DescribeInstancesInput{})
	if err != nil || all.Reservations != nil {
		t.Errorf("an empty reply: %v, %v", all.Reservations, err)
	}
	f.faults()
	all, err = c.DescribeInstances(context.Background(), &sdk.DescribeInstancesInput{
		Filters: []types.Filter{{Name: aws.String("tag-key"), Values: []string{"nobody"}}},
	})
	if err != nil || all.Reservations == nil || len(all.Reservations) != 0 {
		t.Errorf("an empty list: %v, %v", all.Reservations, err)
	}
}

func TestSDKRetryQuotaEnds(t *testing.T) {
	t.Parallel()
	f := newFixture(t, ec2wire.Options{Faults: ec2wire.Faults{Rules: []ec2wire.Rule{{Kind: ec2wire.Internal}}}}, nil)
	c := plain(t, f.url, 0)
	for call := 1; ; call++ {
		before := f.attempts("RunInstances")
		if _, err := run(c, nil); err == nil {
			t.Fatal("no error")
		}
		if f.attempts("RunInstances")-before < 3 {
			if call != 18 {
				t.Errorf("the quota was gone on call %d", call)
			}
			return
		}
		if call == 40 {
			t.Fatal("the quota is never gone")
		}
	}
}

func TestSDKWaiter(t *testing.T) {
	t.Parallel()
	f := newFixture(t, ec2wire.Options{
		Times:  ec2wire.Times{Boot: 700 * time.Millisecond},
		Faults: ec2wire.Faults{Invisible: ec2wire.Duration(400 * time.Millisecond)},
	}, nil)
	c := plain(t, f.url, 0)
	wait := func(id *string) error {
		w := sdk.NewInstanceRunningWaiter(c, func(o *sdk.InstanceRunningWaiterOptions) {
			o.MinDelay, o.MaxDelay = 20*time.Millisecond, 50*time.Millisecond
		})
		return w.Wait(context.Background(), &sdk.DescribeInstancesInput{InstanceIds: []string{*id}}, 20*time.Second)
	}
	out, err := run(c, nil)
	if err != nil {
		t.Fatal(err)
	}
	id := out.Instances[0].InstanceId
	if err := wait(id); err != nil {
		t.Errorf("waiting for a machine that boots: %v", err)
	}
	codes := map[string]int{}
	for _, call := range f.wire.Calls("DescribeInstances") {
		codes[call.Code]++
	}
	if codes["InvalidInstanceID.NotFound"] == 0 || codes[""] < 2 {
		t.Errorf("the waiter met %v: it should have seen the machine missing, then pending, then running", codes)
	}
	if _, err := c.TerminateInstances(context.Background(), &sdk.TerminateInstancesInput{InstanceIds: []string{*id}}); err != nil {
		t.Fatal(err)
	}
	if err := wait(id); err == nil {
		t.Error("waiting for a machine that was terminated ends well")
	}
}

// TestSDKSpeaksToEveryAction calls each action by way of the SDK once, whose reading of the replies is stricter than a
// test's.
func TestSDKSpeaksToEveryAction(t *testing.T) {
	t.Parallel()
	f := newFixture(t, ec2wire.Options{}, nil)
	c := plain(t, f.url, 0)
	ctx := context.Background()
	out, err := c.RunInstances(ctx, &sdk.RunInstancesInput{
		ImageId: aws.String(ami), MinCount: aws.Int32(2), MaxCount: aws.Int32(7), KeyName: aws.String("bootrace"),
		TagSpecifications: []types.TagSpecification{{
			ResourceType: types.ResourceTypeInstance,
			Tags:         []types.Tag{{Key: aws.String("a"), Value: aws.String("1 < 2 & ü")}},
		}},
	})
	if err != nil || len(out.Instances) != 7 {
		t.Fatalf("%d machines, %v", len(out.Instances), err)
	}
	id := *out.Instances[0].InstanceId
	if got := *out.Instances[0].Tags[0].Value; got != "1 < 2 & ü" {
		t.Errorf("tag %q", got)
	}
	var pages int
	var seen []string
	for p := sdk.NewDescribeInstancesPaginator(c, &sdk.DescribeInstancesInput{MaxResults: aws.Int32(5)}); p.HasMorePages(); pages++ {
		page, err := p.NextPage(ctx)
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range page.Reservations {
			for _, i := range r.Instances {
				seen = append(seen, *i.InstanceId)
			}
		}
	}
	if pages != 2 || len(seen) != 7 || !slices.IsSorted(seen) {
		t.Errorf("%d pages: %v", pages, seen)
	}
	ids := []string{id}
	if err := f.wire.WriteConsole(id, "hello"); err != nil {
		t.Fatal(err)
	}
	for name, call := range map[string]func() (any, error){
		"DescribeInstanceStatus": func() (any, error) {
			o, err := c.DescribeInstanceStatus(ctx, &sdk.DescribeInstanceStatusInput{InstanceIds: ids})
			return o.InstanceStatuses[0].SystemStatus.Details[0].Status == types.StatusTypePassed, err
		},
		"CreateTags": func() (any, error) {
			return c.CreateTags(ctx, &sdk.CreateTagsInput{Resources: ids, Tags: []types.Tag{{Key: aws.String("b"), Value: aws.String("")}}})
		},
		"DescribeTags": func() (any, error) {
			o, err := c.DescribeTags(ctx, &sdk.DescribeTagsInput{})
			return o.Tags[0].ResourceType == types.ResourceTypeInstance, err
		},
		"DeleteTags": func() (any, error) {
			return c.DeleteTags(ctx, &sdk.DeleteTagsInput{Resources: ids, Tags: []types.Tag{{Key: aws.String("b")}}})
		},
		"GetConsoleOutput": func() (any, error) {
			o, err := c.GetConsoleOutput(ctx, &sdk.GetConsoleOutputInput{InstanceId: &id})
			return *o.Output == "aGVsbG8=", err
		},
		"DescribeImages": func() (any, error) {
			o, err := c.DescribeImages(ctx, &sdk.DescribeImagesInput{ImageIds: []string{ami}})
			return o.Images[0].State == types.ImageStateAvailable, err
		},
		"DescribeInstanceTypes": func() (any, error) {
			o, err := c.DescribeInstanceTypes(ctx, &sdk.DescribeInstanceTypesInput{InstanceTypes: []types.InstanceType{"t3.small"}})
			return *o.InstanceTypes[0].MemoryInfo.SizeInMiB == 2048 && o.InstanceTypes[0].ProcessorInfo.SupportedArchitectures[0] == "x86_64", err
		},
		"DescribeRegions": func() (any, error) {
			o, err := c.DescribeRegions(ctx, &sdk.DescribeRegionsInput{})
			return len(o.Regions) == 7, err
		},
		"DescribeAvailabilityZones": func() (any, error) {
			o, err := c.DescribeAvailabilityZones(ctx, &sdk.DescribeAvailabilityZonesInput{})
			return len(o.AvailabilityZones) == 3, err
		},
		"CreateSecurityGroup": func() (any, error) {
			o, err := c.CreateSecurityGroup(ctx, &sdk.CreateSecurityGroupInput{GroupName: aws.String("g"), Description: aws.String("d")})
			return *o.GroupId != "", err
		},
		"DescribeSecurityGroups": func() (any, error) {
			o, err := c.DescribeSecurityGroups(ctx, &sdk.DescribeSecurityGroupsInput{GroupNames: []string{"default"}})
			return *o.SecurityGroups[0].Description != "", err
		},
		"DescribeKeyPairs": func() (any, error) {
			o, err := c.DescribeKeyPairs(ctx, &sdk.DescribeKeyPairsInput{})
			return o.KeyPairs[0].KeyType == types.KeyTypeEd25519, err
		},
		"RebootInstances": func() (any, error) {
			return c.RebootInstances(ctx, &sdk.RebootInstancesInput{InstanceIds: ids})
		},
	} {
		if good, err := call(); err != nil || good == false {
			t.Errorf("%s: %v, %v", name, good, err)
		}
	}
	for _, step := range []struct {
		call func() ([]types.InstanceStateChange, error)
		want types.InstanceStateName
	}{
		{func() ([]types.InstanceStateChange, error) {
			o, err := c.StopInstances(ctx, &sdk.StopInstancesInput{InstanceIds: ids})
			return o.StoppingInstances, err
		}, types.InstanceStateNameStopping},
		{func() ([]types.InstanceStateChange, error) {
			o, err := c.StartInstances(ctx, &sdk.StartInstancesInput{InstanceIds: ids})
			return o.StartingInstances, err
		}, types.InstanceStateNamePending},
		{func() ([]types.InstanceStateChange, error) {
			o, err := c.TerminateInstances(ctx, &sdk.TerminateInstancesInput{InstanceIds: ids})
			return o.TerminatingInstances, err
		}, types.InstanceStateNameShuttingDown},
	} {
		got, err := step.call()
		if err != nil || len(got) != 1 || got[0].CurrentState.Name != step.want {
			t.Errorf("%+v, %v, want %s", got, err, step.want)
		}
	}
	for _, call := range f.wire.Calls("") {
		if call.AccessKey != "AKIDEXAMPLE" || call.Status != http.StatusOK {
			t.Errorf("call %+v", call)
		}
	}
	if got := fmt.Sprint(len(f.wire.Machines())); got != "7" {
		t.Errorf("%s machines", got)
	}
}
