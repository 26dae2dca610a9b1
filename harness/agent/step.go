package agent

import (
	"encoding/json"
	"net/http"
	"time"

	"github.com/bootrace/bootrace/controller/wire"
)

// StepKind is what an agent does next.
type StepKind uint8

// The kinds of steps.
const (
	Stop     StepKind = iota // it has come to its end
	Sleep                    // for Step.For
	Register                 // call, and give the answer to Answer
	Beat                     // call, and give the answer to Answer
)

// Step is what an agent does next.
type Step struct {
	Kind StepKind
	For  time.Duration
}

// Agent is an agent between two of its steps. It is a plain value: copied, it is a second one that stands at the same
// point, and two that compare equal behave alike. [Run] lives it in a world.
type Agent struct {
	Config
	kind   StepKind      // Register or Beat where it lives, Stop where it does not
	pause  time.Duration // before that
	wait   time.Duration // before the next try, where a register gets no good answer
	earned bool          // the token, by a register
	tried  bool          // to register
}

// New returns an agent at its start.
func New(c Config) Agent {
	a := Agent{Config: c, kind: Register, wait: registerRetryMin}
	if c.SkipRegister || c.RegisterOnce && c.Again {
		a.kind = Beat
	}
	return a
}

// Next returns the next step. After a call, the answer has to be given first.
func (a *Agent) Next() Step {
	if a.pause > 0 && a.kind != Stop {
		d := a.pause
		a.pause = 0
		return Step{Sleep, d}
	}
	return Step{Kind: a.kind}
}

// Call returns the request of the next step, which must be a call, with what the agent says of itself.
func (a *Agent) Call(report Report) Request {
	if a.kind == Register {
		return a.request(registerBody(a.Config))
	}
	return a.request(appendHeartbeat(nil, &wire.Heartbeat{
		WorkspaceID: a.WorkspaceID, ErrorRate: report.ErrorRate, SampleError: report.SampleError, ActiveTasks: report.ActiveTasks,
	}))
}

func (a *Agent) request(body []byte) Request {
	q := Request{Call: "register", Method: http.MethodPost, Path: wire.PathRegister, Token: a.Token, Body: body}
	if a.kind == Beat {
		q.Call, q.Path = "heartbeat", wire.PathHeartbeat
	}
	return q
}

// Answer takes the answer to a call; an error says that none came.
func (a *Agent) Answer(r Response, err error) {
	if a.kind == Register {
		a.registered(r, err)
	} else {
		a.beaten(r, err)
	}
}

func (a *Agent) registered(r Response, err error) {
	pause := a.wait
	once := a.RegisterOnce && !a.tried
	a.tried = a.RegisterOnce // nobody else has to know: two agents that behave alike are to compare equal
	switch {
	case err == nil && (r.Code == http.StatusOK || a.Swallow && r.Code/100 == 4):
		if token := earned(r); token != "" {
			a.Token, a.earned = token, true
		}
		a.kind, a.pause, a.wait = Beat, firstBeatAfter, registerRetryMin
		return
	case once && !a.gone(r.Code): // it beats all the same: a refused beat is what makes it register again
		a.kind, a.pause = Beat, firstBeatAfter
		return
	case err != nil:
	case r.Code == http.StatusUnauthorized && a.earned:
		// A register of ours that was held up on its way can be answered after a later one, and the token that it
		// minted then is the one that counts, though nobody ever saw it. Whoever has used none may register anew.
		a.Token, a.earned = "", false
	case a.gone(r.Code):
		a.kind = Stop
		return
	case r.Code == http.StatusTooManyRequests:
		pause = retryAfter(r, a.wait)
	}
	a.pause, a.wait = pause, min(2*a.wait, registerRetryMax)
}

// gone reports whether the answer's code has the agent come to its end.
func (a *Agent) gone(code int) bool { return gone(code) && !a.IgnoresGone }

// earned returns the token that a register's reply hands over, if it does.
func earned(r Response) string {
	if r.Code != http.StatusOK {
		return ""
	}
	var reply wire.RegisterReply
	if json.Unmarshal(r.Body, &reply) != nil {
		return ""
	}
	return reply.AuthToken
}

func (a *Agent) beaten(r Response, err error) {
	a.pause = a.Interval
	switch {
	case err != nil || a.Swallow && r.Code/100 == 4:
	case a.gone(r.Code):
		a.kind = Stop
	case r.Code == http.StatusUnauthorized:
		a.kind, a.pause, a.wait = Register, registerRetryMin, registerRetryMin
	case r.Code == http.StatusTooManyRequests:
		a.pause = retryAfter(r, a.Interval)
	}
}

// Alive reports whether the agent has not come to its end.
func (a *Agent) Alive() bool { return a.kind != Stop }

// Registers reports whether the next call is a register.
func (a *Agent) Registers() bool { return a.kind == Register }
