package dialect

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// Spec implements Dialect.
func (d *spoken) Spec() Spec { return d.spec }

// spoke is what has come of a call so far.
type spoke struct {
	d      *spoken
	name   string // the call's
	vars   vars
	answer Answer
	body   []byte
}

// Speak implements Dialect.
func (d *spoken) Speak(ctx context.Context, c Call, send Send) (Answer, error) {
	name := c.Name
	if d.calls[name] == nil && name == Clean {
		name = Delete
	}
	call := d.calls[name]
	if call == nil {
		return Answer{}, &Error{Call: c.Name, Why: fmt.Sprintf("the dialect %s has no such call", d.spec.Name)}
	}
	s := &spoke{d: d, name: name, vars: variables(c, d.spec.Params)}
	for page := 1; ; page++ {
		s.vars["page"] = int64(page)
		more, err := s.speak(ctx, c, call, send)
		if err != nil || !more {
			return s.answer, err
		}
		if page == mostPages {
			return s.answer, s.odd(call.read.more.fault(fmt.Sprintf("after %d pages there is always another one", mostPages)))
		}
	}
}

// mostPages is how many pages a list may have.
const mostPages = 1000

// speak makes the call's requests once, and reports whether there is another page.
func (s *spoke) speak(ctx context.Context, c Call, call *call, send Send) (more bool, err error) {
	steps := map[string]any{}
	s.vars["steps"], s.vars["call"] = steps, s.name
	wrote := false
	for _, step := range call.steps {
		if step.when != nil {
			do, err := step.when.value(s.vars)
			if err != nil {
				return false, s.odd(err)
			}
			if do != true {
				continue
			}
		}
		if err := s.request(ctx, step, send); err != nil {
			return false, err
		}
		steps[step.name] = map[string]any{"code": int64(s.answer.Raw), "reply": s.vars["reply"]}
		if !s.answer.OK() {
			s.refused()
			s.answer.Partly = wrote
			return false, nil
		}
		wrote = wrote || step.method != http.MethodGet
		for name, x := range step.keep {
			v, err := x.value(s.vars)
			if err != nil {
				return false, s.odd(err)
			}
			if v != nil && c.Kept != nil {
				c.Kept[name] = fmt.Sprint(v)
			}
		}
		s.vars["kept"] = c.kept()
	}
	if err := s.read(call); err != nil || call.read.more == nil {
		return false, err
	}
	v, err := call.read.more.value(s.vars)
	if err != nil {
		return false, s.odd(err)
	}
	return v == true, nil
}

// variables are what the call's expressions may refer to; empty ones are nil.
func variables(c Call, params map[string]Param) vars {
	full := func(s string) any {
		if s == "" {
			return nil
		}
		return s
	}
	given := map[string]any{}
	for name, p := range params {
		if v := c.Params[name]; v != "" {
			given[name] = v
		} else if p.Default != "" {
			given[name] = p.Default
		}
	}
	v := vars{
		"params": given, "kept": c.kept(), "id": c.ID, "token": full(c.Token), "operator_token": full(c.Operator),
		"now": time.Now().UTC().Format("2006-01-02T15:04:05.000000Z"),
	}
	if c.Name == Hibernate {
		v["force"] = c.Force
	}
	if x := c.Create; x != nil {
		v["name"], v["runtime"], v["model"], v["parent"] = x.Name, full(x.Runtime), full(x.Model), full(x.Parent)
		v["url"], v["external"] = full(x.URL), x.External
	}
	if x := c.Register; x != nil {
		v["url"], v["card"] = x.URL, nil
		if card, err := decode(x.Card); err == nil {
			v["card"] = card
		}
	}
	if x := c.Heartbeat; x != nil {
		v["error_rate"], v["sample_error"], v["task"], v["wedged"] = x.ErrorRate, x.SampleError, x.Task, x.Wedged
		v["active_tasks"], v["uptime"] = x.ActiveTasks, x.UptimeSecs
	}
	if x := c.Failed; x != nil {
		v["error"], v["log"] = x.Error, x.Log
	}
	return v
}

// kept is what the call's process keeps, as expressions have it.
func (c Call) kept() map[string]any {
	all := make(map[string]any, len(c.Kept))
	for k, v := range c.Kept {
		all[k] = v
	}
	return all
}

// request makes one request of a call, and notes what was answered.
func (s *spoke) request(ctx context.Context, step *step, send Send) error {
	path, ok, err := step.path.say(s.vars, url.PathEscape)
	if err != nil || !ok {
		return s.unsayable(step, "path", err)
	}
	s.answer.Request = step.method + " " + path
	content := io.Reader(http.NoBody)
	if step.body != nil {
		v, err := step.body(s.vars)
		if err != nil {
			return s.unsayable(step, "body", err)
		}
		b, err := json.Marshal(v)
		if err != nil {
			return s.unsayable(step, "body", err)
		}
		content = bytes.NewReader(b)
	}
	q, err := http.NewRequestWithContext(ctx, step.method, path, content)
	if err != nil {
		return s.unsayable(step, "request", err)
	}
	if step.body != nil {
		q.Header.Set("Content-Type", "application/json")
	}
	for _, h := range step.headers {
		said, ok, err := h.text.say(s.vars, nil)
		switch {
		case err != nil:
			return s.unsayable(step, "header "+h.name, err)
		case ok:
			q.Header.Set(h.name, said)
		}
	}
	r, err := send(q)
	if err != nil {
		var mine *Error
		if errors.As(err, &mine) {
			mine.Call = s.answer.Request
			return mine
		}
		return &Error{s.answer.Request, "no answer", err}
	}
	defer r.Body.Close() //nolint:errcheck // it was read, or is of no use
	s.body, err = io.ReadAll(r.Body)
	if err != nil && r.StatusCode/100 == 2 {
		return &Error{s.answer.Request, "the answer broke off", err}
	}
	return s.replied(step, r)
}

// unsayable is a call that cannot be put into words.
func (s *spoke) unsayable(step *step, what string, err error) error {
	if err == nil {
		err = errors.New("a placeholder of it has no value")
	}
	return &Error{Call: step.method + " (" + s.name + ")", Why: fmt.Sprintf("its %s cannot be made: %v", what, err)}
}

// replied takes the reply of a request.
func (s *spoke) replied(step *step, r *http.Response) error {
	a := &s.answer
	a.Raw, a.Code, a.RetryAfter = r.StatusCode, r.StatusCode, r.Header.Get("Retry-After")
	if code, ok := step.replies[a.Raw]; ok {
		a.Code = code
	}
	if a.Code/100 == 2 {
		a.Code = http.StatusOK
		if s.name == Create {
			a.Code = http.StatusCreated
		}
	}
	header := map[string]string{}
	for name := range r.Header {
		header[strings.ToLower(name)] = r.Header.Get(name)
	}
	s.vars["code"], s.vars["header"], s.vars["reply"] = int64(a.Raw), header, nil
	if a.Raw/100 == 3 && !a.OK() {
		return s.foreign(fmt.Sprintf("answered %d, a redirect to %q: nothing of this wire redirects; is there a login in front of it?", a.Raw, r.Header.Get("Location")))
	}
	data, err := decode(s.body)
	if err == nil {
		s.vars["reply"] = data
	}
	empty := len(bytes.TrimSpace(s.body)) == 0
	switch {
	case a.Raw/100 != 2, step.reply == "none", empty && a.Raw == http.StatusNoContent:
	case step.reply == "text":
		s.vars["reply"] = strings.TrimSpace(string(s.body))
	case looksLikeHTML(s.body):
		return s.foreign(fmt.Sprintf("answered %d with HTML, where the wire has JSON: is it the address of its web page?", a.Raw))
	case empty:
		return s.foreign(fmt.Sprintf("answered %d with nothing, where the wire has JSON", a.Raw))
	case err != nil:
		return s.foreign(fmt.Sprintf("answered %d with what is no whole JSON: %s", a.Raw, excerpt(s.body)))
	}
	if step.expect != nil && a.OK() && !contains(s.vars["reply"], step.expect) {
		want, _ := json.Marshal(step.expect) // it came from YAML
		return s.foreign(fmt.Sprintf("says %s, where this version of the wire has %s", excerpt(s.body), want))
	}
	return nil
}

// foreign is an answer that is none of the dialect's.
func (s *spoke) foreign(why string) error { return &Error{Call: s.answer.Request, Why: why} }

// odd is an answer that has the form of one, and not what the file says.
func (s *spoke) odd(err error) error {
	return s.foreign(fmt.Sprintf("speaks another version of the wire: %v; it answered %s", err, excerpt(s.body)))
}

// refused notes why the server refuses, and what to do about it.
func (s *spoke) refused() {
	if s.d.said != nil {
		if v, err := s.d.said.value(s.vars); err == nil && v != nil {
			s.answer.Said = strings.TrimSpace(fmt.Sprint(v))
		}
	}
	for _, h := range s.d.hints {
		if v, err := h.when.value(s.vars); err == nil && v == true {
			s.answer.Hint, _, _ = h.say.say(s.vars, nil)
			return
		}
	}
}

func looksLikeHTML(b []byte) bool { return bytes.HasPrefix(bytes.TrimSpace(b), []byte("<")) }

// excerpt quotes the end of a body, which is where half of one breaks off.
func excerpt(b []byte) string {
	const most = 60
	if len(b) > most {
		return fmt.Sprintf("… %q", b[len(b)-most:])
	}
	return fmt.Sprintf("%q", b)
}
