package agent

import (
	"encoding/json"
	"net/http"
	"strconv"
	"time"

	"github.com/bootrace/bootrace/controller/wire"
)

// Request is one HTTP call, as a world carries it out.
type Request struct {
	Call   string // its name in histories and scenarios
	Method string
	Path   string
	Token  string // bearer; empty for none
	Body   []byte
}

// Response is the answer to it. Body must not be kept.
type Response struct {
	Code       int
	Body       []byte
	RetryAfter string
}

// World is what an agent lives in.
type World interface {
	// Sleep returns after d, or reports false when the agent has to stop.
	Sleep(d time.Duration) bool
	// Call carries out the request. An error means that no answer came; the call may have taken effect.
	Call(Request) (Response, error)
	// Report is how the agent feels at the moment.
	Report() Report
	// Uptime is how long the agent has run.
	Uptime() time.Duration
}

// Report is what a heartbeat says beside being one.
type Report struct {
	ErrorRate   float64
	SampleError string
	ActiveTasks int
	Wedged      bool
}

// Config is what an agent is started with.
type Config struct {
	WorkspaceID string
	Token       string // empty where its first register has to earn one
	URL         string // where it claims to serve
	Interval    time.Duration
	// SkipRegister has the agent heartbeat without registering first.
	SkipRegister bool
	// Swallow takes every 4xx for success: a defect that agents have been seen with.
	Swallow bool
}

// Times of an agent. The contract gives the heartbeat's interval and its time-out; these are assumptions.
const (
	registerRetryMin = 2 * time.Second
	registerRetryMax = 30 * time.Second
	firstBeatAfter   = 200 * time.Millisecond
)

// card is the agent card that every agent of the harness sends.
var card = json.RawMessage(`{"name":"bootrace agent","version":"1"}`)

// Run is the agent's life. It returns when the agent has to stop, or its workspace is gone.
func Run(w World, c Config) {
	a := &agent{World: w, Config: c}
	if !c.SkipRegister && (!a.register() || !w.Sleep(firstBeatAfter)) {
		return
	}
	for a.beat() {
	}
}

type agent struct {
	World
	Config
	earned bool // the token, by a register
	body   []byte
}

// register introduces the agent, for as long as it takes. It reports false when the agent has to stop.
func (a *agent) register() bool {
	body, err := json.Marshal(wire.RegisterRequest{ID: a.WorkspaceID, URL: a.URL, AgentCard: card})
	if err != nil {
		panic(err) // strings and a constant card always marshal
	}
	for wait := registerRetryMin; ; wait = min(2*wait, registerRetryMax) {
		r, err := a.Call(Request{
			Call: "register", Method: http.MethodPost, Path: wire.PathRegister, Token: a.Token, Body: body,
		})
		pause := wait
		if err == nil && a.Swallow && r.Code/100 == 4 {
			return true
		}
		switch {
		case err != nil:
		case r.Code == http.StatusOK:
			var reply wire.RegisterReply
			if json.Unmarshal(r.Body, &reply) == nil && reply.AuthToken != "" {
				a.Token, a.earned = reply.AuthToken, true
			}
			return true
		case r.Code == http.StatusUnauthorized && a.earned:
			// A register of ours that was held up on its way can be answered after a later one, and the token that it
			// minted then is the one that counts, though nobody ever saw it. Whoever has used none may register anew.
			a.Token, a.earned = "", false
		case gone(r.Code):
			return false
		case r.Code == http.StatusTooManyRequests:
			pause = retryAfter(r, wait)
		}
		if !a.Sleep(pause) {
			return false
		}
	}
}

// beat sends one heartbeat and sleeps until the next is due. It reports false when the agent has to stop.
func (a *agent) beat() bool {
	report := a.Report()
	b := wire.Heartbeat{
		WorkspaceID: a.WorkspaceID, ErrorRate: report.ErrorRate, SampleError: report.SampleError,
		ActiveTasks: report.ActiveTasks, UptimeSeconds: int64(a.Uptime() / time.Second),
	}
	if report.Wedged {
		b.RuntimeState = wire.Wedged
	}
	a.body = appendHeartbeat(a.body[:0], &b)
	r, err := a.Call(Request{
		Call: "heartbeat", Method: http.MethodPost, Path: wire.PathHeartbeat, Token: a.Token, Body: a.body,
	})
	pause := a.Interval
	switch {
	case err != nil || a.Swallow && r.Code/100 == 4:
	case gone(r.Code):
		return false
	case r.Code == http.StatusUnauthorized:
		return a.Sleep(registerRetryMin) && a.register() && a.Sleep(firstBeatAfter)
	case r.Code == http.StatusTooManyRequests:
		pause = retryAfter(r, pause)
	}
	return a.Sleep(pause)
}

func gone(code int) bool { return code == http.StatusNotFound || code == http.StatusGone }

// retryAfter is how long a 429 asks to wait, in seconds as its Retry-After header gives it, or the fallback.
func retryAfter(r Response, fallback time.Duration) time.Duration {
	if s, err := strconv.Atoi(r.RetryAfter); err == nil && s >= 0 {
		return time.Duration(s) * time.Second
	}
	return fallback
}

// appendHeartbeat appends the body as encoding/json encodes it. Heartbeats are nearly all that a simulation does, and
// reflection would be a tenth of it.
func appendHeartbeat(b []byte, h *wire.Heartbeat) []byte {
	b = append(b, `{"workspace_id":"`...)
	b = append(b, h.WorkspaceID...) // a UUID, so nothing to escape
	b = append(b, `","error_rate":`...)
	b = strconv.AppendFloat(b, h.ErrorRate, 'f', -1, 64)
	b = append(b, `,"sample_error":`...)
	b = strconv.AppendQuote(b, h.SampleError)
	b = append(b, `,"active_tasks":`...)
	b = strconv.AppendInt(b, int64(h.ActiveTasks), 10)
	b = append(b, `,"uptime_seconds":`...)
	b = strconv.AppendInt(b, h.UptimeSeconds, 10)
	b = append(b, `,"current_task":`...)
	b = strconv.AppendQuote(b, h.CurrentTask)
	b = append(b, `,"runtime_state":`...)
	b = strconv.AppendQuote(b, h.RuntimeState)
	return append(b, '}')
}
