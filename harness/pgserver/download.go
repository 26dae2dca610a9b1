//go:build unix

package pgserver

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	embeddedpostgres "github.com/fergusstrange/embedded-postgres"
)

// downloadVersion is the release that embedded-postgres is asked for.
const downloadVersion = embeddedpostgres.V17

const (
	binariesFolder = "binaries"            // in a cache folder
	rootCache      = "/var/cache/bootrace" // see downloadFolder
)

// downloadFolder returns where downloaded binaries are kept. Where the cluster runs as another account that is not
// root's own cache, which is closed to others, but the system's: root alone can write there, and all can read.
func downloadFolder(opts Options, acct account) (string, error) {
	cache := opts.userCache()
	if acct.switched && opts.CacheDir == "" {
		cache = rootCache
	}
	if cache == "" {
		return "", &failure{errors.New("there is no cache folder to keep downloaded binaries in"), "set HOME or XDG_CACHE_HOME"}
	}
	return filepath.Join(cache, binariesFolder), nil
}

// startDownload starts a private cluster with downloaded binaries.
func startDownload(ctx context.Context, opts Options) (backend, error) {
	acct, err := clusterAccount()
	if err != nil {
		return nil, err
	}
	cache, err := downloadFolder(opts, acct)
	if err != nil {
		return nil, err
	}
	tree := filepath.Join(cache, string(downloadVersion))
	bin := filepath.Join(tree, "bin")
	if _, err := inspect(ctx, bin, acct); errors.Is(err, os.ErrNotExist) {
		if err := download(ctx, opts, cache, tree); err != nil {
			return nil, err
		}
	}
	inst, err := inspect(ctx, bin, acct)
	if err != nil {
		return nil, &failure{err, "remove " + tree + " to have it downloaded again"}
	}
	c, err := startCluster(ctx, inst, acct, opts, "downloaded binaries")
	if err != nil {
		return nil, err
	}
	return c, nil
}

// download fetches and unpacks binaries into a folder of the cache, which appears all at once.
func download(ctx context.Context, opts Options, cache, tree string) (err error) {
	if err := os.MkdirAll(cache, 0o755); err != nil { //nolint:gosec // the clusters' account has to get at it
		return err
	}
	staging, err := claimFolder(cache)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, staging.remove()) }()

	relay, err := startRelay(ctx, opts)
	if err != nil {
		return err
	}
	defer relay.close()
	opts.say("downloading Postgres %s", downloadVersion)
	unpacked := filepath.Join(staging.path, "tree")
	embeddedErr := fetch(relay.url(), staging.path, unpacked)
	switch {
	case ctx.Err() != nil:
		return context.Cause(ctx)
	case relay.failure() != nil:
		return &failure{
			fmt.Errorf("cannot download Postgres %s from %s: %w", downloadVersion, relay.upstream, relay.failure()),
			"allow access to " + relay.upstream + ", or name a Maven mirror that has embedded-postgres-binaries",
		}
	}
	for _, name := range []string{"postgres", "initdb"} {
		if _, err := os.Stat(filepath.Join(unpacked, "bin", name)); err != nil {
			return fmt.Errorf("cannot unpack Postgres %s: %w", downloadVersion, errors.Join(embeddedErr, err))
		}
	}
	if err := letAllRead(unpacked); err != nil {
		return err
	}
	err = os.Rename(unpacked, tree)
	if errors.Is(err, syscall.ENOTEMPTY) || errors.Is(err, os.ErrExist) {
		return nil // another process was quicker, with the same
	}
	return err
}

// fetch has embedded-postgres download and unpack. It offers that only on its way to a running server, and such a server
// cannot be had as root or without a TCP port. A data directory that merely claims to be one makes it skip initdb and
// then fail as soon as it has unpacked. So the error it returns says little; what counts is what it left.
func fetch(repository, staging, tree string) error {
	data := filepath.Join(staging, "no-data")
	if err := os.Mkdir(data, 0o700); err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(data, "PG_VERSION"), []byte(downloadMajor+"\n"), 0o600); err != nil {
		return err
	}
	err := embeddedpostgres.NewDatabase(embeddedpostgres.DefaultConfig().
		Version(downloadVersion).
		BinaryRepositoryURL(repository).
		CachePath(filepath.Join(staging, "archive")).
		RuntimePath(filepath.Join(staging, "run")).
		BinariesPath(tree).
		DataPath(data).
		Port(0). // it checks that the port is free, which is true of "any"
		Logger(io.Discard)).Start()
	removeEmbeddedLogs()
	if err == nil {
		return errors.New("embedded-postgres has started a server without data")
	}
	return err
}

// removeEmbeddedLogs removes the log files that embedded-postgres makes for each start and leaves behind, open. Only
// those are removed that this very process has open, where the system can tell.
func removeEmbeddedLogs() {
	entries, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		return
	}
	prefix := filepath.Join(os.TempDir(), "embedded_postgres_log")
	for _, entry := range entries {
		if target, err := os.Readlink(filepath.Join("/proc/self/fd", entry.Name())); err == nil &&
			strings.HasPrefix(target, prefix) {
			_ = os.Remove(target)
		}
	}
}

// letAllRead opens a tree to every user, which a strict umask would have closed.
func letAllRead(tree string) error {
	root, err := os.OpenRoot(tree)
	if err != nil {
		return err
	}
	defer func() { _ = root.Close() }()
	return fs.WalkDir(root.FS(), ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.Type()&fs.ModeSymlink != 0 {
			return err
		}
		info, err := entry.Info()
		if err != nil {
			return err
		}
		mode := info.Mode().Perm() | 0o444
		if entry.IsDir() || mode&0o100 != 0 {
			mode |= 0o111
		}
		return root.Chmod(name, mode&^0o022)
	})
}

// probeDownload says whether binaries have been downloaded, or could be.
func probeDownload(ctx context.Context, opts Options) (string, error) {
	acct, err := clusterAccount()
	if err != nil {
		return "", err
	}
	cache, err := downloadFolder(opts, acct)
	if err != nil {
		return "", err
	}
	bin := filepath.Join(cache, string(downloadVersion), "bin")
	inst, err := inspect(ctx, bin, acct)
	if err == nil {
		return fmt.Sprintf("Postgres %s in %s, downloaded earlier", inst.version, bin), nil
	}
	if !errors.Is(err, os.ErrNotExist) {
		return "", err
	}
	relay := newRelay(ctx, opts)
	if err := relay.reach(); err != nil {
		return "", &failure{fmt.Errorf("%s: %w", relay.upstream, err), "allow access to " + relay.upstream + ", or name a Maven mirror"}
	}
	return fmt.Sprintf("Postgres %s can be downloaded from %s", downloadVersion, relay.upstream), nil
}
