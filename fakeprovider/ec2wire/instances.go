package ec2wire

import (
	"regexp"
	"slices"
	"time"
)

var instanceIDForm = regexp.MustCompile(`^i-([0-9a-f]{8}|[0-9a-f]{17})$`)

// visible reports whether the machine has come through to those who ask for it.
func (r *request) visible(m *machine) bool {
	return m != nil && !r.now.Before(m.created.Add(time.Duration(r.faults.Invisible))) &&
		(r.opt.Hidden == nil || !r.opt.Hidden(m.Machine))
}

// named returns the machines that the request names as InstanceId.n, in that order. None need be named.
func (r *request) named() ([]*machine, *apiError) {
	var machines []*machine
	var unknown []string
	for _, id := range r.texts("InstanceId") {
		if !instanceIDForm.MatchString(id) {
			return nil, errMalformedID(id)
		}
		m := r.fleet.byID[id]
		if !r.visible(m) {
			unknown = append(unknown, id)
			continue
		}
		if !slices.Contains(machines, m) {
			machines = append(machines, m)
		}
	}
	if len(unknown) > 0 {
		return nil, errUnknownIDs(unknown[:min(len(unknown), 100)])
	}
	return machines, nil
}

// selected returns the machines that the request asks for by id, filter and page, in the order of launches.
func (r *request) selected(by fields[*machine], only []filterValues, also func(*machine) bool) ([]*machine, string, *apiError) {
	if len(r.texts("InstanceId")) > 0 {
		for _, paging := range []struct{ name, said string }{{"MaxResults", "maxResults"}, {"NextToken", "nextToken"}} {
			if r.at(paging.name).set {
				return nil, "", bad("InvalidParameterCombination",
					"The parameter instancesSet cannot be used with the parameter %s", paging.said)
			}
		}
	}
	named, failure := r.named()
	if failure != nil {
		return nil, "", failure
	}
	keep, filters, failure := by.filtering(r.params)
	if failure != nil {
		return nil, "", failure
	}
	after, size, failure := r.paging(minPage, maxPage)
	if failure != nil {
		return nil, "", failure
	}
	if most := r.opt.MostRows; most > 0 && (size == 0 || size > most) {
		size = most
	}
	from := r.fleet.candidates(append(filters, only...))
	if len(named) > 0 {
		from = slices.Clone(named)
		slices.SortFunc(from, func(a, b *machine) int { return bySeq(a, b.seq) })
	}
	at, _ := slices.BinarySearchFunc(from, after+1, bySeq)
	var rows []*machine
	for _, m := range from[at:] {
		if !r.visible(m) || !keep(m) || !also(m) {
			continue
		}
		if size > 0 && len(rows) == size {
			return rows, sealToken(r.action, rows[size-1].seq), nil
		}
		rows = append(rows, m)
	}
	return rows, "", nil
}

func (r *request) describeInstances() (reply, *apiError) {
	rows, next, failure := r.selected(instanceFields, nil, func(*machine) bool { return true })
	if failure != nil {
		return nil, failure
	}
	out := &struct {
		meta
		Reservations items[reservationXML] `xml:"reservationSet"`
		NextToken    string                `xml:"nextToken,omitempty"`
	}{NextToken: next}
	for len(rows) > 0 {
		n := 1
		for n < len(rows) && rows[n].ReservationID == rows[0].ReservationID {
			n++
		}
		out.Reservations.Item = append(out.Reservations.Item, r.reservation(rows[0].ReservationID, rows[:n]))
		rows = rows[n:]
	}
	return out, nil
}
