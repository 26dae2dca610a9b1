package scenarios

import (
	"fmt"
	"slices"
	"strings"
)

// maxUnknownParents is after how many parents that nobody knows the others are not looked up any more.
const maxUnknownParents = 20

// parents checks that every group's parent is another group, that no group is below itself, and that parents are there
// before their children.
func (c *checker) parents() {
	above := c.above()
	c.parentOf = above
	circles := circular(above)
	for i, parent := range above {
		if parent < 0 {
			continue
		}
		g, path := &c.s.Fleet[i], element("fleet", i)
		if circles[i] {
			c.cycle(path+".parent", i, above)
		} else if c.timed(path) && c.timed(element("fleet", parent)) {
			c.order(path, g, &c.s.Fleet[parent])
		}
	}
}

// above returns the place of each group's parent, or -1 where it has none. It reports the parents that are unknown.
func (c *checker) above() []int {
	places := map[string]int{}
	for i := range c.s.Fleet {
		if _, known := places[c.s.Fleet[i].Name]; !known {
			places[c.s.Fleet[i].Name] = i
		}
	}
	c.places = places
	all := make([]int, len(c.s.Fleet))
	unknown := 0
	for i := range c.s.Fleet {
		all[i] = -1
		name, path := c.s.Fleet[i].Parent, element("fleet", i)+".parent"
		if name == "" || unknown >= maxUnknownParents || !c.judged(path) {
			continue
		}
		if at, known := places[name]; known {
			all[i] = at
			continue
		}
		unknown++
		c.group(path, name)
	}
	return all
}

// ancestors returns the names of the groups that a group is below.
func (c *checker) ancestors(name string) map[string]bool {
	names := map[string]bool{}
	at, known := c.places[name]
	for known && at >= 0 {
		if at = c.parentOf[at]; at < 0 || names[c.s.Fleet[at].Name] {
			break
		}
		names[c.s.Fleet[at].Name] = true
	}
	return names
}

// circular returns which groups are below themselves.
func circular(above []int) []bool {
	circles, walk := make([]bool, len(above)), make([]int, len(above))
	for i := range above {
		at := i
		for at >= 0 && walk[at] == 0 {
			walk[at] = i + 1
			at = above[at]
		}
		if at >= 0 && walk[at] == i+1 { // this walk came back to itself
			for next := at; !circles[next]; next = above[next] {
				circles[next] = true
			}
		}
	}
	return circles
}

// order checks that the workspaces of a group are created no sooner than their parents.
func (c *checker) order(path string, g, parent *Group) {
	for j := range max(g.Count, 1) {
		born, after := g.created(j), parent.created(j%max(parent.Count, 1))
		if born >= after {
			continue
		}
		place := c.firstGiven(path, "create_at")
		if place == "" {
			place = path + ".parent"
		}
		c.complain(place, fmt.Sprintf("workspace %d of group %s is created at %s, before its parent in group %s at %s",
			j+1, g.Name, born, parent.Name, after), "let it be created later, or its parent earlier")
		return
	}
}

// timed reports whether it is clear how many workspaces of the group are created, and when.
func (c *checker) timed(path string) bool {
	return c.sound(path+".create_at") && c.sound(path+".create_every") && c.sound(path+".count")
}

// created is when the i-th workspace of the group is, from 0.
func (g *Group) created(i int) Duration {
	return g.CreateAt + g.CreateEvery*Duration(i)
}

// cycle reports a group that is below itself: once for all groups of the circle, at the first.
func (c *checker) cycle(at string, i int, above []int) {
	if above[i] == i {
		c.complain(at, fmt.Sprintf("group %s is its own parent", c.s.Fleet[i].Name), "name another group, or leave it out")
		return
	}
	names := []string{c.s.Fleet[i].Name}
	for next := above[i]; next != i; next = above[next] {
		if next < i {
			return // where it was reported
		}
		names = append(names, c.s.Fleet[next].Name)
	}
	const most = 8
	if len(names) > most {
		names = append(names[:most], "…")
	}
	c.complain(at, fmt.Sprintf("group %s is below itself: %s", names[0], strings.Join(append(names, names[0]), ", child of ")),
		"leave one of the parents out")
}

// Below reports whether the group has the other one among those above it: as its parent, its parent's parent, and so on. Of no
// group, named by the empty name, none is.
func (s *Scenario) Below(group, above string) bool {
	at := s.indexOf(group)
	for range s.Fleet {
		if at < 0 {
			return false
		}
		parent := s.Fleet[at].Parent
		if parent == above && above != "" {
			return true
		}
		at = s.indexOf(parent)
	}
	return false
}

// indexOf returns the place of the first group of the name, or -1.
func (s *Scenario) indexOf(name string) int {
	if name == "" {
		return -1
	}
	return slices.IndexFunc(s.Fleet, func(g Group) bool { return g.Name == name })
}
