package main

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/bootrace/bootrace/controller/cloud"
	"github.com/bootrace/bootrace/controller/cloud/ec2"
	"github.com/bootrace/bootrace/fakeprovider/ec2wire"
)

// launchOn launches a machine of the deployment, for a workspace of the name, and returns its id.
func launchOn(t *testing.T, url, deployment, name string, expiry time.Duration) string {
	t.Helper()
	transport := &http.Transport{}
	defer transport.CloseIdleConnections()
	c, err := ec2.New(context.Background(), ec2.Config{
		Deployment: deployment, Endpoint: url, ImageID: ami, AgentCommand: "agent", Expiry: expiry, Transport: transport,
	})
	if err != nil {
		t.Fatal(err)
	}
	m, err := c.Launch(context.Background(), cloud.Spec{WorkspaceID: "ws-" + name, Incarnation: 1, Name: name})
	if err != nil {
		t.Fatal(err)
	}
	return m.ID
}

func TestCloud(t *testing.T) {
	t.Parallel()
	// A fake whose clock is three hours behind, so that what is launched on it is three hours old.
	wire := ec2wire.New(ec2wire.Options{Now: func() time.Time { return time.Now().Add(-3 * time.Hour) }})
	listener := httptest.NewServer(wire)
	defer listener.Close()
	url := listener.URL
	a := launchOn(t, url, "run-a", "first", 4*time.Hour)
	b := launchOn(t, url, "run-b", "sec\tond\u202e", 2*time.Hour)
	c := launchOn(t, url, "run-b", "third", 0)
	at := []string{"--endpoint", url}
	bootrace := func(want int, args ...string) (out, err string) {
		t.Helper()
		code, out, err := inProcess(append(append([]string{"cloud"}, args...), at...)...)
		if code != want {
			t.Fatalf("cloud %q ended with %d, not %d:\n%s%s", args, code, want, out, err)
		}
		return out, err
	}
	live := func() (ids []string) {
		for _, m := range wire.Machines() {
			if m.State == ec2wire.Running {
				ids = append(ids, m.ID)
			}
		}
		return ids
	}

	table, _ := bootrace(exitHeld, "list")
	for _, line := range []string{
		`^MACHINE +STATE +DEPLOYMENT +WORKSPACE +BOOT +NAME +TYPE +ZONE +AGE +LIFETIME$`,
		"^" + a + ` +running +run-a +ws-first +1 +first +t3.small +\S+ +3h0m\d+s +4h0m0s$`,
		"^" + b + ` +running +run-b +ws-sec\?ond\? +1 +sec\?ond\? +t3.small +\S+ +3h0m\d+s +2h0m0s \(expired\)$`,
		"^" + c + ` +running +run-b +ws-third +1 +third +t3.small +\S+ +3h0m\d+s +-$`,
	} {
		if !regexp.MustCompile("(?m)" + line).MatchString(table) {
			t.Errorf("the table lacks %s:\n%s", line, table)
		}
	}
	if out, _ := bootrace(exitHeld, "list", "--deployment", "run-a"); strings.Contains(out, b) || !strings.Contains(out, a) {
		t.Errorf("of one deployment it lists\n%s", out)
	}
	if out, _ := bootrace(exitHeld, "list", "--deployment", "run-c"); out != "no machines\n" {
		t.Errorf("of none it lists\n%s", out)
	}
	var rows []machineRow
	out, _ := bootrace(exitHeld, "list", "--json")
	if err := json.Unmarshal([]byte(out), &rows); err != nil || len(rows) != 3 {
		t.Fatalf("%v\n%s", err, out)
	}
	if r := rows[1]; r.ID != b || r.Deployment != "run-b" || r.WorkspaceID != "ws-sec\tond\u202e" || r.Lifetime != 7200 || !r.Expired || rows[0].Expired {
		t.Errorf("JSON has %+v", rows)
	}

	// Without --yes, nothing happens.
	out, complaint := bootrace(exitUsage, "reap", "--expired")
	if !strings.Contains(out, b) || strings.Contains(out, a) || !strings.Contains(complaint, "--yes terminates 1 machine") || len(live()) != 3 {
		t.Errorf("it printed\n%s%s, and %v live", out, complaint, live())
	}
	if _, told := bootrace(exitHeld, "reap", "--expired", "--yes"); !strings.Contains(told, "terminated 1 machine of 1") || !slices.Equal(live(), []string{a, c}) {
		t.Errorf("it said %q, and %v live", told, live())
	}
	if out, _ := bootrace(exitHeld, "reap", "--expired"); out != "no machines\n" {
		t.Errorf("nothing is left to reap, and it printed\n%s", out)
	}
	if bootrace(exitHeld, "reap", "--older", "4h", "--yes"); len(live()) != 2 {
		t.Errorf("older than four hours: %v live", live())
	}
	if bootrace(exitHeld, "reap", "--deployment", "run-a", "--yes"); !slices.Equal(live(), []string{c}) {
		t.Errorf("those of run-a: %v live", live())
	}
	if bootrace(exitHeld, "reap", "--older", "2h", "--yes"); len(live()) != 0 {
		t.Errorf("older than two hours: %v live", live())
	}
	d := launchOn(t, url, "run-d", "fourth", 0)
	if err := wire.SetFaults(ec2wire.Faults{Rules: []ec2wire.Rule{
		{Action: "TerminateInstances", Kind: ec2wire.Failed, Status: 403, Code: "UnauthorizedOperation", Times: 1},
	}}); err != nil {
		t.Fatal(err)
	}
	if _, told := bootrace(exitEnvironment, "reap", "--all", "--yes"); !strings.Contains(told, "terminated 0 machines of 1") || !strings.Contains(told, "reaping "+d) {
		t.Errorf("it said %q", told)
	}
	if bootrace(exitHeld, "reap", "--all", "--yes"); len(live()) != 0 {
		t.Errorf("all: %v live", live())
	}
}
