package docker

import (
	"bytes"
	"context"
	"debug/buildinfo"
	"debug/elf"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
)

// Program returns the path of a program that runs in an image with nothing else in it: this one where it is static, and
// else one that is built of the package's source, where that and Go are at hand; progress is told of that. Done removes what
// was built.
func Program(ctx context.Context, pkg string, progress func(step string)) (path string, done func(), err error) {
	self, err := os.Executable()
	if err != nil {
		return "", nil, fmt.Errorf("docker: finding this program: %w", err)
	}
	if runtime.GOOS == "linux" && IsStatic(self) && packageOf(self) == pkg {
		return self, func() {}, nil
	}
	progress("building a static program for the image")
	dir, err := os.MkdirTemp("", "bootrace-program-*")
	if err != nil {
		return "", nil, fmt.Errorf("docker: %w", err)
	}
	path = filepath.Join(dir, "program")
	done = func() { os.RemoveAll(dir) } //nolint:errcheck // it is a temporary folder
	// No version control in it: the same source is the same program, and thereby the same image.
	build := exec.CommandContext(ctx, "go", "build", "-trimpath", "-buildvcs=false", "-ldflags", "-s -w", "-o", path, pkg) //nolint:gosec // our own package
	build.Env = append(os.Environ(), "CGO_ENABLED=0", "GOOS=linux")
	if out, err := build.CombinedOutput(); err != nil {
		done()
		if ctx.Err() != nil {
			return "", nil, ctx.Err()
		}
		return "", nil, fmt.Errorf("docker: this program is not static, so that it cannot run in an image by itself, and a static one "+
			"cannot be built: %w\n%s\nuse one that was built with CGO_ENABLED=0 (make build does that)", err, bytes.TrimSpace(out))
	}
	return path, done, nil
}

// IsStatic reports whether the file is a program that needs no loader and no libraries.
func IsStatic(path string) bool {
	f, err := elf.Open(path)
	if err != nil {
		return false
	}
	defer f.Close() //nolint:errcheck // nobody wrote to it
	return !slices.ContainsFunc(f.Progs, func(p *elf.Prog) bool { return p.Type == elf.PT_INTERP || p.Type == elf.PT_DYNAMIC })
}

// packageOf is the main package that a Go program was built of.
func packageOf(path string) string {
	info, err := buildinfo.ReadFile(path)
	if err != nil {
		return ""
	}
	return info.Path
}
