package main

import (
	"encoding/json"
	"regexp"
	"strings"
	"testing"
	"time"

	dc "github.com/ory/dockertest/v3/docker"

	"github.com/bootrace/bootrace/controller/cloud"
	"github.com/bootrace/bootrace/controller/cloud/docker"
)

// launch launches a container that ends at once: it has nothing to be.
func (e *engine) launch(owner, workspace string, lifetime time.Duration) string {
	e.t.Helper()
	c, err := docker.New(docker.Config{
		Deployment: e.deployment, Image: e.image, Command: []string{"version"}, Network: e.network.Name, Owner: owner, Lifetime: lifetime,
	})
	if err != nil {
		e.t.Fatal(err)
	}
	defer c.Close()
	m, err := c.Launch(e.t.Context(), cloud.Spec{WorkspaceID: "ws-" + workspace, Incarnation: 1, Name: workspace})
	if err != nil {
		e.t.Fatal(err)
	}
	return m.ID
}

// Containers are listed with what they are and whose, and reaped as machines are. Only this test's are looked at: others use
// the Engine, too.
func TestCloudOnDocker(t *testing.T) {
	t.Parallel()
	e := onDocker(t)
	mine := e.launch(docker.Self(), "mine", 0)
	short := e.launch("", "short", time.Millisecond)
	forever := e.launch("", "for\tever", 0)
	bootrace := func(want int, args ...string) (out, err string) {
		t.Helper()
		code, out, err := inProcess(append(append([]string{"cloud"}, args...), "--cloud", "docker", "--deployment", e.deployment)...)
		if code != want {
			t.Fatalf("cloud %q ended with %d, not %d:\n%s%s", args, code, want, out, err)
		}
		return out, err
	}
	left := func() string {
		var names []string
		for _, w := range []string{"mine", "short", "for\tever"} {
			for _, c := range e.containers() {
				if c.Labels[docker.LabelName] == w {
					names = append(names, w)
				}
			}
		}
		return strings.Join(names, " ")
	}
	until(t, "they have ended", func() bool { return len(e.containers("exited")) == 3 })

	table, _ := bootrace(exitHeld, "list")
	for _, line := range []string{
		`^KIND +ID +NAME +STATE +DEPLOYMENT +WORKSPACE +BOOT +OWNER +AGE +LIFETIME$`,
		"^container +" + mine + ` +bootrace-\S+ +exited +` + e.deployment + ` +ws-mine mine +1 +alive \(process \d+\) +\d+s +-$`,
		"^container +" + short + ` +bootrace-\S+ +exited +\S+ +ws-short short +1 +- +\d+s +1ms \(expired\)$`,
		"^container +" + forever + ` +bootrace-\S+ +exited +\S+ +ws-for\?ever for\?ever +1 +- +\d+s +-$`,
	} {
		if !regexp.MustCompile("(?m)" + line).MatchString(table) {
			t.Errorf("the table lacks %s:\n%s", line, table)
		}
	}
	var rows []itemRow
	out, _ := bootrace(exitHeld, "list", "--json")
	if err := json.Unmarshal([]byte(out), &rows); err != nil || len(rows) != 3 {
		t.Fatalf("%v\n%s", err, out)
	}
	for _, r := range rows {
		if r.Kind != docker.KindContainer || r.Deployment != e.deployment || r.Incarnation != 1 || r.Expired != (r.ID == short) ||
			(r.OwnerState == docker.Alive) != (r.ID == mine) || (r.Owner == docker.Self()) != (r.ID == mine) {
			t.Errorf("JSON has %+v", r)
		}
	}
	// The network is nobody's deployment; it is in the list of all, with its owner.
	if code, out, err := inProcess("cloud", "list", "--cloud", "docker"); code != exitHeld ||
		!regexp.MustCompile(`(?m)^network +\S+ +`+e.network.Name+` +- +- +- +- +alive `).MatchString(out) {
		t.Errorf("the list of all ended with %d, and lacks the network:\n%s%s", code, out, err)
	}

	// Without --yes, nothing happens.
	out, complaint := bootrace(exitUsage, "reap", "--expired")
	if !strings.Contains(out, short) || strings.Contains(out, mine) || !strings.Contains(complaint, "nothing was removed") ||
		!strings.Contains(complaint, "--yes removes 1 container") || left() != "mine short for\tever" {
		t.Errorf("it printed\n%s%s, and left are %s", out, complaint, left())
	}
	if out, told := bootrace(exitHeld, "reap", "--expired", "--yes"); !strings.Contains(out, short) ||
		!strings.Contains(told, "removed 1 container; chosen were 1 container") || left() != "mine for\tever" {
		t.Errorf("it said %q, and left are %s", told, left())
	}
	if out, _ := bootrace(exitHeld, "reap", "--expired"); out != "no containers, networks or images\n" {
		t.Errorf("nothing is left to reap, and it printed\n%s", out)
	}
	if bootrace(exitHeld, "reap", "--older", "1h", "--yes"); left() != "mine for\tever" {
		t.Errorf("older than an hour: left are %s", left())
	}
	if err := e.Client.RemoveContainer(dc.RemoveContainerOptions{ID: mine}); err != nil {
		t.Fatal(err)
	}
	if bootrace(exitHeld, "reap", "--yes"); left() != "" {
		t.Errorf("all of the deployment: left are %s", left())
	}
}

func TestCloudOnDockerThatMakesNoSense(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		code int
		args []string
		says string
	}{
		{exitUsage, []string{"list", "--cloud", "docker", "--endpoint", "http://127.0.0.1:1"}, "where EC2 is was given, and --cloud docker too"},
		{exitUsage, []string{"list", "--docker-host", "x"}, "--docker-host was given, and --cloud docker was not"},
		{exitUsage, []string{"reap", "--cloud", "docker"}, "say which machines"},
		{exitUsage, []string{"reap", "--cloud", "moon", "--all"}, "--cloud must be one of"},
		{exitEnvironment, []string{"reap", "--cloud", "docker", "--docker-host", "tcp://127.0.0.1:1", "--all", "--yes"}, "ping tcp://127.0.0.1:1: cannot connect"},
	} {
		if code, _, err := inProcess(append([]string{"cloud"}, c.args...)...); code != c.code || !strings.Contains(err, c.says) {
			t.Errorf("%q ended with %d, and without %q:\n%s", c.args, code, c.says, err)
		}
	}
}
