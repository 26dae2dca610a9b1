package ec2wire_test

import (
	"encoding/xml"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/bootrace/bootrace/fakeprovider/ec2wire"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	ami       = "ami-0b007ace000000001"
	signature = "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20260101/us-east-1/ec2/aws4_request, " +
		"SignedHeaders=host;x-amz-date, Signature=00"
)

// clock is a clock that a test moves.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func newClock() *clock { return &clock{now: time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)} }

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) add(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

// fixture is a server under a clock that a test moves, called without a network.
type fixture struct {
	*testing.T
	*ec2wire.Server
	clock *clock
}

func newFixture(t *testing.T, o ec2wire.Options) *fixture {
	t.Helper()
	c := newClock()
	o.Now = c.Now
	return &fixture{t, ec2wire.New(o), c}
}

// answer is a reply to one call.
type answer struct {
	*testing.T
	status int
	header http.Header
	body   string
}

// call calls the action with parameters given as name, value, name, value.
func (f *fixture) call(action string, params ...string) answer {
	f.Helper()
	form := url.Values{"Action": {action}, "Version": {"2016-11-15"}}
	for i := 0; i < len(params); i += 2 {
		form.Set(params[i], params[i+1])
	}
	return f.post(form.Encode(), signature)
}

func (f *fixture) post(body, authorization string) answer {
	f.Helper()
	r := httptest.NewRequest(http.MethodPost, "/", strings.NewReader(body))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	if authorization != "" {
		r.Header.Set("Authorization", authorization)
	}
	w := httptest.NewRecorder()
	f.ServeHTTP(w, r)
	return answer{f.T, w.Code, w.Header(), w.Body.String()}
}

// run launches machines and returns their ids.
func (f *fixture) run(params ...string) []string {
	f.Helper()
	a := f.call("RunInstances", append([]string{"ImageId", ami, "MinCount", "1", "MaxCount", "1"}, params...)...)
	a.ok()
	return a.all("instanceId")
}

// all returns the text of every element with the name.
func (a answer) all(name string) (texts []string) {
	a.Helper()
	d := xml.NewDecoder(strings.NewReader(a.body))
	for {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			return texts
		}
		if err != nil {
			a.Fatalf("the reply is no XML: %v\n%s", err, a.body)
		}
		if start, ok := token.(xml.StartElement); ok && start.Name.Local == name {
			var text string
			if next, err := d.Token(); err == nil {
				if chars, ok := next.(xml.CharData); ok {
					text = string(chars)
				}
			}
			texts = append(texts, text)
		}
	}
}

// one returns the text of the only element with the name.
func (a answer) one(name string) string {
	a.Helper()
	all := a.all(name)
	if len(all) != 1 {
		a.Fatalf("%d elements %s, want one\n%s", len(all), name, a.body)
	}
	return all[0]
}

func (a answer) ok() answer {
	a.Helper()
	if a.status != http.StatusOK {
		a.Fatalf("status %d\n%s", a.status, a.body)
	}
	return a
}

// fails checks that the reply is an error of the code.
func (a answer) fails(status int, code string) {
	a.Helper()
	if a.status != status {
		a.Errorf("status %d, want %d %s\n%s", a.status, status, code, a.body)
		return
	}
	if got := a.one("Code"); got != code {
		a.Errorf("code %s, want %s\n%s", got, code, a.body)
	}
	if a.one("Message") == "" || a.one("RequestID") == "" || a.header.Get("X-Amzn-Requestid") != a.one("RequestID") {
		a.Errorf("no message or request id: %v\n%s", a.header, a.body)
	}
}

// says checks the error's message.
func (a answer) says(message string) {
	a.Helper()
	if got := a.one("Message"); got != message {
		a.Errorf("it says  %s\nwant     %s", got, message)
	}
}

// states returns the states that DescribeInstances shows.
func (f *fixture) states(ids ...string) []string {
	f.Helper()
	var params []string
	for i, id := range ids {
		params = append(params, "InstanceId."+string(rune('1'+i)), id)
	}
	a := f.call("DescribeInstances", params...).ok()
	return a.all("name") // of instanceState; nothing else there has an element of that name
}
