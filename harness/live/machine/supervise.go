package machine

import (
	"io"
	"os"
	"os/exec"
	"os/signal"
	"strconv"
	"syscall"
	"time"
)

// envStart tells a container's agent which start of it this is, from 1.
const envStart = "BOOTRACE_START"

// restartAfter is how long a container waits until it starts an agent again that was killed, in real time: what a service
// manager does, a little slower than systemd's 100 ms.
const restartAfter = 250 * time.Millisecond

// supervise is a container's first process: it runs the agent beside itself, as a service manager does. The agent is killed
// for want of memory or stopped without the container being so (a first process cannot even be stopped from within), and one
// that was killed is started again. It returns when the agent has ended by itself.
func supervise(stdout io.Writer) error {
	end := make(chan os.Signal, 1)
	signal.Notify(end, syscall.SIGTERM, syscall.SIGINT) // a first process is sent signals only where it wants them
	for n := 1; ; n++ {
		agent := exec.Command("/proc/self/exe", os.Args[1:]...) //nolint:gosec,noctx // this program; it runs until it ends
		agent.Args[0] = os.Args[0]
		agent.Env = append(os.Environ(), envStart+"="+strconv.Itoa(n))
		agent.Stdout, agent.Stderr = stdout, os.Stderr
		if err := agent.Start(); err != nil {
			return err
		}
		ended := make(chan error, 1)
		go func() { ended <- agent.Wait() }()
		select {
		case <-end:
			agent.Process.Kill() //nolint:errcheck // it has ended already, then
			<-ended              //nolint:errcheck // killed, as it was to be
			return nil
		case err := <-ended:
			if agent.ProcessState.ExitCode() >= 0 { // by itself
				return err
			}
		}
		time.Sleep(restartAfter)
	}
}

// leakStep and leakMost are how much memory a starved agent asks for at a time, and in all: more than its machine's limit.
const (
	leakStep = 4 << 20
	leakMost = 256 << 20
)

// leak takes memory until this process is killed for it. Where nothing limits it, it gives all of it back.
func leak() {
	var held [][]byte
	for n := 0; n < leakMost; n += leakStep {
		b := make([]byte, leakStep)
		for i := 0; i < len(b); i += 4096 { // the kernel counts pages once they are written to
			b[i] = 1
		}
		held = append(held, b)
		time.Sleep(time.Millisecond)
	}
	time.Sleep(time.Duration(len(held)) * time.Millisecond)
}
