package dialect

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"cel.dev/cel-go/cel"

	"github.com/bootrace/bootrace/controller/lifecycle"
)

// names are the calls that a file may have, and required those that it must.
var (
	names = []string{
		Health, List, Get, Events, Create, Delete, Clean, Restart, Pause, Resume, Hibernate, BootstrapFailed, Register, Heartbeat,
	}
	required = []string{List, Get, Create, Delete, Register, Heartbeat}
)

// spoken is a dialect of a file.
type spoken struct {
	spec      Spec
	statuses  map[string]lifecycle.Status
	workspace shownBy
	calls     map[string]*call
	said      *expr
	hints     []hintSaid
	where     Place // of the statuses, and of the words
	words     Place
}

// shownBy are the expressions of a workspace.
type shownBy struct{ id, name, status, incarnation, cause *expr }

type hintSaid struct {
	when *expr
	say  *text
}

type call struct {
	steps []*step
	read  struct{ workspaces, more, workspace, entries, id, status, token, count *expr }
	entry struct{ kind, workspace, at, to, cause *expr }
}

type step struct {
	name    string
	when    *expr
	method  string
	path    *text
	headers []header
	body    tree // nil for none
	reply   string
	replies map[int]int
	expect  any
	keep    map[string]*expr
}

type header struct {
	name string
	text *text
}

// Load reads a dialect's file. The name is the file's, for messages. The error is Problems.
func Load(name string, text []byte) (Dialect, error) {
	s, problems := read(name, text)
	if problems == nil {
		problems = s.conform()
	}
	if len(problems) > 0 {
		return nil, problems.sorted()
	}
	f, err := s.file()
	if err != nil {
		return nil, Problems{{Place: Place{name, 1, 1}, What: err.Error()}}
	}
	l := loader{source: s, file: f, d: &spoken{statuses: map[string]lifecycle.Status{}, calls: map[string]*call{}}}
	l.load()
	if len(l.problems) > 0 {
		return nil, l.problems.sorted()
	}
	return l.d, nil
}

// loader makes a dialect of a file, and notes what is wrong with it.
type loader struct {
	*source
	file     *file
	d        *spoken
	problems Problems
}

func (l *loader) add(at, what, way string) {
	l.problems = append(l.problems, Problem{l.place(at), what, way})
}

func (l *loader) load() {
	f, d := l.file, l.d
	d.where, d.words = l.key("/statuses"), l.key("/calls/events")
	d.spec = Spec{
		Name: f.Dialect, About: f.About, Lacks: f.Lacks, External: f.External, ControlPlane: f.ControlPlane, NeverGivesUp: f.NeverGivesUp,
		Params: map[string]Param{}, Words: map[string]lifecycle.Status{},
		Times: Times{
			Budget: f.Times.Budget.of(), TTL: f.Times.TTL.of(), ExternalTTL: f.Times.ExternalTTL.of(), Heartbeat: f.Times.Heartbeat.of(),
			ProvisionSweep: f.Times.ProvisionSweep.of(), LivenessSweep: f.Times.LivenessSweep.of(),
		},
	}
	for name, p := range f.Params {
		d.spec.Params[name] = Param(p)
		if !identifier.MatchString(name) {
			l.problems = append(l.problems, Problem{l.key("/params/" + escape(name)), fmt.Sprintf("a parameter is called %q", name), "use small letters, digits and _"})
		}
	}
	for word, status := range f.Statuses {
		d.statuses[word] = statusOf(status)
	}
	in := l.scope()
	it := in.with(map[string]*cel.Type{"it": cel.DynType})
	d.workspace = shownBy{
		l.expr("/workspace/id", f.Workspace.ID, it), l.expr("/workspace/name", f.Workspace.Name, it), l.expr("/workspace/status", f.Workspace.Status, it),
		l.expr("/workspace/incarnation", f.Workspace.Incarnation, it), l.expr("/workspace/cause", f.Workspace.Cause, it),
	}
	replied := in.with(repliedVars).with(map[string]*cel.Type{"call": cel.StringType})
	d.said = l.expr("/error", f.Error, replied)
	for i, h := range f.Hints {
		at := fmt.Sprintf("/hints/%d", i)
		d.hints = append(d.hints, hintSaid{l.expr(at+"/when", h.When, replied), l.text(at+"/say", h.Say, replied)})
	}
	for _, name := range names {
		if c, ok := f.Calls[name]; ok {
			d.spec.Calls = append(d.spec.Calls, name)
			d.calls[name] = l.call(name, &c, in)
		}
	}
	d.spec.OnlyCreateTells = f.Calls[Create].Read.Token != "" && f.Calls[Register].Read.Token == ""
	d.spec.Holds = f.Calls[Heartbeat].Holds.of()
	l.whole()
}

// whole checks what belongs together.
func (l *loader) whole() {
	calls := l.file.Calls
	if (calls[Pause].path() == "") != (calls[Resume].path() == "") && calls[Hibernate].path() == "" {
		l.add("/calls", "there is one of pause and resume", "give both or neither")
	}
	if calls[Hibernate].path() != "" && calls[Resume].path() == "" {
		l.add("/calls/hibernate", "what hibernates cannot be woken", "add calls.resume")
	}
	need := map[string]string{"/calls/list/read/workspaces": calls[List].Read.Workspaces, "/calls/create/read/id": calls[Create].Read.ID}
	if _, ok := calls[Events]; ok {
		need["/calls/events/read/entries"] = calls[Events].Read.Entries
		if calls[Events].Entry == nil {
			l.add("/calls/events", "it does not say how an entry is shown", "add entry, with type, workspace and at")
		}
	}
	for _, at := range slices.Sorted(maps.Keys(need)) {
		if need[at] == "" {
			parts := strings.Split(strings.Trim(at, "/"), "/")
			l.add("/calls/"+parts[1], fmt.Sprintf("nothing says where in the reply %s is", parts[3]), "add "+strings.Join(parts, "."))
		}
	}
}

func (c callFile) path() string {
	if len(c.Steps) > 0 {
		return c.Steps[0].Path
	}
	return c.Path
}

func statusOf(word string) lifecycle.Status {
	var s lifecycle.Status
	s.UnmarshalText([]byte(word)) //nolint:errcheck // the schema has the words
	return s
}

// repliedVars are what there is once there was a reply.
var repliedVars = map[string]*cel.Type{"reply": cel.DynType, "code": cel.IntType, "header": cel.MapType(cel.StringType, cel.StringType)}

// scope is what every expression may refer to.
func (l *loader) scope() scope {
	kept := []string{}
	for _, c := range l.file.Calls {
		kept = slices.AppendSeq(kept, maps.Keys(c.Keep))
		for _, s := range c.Steps {
			kept = slices.AppendSeq(kept, maps.Keys(s.Keep))
		}
	}
	return scope{
		vars: map[string]*cel.Type{
			"params": cel.MapType(cel.StringType, cel.DynType), "now": cel.StringType, "token": cel.DynType, "operator_token": cel.DynType,
		},
		fields: map[string][]string{"params": slices.Collect(maps.Keys(l.file.Params)), "kept": kept, "steps": {}},
	}
}

// scopes are what the expressions of a call may refer to beside.
var scopes = map[string]map[string]*cel.Type{
	List: {"page": cel.IntType},
	Create: {
		"name": cel.StringType, "runtime": cel.DynType, "model": cel.DynType, "parent": cel.DynType, "url": cel.DynType, "external": cel.BoolType,
	},
	Hibernate:       {"force": cel.BoolType},
	BootstrapFailed: {"error": cel.StringType, "log": cel.StringType},
	Register:        {"url": cel.StringType, "card": cel.DynType, "kept": cel.MapType(cel.StringType, cel.DynType)},
	Heartbeat: {
		"error_rate": cel.DoubleType, "sample_error": cel.StringType, "active_tasks": cel.IntType, "uptime": cel.IntType, "task": cel.StringType,
		"wedged": cel.BoolType, "kept": cel.MapType(cel.StringType, cel.DynType),
	},
}

// nobodys are the calls that are about no workspace.
var nobodys = []string{Health, List, Events, Create}

func (l *loader) call(name string, f *callFile, in scope) *call {
	at := "/calls/" + name
	in = in.with(scopes[name])
	if !slices.Contains(nobodys, name) {
		in = in.with(map[string]*cel.Type{"id": cel.StringType})
	}
	c := &call{}
	steps := f.Steps
	switch {
	case len(steps) > 0 && f.Path+f.Method != "":
		l.add(at, name+" has a request of its own and steps", "put the request into a step")
	case len(steps) == 0 && (f.Path == "" || f.Method == ""):
		l.add(at, name+" has no request", "give its method and path, or steps")
	case len(steps) == 0:
		c.steps = []*step{l.step(at, name, &f.requestFile, in)}
	}
	inside := in
	for i, s := range steps {
		here := fmt.Sprintf("%s/steps/%d", at, i)
		if s.Path == "" || s.Method == "" {
			l.add(here, "a step has no request", "give its method and path")
			continue
		}
		one := l.step(here, name, &s.requestFile, inside)
		one.name, one.when = s.Name, l.expr(here+"/when", s.When, inside)
		c.steps = append(c.steps, one)
		inside = inside.with(map[string]*cel.Type{"steps": cel.MapType(cel.StringType, cel.DynType)})
		inside.fields = maps.Clone(inside.fields)
		inside.fields["steps"] = append(slices.Clone(inside.fields["steps"]), s.Name)
	}
	done := inside.with(repliedVars)
	r := &c.read
	for _, x := range []struct {
		name, text string
		to         **expr
	}{
		{"workspaces", f.Read.Workspaces, &r.workspaces}, {"more", f.Read.More, &r.more}, {"workspace", f.Read.Workspace, &r.workspace}, {"entries", f.Read.Entries, &r.entries},
		{"id", f.Read.ID, &r.id}, {"status", f.Read.Status, &r.status}, {"token", f.Read.Token, &r.token}, {"count", f.Read.Count, &r.count},
	} {
		*x.to = l.expr(at+"/read/"+x.name, x.text, done)
	}
	if e := f.Entry; e != nil {
		it := in.with(map[string]*cel.Type{"it": cel.DynType})
		c.entry.kind, c.entry.workspace, c.entry.at = l.expr(at+"/entry/type", e.Type, it), l.expr(at+"/entry/workspace", e.Workspace, it), l.expr(at+"/entry/at", e.At, it)
		c.entry.to, c.entry.cause = l.expr(at+"/entry/to", e.To, it), l.expr(at+"/entry/cause", e.Cause, it)
	}
	for word, status := range f.Words {
		l.d.spec.Words[word] = lifecycle.None
		if status != nil {
			l.d.spec.Words[word] = statusOf(*status)
		}
	}
	return c
}

func (l *loader) step(at, call string, f *requestFile, in scope) *step {
	s := &step{method: f.Method, path: l.text(at+"/path", f.Path, in), reply: f.Reply, replies: map[int]int{}, expect: numbered(f.Expect), keep: map[string]*expr{}}
	shared, whose := l.file.Headers.Operator, "operator"
	switch call {
	case Register, Heartbeat:
		shared, whose = l.file.Headers.Agent, "agent"
	case Health:
		shared = nil
	}
	add := func(at string, all map[string]string, in scope) {
		for _, name := range slices.Sorted(maps.Keys(all)) {
			s.headers = append(s.headers, header{name, l.text(at+"/"+escape(name), all[name], in)})
		}
	}
	add("/headers/"+whose, shared, l.scope())
	add(at+"/headers", f.Headers, in)
	if f.Body != nil {
		s.body = l.tree(at+"/body", numbered(f.Body), in)
	}
	for code, meaning := range f.Replies {
		var n int
		fmt.Sscan(code, &n) //nolint:errcheck // the schema has its form
		s.replies[n] = meanings[meaning]
	}
	for name, text := range f.Keep {
		s.keep[name] = l.expr(at+"/keep/"+escape(name), text, in.with(repliedVars))
	}
	return s
}

func (l *loader) expr(at, text string, in scope) *expr {
	if text == "" {
		return nil
	}
	x, p := l.compile(at, text, 0, text, in)
	l.problems = append(l.problems, p...)
	return x
}

func (l *loader) text(at, whole string, in scope) *text {
	t, p := l.template(at, whole, in)
	l.problems = append(l.problems, p...)
	return t
}

// tree is a body: what to send where the variables have those values; nil for nothing.
type tree func(vars) (any, error)

func (l *loader) tree(at string, v any, in scope) tree {
	switch x := v.(type) {
	case map[string]any:
		all := map[string]tree{}
		for k, one := range x {
			all[k] = l.tree(at+"/"+escape(k), one, in)
		}
		return func(v vars) (any, error) {
			out := make(map[string]any, len(all))
			for k, t := range all {
				one, err := t(v)
				if err != nil {
					return nil, err
				}
				if one != nil {
					out[k] = one
				}
			}
			return out, nil
		}
	case []any:
		var all []tree
		for i, one := range x {
			all = append(all, l.tree(fmt.Sprintf("%s/%d", at, i), one, in))
		}
		return func(v vars) (any, error) {
			out := []any{}
			for _, t := range all {
				one, err := t(v)
				if err != nil {
					return nil, err
				}
				if one != nil {
					out = append(out, one)
				}
			}
			return out, nil
		}
	case string:
		t := l.text(at, x, in)
		return func(v vars) (any, error) {
			if t.whole != nil {
				return t.whole.value(v)
			}
			said, ok, err := t.say(v, nil)
			if !ok {
				return nil, err
			}
			return said, nil
		}
	}
	return func(vars) (any, error) { return v, nil }
}
