package ec2wire_test

import (
	"encoding/base64"
	"encoding/json"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/bootrace/bootrace/fakeprovider/ec2wire"
)

func (f *fixture) admin(method, path, body string) (int, string) {
	f.Helper()
	w := httptest.NewRecorder()
	f.Admin().ServeHTTP(w, httptest.NewRequest(method, path, strings.NewReader(body)))
	return w.Code, w.Body.String()
}

func TestAdmin(t *testing.T) {
	t.Parallel()
	f := newFixture(t, ec2wire.Options{})
	id := f.run("UserData", base64.StdEncoding.EncodeToString([]byte("a-secret")), "ClientToken", "t")[0]
	f.call("MakeCoffee")
	faults := `{"invisible":"1.5s","buckets":{"RunInstances":{"size":5,"refill":0.5}},
		"rules":[{"action":"DescribeInstances","kind":"lost-empty","skip":1,"times":2}]}`
	if code, body := f.admin("PUT", "/faults", faults); code != 204 {
		t.Fatalf("PUT /faults: %d %s", code, body)
	}
	f.clock.add(time.Minute)
	f.call("DescribeInstances").ok()
	if a := f.call("DescribeInstances"); a.body != "" {
		t.Errorf("the fault did not strike: %s", a.body)
	}
	code, body := f.admin("GET", "/state", "")
	if code != 200 {
		t.Fatalf("GET /state: %d", code)
	}
	if !json.Valid([]byte(body)) {
		t.Errorf("no JSON: %s", body)
	}
	for _, part := range []string{`"id":"` + id + `"`, `"state":"running"`, `"struck":[1]`, `"RunInstances":1`, `"other":1`,
		`"invisible":"1.5s"`, `"code":"InvalidAction"`, `"fault":"lost-empty"`} {
		if !strings.Contains(body, part) {
			t.Errorf("state lacks %s:\n%s", part, body)
		}
	}
	if strings.Contains(body, "a-secret") || strings.Contains(body, base64.StdEncoding.EncodeToString([]byte("a-secret"))) {
		t.Error("the state shows user data")
	}
	if code, _ := f.admin("POST", "/machines/"+id+"/console", `"boom"`); code != 204 {
		t.Errorf("console: %d", code)
	}
	if code, _ := f.admin("POST", "/machines/"+id+"/end", ""); code != 204 {
		t.Errorf("end: %d", code)
	}
	if m, _ := f.Machine(id); m.State != ec2wire.Terminated || m.Reason != ec2wire.SpotInterruption {
		t.Errorf("machine %+v", m)
	}
	other := f.run()[0]
	if code, _ := f.admin("POST", "/machines/"+other+"/end", `{"code":"Server.InternalError","message":"gone"}`); code != 204 {
		t.Errorf("end: %d", code)
	}
	if m, _ := f.Machine(other); m.Reason.Message != "gone" {
		t.Errorf("machine %+v", m)
	}
	for _, c := range []struct {
		method, path, body string
		code               int
	}{
		{"POST", "/machines/i-12345678/end", "", 404},
		{"POST", "/machines/i-12345678/console", `"x"`, 404},
		{"PUT", "/faults", `{"rules":[{"kind":"tired"}]}`, 400},
		{"PUT", "/faults", `{"rulez":[]}`, 400},
		{"PUT", "/faults", `{"invisible":"soon"}`, 400},
		{"PUT", "/faults", ``, 400},
		{"PUT", "/faults", `null`, 400},
		{"PUT", "/faults", `{}{}garbage`, 400},
		{"PUT", "/faults", `{} garbage`, 400},
		{"GET", "/faults", ``, 405},
		{"GET", "/", ``, 404},
	} {
		if code, _ := f.admin(c.method, c.path, c.body); code != c.code {
			t.Errorf("%s %s %s: %d, want %d", c.method, c.path, c.body, code, c.code)
		}
	}
	if f.Struck()[0] != 1 {
		t.Error("faults that make no sense have replaced those before")
	}
}
