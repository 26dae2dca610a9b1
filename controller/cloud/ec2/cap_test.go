package ec2_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/bootrace/bootrace/controller/cloud"
	"github.com/bootrace/bootrace/controller/cloud/ec2"
	"github.com/bootrace/bootrace/fakeprovider/ec2wire"
)

// post calls the fake as no client of this package would.
func post(t *testing.T, endpoint, action string, params ...string) {
	t.Helper()
	form := url.Values{"Action": {action}, "Version": {"2016-11-15"}}
	for i := 0; i < len(params); i += 2 {
		form.Set(params[i], params[i+1])
	}
	r, _ := http.NewRequestWithContext(context.Background(), http.MethodPost, endpoint, strings.NewReader(form.Encode()))
	r.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential=K/20260101/r/ec2/aws4_request, SignedHeaders=host, Signature=0")
	r.Close = true
	reply, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer reply.Body.Close()
	if body, _ := io.ReadAll(reply.Body); reply.StatusCode != http.StatusOK {
		t.Fatalf("%s: %d %s", action, reply.StatusCode, body)
	}
}

func capped(n int) func(*ec2.Config) {
	return func(c *ec2.Config) { c.MaxMachines, c.Settle = n, 500*time.Millisecond }
}

func TestCap(t *testing.T) {
	t.Parallel()
	f := newFixture(t, ec2wire.Options{}, capped(2))
	ctx := context.Background()
	one, two := spec(), spec()
	first := f.launch(one)
	f.launch(two)
	_, err := f.cloud.Launch(ctx, spec())
	if !errors.Is(err, cloud.ErrCapacity) || !strings.Contains(err.Error(), "has 2 machines, and may have 2") {
		t.Errorf("a third launch: %v", err)
	}
	if again := f.launch(one); again.ID != first.ID {
		t.Errorf("asked again, %s is %s", first.ID, again.ID)
	}
	if _, err := connect(t, f.url, capped(2)).Launch(ctx, spec()); !errors.Is(err, cloud.ErrCapacity) {
		t.Errorf("by another replica: %v", err)
	}
	other := connect(t, f.url, func(c *ec2.Config) { c.Deployment, c.MaxMachines = "other", 1 })
	if _, err := other.Launch(ctx, spec()); err != nil {
		t.Errorf("by another deployment: %v", err)
	}
	if err := f.cloud.Terminate(ctx, first.ID); err != nil {
		t.Fatal(err)
	}
	f.launch(spec())
	if n := f.attempts("RunInstances"); n != 5 {
		t.Errorf("%d calls: a launch past the cap must not reach EC2", n)
	}
}

// TestCapAtOnce launches many at once under eventual consistency: EC2's list shows none of them.
func TestCapAtOnce(t *testing.T) {
	t.Parallel()
	f := newFixture(t, ec2wire.Options{Faults: ec2wire.Faults{Invisible: ec2wire.Duration(300 * time.Millisecond)}}, capped(5))
	var all sync.WaitGroup
	var launched, refused atomic.Int32
	for range 40 {
		all.Go(func() {
			switch _, err := f.cloud.Launch(context.Background(), spec()); {
			case err == nil:
				launched.Add(1)
			case errors.Is(err, cloud.ErrCapacity):
				refused.Add(1)
			default:
				t.Error(err)
			}
		})
	}
	all.Wait()
	if launched.Load() != 5 || refused.Load() != 35 || len(f.wire.Machines()) != 5 {
		t.Errorf("%d launched, %d refused, %d machines", launched.Load(), refused.Load(), len(f.wire.Machines()))
	}
	if n := f.attempts("DescribeInstances"); n > 30 {
		t.Errorf("%d lists for 40 launches at once", n)
	}
	t.Logf("%d lists for 40 launches at once", f.attempts("DescribeInstances"))
	time.Sleep(600 * time.Millisecond) // sleeps: past the time in which launches that are not listed count
	if _, err := f.cloud.Launch(context.Background(), spec()); !errors.Is(err, cloud.ErrCapacity) {
		t.Errorf("when the list shows them: %v", err)
	}
}

// TestCapCountsLaunchesThatMayHaveHappened loses replies.
func TestCapCountsLaunchesThatMayHaveHappened(t *testing.T) {
	t.Parallel()
	f := newFixture(t, ec2wire.Options{}, func(c *ec2.Config) { capped(1)(c); c.MaxAttempts = 1 })
	ctx := context.Background()
	set := func(rules ...ec2wire.Rule) {
		if err := f.wire.SetFaults(ec2wire.Faults{Invisible: ec2wire.Duration(time.Hour), Rules: rules}); err != nil {
			t.Fatal(err)
		}
	}
	set(ec2wire.Rule{Action: "RunInstances", Kind: ec2wire.LostClosed, Times: 1})
	sp := spec()
	if _, err := f.cloud.Launch(ctx, sp); err == nil {
		t.Fatal("the reply was not lost")
	}
	if _, err := f.cloud.Launch(ctx, spec()); !errors.Is(err, cloud.ErrCapacity) {
		t.Errorf("a launch beside one that may have happened: %v", err)
	}
	f.launch(sp) // the same again is no second machine
	if n := len(f.wire.Machines()); n != 1 {
		t.Errorf("%d machines", n)
	}
	time.Sleep(600 * time.Millisecond) // sleeps: EC2 has had its time, and lists none
	set(ec2wire.Rule{Action: "RunInstances", Kind: ec2wire.Failed, Status: 400, Code: "InvalidParameterValue", Times: 1})
	if _, err := f.cloud.Launch(ctx, spec()); !errors.Is(err, cloud.ErrRefused) {
		t.Errorf("%v", err)
	}
	f.launch(spec()) // a launch that was refused for good holds no place
	set()
	if err := f.wire.SetFaults(ec2wire.Faults{Rules: []ec2wire.Rule{{Action: "DescribeInstances", Kind: ec2wire.Internal}}}); err != nil {
		t.Fatal(err)
	}
	if _, err := f.cloud.Launch(ctx, spec()); cloud.Classify(err) != cloud.Transient || errors.Is(err, cloud.ErrCapacity) {
		t.Errorf("where nobody can count: %v", err)
	}
}

func TestReap(t *testing.T) {
	t.Parallel()
	now := time.Now()
	f := newFixture(t, ec2wire.Options{}, func(c *ec2.Config) {
		c.Expiry = time.Hour
		c.Now = func() time.Time { return now }
	})
	ctx := context.Background()
	m := f.launch(spec())
	forever := connect(t, f.url, nil)
	lasting, err := forever.Launch(ctx, spec())
	if err != nil {
		t.Fatal(err)
	}
	post(t, f.url, "RunInstances", "MinCount", "1", "MaxCount", "1", "ImageId", ami) // somebody else's
	reap := func(older time.Duration) string {
		t.Helper()
		gone, err := f.cloud.Reap(ctx, older)
		if err != nil {
			t.Fatal(err)
		}
		var ids []string
		for _, i := range gone {
			ids = append(ids, i.ID)
		}
		return strings.Join(ids, " ")
	}
	now = now.Add(time.Hour - time.Minute)
	if got := reap(0); got != "" {
		t.Errorf("before its time: %s", got)
	}
	now = now.Add(2 * time.Minute)
	f.faults(ec2wire.Rule{Action: "TerminateInstances", Kind: ec2wire.Failed, Status: 403, Code: "UnauthorizedOperation", Times: 1})
	if gone, err := f.cloud.Reap(ctx, 0); len(gone) != 0 || !errors.Is(err, cloud.ErrRefused) {
		t.Errorf("where it may not terminate: %v, %v", gone, err)
	}
	if got := reap(0); got != m.ID {
		t.Errorf("expired: %q, want %s", got, m.ID)
	}
	if got := reap(2 * time.Hour); got != "" {
		t.Errorf("older than two hours: %s", got)
	}
	now = now.Add(time.Hour)
	if got := reap(time.Hour); got != lasting.ID {
		t.Errorf("older than an hour: %q, want %s", got, lasting.ID)
	}
	if _, err := f.cloud.Reap(ctx, -1); err == nil {
		t.Error("no error for an age below zero")
	}
	if all := f.wire.Machines(); all[2].State != ec2wire.Running {
		t.Errorf("somebody else's machine is %s", all[2].State)
	}
}

// A client that lists and reaps sees every deployment's machines where it is given none, and nobody else's; it launches none.
func TestListOnly(t *testing.T) {
	t.Parallel()
	f := newFixture(t, ec2wire.Options{}, func(c *ec2.Config) { c.Deployment = "one" })
	ctx := context.Background()
	one := f.launch(spec())
	two, err := connect(t, f.url, func(c *ec2.Config) { c.Deployment = "two" }).Launch(ctx, spec())
	if err != nil {
		t.Fatal(err)
	}
	post(t, f.url, "RunInstances", "MinCount", "1", "MaxCount", "1", "ImageId", ami) // somebody else's
	for _, x := range []struct{ deployment, want string }{
		{"", "one " + one.ID + ", two " + two.ID}, {"three", ""}, {"two", "two " + two.ID}, {"", "one " + one.ID},
	} {
		deployment, want := x.deployment, x.want
		c := connect(t, f.url, func(c *ec2.Config) { c.ListOnly, c.Deployment = true, deployment })
		all, err := c.Instances(ctx)
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, i := range all {
			got = append(got, i.Deployment+" "+i.ID)
		}
		if strings.Join(got, ", ") != want {
			t.Errorf("of %q it lists %q, want %q", deployment, got, want)
		}
		if _, err := c.Launch(ctx, spec()); !errors.Is(err, cloud.ErrRefused) {
			t.Errorf("it launches: %v", err)
		}
		if err := c.Probe(ctx); !errors.Is(err, cloud.ErrRefused) {
			t.Errorf("it probes: %v", err)
		}
		if deployment == "two" {
			if ended, err := c.TerminateAll(ctx, all); err != nil || len(ended) != 1 || ended[0].ID != two.ID {
				t.Errorf("it terminated %v, %v", ended, err)
			}
		}
	}
	if m, _ := f.wire.Machine(one.ID); m.State != ec2wire.Running {
		t.Errorf("the machine of another deployment is %s", m.State)
	}
}
