// Command measured runs a test binary, for go test -exec, and notes what it took: wall and processor time and memory. With -table it
// prints what was noted, the slowest first, and fails where a process took more memory than it may.
//
//	export BOOTRACE_MEASURED=/tmp/measured
//	go test -exec bin/measured ./...
//	bin/measured -table -most 1500
package main

import (
	"bufio"
	"cmp"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"text/tabwriter"
	"time"
)

// envFile is the file that notes are appended to.
const envFile = "BOOTRACE_MEASURED"

func main() {
	if len(os.Args) > 1 && os.Args[1] == "-table" {
		most := flag.Int("most", 0, "megabytes that a process may take; 0 is no limit")
		if err := flag.CommandLine.Parse(os.Args[2:]); err != nil {
			os.Exit(2)
		}
		if err := table(*most); err != nil {
			fmt.Fprintln(os.Stderr, "measured:", err)
			os.Exit(1)
		}
		return
	}
	code, err := run(os.Args[1:])
	if err != nil {
		fmt.Fprintln(os.Stderr, "measured:", err)
		code = 1
	}
	os.Exit(code)
}

// run runs the binary and notes what it took.
func run(command []string) (code int, err error) {
	if len(command) == 0 {
		return 0, errors.New("no test binary is given")
	}
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, syscall.SIGINT, syscall.SIGQUIT, syscall.SIGTERM) // the binary's, too: it ends, and then this does
	c := exec.Command(command[0], command[1:]...)                            //nolint:gosec,noctx // what go test asks for
	c.Stdin, c.Stdout, c.Stderr = os.Stdin, os.Stdout, os.Stderr
	began := time.Now()
	if err := c.Start(); err != nil {
		return 0, err
	}
	go func() {
		for s := range signals {
			c.Process.Signal(s) //nolint:errcheck // it has ended, then
		}
	}()
	err = c.Wait()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		return 0, err
	}
	usage, ok := c.ProcessState.SysUsage().(*syscall.Rusage)
	if file := os.Getenv(envFile); ok && file != "" {
		n := note{
			name: strings.TrimSuffix(filepath.Base(command[0]), ".test"), wall: time.Since(began).Seconds(),
			cpu:    (c.ProcessState.UserTime() + c.ProcessState.SystemTime()).Seconds(),
			memory: usage.Maxrss / 1024, // Linux has kilobytes
		}
		if dir, err := os.Getwd(); err == nil {
			n.name = dir // go test runs a binary in its package's folder
		}
		if err := n.append(file); err != nil {
			return 0, err
		}
	}
	return c.ProcessState.ExitCode(), nil
}

// note is what one binary took: seconds and megabytes.
type note struct {
	name      string
	wall, cpu float64
	memory    int64
}

func (n note) append(file string) error {
	f, err := os.OpenFile(file, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600) //nolint:gosec // the file is the caller's to name
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(f, "%.1f %.1f %d %s\n", n.wall, n.cpu, n.memory, n.name) // one write, whole beside others
	return errors.Join(err, f.Close())
}

// table prints what was noted.
func table(most int) error {
	f, err := os.Open(os.Getenv(envFile)) //nolint:gosec // likewise
	if err != nil {
		return err
	}
	defer f.Close() //nolint:errcheck // it was read
	root, err := os.Getwd()
	if err != nil {
		return err
	}
	var notes []note
	lines := bufio.NewScanner(f)
	for lines.Scan() {
		var n note
		if _, err := fmt.Sscanf(lines.Text(), "%f %f %d %s", &n.wall, &n.cpu, &n.memory, &n.name); err != nil {
			return fmt.Errorf("%q: %w", lines.Text(), err)
		}
		if name, err := filepath.Rel(root, n.name); err == nil {
			n.name = name
		}
		notes = append(notes, n)
	}
	if err := lines.Err(); err != nil {
		return err
	}
	if len(notes) == 0 {
		return errors.New("nothing was noted")
	}
	slices.SortFunc(notes, func(a, b note) int { return cmp.Compare(b.wall, a.wall) })
	w := tabwriter.NewWriter(os.Stdout, 0, 0, 3, ' ', tabwriter.AlignRight)
	fmt.Fprintln(w, "wall s\tprocessor s\tMB\tpackage\t")
	var over []string
	for _, n := range notes {
		fmt.Fprintf(w, "%.1f\t%.1f\t%d\t%s\t\n", n.wall, n.cpu, n.memory, n.name)
		if most > 0 && n.memory > int64(most) {
			over = append(over, fmt.Sprintf("%s took %d MB", n.name, n.memory))
		}
	}
	if err := w.Flush(); err != nil {
		return err
	}
	if len(over) > 0 {
		return fmt.Errorf("more than %d MB in one process: %s", most, strings.Join(over, ", "))
	}
	return nil
}
