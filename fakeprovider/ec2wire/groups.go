package ec2wire

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

var groupIDForm = regexp.MustCompile(`^sg-([0-9a-f]{8}|[0-9a-f]{17})$`)

// The network that every machine is in.
const (
	defaultVPC = "vpc-0b007ace000000001"
	maxGroups  = 500
)

// group is a security group. Its permissions are kept and shown; there is no network that they could be for.
type group struct {
	id, name, description, vpc string
	ingress, egress            []permission      // never altered in place
	tags                       map[string]string // likewise
}

func defaultGroup() group {
	return group{
		id: groupID(1), name: "default", description: "default VPC security group", vpc: defaultVPC,
		ingress: []permission{{protocol: "-1", from: -1, to: -1, kind: peerGroup, peer: groupID(1)}},
		egress:  []permission{everywhere()},
	}
}

func groupID(n int) string { return fmt.Sprintf("sg-0b007ace%09x", n) }

// groupByID returns the group with the id.
func (r *request) groupByID(id string) (group, *apiError) {
	if !groupIDForm.MatchString(id) {
		return group{}, bad("InvalidGroupId.Malformed", `Invalid id: "%s" (expecting "sg-...")`, shorten(id))
	}
	i := slices.IndexFunc(r.groups, func(g group) bool { return g.id == id })
	if i < 0 {
		return group{}, bad("InvalidGroup.NotFound", "The security group '%s' does not exist", id)
	}
	return r.groups[i], nil
}

// launchGroups returns the groups that a launch names by id and by name; the default group where it names none.
func (r *request) launchGroups() ([]group, *apiError) {
	var groups []group
	names := r.texts("SecurityGroup")
	if len(names) > 0 && r.text("SubnetId") != "" {
		return nil, bad("InvalidParameterCombination", "The parameter groupName cannot be used with the parameter subnet")
	}
	for _, id := range r.texts("SecurityGroupId") {
		g, failure := r.groupByID(id)
		if failure != nil {
			return nil, failure
		}
		groups = append(groups, g)
	}
	for _, name := range names {
		i := slices.IndexFunc(r.groups, func(g group) bool { return g.name == name })
		if i < 0 {
			return nil, bad("InvalidGroup.NotFound", "The security group '%s' does not exist in default VPC '%s'", shorten(name),
				defaultVPC)
		}
		groups = append(groups, r.groups[i])
	}
	if len(groups) == 0 {
		groups = []group{r.groups[0]}
	}
	return groups, nil
}

func (r *request) createSecurityGroup() (reply, *apiError) {
	g := group{
		egress: []permission{everywhere()},
		id:     groupID(r.lastGroup + 1), name: r.text("GroupName"), description: r.text("GroupDescription"), vpc: r.text("VpcId"),
	}
	var failure *apiError
	if g.tags, failure = r.tagsFor("security-group"); failure != nil {
		return nil, failure
	}
	switch {
	case strings.HasPrefix(g.name, "sg-"):
		return nil, bad("InvalidParameterValue", "Value (%s) for parameter GroupName is invalid. Group names may not be in the "+
			"format sg-*", shorten(g.name))
	case g.name == "":
		return nil, errMissing("GroupName")
	case g.description == "":
		return nil, errMissing("GroupDescription")
	case len(g.name) > 255:
		return nil, errValue("GroupName", g.name, "It is longer than 255 characters.")
	case len(g.description) > 255:
		return nil, errValue("GroupDescription", g.description, "It is longer than 255 characters.")
	case g.vpc == "":
		g.vpc = defaultVPC
	case g.vpc != defaultVPC:
		return nil, bad("InvalidVpcID.NotFound", "The vpc ID '%s' does not exist", shorten(g.vpc))
	}
	if slices.ContainsFunc(r.groups, func(o group) bool { return o.name == g.name }) {
		return nil, bad("InvalidGroup.Duplicate", "The security group '%s' already exists for VPC '%s'", g.name, g.vpc)
	}
	if len(r.groups) >= maxGroups {
		return nil, bad("SecurityGroupLimitExceeded", "The maximum number of security groups has been reached.")
	}
	if r.dryRun {
		return nil, errDryRun()
	}
	r.lastGroup++
	r.groups = append(r.groups, g)
	return &struct {
		meta
		Return bool           `xml:"return"`
		ID     string         `xml:"groupId"`
		ARN    string         `xml:"securityGroupArn"`
		Tags   *items[tagXML] `xml:"tagSet"`
	}{Return: true, ID: g.id, ARN: r.groupARN(g), Tags: tagList(g.tags)}, nil
}

type securityGroupXML struct {
	OwnerID     string               `xml:"ownerId"`
	ID          string               `xml:"groupId"`
	Name        string               `xml:"groupName"`
	Description string               `xml:"groupDescription"`
	VPC         string               `xml:"vpcId"`
	Ingress     items[permissionXML] `xml:"ipPermissions"`
	Egress      items[permissionXML] `xml:"ipPermissionsEgress"`
	ARN         string               `xml:"securityGroupArn"`
	Tags        *items[tagXML]       `xml:"tagSet"`
}

func (r *request) groupARN(g group) string {
	return "arn:aws:ec2:" + r.opt.Region + ":" + r.opt.AccountID + ":security-group/" + g.id
}

var groupFields = fields[numbered[group]]{
	byName: map[string]func(numbered[group]) []string{
		"group-id":    one(func(g numbered[group]) string { return g.row.id }),
		"group-name":  one(func(g numbered[group]) string { return g.row.name }),
		"description": one(func(g numbered[group]) string { return g.row.description }),
		"vpc-id":      one(func(g numbered[group]) string { return g.row.vpc }),

		"ip-permission.cidr":             peersOf(false, peerV4),
		"ip-permission.ipv6-cidr":        peersOf(false, peerV6),
		"ip-permission.group-id":         peersOf(false, peerGroup),
		"ip-permission.prefix-list-id":   peersOf(false, peerPrefix),
		"egress.ip-permission.cidr":      peersOf(true, peerV4),
		"egress.ip-permission.ipv6-cidr": peersOf(true, peerV6),
		"egress.ip-permission.group-id":  peersOf(true, peerGroup),
		"ip-permission.protocol":         portsOf(false, func(p permission) string { return p.protocol }),
		"ip-permission.from-port":        portsOf(false, func(p permission) string { return strconv.Itoa(p.from) }),
		"ip-permission.to-port":          portsOf(false, func(p permission) string { return strconv.Itoa(p.to) }),
		"egress.ip-permission.protocol":  portsOf(true, func(p permission) string { return p.protocol }),
	},
	tags: func(g numbered[group]) map[string]string { return g.row.tags },
}

// portsOf is a field of a group's permissions.
func portsOf(egress bool, value func(permission) string) func(numbered[group]) []string {
	return func(g numbered[group]) (values []string) {
		for _, p := range *g.row.direction(egress) {
			values = append(values, value(p))
		}
		return values
	}
}

// peersOf are whom a group's permissions let in or out.
func peersOf(egress bool, kind string) func(numbered[group]) []string {
	return func(g numbered[group]) (values []string) {
		for _, p := range *g.row.direction(egress) {
			if p.kind == kind {
				values = append(values, p.peer)
			}
		}
		return values
	}
}

func (r *request) describeSecurityGroups() (reply, *apiError) {
	keep, failure := groupFields.matcher(r.params)
	if failure != nil {
		return nil, failure
	}
	ids, names := r.texts("GroupId"), r.texts("GroupName")
	for _, id := range ids {
		if _, failure := r.groupByID(id); failure != nil {
			return nil, failure
		}
	}
	for _, name := range names {
		if !slices.ContainsFunc(r.groups, func(g group) bool { return g.name == name }) {
			return nil, bad("InvalidGroup.NotFound", "The security group '%s' does not exist in default VPC '%s'",
				shorten(name), defaultVPC)
		}
	}
	var rows []numbered[group]
	for _, g := range number(r.groups) {
		asked := len(ids)+len(names) == 0 || slices.Contains(ids, g.row.id) || slices.Contains(names, g.row.name)
		if asked && keep(g) {
			rows = append(rows, g)
		}
	}
	rows, next, failure := page(r.params, r.action, rows, func(g numbered[group]) uint64 { return g.seq })
	if failure != nil {
		return nil, failure
	}
	out := &struct {
		meta
		Groups    items[securityGroupXML] `xml:"securityGroupInfo"`
		NextToken string                  `xml:"nextToken,omitempty"`
	}{NextToken: next}
	for _, g := range rows {
		out.Groups.Item = append(out.Groups.Item, securityGroupXML{
			OwnerID: r.opt.AccountID, ID: g.row.id, Name: g.row.name, Description: g.row.description, VPC: g.row.vpc,
			Ingress: r.permissionsXML(g.row.ingress), Egress: r.permissionsXML(g.row.egress), ARN: r.groupARN(g.row), Tags: tagList(g.row.tags),
		})
	}
	return out, nil
}
