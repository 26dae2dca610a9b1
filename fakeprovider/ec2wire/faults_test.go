package ec2wire_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/bootrace/bootrace/fakeprovider/ec2wire"
)

func (f *fixture) faults(x ec2wire.Faults) {
	f.Helper()
	if err := f.SetFaults(x); err != nil {
		f.Fatal(err)
	}
}

func TestTokenBuckets(t *testing.T) {
	t.Parallel()
	f := newFixture(t, ec2wire.Options{Faults: ec2wire.Faults{Buckets: map[string]ec2wire.Bucket{
		"RunInstances": {Size: 10, Refill: 2}, "*": {Size: 1, Refill: 0.5},
	}}})
	launch := func(count string) answer {
		return f.call("RunInstances", "ImageId", ami, "MinCount", "1", "MaxCount", count)
	}
	launch("8").ok()
	launch("3").fails(503, "RequestLimitExceeded") // a launch takes a token for each machine
	launch("2").ok()
	launch("1").fails(503, "RequestLimitExceeded")
	f.clock.add(499 * time.Millisecond)
	launch("1").fails(503, "RequestLimitExceeded")
	f.clock.add(time.Millisecond)
	launch("1").ok()
	f.clock.add(time.Hour)
	launch("11").fails(503, "RequestLimitExceeded") // a bucket holds no more than its size
	launch("10").ok()
	f.clock.add(-time.Hour)
	launch("1").fails(503, "RequestLimitExceeded")
	f.clock.add(time.Second)
	launch("1").ok()
	f.clock.add(-time.Hour) // takes no tokens away either
	launch("1").ok()

	f.call("DescribeRegions").ok()
	f.call("DescribeRegions").fails(503, "RequestLimitExceeded")
	f.call("DescribeImages").ok() // has a bucket of its own
	f.faults(ec2wire.Faults{Buckets: ec2wire.AWSBuckets()})
	launch("1000").ok()
	launch("1").fails(503, "RequestLimitExceeded")
}

func TestErrorsOnDemand(t *testing.T) {
	t.Parallel()
	f := newFixture(t, ec2wire.Options{})
	for _, c := range []struct {
		rule   ec2wire.Rule
		status int
		code   string
	}{
		{ec2wire.Rule{Kind: ec2wire.Throttled}, 503, "RequestLimitExceeded"},
		{ec2wire.Rule{Kind: ec2wire.Throttled, Status: 400}, 400, "RequestLimitExceeded"},
		{ec2wire.Rule{Kind: ec2wire.NoCapacity}, 500, "InsufficientInstanceCapacity"},
		{ec2wire.Rule{Kind: ec2wire.Internal}, 500, "InternalError"},
		{ec2wire.Rule{Kind: ec2wire.Unavailable}, 503, "Unavailable"},
		{ec2wire.Rule{Kind: ec2wire.Failed, Status: 403, Code: "UnauthorizedOperation", Message: "No."}, 403, "UnauthorizedOperation"},
	} {
		f.faults(ec2wire.Faults{Rules: []ec2wire.Rule{c.rule}})
		f.call("RunInstances", "ImageId", ami, "MinCount", "1", "MaxCount", "1").fails(c.status, c.code)
	}
	if n := len(f.Machines()); n != 0 {
		t.Errorf("%d machines were launched by calls that failed", n)
	}
	f.faults(ec2wire.Faults{Rules: []ec2wire.Rule{{Kind: ec2wire.NoCapacity}}})
	f.call("DescribeInstances").ok() // needs no capacity
	f.call("TerminateInstances", "InstanceId.1", "i-12345678").fails(400, "InvalidInstanceID.NotFound")
}

func TestRulesCount(t *testing.T) {
	t.Parallel()
	f := newFixture(t, ec2wire.Options{Seed: 7})
	pattern := func(n int) string {
		var b strings.Builder
		for range n {
			if f.call("DescribeInstances").status == 200 {
				b.WriteByte('.')
			} else {
				b.WriteByte('x')
			}
		}
		return b.String()
	}
	f.faults(ec2wire.Faults{Rules: []ec2wire.Rule{{Action: "DescribeInstances", Kind: ec2wire.Internal, Skip: 2, Times: 3}}})
	f.call("DescribeRegions").ok()
	if got := pattern(8); got != "..xxx..." || !slices.Equal(f.Struck(), []int{3}) {
		t.Errorf("struck %s, %v", got, f.Struck())
	}
	share := ec2wire.Faults{Rules: []ec2wire.Rule{{Kind: ec2wire.Throttled, Share: 0.2}}}
	f.faults(share)
	first := pattern(500)
	if n := strings.Count(first, "x"); n < 70 || n > 130 {
		t.Errorf("a fifth of 500 calls is %d", n)
	}
	f.faults(share)
	if pattern(500) != first {
		t.Error("the same seed struck other calls")
	}
	f.faults(ec2wire.Faults{Rules: []ec2wire.Rule{
		{Action: "DescribeTags", Kind: ec2wire.Internal}, {Action: "*", Kind: ec2wire.Throttled, Times: 1},
	}})
	if got := pattern(3); got != "x.." || !slices.Equal(f.Struck(), []int{0, 1}) {
		t.Errorf("struck %s, %v", got, f.Struck())
	}
}

func TestFaultsThatMakeNoSense(t *testing.T) {
	t.Parallel()
	f := newFixture(t, ec2wire.Options{Faults: ec2wire.Faults{Rules: []ec2wire.Rule{{Kind: ec2wire.Internal}}}})
	for name, x := range map[string]ec2wire.Faults{
		"unknown kind":   {Rules: []ec2wire.Rule{{Kind: "tired"}}},
		"no kind":        {Rules: []ec2wire.Rule{{}}},
		"unknown action": {Rules: []ec2wire.Rule{{Kind: ec2wire.Internal, Action: "MakeCoffee"}}},
		"share":          {Rules: []ec2wire.Rule{{Kind: ec2wire.Internal, Share: 1.5}}},
		"skip":           {Rules: []ec2wire.Rule{{Kind: ec2wire.Internal, Skip: -1}}},
		"no code":        {Rules: []ec2wire.Rule{{Kind: ec2wire.Failed, Status: 400}}},
		"status":         {Rules: []ec2wire.Rule{{Kind: ec2wire.Internal, Status: 200}}},
		"bucket":         {Buckets: map[string]ec2wire.Bucket{"MakeCoffee": {}}},
		"below zero":     {Buckets: map[string]ec2wire.Bucket{"*": {Size: -1}}},
		"window":         {Invisible: -1},
	} {
		if err := f.SetFaults(x); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
	f.call("DescribeRegions").fails(500, "InternalError") // what was set before still holds
	defer func() {
		if recover() == nil {
			t.Error("New takes faults that make no sense")
		}
	}()
	ec2wire.New(ec2wire.Options{Faults: ec2wire.Faults{Invisible: -1}})
}

func TestNewMachinesAreInvisibleForAWhile(t *testing.T) {
	t.Parallel()
	f := newFixture(t, ec2wire.Options{Faults: ec2wire.Faults{Invisible: ec2wire.Duration(5 * time.Second)}})
	id := f.run("ClientToken", "t")[0]
	for _, action := range []string{"DescribeInstances", "TerminateInstances", "StopInstances"} {
		f.call(action, "InstanceId.1", id).fails(400, "InvalidInstanceID.NotFound")
	}
	f.call("CreateTags", "ResourceId.1", id, "Tag.1.Key", "a").fails(400, "InvalidInstanceID.NotFound")
	f.call("GetConsoleOutput", "InstanceId", id).fails(400, "InvalidInstanceID.NotFound")
	if all := f.call("DescribeInstances").ok().all("instanceId"); len(all) != 0 {
		t.Errorf("listed: %v", all)
	}
	if again := f.run("ClientToken", "t"); again[0] != id {
		t.Errorf("the token gave %s, then %v", id, again)
	}
	f.clock.add(5 * time.Second)
	if got := f.states(id); len(got) != 1 {
		t.Errorf("states %v", got)
	}
}

// TestLostReplies checks what a client sees of a lost reply, over a real connection, and that the call took effect.
func TestLostReplies(t *testing.T) {
	t.Parallel()
	f := newFixture(t, ec2wire.Options{})
	server := httptest.NewServer(f.Server)
	defer server.Close()
	launch := func() (int, string, error) {
		ctx, cancel := context.WithTimeout(context.Background(), time.Second) // short: of a reply that never comes, it expires
		defer cancel()
		r, _ := http.NewRequestWithContext(ctx, http.MethodPost, server.URL, strings.NewReader(
			"Action=RunInstances&Version=2016-11-15&MinCount=1&MaxCount=1&ImageId="+ami))
		r.Header.Set("Authorization", signature)
		reply, err := server.Client().Do(r)
		if err != nil {
			return 0, "", err
		}
		defer reply.Body.Close()
		body, err := io.ReadAll(reply.Body)
		return reply.StatusCode, string(body), err
	}
	for i, c := range []struct {
		kind    ec2wire.Kind
		effects int
		seen    func(status int, body string, err error) bool
	}{
		{ec2wire.Dropped, 0, func(_ int, _ string, err error) bool { return errors.Is(err, io.EOF) }},
		{ec2wire.LostClosed, 1, func(_ int, _ string, err error) bool { return errors.Is(err, io.EOF) }},
		{ec2wire.LostCut, 1, func(status int, body string, err error) bool {
			return status == 200 && errors.Is(err, io.ErrUnexpectedEOF) && strings.HasPrefix(body, "<?xml")
		}},
		{ec2wire.LostEmpty, 1, func(status int, body string, err error) bool { return status == 200 && body == "" && err == nil }},
		{ec2wire.LostHang, 1, func(_ int, _ string, err error) bool { return errors.Is(err, context.DeadlineExceeded) }},
	} {
		f.faults(ec2wire.Faults{Rules: []ec2wire.Rule{{Kind: c.kind, Times: 1}}})
		before := len(f.Machines())
		status, body, err := launch()
		if !c.seen(status, body, err) {
			t.Errorf("%s: status %d, body %q, error %v", c.kind, status, body, err)
		}
		if got := len(f.Machines()) - before; got != c.effects {
			t.Errorf("%s: %d machines launched, want %d", c.kind, got, c.effects)
		}
		if calls := f.Calls("RunInstances"); len(calls) != i+1 || calls[i].Fault != c.kind {
			t.Errorf("%s: calls %+v", c.kind, calls)
		}
	}
}
