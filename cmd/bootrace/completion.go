package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/alecthomas/kong"
	predict "github.com/posener/complete"
	"github.com/willabides/kongplete"

	"github.com/bootrace/bootrace/controller/defects"
	"github.com/bootrace/bootrace/scenarios"
)

// completing reports whether a shell asks how a command line can go on.
func completing() bool { return os.Getenv("COMP_LINE") != "" }

// complete answers a shell that asks, and exits the parser then.
func complete(parser *kong.Kong) {
	kongplete.Complete(parser,
		kongplete.WithPredictor("scenario", predict.PredictOr(
			predict.PredictSet(scenarios.Names()...), predict.PredictFiles("*.yaml"), predict.PredictFiles("*.yml"))),
		kongplete.WithPredictor("builtin", predict.PredictSet(scenarios.Names()...)),
		kongplete.WithPredictor("defect", predict.PredictSet(defects.Names()...)),
		kongplete.WithPredictor("file", predict.PredictFiles("*")),
		kongplete.WithPredictor("run", predict.PredictDirs("*")),
	)
}

type completionCmd struct {
	Shell string `arg:"" optional:"" enum:"bash,zsh,fish," default:"" help:"bash, zsh or fish. Default: the shell in $SHELL."`
}

// Help says how to use what the command prints.
func (completionCmd) Help() string {
	return `Load it when the shell starts:

  echo 'source <(bootrace completion bash)' >> ~/.bashrc
  echo 'source <(bootrace completion zsh)' >> ~/.zshrc
  bootrace completion fish > ~/.config/fish/completions/bootrace.fish`
}

// Run implements the command.
func (c *completionCmd) Run(s streams) error {
	shell := c.Shell
	if shell == "" {
		shell = filepath.Base(os.Getenv("SHELL"))
	}
	script, ok := map[string]string{
		"bash": "complete -C %s bootrace\n",
		"zsh":  "autoload -U +X bashcompinit && bashcompinit\ncomplete -C %s bootrace\n",
		"fish": `function __complete_bootrace
    set -lx COMP_LINE (commandline -cp)
    test -z (commandline -ct)
    and set COMP_LINE "$COMP_LINE "
    %s
end
complete -f -c bootrace -a "(__complete_bootrace)"
`,
	}[shell]
	if !ok {
		return usage(errors.New("$SHELL names none of bash, zsh and fish: say which, as in bootrace completion bash"))
	}
	program, err := os.Executable()
	if err != nil {
		return environment(fmt.Errorf("finding this program: %w", err))
	}
	if strings.ContainsAny(program, " '\"\\$`&;()") {
		program = "'" + strings.ReplaceAll(program, "'", `'\''`) + "'"
	}
	_, err = fmt.Fprintf(s.out, script, program)
	return err
}
