package ec2wire

import (
	"fmt"
	"slices"
)

// The network that every machine is in.
const (
	defaultVPC    = "vpc-0b007ace000000001"
	defaultSubnet = "subnet-0b007ace000000001"
	maxGroups     = 500
)

// group is a security group. It has no rules: there is no network that they could be for.
type group struct {
	id, name, description, vpc string
}

func defaultGroup() group {
	return group{groupID(1), "default", "default VPC security group", defaultVPC}
}

func groupID(n int) string { return fmt.Sprintf("sg-0b007ace%09x", n) }

func (r *request) groupName(id string) string {
	for _, g := range r.groups {
		if g.id == id {
			return g.name
		}
	}
	return ""
}

// groupIDs returns the ids of the groups that a launch names by id and by name; the default group where it names none.
func (r *request) groupIDs() ([]string, *apiError) {
	var ids []string
	for _, id := range r.texts("SecurityGroupId") {
		if r.groupName(id) == "" {
			return nil, bad("InvalidGroup.NotFound", "The security group '%s' does not exist", shorten(id))
		}
		ids = append(ids, id)
	}
	for _, name := range r.texts("SecurityGroup") {
		i := slices.IndexFunc(r.groups, func(g group) bool { return g.name == name })
		if i < 0 {
			return nil, bad("InvalidGroup.NotFound", "The security group '%s' does not exist", shorten(name))
		}
		ids = append(ids, r.groups[i].id)
	}
	if len(ids) == 0 {
		ids = []string{groupID(1)}
	}
	return ids, nil
}

func (r *request) createSecurityGroup() (reply, *apiError) {
	g := group{groupID(len(r.groups) + 1), r.text("GroupName"), r.text("GroupDescription"), r.text("VpcId")}
	switch {
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
	r.groups = append(r.groups, g)
	return &struct {
		meta
		Return bool   `xml:"return"`
		ID     string `xml:"groupId"`
	}{Return: true, ID: g.id}, nil
}

type securityGroupXML struct {
	OwnerID     string   `xml:"ownerId"`
	ID          string   `xml:"groupId"`
	Name        string   `xml:"groupName"`
	Description string   `xml:"groupDescription"`
	VPC         string   `xml:"vpcId"`
	Ingress     struct{} `xml:"ipPermissions"`
	Egress      struct{} `xml:"ipPermissionsEgress"`
	Tags        struct{} `xml:"tagSet"`
}

var groupFields = fields[numbered[group]]{
	byName: map[string]func(numbered[group]) []string{
		"group-id":    one(func(g numbered[group]) string { return g.row.id }),
		"group-name":  one(func(g numbered[group]) string { return g.row.name }),
		"description": one(func(g numbered[group]) string { return g.row.description }),
		"vpc-id":      one(func(g numbered[group]) string { return g.row.vpc }),
	},
}

func (r *request) describeSecurityGroups() (reply, *apiError) {
	keep, failure := groupFields.matcher(r.params)
	if failure != nil {
		return nil, failure
	}
	ids, names := r.texts("GroupId"), r.texts("GroupName")
	for _, id := range ids {
		if r.groupName(id) == "" {
			return nil, bad("InvalidGroup.NotFound", "The security group '%s' does not exist", shorten(id))
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
		})
	}
	return out, nil
}
