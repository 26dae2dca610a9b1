package live

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"regexp"
	"strings"
	"time"

	cloudpkg "github.com/bootrace/bootrace/controller/cloud"
	"github.com/bootrace/bootrace/controller/cloud/docker"
	"github.com/bootrace/bootrace/harness/fault"
)

// dockerPath is a path of the Engine's API, with or without the version that a client asks for.
var dockerPath = regexp.MustCompile(`^(?:/v[0-9.]+)?/containers/(?:(create|json)|([^/]+)(?:/(start|kill|json))?)$`)

// cloudHandler is the Engine with the plan's faults in front of it, for controllers.
func (s *site) cloudHandler() http.Handler {
	w := s.world
	engine := httputil.NewSingleHostReverseProxy(s.engine.URL())
	engine.Transport = s.engine.Client.HTTPClient.Transport
	engine.ErrorLog = silent // controllers give up on calls, which is no news
	return http.HandlerFunc(func(out http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(http.MaxBytesReader(out, r.Body, maxCloudBody))
		if err != nil {
			return
		}
		r.Body = io.NopCloser(bytes.NewReader(body))
		call, ws := s.cloudCall(r, body)
		var fate fault.CloudFate
		if call != "" {
			w.faults.ask(func(set *fault.Set) { fate = set.CloudCall(ws, call) })
		}
		if fate.Err != nil {
			refuseContainer(out, fate.Err)
			return
		}
		answer := httptest.NewRecorder()
		if call == "terminate" || call == "" { // it is killed, or started
			s.turn.Lock()
			engine.ServeHTTP(answer, r)
			s.turn.Unlock()
		} else {
			engine.ServeHTTP(answer, r)
		}
		if fate.Lost {
			s.startLost(r, answer)
			<-r.Context().Done() // it waits for as long as it has patience
			return
		}
		if fate.Delay > 0 {
			select {
			case <-time.After(w.clock.real(fate.Delay)):
			case <-r.Context().Done():
				return
			}
		}
		hand(out, answer)
	})
}

// cloudCall is what scenarios call the request, and the number of the workspace that it is about. That a container is
// started belongs to its launch, which its creation stands for.
func (s *site) cloudCall(r *http.Request, body []byte) (call string, ws int) {
	m := dockerPath.FindStringSubmatch(r.URL.Path)
	if m == nil {
		return "", 0
	}
	about := func() int {
		if b := s.world.machineByID(machineID(m[2])); b != nil {
			return b.ws
		}
		return 0
	}
	switch {
	case m[1] == "create":
		var asked struct{ Labels map[string]string }
		json.Unmarshal(body, &asked) //nolint:errcheck // the Engine says what it cannot read
		return "launch", s.world.ownerOf(asked.Labels[docker.LabelWorkspace])
	case m[1] == "json":
		return "list", 0
	case m[3] == "json":
		return "describe", about()
	case m[3] == "kill" || r.Method == http.MethodDelete:
		s.mu.Lock()
		s.stopping[machineID(m[2])] = true
		s.mu.Unlock()
		return "terminate", about()
	default:
		return "", 0
	}
}

// startLost starts a container whose creation nobody hears of: a launch that takes effect does so to its end.
func (s *site) startLost(r *http.Request, answer *httptest.ResponseRecorder) {
	var made struct{ ID string }
	if json.Unmarshal(answer.Body.Bytes(), &made) == nil && made.ID != "" {
		s.engine.Client.StartContainerWithContext(made.ID, nil, r.Context()) //nolint:errcheck // the controller tries again
	}
}

// What the Engine says where a fault has a launch fail for now.
const (
	engineThrottles = "too many requests"
	engineIsFull    = "no available IPv4 addresses on this network's address pools"
)

// passing reports whether the Engine's error is one that a later try may not meet: a fault's, or a time limit. Of all others of its
// errors that is not known.
func passing(text string) bool {
	return strings.Contains(text, engineThrottles) || strings.Contains(text, engineIsFull) || strings.Contains(text, "deadline exceeded")
}

// refuseContainer answers as the Engine does for an error of package cloud.
func refuseContainer(out http.ResponseWriter, err error) {
	status, message := http.StatusNotFound, "No such image: bootrace-program:gone: "+fault.ErrForGood.Error()
	switch {
	case errors.Is(err, cloudpkg.ErrThrottled):
		status, message = http.StatusTooManyRequests, engineThrottles
	case errors.Is(err, cloudpkg.ErrCapacity):
		status, message = http.StatusInternalServerError, engineIsFull
	}
	out.Header().Set("Content-Type", "application/json")
	out.WriteHeader(status)
	json.NewEncoder(out).Encode(map[string]string{"message": message}) //nolint:errcheck // who asked is gone, then
}
