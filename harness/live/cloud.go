package live

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"time"

	"github.com/google/uuid"

	cloudpkg "github.com/bootrace/bootrace/controller/cloud"
	"github.com/bootrace/bootrace/fakeprovider/ec2wire"
	"github.com/bootrace/bootrace/harness/fault"
)

// buildCloud makes the fake EC2 whose machines are the run's.
func (w *world) buildCloud() {
	w.cloud = ec2wire.New(ec2wire.Options{Launched: w.launched, Stopped: w.stopped, Seed: w.plan.Seed})
}

// maxCloudBody bounds a call to EC2: user data is the largest thing in one.
const maxCloudBody = 1 << 20

// cloudHandler is the fake EC2 with the plan's faults in front of it. They are about workspaces, which EC2 knows nothing
// of, so they strike here and not in ec2wire, in the words that ec2wire has for them.
func (w *world) cloudHandler() http.Handler {
	return http.HandlerFunc(func(out http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(http.MaxBytesReader(out, r.Body, maxCloudBody))
		if err != nil {
			return
		}
		r.Body = io.NopCloser(bytes.NewReader(body))
		form, err := url.ParseQuery(string(body))
		if err != nil {
			w.cloud.ServeHTTP(out, r)
			return
		}
		call, ws := w.cloudCall(form)
		var fate fault.CloudFate
		if call != "" {
			w.faults.ask(func(s *fault.Set) { fate = s.CloudCall(ws, call) })
		}
		if fate.Err != nil {
			sendError(out, fate.Err)
			return
		}
		if call == "list" || call == "describe" {
			w.hideNew()
		}
		answer := httptest.NewRecorder()
		w.cloud.ServeHTTP(answer, r)
		if fate.Lost {
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

// cloudCall is what scenarios call the request, and the number of the workspace that it is about.
func (w *world) cloudCall(form url.Values) (call string, ws int) {
	switch form.Get("Action") {
	case "RunInstances":
		return "launch", w.ownerOf(taggedWorkspace(form))
	case "TerminateInstances":
		call = "terminate"
	case "DescribeInstances":
		if form.Get("InstanceId.1") == "" {
			return "list", 0
		}
		call = "describe"
	default:
		return "", 0
	}
	if m := w.machineByID(form.Get("InstanceId.1")); m != nil {
		ws = m.ws
	}
	return call, ws
}

// taggedWorkspace is the workspace that a launch's tags name.
func taggedWorkspace(form url.Values) string {
	for name, values := range form {
		if key, ok := strings.CutSuffix(name, ".Key"); ok && len(values) > 0 && values[0] == tagWorkspace {
			return form.Get(key + ".Value")
		}
	}
	return ""
}

func (w *world) ownerOf(workspace string) int {
	id, err := uuid.Parse(workspace)
	if err != nil {
		return 0
	}
	return w.number(id)
}

// hideNew has EC2 not know yet what was launched within the window of a fault that is on.
func (w *world) hideNew() {
	var hidden ec2wire.Faults
	w.faults.ask(func(s *fault.Set) {
		now := w.clock.now()
		for _, x := range s.All {
			if x.Kind != "cloud-stale" || !x.Active(now) {
				continue
			}
			hidden.Invisible = max(hidden.Invisible, ec2wire.Duration(w.clock.real(now-time.Duration(x.From))))
			for _, m := range w.cloud.Machines() {
				if m.State == ec2wire.Running && w.clock.at(m.LaunchedAt) >= time.Duration(x.From) {
					if b := w.machineByID(m.ID); b != nil {
						s.Strike(x, b.ws)
					}
				}
			}
		}
	})
	w.cloud.SetFaults(hidden) //nolint:errcheck // a time above zero is no nonsense
}

// sendError answers as EC2 does for an error of package cloud.
func sendError(out http.ResponseWriter, err error) {
	status, code := http.StatusBadRequest, "InvalidAMIID.NotFound"
	message := fault.ErrForGood.Error()
	switch {
	case errors.Is(err, cloudpkg.ErrThrottled):
		status, code, message = http.StatusServiceUnavailable, "RequestLimitExceeded", "Request limit exceeded."
	case errors.Is(err, cloudpkg.ErrCapacity):
		status, code = http.StatusInternalServerError, "InsufficientInstanceCapacity"
		message = "We currently do not have sufficient capacity in the Availability Zone you requested."
	}
	out.Header().Set("Content-Type", "text/xml;charset=UTF-8")
	out.WriteHeader(status)
	fmt.Fprintf(out, `<?xml version="1.0" encoding="UTF-8"?>
<Response><Errors><Error><Code>%s</Code><Message>%s</Message></Error></Errors><RequestID>%s</RequestID></Response>`,
		code, message, uuid.NewString())
}
