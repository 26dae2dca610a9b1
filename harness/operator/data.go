package operator

import (
	"bytes"
	"encoding/json"
	"strconv"
	"time"

	jsonv2 "github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/bootrace/bootrace/controller/cloud"
	"github.com/bootrace/bootrace/controller/wire"
	"github.com/bootrace/bootrace/harness/agent"
	"github.com/bootrace/bootrace/harness/history"
)

// What calls send to be kept and what replies show, as a history has it: by the names of the wire's replies, so that what was
// sent can be compared with what is shown.

// Sent returns what the request sends to be kept.
func Sent(q agent.Request) string {
	var f history.Fields
	switch q.Call {
	case "create":
		var c wire.CreateRequest
		if jsonv2.Unmarshal(q.Body, &c) == nil {
			f.Add("name", c.Name)
			f.Add("runtime", c.Runtime)
			f.Add("model", c.Model)
			f.Add("template", c.Template)
			f.Add("tier", number(int64(c.Tier)))
			f.Add("parent_id", c.ParentID)
			f.Add("external", truth(c.External))
			f.Add("url", c.URL)
		}
	case "register":
		var r wire.RegisterRequest
		if jsonv2.Unmarshal(q.Body, &r) == nil {
			f.Add("url", r.URL)
			f.Add("agent_card", card(r.AgentCard))
		}
	case "update-card":
		var r wire.UpdateCardRequest
		if jsonv2.Unmarshal(q.Body, &r) == nil {
			f.Add("agent_card", card(r.AgentCard))
		}
	case "heartbeat":
		var h wire.Heartbeat
		if jsonv2.Unmarshal(q.Body, &h) == nil {
			beat(&f, h.ErrorRate, h.SampleError, h.ActiveTasks, h.CurrentTask, h.RuntimeState)
			if f.String() == "" {
				f.Add("active_tasks", "0") // that it says nothing of note is something, too
			}
		}
	case "hibernate":
		f.Add("force", strconv.FormatBool(Forced(q)))
	case "bootstrap-failed":
		var b wire.BootstrapFailedRequest
		if jsonv2.Unmarshal(q.Body, &b) == nil {
			f.Add("error", b.Error)
			f.Add("log_tail", b.LogTail)
		}
	}
	return f.String()
}

func beat(f *history.Fields, rate float64, sample string, tasks int, task, state string) {
	f.Add("active_tasks", number(int64(tasks)))
	f.Add("current_task", task)
	if rate != 0 {
		f.Add("last_error_rate", strconv.FormatFloat(rate, 'g', -1, 64))
	}
	f.Add("last_sample_error", sample)
	f.Add("runtime_state", state)
}

// Shown returns what a reply shows of a workspace. Times are in microseconds since the epoch of the run; where that is not known
// they are left out.
func Shown(w *wire.Workspace, epoch time.Time) string {
	var f history.Fields
	f.Add("name", w.Name)
	f.Add("runtime", w.Runtime)
	f.Add("model", w.Model)
	f.Add("tier", number(int64(w.Tier)))
	f.Add("parent_id", w.ParentID)
	f.Add("external", truth(w.External))
	f.Add("incarnation", number(int64(w.Incarnation)))
	f.Add("url", w.URL)
	f.Add("agent_card", card(w.AgentCard))
	beat(&f, w.LastErrorRate, w.SampleError, w.ActiveTasks, w.CurrentTask, w.RuntimeState)
	f.Add("uptime_seconds", number(w.UptimeSeconds))
	f.Add("failure_cause", w.FailureCause)
	at := func(name string, t time.Time) {
		if !t.IsZero() && !epoch.IsZero() {
			f.Add(name, number(t.Sub(epoch).Microseconds()))
		}
	}
	if w.LastHeartbeat != nil {
		at("last_heartbeat_at", *w.LastHeartbeat)
	}
	at("created_at", w.CreatedAt)
	at("updated_at", w.UpdatedAt)
	return f.String()
}

// Launched returns what a launch is asked for with.
func Launched(spec *cloud.Spec) string {
	var f history.Fields
	f.Add("name", spec.Name)
	f.Add("runtime", spec.Runtime)
	f.Add("model", spec.Model)
	f.Add("template", spec.Template)
	f.Add("tier", number(int64(spec.Tier)))
	return f.String()
}

// shownState returns what GET …/state says beside the status.
func shownState(s *wire.State) string {
	var f history.Fields
	f.Add("paused", strconv.FormatBool(s.Paused))
	f.Add("deleted", strconv.FormatBool(s.Deleted))
	return f.String()
}

func number(n int64) string {
	if n == 0 {
		return ""
	}
	return strconv.FormatInt(n, 10)
}

func truth(b bool) string {
	if b {
		return "true"
	}
	return ""
}

// card brings an agent's card to one form: stores keep the value, not its spaces or the order of its keys.
func card(raw json.RawMessage) string {
	if len(raw) == 0 || string(raw) == "null" {
		return ""
	}
	v := jsontext.Value(bytes.Clone(raw))
	if v.Canonicalize() != nil {
		return string(raw) // it is no JSON, and is shown as it is
	}
	if string(v) == "{}" {
		return "" // an empty card says as much as none
	}
	return string(v)
}
