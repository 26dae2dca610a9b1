package invariant_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/bootrace/bootrace/controller/lifecycle"
	"github.com/bootrace/bootrace/harness/history"
	"github.com/bootrace/bootrace/harness/invariant"
)

// A target that asks the harness for no machine although it should is not judged by what comes of that: it was told another address.
func TestNoMachineWasAskedFor(t *testing.T) {
	t.Parallel()
	for _, asks := range []bool{false, true} {
		s := newStory()
		s.moved(lifecycle.Create, lifecycle.Provisioning, "create", "")
		s.operator("create", 201, "provisioning")
		s.at(10*minute+second).moved(lifecycle.ProvisionTimeout, lifecycle.Failed, "provision-sweep", "timeout")
		s.end()
		p, h := s.polled(5 * second)
		p.Live.Unseen = []string{"move", "log", "row", "process", "tick", "panic"}
		if asks {
			launched := history.Event{Kind: history.Machine, WS: 1, Inc: 1, Machine: "i-1", Phase: history.Launched}
			h = &history.History{Events: append([]history.Event{launched}, h.Events...)}
		}
		j := invariant.Judge(p, h)
		doubted := slices.ContainsFunc(j.Doubts, func(d string) bool { return strings.Contains(d, "asked for no machine here, for any of 1 workspace") })
		if doubted == asks {
			t.Errorf("it asks: %v; doubts: %v", asks, j.Doubts)
		}
	}
}
