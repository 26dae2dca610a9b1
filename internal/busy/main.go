// Command busy runs a command on a machine that is busy with other work: beside it, so many processes per core compute for
// ever, and so many write to the disk and wait until it is written. They end with the command.
//
//	busy [-loops 4] [-writers 1] COMMAND [ARGUMENT ...]
//
// It exits with the command's exit code, or with 125 where the command cannot be run.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"runtime"
	"syscall"
)

// envPart has this program be a part of the load, of that kind.
const envPart = "BOOTRACE_BUSY_PART"

// exitUnusable is what env(1) and timeout(1) exit with where they fail themselves.
const exitUnusable = 125

func main() {
	switch os.Getenv(envPart) {
	case "loop":
		go exitWithParent()
		for n := 0; ; n++ { // that is the work
		}
	case "writer":
		go exitWithParent()
		fmt.Fprintln(os.Stderr, "busy:", write())
		os.Exit(exitUnusable)
	}
	loops := flag.Int("loops", 4, "busy loops a core")
	writers := flag.Int("writers", 1, "disk writers a core")
	flag.Parse()
	code, err := run(*loops, *writers, flag.Args())
	if err != nil {
		fmt.Fprintln(os.Stderr, "busy:", err)
		code = exitUnusable
	}
	os.Exit(code)
}

// exitWithParent ends this process when its standard input does, which is when its parent is gone.
func exitWithParent() {
	io.Copy(io.Discard, os.Stdin) //nolint:errcheck // however it ends
	os.Exit(0)
}

// chunk is what a writer writes at a time, and chunks how often until it begins its file anew.
const (
	chunk  = 4 << 20
	chunks = 16
)

// write writes a file for ever, or until it cannot.
func write() error {
	f, err := os.CreateTemp("", "bootrace-busy-")
	if err != nil {
		return err
	}
	if err := os.Remove(f.Name()); err != nil { // it goes with this process
		return err
	}
	b := make([]byte, chunk)
	for n := 0; ; n++ {
		if _, err := f.WriteAt(b, int64(n%chunks)*chunk); err != nil {
			return err
		}
		if err := f.Sync(); err != nil {
			return err
		}
	}
}

// run runs the command beside the load.
func run(loops, writers int, command []string) (code int, err error) {
	if len(command) == 0 {
		return 0, errors.New("no command is given")
	}
	self, err := os.Executable()
	if err != nil {
		return 0, err
	}
	ctx, cancel := context.WithCancel(context.Background())
	parts := map[string]int{"loop": loops * runtime.NumCPU(), "writer": writers * runtime.NumCPU()}
	var load []*exec.Cmd
	defer func() {
		cancel()
		for _, c := range load {
			c.Wait() //nolint:errcheck // killed, as it was to be
		}
	}()
	for kind, n := range parts {
		for range n {
			c := exec.CommandContext(ctx, self) //nolint:gosec // this program
			c.Env, c.Stderr = append(os.Environ(), envPart+"="+kind, "GOMAXPROCS=2"), os.Stderr
			if _, err := c.StdinPipe(); err != nil {
				return 0, err
			}
			if err := c.Start(); err != nil {
				return 0, err
			}
			load = append(load, c)
		}
	}
	// A signal of the terminal reaches the command as well, and one that is sent to this process is handed on.
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP)
	c := exec.CommandContext(ctx, command[0], command[1:]...) //nolint:gosec // what the caller asks for
	c.Stdin, c.Stdout, c.Stderr = os.Stdin, os.Stdout, os.Stderr
	if err := c.Start(); err != nil {
		return 0, err
	}
	go func() {
		for s := range signals {
			if s != syscall.SIGINT {
				c.Process.Signal(s) //nolint:errcheck // it has ended, then
			}
		}
	}()
	err = c.Wait()
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		if code = exit.ExitCode(); code < 0 {
			code = exitUnusable
		}
		return code, nil
	}
	return 0, err
}
