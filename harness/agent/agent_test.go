package agent

import (
	"encoding/json"
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/bootrace/bootrace/controller/wire"
)

func TestHeartbeatEncodesAsTheLibraryDoes(t *testing.T) {
	t.Parallel()
	for _, h := range []wire.Heartbeat{
		{WorkspaceID: "6b1f3c1e-0000-4000-8000-000000000001"},
		{WorkspaceID: "x", ErrorRate: 0.8, SampleError: `it said "no"`, ActiveTasks: 3, UptimeSeconds: 12345, RuntimeState: wire.Wedged},
		{WorkspaceID: "x", ErrorRate: 0.05, CurrentTask: "build\tthings"},
	} {
		want, err := json.Marshal(h)
		if err != nil {
			t.Fatal(err)
		}
		if got := appendHeartbeat(nil, &h); string(got) != string(want) {
			t.Errorf("got  %s\nwant %s", got, want)
		}
	}
}

// script is a world that answers calls from a list and writes down what the agent did.
type script struct {
	answers []any // int: a code; error: no answer; wire.RegisterReply: 200 with it
	log     []string
	after   string
	report  Report
}

func (s *script) Sleep(d time.Duration) bool {
	s.log = append(s.log, "sleep "+d.String())
	return len(s.answers) > 0
}

func (s *script) Call(r Request) (Response, error) {
	s.log = append(s.log, r.Call+" "+r.Token)
	next := s.answers[0]
	s.answers = s.answers[1:]
	switch a := next.(type) {
	case error:
		return Response{}, a
	case wire.RegisterReply:
		body, err := json.Marshal(a)
		return Response{Code: 200, Body: body}, err
	default:
		return Response{Code: a.(int), RetryAfter: s.after}, nil
	}
}

func (s *script) Report() Report        { return s.report }
func (s *script) Uptime() time.Duration { return 0 }

func TestAgentObeysItsAnswers(t *testing.T) {
	t.Parallel()
	lost := errors.New("lost")
	for name, c := range map[string]struct {
		token   string
		after   string
		answers []any
		want    []string
	}{
		"registers and beats": {
			answers: []any{wire.RegisterReply{Status: "registered", AuthToken: "t"}, 200, 200},
			want:    []string{"register ", "sleep 200ms", "heartbeat t", "sleep 30s", "heartbeat t", "sleep 30s"},
		},
		"keeps the token it was booted with": {
			token: "boot", answers: []any{200, 200}, want: []string{"register boot", "sleep 200ms", "heartbeat boot", "sleep 30s"},
		},
		"registers until it is heard": {
			answers: []any{lost, 500, lost, 200},
			want:    []string{"register ", "sleep 2s", "register ", "sleep 4s", "register ", "sleep 8s", "register ", "sleep 200ms"},
		},
		"goes on after a lost beat": {
			token: "t", answers: []any{200, lost, 500, 200},
			want: []string{"register t", "sleep 200ms", "heartbeat t", "sleep 30s", "heartbeat t", "sleep 30s", "heartbeat t", "sleep 30s"},
		},
		"registers again on 401": {
			token: "t", answers: []any{200, 401, 401, 200, 200},
			want: []string{
				"register t", "sleep 200ms", "heartbeat t", "sleep 2s", "register t", "sleep 2s", "register t", "sleep 200ms",
				"heartbeat t", "sleep 30s",
			},
		},
		"forgets a token that it earned and that is refused": {
			answers: []any{wire.RegisterReply{AuthToken: "a"}, 401, 401, wire.RegisterReply{AuthToken: "b"}, 200},
			want: []string{
				"register ", "sleep 200ms", "heartbeat a", "sleep 2s", "register a", "sleep 2s", "register ", "sleep 200ms",
				"heartbeat b", "sleep 30s",
			},
		},
		"stops when its workspace is gone":      {token: "t", answers: []any{200, 410, 200}, want: []string{"register t", "sleep 200ms", "heartbeat t"}},
		"stops when its workspace is unknown":   {answers: []any{404, 200}, want: []string{"register "}},
		"waits as long as a 429 says":           {token: "t", after: "7", answers: []any{200, 429, 200}, want: []string{"register t", "sleep 200ms", "heartbeat t", "sleep 7s", "heartbeat t", "sleep 30s"}},
		"waits a turn where a 429 says nothing": {token: "t", answers: []any{200, 429}, want: []string{"register t", "sleep 200ms", "heartbeat t", "sleep 30s"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := &script{answers: c.answers, after: c.after}
			Run(s, Config{WorkspaceID: "w", Token: c.token, Interval: 30 * time.Second})
			if diff := cmp.Diff(c.want, s.log); diff != "" {
				t.Error(diff)
			}
		})
	}
}
