package scenarios

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
)

// takes returns the fields that a fault of the kind may have beside kind, in the order of [Fault].
func (k *FaultKind) takes() []string {
	var taken []string
	for _, name := range []string{"from", "until", "group", "first", "only", "replica", "calls", "nth", "percent", "delay", "by", "when"} {
		switch {
		case name == "from", name == "until" && k.Lasts, name == "calls" && k.Calls != "", name == "only" && slices.Contains(k.Takes, "first"),
			slices.Contains(k.Needs, name), slices.Contains(k.Takes, name):
			taken = append(taken, name)
		}
	}
	return taken
}

// needs returns the fields that a fault of the kind must have beside kind.
func (k *FaultKind) needs() []string {
	if k.Lasts {
		return append([]string{"until"}, k.Needs...)
	}
	return k.Needs
}

// faultKind finds a kind by its name.
func faultKind(name string) *FaultKind {
	for i := range faultKinds {
		if faultKinds[i].Name == name {
			return &faultKinds[i]
		}
	}
	return nil
}

func (c *checker) fault(path string, f *Fault) {
	c.window(path, f)
	g, groupPath := c.group(path+".group", f.Group)
	c.first(path+".first", f.First, f.Group, g, groupPath)
	c.only(path, f.Only, f.Group, g, groupPath)
	if p := path + ".replica"; c.judged(p) && c.sound("controllers") && f.Replica > c.s.Controllers {
		c.complain(p, fmt.Sprintf("replica is %d, but controllers is %d", f.Replica, c.s.Controllers), "controllers is how many replicas there are: 1 where it is left out")
	}
	kind := faultKind(f.Kind)
	if kind == nil { // reported already, or hidden behind a misspelt field
		return
	}
	takes := kind.takes()
	for _, field := range fieldsOf(reflect.TypeFor[Fault]()) {
		p := join(path, field.name)
		if field.name != "kind" && c.given(p) && !slices.Contains(takes, field.name) {
			key := c.keys[p]
			c.report(key.line, key.column, key.width, kind.Name+" takes no "+field.name, kind.Name+" takes "+and(takes))
			c.spoilt = append(c.spoilt, p)
		}
	}
	for _, name := range kind.needs() {
		if c.missing(join(path, name)) {
			c.spoilt = append(c.spoilt, join(path, name))
			c.complain(path+".kind", "a fault of kind "+kind.Name+" lacks the field "+name, needHint(kind, name))
		}
	}
	c.occurrences(path)
	if kind.Calls != "" {
		c.calls(path+".calls", f, kind)
	}
	if kind.Name == "crash" {
		c.crash(path)
	}
}

// needHint words what a needed field is for.
func needHint(kind *FaultKind, name string) string {
	switch name {
	case "until":
		return "until is when it ends, counted from the start of the run"
	case "delay":
		switch kind.Name {
		case "crash":
			return "delay is how long the replica stays down"
		case "postgres-crash", "postgres-restart":
			return "delay is how long the server stays down"
		}
		return "delay is how much later"
	case "by":
		return "by is how far the clock is off, such as -15m"
	default:
		return ""
	}
}

// window checks when the fault begins and ends.
func (c *checker) window(path string, f *Fault) {
	from, until := path+".from", path+".until"
	if c.judged(until) && c.sound(from) && f.Until <= f.From {
		c.complain(until, fmt.Sprintf("the fault ends at %s, but begins at %s", f.Until, f.From), "until is counted from the start of the run, not from the fault's beginning")
		return
	}
	if !c.judged("duration") {
		return
	}
	if c.judged(from) && f.From >= c.s.Duration {
		c.complain(from, fmt.Sprintf("the fault begins at %s, but the run ends at %s", f.From, c.s.Duration),
			"let it begin earlier, or leave the duration out")
		return
	}
	if c.judged(until) && f.Until >= c.s.Duration {
		c.complain(until, fmt.Sprintf("the fault lasts until %s, but the run ends at %s", f.Until, c.s.Duration),
			"whether a fleet recovers can be judged only after the fault: let it end earlier, or leave the duration out")
	}
}

// occurrences checks that only one of nth and percent is given.
func (c *checker) occurrences(path string) {
	nth, percent := path+".nth", path+".percent"
	if !c.judged(nth) || !c.judged(percent) {
		return
	}
	later := percent
	if a, b := c.keys[nth], c.keys[percent]; a.line > b.line || a.line == b.line && a.column > b.column {
		later = nth
	}
	key := c.keys[later]
	c.report(key.line, key.column, key.width, "both nth and percent are given", "nth strikes these occurrences, percent any with a probability: leave one of them out")
}

// calls checks that the calls are of the world that the kind of fault strikes.
func (c *checker) calls(path string, f *Fault, kind *FaultKind) {
	domain := callDomainOf(kind.Calls)
	known := domain.names()
	for i, name := range f.Calls {
		p := element(path, i)
		if !c.sound(p) || slices.Contains(known, name) {
			continue
		}
		hint := suggest(name, known, listed(domain.many, known))
		for _, other := range callDomains {
			if other.key != domain.key && slices.Contains(other.names(), name) {
				hint = fmt.Sprintf("%s is %s, but %s strikes %s: %s", name, other.a, kind.Name, domain.many, strings.Join(known, ", "))
			}
		}
		c.spoil(p, fmt.Sprintf("unknown %s %s", domain.noun, quoted(name)), hint)
	}
}

// crash checks what its two forms take: at a moment, or at a store operation within a window.
func (c *checker) crash(path string) {
	if c.given(path + ".calls") {
		if c.missing(path + ".until") {
			c.complain(path+".calls", "a crash at a store operation needs until", "it strikes at the first of the calls between from and until")
		}
		return
	}
	if !c.missing(path + ".calls") {
		return
	}
	for _, name := range []string{"until", "nth", "when"} {
		if p := join(path, name); c.given(p) {
			key := c.keys[p]
			c.report(key.line, key.column, key.width, "a crash without calls takes no "+name,
				"it strikes at from; name the store operations that it shall strike at, such as calls: [expire_boots]")
		}
	}
}
