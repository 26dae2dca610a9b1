package scenarios

import (
	"fmt"
	"slices"
	"strings"
)

// parents checks that every group's parent is another group, that no group is below itself, and that parents are there
// before their children.
func (c *checker) parents() {
	for i := range c.s.Fleet {
		g, path := &c.s.Fleet[i], element("fleet", i)
		at := path + ".parent"
		parent, parentPath := c.group(at, g.Parent)
		if parent == nil {
			continue
		}
		if line := c.lineage(i); line != nil {
			c.cycle(at, i, line)
			continue
		}
		if !c.timed(path) || !c.timed(parentPath) {
			continue
		}
		for j := range max(g.Count, 1) {
			k := j % max(parent.Count, 1)
			born, after := g.created(j), parent.created(k)
			if born >= after {
				continue
			}
			place := c.firstGiven(path, "create_at")
			if place == "" {
				place = at
			}
			c.complain(place, fmt.Sprintf("workspace %d of group %s is created at %s, before its parent in group %s at %s",
				j+1, g.Name, born, parent.Name, after), "let it be created later, or its parent earlier")
			break
		}
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

// lineage returns the groups from the i-th up to itself, where its parents lead back to it, and nil where they do not.
func (c *checker) lineage(i int) []int {
	line := []int{i}
	for {
		next := c.s.indexOf(c.s.Fleet[line[len(line)-1]].Parent)
		switch {
		case next == i:
			return append(line, i)
		case next < 0 || slices.Contains(line, next):
			return nil
		}
		line = append(line, next)
	}
}

// cycle reports a group that is below itself: once for all groups of the cycle, at the first.
func (c *checker) cycle(at string, i int, line []int) {
	if slices.Min(line) != i {
		return
	}
	if len(line) == 2 {
		c.complain(at, fmt.Sprintf("group %s is its own parent", c.s.Fleet[i].Name), "name another group, or leave it out")
		return
	}
	names := make([]string, len(line))
	for j, k := range line {
		names[j] = c.s.Fleet[k].Name
	}
	c.complain(at, fmt.Sprintf("group %s is below itself: %s", names[0], strings.Join(names, ", child of ")),
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
