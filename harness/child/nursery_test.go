package child_test

import (
	"fmt"
	"os"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/bootrace/bootrace/harness/child"
	"github.com/bootrace/bootrace/internal/await"
)

// order is what a child of these tests is told to do.
type order struct {
	Do    string `json:"do"`
	Times int    `json:"times"`
}

func TestMain(m *testing.M) {
	if len(os.Args) == 2 && os.Args[1] == "child" {
		be()
		return
	}
	goleak.VerifyTestMain(m)
}

func be() {
	var o order
	if err := child.Configure(os.Stdin, &o); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	out := child.NewReporter(os.Stdout)
	for i := range o.Times {
		out.Report(i)
	}
	switch o.Do {
	case "die":
		syscall.Kill(os.Getpid(), syscall.SIGKILL)
	case "fail":
		fmt.Fprintln(os.Stderr, "what it died of")
		os.Exit(7)
	case "live":
		time.Sleep(time.Hour) // sleeps: until it is killed
	}
}

// heard collects what a child reports.
type heard struct {
	mu    sync.Mutex
	lines []string
}

func (h *heard) hear(line []byte) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.lines = append(h.lines, string(line))
}

func (h *heard) count() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return len(h.lines)
}

func start(t *testing.T, n *child.Nursery, o order) (*child.Process, *heard) {
	t.Helper()
	var h heard
	p, err := n.Start(child.Program{Path: os.Args[0], Args: []string{os.Args[0], "child"}, Config: o, Heard: h.hear})
	if err != nil {
		t.Fatal(err)
	}
	return p, &h
}

func ended(t *testing.T, p *child.Process) {
	t.Helper()
	await.Receive(t, "the child's end", p.Done())
}

// What a child reported before its end is heard, however it ended.
func TestLastWords(t *testing.T) {
	n := child.NewNursery()
	defer n.Close()
	const words = 2000
	for _, do := range []string{"", "die", "fail"} {
		p, h := start(t, n, order{do, words})
		ended(t, p)
		if h.count() != words || h.lines[words-1] != fmt.Sprint(words-1) {
			t.Errorf("%q: %d of %d lines were heard", do, h.count(), words)
		}
		if err := p.Err(); (err == nil) != (do == "") || do == "fail" && !strings.Contains(err.Error(), "what it died of") {
			t.Errorf("%q: %v", do, err)
		}
		if p.Killed() {
			t.Errorf("%q: nobody killed it", do)
		}
	}
}

// Close ends every child, stopped ones too, and none is started afterwards.
func TestClose(t *testing.T) {
	n := child.NewNursery()
	var all []*child.Process
	for range 5 {
		p, h := start(t, n, order{"live", 1})
		await.Until(t, "the child to say something", func() bool { return h.count() > 0 })
		all = append(all, p)
	}
	if err := all[0].Stop(); err != nil {
		t.Fatal(err)
	}
	all[1].Kill()
	ended(t, all[1])
	n.Close()
	n.Close()
	for _, p := range all {
		ended(t, p)
		if err := syscall.Kill(p.PID, 0); err == nil {
			t.Errorf("process %d is there", p.PID)
		}
	}
	if _, err := n.Start(child.Program{Path: os.Args[0], Args: []string{os.Args[0], "child"}}); err == nil {
		t.Error("a closed nursery starts children")
	}
}

// A stopped child does nothing until it goes on.
func TestStopAndContinue(t *testing.T) {
	n := child.NewNursery()
	defer n.Close()
	p, h := start(t, n, order{"live", 0})
	if err := p.Stop(); err != nil {
		t.Fatal(err)
	}
	if err := p.Continue(); err != nil {
		t.Fatal(err)
	}
	p.Kill()
	ended(t, p)
	if h.count() != 0 || !p.Killed() {
		t.Errorf("%d lines, killed %v", h.count(), p.Killed())
	}
}

// A child is given nothing of its parent's environment that is not its business.
func TestEnvironment(t *testing.T) {
	t.Setenv("AWS_SECRET_ACCESS_KEY", "not for children")
	for _, v := range child.Environment() {
		if strings.HasPrefix(v, "AWS_") {
			t.Errorf("children are given %s", v)
		}
	}
}
