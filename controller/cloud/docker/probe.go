package docker

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"time"

	"github.com/docker/go-units"
	dc "github.com/ory/dockertest/v3/docker"
)

// Verdict is what a [Finding] comes to.
type Verdict int

// The verdicts.
const (
	Good  Verdict = iota
	Bad           // something does not work, and Way is the way out
	Aside         // good to know
)

// Finding is one thing that containers need, and how it is here.
type Finding struct {
	Name    string
	Verdict Verdict
	Text    string
	Way     string // out; empty where there is nothing to be done
}

// probeTimeout bounds how long an Engine that does not answer is waited for.
const probeTimeout = 10 * time.Second

// Probe looks at everything that launching containers needs of the Engine at the host and of this program, which was built of
// the package: whether it answers, whether an image can be made of this program, whether that image and another network can be
// had. The network that it makes to find out is removed.
func Probe(ctx context.Context, host, pkg, image string) []Finding {
	ctx, cancel := context.WithTimeout(ctx, probeTimeout)
	defer cancel()
	e, err := Connect(ctx, host)
	if err != nil {
		what, way, _ := strings.Cut(err.Error(), "\n")
		return []Finding{{"engine", Bad, what, way}}
	}
	defer e.Close()
	return append(e.probeEngine(), probeProgram(pkg), e.probeImage(image), e.probeNetworks(ctx))
}

// probeEngine tells the version, and what is known of it.
func (e *Engine) probeEngine() []Finding {
	v, err := e.Client.Version()
	if err != nil {
		return []Finding{{"engine", Bad, fmt.Sprintf("it answers, and does not tell its version: %v", err), ""}}
	}
	version := v.Get("Version")
	found := []Finding{{"engine", Good, fmt.Sprintf("Docker %s at %s", version, e.Client.Endpoint()), ""}}
	if losesCount(version) {
		found = append(found, Finding{
			"version", Aside, "Engines before 23.0 lose count where several containers leave a network at a moment, and never let\n" +
				"go of it: runs take theirs off one after the other", "where networks are left all the same, restart Docker (bootrace cloud list --cloud docker shows them)",
		})
	}
	return found
}

// losesCount reports whether an Engine of the version has the mistake that [ErrStuck] is about.
func losesCount(version string) bool {
	var major int
	_, err := fmt.Sscanf(version, "%d.", &major)
	return err == nil && major < 23
}

// probeProgram says what an image is made of.
func probeProgram(pkg string) Finding {
	self, err := os.Executable()
	switch {
	case err != nil:
		return Finding{"program", Bad, fmt.Sprintf("this program does not find itself: %v", err), ""}
	case IsStatic(self) && packageOf(self) == pkg:
		return Finding{"program", Good, "this program is static: an image needs nothing else", ""}
	}
	const dynamic = "this program is not static, and runs in no image by itself"
	if out, err := exec.Command("go", "list", pkg).CombinedOutput(); err != nil { //nolint:gosec,noctx // our own package; it is quick
		return Finding{
			"program", Bad, fmt.Sprintf("%s; go does not find its source here to build one that is: %s", dynamic, firstLine(string(out), err)),
			"use one that is static (make build), or run this in its source's folder",
		}
	}
	return Finding{"program", Good, dynamic + ": a static one is built when it is needed, of the source here", ""}
}

func firstLine(text string, err error) string {
	if line, _, _ := strings.Cut(strings.TrimSpace(text), "\n"); line != "" {
		return line
	}
	return err.Error()
}

// probeImage looks for the image that controllers launch unless they are told another.
func (e *Engine) probeImage(image string) Finding {
	in, err := e.Client.InspectImage(image)
	switch {
	case errors.Is(err, dc.ErrNoSuchImage):
		return Finding{
			"image", Aside, image + " is not there; only bootrace controller --cloud docker asks for it, runs build their own", "make image",
		}
	case err != nil:
		return Finding{"image", Bad, fmt.Sprintf("%s: %v", image, err), ""}
	}
	return Finding{"image", Good, fmt.Sprintf("%s, %s, built %s", image, units.HumanSize(float64(in.Size)), in.Created.UTC().Format("2006-01-02 15:04")), ""}
}

// probeNetworks makes a network and removes it: of addresses for networks, an Engine has about thirty.
func (e *Engine) probeNetworks(ctx context.Context) Finding {
	name := fmt.Sprintf("bootrace-doctor-%d-%d", os.Getpid(), time.Now().UnixNano())
	n, err := e.CreateNetwork(ctx, name, Owned(Self(), time.Hour))
	if err != nil {
		return Finding{
			"networks", Bad, fmt.Sprintf("no other can be made: %v", err),
			"remove what nobody uses: bootrace cloud reap --cloud docker --expired --yes, docker network prune",
		}
	}
	if err := n.Remove(context.WithoutCancel(ctx)); err != nil {
		return Finding{"networks", Bad, fmt.Sprintf("one was made, and cannot be removed: %v", err), "restart Docker"}
	}
	left := 0
	if items, err := e.Inventory(ctx); err == nil {
		for _, i := range items {
			if i.Kind == KindNetwork && i.Life == Gone {
				left++
			}
		}
	}
	if left > 0 {
		return Finding{
			"networks", Aside, fmt.Sprintf("another is available; %d are left from runs that are gone", left), "bootrace cloud reap --cloud docker --expired --yes",
		}
	}
	return Finding{"networks", Good, "another is available", ""}
}
