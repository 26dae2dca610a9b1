package contract

// Who may make a call.
const (
	Anybody   = "anybody"
	Admin     = "admin"     // with the admin token; anybody where none is set
	Workspace = "workspace" // with the workspace's token, or the admin token
	Agent     = "agent"     // with the workspace's token; anybody until there is one
)

// Call is one call of the wire, and what may be answered to it.
type Call struct {
	Name   string `json:"name"`
	Method string `json:"method"`
	Path   string `json:"path"` // {id} is the workspace's
	By     string `json:"by"`
	// Writes says that the call may change what is stored. Whatever is refused changes nothing.
	Writes bool `json:"writes,omitempty"`
	Codes  Codes
}

// Codes are the answers that a call may get, by why it gets them. An empty list says that the case cannot arise.
type Codes struct {
	Granted []int `json:"granted"`
	// Stranger is for who may not make the call; Unknown for a workspace that nobody created; Removed for one that is removed.
	Stranger []int `json:"stranger,omitempty"`
	Unknown  []int `json:"unknown,omitempty"`
	Removed  []int `json:"removed,omitempty"`
	// Conflict is for a workspace that is where the call does not apply.
	Conflict []int `json:"conflict,omitempty"`
}

var (
	unauthorized = []int{401}
	notFound     = []int{404}
	// A removed workspace's agent may be answered either: it has to stop in both cases.
	gone = []int{404, 410}
)

var calls = []Call{
	{"create", "POST", "/workspaces", Admin, true, Codes{Granted: []int{201}, Stranger: unauthorized}},
	{"list", "GET", "/workspaces", Admin, false, Codes{Granted: []int{200}, Stranger: unauthorized}},
	{"get", "GET", "/workspaces/{id}", Anybody, false, Codes{Granted: []int{200}, Unknown: notFound}},
	{"state", "GET", "/workspaces/{id}/state", Workspace, false, Codes{
		Granted: []int{200}, Stranger: unauthorized, Unknown: notFound, Removed: notFound,
	}},
	{"delete", "DELETE", "/workspaces/{id}", Admin, true, Codes{
		Granted: []int{200}, Stranger: unauthorized, Unknown: notFound, Conflict: []int{409},
	}},
	{"restart", "POST", "/workspaces/{id}/restart", Workspace, true, Codes{
		Granted: []int{200}, Stranger: unauthorized, Unknown: notFound, Removed: notFound, Conflict: []int{409},
	}},
	{"pause", "POST", "/workspaces/{id}/pause", Workspace, true, Codes{
		Granted: []int{200}, Stranger: unauthorized, Unknown: notFound, Removed: notFound, Conflict: []int{404, 409},
	}},
	{"resume", "POST", "/workspaces/{id}/resume", Workspace, true, Codes{
		Granted: []int{200}, Stranger: unauthorized, Unknown: notFound, Removed: notFound, Conflict: []int{404, 409},
	}},
	{"hibernate", "POST", "/workspaces/{id}/hibernate", Workspace, true, Codes{
		Granted: []int{200}, Stranger: unauthorized, Unknown: notFound, Removed: notFound, Conflict: []int{404, 409},
	}},
	{"register", "POST", "/registry/register", Agent, true, Codes{
		Granted: []int{200}, Stranger: unauthorized, Unknown: notFound, Removed: gone,
	}},
	{"heartbeat", "POST", "/registry/heartbeat", Agent, true, Codes{
		Granted: []int{200}, Stranger: unauthorized, Unknown: notFound, Removed: gone,
	}},
	{"update-card", "POST", "/registry/update-card", Agent, true, Codes{
		Granted: []int{200}, Stranger: unauthorized, Unknown: notFound, Removed: gone,
	}},
	{"bootstrap-failed", "POST", "/admin/workspaces/{id}/bootstrap-failed", Admin, true, Codes{
		Granted: []int{200}, Stranger: unauthorized, Unknown: notFound,
	}},
	{"events", "GET", "/events/{id}", Admin, false, Codes{Granted: []int{200}, Stranger: unauthorized}},
	{"health", "GET", "/health", Anybody, false, Codes{Granted: []int{200}}},
}

// Call returns the call of the name.
func (c *Contract) Call(name string) (Call, bool) {
	for _, call := range c.Calls {
		if call.Name == name {
			return call, true
		}
	}
	return Call{}, false
}
