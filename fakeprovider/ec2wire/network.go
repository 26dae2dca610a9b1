package ec2wire

import (
	"fmt"
	"regexp"
	"slices"
)

var (
	subnetIDForm = regexp.MustCompile(`^subnet-([0-9a-f]{8}|[0-9a-f]{17})$`)
	vpcIDForm    = regexp.MustCompile(`^vpc-([0-9a-f]{8}|[0-9a-f]{17})$`)
)

// subnet is a part of a VPC, in one zone.
type subnet struct {
	id, vpc, zone, cidr string
}

// defaultSubnets are those of the default VPC, one for each zone.
func defaultSubnets(region string) (all []subnet) {
	for i, zone := range zonesOf(region) {
		all = append(all, subnet{fmt.Sprintf("subnet-0b007ace%09x", i+1), defaultVPC, zone, fmt.Sprintf("172.31.%d.0/20", 16*i)})
	}
	return all
}

type subnetXML struct {
	ID       string `xml:"subnetId"`
	ARN      string `xml:"subnetArn"`
	State    string `xml:"state"`
	VPC      string `xml:"vpcId"`
	CIDR     string `xml:"cidrBlock"`
	Free     int    `xml:"availableIpAddressCount"`
	Zone     string `xml:"availabilityZone"`
	ZoneID   string `xml:"availabilityZoneId"`
	Default  bool   `xml:"defaultForAz"`
	PublicIP bool   `xml:"mapPublicIpOnLaunch"`
	OwnerID  string `xml:"ownerId"`
}

var subnetFields = fields[numbered[subnetXML]]{
	byName: map[string]func(numbered[subnetXML]) []string{
		"subnet-id":                  one(func(s numbered[subnetXML]) string { return s.row.ID }),
		"subnet-arn":                 one(func(s numbered[subnetXML]) string { return s.row.ARN }),
		"state":                      one(func(s numbered[subnetXML]) string { return s.row.State }),
		"vpc-id":                     one(func(s numbered[subnetXML]) string { return s.row.VPC }),
		"cidr-block":                 one(func(s numbered[subnetXML]) string { return s.row.CIDR }),
		"availability-zone":          one(func(s numbered[subnetXML]) string { return s.row.Zone }),
		"availability-zone-id":       one(func(s numbered[subnetXML]) string { return s.row.ZoneID }),
		"default-for-az":             one(func(s numbered[subnetXML]) string { return fmt.Sprint(s.row.Default) }),
		"map-public-ip-on-launch":    one(func(s numbered[subnetXML]) string { return fmt.Sprint(s.row.PublicIP) }),
		"available-ip-address-count": one(func(s numbered[subnetXML]) string { return fmt.Sprint(s.row.Free) }),
		"owner-id":                   one(func(s numbered[subnetXML]) string { return s.row.OwnerID }),
	},
}

func (r *request) describeSubnets() (reply, *apiError) {
	keep, failure := subnetFields.matcher(r.params)
	if failure != nil {
		return nil, failure
	}
	ids := r.texts("SubnetId")
	for _, id := range ids {
		if !subnetIDForm.MatchString(id) || !slices.ContainsFunc(r.subnets, func(s subnet) bool { return s.id == id }) {
			return nil, bad("InvalidSubnetID.NotFound", "The subnet ID '%s' does not exist", shorten(id))
		}
	}
	var all []subnetXML
	for _, s := range r.subnets {
		all = append(all, subnetXML{
			ID: s.id, ARN: "arn:aws:ec2:" + r.opt.Region + ":" + r.opt.AccountID + ":subnet/" + s.id, State: "available", VPC: s.vpc,
			CIDR: s.cidr, Free: 4091, Zone: s.zone, ZoneID: zoneID(r.opt.Region, s.zone), Default: true, PublicIP: true,
			OwnerID: r.opt.AccountID,
		})
	}
	var rows []numbered[subnetXML]
	for _, s := range number(all) {
		if keep(s) && (len(ids) == 0 || slices.Contains(ids, s.row.ID)) {
			rows = append(rows, s)
		}
	}
	rows, next, failure := page(r.params, r.action, rows, func(s numbered[subnetXML]) uint64 { return s.seq })
	if failure != nil {
		return nil, failure
	}
	out := &struct {
		meta
		Subnets   items[subnetXML] `xml:"subnetSet"`
		NextToken string           `xml:"nextToken,omitempty"`
	}{NextToken: next}
	for _, s := range rows {
		out.Subnets.Item = append(out.Subnets.Item, s.row)
	}
	return out, nil
}

type vpcXML struct {
	ID      string `xml:"vpcId"`
	OwnerID string `xml:"ownerId"`
	State   string `xml:"state"`
	CIDR    string `xml:"cidrBlock"`
	DHCP    string `xml:"dhcpOptionsId"`
	Tenancy string `xml:"instanceTenancy"`
	Default bool   `xml:"isDefault"`
}

var vpcFields = fields[vpcXML]{
	byName: map[string]func(vpcXML) []string{
		"vpc-id":          one(func(v vpcXML) string { return v.ID }),
		"owner-id":        one(func(v vpcXML) string { return v.OwnerID }),
		"state":           one(func(v vpcXML) string { return v.State }),
		"cidr":            one(func(v vpcXML) string { return v.CIDR }),
		"dhcp-options-id": one(func(v vpcXML) string { return v.DHCP }),
		"is-default":      one(func(v vpcXML) string { return fmt.Sprint(v.Default) }),
	},
}

func (r *request) describeVpcs() (reply, *apiError) {
	keep, failure := vpcFields.matcher(r.params)
	if failure != nil {
		return nil, failure
	}
	for _, id := range r.texts("VpcId") {
		if !vpcIDForm.MatchString(id) || id != defaultVPC {
			return nil, bad("InvalidVpcID.NotFound", "The vpc ID '%s' does not exist", shorten(id))
		}
	}
	out := &struct {
		meta
		VPCs items[vpcXML] `xml:"vpcSet"`
	}{}
	v := vpcXML{defaultVPC, r.opt.AccountID, "available", "172.31.0.0/16", "dopt-0b007ace000000001", "default", true}
	if keep(v) {
		out.VPCs.Item = []vpcXML{v}
	}
	return out, nil
}
