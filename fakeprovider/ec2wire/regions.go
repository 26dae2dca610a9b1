package ec2wire

import (
	"fmt"
	"slices"
	"strings"
)

// regions are the regions that DescribeRegions shows, beside the server's own.
var regions = []string{
	"ap-southeast-1", "eu-central-1", "eu-west-1", "us-east-1", "us-east-2", "us-west-1", "us-west-2",
}

func zonesOf(region string) []string { return []string{region + "a", region + "b", region + "c"} }

type regionXML struct {
	Name     string `xml:"regionName"`
	Endpoint string `xml:"regionEndpoint"`
	OptIn    string `xml:"optInStatus"`
}

var regionFields = fields[string]{
	byName: map[string]func(string) []string{
		"region-name":   one(func(r string) string { return r }),
		"endpoint":      one(endpointOf),
		"opt-in-status": one(func(string) string { return "opt-in-not-required" }),
	},
}

func endpointOf(region string) string { return "ec2." + region + ".amazonaws.com" }

func (r *request) describeRegions() (reply, *apiError) {
	keep, failure := regionFields.matcher(r.params)
	if failure != nil {
		return nil, failure
	}
	all := slices.Clone(regions)
	if !slices.Contains(all, r.opt.Region) {
		all = append(all, r.opt.Region)
		slices.Sort(all)
	}
	names := r.texts("RegionName")
	for _, n := range names {
		if !slices.Contains(all, n) {
			return nil, bad("InvalidParameterValue", "Invalid region(s): [%s]", shorten(n))
		}
	}
	out := &struct {
		meta
		Regions items[regionXML] `xml:"regionInfo"`
	}{}
	for _, name := range all {
		if keep(name) && (len(names) == 0 || slices.Contains(names, name)) {
			out.Regions.Item = append(out.Regions.Item, regionXML{name, endpointOf(name), "opt-in-not-required"})
		}
	}
	return out, nil
}

type zoneXML struct {
	Name   string `xml:"zoneName"`
	ID     string `xml:"zoneId"`
	State  string `xml:"zoneState"`
	Region string `xml:"regionName"`
	Type   string `xml:"zoneType"`
	OptIn  string `xml:"optInStatus"`
	Group  string `xml:"groupName"`
	Border string `xml:"networkBorderGroup"`
}

// zoneID is the id of a zone: of us-east-1a, use1-az1.
func zoneID(region, zone string) string {
	letter, _ := strings.CutPrefix(zone, region)
	if letter == "" {
		return ""
	}
	words := strings.Split(region, "-")
	short := words[0]
	for _, w := range words[1:] {
		switch w {
		case "northeast", "northwest", "southeast", "southwest":
			short += w[:1] + w[5:6]
		case "gov", "iso", "isob":
			short += "g"
		default:
			short += w[:1]
		}
	}
	return fmt.Sprintf("%s-az%d", short, letter[0]-'a'+1)
}

var zoneFields = fields[zoneXML]{
	byName: map[string]func(zoneXML) []string{
		"zone-name":            one(func(z zoneXML) string { return z.Name }),
		"zone-id":              one(func(z zoneXML) string { return z.ID }),
		"state":                one(func(z zoneXML) string { return z.State }),
		"region-name":          one(func(z zoneXML) string { return z.Region }),
		"zone-type":            one(func(z zoneXML) string { return z.Type }),
		"group-name":           one(func(z zoneXML) string { return z.Group }),
		"network-border-group": one(func(z zoneXML) string { return z.Border }),
		"opt-in-status":        one(func(z zoneXML) string { return z.OptIn }),
	},
}

func (r *request) describeAvailabilityZones() (reply, *apiError) {
	keep, failure := zoneFields.matcher(r.params)
	if failure != nil {
		return nil, failure
	}
	all := zonesOf(r.opt.Region)
	names, ids := r.texts("ZoneName"), r.texts("ZoneId")
	for _, id := range ids {
		if !slices.ContainsFunc(all, func(zone string) bool { return zoneID(r.opt.Region, zone) == id }) {
			return nil, bad("InvalidParameterValue", "Invalid availability zone-id: [%s]", shorten(id))
		}
	}
	for _, n := range names {
		if !slices.Contains(all, n) {
			return nil, bad("InvalidParameterValue", "Invalid availability zone: [%s]", shorten(n))
		}
	}
	out := &struct {
		meta
		Zones items[zoneXML] `xml:"availabilityZoneInfo"`
	}{}
	for _, name := range all {
		z := zoneXML{name, zoneID(r.opt.Region, name), "available", r.opt.Region, "availability-zone", "opt-in-not-required",
			r.opt.Region, r.opt.Region}
		asked := len(names)+len(ids) == 0 || slices.Contains(names, name) || slices.Contains(ids, z.ID)
		if keep(z) && asked {
			out.Zones.Item = append(out.Zones.Item, z)
		}
	}
	return out, nil
}
