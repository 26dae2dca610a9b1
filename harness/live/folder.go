package live

import (
	"fmt"
	"os"
	"path/filepath"
)

// folderPattern is what folders for sockets are called.
const folderPattern = "bootrace-live-*"

// lockFile is held by whoever's folder it is: a folder whose lock is free was left by a process that is gone.
const lockFile = "lock"

// folder is a folder of a run's own, which nobody else may enter.
type folder struct {
	path string
	lock *os.File
}

// claimFolder makes a folder, and removes those that runs left which are gone.
func claimFolder() (*folder, error) {
	removeLeft()
	path, err := os.MkdirTemp("", folderPattern)
	if err != nil {
		return nil, fmt.Errorf("live: %w", err)
	}
	lock, err := os.OpenFile(filepath.Join(path, lockFile), os.O_CREATE|os.O_RDWR, 0o600)
	if err == nil && !tryLock(lock) {
		err = fmt.Errorf("%s is locked", lock.Name())
	}
	if err != nil {
		os.RemoveAll(path) //nolint:errcheck // the first error is the one to tell
		return nil, fmt.Errorf("live: %w", err)
	}
	return &folder{path, lock}, nil
}

// remove removes the folder with all that is in it.
func (f *folder) remove() error {
	err := os.RemoveAll(f.path)
	f.lock.Close() //nolint:errcheck // nobody wrote to it
	return err
}

// removeLeft removes the folders of runs that are gone. What cannot be removed is no reason not to run.
func removeLeft() {
	left, _ := filepath.Glob(filepath.Join(os.TempDir(), folderPattern)) // the pattern is sound
	for _, path := range left {
		lock, err := os.OpenFile(filepath.Join(path, lockFile), os.O_RDWR, 0)
		if err != nil {
			continue // it is being made at this moment, or somebody else's
		}
		if tryLock(lock) {
			os.RemoveAll(path) //nolint:errcheck // see above
		}
		lock.Close() //nolint:errcheck // nobody wrote to it
	}
}
