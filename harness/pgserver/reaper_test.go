package pgserver

import (
	"encoding/json"
	"os"
	"path/filepath"
	"runtime"
	"syscall"
	"testing"
	"time"
)

// TestKilledProcessLeavesNothing kills another process the hard way: its server ends at once, and its folder goes with
// the next start. A third process, which is alive, is left alone.
func TestKilledProcessLeavesNothing(t *testing.T) {
	t.Parallel()
	opts := Options{CacheDir: sharedCache, TempDir: openDir(t), Source: SourceBinaries}
	killed, alive := startHelper(t, opts), startHelper(t, opts)
	killed.kill()
	if runtime.GOOS == "linux" && !isGone(killed.Postmaster) {
		t.Errorf("postmaster %d outlives its owner", killed.Postmaster)
	}
	if !exists(killed.Folder) {
		t.Fatal("who has removed the folder?")
	}

	server := start(t, opts)
	if !isGone(killed.Postmaster) {
		t.Errorf("postmaster %d is still there", killed.Postmaster)
	}
	if exists(killed.Folder) {
		t.Errorf("%s is still there", killed.Folder)
	}
	if isGoneNow(alive.Postmaster) || !exists(alive.Folder) {
		t.Error("a living process has lost its server")
	}
	if err := server.Stop(); err != nil {
		t.Error(err)
	}
}

func isGoneNow(pid int) bool { return syscall.Kill(pid, 0) != nil }

// TestLeftoverPostmasterIsStopped is about systems that do not end a server with its owner: the postmaster of a folder
// whose owner is gone still runs.
func TestLeftoverPostmasterIsStopped(t *testing.T) {
	t.Parallel()
	server := start(t, Options{TempDir: openDir(t)})
	c := server.back.(*cluster)
	orphan(t, c.folder, identity{PID: unusedPID(t), Start: 1, Host: self().Host})

	reapLeftovers(c.opts)
	if !c.post.ended(5 * time.Second) {
		t.Errorf("postmaster %d still runs", c.post.pid)
	}
	if exists(c.folder.path) {
		t.Errorf("%s is still there", c.folder.path)
	}
}

// orphan makes a folder of ours look like another process's that is gone.
func orphan(t *testing.T, f *folder, owner identity) {
	t.Helper()
	text, err := json.Marshal(owner)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(f.path, ownerFile), text, 0o600); err != nil {
		t.Fatal(err)
	}
	f.lock.Close()
	f.lock = nil
}

// unusedPID returns a process id that no process has.
func unusedPID(t *testing.T) int {
	t.Helper()
	for pid := 4_000_000; pid > 2; pid-- {
		if !processExists(pid) {
			return pid
		}
	}
	t.Fatal("there are processes everywhere")
	return 0
}

// TestReaperKnowsWhatIsOurs lists what is a leftover, and what looks like one and is not.
func TestReaperKnowsWhatIsOurs(t *testing.T) {
	gone := identity{PID: unusedPID(t), Start: 1, Host: self().Host}
	again := self() // our own process id, taken by a process that has ended since
	again.Start--
	elsewhere := identity{PID: gone.PID, Start: 1, Host: "00000000"}

	for _, c := range []struct {
		name   string
		change func(t *testing.T, f *folder)
		reaped bool
	}{
		{"owner gone", func(t *testing.T, f *folder) { orphan(t, f, gone) }, true},
		{"owner gone, its id in use again", func(t *testing.T, f *folder) { orphan(t, f, again) }, true},
		{"owner alive, lock lost", func(t *testing.T, f *folder) { orphan(t, f, self()) }, false},
		{"owner gone, lock held", func(t *testing.T, f *folder) {
			lock := f.lock
			f.lock, _ = os.Open(f.path) // what orphan closes
			orphan(t, f, gone)
			f.lock = lock
		}, false},
		{"another host's", func(t *testing.T, f *folder) { orphan(t, f, elsewhere) }, false},
		{"another boot's, long ago", func(t *testing.T, f *folder) {
			orphan(t, f, elsewhere)
			past := time.Now().Add(-2 * foreignAge)
			if err := os.Chtimes(filepath.Join(f.path, ownerFile), past, past); err != nil {
				t.Fatal(err)
			}
		}, true},
		{"another user's", func(t *testing.T, f *folder) {
			orphan(t, f, gone)
			if os.Geteuid() != 0 {
				return
			}
			if err := os.Chown(f.path, 65534, 65534); err != nil {
				t.Fatal(err)
			}
		}, os.Geteuid() != 0},
		{"no owner yet, process alive", func(_ *testing.T, f *folder) {
			f.lock.Close()
			f.lock = nil
			_ = os.Remove(filepath.Join(f.path, ownerFile))
		}, false},
		{"a data directory with the process id of another program", func(t *testing.T, f *folder) {
			orphan(t, f, gone)
			data := filepath.Join(f.path, dataFolder)
			if err := os.Mkdir(data, 0o700); err != nil {
				t.Fatal(err)
			}
			ours := []byte(itoa(os.Getpid()) + "\n" + data + "\n") // it would end this very test
			if err := os.WriteFile(filepath.Join(data, "postmaster.pid"), ours, 0o600); err != nil {
				t.Fatal(err)
			}
		}, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			parent := openDir(t)
			f, err := claimFolder(parent)
			if err != nil {
				t.Fatal(err)
			}
			c.change(t, f)
			reapLeftovers(Options{TempDir: parent, CacheDir: sharedCache})
			if exists(f.path) == c.reaped {
				t.Errorf("reaped: %v, want %v", !exists(f.path), c.reaped)
			}
			if err := f.remove(); err != nil {
				t.Error(err)
			}
		})
	}
}

// TestReaperSkipsWhatIsNotAFolder has others put things there that bear our name.
func TestReaperSkipsWhatIsNotAFolder(t *testing.T) {
	parent, other := openDir(t), openDir(t)
	link := filepath.Join(parent, folderPrefix+"1-abc")
	file := filepath.Join(parent, folderPrefix+"2-abc")
	named := filepath.Join(parent, folderPrefix+"my-own")
	if err := os.Symlink(other, link); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(named, 0o700); err != nil {
		t.Fatal(err)
	}
	reapLeftovers(Options{TempDir: parent, CacheDir: sharedCache})
	for _, path := range []string{link, file, named, other} {
		if !exists(path) {
			t.Errorf("%s is gone", path)
		}
	}
}
