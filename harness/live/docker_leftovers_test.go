package live_test

import (
	"errors"
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

// owned is what the runs of one test have on the Engine. Others use it, too: what is theirs is told by their processes' names.
type owned struct {
	t      *testing.T
	engine *docker.Engine
	owners map[string]bool // the test's runs
	hash   string          // of the program whose image they boot
}

// items are what the runs have: their containers and networks, images of their program, and layers that are nobody's.
func (o owned) items() (all []docker.Item) {
	o.t.Helper()
	found, err := o.engine.Inventory(o.t.Context())
	if err != nil {
		o.t.Fatal(err)
	}
	for _, i := range found {
		if o.owners[i.Owner] {
			all = append(all, i)
		}
	}
	return all
}

// images are the ids of those that are made of the program, with all of their layers.
func (o owned) images() (ids []string) {
	o.t.Helper()
	all, err := o.engine.Client.ListImages(dc.ListImagesOptions{All: true, Filters: map[string][]string{"label": {docker.LabelProgram + "=" + o.hash}}})
	if err != nil {
		o.t.Fatal(err)
	}
	for _, i := range all {
		ids = append(ids, i.ID)
	}
	slices.Sort(ids)
	return ids
}

// volumes are the names of those that the runs' containers use.
func (o owned) volumes() (names []string) {
	o.t.Helper()
	for _, i := range o.items() {
		if i.Kind != docker.KindContainer {
			continue
		}
		in, err := o.engine.Client.InspectContainerWithContext(i.ID, o.t.Context())
		if err != nil {
			continue // it is gone meanwhile
		}
		for _, m := range in.Mounts {
			names = append(names, m.Name)
		}
	}
	return names
}

// kill is the moment at which a run is killed.
type kill struct {
	when string
	now  func(all []docker.Item) bool // given what the run has on the Engine
}

var kills = []kill{
	{"the networks are there and no machine is", func(all []docker.Item) bool {
		return slices.ContainsFunc(all, func(i docker.Item) bool { return i.Kind == docker.KindNetwork })
	}},
	{"machines run", func(all []docker.Item) bool {
		return slices.ContainsFunc(all, func(i docker.Item) bool { return i.Deployment != "" && i.State == "running" })
	}},
}

// play plays a small scenario in a process of its own, and kills that at the moment, where there is one.
func (o owned) play(program string, k *kill) {
	t := o.t
	t.Helper()
	folder := t.TempDir()
	said, err := os.Create(filepath.Join(folder, "said"))
	if err != nil {
		t.Fatal(err)
	}
	defer said.Close()
	run := exec.CommandContext(t.Context(), program, "run", "--world", "live", "--cloud", "docker", "--out", folder, "--seed", "7",
		"--speed", strconv.Itoa(containerSpeed), filepath.Join("testdata", "tiny.yaml"))
	run.Env = append(os.Environ(), "TMPDIR=/tmp")
	run.Stdout, run.Stderr = said, said
	fail := func(what string) {
		run.Process.Kill()
		run.Wait()
		text, _ := os.ReadFile(said.Name())
		t.Fatalf("%s:\n%s", what, text)
	}
	if err := run.Start(); err != nil {
		t.Fatal(err)
	}
	owner := docker.NameOf(run.Process.Pid)
	o.owners[owner] = true
	if k == nil {
		const inconclusive = 10 // its minute is short for two boots
		var ended *exec.ExitError
		if err := run.Wait(); err != nil && (!errors.As(err, &ended) || ended.ExitCode() != inconclusive) {
			fail(fmt.Sprint("a run that was let be ended with ", err))
		}
		return
	}
	mine := owned{t, o.engine, map[string]bool{owner: true}, o.hash}
	for giveUp := time.Now().Add(await.Hang); !k.now(mine.items()); {
		if time.Now().After(giveUp) {
			fail("it never came to that " + k.when)
		}
		time.Sleep(10 * time.Millisecond) // sleeps: between two looks
	}
	run.Process.Kill()
	run.Wait()
	if len(mine.items()) == 0 {
		t.Fatal("the killed run has left nothing, and the test shows nothing")
	}
}

// Runs leave nothing, not even those that are killed, once there was another: no container, no network, no volume, no image but
// the one that the next run boots, and no layer of one.
func testRunsLeaveNothingForLong(t *testing.T) {
	t.Parallel()
	e, c := containers(t)
	hash, err := docker.Hash(c.Program())
	if err != nil {
		t.Fatal(err)
	}
	o := owned{t, e, map[string]bool{}, hash}
	before := o.images()
	runs := few(10, 3)
	began := time.Now()
	var volumes []string
	for i := range runs {
		var k *kill
		switch i {
		case 0, runs / 2: // the last one is let be, and so is the one after a killed one
			k = &kills[min(i, 1)]
		}
		o.play(c.Program(), k)
		volumes = append(volumes, o.volumes()...)
	}
	o.play(c.Program(), nil)
	t.Logf("%d runs, two of them killed, and one more: %s", runs, time.Since(began).Round(time.Second))
	var left []string
	for _, i := range o.items() {
		left = append(left, string(i.Kind)+" "+i.Name)
	}
	if len(left) > 0 {
		t.Errorf("the runs have left %s", strings.Join(left, ", "))
	}
	if after := o.images(); !slices.Equal(after, before) {
		t.Errorf("images of the program, with their layers, were %v and are %v", before, after)
	}
	there, err := e.Client.ListVolumes(dc.ListVolumesOptions{Context: t.Context()})
	if err != nil {
		t.Fatal(err)
	}
	for _, v := range there {
		if slices.Contains(volumes, v.Name) {
			t.Errorf("volume %s is left", v.Name)
		}
	}
}
