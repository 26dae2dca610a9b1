//go:build unix && !linux

package pgserver

import (
	"fmt"
	"hash/fnv"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// processStart returns when a process began, in Unix seconds.
func processStart(pid int) (start int64, zombie bool, err error) {
	cmd := exec.Command("ps", "-o", "stat=,lstart=", "-p", strconv.Itoa(pid))
	cmd.Env = append(os.Environ(), "LC_ALL=C")
	out, err := cmd.Output()
	if err != nil {
		return 0, false, err
	}
	state, when, _ := strings.Cut(strings.TrimSpace(string(out)), " ")
	at, err := time.ParseInLocation("Mon Jan _2 15:04:05 2006", strings.TrimSpace(when), time.Local)
	return at.Unix(), strings.HasPrefix(state, "Z"), err
}

// hostID stands for this machine.
func hostID() string {
	name, _ := os.Hostname()
	h := fnv.New32a()
	h.Write([]byte(name))
	return fmt.Sprintf("%08x", h.Sum32())
}

// isPostmasterOf reports whether a process is the postmaster of a data directory: its command line says so.
func isPostmasterOf(pid int, data string) bool {
	out, err := exec.Command("ps", "-ww", "-o", "command=", "-p", strconv.Itoa(pid)).Output()
	return err == nil && strings.Contains(string(out), " -D "+data+" ")
}

// endWithUs does nothing: these systems do not tell a child that its parent died. The next Start stops it.
func endWithUs(*syscall.SysProcAttr, syscall.Signal) {}

// memoryFolder returns none: these systems have no memory file system at a known place.
func memoryFolder() string { return "" }

// forgetSharedMemory does nothing. A segment of a few bytes may stay where a postmaster was killed outright.
func forgetSharedMemory(int32, int, uint32) {}
