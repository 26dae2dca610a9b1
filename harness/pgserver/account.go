//go:build unix

package pgserver

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
)

// account is the system user that a private cluster runs as.
type account struct {
	name     string
	uid, gid uint32
	switched bool // it is not the caller
}

// clusterAccount chooses the account: the caller, or where the caller is root, as whom Postgres refuses to run, the user
// that Postgres packages create, or else the one that owns nothing.
func clusterAccount() (account, error) {
	if uid := os.Geteuid(); uid != 0 {
		a := account{name: strconv.Itoa(uid), uid: uint32(uid), gid: uint32(os.Getegid())}
		if u, err := user.Current(); err == nil {
			a.name = u.Username
		}
		return a, nil
	}
	for _, name := range []string{"postgres", "nobody"} {
		u, err := user.Lookup(name)
		if err != nil {
			continue
		}
		uid, err1 := strconv.ParseUint(u.Uid, 10, 32)
		gid, err2 := strconv.ParseUint(u.Gid, 10, 32)
		if err1 != nil || err2 != nil || uid == 0 {
			continue
		}
		return account{name: name, uid: uint32(uid), gid: uint32(gid), switched: true}, nil
	}
	return account{}, &failure{
		errors.New("the caller is root, Postgres refuses to run as root, and there is neither a user postgres nor a user nobody"),
		"useradd --system postgres, or run as another user",
	}
}

// attr makes a child run as the account, in a process group of its own: Ctrl-C in a terminal reaches a whole group, and
// the server must outlive it until we have cleaned up.
func (a account) attr() *syscall.SysProcAttr {
	attr := &syscall.SysProcAttr{Setpgid: true}
	if a.switched {
		attr.Credential = &syscall.Credential{Uid: a.uid, Gid: a.gid}
	}
	return attr
}

// environ is what a child gets of our environment: enough to find its libraries, and nothing that would change what
// Postgres does (PGDATA, PGOPTIONS, ...) or the language in which it says it.
func (a account) environ() []string {
	env := []string{"LC_ALL=C"}
	for _, entry := range os.Environ() {
		name, _, _ := strings.Cut(entry, "=")
		switch {
		case strings.HasPrefix(name, "PG"), strings.HasPrefix(name, "LC_"), name == "LANG", name == "LANGUAGE":
		case a.switched && (name == "HOME" || name == "USER" || name == "LOGNAME"):
		default:
			env = append(env, entry)
		}
	}
	return env
}

// give makes the account the owner of a file or folder.
func (a account) give(path string) error {
	if !a.switched {
		return nil
	}
	return os.Lchown(path, int(a.uid), int(a.gid))
}

// mayEnter checks that the account may pass through a folder and all above it. It judges by the mode alone, so an access
// list can make it wrong; the server's own error shows then.
func (a account) mayEnter(dir string) error {
	if !a.switched {
		return nil
	}
	dir, err := filepath.EvalSymlinks(dir)
	if err != nil {
		return err
	}
	for {
		info, err := os.Stat(dir)
		if err != nil {
			return err
		}
		stat := info.Sys().(*syscall.Stat_t)
		need := fs.FileMode(0o001)
		switch {
		case stat.Uid == a.uid:
			need = 0o100
		case stat.Gid == a.gid:
			need = 0o010
		}
		if info.Mode()&need == 0 {
			return fmt.Errorf("the cluster has to run as user %s, which may not enter %s", a.name, dir)
		}
		up := filepath.Dir(dir)
		if up == dir {
			return nil
		}
		dir = up
	}
}

// processExists reports whether there is a process of that id, whoever's it is.
func processExists(pid int) bool {
	return !errors.Is(syscall.Kill(pid, 0), syscall.ESRCH)
}
