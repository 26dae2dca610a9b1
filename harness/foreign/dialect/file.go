package dialect

import "time"

// file is a dialect as YAML has it. Texts may have placeholders, ${…}, and expressions stand by themselves; both are in CEL.
type file struct {
	Dialect      string              `json:"dialect" jsonschema:"pattern=^[a-z0-9][a-z0-9-]*$,description=Its name."`
	About        string              `json:"about" jsonschema:"minLength=1,description=What speaks it."`
	Params       map[string]param    `json:"params,omitempty" jsonschema:"description=What a target has to say beside its URL: params.NAME in expressions."`
	ControlPlane bool                `json:"control_plane,omitempty" jsonschema:"description=Whether the server asks the control plane of molecule-core for machines."`
	External     bool                `json:"external,omitempty" jsonschema:"description=Whether workspaces can be created whose agents run elsewhere."`
	NeverGivesUp bool                `json:"never_gives_up,omitempty" jsonschema:"description=Whether the server waits for a boot for ever instead of failing it."`
	Lacks        []string            `json:"lacks,omitempty" jsonschema:"enum=provisioning,enum=restart,enum=pause,enum=hibernate,enum=delete,enum=parents,enum=replicas,description=Capabilities that it does not have though it has the calls."`
	Times        times               `json:"times,omitempty" jsonschema:"description=Times of a server that is run as it comes; the contract's where left out."`
	Headers      headers             `json:"headers,omitempty" jsonschema:"description=Headers of every call but health."`
	Statuses     map[string]string   `json:"statuses" jsonschema:"description=The server's words for statuses and what each means."`
	Workspace    shownAs             `json:"workspace" jsonschema:"description=How a workspace is shown; it is one of them."`
	Error        string              `json:"error,omitempty" jsonschema:"description=An expression for why the server refuses."`
	Hints        []hint              `json:"hints,omitempty" jsonschema:"description=What to do about refusals; the first one that applies is told."`
	Calls        map[string]callFile `json:"calls" jsonschema:"description=The calls."`
}

type param struct {
	About    string `json:"about" jsonschema:"minLength=1,description=What it is."`
	Default  string `json:"default,omitempty" jsonschema:"description=What it is where the target does not say."`
	Required bool   `json:"required,omitempty" jsonschema:"description=Whether a target must say it."`
}

type times struct {
	Budget         duration `json:"budget,omitempty" jsonschema:"description=How long a boot may take."`
	TTL            duration `json:"ttl,omitempty" jsonschema:"description=After how long a silence an agent is offline."`
	ExternalTTL    duration `json:"external_ttl,omitempty" jsonschema:"description=The same for external workspaces."`
	Heartbeat      duration `json:"heartbeat,omitempty" jsonschema:"description=How often agents beat."`
	ProvisionSweep duration `json:"provision_sweep,omitempty" jsonschema:"description=How often the server looks for budgets that are over."`
	LivenessSweep  duration `json:"liveness_sweep,omitempty" jsonschema:"description=How often it looks for silences."`
}

// duration is a time such as 30s.
type duration string

func (d duration) of() time.Duration {
	t, _ := time.ParseDuration(string(d)) // the schema has its form
	return t
}

type headers struct {
	Operator map[string]string `json:"operator,omitempty" jsonschema:"description=Of operators' calls."`
	Agent    map[string]string `json:"agent,omitempty" jsonschema:"description=Of register and heartbeat."`
}

// shownAs is how a workspace is shown: expressions in which it is the workspace.
type shownAs struct {
	ID          string `json:"id" jsonschema:"description=Its id."`
	Name        string `json:"name,omitempty" jsonschema:"description=The name that it was created with."`
	Status      string `json:"status" jsonschema:"description=The server's word for its status."`
	Incarnation string `json:"incarnation,omitempty" jsonschema:"description=Which boot of it this is."`
	Cause       string `json:"cause,omitempty" jsonschema:"description=Why it failed."`
}

type hint struct {
	When string `json:"when" jsonschema:"description=An expression over call and code and reply and params."`
	Say  string `json:"say" jsonschema:"description=What to tell; a text."`
}

// callFile is a call: one request, or steps.
type callFile struct {
	requestFile
	Steps []stepFile         `json:"steps,omitempty" jsonschema:"minItems=1,description=Several requests instead of one. One that is refused is the last."`
	Read  readFile           `json:"read,omitempty" jsonschema:"description=What the last reply tells: expressions."`
	Holds duration           `json:"holds,omitempty" jsonschema:"description=Of heartbeat: how long the server holds it before it answers (a long poll)."`
	Entry *entryFile         `json:"entry,omitempty" jsonschema:"description=Of events: how an entry is shown; it is one of them."`
	Words map[string]*string `json:"words,omitempty" jsonschema:"description=Of events: what an entry's type says that the workspace became; null for nothing."`
}

type requestFile struct {
	Method  string            `json:"method,omitempty" jsonschema:"enum=GET,enum=POST,enum=PUT,enum=PATCH,enum=DELETE,description=Its method."`
	Path    string            `json:"path,omitempty" jsonschema:"pattern=^/,description=Its path with query; a text."`
	Headers map[string]string `json:"headers,omitempty" jsonschema:"description=Headers beside those of every call; texts. An absent value leaves the header out."`
	Body    any               `json:"body,omitempty" jsonschema:"description=Its JSON body: any YAML whose texts may have placeholders. What is absent is left out."`
	Reply   string            `json:"reply,omitempty" jsonschema:"enum=json,enum=text,enum=none,default=json,description=What a reply that grants has."`
	Replies map[string]string `json:"replies,omitempty" jsonschema:"description=What codes mean where that is not what HTTP says."`
	Expect  any               `json:"expect,omitempty" jsonschema:"description=What the reply must have for the server to speak this dialect."`
	Keep    map[string]string `json:"keep,omitempty" jsonschema:"description=What the agent's process keeps of the reply: kept.NAME in later calls of it; expressions."`
}

type stepFile struct {
	Name string `json:"name" jsonschema:"pattern=^[a-z_][a-z0-9_]*$,description=Its name: steps.NAME.code and steps.NAME.reply in later steps and in read."`
	When string `json:"when,omitempty" jsonschema:"description=An expression: the step is left out where it is false."`
	requestFile
}

type readFile struct {
	Workspaces string `json:"workspaces,omitempty" jsonschema:"description=Of list: where the workspaces are; an expression for a list."`
	More       string `json:"more,omitempty" jsonschema:"description=Of list: whether there is another page; an expression that is true or false. The path says which with page."`
	Workspace  string `json:"workspace,omitempty" jsonschema:"description=Of get: where the workspace is; reply where left out."`
	Entries    string `json:"entries,omitempty" jsonschema:"description=Of events: where the entries are; an expression for a list."`
	ID         string `json:"id,omitempty" jsonschema:"description=Of create: the id of what was created."`
	Status     string `json:"status,omitempty" jsonschema:"description=The server's word for the status that the reply tells."`
	Token      string `json:"token,omitempty" jsonschema:"description=The agent's token: of register or create or restart or resume."`
	Count      string `json:"count,omitempty" jsonschema:"description=Of pause and resume: how many workspaces they moved."`
}

type entryFile struct {
	Type      string `json:"type" jsonschema:"description=Its word."`
	Workspace string `json:"workspace" jsonschema:"description=The id of the workspace that it is about."`
	At        string `json:"at" jsonschema:"description=When it happened: RFC 3339 or seconds since 1970."`
	To        string `json:"to,omitempty" jsonschema:"description=The server's word for the status that it tells itself."`
	Cause     string `json:"cause,omitempty" jsonschema:"description=Why."`
}

// meanings are what replies' codes can be said to mean, and the contract's codes for that.
var meanings = map[string]int{
	"ok": 200, "bad": 400, "refused": 401, "missing": 404, "conflict": 409, "gone": 410, "limited": 429, "failing": 503,
}
