package pgserver

import (
	"os"
	"strings"
	"testing"
)

func TestLogoutCleans(t *testing.T) {
	for _, c := range []struct {
		name   string
		uid    int
		cgroup string
		logind bool
		want   bool
	}{
		{"root", 0, "0::/system.slice/ssh.service\n", true, false},
		{"system user", 101, "0::/system.slice/ci.service\n", true, false},
		{"user in a session", 1000, "0::/user.slice/user-1000.slice/session-3.scope\n", true, false},
		{"user in a session, old hierarchy", 1000, "1:name=systemd:/user.slice/user-1000.slice/session-3.scope\n", true, false},
		{"user's own manager", 1000, "0::/user.slice/user-1000.slice/user@1000.service/app.slice/x.scope\n", true, false},
		{"system service as a user", 1001, "0::/system.slice/ci.service\n", true, true},
		{"service with sudo in another's session", 1001, "0::/user.slice/user-1000.slice/session-3.scope\n", true, true},
		{"user in a container", 1000, "0::/\n", false, false},
	} {
		if got := logoutCleans(c.uid, c.cgroup, c.logind); got != c.want {
			t.Errorf("%s: %v", c.name, got)
		}
	}
}

// TestMemoryFolder knows of this machine only what the function promises.
func TestMemoryFolder(t *testing.T) {
	dir := memoryFolder()
	if dir == "" {
		t.Log("there is none here")
		return
	}
	f, err := os.CreateTemp(dir, "pgserver-test-")
	if err != nil {
		t.Fatal(err)
	}
	defer os.Remove(f.Name())
	defer f.Close()
	mounts, err := os.ReadFile("/proc/mounts")
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(mounts), " "+dir+" tmpfs ") {
		t.Errorf("%s is not in memory", dir)
	}
}
