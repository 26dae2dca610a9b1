package endpoints_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/ec2"

	"github.com/bootrace/bootrace/fakeprovider/ec2wire"
	"github.com/bootrace/bootrace/fakeprovider/endpoints"
)

// slowWriter is a connection whose writes return late, as where the client's write loop has to wait for a processor.
type slowWriter struct{ net.Conn }

func (c slowWriter) Write(p []byte) (int, error) {
	n, err := c.Conn.Write(p)
	time.Sleep(50 * time.Millisecond) // sleeps: it is what the test is about
	return n, err
}

// A plain client of aws-sdk-go-v2 loses no reply, however late its write loop ends. Pages that it can read at once come at the first
// try; of others, a reply is lost now and then, and comes when the client tries again.
func TestPlainSDKClientLosesNoReply(t *testing.T) {
	t.Parallel()
	ctx, stop := context.WithCancel(context.Background())
	url := serveAll(t, ctx, stop)
	dial := (&net.Dialer{}).DialContext
	transport := awshttp.NewBuildableClient().WithTransportOptions(func(tr *http.Transport) {
		tr.DialContext = func(ctx context.Context, network, address string) (net.Conn, error) {
			c, err := dial(ctx, network, address)
			return slowWriter{c}, err
		}
	})
	client := ec2.New(ec2.Options{
		Region: "us-east-1", BaseEndpoint: aws.String(url), HTTPClient: transport, Credentials: credentials.NewStaticCredentialsProvider("AKID", "secret", ""),
	})
	if _, err := client.RunInstances(ctx, &ec2.RunInstancesInput{
		ImageId: aws.String(ec2wire.DefaultImages()[0].ID), MinCount: aws.Int32(120), MaxCount: aws.Int32(120),
	}); err != nil {
		t.Fatal(err)
	}
	const calls = 16
	for _, page := range []int32{5, 50, 100} {
		t.Run(fmt.Sprint(page), func(t *testing.T) {
			t.Parallel()
			var lost atomic.Int64
			var all sync.WaitGroup
			once := func(o *ec2.Options) {
				if page <= 50 {
					o.Retryer = aws.NopRetryer{}
				}
			}
			for range 4 {
				all.Go(func() {
					for range calls / 4 {
						out, err := client.DescribeInstances(ctx, &ec2.DescribeInstancesInput{MaxResults: aws.Int32(page)}, once)
						switch {
						case errors.Is(err, net.ErrClosed):
							lost.Add(1)
						case err != nil:
							t.Error(err)
						case instances(out) != int(page):
							t.Errorf("a page of %d", instances(out))
						}
					}
				})
			}
			all.Wait()
			if n := lost.Load(); n > 0 {
				t.Errorf("%d of %d replies are lost", n, calls)
			}
		})
	}
}

func instances(out *ec2.DescribeInstancesOutput) (n int) {
	for _, r := range out.Reservations {
		n += len(r.Instances)
	}
	return n
}

// serveAll serves all endpoints until the test ends.
func serveAll(t *testing.T, ctx context.Context, stop context.CancelFunc) (url string) {
	t.Helper()
	e, err := endpoints.New(endpoints.Options{})
	if err != nil {
		t.Fatal(err)
	}
	l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	served := make(chan error, 1)
	go func() { served <- endpoints.Serve(ctx, map[net.Listener]http.Handler{l: e.Handler()}, nil) }()
	t.Cleanup(func() {
		stop()
		if err := <-served; err != nil {
			t.Error(err)
		}
	})
	return "http://" + l.Addr().String()
}
