//go:build unix

package pgserver

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"
)

// What is in a cluster's folder. The socket's folder has a short name because a socket's path must be short.
const (
	dataFolder   = "data"
	socketFolder = "s"
	logFile      = "log"
)

// readyTimeout bounds how long a postmaster may take to accept connections.
const readyTimeout = 30 * time.Second

// cluster is a private Postgres: a data directory, a socket and a postmaster, in one temporary folder.
//
// It can be launched again on the same data once its postmaster has ended, for whatever reason: the folder stays until
// stop.
type cluster struct {
	inst   installation
	acct   account
	origin string
	folder *folder
	opts   Options
	post   *child
}

func (c *cluster) data() string   { return filepath.Join(c.folder.path, dataFolder) }
func (c *cluster) socket() string { return filepath.Join(c.folder.path, socketFolder) }
func (c *cluster) log() string    { return filepath.Join(c.folder.path, logFile) }

// startCluster makes a cluster and launches it. The origin says for people where the binaries are from.
func startCluster(ctx context.Context, inst installation, acct account, opts Options, origin string) (_ *cluster, err error) {
	parent, err := clusterParent(opts, acct)
	if err != nil {
		return nil, err
	}
	home, err := claimFolder(parent)
	if err != nil {
		return nil, err
	}
	c := &cluster{inst: inst, acct: acct, origin: origin, folder: home, opts: opts}
	defer func() {
		if err != nil {
			err = errors.Join(err, c.stop())
		}
	}()
	if acct.switched {
		// The account has to pass through to what is its own, but owns and sees nothing else here.
		if err := os.Chmod(home.path, 0o711); err != nil { //nolint:gosec // passing through is the point
			return nil, err
		}
	}
	if err := c.makeFolder(c.socket()); err != nil {
		return nil, err
	}

	seeds := seedsIn(opts)
	seeded, err := c.fill(ctx, seeds)
	if err != nil {
		return nil, err
	}
	err = c.launch(ctx)
	if err != nil && seeded && ctx.Err() == nil {
		// The seed may be to blame, in a way that its checksum does not show. A fresh one tells.
		opts.say("Postgres %s does not start from the cached data directory; making a new one", inst.version)
		seeds.discard(inst)
		if err := os.RemoveAll(c.data()); err != nil {
			return nil, err
		}
		if _, err := c.fill(ctx, seeds); err != nil {
			return nil, err
		}
		err = c.launch(ctx)
	}
	if err != nil {
		return nil, err
	}
	return c, nil
}

// makeFolder makes a folder that only the account may enter.
func (c *cluster) makeFolder(path string) error {
	if err := os.Mkdir(path, 0o700); err != nil {
		return err
	}
	return c.acct.give(path)
}

// fill makes the data directory: from the seed if there is one, else with initdb, and then keeps that as the seed.
func (c *cluster) fill(ctx context.Context, seeds seeds) (seeded bool, _ error) {
	if err := os.Mkdir(c.data(), 0o700); err != nil {
		return false, err
	}
	err := seeds.unpack(ctx, c.inst, c.data(), c.acct)
	if err == nil {
		return true, nil
	}
	if ctx.Err() != nil {
		return false, context.Cause(ctx)
	}
	if !errors.Is(err, os.ErrNotExist) {
		c.opts.say("the cached data directory of Postgres %s is no good (%v); making a new one", c.inst.version, err)
	}
	if err := os.RemoveAll(c.data()); err != nil {
		return false, err
	}
	if err := c.makeFolder(c.data()); err != nil {
		return false, err
	}
	c.opts.say("initialising a data directory for Postgres %s, once", c.inst.version)
	if err := c.run(ctx, "initdb", append([]string{"-D", c.data()}, initdbOptions...)...); err != nil {
		return false, err
	}
	// Without a seed the next start takes longer, no more.
	if err := seeds.pack(c.inst, c.data(), c.acct); err != nil {
		c.opts.say("cannot keep the data directory for the next start: %v", err)
	}
	return false, nil
}

// run runs one of the installation's programs to its end.
func (c *cluster) run(ctx context.Context, program string, args ...string) error {
	var out strings.Builder
	cmd := c.command(program, args...)
	cmd.Stdout, cmd.Stderr = &out, &out
	proc, err := spawn(cmd, syscall.SIGTERM)
	if err != nil {
		return fmt.Errorf("%s as user %s: %w", program, c.acct.name, err)
	}
	select {
	case <-proc.done:
	case <-ctx.Done():
		proc.endGroup()
		return context.Cause(ctx)
	}
	if proc.err != nil {
		return fmt.Errorf("%s: %w\n%s", cmd.Path, proc.err, lastLines(out.String(), 15))
	}
	return nil
}

func (c *cluster) command(program string, args ...string) *exec.Cmd {
	cmd := exec.Command(filepath.Join(c.inst.bin, program), args...) //nolint:gosec,noctx // ours; and spawn ends it
	cmd.Dir, cmd.Env, cmd.SysProcAttr = c.folder.path, c.acct.environ(), c.acct.attr()
	return cmd
}

// settings are the server's, in an order that does not change.
func (c *cluster) settings() []string {
	settings := map[string]string{
		"listen_addresses":        "",
		"unix_socket_directories": `"` + c.socket() + `"`, // a list; quoted, for paths with commas
		"unix_socket_permissions": "0700",
		"port":                    "5432",

		"max_connections":            "100",
		"shared_buffers":             "64MB",
		"dynamic_shared_memory_type": "mmap", // files in the data directory, which go when that goes
		"max_parallel_workers":       "0",    // and which are slow, if parallel queries were to use them
		"jit":                        "off",
		"autovacuum":                 "off", // it would come and go as it likes, which no two runs would share

		"wal_level":        "minimal",
		"max_wal_senders":  "0",
		"max_wal_size":     "256MB",
		"fsync":            "off",
		"full_page_writes": "off",

		"synchronous_commit": "off",
		"logging_collector":  "off",
		"log_destination":    "stderr",
		"log_line_prefix":    "%m [%p] ",
		"log_checkpoints":    "off",
		"lc_messages":        "C",
		"timezone":           "UTC",
		"log_timezone":       "UTC",
	}
	if c.opts.Durable {
		for _, name := range []string{"fsync", "synchronous_commit", "full_page_writes"} {
			settings[name] = "on"
		}
	}
	maps.Copy(settings, c.opts.Settings)
	var args []string
	for _, name := range slices.Sorted(maps.Keys(settings)) {
		args = append(args, "-c", name+"="+settings[name])
	}
	return args
}

// launch starts a postmaster on the data directory and waits until it accepts connections. The one before, if any, must
// have ended. On an error nothing runs.
func (c *cluster) launch(ctx context.Context) (err error) {
	log, err := os.OpenFile(c.log(), os.O_CREATE|os.O_APPEND|os.O_RDWR, 0o600)
	if err != nil {
		return err
	}
	defer func() { _ = log.Close() }()
	before, err := log.Seek(0, 2)
	if err != nil {
		return err
	}

	cmd := c.command("postgres", append([]string{"-D", c.data()}, c.settings()...)...)
	cmd.Stdout, cmd.Stderr = log, log
	// SIGQUIT ends a server at once, which is soon enough for data that nobody will read.
	post, err := spawn(cmd, syscall.SIGQUIT)
	if err != nil {
		return fmt.Errorf("%s as user %s: %w", cmd.Path, c.acct.name, err)
	}
	c.post = post

	giveUp := time.NewTimer(readyTimeout)
	defer giveUp.Stop()
	look := time.NewTicker(2 * time.Millisecond)
	defer look.Stop()
	for {
		select {
		case <-look.C:
			if file, err := readPostmasterFile(c.data()); err == nil && file.ready && file.pid == post.pid {
				return nil
			}
		case <-post.done:
			return c.explain(fmt.Sprintf("stopped while starting (%v)", post.err), before)
		case <-giveUp.C:
			return errors.Join(
				c.explain("does not accept connections after "+readyTimeout.String(), before),
				post.stopPostmaster())
		case <-ctx.Done():
			return errors.Join(context.Cause(ctx), post.stopPostmaster())
		}
	}
}

// crash ends the postmaster and all its children without letting them write anything.
func (c *cluster) crash() error {
	if err := c.post.signal(syscall.SIGQUIT); err != nil {
		return fmt.Errorf("crash postmaster %d: %w", c.post.pid, err)
	}
	if !c.post.ended(immediateTimeout) {
		return c.post.stopPostmaster()
	}
	return nil
}

func (c *cluster) shutDown() error { return c.post.stopPostmaster() }

// explain makes an error of what the postmaster wrote to its log from an offset on.
func (c *cluster) explain(what string, from int64) error {
	text, err := os.ReadFile(c.log())
	if err != nil {
		return fmt.Errorf("%s/postgres %s; its log cannot be read: %w", c.inst.bin, what, err)
	}
	return fromLog(c.inst.bin+"/postgres "+what, string(text[min(from, int64(len(text))):]))
}

func (c *cluster) url(database string) string {
	if database == "" {
		database = "postgres"
	}
	return (&url.URL{
		Scheme: "postgres",
		User:   url.User("postgres"),
		Path:   "/" + database,
		RawQuery: url.Values{
			"host":    {c.socket()},
			"port":    {"5432"},
			"sslmode": {"disable"},
		}.Encode(),
	}).String()
}

func (c *cluster) label() string { return c.origin + ", private cluster" }

func (c *cluster) foreign() bool { return false }

func (c *cluster) stop() error {
	if c.post != nil {
		if err := c.post.stopPostmaster(); err != nil {
			// Its folder must stay, or nobody will find it. The next Start tries again.
			return err
		}
		forgetCrash(c.data())
	}
	return c.folder.remove()
}
