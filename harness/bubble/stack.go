package bubble

import (
	"runtime"
	"strings"
	"unsafe"
)

// label is what tells the goroutines that serve a call from others: the address of their profiler labels, which a goroutine has from
// the one that started it. There is no other way to see them without a context; the runtime keeps this one for profilers.
//
//go:linkname label runtime/pprof.runtime_getProfLabel
func label() unsafe.Pointer

// loop is the innermost function that the running goroutine is in, of the package that started it: what its loop is at.
func loop() string {
	var pcs [64]uintptr
	frames := runtime.CallersFrames(pcs[:runtime.Callers(2, pcs[:])])
	type frame struct{ pkg, name string }
	var all []frame
	for more := true; more; {
		var f runtime.Frame
		f, more = frames.Next()
		if pkg, name := function(f.Function); name != "" {
			all = append(all, frame{pkg, name})
		}
	}
	for i := range all {
		if all[i].pkg == all[len(all)-1].pkg {
			return all[i].name
		}
	}
	return ""
}

// function is the package and the short name of the function, or empty where it is the runtime's or a timer's.
func function(name string) (pkg, short string) {
	for _, other := range []string{"runtime.", "time.", "sync.", "testing.", "internal/"} {
		if strings.HasPrefix(name, other) {
			return "", ""
		}
	}
	folder := name[:strings.LastIndexByte(name, '/')+1]
	pkg, short, _ = strings.Cut(strings.NewReplacer("(*", "", ")", "").Replace(name[len(folder):]), ".")
	return folder + pkg, short
}
