package ec2_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	sdk "github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/google/uuid"
	"go.uber.org/goleak"

	"github.com/bootrace/bootrace/controller/cloud"
	"github.com/bootrace/bootrace/controller/cloud/ec2"
	"github.com/bootrace/bootrace/fakeprovider/ec2wire"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	ami   = "ami-0b007ace000000001"
	token = "a-token-that-nobody-may-see"
)

// serve puts a handler on a loopback listener.
func serve(t *testing.T, h http.Handler) string {
	t.Helper()
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	return s.URL
}

// connect returns a cloud at the endpoint.
func connect(t *testing.T, endpoint string, change func(*ec2.Config)) *ec2.Cloud {
	t.Helper()
	c := ec2.Config{
		Deployment: "test", Endpoint: endpoint, ImageID: ami, AgentCommand: "exec agent", Transport: &http.Transport{},
	}
	if change != nil {
		change(&c)
	}
	out, err := ec2.New(context.Background(), c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(out.Close)
	return out
}

// fixture is a cloud and the fake EC2 that it talks to over HTTP.
type fixture struct {
	*testing.T
	wire  *ec2wire.Server
	url   string
	cloud *ec2.Cloud
}

func newFixture(t *testing.T, o ec2wire.Options, change func(*ec2.Config)) *fixture {
	t.Helper()
	f := &fixture{T: t, wire: ec2wire.New(o)}
	f.url = serve(t, f.wire)
	f.cloud = connect(t, f.url, change)
	return f
}

func (f *fixture) faults(rules ...ec2wire.Rule) {
	f.Helper()
	if err := f.wire.SetFaults(ec2wire.Faults{Rules: rules}); err != nil {
		f.Fatal(err)
	}
}

func (f *fixture) launch(sp cloud.Spec) cloud.Machine {
	f.Helper()
	m, err := f.cloud.Launch(context.Background(), sp)
	if err != nil {
		f.Fatal(err)
	}
	return m
}

// attempts returns how many calls of the action the fake had.
func (f *fixture) attempts(action string) int { return len(f.wire.Calls(action)) }

func spec() cloud.Spec {
	return cloud.Spec{
		WorkspaceID: uuid.NewString(), Incarnation: 1, Name: "kimi-1", Runtime: "claude-code", Model: "kimi", Tier: 2,
		Env: map[string]string{"WORKSPACE_AUTH_TOKEN": token, "PLATFORM_URL": "http://controller.test"},
	}
}

// plain is the SDK as it comes, but for the change to its transport that replies of more than a few kilobytes need; see
// transport.go.
func plain(t *testing.T, endpoint string, timeout time.Duration) *sdk.Client {
	t.Helper()
	transport := &http.Transport{}
	t.Cleanup(transport.CloseIdleConnections)
	return sdk.New(sdk.Options{
		Region: "us-east-1", BaseEndpoint: aws.String(endpoint),
		Credentials: credentials.NewStaticCredentialsProvider("AKIDEXAMPLE", "secret", ""),
		HTTPClient:  &http.Client{Transport: ec2.InMemory(transport), Timeout: timeout},
	})
}
