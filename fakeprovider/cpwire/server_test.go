package cpwire_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/bootrace/bootrace/fakeprovider/cpwire"
)

func TestMachinesLife(t *testing.T) {
	t.Parallel()
	f := newFixture(t, cpwire.Options{Boot: 5 * time.Second})
	a := f.provision("w", "secret").is(201)
	id := a.text("instance_id")
	if id == "" || a.text("private_ip") == "" || a.text("state") != "pending" {
		t.Errorf("reply %s", a.body)
	}
	f.add(5*time.Second - 1)
	if got := f.state("w"); got != "pending" {
		t.Errorf("it is %s too early", got)
	}
	f.add(1)
	if got := f.state("w"); got != "running" {
		t.Errorf("it is %s", got)
	}
	f.call("DELETE", "/cp/workspaces/w?instance_id="+id, "").is(200)
	if got := f.state("w"); got != "terminated" {
		t.Errorf("it is %s", got)
	}
	f.call("DELETE", "/cp/workspaces/w?instance_id="+id, "").is(200) // again
	if want := []string{"launched " + id + " secret", "stopped " + id + ": " + cpwire.ReasonDeleted}; !slices.Equal(f.told, want) {
		t.Errorf("hooks were told %q, want %q", f.told, want)
	}
	m := f.State().Machines[0]
	if m.OrgID != "o" || m.WorkspaceID != "w" || m.Runtime != "hermes" || m.Tier != 2 || m.PlatformURL != "http://p" {
		t.Errorf("machine %+v", m)
	}
}

func TestProvisionIsIdempotentWhileTheMachineLives(t *testing.T) {
	t.Parallel()
	f := newFixture(t, cpwire.Options{})
	id := f.provision("w", "1").is(201).text("instance_id")
	if again := f.provision("w", "1").is(201).text("instance_id"); again != id {
		t.Errorf("asked again it is %s, not %s", again, id)
	}
	other := f.provision("v", "1").is(201).text("instance_id")
	next := f.provision("w", "2").is(201).text("instance_id") // a restart's token: another boot
	if other == id || next == id || next == other {
		t.Errorf("machines %s, %s, %s", id, other, next)
	}
	if got := f.call("GET", "/cp/workspaces/w/status", "").text("instance_id"); got != next {
		t.Errorf("the status is that of %s", got)
	}
	f.call("DELETE", "/cp/workspaces/w?instance_id="+next, "").is(200)
	if third := f.provision("w", "2").is(201).text("instance_id"); third == next {
		t.Error("a machine that has ended is given out again")
	}
	f.call("DELETE", "/cp/workspaces/w", "").is(200)
	for _, m := range f.State().Machines {
		if (m.WorkspaceID == "w") != (m.State == cpwire.Terminated) {
			t.Errorf("after all of w are deleted, %+v", m)
		}
	}
}

func TestCallsThatMakeNoSense(t *testing.T) {
	t.Parallel()
	f := newFixture(t, cpwire.Options{Token: "let-me-in"})
	auth := []string{"Authorization", "Bearer let-me-in"}
	id := f.call("POST", "/cp/workspaces/provision", order("w", "1"), auth...).is(201).text("instance_id")
	for _, c := range []struct {
		method, path, body string
		headers            []string
		code               int
	}{
		{"POST", "/cp/workspaces/provision", order("w", "2"), nil, 401},
		{"DELETE", "/cp/workspaces/w", "", []string{"Authorization", "Bearer let-me-im"}, 401},
		{"GET", "/cp/workspaces/w/status", "", []string{"Authorization", "let-me-in"}, 401},
		{"POST", "/cp/workspaces/provision", "", auth, 400},
		{"POST", "/cp/workspaces/provision", "{", auth, 400},
		{"POST", "/cp/workspaces/provision", `{"org_id":"o"}`, auth, 400},
		{"POST", "/cp/workspaces/provision", `"` + strings.Repeat("x", 2<<20) + `"`, auth, 400},
		{"GET", "/cp/workspaces/v/status", "", auth, 404},
		{"DELETE", "/cp/workspaces/v", "", auth, 404},
		{"DELETE", "/cp/workspaces/v?instance_id=" + id, "", auth, 404}, // another's machine
		{"DELETE", "/cp/workspaces/w?instance_id=cp-0", "", auth, 404},
		{"GET", "/cp/workspaces/provision", "", auth, 405},
		{"GET", "/", "", auth, 404},
	} {
		f.call(c.method, c.path, c.body, c.headers...).is(c.code)
	}
	if m := f.State().Machines; len(m) != 1 || m[0].State != cpwire.Running {
		t.Errorf("machines %+v", m)
	}
}

func TestEnd(t *testing.T) {
	t.Parallel()
	f := newFixture(t, cpwire.Options{})
	id := f.provision("w", "1").is(201).text("instance_id")
	if err := f.End(id, ""); err != nil {
		t.Fatal(err)
	}
	if err := f.End(id, "again"); err != nil {
		t.Errorf("once more: %v", err)
	}
	if f.End("cp-0", "") == nil {
		t.Error("a machine that is none is ended")
	}
	if got := f.state("w"); got != "terminated" {
		t.Errorf("it is %s", got)
	}
	if got := f.told[len(f.told)-1]; len(f.told) != 2 || got != "stopped "+id+": the host failed" {
		t.Errorf("told %q", f.told)
	}
}

func TestBound(t *testing.T) {
	t.Parallel()
	f := newFixture(t, cpwire.Options{MaxMachines: 3})
	for i := range 3 {
		f.provision(fmt.Sprint(i), "").is(201)
	}
	f.provision("3", "").is(503)
	f.call("DELETE", "/cp/workspaces/1", "").is(200)
	f.provision("3", "").is(201)
	f.call("GET", "/cp/workspaces/1/status", "").is(404) // forgotten
	f.call("GET", "/cp/workspaces/0/status", "").is(200)
}

// A hook may call the server: it boots an agent that may die at once.
func TestHooksMayCallTheServer(t *testing.T) {
	t.Parallel()
	var server *cpwire.Server
	var stopped []string
	server = cpwire.New(cpwire.Options{
		Launched: func(m cpwire.Machine) {
			if err := server.End(m.ID, "died at once"); err != nil {
				t.Error(err)
			}
		},
		Stopped: func(m cpwire.Machine) { stopped = append(stopped, m.Reason) },
	})
	f := &fixture{T: t, Server: server}
	f.provision("w", "1").is(201)
	if f.state("w") != "terminated" || !slices.Equal(stopped, []string{"died at once"}) {
		t.Errorf("it is %s, stopped %q", f.state("w"), stopped)
	}
}
