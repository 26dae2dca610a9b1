package scenarios

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/bootrace/bootrace/controller"
)

// complete fills in what was left out.
func (s *Scenario) complete() {
	if s.Controllers == 0 {
		s.Controllers = 1
	}
	for i := range s.Fleet {
		g := &s.Fleet[i]
		if g.Name == "" {
			g.Name = g.Provider
		}
		if g.Runtime == "" {
			g.Runtime = "claude-code"
		}
		if g.Count == 0 {
			g.Count = 1
		}
	}
}

// defaultHeartbeat is the contract's time between two heartbeats.
const defaultHeartbeat = Duration(30 * time.Second)

// checker judges a decoded and completed scenario as a whole: what its fields say of one another. What the reading has
// reported already it does not judge.
type checker struct {
	*reading
	s        *Scenario
	places   map[string]int // of groups, by name
	parentOf []int          // the place of each group's parent, or -1
}

func (c *checker) check() {
	c.settings()
	c.groups()
	c.parents()
	for i := range c.s.Fleet {
		c.sameNames(element("fleet", i), &c.s.Fleet[i])
	}
	for i := range c.s.Acts {
		c.act(element("acts", i), &c.s.Acts[i])
	}
	for i := range c.s.Faults {
		c.fault(element("faults", i), &c.s.Faults[i])
	}
	c.expect()
}

func (c *checker) settings() {
	if c.s.Settings == nil || !c.sound("settings") {
		return
	}
	ttl, beat := c.s.Settings.LivenessTTL, c.s.Settings.HeartbeatInterval
	if ttl == 0 {
		ttl = Duration(controller.DefaultSettings().LivenessTTL)
	}
	if beat == 0 {
		beat = defaultHeartbeat
	}
	if ttl > beat {
		return
	}
	path := "settings.liveness_ttl"
	if !c.given(path) {
		path = "settings.heartbeat_interval"
	}
	c.complain(path, fmt.Sprintf("agents beat every %s, so that a TTL of %s calls every one of them silent", beat, ttl),
		"make the liveness_ttl some times the heartbeat_interval")
}

func (c *checker) groups() {
	names := map[string]int{}
	for i := range c.s.Fleet {
		g, path := &c.s.Fleet[i], element("fleet", i)
		c.boot(path+".boot", g.Boot)
		if c.judged("duration") && c.sound(path) {
			last := g.CreateAt + g.CreateEvery*Duration(g.Count-1)
			if at := c.firstGiven(path, "create_at", "create_every"); last >= c.s.Duration && at != "" {
				c.complain(at, fmt.Sprintf("the group is created until %s, but the run ends at %s", last, c.s.Duration),
					"let it be created earlier, or leave the duration out")
			}
		}
		named := path + ".name"
		if !c.given(named) {
			named = path + ".provider"
		}
		if !c.judged(named) || g.Name == "" {
			continue
		}
		if first, dup := names[g.Name]; dup {
			hint := "acts and faults refer to groups by their names: give this one another"
			if !c.given(path + ".name") {
				hint = "a group is called by its provider where it has no name: give this one a name, such as " + g.Name + "-2"
			}
			c.complain(named, fmt.Sprintf("a group called %s begins on line %d already", g.Name, c.at(element("fleet", first)).line), hint)
			continue
		}
		names[g.Name] = i
	}
}

// firstGiven returns the path of the first of the names that stands in the source, or "".
func (c *checker) firstGiven(path string, names ...string) string {
	for _, name := range names {
		if p := join(path, name); c.given(p) {
			return p
		}
	}
	return ""
}

func (c *checker) boot(path string, b *Boot) {
	if b == nil || b.Total == 0 || !c.sound(path) {
		return
	}
	sum := b.ImagePull + b.AgentStart + b.Preflight
	all := b.ImagePull > 0 && b.AgentStart > 0 && b.Preflight > 0
	switch {
	case b.Total < sum:
		c.complain(path+".total", fmt.Sprintf("the boot takes %s in total, but the given phases take %s", b.Total, sum),
			"phases that are left out share what remains of the total")
	case b.Total > sum && all:
		c.complain(path+".total", fmt.Sprintf("the boot takes %s in total, but its three phases take %s", b.Total, sum),
			"leave the total or one of the phases out")
	}
}

// fleetSize is how many workspaces there are; false where the source does not say it clearly.
func (c *checker) fleetSize() (int, bool) {
	n := 0
	for i := range c.s.Fleet {
		if !c.sound(element("fleet", i) + ".count") {
			return 0, false
		}
		n += c.s.Fleet[i].Count
	}
	return n, n > 0
}

// group finds the group that an act or a fault names at the path, and returns it with its own path. It reports an unknown
// one, and returns nil then and where none is named.
func (c *checker) group(path, name string) (*Group, string) {
	if !c.judged(path) {
		return nil, ""
	}
	var known []string
	unclear := len(c.s.Fleet) == 0 || slices.Contains(c.doubtful, "fleet")
	for i := range c.s.Fleet {
		g, p := &c.s.Fleet[i], element("fleet", i)
		if g.Name == name && name != "" && c.sound(p+".name") {
			return g, p
		}
		if g.Name != "" && !slices.Contains(known, g.Name) {
			known = append(known, g.Name)
		}
		if c.sound(p+".name") && (c.given(p+".name") || c.sound(p+".provider")) {
			continue
		}
		// The group's own name was reported: once it is put right, it may be the one that is meant here.
		fixed, isNear := nearest(g.Name, vocabularyOf("provider").names)
		unclear = unclear || g.Name == "" || slices.Contains(c.hidden, p+".name") || g.Name == name || kebab(g.Name) == name || isNear && fixed == name
	}
	if unclear {
		return nil, ""
	}
	c.spoil(path, "unknown group "+quoted(name), suggest(name, known, listed("the scenario's groups", known)))
	return nil, ""
}

// first checks that the first so many workspaces, of the group where one is named, exist.
func (c *checker) first(path string, first int, named string, g *Group, groupPath string) {
	if !c.judged(path) {
		return
	}
	if g != nil {
		if c.sound(groupPath+".count") && first > g.Count {
			c.complain(path, fmt.Sprintf("first is %d, but group %s has %d", first, g.Name, g.Count), "")
		}
		return
	}
	if size, ok := c.fleetSize(); named == "" && ok && first > size {
		c.complain(path, fmt.Sprintf("first is %d, but the fleet has %d", first, size), "")
	}
}

// only checks that the one workspace exists, and that first does not speak of others.
func (c *checker) only(path string, only int, named string, g *Group, groupPath string) {
	p := path + ".only"
	if !c.given(p) {
		return
	}
	if c.given(path + ".first") {
		c.complain(p, "only is one workspace, and first several", "give one of the two")
		return
	}
	if !c.judged(p) {
		return
	}
	if g != nil {
		if c.sound(groupPath+".count") && only > g.Count {
			c.complain(p, fmt.Sprintf("only is %d, but group %s has %d", only, g.Name, g.Count), "")
		}
		return
	}
	if size, ok := c.fleetSize(); named == "" && ok && only > size {
		c.complain(p, fmt.Sprintf("only is %d, but the fleet has %d", only, size), "")
	}
}

func (c *checker) act(path string, a *Act) {
	at := path + ".at"
	if c.judged(at) && c.judged("duration") && a.At >= c.s.Duration {
		c.complain(at, fmt.Sprintf("the act is at %s, but the run ends at %s", a.At, c.s.Duration),
			"let it be earlier, or leave the duration out")
	}
	g, groupPath := c.group(path+".group", a.Group)
	c.first(path+".first", a.First, a.Group, g, groupPath)
	c.only(path, a.Only, a.Group, g, groupPath)
	c.repeated(path, a)
	if g != nil && c.judged(at) && c.sound(groupPath+".create_at") && a.At < g.CreateAt {
		c.complain(at, fmt.Sprintf("the act is at %s, before group %s is created at %s", a.At, g.Name, g.CreateAt), "")
	}
	undone := Undone(a.Do)
	if len(undone) > 0 && c.judged(at) && len(c.doubtful) == 0 && !slices.ContainsFunc(undone, func(do string) bool { return c.doneBefore(a, do) }) {
		of, example := "any workspace", "{at: …, do: "+undone[0]+"}"
		if a.Group != "" {
			of, example = "group "+a.Group, "{at: …, do: "+undone[0]+", group: "+a.Group+"}"
		}
		c.complain(path+".do", fmt.Sprintf("%s at %s, but no %s of %s comes before it", a.Do, a.At, undone[0], of),
			"add an act before it, such as "+example)
	}
}

// doneBefore reports whether an act of the kind strikes some workspace of the given act's before it, or may: one that was
// reported can be put right in many ways.
func (c *checker) doneBefore(a *Act, do string) bool {
	var above map[string]bool
	if do == "pause" {
		above = c.ancestors(a.Group)
	}
	for i, b := range c.s.Acts {
		path := element("acts", i)
		if !c.sound(path+".at") || !c.sound(path+".do") || !c.sound(path+".group") {
			return true
		}
		if b.Do == do && b.At < a.At && (a.Group == "" || b.Group == "" || a.Group == b.Group || above[b.Group]) {
			return true
		}
	}
	return false
}

func (c *checker) expect() {
	if c.s.Expect == nil {
		return
	}
	c.onlineBy("expect.online_by", c.s.Expect.OnlineBy)
	for i, g := range c.s.Expect.Groups {
		path := element("expect.groups", i)
		c.group(path+".group", g.Group)
		c.onlineBy(path+".online_by", g.OnlineBy)
	}
	if !c.sound("expect.statuses") {
		return
	}
	sum := 0
	for _, n := range c.s.Expect.Statuses {
		sum += n
	}
	if size, ok := c.fleetSize(); ok && sum > size {
		c.complain("expect.statuses", fmt.Sprintf("%d workspaces are expected, but the fleet has %d", sum, size), countsHint(c.s.Fleet))
	}
}

// onlineBy checks that there is a run until the time.
func (c *checker) onlineBy(path string, by Duration) {
	if c.judged(path) && c.judged("duration") && by >= c.s.Duration {
		c.complain(path, fmt.Sprintf("online_by is %s, but the run ends at %s", by, c.s.Duration), "let it be earlier, or leave the duration out")
	}
}

// countsHint says how large the fleet is, and why.
func countsHint(fleet []Group) string {
	parts := make([]string, len(fleet))
	for i, g := range fleet {
		parts[i] = fmt.Sprintf("%s × %d", g.Name, g.Count)
	}
	return "the fleet is " + strings.Join(parts, ", ")
}
