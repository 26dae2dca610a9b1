package pgserver

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"net/url"
	"slices"
	"sync"
	"time"

	"github.com/containerd/errdefs"
	"github.com/moby/moby/api/pkg/authconfig"
	dockertypes "github.com/moby/moby/api/types/container"
	"github.com/moby/moby/api/types/network"
	"github.com/moby/moby/client"
	"github.com/testcontainers/testcontainers-go"
	tclog "github.com/testcontainers/testcontainers-go/log"
	"github.com/testcontainers/testcontainers-go/modules/postgres"
)

// containerTimeout bounds how long a container may take from its start to its first answer.
const containerTimeout = time.Minute

// container is a Postgres in Docker. Where this process dies, testcontainers' reaper removes it, which is a second container;
// and where the reaper's image is not there, the next Start does.
type container struct {
	image string
	ctr   *postgres.PostgresContainer
	dsn   string
}

// quietly silences testcontainers, which greets through a package-wide logger that nothing else can reach. It may be set
// only before it is used, so once.
var quietly = sync.OnceFunc(func() { tclog.SetDefault(tclog.NewNoopLogger()) })

// startDocker starts a container.
func startDocker(ctx context.Context, opts Options) (_ backend, err error) {
	provider, err := dockerProvider(ctx)
	if err != nil {
		return nil, err
	}
	defer func() { _ = provider.Close() }()
	reapContainers(ctx, provider)
	image := imageFor(ctx, provider, opts)
	port, err := freePort()
	if err != nil {
		return nil, err
	}
	config := provider.Config().Config
	// With a prefix testcontainers fetches another image than the one named; that is then its own affair.
	if config.HubImageNamePrefix == "" {
		images := []string{image}
		if !config.RyukDisabled {
			images = append(images, testcontainers.ReaperDefaultImage) //nolint:staticcheck // nothing else tells its name
		}
		for _, image := range images {
			if err := haveImage(ctx, provider, image, opts); err != nil {
				return nil, err
			}
		}
	}

	settings := map[string]string{
		"fsync": "off", "full_page_writes": "off", "synchronous_commit": "off", "autovacuum": "off", "jit": "off",
	}
	if opts.Durable {
		maps.DeleteFunc(settings, func(name, _ string) bool { return name != "autovacuum" && name != "jit" })
	}
	maps.Copy(settings, opts.Settings)
	command := []string{"postgres"}
	for _, name := range slices.Sorted(maps.Keys(settings)) {
		command = append(command, "-c", name+"="+settings[name])
	}

	opts.say("starting a container of %s", image)
	// The port may be published on all of the host's addresses, so the password has to be one. It is the same after a crash,
	// since connection strings name it.
	ctr, err := postgres.Run(ctx, image,
		testcontainers.WithLabels(map[string]string{ownerLabel: self().token() + "_0"}),
		testcontainers.WithHostConfigModifier(func(c *dockertypes.HostConfig) {
			c.PortBindings = network.PortMap{network.MustParsePort("5432/tcp"): {{HostPort: port}}}
		}),
		postgres.WithPassword(rand.Text()),
		testcontainers.WithEnv(map[string]string{"POSTGRES_INITDB_ARGS": "--no-sync --encoding=UTF8 --locale=C"}),
		testcontainers.WithCmd(command...),
		testcontainers.WithLogger(tclog.NewNoopLogger()))
	c := &container{image: image, ctr: ctr}
	defer func() {
		if err != nil && ctr != nil {
			err = errors.Join(err, c.stop())
		}
	}()
	if err != nil {
		return nil, fmt.Errorf("start a container of %s: %w", image, err)
	}
	if c.dsn, err = ctr.ConnectionString(ctx, "sslmode=disable"); err != nil {
		return nil, err
	}
	return c, c.await(ctx)
}

// await waits until the server answers. While the image prepares its data directory, and starts a server for itself to
// do so, nobody answers on the port: so the first answer is from the server that stays.
func (c *container) await(ctx context.Context) error {
	limited, cancel := context.WithTimeout(ctx, containerTimeout)
	defer cancel()
	pause := time.NewTicker(50 * time.Millisecond)
	defer pause.Stop()
	for {
		err := c.answers(limited)
		if err == nil {
			return nil
		}
		if state, stateErr := c.ctr.State(limited); stateErr == nil && !state.Running {
			return fromLog(fmt.Sprintf("the container of %s ended while starting (exit status %d)", c.image, state.ExitCode), c.log())
		}
		select {
		case <-pause.C:
		case <-limited.Done():
			if ctx.Err() != nil {
				return context.Cause(ctx)
			}
			return &failure{
				fromLog(fmt.Sprintf("the container of %s runs, but no Postgres answers after %s (%v)", c.image, containerTimeout, err), c.log()),
				"where Docker publishes ports on another address, set TESTCONTAINERS_HOST_OVERRIDE to it",
			}
		}
	}
}

// answers asks the server something, at the address that testcontainers gives, and else on loopback: in a container that has a
// daemon of its own, testcontainers takes that for its host's.
func (c *container) answers(ctx context.Context) error {
	var first error
	for _, dsn := range []string{c.dsn, onLoopback(c.dsn)} {
		limited, cancel := context.WithTimeout(ctx, time.Second)
		admin := newAdmin(dsn)
		_, err := admin.facts(limited)
		admin.close()
		cancel()
		if err == nil {
			c.dsn = dsn
			return nil
		}
		if first == nil {
			first = err
		}
	}
	return first
}

// onLoopback is the connection string with the server on this machine.
func onLoopback(dsn string) string {
	u, err := url.Parse(dsn)
	if err != nil {
		return dsn
	}
	u.Host = net.JoinHostPort("127.0.0.1", u.Port())
	return u.String()
}

// dockerProvider finds the Docker daemon. Testcontainers remembers for good what came of its first search, so that must
// not end early with somebody's context: it goes on by itself, for as long as the daemon takes to answer.
func dockerProvider(ctx context.Context) (*testcontainers.DockerProvider, error) {
	quietly()
	withoutRyuk()
	type result struct {
		provider *testcontainers.DockerProvider
		err      error
	}
	found := make(chan result, 1)
	go func() {
		// It panics where it finds the daemon's address but cannot make sense of what it says.
		defer func() {
			if p := recover(); p != nil {
				found <- result{nil, fmt.Errorf("%v", p)}
			}
		}()
		provider, err := testcontainers.NewDockerProvider(testcontainers.WithLogger(tclog.NewNoopLogger()))
		found <- result{provider, err}
	}()
	var r result
	select {
	case r = <-found:
	case <-ctx.Done():
		return nil, fmt.Errorf("the Docker daemon does not answer: %w", context.Cause(ctx))
	}
	if r.err != nil {
		return nil, &failure{
			fmt.Errorf("no Docker daemon can be reached: %w", r.err),
			"install and start Docker, or set DOCKER_HOST",
		}
	}
	return r.provider, nil
}

// errNoImage says that an image is not on this machine.
var errNoImage = errors.New("not there")

// inspectImage checks that an image is on this machine.
func inspectImage(ctx context.Context, provider *testcontainers.DockerProvider, image string) error {
	_, err := provider.Client().ImageInspect(ctx, image)
	if errdefs.IsNotFound(err) {
		return errNoImage
	}
	return err
}

// haveImage pulls an image if it is not there. It tries once: testcontainers by itself tries for a quarter of an hour,
// which where there is no network is a quarter of an hour lost.
func haveImage(ctx context.Context, provider *testcontainers.DockerProvider, image string, opts Options) error {
	err := inspectImage(ctx, provider, image)
	if !errors.Is(err, errNoImage) {
		return err
	}
	opts.say("pulling image %s", image)
	pull, err := provider.Client().ImagePull(ctx, image, client.ImagePullOptions{RegistryAuth: credentials(ctx, image)})
	if err == nil {
		// The pull is over when what it says is; an error in the midst of it shows in the image not being there.
		_, err = io.Copy(io.Discard, pull)
		err = errors.Join(err, pull.Close())
	}
	if err == nil {
		err = inspectImage(ctx, provider, image)
	}
	if err != nil {
		return &failure{fmt.Errorf("image %s is not on this machine and cannot be pulled: %w", image, err), imageHint(image)}
	}
	return nil
}

// credentials returns what the user's Docker configuration has for an image's registry; most images need none.
func credentials(ctx context.Context, image string) string {
	_, auth, err := testcontainers.DockerImageAuth(ctx, image)
	if err != nil {
		return ""
	}
	encoded, err := authconfig.Encode(auth)
	if err != nil {
		return ""
	}
	return encoded
}

func imageHint(image string) string {
	return fmt.Sprintf("docker pull %s   (or where there is no network: docker load < an archive of it, from docker save; or make images, "+
		"which makes %s of this machine's own Postgres)", image, builtImage)
}

// log returns the container's log, for an error.
func (c *container) log() string {
	ctx, cancel := context.WithTimeout(context.Background(), 3*time.Second)
	defer cancel()
	log, err := c.ctr.Logs(ctx)
	if err != nil {
		return ""
	}
	defer func() { _ = log.Close() }()
	text, _ := io.ReadAll(io.LimitReader(log, 1<<20))
	return string(text)
}

func (c *container) url(database string) string {
	if database == "" {
		return c.dsn
	}
	return withDatabase(c.dsn, database)
}

func (c *container) label() string { return "Docker, " + c.image }

func (c *container) foreign() bool { return false }

func (c *container) stop() error {
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	if err := testcontainers.TerminateContainer(c.ctr, testcontainers.StopContext(ctx), testcontainers.StopTimeout(5*time.Second)); err != nil {
		return fmt.Errorf("remove the container of %s: %w", c.image, err)
	}
	return nil
}

// probeDocker says whether a daemon answers and has the image.
func probeDocker(ctx context.Context, opts Options) (string, error) {
	provider, err := dockerProvider(ctx)
	if err != nil {
		return "", err
	}
	defer func() { _ = provider.Close() }()
	image := imageFor(ctx, provider, opts)
	version := "Docker"
	if v, err := provider.Client().ServerVersion(ctx, client.ServerVersionOptions{}); err == nil {
		version = "Docker " + v.Version
	}
	if err := inspectImage(ctx, provider, image); errors.Is(err, errNoImage) {
		return "", &failure{fmt.Errorf("%s answers, but has no image %s yet", version, image), imageHint(image)}
	} else if err != nil {
		return "", err
	}
	return fmt.Sprintf("%s has image %s", version, image), nil
}
