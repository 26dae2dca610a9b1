package docker_test

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	dc "github.com/ory/dockertest/v3/docker"

	"github.com/bootrace/bootrace/controller/cloud/docker"
	"github.com/bootrace/bootrace/internal/await"
)

// mortal returns the name of an owner that lives, and what kills it.
func mortal(t *testing.T) (owner string, kill func()) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestNamesItself$")
	cmd.Env = append(os.Environ(), "BOOTRACE_TEST_NAME_ITSELF=1")
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(line), func() {
		if err := cmd.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		cmd.Wait()
	}
}

// TestNamesItself is the process that mortal starts.
func TestNamesItself(t *testing.T) {
	if os.Getenv("BOOTRACE_TEST_NAME_ITSELF") == "" {
		t.Skip("only a part of other tests")
	}
	os.Stdout.WriteString(docker.Self() + "\n")
	time.Sleep(time.Hour) // sleeps: until it is killed
}

// What a process left that is gone is removed, whatever state it is in. What belongs to one that lives, or to one of which
// nothing is known, is not.
func TestReap(t *testing.T) {
	t.Parallel()
	e, base := config(t)
	mortal, kill := mortal(t)
	const short = 3 * time.Second
	cases := []struct {
		name        string
		owner       string
		life        time.Duration
		left        bool // over
		networkLeft bool
		config      docker.Config
	}{
		{name: "gone", owner: mortal, left: true, networkLeft: true},
		{name: "gone-paused", owner: mortal, left: true, networkLeft: true},
		{name: "lives", owner: docker.Self()},
		{name: "elsewhere", owner: "another-boot/1/1", life: time.Hour},
		{name: "elsewhere-too-old", owner: "another-boot/1/1", life: short, left: true}, // its owner may still use the network
		{name: "nobodys"},
	}
	for i := range cases {
		x := &cases[i]
		x.config = base
		x.config.Owner, x.config.Lifetime, x.config.Deployment = x.owner, x.life, base.Deployment+"-"+x.name
		x.config.Network = x.config.Deployment
		t.Cleanup(func() {
			for _, m := range containers(t, e, x.config.Deployment) {
				e.Client.RemoveContainer(dc.RemoveContainerOptions{ID: m.ID, Force: true})
			}
			e.Client.RemoveNetwork(x.config.Network)
		})
		if _, err := e.CreateNetwork(t.Context(), x.config.Network, docker.Owned(x.owner, x.life)); err != nil {
			t.Fatal(err)
		}
		m, err := connect(t, x.config).Launch(t.Context(), spec("w"))
		if err != nil {
			t.Fatal(err)
		}
		if x.name == "gone-paused" {
			if err := e.Client.PauseContainer(m.ID); err != nil {
				t.Fatal(err)
			}
		}
	}
	program := hashOf(t, e, base.Image)
	if _, err := e.Reap(t.Context(), time.Hour, program); err != nil {
		t.Fatal(err)
	}
	for _, x := range cases {
		if x.life != short && len(containers(t, e, x.config.Deployment)) != 1 {
			t.Errorf("%s: it was reaped while its owner lived", x.name)
		}
	}
	kill()
	time.Sleep(short) // sleeps: until lives of that length are over, by the wall clock
	reaped, err := e.Reap(t.Context(), time.Hour, program)
	if err != nil {
		t.Fatal(err)
	}
	for _, x := range cases {
		if left := containers(t, e, x.config.Deployment); x.left != (len(left) == 0) {
			t.Errorf("%s: left are %v; reaped was %s", x.name, left, reaped)
		}
		if _, err := e.Client.NetworkInfo(x.config.Network); x.networkLeft != (err != nil) {
			t.Errorf("%s: the network: %v", x.name, err)
		}
	}
}

func hashOf(t *testing.T, e *docker.Engine, image string) string {
	t.Helper()
	in, err := e.Client.InspectImage(image)
	if err != nil {
		t.Fatal(err)
	}
	return in.Config.Labels[docker.LabelProgram]
}

// An image is built once for one program, and removed when there is another and nothing uses it.
func TestReapImages(t *testing.T) {
	t.Parallel()
	e, c := config(t)
	path := filepath.Join(t.TempDir(), "program")
	if err := os.WriteFile(path, []byte(c.Deployment), 0o755); err != nil {
		t.Fatal(err)
	}
	image, err := e.Image(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	if again, err := e.Image(t.Context(), path); err != nil || again != image {
		t.Errorf("the same program gave %s, then %s (%v)", image, again, err)
	}
	others := hashOf(t, e, c.Image)
	c.Image = image
	if _, err := connect(t, c).Launch(t.Context(), spec("w")); err != nil {
		t.Fatal(err)
	}
	if r, err := e.Reap(t.Context(), 0, others, hashOf(t, e, image)); err != nil || slices.Contains(r.Images, image) {
		t.Errorf("an image that is to be kept: %s (%v)", r, err)
	}
	if r, err := e.Reap(t.Context(), 0, others); err != nil || slices.Contains(r.Images, image) {
		t.Errorf("an image that a container uses: %s (%v)", r, err)
	}
	for _, m := range containers(t, e, c.Deployment) {
		if err := e.Client.RemoveContainer(dc.RemoveContainerOptions{ID: m.ID, Force: true}); err != nil {
			t.Fatal(err)
		}
	}
	if r, err := e.Reap(t.Context(), time.Hour, others); err != nil || slices.Contains(r.Images, image) {
		t.Errorf("an image that was just built: %s (%v)", r, err)
	}
	if r, err := e.Reap(t.Context(), 0, others); err != nil || !slices.Contains(r.Images, image) {
		t.Errorf("an image that nobody uses is left; reaped was %s (%v)", r, err)
	}
}

// A build that is broken off, after whatever step, leaves nothing that is not found: not a layer. (It is not parallel: other
// tests reap, too.)
func TestReapBrokenOffBuild(t *testing.T) {
	e, c := config(t)
	for _, steps := range []int{1, 2} {
		path := filepath.Join(t.TempDir(), "program")
		text := make([]byte, 64<<20) // it takes a moment to be copied
		copy(text, c.Deployment+strconv.Itoa(steps))
		if err := os.WriteFile(path, text, 0o755); err != nil {
			t.Fatal(err)
		}
		sum, err := docker.Hash(path)
		if err != nil {
			t.Fatal(err)
		}
		layers := func() []dc.APIImages {
			t.Helper()
			all, err := e.Client.ListImages(dc.ListImagesOptions{All: true, Filters: map[string][]string{"label": {docker.LabelProgram + "=" + sum}}})
			if err != nil {
				t.Fatal(err)
			}
			return all
		}
		ctx, cancel := context.WithCancel(t.Context())
		broken := make(chan error, 1)
		go func() {
			_, err := e.Image(ctx, path)
			broken <- err
		}()
		await.Until(t, "the build to begin, and what it leaves to be found", func() bool { return len(layers()) >= steps })
		cancel()
		if err := <-broken; err == nil && steps == 1 {
			t.Fatal("the build was over before it could be broken off, or its first layer cannot be found")
		}
		time.Sleep(time.Second) // sleeps: the Engine may end the step that it was at; the outcome is the same
		if len(layers()) == 0 {
			t.Skip("another process on this Engine has reaped what the test was about to")
		}
		// On a busy machine the Engine ends its step long after it was told to, which leaves a layer for the next reaping.
		await.Until(t, fmt.Sprintf("what is left of a build that was broken off after %d steps to be reaped", steps), func() bool {
			var others []string
			images, err := e.Client.ListImages(dc.ListImagesOptions{Filters: map[string][]string{"label": {docker.LabelProgram}}})
			if err != nil {
				t.Fatal(err)
			}
			for _, i := range images {
				if i.Labels[docker.LabelProgram] != sum {
					others = append(others, i.Labels[docker.LabelProgram])
				}
			}
			if _, err := e.Reap(t.Context(), 0, others...); err != nil {
				t.Fatal(err)
			}
			return len(layers()) == 0
		})
	}
}
