package main

import (
	"bufio"
	"context"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/bootrace/bootrace/internal/await"
)

// patience is how long anything in these tests may take before they fail. Nothing comes near it.
const patience = await.Hang

// process is the program, running as a process of its own.
type process struct {
	t    *testing.T
	name string
	cmd  *exec.Cmd
	dir  string // its working folder
	tmp  string // its folder for temporary files, which no other process of the machine knows

	mu    sync.Mutex
	lines []string // of both outputs
	news  chan struct{}
	ended chan struct{}
	err   error
}

// start starts the program. It is killed at the end of the test where it still runs.
func start(t *testing.T, dir, tmp string, args ...string) *process {
	t.Helper()
	path, err := exec.LookPath("bootrace")
	if err != nil {
		t.Fatal(err)
	}
	p := &process{
		t: t, name: "bootrace " + strings.Join(args, " "), dir: dir, tmp: tmp, news: make(chan struct{}, 1), ended: make(chan struct{}),
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	p.cmd = exec.CommandContext(ctx, path, args...)
	p.cmd.Dir = dir
	for _, v := range os.Environ() { // what would lead it elsewhere
		if name, _, _ := strings.Cut(v, "="); name != "TMPDIR" && name != "DATABASE_URL" && name != "ADMIN_TOKEN" && name != "BOOTRACE_DATABASE_URL" {
			p.cmd.Env = append(p.cmd.Env, v)
		}
	}
	p.cmd.Env = append(p.cmd.Env, "TMPDIR="+tmp, "GORACE="+promptly)
	r, w := io.Pipe()
	p.cmd.Stdout, p.cmd.Stderr = w, w
	p.cmd.WaitDelay = 5 * time.Second // a Postgres that is left must not hold the pipe for ever
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	read := make(chan struct{})
	go func() {
		defer close(read)
		for s := bufio.NewScanner(r); s.Scan(); {
			p.mu.Lock()
			p.lines = append(p.lines, s.Text())
			p.mu.Unlock()
			select {
			case p.news <- struct{}{}:
			default:
			}
		}
	}()
	go func() {
		p.err = p.cmd.Wait()
		w.Close()
		<-read
		cancel()
		close(p.ended)
	}()
	t.Cleanup(func() {
		cancel()
		<-p.ended
		if t.Failed() {
			t.Logf("%s:\n%s", p.name, p.output())
		}
	})
	return p
}

func (p *process) output() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return strings.Join(p.lines, "\n")
}

// says waits until the program has written what matches, and returns the submatches.
func (p *process) says(pattern string) []string {
	p.t.Helper()
	re := regexp.MustCompile("(?m)" + pattern)
	for {
		if m := re.FindStringSubmatch(p.output()); m != nil {
			return m
		}
		select {
		case <-p.news:
		case <-p.ended:
			if m := re.FindStringSubmatch(p.output()); m != nil {
				return m
			}
			p.t.Fatalf("%s ended without saying %q", p.name, pattern)
		}
	}
}

func (p *process) signal(s syscall.Signal) {
	p.t.Helper()
	if err := p.cmd.Process.Signal(s); err != nil {
		p.t.Fatal(err)
	}
}

// ends waits until the program has ended and fails where it ended with another code.
func (p *process) ends(code int) {
	p.t.Helper()
	<-p.ended
	if got := p.cmd.ProcessState.ExitCode(); got != code {
		p.t.Fatalf("%s ended with %d (%v), not %d", p.name, got, p.err, code)
	}
}

// shortTemp returns a folder for temporary files whose path is short enough for sockets in it, and which the account that
// a private Postgres runs as may enter.
func shortTemp(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("/tmp", "br-") // t.TempDir's path is too long for a socket
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	return dir
}

// leftovers returns what is left of a program whose temporary files were in the folder: files, and processes whose command
// line speaks of it.
func leftovers(t *testing.T, tmp string) []string {
	t.Helper()
	entries, err := os.ReadDir(tmp)
	if err != nil {
		t.Fatal(err)
	}
	var left []string
	for _, e := range entries {
		left = append(left, filepath.Join(tmp, e.Name()))
	}
	lines, err := filepath.Glob("/proc/[0-9]*/cmdline")
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range lines {
		if b, err := os.ReadFile(path); err == nil && strings.Contains(string(b), tmp) {
			left = append(left, path+": "+strings.ReplaceAll(string(b), "\x00", " "))
		}
	}
	return left
}
