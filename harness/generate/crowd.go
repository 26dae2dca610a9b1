package generate

import (
	"fmt"
	"time"

	"github.com/bootrace/bootrace/harness/plan"
)

// mostCrowd is how many workspaces a crowd has at most: more than any page, batch or limit that somebody is likely to choose.
const mostCrowd = 420

// crowd draws a fleet of hundreds that cost little: most never beat. What a controller does for a fixed number at a time, or in an
// order that never comes to the rest, leaves some of them behind.
func (g *generator) crowd() {
	n := 120 + g.draw("crowd of", mostCrowd-120)
	kind := g.draw("kind of crowd", 3)
	if kind == 0 && g.draw("patient", 2) == 0 { // whoever is not launched in time is not given up before that shows
		g.plan.Settings.ProvisionTimeout = plan.Duration(5 * time.Minute)
	}
	for i := range n {
		w := plan.Workspace{
			Name: fmt.Sprintf("w%d-1", i+1), Group: fmt.Sprintf("w%d", i+1), Provider: "kimi", Runtime: runtimes[0],
			Boots: []plan.Boot{{ImagePull: plan.Duration(20 * time.Second), AgentStart: plan.Duration(2 * time.Second), Preflight: plan.Duration(8 * time.Second)}},
		}
		switch kind {
		case 0: // all want a machine, and none comes up
			w.Boots[0].Dies = "image_pull"
		case 1: // all count as online, and are silent
			w.External, w.KnownURL, w.Boots[0].Dies = true, true, "image_pull"
		default: // they wait for agents that never call, before and after some that want a machine
			w.External, w.Boots[0].Dies = true, "image_pull"
		}
		if i%40 == 39 || i == n-1 { // some are as others are
			w.External, w.KnownURL, w.Boots[0].Dies = false, false, ""
			w.CreateAt = plan.Duration(5 * time.Second)
		}
		g.plan.Workspaces = append(g.plan.Workspaces, w)
	}
	g.moments = append(g.moments, 0, 35*time.Second, time.Duration(g.plan.Settings.ProvisionTimeout))
	if kind == 0 && g.draw("all at once", 2) == 1 { // as an operator does who has a new image
		at, do := plan.Duration(35*time.Second+time.Duration(g.draw("at", 60))*time.Second), pick(g, "all", "restart", "delete", "pause")
		for i := range n {
			g.plan.Acts = append(g.plan.Acts, plan.Act{At: at, Do: do, Workspace: i + 1})
		}
	}
	for range g.draw("acts", maxActs+1) {
		act := plan.Act{At: plan.Duration(40*time.Second + time.Duration(g.draw("at", 60))*time.Second), Do: pick(g, "act", "restart", "delete", "pause")}
		act.Workspace = pick(g, "act on", n, 40, 1, n/2)
		g.plan.Acts = append(g.plan.Acts, act)
	}
	switch g.draw("crowd's fault", 4) {
	case 1: // machines that nobody knows of, one of which cannot be stopped
		g.plan.Faults = append(g.plan.Faults,
			plan.Fault{Kind: "cloud-lost-reply", Until: plan.Duration(30 * time.Second), Calls: []string{"launch"}, Percent: 50},
			plan.Fault{Kind: "cloud-throttle", Until: plan.Duration(4 * time.Minute), Calls: []string{"terminate"}, Workspaces: []int{pick(g, "stuck", 1, 40, n)}})
	case 2:
		g.plan.Faults = append(g.plan.Faults, plan.Fault{Kind: "cloud-throttle", Until: plan.Duration(time.Minute), Calls: []string{"launch"}, Percent: 50})
	case 3:
		g.plan.Faults = append(g.plan.Faults, plan.Fault{Kind: "crash", From: plan.Duration(20 * time.Second), Delay: plan.Duration(5 * time.Second)})
	}
}
