package wire

import (
	"encoding/json"
	"strings"
	"time"
)

// Paths of the calls that carry no workspace in them.
const (
	PathWorkspaces = "/workspaces"
	PathRegister   = "/registry/register"
	PathHeartbeat  = "/registry/heartbeat"
	PathUpdateCard = "/registry/update-card"
	PathEvents     = "/events"
	PathHealth     = "/health"
	PathMetrics    = "/metrics"
)

// Names of the environment variables that a machine's agent is booted with.
const (
	EnvWorkspaceID = "WORKSPACE_ID"
	EnvPlatformURL = "PLATFORM_URL"
	EnvToken       = "WORKSPACE_AUTH_TOKEN" //nolint:gosec // the variable's name
)

// Wedged is the runtime_state of an agent whose runtime is stuck.
const Wedged = "wedged"

// Error is the body of every error reply.
type Error struct {
	Error string `json:"error"`
}

// CreateRequest is the body of POST /workspaces.
type CreateRequest struct {
	Name     string            `json:"name"`
	Runtime  string            `json:"runtime,omitempty"`
	Model    string            `json:"model,omitempty"`
	Tier     int               `json:"tier,omitempty"`
	Template string            `json:"template,omitempty"`
	ParentID string            `json:"parent_id,omitempty"`
	External bool              `json:"external,omitempty"`
	URL      string            `json:"url,omitempty"`
	Secrets  map[string]string `json:"secrets,omitempty"`
}

// CreateReply is the reply to POST /workspaces.
type CreateReply struct {
	ID         string      `json:"id"`
	External   bool        `json:"external,omitempty"`
	Status     string      `json:"status"`
	Connection *Connection `json:"connection,omitempty"`
}

// Connection tells the agent of an external workspace where and how to call in.
type Connection struct {
	WorkspaceID       string `json:"workspace_id"`
	PlatformURL       string `json:"platform_url"`
	RegistryEndpoint  string `json:"registry_endpoint"`
	HeartbeatEndpoint string `json:"heartbeat_endpoint"`
	AuthToken         string `json:"auth_token"`
}

// Workspace is one workspace in the replies of GET /workspaces and GET /workspaces/{id}.
type Workspace struct {
	ID            string          `json:"id"`
	Name          string          `json:"name"`
	Status        string          `json:"status"`
	Runtime       string          `json:"runtime"`
	Model         string          `json:"model,omitempty"`
	Tier          int             `json:"tier,omitempty"`
	ParentID      string          `json:"parent_id,omitempty"`
	External      bool            `json:"external,omitempty"`
	Incarnation   int             `json:"incarnation"`
	AgentCard     json.RawMessage `json:"agent_card"`
	URL           string          `json:"url"`
	ActiveTasks   int             `json:"active_tasks"`
	CurrentTask   string          `json:"current_task,omitempty"`
	UptimeSeconds int64           `json:"uptime_seconds"`
	LastErrorRate float64         `json:"last_error_rate"`
	SampleError   string          `json:"last_sample_error,omitempty"`
	RuntimeState  string          `json:"runtime_state,omitempty"`
	FailureCause  string          `json:"failure_cause,omitempty"`
	LastHeartbeat *time.Time      `json:"last_heartbeat_at,omitempty"`
	CreatedAt     time.Time       `json:"created_at"`
	UpdatedAt     time.Time       `json:"updated_at"`
}

// State is the reply to GET /workspaces/{id}/state.
type State struct {
	WorkspaceID string `json:"workspace_id"`
	Status      string `json:"status"`
	Paused      bool   `json:"paused"`
	Deleted     bool   `json:"deleted"`
}

// StatusReply is the reply of the calls that only tell a status.
type StatusReply struct {
	Status string `json:"status"`
}

// PauseReply is the reply to POST /workspaces/{id}/pause: the workspace and those below it.
type PauseReply struct {
	PausedCount int `json:"paused_count"`
}

// ResumeReply is the reply to POST /workspaces/{id}/resume: the workspace and those below it.
type ResumeReply struct {
	ResumedCount int `json:"resumed_count"`
}

// RegisterRequest is the body of POST /registry/register.
type RegisterRequest struct {
	ID        string          `json:"id"`
	URL       string          `json:"url"`
	AgentCard json.RawMessage `json:"agent_card"`
}

// RegisterReply is the reply to it. AuthToken is set where the call minted one.
type RegisterReply struct {
	Status    string `json:"status"`
	AuthToken string `json:"auth_token,omitempty"`
}

// Heartbeat is the body of POST /registry/heartbeat.
type Heartbeat struct {
	WorkspaceID   string  `json:"workspace_id"`
	ErrorRate     float64 `json:"error_rate"`
	SampleError   string  `json:"sample_error"`
	ActiveTasks   int     `json:"active_tasks"`
	UptimeSeconds int64   `json:"uptime_seconds"`
	CurrentTask   string  `json:"current_task"`
	RuntimeState  string  `json:"runtime_state"`
}

// UpdateCardRequest is the body of POST /registry/update-card.
type UpdateCardRequest struct {
	WorkspaceID string          `json:"workspace_id"`
	AgentCard   json.RawMessage `json:"agent_card"`
}

// BootstrapFailedRequest is the body of POST /admin/workspaces/{id}/bootstrap-failed.
type BootstrapFailedRequest struct {
	Error   string `json:"error"`
	LogTail string `json:"log_tail"`
}

// BootstrapFailedReply is the reply to it. NoChange is set where the workspace was not provisioning.
type BootstrapFailedReply struct {
	OK       bool `json:"ok"`
	NoChange bool `json:"no_change,omitempty"`
}

// Event is one entry of GET /events.
type Event struct {
	EventType   string       `json:"event_type"`
	WorkspaceID string       `json:"workspace_id"`
	Payload     EventPayload `json:"payload"`
	CreatedAt   time.Time    `json:"created_at"`
}

// EventPayload is what the reference controller says of a transition.
type EventPayload struct {
	Event       string `json:"event"`
	From        string `json:"from"`
	To          string `json:"to"`
	Incarnation int    `json:"incarnation"`
	Cause       string `json:"cause,omitempty"`
}

// EventType is the event_type of an entry that reports a workspace's move to the status.
func EventType(status string) string { return "WORKSPACE_" + strings.ToUpper(status) }
