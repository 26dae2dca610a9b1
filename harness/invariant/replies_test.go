package invariant_test

import (
	"strings"
	"testing"

	"github.com/bootrace/bootrace/harness/invariant"
	"github.com/bootrace/bootrace/harness/plan"
	"github.com/bootrace/bootrace/scenarios"
)

// An act that was refused makes a scenario inconclusive, unless the scenario says that it may be.
func TestRefusedActs(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name string
		code int
		may  []string
		want string
	}{
		{"granted", 200, nil, ""},
		{"refused", 404, nil, "act 1 (hibernate of w-1) had no effect: it got 404 at +00:30.0"},
		{"refused, as the scenario says", 404, []string{"hibernate"}, ""},
		{"refused, and the scenario is about another act", 404, []string{"pause"}, "had no effect"},
		{"answered by a failure", 503, nil, ""},
	} {
		s := newStory()
		s.create().at(30*second).operator("hibernate", c.code, "")
		s.at(minute).lives().beats(60 * minute)
		s.plan.Acts = []plan.Act{{At: plan.Duration(30 * second), Do: "hibernate", Workspace: 1}}
		s.plan.Expect = &scenarios.Expect{Refused: c.may}
		j := s.end()
		doubts := strings.Join(j.Doubts, "\n")
		if (c.want == "") != (doubts == "") || !strings.Contains(doubts, c.want) {
			t.Errorf("%s: %q, want %q", c.name, doubts, c.want)
		}
		if c.want != "" && j.Verdict != invariant.Inconclusive {
			t.Errorf("%s: %s", c.name, j.Verdict)
		}
	}
}
