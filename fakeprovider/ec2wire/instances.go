package ec2wire

import (
	"regexp"
	"slices"
	"strconv"
	"time"
)

var instanceIDForm = regexp.MustCompile(`^i-([0-9a-f]{8}|[0-9a-f]{17})$`)

// instanceXML is an instance as DescribeInstances and RunInstances show it.
type instanceXML struct {
	InstanceID     string          `xml:"instanceId"`
	ImageID        string          `xml:"imageId"`
	State          stateXML        `xml:"instanceState"`
	PrivateDNSName string          `xml:"privateDnsName"`
	DNSName        string          `xml:"dnsName"`
	Reason         string          `xml:"reason"`
	KeyName        string          `xml:"keyName,omitempty"`
	LaunchIndex    int             `xml:"amiLaunchIndex"`
	ProductCodes   struct{}        `xml:"productCodes"`
	InstanceType   string          `xml:"instanceType"`
	LaunchTime     string          `xml:"launchTime"`
	Zone           string          `xml:"placement>availabilityZone"`
	PlacementGroup string          `xml:"placement>groupName"`
	Tenancy        string          `xml:"placement>tenancy"`
	Monitoring     string          `xml:"monitoring>state"`
	SubnetID       string          `xml:"subnetId"`
	VPCID          string          `xml:"vpcId"`
	PrivateIP      string          `xml:"privateIpAddress,omitempty"`
	SourceDest     bool            `xml:"sourceDestCheck"`
	Groups         items[groupXML] `xml:"groupSet"`
	StateReason    *reasonXML      `xml:"stateReason"`
	Architecture   string          `xml:"architecture"`
	RootType       string          `xml:"rootDeviceType"`
	RootName       string          `xml:"rootDeviceName"`
	Devices        struct{}        `xml:"blockDeviceMapping"`
	Virtualization string          `xml:"virtualizationType"`
	Lifecycle      string          `xml:"instanceLifecycle,omitempty"`
	ClientToken    string          `xml:"clientToken"`
	Tags           items[tagXML]   `xml:"tagSet"`
	Hypervisor     string          `xml:"hypervisor"`
	Interfaces     struct{}        `xml:"networkInterfaceSet"`
	EBSOptimized   bool            `xml:"ebsOptimized"`
}

type reasonXML struct {
	Code    string `xml:"code"`
	Message string `xml:"message"`
}

// reservationXML is the machines of one launch.
type reservationXML struct {
	ReservationID string             `xml:"reservationId"`
	OwnerID       string             `xml:"ownerId"`
	Groups        items[groupXML]    `xml:"groupSet"`
	Instances     items[instanceXML] `xml:"instancesSet"`
}

func (r *request) reservation(id string, machines []*machine) reservationXML {
	out := reservationXML{ReservationID: id, OwnerID: r.opt.AccountID}
	for _, m := range machines {
		out.Instances.Item = append(out.Instances.Item, r.instance(m))
	}
	return out
}

func (r *request) instance(m *machine) instanceXML {
	x := instanceXML{
		InstanceID: m.ID, ImageID: m.ImageID, State: stateOf(m.State), PrivateDNSName: m.privateDNS(), Reason: m.reason(),
		KeyName: m.KeyName, LaunchIndex: m.index, InstanceType: m.InstanceType, LaunchTime: stamp(m.LaunchedAt), Zone: m.Zone,
		Tenancy: "default", Monitoring: "disabled", SubnetID: m.subnet, VPCID: defaultVPC, PrivateIP: m.PrivateIP,
		SourceDest: true, Architecture: r.architecture(m.ImageID), RootType: "ebs", RootName: "/dev/sda1",
		Virtualization: "hvm", ClientToken: m.ClientToken, Tags: tagList(m.Tags), Hypervisor: "xen",
	}
	for _, id := range m.groups {
		x.Groups.Item = append(x.Groups.Item, groupXML{id, r.groupName(id)})
	}
	if m.Reason != (Reason{}) {
		x.StateReason = &reasonXML{m.Reason.Code, m.Reason.Message}
	}
	if m.Spot {
		x.Lifecycle = "spot"
	}
	if m.State == Terminated { // EC2 has taken back what it lent
		x.PrivateIP, x.PrivateDNSName, x.SubnetID, x.VPCID = "", "", "", ""
	}
	return x
}

// stamp writes a time as EC2 does.
func stamp(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000Z") }

// instanceFields are what instances can be filtered by.
var instanceFields = fields[*machine]{
	byName: map[string]func(*machine) []string{
		"instance-id":         one(func(m *machine) string { return m.ID }),
		"instance-state-name": one(func(m *machine) string { return m.State.String() }),
		"instance-state-code": one(func(m *machine) string { return strconv.Itoa(int(m.State)) }),
		"client-token":        one(func(m *machine) string { return m.ClientToken }),
		"image-id":            one(func(m *machine) string { return m.ImageID }),
		"instance-type":       one(func(m *machine) string { return m.InstanceType }),
		"availability-zone":   one(func(m *machine) string { return m.Zone }),
		"key-name":            one(func(m *machine) string { return m.KeyName }),
		"private-ip-address":  one(func(m *machine) string { return m.PrivateIP }),
		"reservation-id":      one(func(m *machine) string { return m.ReservationID }),
		"subnet-id":           one(func(m *machine) string { return m.subnet }),
		"vpc-id":              one(func(*machine) string { return defaultVPC }),
		"state-reason-code":   one(func(m *machine) string { return m.Reason.Code }),
		"launch-time":         one(func(m *machine) string { return stamp(m.LaunchedAt) }),
		"instance.group-id":   func(m *machine) []string { return m.groups },
		"instance-lifecycle": func(m *machine) []string {
			if m.Spot {
				return []string{"spot"}
			}
			return nil
		},
	},
	tags: func(m *machine) map[string]string { return m.Tags },
}

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
func (r *request) selected(also func(*machine) bool) ([]*machine, string, *apiError) {
	named, failure := r.named()
	if failure != nil {
		return nil, "", failure
	}
	for _, paging := range []struct{ name, said string }{{"MaxResults", "maxResults"}, {"NextToken", "nextToken"}} {
		if len(named) > 0 && r.at(paging.name).set {
			return nil, "", bad("InvalidParameterCombination",
				"The parameter instancesSet cannot be used with the parameter %s", paging.said)
		}
	}
	keep, failure := instanceFields.matcher(r.params)
	if failure != nil {
		return nil, "", failure
	}
	from := r.fleet.order
	if len(named) > 0 {
		from = slices.Clone(named)
		slices.SortFunc(from, func(a, b *machine) int { return int(a.seq) - int(b.seq) })
	}
	var rows []*machine
	for _, m := range from {
		if r.visible(m) && keep(m) && also(m) {
			rows = append(rows, m)
		}
	}
	seq := func(m *machine) uint64 { return m.seq }
	shown, next, failure := page(r.params, r.action, rows, seq)
	if most := r.opt.MostRows; failure == nil && most > 0 && len(shown) > most {
		shown, next = shown[:most], sealToken(r.action, shown[most-1].seq)
	}
	return shown, next, failure
}

func (r *request) describeInstances() (reply, *apiError) {
	rows, next, failure := r.selected(func(*machine) bool { return true })
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
