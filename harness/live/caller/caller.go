package caller

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"strconv"
	"time"

	"github.com/bootrace/bootrace/harness/agent"
	"github.com/bootrace/bootrace/harness/history"
)

// timeout is how long an agent waits for an answer, in the contract's time: the contract's for heartbeats.
const timeout = 10 * time.Second

// patience is how long everybody else does at least, in real time. The contract gives them no time-out; and whoever tries
// again what only takes long, because the machine is busy, keeps it busy.
const patience = 2 * time.Second

// Caller calls a controller through the gateway, and says who calls.
type Caller struct {
	base    string
	actor   string
	ws, inc string
	client  *http.Client
	timeout time.Duration

	With string // what an intruder's next call is made with: one of package history's
}

// New returns a caller: one of package history's actors, with its workspace and incarnation.
func New(base string, speed float64, actor string, workspace, incarnation int) *Caller {
	c := &Caller{
		base: base, actor: actor, ws: strconv.Itoa(workspace), inc: strconv.Itoa(incarnation),
		client:  &http.Client{Transport: &http.Transport{DisableCompression: true, MaxIdleConnsPerHost: 1}},
		timeout: time.Duration(float64(timeout) / speed),
	}
	if actor != history.ActorAgent {
		c.timeout = max(c.timeout, patience)
	}
	return c
}

// Call carries out a request. An error means that no answer came.
func (c *Caller) Call(q agent.Request) (agent.Response, error) {
	return c.CallContext(context.Background(), q)
}

// CallContext is Call, until ctx is done.
func (c *Caller) CallContext(ctx context.Context, q agent.Request) (agent.Response, error) {
	ctx, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, q.Method, c.base+q.Path, bytes.NewReader(q.Body))
	if err != nil {
		return agent.Response{}, err
	}
	r.Header.Set("Content-Type", "application/json")
	if q.Token != "" {
		r.Header.Set("Authorization", "Bearer "+q.Token)
	}
	for name, value := range map[string]string{
		HeaderActor: c.actor, HeaderCall: q.Call, HeaderWorkspace: c.ws, HeaderIncarnation: c.inc,
		HeaderSent: strconv.FormatInt(time.Now().UnixNano(), 10), HeaderWith: c.With,
	} {
		if value != "" {
			r.Header.Set(name, value)
		}
	}
	reply, err := c.client.Do(r)
	if err != nil {
		return agent.Response{}, err
	}
	defer reply.Body.Close() //nolint:errcheck // it is read
	body, err := io.ReadAll(reply.Body)
	if err != nil {
		return agent.Response{}, err
	}
	return agent.Response{Code: reply.StatusCode, Body: body, RetryAfter: reply.Header.Get("Retry-After")}, nil
}

// Headers by which a caller tells the gateway who it is. They are the history's: no controller goes by them.
const (
	HeaderActor       = "Bootrace-Actor" // one of package history's
	HeaderCall        = "Bootrace-Call"  // as scenarios name it
	HeaderWorkspace   = "Bootrace-Workspace"
	HeaderIncarnation = "Bootrace-Incarnation"
	HeaderSent        = "Bootrace-Sent" // nanoseconds since 1970
	HeaderWith        = "Bootrace-With" // what an intruder calls with
)

// Close gives up the connection that is kept for the next call.
func (c *Caller) Close() { c.client.CloseIdleConnections() }
