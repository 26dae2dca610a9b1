package main

import (
	"fmt"
	"runtime"
	"runtime/debug"
)

// release is the version of this source; the build's commit is added where it is known.
const release = "v0.1.0"

// version returns the program's version: that of the module where go install fetched it, and else this source's.
func version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return release
	}
	return versionOf(info)
}

func versionOf(info *debug.BuildInfo) string {
	if info.Main.Sum != "" { // only a module that was fetched has one
		return info.Main.Version
	}
	for _, s := range info.Settings {
		if s.Key == "vcs.revision" && len(s.Value) >= 12 {
			return release + "+" + s.Value[:12]
		}
	}
	return release
}

type versionCmd struct{}

// Run implements the command.
func (versionCmd) Run(s streams) error {
	_, err := fmt.Fprintf(s.out, "bootrace %s (%s, %s/%s)\n", version(), runtime.Version(), runtime.GOOS, runtime.GOARCH)
	return err
}
