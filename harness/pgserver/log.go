package pgserver

import (
	"errors"
	"strings"
)

// logTail is how many lines of a log an error shows.
const logTail = 12

// fromLog makes an error of what happened to a server and of what it wrote to its log: the cause first, then the last
// lines for whatever the cause does not tell.
func fromLog(what, log string) error {
	text := what
	if cause := causeIn(log); cause != "" {
		text += ": " + cause
	}
	if last := lastLines(log, logTail); last != "" {
		text += "\nthe last lines of its log:\n  " + indent(last, 2)
	}
	return errors.New(text)
}

// causeIn finds the line of a log that says why a server gave up: the last that is fatal.
func causeIn(log string) string {
	var cause string
	for line := range strings.Lines(log) {
		for _, level := range []string{"FATAL:", "PANIC:"} {
			if _, message, ok := strings.Cut(line, level); ok {
				cause = strings.TrimSpace(message)
			}
		}
	}
	return cause
}

// lastLines returns the end of a text.
func lastLines(text string, n int) string {
	lines := strings.Split(strings.TrimSpace(text), "\n")
	return strings.Join(lines[max(0, len(lines)-n):], "\n")
}
