package scenarios

import (
	"reflect"
	"slices"
	"strings"
	"unicode"

	"github.com/bootrace/bootrace/controller"
	"github.com/bootrace/bootrace/controller/cloud"
	"github.com/bootrace/bootrace/controller/lifecycle"
	"github.com/bootrace/bootrace/controller/store"
	"github.com/bootrace/bootrace/fakeprovider"
)

// HTTPCalls returns the names by which faults refer to the calls of the wire's contract.
func HTTPCalls() []string {
	return []string{
		"create", "get", "list", "state", "delete", "restart", "pause", "resume", "hibernate", "register", "heartbeat",
		"update-card", "bootstrap-failed", "events",
	}
}

// StoreCalls returns the names by which faults refer to store operations: the methods of [store.Store], and former names
// of them.
func StoreCalls() []string {
	names := methods(reflect.TypeFor[store.Store]())
	for former := range formerCalls {
		names = append(names, former)
	}
	slices.Sort(names)
	return names
}

// formerCalls are names of steps that are part of others by now: scenarios and plans that were written before still mean
// something.
var formerCalls = map[string]string{"unwanted_machines": "claim_launches"}

// CurrentCall returns the name that a step goes by now, which is nearly always the same.
func CurrentCall(name string) string {
	if now, ok := formerCalls[name]; ok {
		return now
	}
	return name
}

// CloudCalls returns the names by which faults refer to cloud calls: the methods of [cloud.Cloud].
func CloudCalls() []string { return methods(reflect.TypeFor[cloud.Cloud]()) }

// TaskNames returns the names by which faults refer to what a controller is at: an HTTP call, or a tick.
func TaskNames() []string {
	return append(HTTPCalls(), controller.TickLauncher, controller.TickProvisionSweep, controller.TickLivenessSweep, controller.TickOrphanSweep)
}

// When the ticks of a controller that starts take their first turns: real controllers do either.
const (
	AtOnce        = "at-once"
	AfterInterval = "after-interval"
)

// Acts returns what an operator can do. To wake is to resume a hibernated workspace; hibernate-idle is without force, so that it is
// refused where tasks are active.
func Acts() []string {
	return []string{"delete", "restart", "pause", "resume", "hibernate", "hibernate-idle", "wake", "bootstrap-failed"}
}

// CallOf returns the HTTP call that an act is.
func CallOf(act string) string {
	switch act {
	case "wake":
		return "resume"
	case "hibernate-idle":
		return "hibernate"
	}
	return act
}

// Undone returns the acts one of which an act undoes.
func Undone(act string) []string {
	switch act {
	case "resume":
		return []string{"pause"}
	case "wake":
		return []string{"hibernate", "hibernate-idle"}
	}
	return nil
}

// NeedOf returns the capability of a controller that an act needs.
func NeedOf(act string) string {
	switch act {
	case "resume":
		return "pause"
	case "wake", "hibernate-idle":
		return "hibernate"
	}
	return act
}

// Capabilities returns what a scenario may need of a controller.
func Capabilities() []string {
	return []string{"provisioning", "restart", "pause", "hibernate", "delete", "parents", "replicas"}
}

// methods returns the names of an interface's methods in snake case, in alphabetical order.
func methods(t reflect.Type) []string {
	names := make([]string, t.NumMethod())
	for i := range names {
		names[i] = snake(t.Method(i).Name)
	}
	return names
}

func snake(camel string) string {
	var b strings.Builder
	for i, r := range camel {
		if unicode.IsUpper(r) && i > 0 {
			b.WriteByte('_')
		}
		b.WriteRune(unicode.ToLower(r))
	}
	return b.String()
}

// vocabulary is a set of names that a field may hold.
type vocabulary struct {
	noun  string // of one
	many  string
	names []string
}

// vocabularyOf returns the vocabulary that the struct tag names:"…" refers to. That of calls is every call there is; which
// of them a fault takes is its kind's to say.
func vocabularyOf(tag string) vocabulary {
	switch tag {
	case "provider":
		v := vocabulary{noun: "provider", many: "providers"}
		for _, p := range fakeprovider.Providers() {
			v.names = append(v.names, p.Name)
		}
		return v
	case "runtime":
		v := vocabulary{noun: "runtime", many: "runtimes"}
		for _, r := range fakeprovider.Runtimes() {
			v.names = append(v.names, r.Name)
		}
		return v
	case "phase":
		v := vocabulary{noun: "phase of a boot", many: "phases"}
		for _, p := range fakeprovider.Phases() {
			v.names = append(v.names, p.String())
		}
		return v
	case "fault":
		v := vocabulary{noun: "kind of fault", many: "kinds"}
		for _, k := range faultKinds {
			v.names = append(v.names, k.Name)
		}
		return v
	case "event":
		v := vocabulary{noun: "lifecycle event", many: "events"}
		for _, e := range lifecycle.Events() {
			v.names = append(v.names, e.String())
		}
		return v
	case "status":
		v := vocabulary{noun: "status", many: "statuses"}
		for _, s := range lifecycle.Statuses() {
			v.names = append(v.names, s.String())
		}
		return v
	case "act":
		return vocabulary{"act", "acts", Acts()}
	case "capability":
		return vocabulary{"need", "needs", Capabilities()}
	case "schedule":
		return vocabulary{"schedule", "schedules", []string{"random", "pct"}}
	case "first_turns":
		return vocabulary{"time of first turns", "times", []string{AtOnce, AfterInterval}}
	case "moment":
		return vocabulary{"moment", "moments", []string{"before", "after"}}
	case "call":
		v := vocabulary{noun: "call", many: "calls"}
		for _, domain := range callDomains {
			v.names = append(v.names, domain.names()...)
		}
		return v
	default:
		panic("scenarios: no vocabulary is called " + tag)
	}
}

// callDomain is a world of calls that faults strike.
type callDomain struct {
	key   string // as in FaultKind.Calls
	noun  string
	a     string // the noun with its article
	many  string
	names func() []string
}

var callDomains = []callDomain{
	{"http", "HTTP call", "an HTTP call", "HTTP calls", HTTPCalls},
	{"store", "store operation", "a store operation", "store operations", StoreCalls},
	{"cloud", "cloud call", "a cloud call", "cloud calls", CloudCalls},
	{"task", "call or tick", "a call or tick", "calls and ticks", TaskNames},
}

func callDomainOf(key string) callDomain {
	for _, d := range callDomains {
		if d.key == key {
			return d
		}
	}
	panic("scenarios: no calls are called " + key)
}
