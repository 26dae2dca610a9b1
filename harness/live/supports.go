package live

import (
	"fmt"

	"github.com/bootrace/bootrace/harness/plan"
)

// unsupported are the faults that wall-clock time has no place for, and why.
var unsupported = map[string]string{
	"clock":          "the processes of one machine share one clock, and the harness does not set it",
	"describe-error": "to look at one machine and to list all is one action of EC2's, which the fake EC2 fails as a whole",
	"list-stale":     "the fake EC2 hides machines that are new, and shows none that have ended",
	"list-truncated": "the fake EC2 lists all machines, or none",
}

// Supports reports whether a plan can be carried out on wall-clock time; where it cannot, the reason names what is in the
// way.
func Supports(p *plan.Plan) (reason string, ok bool) {
	if p.Settings.FirstTurns != "" {
		return "first_turns: when the ticks of a controller that is a process of its own take their first turns is that process's to choose", false
	}
	names := map[string]bool{}
	for i := range p.Workspaces {
		if names[p.Workspaces[i].Name] {
			return fmt.Sprintf("workspace %d: of two rows of one name, nothing here shows which is whose", i+1), false
		}
		names[p.Workspaces[i].Name] = true
		if w := &p.Workspaces[i]; w.BeatJitter > 0 || w.RegisterOnce {
			return fmt.Sprintf("workspace %d: beat_jitter and register_once are known to simulated agents alone", i+1), false
		}
	}
	for i, f := range p.Faults {
		if why, cannot := unsupported[f.Kind]; cannot {
			return fmt.Sprintf("fault %d (%s): %s", i+1, f.Kind, why), false
		}
		if f.Kind == "cloud-stale" && f.Workspaces != nil {
			return fmt.Sprintf("fault %d (%s): the fake EC2 hides new machines whosever they are, not those of some workspaces", i+1, f.Kind), false
		}
	}
	return "", true
}

// Lacks says why faults of the kind cannot be brought about on wall-clock time, and why not where machines are containers; both
// are empty where they can.
func Lacks(kind string) (anywhere, contained string) { return unsupported[kind], notInContainers[kind] }

// Supports is [Supports], with what these options allow.
func (o Options) Supports(p *plan.Plan) (reason string, ok bool) {
	if crashes(p) && o.Postgres != nil && !o.Postgres.server.CanCrash() {
		return "postgres-crash, postgres-restart: bootrace did not start this Postgres, so it does not crash it", false
	}
	if o.Containers != nil {
		for i, f := range p.Faults {
			if why, cannot := notInContainers[f.Kind]; cannot {
				return fmt.Sprintf("fault %d (%s): %s", i+1, f.Kind, why), false
			}
		}
		if n := len(p.Workspaces); n > maxContainers {
			return fmt.Sprintf("%d workspaces are more than the %d containers that one network takes here", n, maxContainers), false
		}
	}
	return Supports(p)
}

// notInContainers are the faults that machines which are containers have no place for, and why.
var notInContainers = map[string]string{
	"cloud-stale": "a Docker Engine is one machine, which knows at once what it has started",
}

// maxContainers is how many machines a run may have that are containers: as many as one machine starts in good time.
const maxContainers = 48
