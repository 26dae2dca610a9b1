package docker

import (
	"bytes"
	"fmt"
	"os"
	"strconv"
	"strings"
)

// Self names this process as an owner: by the boot of its machine, the namespace that its id is from, its id, and when it
// started. A process id alone is given again sooner or later.
func Self() string { return NameOf(os.Getpid()) }

// NameOf names another process of this machine in the same way. It must run.
func NameOf(pid int) string {
	return fmt.Sprintf("%s/%d/%d", home(), pid, startOf(pid))
}

// home stands for this boot of this machine and the namespace that our process ids are from.
func home() string {
	boot, err1 := os.ReadFile("/proc/sys/kernel/random/boot_id")
	namespace, err2 := os.Readlink("/proc/self/ns/pid")
	if err1 != nil || err2 != nil {
		host, _ := os.Hostname() // an owner without a home is never known to be gone
		return "elsewhere-" + host
	}
	return strings.TrimSpace(string(boot)) + "-" + strings.Trim(strings.TrimPrefix(namespace, "pid:"), "[]")
}

// startOf is when a process began, in clock ticks since the machine's boot; 0 where there is no such process, or only what
// is left of one until its parent has asked.
func startOf(pid int) int64 {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0
	}
	// The second field is the program's name in parentheses, and may contain anything.
	fields := strings.Fields(string(stat[bytes.LastIndexByte(stat, ')')+1:]))
	if len(fields) < 20 || fields[0] == "Z" || fields[0] == "X" {
		return 0
	}
	start, err := strconv.ParseInt(fields[19], 10, 64)
	if err != nil {
		return 0
	}
	return start
}

// gone reports whether the owner is certainly no more. One of another machine, or of another boot, may live on.
func gone(owner string) bool {
	where, rest, ok := strings.Cut(owner, "/")
	pid, start, ok2 := strings.Cut(rest, "/")
	if !ok || !ok2 || where != home() || strings.HasPrefix(where, "elsewhere-") {
		return false
	}
	id, err1 := strconv.Atoi(pid)
	began, err2 := strconv.ParseInt(start, 10, 64)
	return err1 == nil && err2 == nil && began > 0 && startOf(id) != began
}
