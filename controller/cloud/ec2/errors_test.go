package ec2_test

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/bootrace/bootrace/controller/cloud"
	"github.com/bootrace/bootrace/controller/cloud/ec2"
	"github.com/bootrace/bootrace/fakeprovider/ec2wire"
)

// classes are the errors of package cloud.
var classes = []error{cloud.ErrNotFound, cloud.ErrThrottled, cloud.ErrCapacity, cloud.ErrRefused}

// TestErrorClasses sends every kind of error through the SDK: the class must survive what it wraps around it.
func TestErrorClasses(t *testing.T) {
	t.Parallel()
	f := newFixture(t, ec2wire.Options{}, func(c *ec2.Config) { c.MaxAttempts = 1 })
	for _, c := range []struct {
		status int
		codes  string
		want   error // nil is none, and transient
	}{
		{503, "RequestLimitExceeded", cloud.ErrThrottled},
		{400, "RequestLimitExceeded Throttling ThrottlingException RequestThrottled TooManyRequestsException SlowDown " +
			"EC2ThrottledException PriorRequestNotComplete BandwidthLimitExceeded", cloud.ErrThrottled},
		{500, "InsufficientInstanceCapacity", cloud.ErrCapacity},
		{400, "InsufficientInstanceCapacity InstanceLimitExceeded VcpuLimitExceeded MaxSpotInstanceCountExceeded " +
			"InsufficientFreeAddressesInSubnet InsufficientHostCapacity SpotMaxPriceTooLow", cloud.ErrCapacity},
		{400, "InvalidAMIID.NotFound InvalidAMIID.Malformed InvalidAMIID.Unavailable InvalidParameterValue " +
			"InvalidParameterCombination InvalidParameter MissingParameter UnknownParameter UnsupportedOperation Unsupported " +
			"InvalidSubnetID.NotFound InvalidGroup.NotFound InvalidKeyPair.NotFound InvalidSecurityGroupID.NotFound " +
			"InvalidUserData.Malformed InvalidAction TagLimitExceeded OptInRequired " +
			"IdempotentInstanceTerminated InvalidIamInstanceProfileArn.Malformed OperationNotPermitted", cloud.ErrRefused},
		{401, "AuthFailure", cloud.ErrRefused},
		{403, "UnauthorizedOperation InvalidClientTokenId", cloud.ErrRefused},
		{400, "InvalidInstanceID.NotFound InvalidInstanceID.Malformed", cloud.ErrNotFound},
		{500, "InternalError InternalFailure", nil},
		{503, "Unavailable ServiceUnavailable", nil},
		{400, "RequestExpired ExpiredToken PendingVerification IncorrectInstanceState SomethingNew", nil},
		{403, "SignatureDoesNotMatch", nil},
	} {
		for code := range strings.FieldsSeq(c.codes) {
			f.faults(ec2wire.Rule{Kind: ec2wire.Failed, Status: c.status, Code: code, Message: "as asked for"})
			_, err := f.cloud.Launch(context.Background(), spec())
			for _, class := range classes {
				if errors.Is(err, class) != errors.Is(c.want, class) {
					t.Errorf("%d %s: %v; is %q: %t", c.status, code, err, class, errors.Is(err, class))
				}
			}
			if permanent := cloud.Classify(err) == cloud.Permanent; permanent != errors.Is(c.want, cloud.ErrRefused) {
				t.Errorf("%d %s: permanent: %t", c.status, code, permanent)
			}
			var e *ec2.Error
			if !errors.As(err, &e) || e.Code != code || e.Message != "as asked for" || e.RequestID == "" || e.Action != "RunInstances" {
				t.Errorf("%d %s: %#v", c.status, code, err)
			}
			want := "ec2: RunInstances: " + code + ": as asked for (request "
			if err == nil || !strings.HasPrefix(err.Error(), want) {
				t.Errorf("it says %v", err)
			}
		}
	}
}

func TestLongMessagesAreCut(t *testing.T) {
	t.Parallel()
	f := newFixture(t, ec2wire.Options{}, nil)
	f.faults(ec2wire.Rule{Kind: ec2wire.Failed, Status: 403, Code: "UnauthorizedOperation", Message: strings.Repeat("ü", 5000)})
	_, err := f.cloud.Launch(context.Background(), spec())
	if err == nil || len(err.Error()) > 700 || strings.Contains(err.Error(), "\uFFFD") {
		t.Errorf("%d bytes: %v", len(err.Error()), err)
	}
}

// TestRepliesThatSayNothing tries each call of the cloud with a reply that is no error and no answer either.
func TestRepliesThatSayNothing(t *testing.T) {
	t.Parallel()
	for _, kind := range []ec2wire.Kind{ec2wire.LostEmpty, ec2wire.LostCut, ec2wire.LostClosed, ec2wire.LostHang} {
		t.Run(string(kind), func(t *testing.T) {
			t.Parallel()
			f := newFixture(t, ec2wire.Options{}, nil)
			m := f.launch(spec())
			if kind == ec2wire.LostHang {
				f.cloud = connect(t, f.url, func(c *ec2.Config) { c.AttemptTimeout = 100 * time.Millisecond })
			}
			f.faults(ec2wire.Rule{Kind: kind})
			ctx := context.Background()
			for name, call := range map[string]func() error{
				"launch":    func() error { _, err := f.cloud.Launch(ctx, spec()); return err },
				"describe":  func() error { _, err := f.cloud.Describe(ctx, m.ID); return err },
				"inspect":   func() error { _, err := f.cloud.Inspect(ctx, m.ID); return err },
				"list":      func() error { _, err := f.cloud.List(ctx); return err },
				"reap":      func() error { _, err := f.cloud.Reap(ctx, time.Hour); return err },
				"console":   func() error { _, err := f.cloud.ConsoleOutput(ctx, m.ID); return err },
				"terminate": func() error { return f.cloud.Terminate(ctx, m.ID) },
				"probe":     func() error { return f.cloud.Probe(ctx) },
			} {
				err := call()
				if err == nil || cloud.Classify(err) != cloud.Transient {
					t.Errorf("%s: %v", name, err)
				}
				for _, class := range classes {
					if errors.Is(err, class) {
						t.Errorf("%s: %v is %q", name, err, class)
					}
				}
			}
			want := 3 // attempts: a call whose reply cannot be read is tried again
			if kind == ec2wire.LostEmpty {
				want = 1 // the SDK takes it for success
			}
			if got := f.attempts("GetConsoleOutput"); got != want {
				t.Errorf("%d attempts, want %d", got, want)
			}
			f.faults()
			if got := len(f.wire.Machines()); got != 2 { // the launches above took effect, all attempts as one
				t.Errorf("%d machines", got)
			}
		})
	}
}

// TestWhatIsNotEC2 points the cloud at something else.
func TestWhatIsNotEC2(t *testing.T) {
	t.Parallel()
	for name, h := range map[string]http.HandlerFunc{
		"a web page": func(w http.ResponseWriter, _ *http.Request) {
			_, _ = w.Write([]byte("<html><body>hello<br></body></html>"))
		},
		"JSON":           func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(`{"ok":true}`)) },
		"a redirect":     func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/elsewhere", http.StatusFound) },
		"a proxy's 502":  func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "bad gateway", http.StatusBadGateway) },
		"another answer": func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("<Other><a/></Other>")) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := connect(t, serve(t, h), nil)
			if _, err := c.Launch(context.Background(), spec()); cloud.Classify(err) != cloud.Transient {
				t.Errorf("launch: %v", err)
			}
			if all, err := c.List(context.Background()); cloud.Classify(err) != cloud.Transient {
				t.Errorf("list: %v, %v", all, err)
			}
		})
	}
}
