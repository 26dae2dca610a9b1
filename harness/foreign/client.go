package foreign

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/bootrace/bootrace/controller/lifecycle"
	"github.com/bootrace/bootrace/controller/wire"
	"github.com/bootrace/bootrace/harness/agent"
)

// callTimeout is how long a caller waits for an answer: the contract's for heartbeats.
const callTimeout = 10 * time.Second

// maxReply is the longest reply that is read: a list of some ten thousand workspaces.
const maxReply = 32 << 20

// CallError is a call that the target did not answer as the wire has it.
type CallError struct {
	Call string // its method and path
	Why  string
	Err  error // what the network said; nil where there was an answer
}

func (e *CallError) Error() string {
	if e.Err != nil {
		return fmt.Sprintf("%s: %s: %v", e.Call, e.Why, e.Err)
	}
	return fmt.Sprintf("%s: %s", e.Call, e.Why)
}

func (e *CallError) Unwrap() error { return e.Err }

// client calls the target.
type client struct {
	target Target
	http   *http.Client
	limit  limit
}

func newClient(t Target) *client {
	transport := &http.Transport{DialContext: t.network().Dial, MaxIdleConnsPerHost: 64, IdleConnTimeout: 30 * time.Second}
	return &client{target: t, http: &http.Client{
		Transport: transport,
		CheckRedirect: func(*http.Request, []*http.Request) error {
			return http.ErrUseLastResponse // nothing of the wire redirects; a login page does
		},
	}}
}

// do carries out the request, with no more than the time-out of the wire. A *CallError that has no Err is an answer which
// is none of the wire's.
func (c *client) do(ctx context.Context, q agent.Request) (agent.Response, error) {
	name := q.Method + " " + q.Path
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, q.Method, c.target.URL+q.Path, bytes.NewReader(q.Body))
	if err != nil {
		return agent.Response{}, &CallError{name, "cannot be sent", err}
	}
	if len(q.Body) > 0 {
		r.Header.Set("Content-Type", "application/json")
	}
	if q.Token != "" {
		r.Header.Set("Authorization", "Bearer "+q.Token)
	}
	if c.target.OrgID != "" && q.Path != wire.PathHealth && q.Path != wire.PathRegister && q.Path != wire.PathHeartbeat {
		r.Header.Set("X-Molecule-Org-Id", c.target.OrgID)
	}
	reply, err := c.http.Do(r)
	if err != nil {
		return agent.Response{}, &CallError{name, "no answer", plainly(err)}
	}
	defer reply.Body.Close() //nolint:errcheck // it was read, or is of no use
	body, err := io.ReadAll(io.LimitReader(reply.Body, maxReply+1))
	switch {
	case err != nil && reply.StatusCode/100 != 2:
		body = nil // why it refused is not needed
	case err != nil:
		return agent.Response{}, &CallError{name, "the answer broke off", plainly(err)}
	}
	c.limit.note(reply.StatusCode, reply.Header)
	out := agent.Response{Code: reply.StatusCode, Body: body, RetryAfter: reply.Header.Get("Retry-After")}
	if why := foreignTo(out, reply.Header); why != "" {
		return out, &CallError{Call: name, Why: why}
	}
	return out, nil
}

// plainly takes from an error of the client's what is said elsewhere: method and URL.
func plainly(err error) error {
	var wrapped *url.Error
	if errors.As(err, &wrapped) {
		err = wrapped.Err
	}
	if errors.Is(err, context.DeadlineExceeded) {
		return fmt.Errorf("timed out after %s", callTimeout)
	}
	return err
}

// foreignTo says in which way the answer is none of the wire's, or nothing. What refuses, or fails, may look like anything:
// something on the way may have said it.
func foreignTo(r agent.Response, h http.Header) string {
	switch {
	case r.Code/100 == 3:
		return fmt.Sprintf("answered %d, a redirect to %q: nothing of this wire redirects; is there a login in front of it?", r.Code, h.Get("Location"))
	case r.Code/100 != 2, json.Valid(r.Body):
		return ""
	case looksLikeHTML(r.Body):
		return fmt.Sprintf("answered %d with HTML, where the wire has JSON: is it the address of its web page?", r.Code)
	case len(bytes.TrimSpace(r.Body)) == 0:
		return fmt.Sprintf("answered %d with nothing, where the wire has JSON", r.Code)
	default:
		return fmt.Sprintf("answered %d with what is no whole JSON: %s", r.Code, excerpt(r.Body))
	}
}

func looksLikeHTML(b []byte) bool { return bytes.HasPrefix(bytes.TrimSpace(b), []byte("<")) }

// excerpt quotes the end of a body, which is where half of one breaks off.
func excerpt(b []byte) string {
	const most = 60
	if len(b) > most {
		return fmt.Sprintf("… %q", b[len(b)-most:])
	}
	return fmt.Sprintf("%q", b)
}

// Preflight looks whether the target is there, lets the operator in, and speaks this wire.
func Preflight(ctx context.Context, t Target) error {
	return newClient(t).preflight(ctx)
}

func (c *client) preflight(ctx context.Context) error {
	health := agent.Request{Call: "health", Method: http.MethodGet, Path: wire.PathHealth}
	r, err := c.polite(ctx, health)
	if err != nil {
		return err
	}
	var status wire.StatusReply
	switch {
	case r.Code == http.StatusTooManyRequests:
		return c.admitted("GET /health", r)
	case r.Code != http.StatusOK:
		return &CallError{Call: "GET /health", Why: fmt.Sprintf("answered %d: it is not healthy, or no workspace controller", r.Code)}
	case json.Unmarshal(r.Body, &status) != nil || status.Status != "ok":
		return &CallError{Call: "GET /health", Why: fmt.Sprintf(`says %s, where this version of the wire has {"status":"ok"}`, excerpt(r.Body))}
	}
	_, err = c.list(ctx)
	return err
}

// polite is do, which waits out one refusal for calling too often.
func (c *client) polite(ctx context.Context, q agent.Request) (agent.Response, error) {
	r, err := c.do(ctx, q)
	if err != nil || r.Code != http.StatusTooManyRequests || !sleep(ctx, waitAsked(r.RetryAfter)) {
		return r, err
	}
	return c.do(ctx, q)
}

// shown is what this world reads of a workspace; a server may show much more, and in forms of its own.
type shown struct {
	ID          string `json:"id"`
	Name        string `json:"name"`
	Status      string `json:"status"`
	Incarnation int    `json:"incarnation"`
	Cause       string `json:"failure_cause"`
}

// list returns what GET /workspaces shows.
func (c *client) list(ctx context.Context) ([]shown, error) {
	const name = "GET /workspaces"
	r, err := c.polite(ctx, agent.Request{Call: "list", Method: http.MethodGet, Path: wire.PathWorkspaces, Token: c.target.Token})
	if err != nil {
		return nil, err
	}
	if err := c.admitted(name, r); err != nil {
		return nil, err
	}
	var all []shown
	if err := json.Unmarshal(r.Body, &all); err != nil {
		return nil, &CallError{Call: name, Why: fmt.Sprintf("speaks another version of the wire: it is no array of workspaces (%v)", err)}
	}
	for _, w := range all {
		if why := strange(w); why != "" {
			return nil, &CallError{Call: name, Why: "speaks another version of the wire: " + why}
		}
	}
	return all, nil
}

// admitted returns an error where an operator's call was not let in, or found nobody.
func (c *client) admitted(name string, r agent.Response) error {
	switch {
	case r.Code == http.StatusUnauthorized || r.Code == http.StatusForbidden:
		with := "the token that it was given"
		if c.target.Token == "" {
			with = "a call without a token: give it one"
		}
		return &CallError{Call: name, Why: fmt.Sprintf("answered %d: it refuses %s", r.Code, with)}
	case r.Code/100 == 2:
		return nil
	case r.Code == http.StatusNotFound && c.target.OrgID == "":
		return &CallError{Call: name, Why: "answered 404: it wants an organisation's id (--org-id), or speaks another version of the wire"}
	case r.Code == http.StatusNotFound:
		return &CallError{Call: name, Why: fmt.Sprintf("answered 404: it does not know the organisation %q (--org-id), or speaks another version of the wire", c.target.OrgID)}
	case r.Code == http.StatusTooManyRequests:
		return &CallError{Call: name, Why: "answered 429: its limit on calls is used up, and it asks to wait " + waitAsked(r.RetryAfter).String()}
	default:
		return &CallError{Call: name, Why: fmt.Sprintf("answered %d%s", r.Code, said(r.Body))}
	}
}

// said adds what a refusal says.
func said(body []byte) string {
	var e wire.Error
	if json.Unmarshal(body, &e) == nil && e.Error != "" {
		return ": " + strings.TrimSpace(e.Error)
	}
	return ""
}

// strange says in which way a workspace is shown as the wire does not have it.
func strange(w shown) string {
	if w.ID == "" {
		return "a workspace has no id"
	}
	var s lifecycle.Status
	if err := s.UnmarshalText([]byte(w.Status)); err != nil || s == lifecycle.None {
		return fmt.Sprintf("a workspace is said to be %q, which is no status", w.Status)
	}
	return ""
}
