package main

import (
	"runtime/debug"
	"testing"
)

func TestVersion(t *testing.T) {
	t.Parallel()
	commit := []debug.BuildSetting{{Key: "vcs.revision", Value: "0123456789abcdef0123456789abcdef01234567"}}
	for want, info := range map[string]*debug.BuildInfo{
		release:                   {Main: debug.Module{Version: "(devel)"}},
		release + "+0123456789ab": {Main: debug.Module{Version: "v0.0.0-20260102030405-0123456789ab"}, Settings: commit},
		"v1.2.3":                  {Main: debug.Module{Version: "v1.2.3", Sum: "h1:x"}},
	} {
		if got := versionOf(info); got != want {
			t.Errorf("version %q, want %q", got, want)
		}
	}
}
