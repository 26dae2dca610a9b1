//go:build unix

package pgserver

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"time"
)

var folderPattern = regexp.MustCompile(`^` + folderPrefix + `([0-9]{1,9})-[0-9a-z]+$`)

// reapLeftovers removes what processes that are gone left on this machine. What cannot be removed is reported as
// progress: somebody else's litter is no reason not to start.
func reapLeftovers(opts Options) {
	for _, parent := range folderParents(opts) {
		entries, err := os.ReadDir(parent)
		if err != nil {
			continue // most of the places do not exist
		}
		for _, entry := range entries {
			if !entry.IsDir() || !folderPattern.MatchString(entry.Name()) {
				continue
			}
			path := filepath.Join(parent, entry.Name())
			if err := reapFolder(path); err != nil {
				opts.say("cannot remove %s, which an earlier run left: %v", path, err)
			}
		}
	}
}

// reapFolder removes one folder of ours, if it is that and a leftover; else it does nothing.
func reapFolder(path string) error {
	lock, err := lockFolder(path)
	if err != nil {
		return nil //nolint:nilerr // in use, or who knows: not for us to remove
	}
	f := &folder{path: path, lock: lock}
	if !isOurs(lock) || !leftover(f) {
		return lock.Close()
	}
	if err := stopLeftover(filepath.Join(path, dataFolder)); err != nil {
		return errors.Join(err, lock.Close())
	}
	return f.remove()
}

// isOurs reports whether a folder belongs to the user that we are.
func isOurs(f *os.File) bool {
	info, err := f.Stat()
	return err == nil && info.Sys().(*syscall.Stat_t).Uid == uint32(os.Geteuid())
}

// foreignAge is how old a folder that another boot or another container made must be to count as left. Its lock is free,
// and where locks hold across containers that alone would do; on a folder shared between machines they may not.
const foreignAge = 24 * time.Hour

// leftover reports whether the owner of a folder, whose lock we hold, is gone.
func leftover(f *folder) bool {
	var owner identity
	path := filepath.Join(f.path, ownerFile)
	text, err := os.ReadFile(path)
	if err != nil || json.Unmarshal(text, &owner) != nil {
		// Its process ended before it had written that. The folder's name must do.
		m := folderPattern.FindStringSubmatch(filepath.Base(f.path))
		if m == nil {
			return false
		}
		pid, _ := strconv.Atoi(m[1])
		return identity{PID: pid, Host: self().Host}.gone()
	}
	if owner.Host != self().Host {
		info, err := os.Stat(path)
		return err == nil && time.Since(info.ModTime()) > foreignAge
	}
	return owner.gone()
}

// stopLeftover stops the postmaster of a data directory whose owner is gone, if it still runs. Its data is of no use to
// anybody, so it is told to drop everything.
func stopLeftover(data string) error {
	lockfile, err := readPostmasterFile(data)
	if err != nil {
		return nil // none; and one whose data directory is removed under it would notice by itself
	}
	// The handle is taken before the check: where the system can pin a process (Linux) the id cannot pass on to another
	// process between check and signal.
	process, err := os.FindProcess(lockfile.pid)
	if err == nil {
		defer func() { _ = process.Release() }()
		for _, signal := range []syscall.Signal{syscall.SIGQUIT, syscall.SIGKILL} {
			if !isPostmasterOf(lockfile.pid, data) {
				break
			}
			if err := process.Signal(signal); err != nil && !errors.Is(err, os.ErrProcessDone) {
				return fmt.Errorf("stop postmaster %d: %w", lockfile.pid, err)
			}
			for range 250 {
				if !isPostmasterOf(lockfile.pid, data) {
					break
				}
				time.Sleep(20 * time.Millisecond)
			}
		}
		if isPostmasterOf(lockfile.pid, data) {
			return fmt.Errorf("postmaster %d does not end", lockfile.pid)
		}
	}
	forgetCrash(data)
	return nil
}

// forgetCrash removes from the system what a postmaster that is gone without cleaning up left outside its folder. That
// it did not clean up shows in its file still being there.
func forgetCrash(data string) {
	lockfile, err := readPostmasterFile(data)
	if err != nil || lockfile.segment == 0 {
		return
	}
	if info, err := os.Stat(data); err == nil {
		forgetSharedMemory(lockfile.key, lockfile.segment, info.Sys().(*syscall.Stat_t).Uid)
	}
}

// postmasterFile is what a postmaster says about itself in its data directory.
type postmasterFile struct {
	pid     int
	key     int32 // of its shared memory
	segment int
	ready   bool // it accepts connections
}

func readPostmasterFile(data string) (postmasterFile, error) {
	// The folder may be another account's, so nothing in it is trusted to be a plain file.
	f, err := os.OpenFile(filepath.Join(data, "postmaster.pid"), os.O_RDONLY|syscall.O_NOFOLLOW|syscall.O_NONBLOCK, 0)
	if err != nil {
		return postmasterFile{}, err
	}
	defer func() { _ = f.Close() }()
	var lines []string
	scanner := bufio.NewScanner(io.LimitReader(f, 4096))
	for scanner.Scan() {
		lines = append(lines, strings.TrimSpace(scanner.Text()))
	}
	var file postmasterFile
	if len(lines) > 0 {
		file.pid, err = strconv.Atoi(strings.TrimPrefix(lines[0], "-")) // the servers that initdb starts write a minus
	}
	if err != nil || file.pid <= 1 {
		return postmasterFile{}, fmt.Errorf("%s/postmaster.pid makes no sense", data)
	}
	if len(lines) > 6 {
		var key uint64
		if n, _ := fmt.Sscan(lines[6], &key, &file.segment); n == 2 {
			file.key = int32(key)
		}
	}
	file.ready = len(lines) > 7 && lines[7] == "ready"
	return file, nil
}
