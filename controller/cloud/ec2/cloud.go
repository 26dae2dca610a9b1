package ec2

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/smithy-go"

	"github.com/bootrace/bootrace/controller/cloud"
)

// Cloud is EC2. See the package documentation for what it guarantees. It is safe for concurrent use.
type Cloud struct {
	config Config
	api    calls
	recent recent
	cap    *ledger // nil where there is no cap
}

var _ cloud.Cloud = (*Cloud)(nil)

// New returns a cloud. It calls nobody: whether the credentials are any good is for [Cloud.Probe] to say.
func New(ctx context.Context, c Config) (*Cloud, error) {
	if err := c.Validate(); err != nil {
		return nil, err
	}
	c = c.withDefaults()
	base := aws.Config{
		Region:      c.Region,
		Credentials: credentials.NewStaticCredentialsProvider(c.AccessKeyID, c.SecretAccessKey, ""),
	}
	if c.RealAWS() {
		var err error
		if base, err = config.LoadDefaultConfig(ctx, config.WithRegion(c.Region)); err != nil {
			return nil, fmt.Errorf("ec2: loading the AWS configuration: %w", err)
		}
	}
	timeout := c.AttemptTimeout
	if c.Wait != nil { // it is the transport's to keep
		timeout = 0
	}
	api := ec2.NewFromConfig(base, func(o *ec2.Options) {
		o.HTTPClient = &http.Client{
			Transport: memory{c.Transport}, Timeout: timeout,
			// As in the SDK's own client: a signed request is for the host that it was signed for.
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		}
		o.Retryer = retry.NewStandard(func(r *retry.StandardOptions) {
			r.MaxAttempts = c.MaxAttempts
			r.Retryables = append(r.Retryables, retry.IsErrorRetryableFunc(brokenReply))
			if c.Wait != nil {
				r.Backoff = retry.BackoffDelayerFunc(c.backOff)
			}
		})
		if c.Endpoint != "" {
			o.BaseEndpoint = aws.String(c.Endpoint)
		}
	})
	out := &Cloud{config: c, api: callsOf(api), recent: newRecent(c.Settle, c.Now)}
	if c.MaxMachines > 0 {
		out.cap = newLedger(c.MaxMachines, c.Settle, c.Now)
	}
	return out, nil
}

// Close gives up connections that are kept for the next call. The cloud can still be used.
func (c *Cloud) Close() {
	if t, ok := c.config.Transport.(interface{ CloseIdleConnections() }); ok {
		t.CloseIdleConnections()
	}
}

// brokenReply makes the SDK try again where a reply cannot be read, which it does not do by itself. All calls of this
// package can be repeated: launches carry a client token.
func brokenReply(err error) aws.Ternary {
	if broken := (*smithy.DeserializationError)(nil); errors.As(err, &broken) {
		return aws.TrueTernary
	}
	return aws.UnknownTernary
}

// Probe asks EC2 whether it would launch a machine as configured, without launching one: whether the credentials work, and
// the image, the type and the network exist. Errors are those of Launch.
func (c *Cloud) Probe(ctx context.Context) error {
	input, err := c.runInput(cloud.Spec{WorkspaceID: "probe", Name: "probe"})
	if err != nil {
		return err
	}
	input.DryRun, input.ClientToken = aws.Bool(true), nil
	_, err = c.api.RunInstances(ctx, input)
	if codeOf(err) == "DryRunOperation" {
		return nil
	}
	if err == nil {
		return failure(ctx, "RunInstances", errors.New("a dry run was not answered as one"))
	}
	return failure(ctx, "RunInstances", err)
}

// maxBackoff is the SDK's own longest pause between two attempts.
const maxBackoff = 20 * time.Second

// backOff waits as the SDK does before the attempt, from 1, and leaves the SDK nothing to wait for.
func (c Config) backOff(attempt int, _ error) (time.Duration, error) {
	longest := min(time.Second<<min(attempt, 10), maxBackoff)
	return 0, c.Wait(context.Background(), time.Duration(c.Jitter()*float64(longest)))
}

// pause waits, or returns the context's error.
func (c *Cloud) pause(ctx context.Context, d time.Duration) error {
	if c.config.Wait != nil {
		return c.config.Wait(ctx, d)
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}
