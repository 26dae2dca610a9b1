//go:build unix

package pgserver

import (
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"
)

// folderPrefix starts the name of every temporary folder of ours; the owner's process id follows.
const folderPrefix = "bootrace-pg-"

// ownerFile in a folder holds its owner's identity.
const ownerFile = "owner.json"

// longestSocket is how long a Unix socket's path may be on every system that we know, with a little to spare.
const longestSocket = 99

// folder is a temporary folder that belongs to this process.
//
// Two things say that it is in use: a lock on the folder, which the kernel releases when the process ends, however it
// ends; and the owner's identity in a file, for file systems that know no such locks. It is a leftover when neither
// speaks for it.
type folder struct {
	path string
	lock *os.File // nil where the file system has no locks
}

// errTaken says that another process holds a folder's lock, or has removed the folder.
var errTaken = errors.New("taken")

// claimFolder makes a new folder that only we may enter.
func claimFolder(parent string) (*folder, error) {
	for range 20 {
		path := filepath.Join(parent, fmt.Sprintf("%s%d-%s", folderPrefix, os.Getpid(), strings.ToLower(rand.Text()[:8])))
		if err := os.Mkdir(path, 0o700); errors.Is(err, os.ErrExist) {
			continue
		} else if err != nil {
			return nil, err
		}
		// Between the two steps another process may take the folder for a leftover. It holds the lock then, and will
		// remove the folder: leave it to it.
		lock, err := lockFolder(path)
		if errors.Is(err, errTaken) {
			continue
		}
		f := &folder{path: path, lock: lock}
		owner, err := json.Marshal(self())
		if err == nil {
			err = os.WriteFile(filepath.Join(path, ownerFile), owner, 0o600)
		}
		if err != nil {
			return nil, errors.Join(err, f.remove())
		}
		return f, nil
	}
	return nil, fmt.Errorf("cannot make a folder in %s: every name is taken", parent)
}

// lockFolder locks a folder without waiting. The error is errTaken, or whatever kept it from knowing.
func lockFolder(path string) (*os.File, error) {
	f, err := os.OpenFile(path, os.O_RDONLY|syscall.O_DIRECTORY|syscall.O_NOFOLLOW, 0)
	if errors.Is(err, os.ErrNotExist) {
		return nil, errTaken
	} else if err != nil {
		return nil, err
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		_ = f.Close()
		if errors.Is(err, syscall.EWOULDBLOCK) {
			return nil, errTaken
		}
		return nil, err
	}
	// The path may name another folder by now, or none.
	locked, err1 := f.Stat()
	named, err2 := os.Lstat(path)
	if err1 != nil || err2 != nil || !os.SameFile(locked, named) {
		_ = f.Close()
		return nil, errTaken
	}
	return f, nil
}

// remove removes the folder and all in it, and only then lets go of the lock. The folder must not be in use any more; a
// server's last processes may still be putting a file down, so a few tries are made.
func (f *folder) remove() error {
	defer func() {
		if f.lock != nil {
			_ = f.lock.Close()
		}
	}()
	var err error
	for range 20 {
		if err = os.RemoveAll(f.path); err == nil {
			return nil
		}
		time.Sleep(25 * time.Millisecond)
	}
	return err
}

// socketRoom reports whether a cluster in a folder below parent gets a socket path that is not too long.
func socketRoom(parent string) bool {
	longest := filepath.Join(parent, folderPrefix+"4194304-abcdefgh", socketFolder, ".s.PGSQL.5432")
	return len(longest) <= longestSocket
}

// clusterParent chooses where to put a cluster.
func clusterParent(opts Options, acct account) (string, error) {
	if opts.TempDir != "" {
		// Asked for by name: another place would be a surprise.
		if !socketRoom(opts.TempDir) {
			return "", &failure{
				fmt.Errorf("%s is too long a path: a socket in it would exceed %d bytes", opts.TempDir, longestSocket),
				"choose a shorter folder for temporary files",
			}
		}
		return opts.TempDir, acct.mayEnter(opts.TempDir)
	}
	if os.Getenv("TMPDIR") == "" && !opts.Durable {
		if dir := memoryFolder(); dir != "" {
			return dir, nil
		}
	}
	dir := os.TempDir()
	if socketRoom(dir) && acct.mayEnter(dir) == nil {
		return dir, nil
	}
	return "/tmp", acct.mayEnter("/tmp")
}

// folderParents are all places where clusterParent may have put a folder, now or in another process.
func folderParents(opts Options) []string {
	parents := []string{os.TempDir(), "/tmp", "/dev/shm"}
	if opts.TempDir != "" {
		parents = append(parents, opts.TempDir)
	}
	slices.Sort(parents)
	return slices.Compact(parents)
}
