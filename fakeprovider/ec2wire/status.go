package ec2wire

import "time"

// statusXML is an instance as DescribeInstanceStatus shows it.
type statusXML struct {
	InstanceID string     `xml:"instanceId"`
	Zone       string     `xml:"availabilityZone"`
	State      stateXML   `xml:"instanceState"`
	System     summaryXML `xml:"systemStatus"`
	Instance   summaryXML `xml:"instanceStatus"`
}

type summaryXML struct {
	Status  string           `xml:"status"`
	Details items[detailXML] `xml:"details"`
}

type detailXML struct {
	Name   string `xml:"name"`
	Status string `xml:"status"`
}

// describeInstanceStatus shows running machines, and others too where they are asked for.
func (r *request) describeInstanceStatus() (reply, *apiError) {
	all, failure := r.flag("IncludeAllInstances")
	if failure != nil {
		return nil, failure
	}
	var only []filterValues
	if !all {
		only = []filterValues{{"instance-state-name", []string{Running.String()}}}
	}
	rows, next, failure := r.selected(statusFields(r.now, r.opt.Times), only, func(m *machine) bool {
		return all || m.State == Running
	})
	if failure != nil {
		return nil, failure
	}
	out := &struct {
		meta
		Statuses  items[statusXML] `xml:"instanceStatusSet"`
		NextToken string           `xml:"nextToken,omitempty"`
	}{NextToken: next}
	for _, m := range rows {
		checks := checksOf(m, r.now, r.opt.Times)
		out.Statuses.Item = append(out.Statuses.Item, statusXML{m.ID, m.Zone, stateOf(m.State), checks, checks})
	}
	return out, nil
}

// reachability is what the one check says, nothing where there is none.
func (s summaryXML) reachability() []string {
	if len(s.Details.Item) == 0 {
		return nil
	}
	return []string{s.Details.Item[0].Status}
}

// checksOf is what the status checks say, those of the host and those of the machine alike.
func checksOf(m *machine, now time.Time, times Times) summaryXML {
	detail := func(status, reachability string) summaryXML {
		return summaryXML{status, items[detailXML]{[]detailXML{{"reachability", reachability}}}}
	}
	switch {
	case m.State != Running:
		return summaryXML{Status: "not-applicable"}
	case now.Before(m.ChangedAt.Add(times.Check)):
		return detail("initializing", "initializing")
	default:
		return detail("ok", "passed")
	}
}
