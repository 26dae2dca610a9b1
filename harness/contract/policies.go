package contract

import (
	"errors"
	"fmt"
	"strings"
	"time"
)

// Policies are the ways in which healthy controllers differ. Each zero value is the contract's own choice; a controller that
// does otherwise says so, and is judged by what it says, in both directions: what it declares it may do, and it has to do.
type Policies struct {
	// NoticesDeath says that the end of a machine is noticed at once: its workspace is offline, or its boot failed, before the TTL
	// or the budget is over. The contract waits.
	NoticesDeath bool `json:"notices_death,omitempty"`
	// ReapsFailed says that the machine of a failed workspace is stopped. The contract keeps it, since the boot may only be late.
	ReapsFailed bool `json:"reaps_failed,omitempty"`
	// LaunchQuota says that a boot is failed after that many launches of it which failed for now; 0 is the contract's choice:
	// only the budget ends it.
	LaunchQuota int `json:"launch_quota,omitempty"`
	// OnlineAfter is how many proofs of life in a row it takes to be online. The contract's is 1, which 0 means, too. A row ends with
	// a silence of the TTL, with another incarnation, and with every move that is no proof's.
	OnlineAfter int `json:"online_after,omitempty"`
	// Relaunches says that a boot whose machine has ended is given another one, within the same incarnation and budget. The
	// contract waits for the operator.
	Relaunches bool `json:"relaunches,omitempty"`
	// RestartsOffline says after how long a workspace that is offline is restarted by its controller; 0 is the contract's choice:
	// only the operator restarts one.
	RestartsOffline time.Duration `json:"restarts_offline,omitempty"`
}

// mostOnlineAfter is how many proofs of life may be asked for: with more, no run is long enough to judge one.
const mostOnlineAfter = 10

// Policy is one policy that differs from the contract's choice.
type Policy struct{ Name, Value string }

// Declared returns the policies that differ from the contract's choices, in the order of their declaration.
func (p Policies) Declared() []Policy {
	var all []Policy
	add := func(differs bool, name string, value any) {
		if differs {
			all = append(all, Policy{name, fmt.Sprint(value)})
		}
	}
	add(p.NoticesDeath, "notices_death", p.NoticesDeath)
	add(p.ReapsFailed, "reaps_failed", p.ReapsFailed)
	add(p.LaunchQuota != 0, "launch_quota", p.LaunchQuota)
	add(p.OnlineAfter > 1 || p.OnlineAfter < 0, "online_after", p.OnlineAfter)
	add(p.Relaunches, "relaunches", p.Relaunches)
	add(p.RestartsOffline != 0, "restarts_offline", p.RestartsOffline)
	return all
}

// String names the policies that differ from the contract's choices, for a person.
func (p Policies) String() string {
	var words []string
	for _, d := range p.Declared() {
		if d.Value == "true" {
			words = append(words, d.Name)
		} else {
			words = append(words, d.Name+" "+d.Value)
		}
	}
	return strings.Join(words, ", ")
}

// PolicyError says what is wrong with the policy of a name.
type PolicyError struct{ Policy, Problem string }

// Error implements error.
func (e *PolicyError) Error() string { return e.Policy + " " + e.Problem }

// Validate reports what is wrong with the policies: it joins a [PolicyError] for each that is.
func (p Policies) Validate() error {
	var problems []error
	add := func(name, format string, args ...any) {
		problems = append(problems, &PolicyError{name, fmt.Sprintf(format, args...)})
	}
	if p.LaunchQuota < 0 {
		add("launch_quota", "is %d: it is a number of launches, or 0 where only the budget ends a boot", p.LaunchQuota)
	}
	if p.OnlineAfter < 0 || p.OnlineAfter > mostOnlineAfter {
		add("online_after", "is %d: it is a number of proofs of life from 1 to %d", p.OnlineAfter, mostOnlineAfter)
	}
	if p.RestartsOffline < 0 {
		add("restarts_offline", "is %s: it is how long a workspace is offline before it is restarted, or 0 where it is not", p.RestartsOffline)
	}
	return errors.Join(problems...)
}

// Judging returns the contract with the policies, or the contract itself where there are none. The standard one is meant by nil.
func (p Policies) Judging(c *Contract) *Contract {
	if len(p.Declared()) == 0 {
		return c
	}
	with := Standard()
	if c != nil {
		copied := *c
		with = &copied
	}
	with.Policies = p
	return with
}
