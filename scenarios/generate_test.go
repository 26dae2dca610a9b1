package scenarios

import (
	"fmt"
	"slices"
	"time"

	"pgregory.net/rapid"
)

// anyScenario draws a scenario that Load accepts, with its defaults filled in. Every kind of fault, act and field can
// occur.
func anyScenario(t *rapid.T) *Scenario {
	s := &Scenario{
		Name:        rapid.StringMatching(`[a-z0-9][a-z0-9-]{0,12}`).Draw(t, "name"),
		About:       anyText(t),
		Controllers: rapid.IntRange(1, 5).Draw(t, "controllers"),
	}
	if rapid.Bool().Draw(t, "settings") {
		s.Settings = &Settings{
			ProvisionTimeout: maybe(t, "provision timeout", anyDuration(t, 1, 60)),
			LivenessTTL:      anyDuration(t, 11, 20),
		}
		s.Settings.HeartbeatInterval = maybe(t, "heartbeat interval", anyDuration(t, 1, 10))
	}
	groups := rapid.IntRange(1, 4).Draw(t, "groups")
	for i := range groups {
		g := anyGroup(t, i)
		if i > 0 && rapid.Bool().Draw(t, "has parent") {
			parent := rapid.SampledFrom(s.Fleet).Draw(t, "parent")
			g.Parent, g.CreateAt, g.CreateEvery = parent.Name, parent.CreateAt, parent.CreateEvery
		}
		s.Fleet = append(s.Fleet, g)
	}
	for range rapid.IntRange(0, 4).Draw(t, "acts") {
		s.Acts = append(s.Acts, anyAct(t, s))
	}
	for range rapid.IntRange(0, 4).Draw(t, "faults") {
		s.Faults = append(s.Faults, anyFault(t, s))
	}
	// Everything that is drawn above is over by then.
	s.Duration = maybe(t, "duration", anyDuration(t, 601, 700))
	if events := someOf(t, "events", vocabularyOf("event").names); len(events) > 0 {
		s.Expect = &Expect{Events: events}
	}
	if acts := someOf(t, "refused", vocabularyOf("act").names); len(acts) > 0 {
		if s.Expect == nil {
			s.Expect = &Expect{}
		}
		s.Expect.Refused = acts
	}
	if rapid.Bool().Draw(t, "statuses") {
		if s.Expect == nil {
			s.Expect = &Expect{}
		}
		s.Expect.Statuses = map[string]int{
			rapid.SampledFrom(vocabularyOf("status").names).Draw(t, "status"): rapid.IntRange(0, fleetSize(s)).Draw(t, "status count"),
		}
	}
	s.Needs = someOf(t, "needs", Capabilities())
	return s
}

func fleetSize(s *Scenario) int {
	n := 0
	for _, g := range s.Fleet {
		n += g.Count
	}
	return n
}

// anyText draws what a person, or a fuzzer, may write in an about.
func anyText(t *rapid.T) string {
	word := rapid.OneOf(
		rapid.StringMatching(`[A-Za-z0-9.,;:()'"#&*!|>{}%@?\[\]\x60~=-]{1,12}`),
		rapid.SampledFrom([]string{"-", "- a", "---", "...", "? x", "a: b", "# no", "null", "true", "~", "é", "×", "日本", "🙂", "&a", "*a", "!!str", "<<:", "\u00a0", "\u2028", "\ufeff", "'", `"`, `\`, `\n`, "key:"}),
	)
	sep := rapid.SampledFrom([]string{" ", " ", " ", " ", "\n", "\n\n", "  ", "\n  ", " \n"})
	text := word.Draw(t, "word")
	for range rapid.IntRange(0, 30).Draw(t, "words") {
		text += sep.Draw(t, "separator") + word.Draw(t, "word")
	}
	// Load trims, so what it gives back is trimmed.
	for text != trimmed(text) {
		text = trimmed(text)
	}
	if text == "" {
		return "About nothing."
	}
	return text
}

func anyDuration(t *rapid.T, least, most int) Duration {
	d := Duration(rapid.IntRange(least, most).Draw(t, "minutes")) * Duration(time.Minute)
	if rapid.Bool().Draw(t, "odd") {
		d -= Duration(rapid.IntRange(0, 59_999_999).Draw(t, "microseconds")) * Duration(time.Microsecond)
	}
	return d
}

func maybe[T any](t *rapid.T, what string, value T) T {
	var zero T
	if rapid.Bool().Draw(t, what+" is given") {
		return value
	}
	return zero
}

// someOf draws a few of the names, each at most once; nil for none.
func someOf(t *rapid.T, what string, names []string) []string {
	n := rapid.IntRange(0, min(3, len(names))).Draw(t, what+" count")
	if n == 0 {
		return nil
	}
	return rapid.Permutation(names).Draw(t, what)[:n]
}

func anyGroup(t *rapid.T, i int) Group {
	provider := rapid.SampledFrom(vocabularyOf("provider").names).Draw(t, "provider")
	g := Group{
		Name:        fmt.Sprintf("%s-%d", provider, i),
		Provider:    provider,
		Runtime:     rapid.SampledFrom(vocabularyOf("runtime").names).Draw(t, "runtime"),
		Count:       rapid.SampledFrom([]int{1, 2, 5, 1000}).Draw(t, "count"),
		External:    rapid.Bool().Draw(t, "external"),
		CreateAt:    maybe(t, "create at", anyDuration(t, 0, 9)-anyDuration(t, 0, 0)),
		CreateEvery: maybe(t, "create every", Duration(rapid.IntRange(1, 5000).Draw(t, "every"))*Duration(time.Millisecond)),

		Tasks:        rapid.SampledFrom([]int{0, 0, 1, 1000}).Draw(t, "tasks"),
		RegisterOnce: rapid.Bool().Draw(t, "register once"),
		IgnoresGone:  rapid.Bool().Draw(t, "ignores gone"),
		BeatEvery:    maybe(t, "beat every", anyDuration(t, 1, 2)),
		BeatJitter:   maybe(t, "beat jitter", anyDuration(t, 1, 2)),
	}
	if g.CreateAt < 0 {
		g.CreateAt = 0
	}
	if i == 0 && rapid.Bool().Draw(t, "unnamed") {
		g.Name = g.Provider
	}
	if rapid.Bool().Draw(t, "boot") {
		b := Boot{
			ImagePull:  maybe(t, "image pull", anyDuration(t, 1, 9)),
			AgentStart: maybe(t, "agent start", anyDuration(t, 1, 9)),
			Preflight:  maybe(t, "preflight", anyDuration(t, 1, 9)),
			Dies:       maybe(t, "dies", rapid.SampledFrom(vocabularyOf("phase").names).Draw(t, "phase")),
		}
		if b.ImagePull == 0 || b.AgentStart == 0 || b.Preflight == 0 {
			b.Total = maybe(t, "total", anyDuration(t, 30, 40))
		}
		if b != (Boot{}) {
			g.Boot = &b
		}
	}
	return g
}

// anyTarget draws a group, or none for all, and how many of it, or 0 for all.
func anyTarget(t *rapid.T, s *Scenario) (group string, first int) {
	size := fleetSize(s)
	if rapid.Bool().Draw(t, "one group") {
		g := rapid.SampledFrom(s.Fleet).Draw(t, "group")
		group, size = g.Name, g.Count
	}
	return group, maybe(t, "first", rapid.IntRange(1, size).Draw(t, "how many"))
}

func anyAct(t *rapid.T, s *Scenario) Act {
	a := Act{
		At: anyDuration(t, 11, 500), // after every creation
		Do: rapid.SampledFrom(Acts()).Draw(t, "act"),
	}
	a.Group, a.First = anyTarget(t, s)
	if s.Duration == 0 && rapid.Bool().Draw(t, "repeated") {
		a.Times, a.Every = rapid.IntRange(2, 5).Draw(t, "times"), anyDuration(t, 1, 9)
	}
	switch a.Do { // these need something to undo, which is done first
	case "resume":
		s.Acts = append(s.Acts, Act{At: Duration(10 * time.Minute), Do: "pause"})
	case "wake":
		s.Acts = append(s.Acts, Act{At: Duration(10 * time.Minute), Do: "hibernate"})
	}
	return a
}

func anyFault(t *rapid.T, s *Scenario) Fault {
	kind := rapid.SampledFrom(faultKinds).Draw(t, "kind")
	f := Fault{Kind: kind.Name, From: maybe(t, "from", anyDuration(t, 1, 300))}
	takes := func(name string) bool { return slices.Contains(kind.takes(), name) }
	if kind.Lasts {
		f.Until = f.From + anyDuration(t, 1, 300)
	}
	if takes("group") {
		f.Group, f.First = anyTarget(t, s)
	}
	if takes("replica") {
		f.Replica = maybe(t, "replica", rapid.IntRange(1, s.Controllers).Draw(t, "which"))
	}
	if takes("delay") && (slices.Contains(kind.Needs, "delay") || rapid.Bool().Draw(t, "delay is given")) {
		f.Delay = anyDuration(t, 1, 9)
	}
	if takes("by") {
		f.By = anyDuration(t, 1, 60)
		if rapid.Bool().Draw(t, "behind") {
			f.By = -f.By
		}
	}
	if kind.Calls != "" {
		f.Calls = someOf(t, "calls", callDomainOf(kind.Calls).names())
	}
	if kind.Name == "crash" {
		if f.Calls != nil {
			f.Until = f.From + anyDuration(t, 1, 300)
			f.When = maybe(t, "when", rapid.SampledFrom([]string{"before", "after"}).Draw(t, "moment"))
			f.Nth = maybe(t, "nth", []int{rapid.IntRange(1, 9).Draw(t, "occurrence")})
		}
		return f
	}
	if takes("nth") && rapid.Bool().Draw(t, "nth is given") {
		f.Nth = rapid.SliceOfNDistinct(rapid.IntRange(1, 99), 1, 4, rapid.ID).Draw(t, "occurrences")
	} else if takes("percent") {
		f.Percent = maybe(t, "percent", rapid.IntRange(1, 100).Draw(t, "share"))
	}
	return f
}
