package operator

import (
	"strconv"
	"strings"
	"time"

	jsonv2 "github.com/go-json-experiment/json"

	"github.com/bootrace/bootrace/controller/wire"
	"github.com/bootrace/bootrace/harness/agent"
)

// ReadReply reads from a reply what it claims of the workspace's status, and whether it hands out a credential.
func ReadReply(call string, r agent.Response) (says string, token bool) {
	says, token, _ = ReadAll(agent.Request{Call: call}, r, time.Time{})
	return says, token
}

// ReadAll is ReadReply with what the reply shows of the workspace, or counts, as a history has it; times are since the epoch.
func ReadAll(q agent.Request, r agent.Response, epoch time.Time) (says string, token bool, data string) {
	if r.Code/100 != 2 {
		return "", false, ""
	}
	switch q.Call {
	case "get":
		var shown wire.Workspace
		if jsonv2.Unmarshal(r.Body, &shown) == nil {
			return shown.Status, false, Shown(&shown, epoch) + another(q, shown.ID)
		}
	case "state":
		var shown wire.State
		if jsonv2.Unmarshal(r.Body, &shown) == nil {
			return shown.Status, false, shownState(&shown) + another(q, shown.WorkspaceID)
		}
	case "create", "delete", "restart", "hibernate":
		var reply struct {
			Status     string           `json:"status"`
			Connection *wire.Connection `json:"connection"`
		}
		if jsonv2.Unmarshal(r.Body, &reply) == nil {
			return reply.Status, reply.Connection != nil && reply.Connection.AuthToken != "", ""
		}
	case "pause":
		var reply wire.PauseReply
		if jsonv2.Unmarshal(r.Body, &reply) == nil {
			if reply.PausedCount > 0 {
				says = "paused"
			}
			return says, false, "count=" + strconv.Itoa(reply.PausedCount)
		}
	case "resume":
		var reply wire.ResumeReply
		if jsonv2.Unmarshal(r.Body, &reply) == nil {
			return "", false, "count=" + strconv.Itoa(reply.ResumedCount)
		}
	case "register":
		var reply wire.RegisterReply
		if jsonv2.Unmarshal(r.Body, &reply) == nil {
			return "", reply.AuthToken != "", ""
		}
	}
	return "", false, ""
}

// another is what a reply shows that is about another workspace than it was asked about.
func another(q agent.Request, id string) string {
	if strings.Contains(q.Path, id) {
		return ""
	}
	return "; another=" + id
}
