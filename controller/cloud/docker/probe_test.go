package docker_test

import (
	"strings"
	"testing"

	"github.com/bootrace/bootrace/controller/cloud/docker"
)

// What containers need is looked at, and nothing is left of looking.
func TestProbe(t *testing.T) {
	t.Parallel()
	e, c := config(t)
	const pkg = "github.com/bootrace/bootrace/controller/cloud/docker/testdata/sleeper"
	by := func(host, pkg, image string) map[string]docker.Finding {
		t.Helper()
		found := map[string]docker.Finding{}
		for _, f := range docker.Probe(t.Context(), host, pkg, image) {
			found[f.Name] = f
		}
		return found
	}
	good := by("", pkg, c.Image)
	for _, name := range []string{"engine", "program", "image"} {
		if f := good[name]; f.Verdict != docker.Good || f.Text == "" {
			t.Errorf("%s: %+v", name, f)
		}
	}
	if f := good["networks"]; f.Verdict == docker.Bad { // somebody else's may be left over
		t.Errorf("%+v", f)
	}
	if all, err := e.Client.ListNetworks(); err != nil {
		t.Error(err)
	} else {
		for _, n := range all {
			if n.Labels[docker.LabelOwner] == docker.Self() && strings.HasPrefix(n.Name, "bootrace-doctor-") {
				t.Errorf("network %s is left", n.Name)
			}
		}
	}
	bad := by("", "example.com/nobody/has/this", "bootrace-test:none")
	if f := bad["program"]; f.Verdict != docker.Bad || !strings.Contains(f.Way, "make build") {
		t.Errorf("a program whose source is nowhere: %+v", f)
	}
	if f := bad["image"]; f.Verdict != docker.Aside || f.Way != "make image" {
		t.Errorf("an image that is nowhere: %+v", f)
	}
	none := by("tcp://127.0.0.1:1", pkg, c.Image)
	if f := none["engine"]; len(none) != 1 || f.Verdict != docker.Bad || !strings.Contains(f.Text, "tcp://127.0.0.1:1") || !strings.Contains(f.Way, "install and start Docker") {
		t.Errorf("no Engine: %+v", none)
	}
	for version, loses := range map[string]bool{"20.10.24+dfsg1": true, "19.3": true, "23.0.1": false, "28.2.2": false, "dev": false} {
		if docker.LosesCount(version) != loses {
			t.Errorf("%s: %v", version, !loses)
		}
	}
}
