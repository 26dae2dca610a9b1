//go:build unix

package pgserver

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// installation is a folder with Postgres server binaries that were seen to run.
type installation struct {
	bin     string // the folder
	banner  string // what postgres --version prints
	version string // "15.18"
	major   int
}

// wellKnown are the places where packages put server binaries. Few of them are in anybody's PATH.
var wellKnown = []string{
	"/usr/lib/postgresql/*/bin",         // Debian, Ubuntu
	"/usr/pgsql-*/bin",                  // Fedora, RHEL, from postgresql.org
	"/usr/local/pgsql/bin",              // built from source
	"/usr/lib/postgresql*/bin",          // Alpine, SUSE, Gentoo
	"/usr/libexec/postgresql*",          // Alpine, newer
	"/opt/homebrew/opt/postgresql*/bin", // Homebrew on Apple silicon
	"/usr/local/opt/postgresql*/bin",    // Homebrew on Intel
	"/home/linuxbrew/.linuxbrew/opt/postgresql*/bin",
	"/Applications/Postgres.app/Contents/Versions/*/bin",
	"/Library/PostgreSQL/*/bin",      // EDB on macOS
	"/opt/local/lib/postgresql*/bin", // MacPorts
	"/opt/bitnami/postgresql/bin",
}

var digits = regexp.MustCompile(`\d+`)

// binFolders lists the folders to look in, best first: those that were named, those in PATH, then the well-known ones,
// newest first.
func binFolders(opts Options) []string {
	var named, known []string
	for _, dir := range []string{opts.BinDir, os.Getenv("PGBIN")} {
		if dir != "" {
			named = append(named, dir)
		}
	}
	for _, dir := range filepath.SplitList(os.Getenv("PATH")) {
		// An entry may be a link to the real one, beside which initdb and the server's library are.
		if target, err := filepath.EvalSymlinks(filepath.Join(dir, "postgres")); err == nil {
			named = append(named, filepath.Dir(target))
		}
	}
	for _, pattern := range wellKnown {
		dirs, _ := filepath.Glob(pattern)
		known = append(known, dirs...)
	}
	slices.SortStableFunc(known, func(a, b string) int { return cmp.Compare(majorIn(b), majorIn(a)) })

	var all []string
	for _, dir := range append(named, known...) {
		if !slices.Contains(all, dir) {
			all = append(all, dir)
		}
	}
	return all
}

// majorIn guesses a release from a path: its last number.
func majorIn(path string) int {
	numbers := digits.FindAllString(path, -1)
	if len(numbers) == 0 {
		return 0
	}
	n, _ := strconv.Atoi(numbers[len(numbers)-1])
	return n
}

// inspect finds out whether a folder has server binaries that the account can run. The error is os.ErrNotExist where
// there are none at all.
func inspect(ctx context.Context, bin string, acct account) (installation, error) {
	for _, name := range []string{"postgres", "initdb"} {
		if _, err := os.Stat(filepath.Join(bin, name)); err != nil {
			return installation{}, err
		}
	}
	if err := acct.mayEnter(bin); err != nil {
		return installation{}, err
	}
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	cmd := exec.CommandContext(ctx, filepath.Join(bin, "postgres"), "--version") //nolint:gosec // to find out what it is
	cmd.SysProcAttr, cmd.Env, cmd.Dir = acct.attr(), acct.environ(), "/"
	out, err := cmd.CombinedOutput()
	if err != nil {
		return installation{}, fmt.Errorf("%s/postgres --version: %w: %s", bin, err, strings.TrimSpace(string(out)))
	}
	inst := installation{bin: bin, banner: strings.TrimSpace(string(out))}
	_, rest, _ := strings.Cut(inst.banner, "(PostgreSQL) ")
	inst.version, _, _ = strings.Cut(rest, " ")
	inst.major, _ = strconv.Atoi(digits.FindString(inst.version))
	if inst.major < oldestMajor {
		return installation{}, fmt.Errorf("%s: %s is too old; %d or newer is needed", bin, inst.banner, oldestMajor)
	}
	return inst, nil
}

// findInstallations returns those that can be used. The error, if there are none, says what was looked at.
func findInstallations(ctx context.Context, opts Options, acct account) ([]installation, error) {
	var found []installation
	var errs []error
	for _, dir := range binFolders(opts) {
		inst, err := inspect(ctx, dir, acct)
		switch {
		case err == nil:
			found = append(found, inst)
		case errors.Is(err, os.ErrNotExist) && dir != opts.BinDir:
			// Client programs only, or something else by that name.
		default:
			errs = append(errs, err)
		}
	}
	if len(found) > 0 {
		return found, nil
	}
	if len(errs) == 0 {
		errs = append(errs, errors.New("no postgres and initdb in $PGBIN, in PATH, in /usr/lib/postgresql/*/bin, "+
			"or wherever else packages put them"))
	}
	return nil, &failure{errors.Join(errs...), installHint()}
}

// installHint says how to get binaries on this machine.
func installHint() string {
	for _, manager := range []struct{ program, command string }{
		{"apt-get", "apt-get install postgresql"},
		{"dnf", "dnf install postgresql-server"},
		{"apk", "apk add postgresql"},
		{"pacman", "pacman -S postgresql"},
		{"zypper", "zypper install postgresql-server"},
		{"brew", "brew install postgresql"},
	} {
		if _, err := exec.LookPath(manager.program); err == nil {
			return manager.command + "   (its service need not run)"
		}
	}
	return "install the Postgres server package; its service need not run"
}

// startBinaries starts a private cluster from the first installation with which that works.
func startBinaries(ctx context.Context, opts Options) (backend, error) {
	acct, err := clusterAccount()
	if err != nil {
		return nil, err
	}
	found, err := findInstallations(ctx, opts, acct)
	if err != nil {
		return nil, err
	}
	var errs []error
	for _, inst := range found {
		c, err := startCluster(ctx, inst, acct, opts, "binaries on this machine")
		if err == nil {
			return c, nil
		}
		errs = append(errs, err)
		if ctx.Err() != nil {
			break
		}
	}
	return nil, errors.Join(errs...)
}

// probeBinaries says what startBinaries would start.
func probeBinaries(ctx context.Context, opts Options) (string, error) {
	acct, err := clusterAccount()
	if err != nil {
		return "", err
	}
	found, err := findInstallations(ctx, opts, acct)
	if err != nil {
		return "", err
	}
	parent, err := clusterParent(opts, acct)
	if err != nil {
		return "", err
	}
	return fmt.Sprintf("Postgres %s in %s, to run as %s in %s", found[0].version, found[0].bin, acct.name, parent), nil
}
