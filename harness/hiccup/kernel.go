package hiccup

import (
	"bytes"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"time"
)

// threads reads how long the threads of this process waited for a processor: the second figure of /proc/self/task/*/schedstat,
// in nanoseconds (Linux, Documentation/scheduler/sched-stats).
type threads struct{ waited map[string]time.Duration }

func newThreads() *threads { return &threads{map[string]time.Duration{}} }

// read returns the wait of the thread that waited longest: a chain of steps is on one thread at a time.
func (t *threads) read(time.Duration) (Window, bool) {
	tasks, err := os.ReadDir("/proc/self/task")
	if err != nil {
		return Window{}, false
	}
	now := make(map[string]time.Duration, len(tasks))
	var worst time.Duration
	for _, task := range tasks {
		text, err := os.ReadFile(filepath.Join("/proc/self/task", task.Name(), "schedstat"))
		fields := bytes.Fields(text)
		if err != nil || len(fields) < 2 {
			continue
		}
		ns, _ := strconv.ParseInt(string(fields[1]), 10, 64)
		now[task.Name()] = time.Duration(ns)
		worst = max(worst, time.Duration(ns)-t.waited[task.Name()])
	}
	t.waited = now
	return Window{Source: RunQueue, Lost: worst, Worst: worst}, true
}

// newKernel returns the gauges of the whole machine that this kernel has.
func newKernel() []gauge {
	gauges := []gauge{&counter{source: Steal, total: stolen}, &counter{source: Throttling, total: throttled}}
	for _, resource := range []string{"cpu", "io"} {
		gauges = append(gauges, &counter{source: Pressure, total: pressure(resource)})
	}
	have := gauges[:0]
	for _, g := range gauges {
		if _, ok := g.(*counter).total(); ok {
			have = append(have, g)
		}
	}
	return have
}

// counter reads a total of time that only grows.
type counter struct {
	source string
	total  func() (time.Duration, bool)
	last   time.Duration
}

func (c *counter) read(span time.Duration) (Window, bool) {
	total, ok := c.total()
	lost := total - c.last
	c.last = total
	if !ok || span <= 0 {
		return Window{}, false
	}
	if c.source == Pressure { // of all the machine's tasks, not only of those that matter here
		return Window{Source: c.source, Share: min(1, float64(lost)/float64(span))}, true
	}
	return Window{Source: c.source, Lost: lost, Worst: lost}, true
}

// stolen is how long this machine's processors were given to others, on average: the eighth figure of /proc/stat's first line,
// in ticks of 10 ms (proc(5)).
func stolen() (time.Duration, bool) {
	text, err := os.ReadFile("/proc/stat")
	line, _, _ := strings.Cut(string(text), "\n")
	fields := strings.Fields(line)
	if err != nil || len(fields) < 9 {
		return 0, false
	}
	ticks, err := strconv.ParseInt(fields[8], 10, 64)
	return time.Duration(ticks) * 10 * time.Millisecond / time.Duration(runtime.NumCPU()), err == nil
}

// throttled is how long this process's control group was kept from running: cpu.stat's throttled_usec (version 2) or
// throttled_time, in nanoseconds (version 1).
func throttled() (time.Duration, bool) {
	text, err := os.ReadFile("/proc/self/cgroup")
	if err != nil {
		return 0, false
	}
	for line := range strings.Lines(string(text)) {
		parts := strings.SplitN(strings.TrimSpace(line), ":", 3)
		if len(parts) < 3 || parts[1] != "" && !strings.Contains(","+parts[1]+",", ",cpu,") {
			continue
		}
		for _, root := range []string{"/sys/fs/cgroup", "/sys/fs/cgroup/cpu", "/sys/fs/cgroup/cpu,cpuacct", "/sys/fs/cgroup/unified"} {
			if d, ok := throttledIn(filepath.Join(root, parts[2], "cpu.stat")); ok {
				return d, true
			}
		}
	}
	return 0, false
}

func throttledIn(path string) (time.Duration, bool) {
	text, err := os.ReadFile(path)
	if err != nil {
		return 0, false
	}
	for line := range strings.Lines(string(text)) {
		name, value, _ := strings.Cut(strings.TrimSpace(line), " ")
		n, err := strconv.ParseInt(value, 10, 64)
		switch {
		case err != nil:
		case name == "throttled_usec":
			return time.Duration(n) * time.Microsecond, true
		case name == "throttled_time":
			return time.Duration(n), true
		}
	}
	return 0, false
}

// pressure is how long some task waited for the resource: the total of /proc/pressure's line some, in microseconds (Linux,
// Documentation/accounting/psi).
func pressure(resource string) func() (time.Duration, bool) {
	return func() (time.Duration, bool) {
		text, err := os.ReadFile("/proc/pressure/" + resource)
		line, _, _ := strings.Cut(string(text), "\n")
		_, total, found := strings.Cut(line, "total=")
		us, parseErr := strconv.ParseInt(total, 10, 64)
		return time.Duration(us) * time.Microsecond, err == nil && found && parseErr == nil
	}
}
