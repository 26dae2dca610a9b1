package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/google/shlex"
	"github.com/yuin/goldmark/ast"
)

// try runs the pages' console blocks, each page in a folder of its own, and has the program parse all other commands.
func try(ctx context.Context, pages []*page, program string) error {
	var errs []error
	ran, parsed := 0, map[string]bool{}
	for _, p := range pages {
		dir, err := os.MkdirTemp("", "bootrace-docs-")
		if err != nil {
			return err
		}
		files := filepath.Join(dir, "files") // that commands which are only parsed may name
		errs = append(errs, p.lay(files))
		walk(parse(p.text), func(n ast.Node) {
			var commands []string
			switch n := n.(type) {
			case *ast.CodeSpan:
				commands = []string{spanText(n, p.text)}
			case *ast.FencedCodeBlock:
				b, err := p.block(n)
				if err != nil || b.info != "console" {
					return // check has told the error
				}
				if b.notRun == "" {
					ran += len(b.steps)
					if err := b.run(ctx, dir, program); err != nil {
						errs = append(errs, fmt.Errorf("%s: %w", p.name, err))
					}
					return
				}
				for _, s := range b.steps {
					commands = append(commands, strings.ReplaceAll(s.command, "\\\n", " "))
				}
			}
			for _, command := range commands {
				arguments, ours := argumentsOf(command)
				if key := strings.Join(arguments, " "); !ours || parsed[key] {
					continue
				} else {
					parsed[key] = true
				}
				parser := exec.CommandContext(ctx, program, append(arguments, "--help")...) //nolint:gosec // that is its purpose
				parser.Dir = files
				if out, err := parser.CombinedOutput(); err != nil {
					errs = append(errs, fmt.Errorf("%s: %s: %w\n%s", p.name, command, err, out))
				}
			}
		})
		errs = append(errs, os.RemoveAll(dir))
	}
	if err := errors.Join(errs...); err != nil {
		return err
	}
	fmt.Printf("%d commands of the documentation run, %d others parsed\n", ran, len(parsed))
	return nil
}

// lay makes a folder with what the page's commands name: its YAML blocks whose first line is a file's name, and a run.
func (p *page) lay(folder string) error {
	errs := []error{os.MkdirAll(filepath.Join(folder, "runs", "latest"), 0o755)} //nolint:gosec // nothing in it is secret
	walk(parse(p.text), func(n ast.Node) {
		b, ok := n.(*ast.FencedCodeBlock)
		if !ok {
			return
		}
		text := b.Lines().Value(p.text)
		if m := fileName.FindSubmatch(text); m != nil {
			errs = append(errs, os.WriteFile(filepath.Join(folder, string(m[1])), text, 0o600)) //nolint:gosec // the name has letters only
		}
	})
	return errors.Join(errs...)
}

var fileName = regexp.MustCompile(`^# ([a-z-]+\.yaml)\n`)

// argumentsOf returns the arguments of a command, if it is one of bootrace. An ellipsis stands for more of them.
func argumentsOf(command string) (arguments []string, ours bool) {
	words, err := shlex.Split(command)
	if err != nil || len(words) < 2 || words[0] != "bootrace" {
		return nil, false
	}
	for _, word := range words[1:] {
		switch {
		case word == "|" || word == "&" || word == ">" || word == "&&":
			return arguments, true
		case word != "…":
			arguments = append(arguments, word)
		}
	}
	return arguments, true
}

// run carries out the block's commands in one shell, and compares what they print with what it shows.
func (b *block) run(ctx context.Context, dir, program string) error {
	const mark = "--- exit "
	var script strings.Builder
	for _, s := range b.steps {
		fmt.Fprintf(&script, "%s\nprintf '\\n%s%%d\\n' $?\n", s.command, mark)
	}
	shell := exec.CommandContext(ctx, "bash", "-c", script.String()) //nolint:gosec // that is its purpose
	shell.Dir = dir
	shell.Env = append(os.Environ(), "PATH="+filepath.Dir(program)+":"+os.Getenv("PATH"), "TERM=dumb")
	var out bytes.Buffer
	shell.Stdout, shell.Stderr = &out, &out
	if err := shell.Run(); err != nil {
		return fmt.Errorf("%s: %w\n%s", b.steps[0].command, err, &out)
	}
	rest := out.String()
	for i, s := range b.steps {
		printed, after, _ := strings.Cut(rest, "\n"+mark)
		code, after, _ := strings.Cut(after, "\n")
		rest = after
		want := 0
		if i == len(b.steps)-1 {
			want = b.exitCode
		}
		if code != fmt.Sprint(want) {
			return fmt.Errorf("%s: exit %s, want %d\n%s", s.command, code, want, printed)
		}
		if len(s.output) == 0 {
			continue
		}
		if err := compare(s.output, strings.Split(strings.TrimRight(printed, "\n"), "\n")); err != nil {
			return fmt.Errorf("%s: %w\n%s", s.command, err, printed)
		}
	}
	return nil
}

// compare requires that the lines shown are those printed. A line … stands for any number of lines, and … within one for
// any text.
func compare(shown, printed []string) error {
	at, skip := 0, false
	for _, line := range shown {
		if strings.TrimSpace(line) == "…" {
			skip = true
			continue
		}
		pattern := likeness(line)
		for skip && at < len(printed) && !pattern.MatchString(steady(printed[at])) {
			at++
		}
		if at == len(printed) || !pattern.MatchString(steady(printed[at])) {
			return fmt.Errorf("the page shows a line that is not printed there:\n%s", line)
		}
		at, skip = at+1, false
	}
	if !skip && at < len(printed) {
		return fmt.Errorf("more is printed than the page shows: %s", printed[at])
	}
	return nil
}

// likeness is the pattern of the printed lines that a shown line stands for.
func likeness(line string) *regexp.Regexp {
	pattern := regexp.QuoteMeta(steady(strings.TrimRight(line, " ")))
	return regexp.MustCompile("^" + strings.ReplaceAll(pattern, "…", ".*") + "$")
}

// What differs from run to run, or from machine to machine.
var volatile = []struct {
	pattern *regexp.Regexp
	instead string
}{
	{regexp.MustCompile(`\d{8}-\d{6}-\d+`), "RUN"},
	{regexp.MustCompile(`Postgres [\d.]+ \(.*?\)`), "POSTGRES"},
	{regexp.MustCompile(`bootrace v[\w.+-]+`), "VERSION"},
	{regexp.MustCompile(`\s+[\d.]+m?s$`), " WALL"},
	{regexp.MustCompile(`\s+[\d.]+m?s for `), " WALL for "},
}

func steady(line string) string {
	line = strings.TrimRight(line, " ")
	for _, v := range volatile {
		line = v.pattern.ReplaceAllString(line, v.instead)
	}
	return line
}
