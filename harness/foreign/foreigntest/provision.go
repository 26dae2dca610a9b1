package foreigntest

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"strconv"
	"time"
)

// provision has the control plane asked for the row's machine. It runs under the lock.
func (s *Server) provision(x *row) {
	switch {
	case s.config.NoProvisioner:
		s.fail(x, "no provisioner is configured", "create")
		return
	case s.config.ControlPlane == "" || x.external:
		return
	}
	order := x.order
	if order == nil || !s.config.SameProvision {
		env := map[string]string{"WORKSPACE_ID": x.id, "PLATFORM_URL": s.URL}
		if !s.config.SameProvision {
			env["WORKSPACE_AUTH_TOKEN"] = s.mint(x)
			x.confirmed = true
		}
		order, _ = json.Marshal(map[string]any{ //nolint:errchkjson // strings always marshal
			"org_id": "org-1", "workspace_id": x.id, "runtime": x.runtime, "tier": 1, "platform_url": s.URL, "env": env,
		})
		x.order = order
	}
	s.Go(func() { s.launch(x, x.inc, order) })
}

// wants reports whether the row still waits for the machine.
func (x *row) wants(inc int) bool {
	return x.inc == inc && x.status != removed && x.status != paused && x.status != hibernating && x.status != hibernated
}

func (s *Server) launch(x *row, inc int, order []byte) {
	for {
		code, machine, why := s.ask(order)
		s.mu.Lock()
		switch {
		case code/100 == 2:
			s.note(x.id, Launched)
		case code == 0:
			s.note(x.id, UnclearLaunch)
		default:
			s.note(x.id, RefusedLaunch)
		}
		switch {
		case code/100 == 2 && (x.wants(inc) || s.config.StopsNothing):
			x.machine = machine
			s.mu.Unlock()
			return
		case code/100 == 2:
			s.mu.Unlock()
			s.terminate(x.id, machine)
			return
		case !x.wants(inc) || x.status != provisioning:
			unknown := code == 0 && !x.wants(inc) && x.inc == inc && !s.config.StopsNothing
			s.mu.Unlock()
			if unknown { // there may be a machine, of which only the workspace is known
				s.terminate(x.id, "")
			}
			return
		case s.config.ThrottledIsRefused || code == http.StatusUnprocessableEntity:
			s.fail(x, why, "launch")
			s.mu.Unlock()
			return
		}
		s.mu.Unlock()
		if !s.Sleep(s.config.LaunchRetry) {
			return
		}
	}
}

func (s *Server) ask(order []byte) (code int, machine, why string) {
	q, err := http.NewRequestWithContext(s.Life(), http.MethodPost, s.config.ControlPlane+"/cp/workspaces/provision", bytes.NewReader(order))
	if err != nil {
		return 0, "", err.Error()
	}
	r, err := s.client.Do(q)
	if err != nil {
		return 0, "", err.Error()
	}
	defer r.Body.Close() //nolint:errcheck // it was read
	text, _ := io.ReadAll(r.Body)
	var got struct {
		ID string `json:"instance_id"`
	}
	json.Unmarshal(text, &got) //nolint:errcheck // an error has no id
	return r.StatusCode, got.ID, string(text)
}

// stop has the row's machine stopped. It runs under the lock.
func (s *Server) stop(x *row) {
	machine := x.machine
	if s.config.StopsNothing || machine == "" {
		return
	}
	x.machine = ""
	s.Go(func() { s.terminate(x.id, machine) })
}

func (s *Server) terminate(id, machine string) {
	for {
		q, err := http.NewRequestWithContext(s.Life(), http.MethodDelete, s.config.ControlPlane+"/cp/workspaces/"+id+"?instance_id="+machine, nil)
		if err != nil {
			return
		}
		if r, err := s.client.Do(q); err == nil {
			r.Body.Close() //nolint:errcheck // nothing is read of it
			if r.StatusCode/100 == 2 || r.StatusCode == http.StatusNotFound {
				s.mu.Lock()
				s.note(id, Stopped)
				s.mu.Unlock()
				return
			}
		}
		if !s.Sleep(s.config.LaunchRetry) {
			return
		}
	}
}

// bucket is what a client may still call in its minute.
type bucket struct {
	began time.Time
	used  int
}

// admitted answers 429 where there were too many calls.
func (s *Server) admitted(w http.ResponseWriter, r *http.Request) bool {
	limit := s.config.RateLimit
	if limit == 0 {
		return true
	}
	s.mu.Lock()
	b := s.calls[""] // all that call from here have one address
	now := time.Now()
	if b == nil || now.Sub(b.began) >= time.Minute {
		b = &bucket{began: now}
		s.calls[""] = b
	}
	b.used++
	used, resets := b.used, b.began.Add(time.Minute).Sub(now)
	s.mu.Unlock()
	w.Header().Set("X-RateLimit-Limit", strconv.Itoa(limit))
	w.Header().Set("X-RateLimit-Remaining", strconv.Itoa(max(limit-used, 0)))
	if used <= limit {
		return true
	}
	w.Header().Set("Retry-After", strconv.Itoa(int(resets/time.Second)+1))
	s.mu.Lock()
	s.limited++
	s.mu.Unlock()
	refuse(w, http.StatusTooManyRequests, "slow down, "+r.URL.Path)
	return false
}
