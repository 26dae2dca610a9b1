package runs

import (
	"fmt"
	"strings"

	"github.com/bootrace/bootrace/harness/history"
)

// Parting says where two histories part, or that they do not.
func Parting(kept, now *history.History) string {
	for i := range max(len(kept.Events), len(now.Events)) {
		switch {
		case i >= len(kept.Events):
			return fmt.Sprintf("the kept one ends after %d events, and then comes %s", i, line(&now.Events[i]))
		case i >= len(now.Events):
			return fmt.Sprintf("this one ends after %d events, where the kept one has %s", i, line(&kept.Events[i]))
		case kept.Events[i] != now.Events[i]:
			return fmt.Sprintf("event %d was %s and is %s", i+1, line(&kept.Events[i]), line(&now.Events[i]))
		}
	}
	return "the histories are the same"
}

// line is an event as the history's file has it.
func line(e *history.Event) string {
	var b strings.Builder
	h := history.History{Events: []history.Event{*e}}
	if _, err := h.WriteTo(&b); err != nil {
		return err.Error()
	}
	return strings.TrimSuffix(b.String(), "\n")
}
