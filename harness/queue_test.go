package harness_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/bootrace/bootrace/controller/lifecycle"
	"github.com/bootrace/bootrace/harness/history"
	"github.com/bootrace/bootrace/harness/invariant"
	"github.com/bootrace/bootrace/harness/plan"
	"github.com/bootrace/bootrace/harness/stores"
)

// coldStart is a fleet that is created at once, and that the launcher takes many turns to launch.
func coldStart(fleet, batch int) *plan.Plan {
	p := &plan.Plan{Name: "cold-start", Seed: 1, Controllers: 1, Settings: plan.Settings{LaunchBatch: batch}}
	for i := range fleet {
		p.Workspaces = append(p.Workspaces, plan.Workspace{
			Name: fmt.Sprintf("w%d-1", i+1), Group: fmt.Sprintf("w%d", i+1), Provider: "kimi", Runtime: "claude-code",
			Boots: []plan.Boot{{ImagePull: plan.Duration(20 * time.Second), AgentStart: plan.Duration(2 * time.Second), Preflight: plan.Duration(8 * time.Second)}},
		})
	}
	p.Duration = plan.Duration(p.Long() + 5*time.Minute)
	return p
}

// The bound of launches knows the launcher's queue: a fleet that takes many turns to launch is nobody's fault.
func TestLaunchesKnowTheQueue(t *testing.T) {
	t.Parallel()
	o := play(t, coldStart(80, 3), stores.Memory(), nil)
	if o.Judgement.Verdict != invariant.Held {
		t.Errorf("it is %s: %v %v", o.Judgement.Verdict, o.Judgement.Doubts, o.Judgement.Violations())
	}
	var last time.Duration
	for _, e := range o.History.Events {
		if e.Kind == history.Machine && e.Phase == history.Launched {
			last = e.At.D()
		}
	}
	if last < 3*time.Minute {
		t.Errorf("the last machine was launched at %s: the queue is too short to show anything", last)
	}
	// Who is never launched is told with the queue that it stood in.
	h := &history.History{}
	for _, e := range o.History.Events {
		created := e.Call == "create" || e.To == lifecycle.Provisioning && e.Kind == history.Log
		if e.WS == 80 && !created {
			continue
		}
		h.Add(e)
	}
	x := invariant.Judge(o.Plan, h).First()
	if x == nil || x.Invariant != "launches" || !strings.Contains(x.What, "of which a turn of the launcher takes 3") {
		t.Errorf("of one that is never launched: %+v", x)
	}
}
