// Command bootrace proves, or refutes with a replayable counterexample, that every workspace whose agent heartbeats
// converges to online.
//
// Each command is one small file here; what it does stands in the packages below.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime"
	"strconv"
	"syscall"

	"github.com/alecthomas/kong"
	"github.com/willabides/kongplete"

	"github.com/bootrace/bootrace/controller/defects"
	"github.com/bootrace/bootrace/scenarios"

	"github.com/posener/complete"
)

// Exit codes. Never 2, which Go's own panics use.
const (
	exitHeld         = 0
	exitViolated     = 1
	exitInconclusive = 10
	exitUsage        = 20 // a bad scenario, or bad usage
	exitEnvironment  = 30 // a fault of the environment, or of the harness
	exitInterrupted  = 130
)

// exitError ends the program with a code. Its error is written to standard error where there is one.
type exitError struct {
	code int
	err  error
}

func (e exitError) Error() string {
	if e.err == nil {
		return fmt.Sprintf("exit code %d", e.code)
	}
	return e.err.Error()
}

func (e exitError) Unwrap() error { return e.err }

func usage(err error) error       { return exitError{exitUsage, err} }
func environment(err error) error { return exitError{exitEnvironment, err} }

// cli is the command line.
type cli struct {
	Run        runCmd        `cmd:"" help:"Play scenarios against the reference controller and judge what happens."`
	Replay     replayCmd     `cmd:"" help:"Play a kept run again and compare the digests."`
	Judge      judgeCmd      `cmd:"" help:"Judge a kept run again, by the invariants of this version."`
	Scenarios  scenariosCmd  `cmd:"" help:"List, show and validate scenarios, or print their JSON Schema."`
	Defects    defectsCmd    `cmd:"" help:"List the named defects that the reference controller can be given."`
	Invariants invariantsCmd `cmd:"" help:"List what must hold of every run."`
	States     statesCmd     `cmd:"" help:"Print the lifecycle of a workspace: the table, or a Mermaid diagram."`
	Controller controllerCmd `cmd:"" help:"Serve the reference controller."`
	Doctor     doctorCmd     `cmd:"" help:"Say what this machine has that bootrace can use, and what to install."`
	Version    versionCmd    `cmd:"" help:"Print the version."`

	Completion kongplete.InstallCompletions `cmd:"" help:"Print the line that turns on shell completion."`
}

const description = `bootrace proves, or refutes with a replayable counterexample, that every workspace whose agent heartbeats
converges to online: however slow its cold boot, whatever the sweepers, the network, the database, the cloud and the
operator do meanwhile.

  bootrace run                            every built-in scenario on real Postgres, in virtual time
  bootrace run minimax-past-budget        one of them
  bootrace run my-scenario.yaml           your own
  bootrace run --defect sticky-failed     the same suite against a controller that has the seed defect
  bootrace replay runs/latest             the same run again, to the byte

Exit codes: 0 held; 1 violated; 10 inconclusive; 20 bad scenario or usage; 30 environment or harness fault;
130 interrupted.`

// streams are where a command reads and writes.
type streams struct {
	out, err io.Writer
}

func main() { os.Exit(run(os.Args[1:], streams{os.Stdout, os.Stderr})) }

// run carries out a command line and returns the exit code.
func run(args []string, s streams) int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, stop) // a second Ctrl-C is the system's to handle: it ends the program at once

	var c cli
	exited, code := false, 0
	parser, err := kong.New(&c,
		kong.Name("bootrace"), kong.Description(description), kong.UsageOnError(), kong.Writers(s.out, s.err),
		kong.ConfigureHelp(kong.HelpOptions{Compact: true, WrapUpperBound: 120}),
		kong.Exit(func(n int) { exited, code = true, n; panic(helpShown{}) }),
		kong.Vars{"jobs": strconv.Itoa(runtime.NumCPU())},
		kong.BindTo(ctx, (*context.Context)(nil)), kong.Bind(s),
	)
	if err != nil {
		fmt.Fprintln(s.err, "bootrace:", err)
		return exitEnvironment
	}
	kongplete.Complete(parser,
		kongplete.WithPredictor("scenario", complete.PredictOr(complete.PredictSet(scenarios.Names()...), complete.PredictFiles("*.yaml"))),
		kongplete.WithPredictor("defect", complete.PredictSet(defects.Names()...)),
		kongplete.WithPredictor("run", complete.PredictDirs("*")),
	)
	k, err := parse(parser, args)
	switch {
	case exited:
		return code
	case err != nil:
		fmt.Fprintf(s.err, "bootrace: %s\nbootrace --help shows how it is used\n", err)
		return exitUsage
	}
	return codeOf(k.Run(), s)
}

// helpShown ends the parsing once help was shown.
type helpShown struct{}

func parse(parser *kong.Kong, args []string) (k *kong.Context, err error) {
	defer func() {
		if p := recover(); p != nil {
			if _, ok := p.(helpShown); !ok {
				panic(p)
			}
		}
	}()
	return parser.Parse(args)
}

func codeOf(err error, s streams) int {
	if err == nil {
		return exitHeld
	}
	var exit exitError
	if !errors.As(err, &exit) {
		exit = exitError{exitEnvironment, err}
	}
	if exit.err != nil {
		fmt.Fprintf(s.err, "bootrace: %s\n", exit.err)
	}
	return exit.code
}
