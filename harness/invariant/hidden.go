package invariant

import (
	"slices"

	"github.com/bootrace/bootrace/harness/history"
)

// fieldsOfWire are the fields of a workspace that the wire names; a controller may leave others out.
var fieldsOfWire = []string{"name", "status", "runtime", "url", "agent_card", "active_tasks", "uptime_seconds", "last_error_rate"}

// hides reports whether the controller, which somebody else wrote, leaves the field out: no reply in the whole run shows a value of it.
func (v *View) hides(field string) bool {
	if v.Plan.Live == nil || slices.Contains(fieldsOfWire, field) {
		return false
	}
	if v.shown == nil {
		v.shown = map[string]bool{}
		for _, s := range v.Spaces {
			for _, c := range s.Calls {
				if c.Actor == history.ActorObserver && c.Call == "get" {
					for name, value := range history.EachField(c.Data) {
						v.shown[name] = v.shown[name] || value != ""
					}
				}
			}
		}
	}
	return !v.shown[field]
}
