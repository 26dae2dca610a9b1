package invariant

import (
	"fmt"
	"time"

	"github.com/bootrace/bootrace/controller/lifecycle"
	"github.com/bootrace/bootrace/harness/history"
)

// The invariants about parents and children.

// there reports whether a workspace of the status can have children.
func there(s lifecycle.Status) bool { return s != lifecycle.None && s != lifecycle.Removed }

func notThere(s lifecycle.Status) bool { return !there(s) }

// called is what the workspace is called in a sentence about another one.
func (s *Space) called() string { return fmt.Sprintf("workspace %d, %s", s.Number, s.Plan.Name) }

// parent returns the workspace that it is below, or nil.
func (v *View) parent(s *Space) *Space {
	if s.Plan.Parent == 0 {
		return nil
	}
	return v.Spaces[s.Plan.Parent-1]
}

// below returns all workspaces below this one.
func (v *View) below(s *Space) []*Space {
	if !v.families {
		return nil
	}
	var all []*Space
	for _, n := range v.Plan.Below(s.Number) {
		all = append(all, v.Spaces[n-1])
	}
	return all
}

// referentialIntegrity judges that a child has its parent for as long as it is there, and that nobody is kept for children that
// are not.
func referentialIntegrity(v *View, r *report) {
	for _, s := range v.Spaces {
		if p := v.parent(s); p != nil && v.orphaned(s, p, r) {
			continue
		}
		for _, c := range s.Asked {
			if v.refusedWrongly(s, c, r) {
				break
			}
		}
	}
}

// orphaned judges that the parent of the workspace was there when it was created, and is for as long as it is itself.
func (v *View) orphaned(s, p *Space, r *report) bool {
	if len(s.Moves) == 0 {
		return false
	}
	r.owed()
	// What a server of somebody else's does with an unknown parent, the wire does not say.
	born := s.Moves[0]
	if at := born.At.D(); !v.polled && !v.mayHave(p, at, at, there) {
		status, _ := p.at(at)
		r.violated(Violation{
			Workspace: s.Number, Since: born.At, At: born.At,
			What:     fmt.Sprintf("it was created at %s below %s, which is %s", Clock(born.At), p.called(), named(status)),
			Expected: "a 400: there is no such parent",
		})
		return true
	}
	for _, m := range p.Moves {
		if m.To != lifecycle.Removed || v.mayHave(s, v.earliest(m), m.At.D(), notThere) {
			continue
		}
		status, _ := s.at(m.At.D())
		r.violated(Violation{
			Workspace: p.Number, Since: born.At, At: m.At,
			What:     fmt.Sprintf("it was removed at %s, when its child, %s, was %s", Clock(m.At), s.called(), status),
			Expected: "a 409: who has children cannot be removed",
		})
		return true
	}
	return false
}

// refusedWrongly judges a refusal that only what is below or above the workspace can explain, and reports whether that was not so.
func (v *View) refusedWrongly(s *Space, c *history.Event, r *report) bool {
	from, until := c.Sent.D(), c.At.D()
	switch {
	case c.Call == "delete" && c.Code == 409:
		r.owed()
		for i := range v.Plan.Workspaces {
			if v.Plan.Workspaces[i].Parent != s.Number {
				continue
			}
			child := v.Spaces[i]
			unseen := len(child.Moves) == 0 && len(child.Asked) > 0 // a create of it may have got through
			if unseen || v.twin(child) || v.mayHave(child, from, until, there) {
				return false
			}
		}
		r.violated(Violation{
			Workspace: s.Number, Since: c.Sent, At: c.At,
			What:     fmt.Sprintf("the delete at %s was refused, as of a workspace with children, and it has none", Clock(c.At)),
			Expected: "removed: no child of it is there",
		})
		return true
	case c.Call == "create" && c.Code == 400 && v.parent(s) != nil && !v.polled:
		p := v.parent(s)
		r.owed()
		if v.mayHave(p, from, until, notThere) {
			return false
		}
		r.violated(Violation{
			Workspace: s.Number, Since: c.Sent, At: c.At,
			What:     fmt.Sprintf("its create below %s was refused at %s, and that was there all along", p.called(), Clock(c.At)),
			Expected: "a 201: its parent is there",
		})
		return true
	}
	return false
}

// reaches judges that what the operator was granted holds for the family: a pause or a resume reaches all below, and nobody goes
// on below a parent that is paused. It reports whether it found a violation.
func (v *View) reaches(s *Space, r *report) bool {
	if !v.families {
		return false
	}
	below, parent := v.below(s), v.parent(s)
	for _, c := range s.Asked {
		if c.Code/100 != 2 {
			continue
		}
		from, until := c.Sent.D(), c.At.D()
		if p := parent; p != nil && (c.Call == "restart" || c.Call == "resume") {
			r.owed()
			if !v.mayHave(p, from, until, func(s lifecycle.Status) bool { return s != lifecycle.Paused }) {
				r.violated(Violation{
					Workspace: s.Number, Since: c.Sent, At: c.At,
					What:     fmt.Sprintf("its %s was granted at %s, when its parent, %s, was paused all along", c.Call, Clock(c.At), p.called()),
					Expected: "a 409: nobody goes on below a parent that is paused",
				})
				return true
			}
		}
		for _, b := range below {
			if what := v.unreached(b, c, from, until, r); what != "" {
				r.violated(Violation{
					Workspace: b.Number, Since: c.Sent, At: c.At, What: what,
					Expected: fmt.Sprintf("a %s of a workspace reaches all below it", c.Call),
				})
				return true
			}
		}
	}
	return false
}

// unreached says what is wrong where a call that was granted about a workspace above this one did not reach it, or nothing.
func (v *View) unreached(b *Space, c *history.Event, from, until time.Duration, r *report) string {
	status, _ := b.at(until)
	above := v.Spaces[c.WS-1].called()
	switch {
	case c.Call == "pause" && !v.mayHave(b, from, from, notThere):
		r.owed()
		if !v.mayHave(b, from, until, v.Table.Held) {
			return fmt.Sprintf("%s, which it is below, was paused at %s, and it is %s", above, Clock(c.At), status)
		}
	case c.Call == "resume" && !v.mayHave(b, from, from, func(s lifecycle.Status) bool { return s != lifecycle.Paused }):
		r.owed()
		if !v.mayHave(b, from, until, func(s lifecycle.Status) bool { return s != lifecycle.Paused }) {
			return fmt.Sprintf("%s, which it is below, was resumed at %s, and it is still %s", above, Clock(c.At), status)
		}
	}
	return ""
}
