package docker_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	dc "github.com/ory/dockertest/v3/docker"

	"github.com/bootrace/bootrace/controller/cloud/docker"
)

// What is on the Engine is told with its owner and whether that lives, and what is chosen of it is removed, and nothing else.
// (It is not parallel: other tests reap, too. Other processes on the Engine may do that as well, whenever an owner is gone.)
func TestInventory(t *testing.T) {
	e, base := config(t)
	mortal, kill := mortal(t)
	path := filepath.Join(t.TempDir(), "program")
	if err := os.WriteFile(path, []byte(base.Deployment), 0o755); err != nil {
		t.Fatal(err)
	}
	image, err := e.Image(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { e.Client.RemoveImage(image) })
	own := map[string]bool{image: true}
	deployments := map[string]docker.Config{}
	for name, owner := range map[string]string{"lives": docker.Self(), "mortal": mortal, "elsewhere": "another-boot/1/1", "nobodys": ""} {
		c := base
		c.Owner, c.Deployment, c.Network = owner, base.Deployment+"-"+name, base.Deployment+"-"+name
		if name == "mortal" {
			c.Image = image // which has nothing to run in it
		}
		own[c.Network] = true
		deployments[name] = c
		labels := docker.Owned(owner, 0)
		if name == "mortal" {
			labels[docker.LabelProgram] = hashOf(t, e, image)
		}
		if _, err := e.CreateNetwork(t.Context(), c.Network, labels); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			for _, m := range containers(t, e, c.Deployment) {
				e.Client.RemoveContainer(dc.RemoveContainerOptions{ID: m.ID, Force: true})
			}
			e.Client.RemoveNetwork(c.Network)
		})
		if _, err := connect(t, c).Launch(t.Context(), spec("w")); err != nil && name != "mortal" {
			t.Fatal(err)
		}
	}
	look := func() map[string]docker.Item {
		t.Helper()
		all, err := e.Inventory(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		found := map[string]docker.Item{}
		for _, i := range all {
			if own[i.Name] || strings.HasPrefix(i.Deployment, base.Deployment+"-") {
				name := i.Name
				if i.Kind == docker.KindContainer {
					name = i.Deployment
				}
				found[string(i.Kind)+" "+strings.TrimPrefix(name, base.Deployment+"-")] = i
			}
		}
		return found
	}
	before := look()
	for what, life := range map[string]docker.Life{
		"container lives": docker.Alive, "container mortal": docker.Alive, "container elsewhere": docker.Unknown, "container nobodys": docker.Nobody,
		"network lives": docker.Alive, "network mortal": docker.Alive, "network elsewhere": docker.Unknown,
	} {
		i, ok := before[what]
		if !ok || i.Life != life || time.Since(i.CreatedAt) > time.Minute || i.LeftOver(time.Now()) {
			t.Errorf("%s: %+v", what, i)
		}
	}
	if i, ok := before["network nobodys"]; ok {
		t.Errorf("a network without an owner is none of ours: %+v", i)
	}
	if i := before["container lives"]; i.State != "running" || i.WorkspaceID != "w" || i.Incarnation != 1 || i.Workspace != "one" {
		t.Errorf("it is told as %+v", i)
	}
	if i := before["image "+image]; i.State != "used" || len(i.Users) != 2 {
		t.Errorf("a container and a network use the image: %+v", i)
	}

	kill()
	after := look()
	for what, i := range after {
		if want := strings.HasSuffix(what, " mortal"); i.LeftOver(time.Now()) != want {
			t.Errorf("its owner is gone: %v; left over: %v: %+v", want, !want, i)
		}
	}
	var all []docker.Item
	for _, i := range after {
		all = append(all, i)
	}
	due := docker.Due(all, 0, time.Now().Add(2*docker.FreshImage)) // when the image is no fresh one any more
	for _, i := range due {
		if i.Name != image && !strings.HasSuffix(i.Name+i.Deployment, "-mortal") {
			t.Fatalf("due are %+v", due)
		}
	}
	// What uses another is removed first, whatever order they are given in; what is not there any more is no error.
	slices.Reverse(due)
	for range 2 {
		if removed, err := e.RemoveItems(t.Context(), due); err != nil || len(removed) != len(due) {
			t.Fatalf("removed %+v (%v)", removed, err)
		}
	}
	left := look()
	for what := range before {
		if _, is := left[what]; is != (what != "image "+image && !strings.HasSuffix(what, " mortal")) {
			t.Errorf("%s is left: %v", what, is)
		}
	}
	// An image in use stays, and is named.
	if removed, err := e.RemoveItems(t.Context(), []docker.Item{{Kind: docker.KindImage, ID: "x", Name: base.Image}}); err == nil ||
		len(removed) != 0 || !strings.Contains(err.Error(), "removing image "+base.Image) {
		t.Errorf("removing an image that containers use: %v (%v)", removed, err)
	}
}

// What is chosen, of things that are only told of.
func TestDue(t *testing.T) {
	t.Parallel()
	now := time.Now()
	ago := func(d time.Duration) time.Time { return now.Add(-d) }
	items := []docker.Item{
		{Kind: docker.KindContainer, ID: "gone", Life: docker.Gone, CreatedAt: ago(time.Minute)},
		{Kind: docker.KindContainer, ID: "alive", Life: docker.Alive, CreatedAt: ago(time.Minute)},
		{Kind: docker.KindContainer, ID: "old", Life: docker.Nobody, CreatedAt: ago(2 * time.Hour)},
		{Kind: docker.KindContainer, ID: "expired", Life: docker.Nobody, CreatedAt: ago(time.Minute), Lifetime: time.Second},
		{Kind: docker.KindNetwork, ID: "network-gone", Life: docker.Gone, CreatedAt: ago(time.Minute)},
		{Kind: docker.KindNetwork, ID: "network-expired", Life: docker.Unknown, CreatedAt: ago(time.Minute), Lifetime: time.Second},
		{Kind: docker.KindImage, ID: "image-fresh", CreatedAt: ago(time.Minute)},
		{Kind: docker.KindImage, ID: "image-unused", CreatedAt: ago(time.Hour)},
		{Kind: docker.KindImage, ID: "image-of-gone", CreatedAt: ago(time.Hour), Users: []string{"gone"}},
		{Kind: docker.KindImage, ID: "image-of-both", CreatedAt: ago(time.Hour), Users: []string{"gone", "alive"}},
	}
	for _, c := range []struct {
		name  string
		older time.Duration
		want  string
	}{
		{"expired", 0, "gone expired network-gone image-unused image-of-gone"},
		{"older", time.Hour + time.Second, "gone old expired network-gone image-unused image-of-gone"},
		{"older than a moment", time.Second, "gone alive old expired network-gone network-expired image-fresh image-unused image-of-gone image-of-both"},
	} {
		var got []string
		for _, i := range docker.Due(items, c.older, now) {
			got = append(got, i.ID)
		}
		if text := strings.Join(got, " "); text != c.want {
			t.Errorf("%s: %s, not %s", c.name, text, c.want)
		}
	}
	for owner, life := range map[string]docker.Life{"": docker.Nobody, docker.Self(): docker.Alive, "another-boot/1/1": docker.Unknown, "nonsense": docker.Unknown} {
		if got := docker.LifeOf(owner); got != life {
			t.Errorf("%q is %q, not %q", owner, got, life)
		}
	}
}
