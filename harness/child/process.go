package child

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"sync"
	"time"
)

// maxLine bounds a line that a child reports.
const maxLine = 4 << 20

// Program is what to start.
type Program struct {
	Path string
	Args []string // with the program's name first
	Env  []string // beside what every child is given: see Environment
	// Config is what the child reads with Configure.
	Config any
	// Heard is called with every line of the child's standard output, one after the other. The line must not be kept.
	Heard func(line []byte)
}

// Process is a child.
type Process struct {
	PID int

	cmd     *exec.Cmd
	nursery *Nursery
	stdin   io.WriteCloser
	log     tail
	done    chan struct{}
	err     error
	mu      sync.Mutex
	killed  bool
}

// Environment is what every child is given of its parent's environment: where temporary files go, and how Go behaves.
// Nothing else of it is a child's business.
func Environment() []string {
	var env []string
	for _, name := range []string{"PATH", "HOME", "TMPDIR", "GORACE", "GODEBUG", "GOCOVERDIR"} {
		if v, ok := os.LookupEnv(name); ok {
			env = append(env, name+"="+v)
		}
	}
	return append(env, "GOMAXPROCS=2") // many children share the machine's cores
}

// Start starts a child.
func (n *Nursery) Start(program Program) (*Process, error) {
	config, err := json.Marshal(program.Config)
	if err != nil {
		return nil, fmt.Errorf("child: encoding the configuration: %w", err)
	}
	p := &Process{nursery: n, done: make(chan struct{})}
	p.cmd = &exec.Cmd{Path: program.Path, Args: program.Args, Env: append(Environment(), program.Env...), Stderr: &p.log}
	p.cmd.WaitDelay = time.Second
	p.cmd.SysProcAttr = attributes()
	if p.stdin, err = p.cmd.StdinPipe(); err != nil {
		return nil, fmt.Errorf("child: %w", err)
	}
	stdout, err := p.cmd.StdoutPipe()
	if err != nil {
		return nil, fmt.Errorf("child: %w", err)
	}
	if err := n.fork(p); err != nil {
		return nil, fmt.Errorf("child: starting %s: %w", program.Path, err)
	}
	p.PID = p.cmd.Process.Pid
	go func() { // a child that dies early must not block whoever starts it
		if _, err := p.stdin.Write(append(config, '\n')); err != nil {
			p.Kill()
		}
	}()
	go p.live(stdout, program.Heard)
	return p, nil
}

// live hears the child out and waits for its end.
func (p *Process) live(stdout io.Reader, heard func([]byte)) {
	lines := bufio.NewScanner(stdout)
	lines.Buffer(nil, maxLine)
	for lines.Scan() {
		if heard != nil {
			heard(lines.Bytes())
		}
	}
	if lines.Err() != nil {
		p.Kill() // it says what nobody can read
	}
	p.err = p.cmd.Wait()
	p.nursery.forget(p)
	close(p.done)
}

// Done is closed when the child has ended and all that it reported was heard.
func (p *Process) Done() <-chan struct{} { return p.done }

// Err says how the child ended, with the end of its log. It is to be called after Done.
func (p *Process) Err() error {
	if p.err == nil {
		return nil
	}
	if text := p.log.String(); text != "" {
		return fmt.Errorf("%w: %s", p.err, text)
	}
	return p.err
}

// Kill ends the child at once, as kill -9 does. Done is closed a moment later.
func (p *Process) Kill() {
	p.mu.Lock()
	p.killed = true
	p.mu.Unlock()
	p.cmd.Process.Kill() //nolint:errcheck // it has ended already, then
}

// Killed reports whether Kill was called.
func (p *Process) Killed() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.killed
}

// tailSize is how much of a child's log is kept.
const tailSize = 8 << 10

// tail keeps the end of what is written to it.
type tail struct {
	mu   sync.Mutex
	text []byte
}

// Write implements io.Writer.
func (t *tail) Write(b []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.text = append(t.text, b...)
	if n := len(t.text); n > tailSize {
		t.text = append([]byte(nil), t.text[n-tailSize:]...)
	}
	return len(b), nil
}

// String returns what is kept.
func (t *tail) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return strings.TrimSpace(string(t.text))
}
