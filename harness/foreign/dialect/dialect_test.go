package dialect_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/bootrace/bootrace/controller/lifecycle"
	"github.com/bootrace/bootrace/harness/foreign/dialect"
)

// minimal is a dialect with nothing in it that need not be.
const minimal = `dialect: mine
about: One for tests.
params:
  team: {about: whose it is}
statuses: {UP: online, NEW: provisioning}
workspace:
  id: it.id
  status: it.state
calls:
  list:
    method: GET
    path: /things
    read: {workspaces: reply.things}
  get:
    method: GET
    path: /things/${id}
  create:
    method: POST
    path: /things
    body:
      title: ${name}
      kind: ${runtime}
    read: {id: reply.number}
  delete:
    method: DELETE
    path: /things/${id}
    reply: none
  register:
    method: POST
    path: /things/${id}/hello
    keep: {session: reply.session}
  heartbeat:
    steps:
      - name: hello
        when: "!has(kept.session)"
        method: POST
        path: /things/${id}/hello
        keep: {session: reply.session}
      - name: beat
        method: POST
        path: /sessions/${kept.session}/beat
        replies: {202: ok, 418: gone}
        reply: none
`

// server answers by "METHOD path", and notes what it was asked.
type server struct {
	answers map[string]string // code and body
	asked   []string
}

func (s *server) send(q *http.Request) (*http.Response, error) {
	body, _ := io.ReadAll(q.Body)
	name := q.Method + " " + q.URL.RequestURI()
	s.asked = append(s.asked, strings.TrimSpace(name+" "+string(body)))
	answer, ok := s.answers[name]
	if !ok {
		return nil, errors.New("connection refused")
	}
	code := int(answer[0]-'0')*100 + int(answer[1]-'0')*10 + int(answer[2]-'0')
	return &http.Response{StatusCode: code, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(answer[3:]))}, nil
}

func load(t *testing.T, text string) dialect.Dialect {
	t.Helper()
	d, err := dialect.Load("mine.yaml", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// TestSpeak makes calls in a dialect of which nothing is the contract's.
func TestSpeak(t *testing.T) {
	t.Parallel()
	d := load(t, minimal)
	s := &server{answers: map[string]string{
		"POST /things": `200{"number":9007199254740993}`, "GET /things/7%2F8": `200{"id":7,"state":"UP"}`, "POST /things/7/hello": `200{"session":"s1"}`,
		"POST /sessions/s1/beat": "202", "GET /things": `200{"things":[{"id":7,"state":"NEW"}]}`, "DELETE /things/7": "204",
	}}
	speak := func(c dialect.Call) dialect.Answer {
		t.Helper()
		a, err := d.Speak(context.Background(), c, s.send)
		if err != nil {
			t.Fatalf("%s: %v", c.Name, err)
		}
		return a
	}
	a := speak(dialect.Call{Name: dialect.Create, Create: &dialect.CreateCall{Name: `a "b"`}})
	if a.Code != 201 || a.Workspaces[0].ID != "9007199254740993" || s.asked[0] != `POST /things {"title":"a \"b\""}` {
		t.Errorf("create: %+v, asked %v", a, s.asked)
	}
	if a = speak(dialect.Call{Name: dialect.Get, ID: "7/8"}); a.Workspaces[0].ID != "7" || a.Workspaces[0].Status != lifecycle.Online {
		t.Errorf("get: %+v", a)
	}
	if a = speak(dialect.Call{Name: dialect.List}); len(a.Workspaces) != 1 || a.Workspaces[0].Status != lifecycle.Provisioning {
		t.Errorf("list: %+v", a)
	}
	if a = speak(dialect.Call{Name: dialect.Clean, ID: "7"}); a.Code != 200 || a.Raw != 204 {
		t.Errorf("clean, which is delete where there is none: %+v", a)
	}
	s.asked = nil
	kept := map[string]string{}
	for range 2 {
		if a = speak(dialect.Call{Name: dialect.Heartbeat, ID: "7", Kept: kept, Heartbeat: &dialect.HeartbeatCall{}}); a.Code != 200 || a.Raw != 202 {
			t.Errorf("heartbeat: %+v", a)
		}
	}
	if got := strings.Join(s.asked, ", "); got != "POST /things/7/hello, POST /sessions/s1/beat, POST /sessions/s1/beat" {
		t.Errorf("two beats of one process asked %s", got)
	}
	s.answers["POST /sessions/s1/beat"] = "418"
	if a = speak(dialect.Call{Name: dialect.Heartbeat, ID: "7", Kept: kept, Heartbeat: &dialect.HeartbeatCall{}}); a.Code != 410 || a.Raw != 418 {
		t.Errorf("a code that means gone: %+v", a)
	}
}

// TestAnswersThatAreNotAsTheFileSays names the call, the place in the file, and what was answered.
func TestAnswersThatAreNotAsTheFileSays(t *testing.T) {
	t.Parallel()
	d := load(t, minimal)
	for _, c := range []struct {
		call         dialect.Call
		code, answer string
		want         []string
	}{
		{dialect.Call{Name: dialect.Create, Create: &dialect.CreateCall{}}, "POST /things", `200{"identifier":1}`, []string{"POST /things: speaks another version", "reply.number", "no such key: number", "mine.yaml:23:16", `identifier`}},
		{dialect.Call{Name: dialect.Create, Create: &dialect.CreateCall{}}, "POST /things", `200{"number":null}`, []string{"the reply does not have the id", "mine.yaml:23:16"}},
		{dialect.Call{Name: dialect.List}, "GET /things", `200{"things":{}}`, []string{"it is no array of workspaces", "mine.yaml:13:24"}},
		{dialect.Call{Name: dialect.List}, "GET /things", `200{"things":[{"id":1,"state":"DOWN"}]}`, []string{`said to be "DOWN"`, "no status of the dialect mine", "mine.yaml:5:1"}},
		{dialect.Call{Name: dialect.List}, "GET /things", `200{"things":[{"state":"UP"}]}`, []string{"no such key: id", "mine.yaml:7:7"}},
		{dialect.Call{Name: dialect.List}, "GET /things", `200<html>`, []string{"GET /things: answered 200 with HTML"}},
		{dialect.Call{Name: dialect.List}, "GET /things", `200{"things":`, []string{"no whole JSON"}},
		{dialect.Call{Name: dialect.List}, "GET /things", `200`, []string{"with nothing"}},
		{dialect.Call{Name: dialect.List}, "GET /things", `302`, []string{"a redirect"}},
		{dialect.Call{Name: dialect.List}, "GET /others", `200`, []string{"GET /things: no answer", "connection refused"}},
		{dialect.Call{Name: dialect.Pause}, "GET /others", `200`, []string{"pause: the dialect mine has no such call"}},
	} {
		s := &server{answers: map[string]string{c.code: c.answer}}
		_, err := d.Speak(context.Background(), c.call, s.send)
		var odd *dialect.Error
		if !errors.As(err, &odd) {
			t.Errorf("%s: %v", c.answer, err)
			continue
		}
		for _, want := range c.want {
			if !strings.Contains(err.Error(), want) {
				t.Errorf("%s: the error lacks %q: %v", c.answer, want, err)
			}
		}
	}
}

// TestBadFiles checks that each fault of a file is told with its place, its cause and the way out.
func TestBadFiles(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, old, new string
		want           []string // place, cause, way out
	}{
		{"no YAML", "about: One", "about: [One", []string{"mine.yaml:", "it is no YAML"}},
		{"an unknown key", "about:", "abuot: x\nabout:", []string{"mine.yaml:2:1", `no "abuot"`, "there are about, "}},
		{"an unknown key of a call", "    path: /things\n    read: {w", "    paht: /\n    path: /things\n    read: {w", []string{"mine.yaml:12:5", `calls.list has no "paht"`, "there are body, "}},
		{"an unknown call", "  register:", "  greet: {method: GET, path: /}\n  register:", []string{"mine.yaml:28:3", `calls has no "greet"`, "there are bootstrap-failed, "}},
		{"a call that must be", "  delete:", "  restart:", []string{"mine.yaml:9:1", "calls lacks delete", "add it"}},
		{"an unknown status", "UP: online", "UP: onlin", []string{"mine.yaml:5:16", `statuses.UP is "onlin"`, "there are awaiting_agent, "}},
		{"an unknown meaning", "418: gone", "418: teapot", []string{"mine.yaml:42:33", `"teapot"`, "there are bad, conflict, failing, gone, "}},
		{"an unknown method", "method: DELETE", "method: REMOVE", []string{"mine.yaml:25:13", `"REMOVE"`, "there are DELETE, "}},
		{"a wrong type", "method: DELETE", "method: [DELETE]", []string{"mine.yaml:25:5", "of type array", "it should be string"}},
		{"a wrong path", "path: /things/${id}\n    reply", "path: things/${id}\n    reply", []string{"mine.yaml:26:11", `"things/${id}"`, "it should look like ^/"}},
		{"a template of an unknown variable", "${name}", "x-${title}", []string{"mine.yaml:21:18", "undeclared reference to 'title'", "there are external, "}},
		{"one in a quoted text", "${name}", `"x${ title }"`, []string{"mine.yaml:21:19", "title"}},
		{"one in a path", "/things/${id}/hello\n    keep", "/things/${ID}/hello\n    keep", []string{"mine.yaml:30:21", "'ID'", "card, id, "}},
		{"a variable of another call", "kind: ${runtime}", "kind: ${id}", []string{"mine.yaml:22:15", "'id'"}},
		{"an unknown parameter", "${runtime}", "${params.taem}", []string{"mine.yaml:22:22", `params has no field "taem"`, "there are team"}},
		{"an unknown optional one", "${runtime}", "${params.?taem}", []string{"mine.yaml:22:23", `params has no field "taem"`}},
		{"what nothing keeps", "sessions/${kept.session}", "sessions/${kept.sesion}", []string{"mine.yaml:41:32", `kept has no field "sesion"`, "there are session"}},
		{"a step that comes later", "when: \"!has(kept.session)\"", "when: \"steps.beat.code == 200\"", []string{"mine.yaml:35:16", "'steps'"}},
		{"half an expression", "reply.number", "reply.", []string{"mine.yaml:23:22", "Syntax error", "CEL"}},
		{"an open placeholder", "${name}", "x${name", []string{"mine.yaml:21:15", "a placeholder has no end", "close it"}},
		{"no place for the id", "    read: {id: reply.number}\n", "", []string{"mine.yaml:17:3", "where in the reply id is", "add calls.create.read.id"}},
		{"no request", "    method: DELETE\n", "    headers: {}\n", []string{"mine.yaml:24:3", "delete has no request", "give its method and path"}},
		{"a request and steps", "    steps:\n", "    method: GET\n    path: /\n    steps:\n", []string{"mine.yaml:32:3", "and steps", "put the request into a step"}},
		{"a wrong time", "params:", "times: {ttl: soon}\nparams:", []string{"mine.yaml:3:14", `"soon"`, "it should look like"}},
		{"what cannot be woken", "  register:", "  hibernate: {method: POST, path: /h}\n  register:", []string{"mine.yaml:28:3", "cannot be woken", "add calls.resume"}},
		{"two documents", "calls:", "---\ncalls:", []string{"2 YAML documents"}},
	} {
		text := strings.Replace(minimal, c.old, c.new, 1)
		if text == minimal {
			t.Fatalf("%s: nothing was altered", c.name)
		}
		_, err := dialect.Load("mine.yaml", []byte(text))
		var all dialect.Problems
		if !errors.As(err, &all) {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		for _, want := range c.want {
			if !strings.Contains(err.Error(), want) {
				t.Errorf("%s: the problem lacks %q:\n%v", c.name, want, err)
			}
		}
		for _, p := range all {
			if p.Line < 1 || p.Column < 1 {
				t.Errorf("%s: it has no place: %v", c.name, p)
			}
		}
	}
}

// TestBuiltin loads every dialect that is built in, by its name and as a file.
func TestBuiltin(t *testing.T) {
	t.Parallel()
	for _, name := range dialect.Names() {
		d, err := dialect.Find(name)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if got := d.Spec().Name; got != name {
			t.Errorf("%s calls itself %s", name, got)
		}
	}
	if _, err := dialect.Find("klingon"); err == nil || !strings.Contains(err.Error(), `dialect "klingon" is not known: there are`) {
		t.Errorf("one that there is not: %v", err)
	}
	if !bytes.Contains(dialect.Schema(), []byte(`"draft/2020-12`)) && !bytes.Contains(dialect.Schema(), []byte("2020-12")) {
		t.Errorf("the schema is of no draft: %s", dialect.Schema()[:200])
	}
}
