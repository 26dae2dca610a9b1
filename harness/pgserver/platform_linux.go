package pgserver

import (
	"bytes"
	"fmt"
	"hash/fnv"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

// processStart returns when a process began, in clock ticks since the machine's boot.
func processStart(pid int) (start int64, zombie bool, err error) {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0, false, err
	}
	// The second field is the program's name in parentheses, and may contain anything.
	fields := strings.Fields(string(stat[bytes.LastIndexByte(stat, ')')+1:]))
	if len(fields) < 20 {
		return 0, false, fmt.Errorf("/proc/%d/stat: too short", pid)
	}
	start, err = strconv.ParseInt(fields[19], 10, 64)
	return start, fields[0] == "Z" || fields[0] == "X", err
}

// hostID stands for this boot of this machine and the namespace that our process ids are from.
func hostID() string {
	boot, err1 := os.ReadFile("/proc/sys/kernel/random/boot_id")
	namespace, err2 := os.Readlink("/proc/self/ns/pid")
	if err1 != nil || err2 != nil {
		namespace, _ = os.Hostname()
	}
	h := fnv.New32a()
	fmt.Fprintf(h, "%s %s", boot, namespace)
	return fmt.Sprintf("%08x", h.Sum32())
}

// isPostmasterOf reports whether a process is the postmaster of a data directory: it works there, as its owner. A
// server's other processes do too; they end with the postmaster, so that a mistake would be harmless.
func isPostmasterOf(pid int, data string) bool {
	cwd, err := os.Readlink(fmt.Sprintf("/proc/%d/cwd", pid))
	if err != nil {
		return false
	}
	target, err := filepath.EvalSymlinks(data)
	if err != nil || cwd != target {
		return false
	}
	process, err1 := os.Stat(fmt.Sprintf("/proc/%d", pid))
	folder, err2 := os.Stat(data)
	return err1 == nil && err2 == nil && process.Sys().(*syscall.Stat_t).Uid == folder.Sys().(*syscall.Stat_t).Uid
}

// endWithUs has the kernel signal a child when the thread that started it ends.
func endWithUs(attr *syscall.SysProcAttr, signal syscall.Signal) {
	attr.Pdeathsig = signal
}

// memoryFolder returns a memory file system to put clusters in, or "".
//
// It is worth some care. A cluster is a thousand small files, and so are three databases; where many were deleted lately
// ext4 takes up to a millisecond to create one, as it looks for an inode that has been free for some minutes. On
// /dev/shm a start takes a tenth of a second, every time. But
//   - it takes memory, so there must be plenty (containers usually have 64 MB there: too little);
//   - it must not be cleaned up under us (see logoutCleans).
func memoryFolder() string {
	const dir, roomy, spare = "/dev/shm", 1 << 30, 2 << 30
	cgroup, _ := os.ReadFile("/proc/self/cgroup")
	_, err := os.Stat("/run/systemd/sessions")
	if logoutCleans(os.Geteuid(), string(cgroup), err == nil) {
		return ""
	}
	var fs unix.Statfs_t
	if unix.Statfs(dir, &fs) != nil || fs.Type != unix.TMPFS_MAGIC || fs.Bavail*uint64(fs.Bsize) < roomy {
		return ""
	}
	if unix.Access(dir, unix.W_OK) != nil {
		return ""
	}
	info, err := os.ReadFile("/proc/meminfo")
	if err != nil {
		return ""
	}
	_, after, _ := strings.Cut(string(info), "MemAvailable:")
	var kilobytes uint64
	if _, err := fmt.Sscan(after, &kilobytes); err != nil || kilobytes<<10 < spare {
		return ""
	}
	return dir
}

// logoutCleans reports whether logind may remove what we have in /dev/shm while we run. It does that (RemoveIPC) with all
// that belongs to a user, system users excepted, when the last of the user's sessions ends. A process that is part of
// a session keeps it from ending, and one that is part of the user's service manager ends with it. One that is neither,
// such as a system service that runs as a user, would lose its files when that user happens to log in and out.
func logoutCleans(uid int, cgroup string, logind bool) bool {
	const firstUser = 1000
	return logind && uid >= firstUser && !strings.Contains(cgroup, fmt.Sprintf("/user-%d.slice/", uid))
}

// forgetSharedMemory removes the System V segment that a postmaster which was killed outright left: its interlock, a few
// bytes that would otherwise stay until the machine is booted. Key and owner must be the cluster's.
func forgetSharedMemory(key int32, id int, owner uint32) {
	var desc unix.SysvShmDesc
	if _, err := unix.SysvShmCtl(id, unix.IPC_STAT, &desc); err != nil {
		return
	}
	if desc.Perm.Key == key && desc.Perm.Uid == owner {
		_, _ = unix.SysvShmCtl(id, unix.IPC_RMID, nil)
	}
}
