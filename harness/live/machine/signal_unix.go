//go:build unix

package machine

import (
	"errors"
	"fmt"
	"os"
	"os/signal"
	"strconv"
	"strings"
	"syscall"
)

// Names of the signals that [Signal] sends to the agent of the container that it runs in.
const (
	Stop     = "stop"     // it does nothing until Continue
	Continue = "continue" // it goes on
	Leak     = "leak"     // it takes memory until it is killed for it
)

var signals = map[string]syscall.Signal{Stop: syscall.SIGSTOP, Continue: syscall.SIGCONT, Leak: syscall.SIGUSR1}

// Signal is a program that is executed in a container: it signals the agent there.
func Signal(name string) error {
	s, ok := signals[name]
	if !ok {
		return fmt.Errorf("machine: %q is no signal", name)
	}
	pid, err := agentPID()
	if err != nil {
		return err
	}
	if err := syscall.Kill(pid, s); err != nil {
		return fmt.Errorf("machine: signalling the agent: %w", err)
	}
	return nil
}

// agentPID is the process that the container's first one runs beside itself.
func agentPID() (int, error) {
	all, err := os.ReadDir("/proc")
	if err != nil {
		return 0, fmt.Errorf("machine: looking for the agent: %w", err)
	}
	for _, e := range all {
		pid, err := strconv.Atoi(e.Name())
		if err != nil {
			continue
		}
		text, err := os.ReadFile("/proc/" + e.Name() + "/stat")
		if err != nil {
			continue // it has ended meanwhile
		}
		// pid (name) state ppid …, and the name may hold anything (proc(5)).
		_, rest, _ := strings.Cut(string(text), ") ")
		if fields := strings.Fields(rest); len(fields) > 1 && fields[1] == "1" {
			return pid, nil
		}
	}
	return 0, errors.New("machine: no agent runs in this container")
}

// leakWhenTold leaks once this process is told to.
func leakWhenTold() {
	told := make(chan os.Signal, 1)
	signal.Notify(told, syscall.SIGUSR1)
	go func() {
		<-told
		leak()
	}()
}
