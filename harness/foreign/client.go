package foreign

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"time"

	"github.com/bootrace/bootrace/harness/agent"
	"github.com/bootrace/bootrace/harness/foreign/dialect"
)

// callTimeout is how long a caller waits for an answer: the contract's for heartbeats.
const callTimeout = 10 * time.Second

// maxReply is the longest reply that is read: a list of some ten thousand workspaces.
const maxReply = 32 << 20

// CallError is a call that the target did not answer as its dialect has it.
type CallError = dialect.Error

// shown is a workspace as the target shows it.
type shown = dialect.Workspace

// client calls the target, in its dialect.
type client struct {
	target  Target
	dialect dialect.Dialect
	spec    dialect.Spec
	http    *http.Client
	limit   limit
}

func newClient(t Target) *client {
	transport := &http.Transport{DialContext: t.network().Dial, MaxIdleConnsPerHost: 64, IdleConnTimeout: 30 * time.Second}
	speaks := t.speaks()
	return &client{target: t, dialect: speaks, spec: speaks.Spec(), http: &http.Client{
		Transport: transport,
		CheckRedirect: func(*http.Request, []*http.Request) error {
			return http.ErrUseLastResponse // nothing of the wire redirects; a login page does
		},
	}}
}

// speak makes a call. A *CallError that has no Err is an answer which is none of the dialect's.
func (c *client) speak(ctx context.Context, call dialect.Call) (dialect.Answer, error) {
	call.Params, call.Operator = c.target.Params, c.target.Token
	return c.dialect.Speak(ctx, call, func(q *http.Request) (*http.Response, error) { return c.send(q, c.timeout(call.Name)) })
}

// operate makes an operator's call.
func (c *client) operate(ctx context.Context, name, id string) (dialect.Answer, error) {
	return c.speak(ctx, dialect.Call{Name: name, ID: id, Token: c.target.Token})
}

// do makes a call of an agent's or an operator's, who speak the contract's wire. What the caller's process keeps goes with it.
func (c *client) do(ctx context.Context, q agent.Request, kept map[string]string) (agent.Response, dialect.Answer, error) {
	call := callOf(q)
	call.Kept = kept
	a, err := c.speak(ctx, call)
	if err != nil {
		return agent.Response{}, a, err
	}
	return replyOf(q.Call, a), a, nil
}

// shareOfTTL is how many of an agent's time-outs are as long as the TTL, at least: who waits longer for one lost answer is silent for
// it, however often it means to beat. The contract's 10 seconds and 180 are 18.
const shareOfTTL = 5

// timeout is how long the call may take.
func (c *client) timeout(call string) time.Duration {
	switch call {
	case dialect.Heartbeat:
		return min(callTimeout, c.target.TTL/shareOfTTL) + c.spec.Holds
	case dialect.Register:
		return min(callTimeout, c.target.TTL/shareOfTTL)
	}
	return callTimeout
}

// send sends a request of the dialect's to the target, and reads the whole reply.
func (c *client) send(q *http.Request, timeout time.Duration) (*http.Response, error) {
	ctx, cancel := context.WithTimeout(q.Context(), timeout)
	defer cancel()
	to, err := url.Parse(c.target.URL + q.URL.String())
	if err != nil {
		return nil, &CallError{Why: "cannot be sent", Err: err}
	}
	q = q.WithContext(ctx)
	q.URL, q.Host = to, ""
	r, err := c.http.Do(q) //nolint:gosec // whom to call is what the user says
	if err != nil {
		return nil, &CallError{Why: "no answer", Err: plainly(err, timeout)}
	}
	defer r.Body.Close() //nolint:errcheck // it was read, or is of no use
	body, err := io.ReadAll(io.LimitReader(r.Body, maxReply+1))
	switch {
	case err != nil && r.StatusCode/100 != 2:
		body = nil // why it refused is not needed
	case err != nil:
		return nil, &CallError{Why: "the answer broke off", Err: plainly(err, timeout)}
	}
	c.limit.note(r.StatusCode, r.Header)
	r.Body = io.NopCloser(bytes.NewReader(body))
	return r, nil
}

// plainly takes from an error of the client's what is said elsewhere: method and URL.
func plainly(err error, timeout time.Duration) error {
	var wrapped *url.Error
	if errors.As(err, &wrapped) {
		err = wrapped.Err
	}
	if errors.Is(err, context.DeadlineExceeded) {
		return fmt.Errorf("timed out after %s", timeout)
	}
	return err
}

// Preflight looks whether the target is there, lets the operator in, and speaks this wire.
func Preflight(ctx context.Context, t Target) error {
	return newClient(t).preflight(ctx)
}

func (c *client) preflight(ctx context.Context) error {
	if c.spec.Has(dialect.Health) {
		a, err := c.polite(ctx, dialect.Health)
		switch {
		case err != nil:
			return err
		case a.Code == http.StatusTooManyRequests:
			return c.admitted(a)
		case !a.OK():
			return &CallError{Call: a.Request, Why: fmt.Sprintf("answered %d: it is not healthy, or no workspace controller", a.Raw)}
		}
	}
	_, err := c.list(ctx)
	return err
}

// polite is an operator's call about nobody, which waits out one refusal for calling too often.
func (c *client) polite(ctx context.Context, name string) (dialect.Answer, error) {
	a, err := c.operate(ctx, name, "")
	if err != nil || a.Code != http.StatusTooManyRequests || !sleep(ctx, waitAsked(a.RetryAfter)) {
		return a, err
	}
	return c.operate(ctx, name, "")
}

// list returns all workspaces that the target shows.
func (c *client) list(ctx context.Context) ([]shown, error) {
	a, err := c.polite(ctx, dialect.List)
	if err != nil {
		return nil, err
	}
	return a.Workspaces, c.admitted(a)
}

// admitted returns an error where an operator's call was not let in, or found nobody.
func (c *client) admitted(a dialect.Answer) error {
	why := fmt.Sprintf("answered %d", a.Raw)
	switch {
	case a.OK():
		return nil
	case a.Code == http.StatusUnauthorized || a.Code == http.StatusForbidden:
		with := "the token that it was given"
		if c.target.Token == "" {
			with = "a call without a token: give it one"
		}
		why += ": it refuses " + with
	case a.Code == http.StatusTooManyRequests:
		why += ": its limit on calls is used up, and it asks to wait " + waitAsked(a.RetryAfter).String()
	case a.Hint != "":
		why += ": " + a.Hint
	case a.Code == http.StatusNotFound:
		why += ": it speaks another dialect than " + c.spec.Name
	case a.Said != "":
		why += ": " + a.Said
	}
	return &CallError{Call: a.Request, Why: why}
}
