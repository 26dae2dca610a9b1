package agent

import (
	"cmp"
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
	Same   bool // a heartbeat that says what the one before it said, but for its uptime
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
	// Call carries out the request. An error means that no answer came; the call may have taken effect. The body is the
	// world's until the answer came, and for good where none did.
	Call(Request) (Response, error)
	// Report is how the agent feels at the moment.
	Report() Report
	// Uptime is how long the agent has run.
	Uptime() time.Duration
}

// Keeper is a world that keeps an agent's token for its next start, as a disk does. A World may be one.
type Keeper interface {
	// Keep is told of the token after every register.
	Keep(token string)
}

// Report is what a heartbeat says beside being one.
type Report struct {
	ErrorRate   float64
	SampleError string
	ActiveTasks int
	CurrentTask string
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
	// RegisterOnce has it try once, whatever comes of that, and only at its first start: Again says that this is another one. A
	// heartbeat that is refused makes every agent register again.
	RegisterOnce, Again bool
	// IgnoresGone has it go on after an answer that says that its workspace is gone.
	IgnoresGone bool
	// Swallow takes every 4xx for success: a defect that agents have been seen with.
	Swallow bool
	// Version is the version that the agent's card gives; that of its updates has a number behind it.
	Version string
	// CardEvery has the agent update its card after every so many heartbeats that were accepted; 0 is never.
	CardEvery int
}

// Times of an agent. The contract gives the heartbeat's interval and its time-out; these are assumptions.
const (
	registerRetryMin = 2 * time.Second
	registerRetryMax = 30 * time.Second
	firstBeatAfter   = 200 * time.Millisecond
)

// card is the agent card that agents of the harness send.
func card(version string, updates int) json.RawMessage {
	if updates > 0 {
		version += "." + strconv.Itoa(updates)
	}
	return json.RawMessage(`{"name":"bootrace agent","version":` + strconv.Quote(cmp.Or(version, "1")) + `}`)
}

// Run is the agent's life. It returns when the agent has to stop, or its workspace is gone.
func Run(w World, c Config) {
	a := New(c)
	var body []byte
	var said Report
	beats, accepted, updates := 0, 0, 0
	for {
		switch step := a.Next(); step.Kind {
		case Stop:
			return
		case Sleep:
			if !w.Sleep(step.For) {
				return
			}
		case Register:
			a.Answer(w.Call(a.request(registerBody(c))))
			if disk, ok := w.(Keeper); ok {
				disk.Keep(a.Token)
			}
		case Beat:
			report := w.Report()
			body = heartbeatBody(body[:0], c, report, w.Uptime())
			q := a.request(body)
			q.Same = beats > 0 && report == said
			beats, said = beats+1, report
			r, err := w.Call(q)
			a.Answer(r, err)
			if err != nil {
				body = nil // the request may still be on its way
			}
			if c.CardEvery > 0 && err == nil && r.Code == http.StatusOK {
				if accepted++; accepted%c.CardEvery == 0 {
					updates++
					w.Call(a.cardUpdate(updates)) //nolint:errcheck // the next update says the same and more
				}
			}
		}
	}
}

func registerBody(c Config) []byte {
	body, err := json.Marshal(wire.RegisterRequest{ID: c.WorkspaceID, URL: c.URL, AgentCard: card(c.Version, 0)})
	if err != nil {
		panic(err) // strings and a constant card always marshal
	}
	return body
}

// cardUpdate is the request that replaces the agent's card.
func (a *Agent) cardUpdate(n int) Request {
	body, err := json.Marshal(wire.UpdateCardRequest{WorkspaceID: a.WorkspaceID, AgentCard: card(a.Version, n)})
	if err != nil {
		panic(err) // strings always marshal
	}
	return Request{Call: "update-card", Method: http.MethodPost, Path: wire.PathUpdateCard, Token: a.Token, Body: body}
}

func heartbeatBody(b []byte, c Config, report Report, uptime time.Duration) []byte {
	h := wire.Heartbeat{
		WorkspaceID: c.WorkspaceID, ErrorRate: report.ErrorRate, SampleError: report.SampleError,
		ActiveTasks: report.ActiveTasks, UptimeSeconds: int64(uptime / time.Second), CurrentTask: report.CurrentTask,
	}
	if report.Wedged {
		h.RuntimeState = wire.Wedged
	}
	return appendHeartbeat(b, &h)
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
