package operator

import (
	jsonv2 "github.com/go-json-experiment/json"

	"github.com/bootrace/bootrace/controller/wire"
	"github.com/bootrace/bootrace/harness/agent"
)

// ReadReply reads from a reply what it claims of the workspace's status, and whether it hands out a credential.
func ReadReply(call string, r agent.Response) (says string, token bool) {
	if r.Code/100 != 2 {
		return "", false
	}
	switch call {
	case "create", "delete", "restart", "hibernate", "state", "get":
		var reply struct {
			Status     string           `json:"status"`
			Connection *wire.Connection `json:"connection"`
		}
		if jsonv2.Unmarshal(r.Body, &reply) == nil {
			return reply.Status, reply.Connection != nil && reply.Connection.AuthToken != ""
		}
	case "pause":
		var reply wire.PauseReply
		if jsonv2.Unmarshal(r.Body, &reply) == nil && reply.PausedCount > 0 {
			return "paused", false
		}
	case "register":
		var reply wire.RegisterReply
		if jsonv2.Unmarshal(r.Body, &reply) == nil {
			return "", reply.AuthToken != ""
		}
	}
	return "", false
}
