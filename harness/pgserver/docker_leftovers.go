package pgserver

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"strconv"
	"sync"
	"time"

	"github.com/containerd/errdefs"
	"github.com/moby/moby/client"
	"github.com/testcontainers/testcontainers-go"
)

// ownerLabel names the process that a container belongs to.
const ownerLabel = "bootrace.postgres.owner"

// builtImage is what images/postgres/build makes, without any registry.
const builtImage = "bootrace-postgres:latest"

// imageFor is the image to use: the one that was asked for, or else the usual one, or where that is not there the one that is
// made of Debian's packages.
func imageFor(ctx context.Context, provider *testcontainers.DockerProvider, opts Options) string {
	if opts.Image == "" && os.Getenv(imageVariable) == "" && errors.Is(inspectImage(ctx, provider, defaultImage), errNoImage) &&
		inspectImage(ctx, provider, builtImage) == nil {
		return builtImage
	}
	return opts.image()
}

// reapContainers removes containers whose owner is gone. Nobody waits for what cannot be removed.
func reapContainers(ctx context.Context, provider *testcontainers.DockerProvider) {
	ctx, cancel := context.WithTimeout(ctx, 20*time.Second)
	defer cancel()
	all, err := provider.Client().ContainerList(ctx, client.ContainerListOptions{All: true, Filters: make(client.Filters).Add("label", ownerLabel)})
	if err != nil {
		return
	}
	for _, c := range all.Items {
		if owner, ok := parseToken(c.Labels[ownerLabel]); ok && owner.gone() {
			provider.Client().ContainerRemove(ctx, c.ID, client.ContainerRemoveOptions{Force: true, RemoveVolumes: true}) //nolint:errcheck // see above
		}
	}
}

// ryukVariable has testcontainers do without its reaper, which it reads once.
const ryukVariable = "TESTCONTAINERS_RYUK_DISABLED"

// withoutRyuk has testcontainers do without its reaper where the reaper's image is not on this machine: what it is for, the
// next Start does as well, and to fetch the image may take as long as the network likes. Whoever sets the variable decides.
var withoutRyuk = sync.OnceFunc(func() {
	if _, set := os.LookupEnv(ryukVariable); set {
		return
	}
	docker, err := client.New(client.FromEnv)
	if err != nil {
		return
	}
	defer func() { _ = docker.Close() }()
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	if _, err := docker.ImageInspect(ctx, testcontainers.ReaperDefaultImage); errdefs.IsNotFound(err) { //nolint:staticcheck // nothing else tells its name
		os.Setenv(ryukVariable, "true") //nolint:errcheck // it is a valid name
	}
})

// freePort is a port that nobody serves on.
func freePort() (string, error) {
	l, err := (&net.ListenConfig{}).Listen(context.Background(), "tcp", "127.0.0.1:0")
	if err != nil {
		return "", fmt.Errorf("find a port for Postgres: %w", err)
	}
	port := l.Addr().(*net.TCPAddr).Port
	return strconv.Itoa(port), l.Close()
}
