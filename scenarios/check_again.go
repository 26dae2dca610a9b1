package scenarios

import (
	"fmt"
	"slices"
)

// repeated judges how often an act is done, and when for the last time.
func (c *checker) repeated(path string, a *Act) {
	times, every := path+".times", path+".every"
	switch {
	case c.given(times) && !c.given(every):
		c.complain(times, "the act is done several times, and nothing says how far apart", "add every, such as every: 1m")
	case c.given(every) && !c.given(times):
		c.complain(every, "the act is done once, so that there is nothing to be apart", "add times, such as times: 3")
	case a.Times > 1 && c.judged("duration") && c.sound(path):
		if last := a.At + a.Every*Duration(a.Times-1); last >= c.s.Duration {
			c.complain(times, fmt.Sprintf("the act is done until %s, but the run ends at %s", last, c.s.Duration),
				"let it be done less often, or leave the duration out")
		}
	}
}

// sameNames judges whose names a group is created under: those of another, of which every workspace was deleted before.
func (c *checker) sameNames(path string, g *Group) {
	at := path + ".same_names_as"
	if g.SameNamesAs == "" || !c.judged(at) {
		return
	}
	other, otherPath := c.group(at, g.SameNamesAs)
	if other == nil || !c.sound(path) || !c.sound(otherPath) || len(c.doubtful) > 0 {
		return
	}
	switch {
	case other == g:
		c.complain(at, "a group has its own names already", "leave it out, or name another group")
	case other.SameNamesAs != "":
		c.complain(at, fmt.Sprintf("group %s has the names of another group itself", other.Name), "name that group: "+other.SameNamesAs)
	case g.Count > other.Count:
		c.complain(at, fmt.Sprintf("group %s has %d names, and this one %d workspaces", other.Name, other.Count, g.Count), "")
	case !slices.ContainsFunc(c.s.Acts, func(a Act) bool {
		return a.Do == "delete" && a.At < g.CreateAt && (a.Group == "" || a.Group == other.Name) && a.Only == 0 && (a.First == 0 || a.First >= g.Count)
	}):
		c.complain(at, fmt.Sprintf("no delete of group %s comes before %s, when this one is created", other.Name, g.CreateAt),
			"add an act before it, such as {at: …, do: delete, group: "+other.Name+"}")
	}
}
