package standalone

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/bootrace/bootrace/harness/agent"
	"github.com/bootrace/bootrace/harness/preflight"
)

// Times of the agent, in the contract's time: how long it waits for an answer of its controller, and before it tries a
// preflight again that was refused.
const (
	callTimeout    = 10 * time.Second
	preflightRetry = 10 * time.Second
)

// maxReply is as much of an answer as is read.
const maxReply = 1 << 20

// Run is the agent's life. It returns nil when ctx is done or the workspace is gone, and an error only where the
// configuration makes no sense.
func Run(ctx context.Context, c Config) error {
	if err := c.Validate(); err != nil {
		return err
	}
	c = c.withDefaults()
	w := &world{Config: c, ctx: ctx, client: &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 1}}, seen: map[string]string{}}
	defer w.client.CloseIdleConnections()
	c.Log.Info("booting", "workspace", c.WorkspaceID, "controller", c.PlatformURL)
	if !w.preflight() {
		return nil
	}
	w.started = time.Now()
	agent.Run(w, agent.Config{WorkspaceID: c.WorkspaceID, Token: c.Token, URL: c.URL, Interval: c.Interval})
	if ctx.Err() == nil {
		c.Log.Info("the workspace is gone: nothing is left to do")
	}
	return nil
}

// world is real time, and a controller over HTTP.
type world struct {
	Config
	ctx     context.Context //nolint:containedctx // it is the agent's life, and agent.World has no other place for it
	client  *http.Client
	started time.Time         // the agent, after its preflight
	seen    map[string]string // what last came of each call
}

// real is how long the contract's time takes here.
func (w *world) real(d time.Duration) time.Duration { return time.Duration(float64(d) / w.Speed) }

// preflight asks the provider for a completion until it is answered, or reports false where the agent has to stop.
func (w *world) preflight() bool {
	if w.LLM == "" {
		return true
	}
	began := time.Now()
	q := preflight.Question{Base: w.LLM, Provider: w.Provider, Workspace: w.WorkspaceID, Key: w.Key}
	for {
		err := preflight.Ask(w.ctx, w.client, q)
		if err == nil {
			w.Log.Info("preflight passed", "provider", w.Provider, "took", time.Since(began).Round(time.Millisecond))
			return true
		}
		if w.ctx.Err() == nil {
			w.Log.Warn("preflight failed; it is tried again", "provider", w.Provider, "error", err)
		}
		if !w.Sleep(preflightRetry) {
			return false
		}
	}
}

// Sleep implements agent.World.
func (w *world) Sleep(d time.Duration) bool {
	t := time.NewTimer(w.real(d))
	defer t.Stop()
	select {
	case <-t.C:
		return w.ctx.Err() == nil
	case <-w.ctx.Done():
		return false
	}
}

// Call implements agent.World.
func (w *world) Call(q agent.Request) (agent.Response, error) {
	r, err := w.call(q)
	outcome := fmt.Sprint(r.Code)
	if err != nil {
		outcome = "no answer"
	}
	if w.seen[q.Call] != outcome && w.ctx.Err() == nil { // what stays as it is would only fill the log
		w.seen[q.Call] = outcome
		if err != nil {
			w.Log.Warn(q.Call, "error", err)
		} else {
			w.Log.Info(q.Call, "answered", outcome)
		}
	}
	return r, err
}

func (w *world) call(q agent.Request) (agent.Response, error) {
	ctx, cancel := context.WithTimeout(w.ctx, w.real(callTimeout))
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, q.Method, w.PlatformURL+q.Path, bytes.NewReader(q.Body))
	if err != nil {
		return agent.Response{}, err
	}
	r.Header.Set("Content-Type", "application/json")
	if q.Token != "" {
		r.Header.Set("Authorization", "Bearer "+q.Token)
	}
	reply, err := w.client.Do(r)
	if err != nil {
		return agent.Response{}, err
	}
	defer reply.Body.Close() //nolint:errcheck // it is read
	body, err := io.ReadAll(io.LimitReader(reply.Body, maxReply))
	if err != nil {
		return agent.Response{}, err
	}
	return agent.Response{Code: reply.StatusCode, Body: body, RetryAfter: reply.Header.Get("Retry-After")}, nil
}

// Report implements agent.World: it is well.
func (w *world) Report() agent.Report { return agent.Report{} }

// Uptime implements agent.World.
func (w *world) Uptime() time.Duration {
	return time.Duration(float64(time.Since(w.started)) * w.Speed)
}
