package pgserver

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// The sources of a server, in the order in which [Start] tries them.
const (
	SourceURL      = "url"      // a server that somebody else runs
	SourceBinaries = "binaries" // binaries on this machine, private cluster
	SourceDocker   = "docker"   // a container
)

// defaultImage is used where neither binaries nor a server are at hand.
const defaultImage = "postgres:17-alpine"

// imageVariable names the environment variable that says which image to use.
const imageVariable = "BOOTRACE_POSTGRES_IMAGE"

// oldestMajor is the oldest release that can be used: DROP DATABASE ... WITH (FORCE) came with it.
const oldestMajor = 13

// Options say where to look for a server and how to run it. The zero value looks everywhere.
type Options struct {
	// URL of a server to use, as a URL or in keyword/value form. Where it is given no other source is tried: a server
	// that was asked for and does not answer is an error, not a reason to use another. The role must be allowed to
	// create databases.
	URL string

	// Source forces one source; empty means all, in order.
	Source string

	// Progress, if set, is told in a few words about steps that take long. It is called from one goroutine at a time.
	Progress func(string)

	// Durable makes a private cluster write as a production server does: fsync, synchronous commits and full pages.
	Durable bool

	// Settings are server settings for a private cluster or a container; they win over the package's own. With them a
	// caller can also undo what the package guarantees (listen_addresses, for one).
	Settings map[string]string

	// BinDir is a folder with postgres and initdb in it, to be tried before all others. $PGBIN means the same.
	BinDir string

	// TempDir is where private clusters are put. Empty means, on Linux, a memory file system if that is roomy, safe and
	// TMPDIR is not set; else the system's folder for temporary files.
	TempDir string

	// CacheDir keeps initialised data directories between runs. Empty means "bootrace" in the
	// user's cache folder.
	CacheDir string

	// Image is the Docker image; empty means what BOOTRACE_POSTGRES_IMAGE says, or else postgres:17-alpine, or where that is not
	// on this machine, bootrace-postgres, which images/postgres/build makes.
	Image string
}

// sources returns the names to try, in order.
func (o Options) sources() ([]string, error) {
	switch o.Source {
	case "":
		if o.URL != "" {
			return []string{SourceURL}, nil
		}
		return []string{SourceBinaries, SourceDocker}, nil
	case SourceURL:
		if o.URL == "" {
			return nil, fmt.Errorf("pgserver: source %q needs a URL", SourceURL)
		}
		return []string{SourceURL}, nil
	case SourceBinaries, SourceDocker:
		if o.URL != "" {
			return nil, fmt.Errorf("pgserver: both a URL and source %q are given; they exclude each other", o.Source)
		}
		return []string{o.Source}, nil
	}
	return nil, fmt.Errorf("pgserver: no source %q; there are %s", o.Source,
		strings.Join([]string{SourceURL, SourceBinaries, SourceDocker}, ", "))
}

func (o Options) say(format string, args ...any) {
	if o.Progress != nil {
		o.Progress(fmt.Sprintf(format, args...))
	}
}

func (o Options) image() string {
	switch image := os.Getenv(imageVariable); {
	case o.Image != "":
		return o.Image
	case image != "":
		return image
	default:
		return defaultImage
	}
}

// userCache returns the folder of the caller's own cache, or "" where the caller has none (no home).
func (o Options) userCache() string {
	if o.CacheDir != "" {
		return o.CacheDir
	}
	base, err := os.UserCacheDir()
	if err != nil {
		return ""
	}
	return filepath.Join(base, "bootrace")
}

// seconds renders a duration the way descriptions and errors show it.
func seconds(d time.Duration) string {
	return fmt.Sprintf("%.1fs", d.Seconds())
}
