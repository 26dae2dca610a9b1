package pgserver

import (
	"fmt"
	"os"
	"regexp"
	"strconv"
	"sync"
)

// identity names one process, for good. A process id alone does not: ids are used again, and every container has its own
// process 7.
type identity struct {
	PID   int    `json:"pid"`
	Start int64  `json:"start"` // when it began, in the system's own unit; 0 if unknown
	Host  string `json:"host"`  // eight hex digits that stand for the machine's boot and the process id namespace
}

// self returns this process's identity.
var self = sync.OnceValue(func() identity {
	pid := os.Getpid()
	start, _, _ := processStart(pid)
	return identity{PID: pid, Start: start, Host: hostID()}
})

// gone reports whether the process is known to have ended. What cannot be known (another host, another container) is
// taken to be alive.
func (id identity) gone() bool {
	if id.PID <= 0 || id.Host != self().Host {
		return false
	}
	if !processExists(id.PID) {
		return true
	}
	start, zombie, err := processStart(id.PID)
	switch {
	case err != nil:
		return false
	case zombie:
		return true
	}
	return id.Start != 0 && start != 0 && start != id.Start
}

// token renders the identity so that it can be part of a database's name.
func (id identity) token() string {
	return fmt.Sprintf("%d_%s_%s", id.PID, strconv.FormatInt(id.Start, 36), id.Host)
}

var tokenPattern = regexp.MustCompile(`^([0-9]{1,9})_([0-9a-z]{1,13})_([0-9a-f]{8})_[0-9]`)

// parseToken finds the identity that a name begins with.
func parseToken(name string) (identity, bool) {
	m := tokenPattern.FindStringSubmatch(name)
	if m == nil {
		return identity{}, false
	}
	pid, err1 := strconv.Atoi(m[1])
	start, err2 := strconv.ParseInt(m[2], 36, 64)
	return identity{PID: pid, Start: start, Host: m[3]}, err1 == nil && err2 == nil
}
