package bubble

import (
	"runtime"
	"strconv"
	"strings"
)

// goroutine is what the runtime tells of the running goroutine.
type goroutine struct {
	id, parent uint64
	// loop is the innermost function that it runs of the package that started it: what its loop is at.
	loop string
}

// running reads the stack of the goroutine that calls it. The runtime has no other way to tell who one is.
func running() goroutine {
	buf := make([]byte, 16<<10)
	for {
		n := runtime.Stack(buf, false)
		if n < len(buf) {
			return readStack(string(buf[:n]))
		}
		buf = make([]byte, 2*len(buf))
	}
}

// readStack reads "goroutine 7 [running]:", the frames, the innermost first, and "created by … in goroutine 3".
func readStack(stack string) goroutine {
	var g goroutine
	type frame struct{ pkg, name string }
	var frames []frame
	for line := range strings.Lines(stack) {
		line = strings.TrimSpace(line)
		switch {
		case strings.HasPrefix(line, "goroutine "):
			id, _, _ := strings.Cut(line[len("goroutine "):], " ")
			g.id, _ = strconv.ParseUint(id, 10, 64)
		case strings.HasPrefix(line, "created by "):
			if _, id, ok := strings.Cut(line, " in goroutine "); ok {
				g.parent, _ = strconv.ParseUint(id, 10, 64)
			}
		case strings.HasPrefix(line, "/") || strings.HasPrefix(line, "\t"):
		default:
			if pkg, name := function(line); name != "" {
				frames = append(frames, frame{pkg, name})
			}
		}
	}
	for i := range frames {
		if frames[i].pkg == frames[len(frames)-1].pkg {
			g.loop = frames[i].name
			break
		}
	}
	return g
}

// function is the package and the short name of the frame's function, or empty where it is the runtime's or a timer's.
func function(frame string) (pkg, short string) {
	end := strings.LastIndexByte(frame, '(')
	if end < 0 {
		return "", ""
	}
	name := frame[:end]
	for _, other := range []string{"runtime.", "time.", "sync.", "testing.", "internal/"} {
		if strings.HasPrefix(name, other) {
			return "", ""
		}
	}
	folder := name[:strings.LastIndexByte(name, '/')+1]
	pkg, short, _ = strings.Cut(strings.NewReplacer("(*", "", ")", "").Replace(name[len(folder):]), ".")
	return folder + pkg, short
}
