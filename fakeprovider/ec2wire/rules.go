package ec2wire

import (
	"fmt"
	"net/netip"
	"slices"
)

const maxPermissions = 1000 // of a group, in one direction

// permission lets one peer in or out.
type permission struct {
	protocol    string
	from, to    int // -1 is any
	kind, peer  string
	description string // which tells no two permissions apart
}

// The kinds of a permission's peer.
const (
	peerV4     = "cidrIpv4"
	peerV6     = "cidrIpv6"
	peerPrefix = "prefixListId"
	peerGroup  = "group"
)

func (p permission) same(o permission) bool {
	p.description, o.description = "", ""
	return p == o
}

func everywhere() permission {
	return permission{protocol: "-1", from: -1, to: -1, kind: peerV4, peer: "0.0.0.0/0"}
}

// permissions reads what a call names: IpPermissions.n, or the parameters of one permission.
func (r *request) permissions() ([]permission, *apiError) {
	list := r.list("IpPermissions")
	if len(list) == 0 && r.at("IpProtocol").set {
		one := permission{protocol: r.text("IpProtocol"), kind: peerV4, peer: r.text("CidrIp")}
		var failure *apiError
		if one.from, one.to, failure = ports(r.params); failure != nil {
			return nil, failure
		}
		all := []permission{one}
		return all, valid(all)
	}
	var all []permission
	for _, entry := range list {
		base := permission{protocol: entry.text("IpProtocol")}
		var failure *apiError
		if base.from, base.to, failure = ports(entry); failure != nil {
			return nil, failure
		}
		for _, peers := range []struct{ list, field, kind string }{
			{"IpRanges", "CidrIp", peerV4}, {"Ipv6Ranges", "CidrIpv6", peerV6}, {"PrefixListIds", "PrefixListId", peerPrefix},
			{"Groups", "GroupId", peerGroup},
		} {
			for _, peer := range entry.list(peers.list) {
				one := base
				one.kind, one.peer, one.description = peers.kind, peer.text(peers.field), peer.text("Description")
				if one.kind == peerGroup {
					if _, failure := r.groupByID(one.peer); failure != nil {
						return nil, failure
					}
				}
				all = append(all, one)
			}
		}
	}
	if len(all) == 0 {
		return nil, bad("MissingParameter", "Either 'ipPermissions' or 'securityGroupRuleIds' should be provided.")
	}
	return all, valid(all)
}

func ports(p *params) (from, to int, failure *apiError) {
	if from, failure = p.number("FromPort", -1); failure != nil {
		return 0, 0, failure
	}
	to, failure = p.number("ToPort", -1)
	return from, to, failure
}

// valid reports permissions that make no sense.
func valid(all []permission) *apiError {
	for _, p := range all {
		switch {
		case p.protocol == "":
			return errMissing("IpProtocol")
		case p.from > 65535 || p.to > 65535 || p.from > p.to:
			return bad("InvalidParameterValue", "Invalid TCP/UDP port range (%d:%d)", p.from, p.to)
		case p.kind == peerV4 || p.kind == peerV6:
			prefix, err := netip.ParsePrefix(p.peer)
			if err != nil || prefix.Addr().Is4() != (p.kind == peerV4) {
				return bad("InvalidParameterValue", "CIDR block %s is malformed", shorten(p.peer))
			}
		}
	}
	return nil
}

// direction returns the permissions of a group that the action is about.
func (g *group) direction(egress bool) *[]permission {
	if egress {
		return &g.egress
	}
	return &g.ingress
}

// ruled returns the place of the group that a call about permissions names.
func (r *request) ruled() (int, *apiError) {
	id, name := r.text("GroupId"), r.text("GroupName")
	if id == "" && name == "" {
		return 0, bad("MissingParameter", "The request must contain the parameter groupName or groupId")
	}
	if id != "" {
		if _, failure := r.groupByID(id); failure != nil {
			return 0, failure
		}
	}
	i := slices.IndexFunc(r.groups, func(g group) bool { return g.id == id || id == "" && g.name == name })
	if i < 0 {
		return 0, bad("InvalidGroup.NotFound", "The security group '%s' does not exist", shorten(name))
	}
	return i, nil
}

// changing returns the place of the group whose permissions a call changes, and those that it names.
func (r *request) changing() (int, []permission, *apiError) {
	i, failure := r.ruled()
	if failure != nil {
		return 0, nil, failure
	}
	asked, failure := r.permissions()
	return i, asked, failure
}

func authorize(egress bool) func(*request) (reply, *apiError) {
	return func(r *request) (reply, *apiError) {
		i, asked, failure := r.changing()
		if failure != nil {
			return nil, failure
		}
		at := r.groups[i].direction(egress)
		after := slices.Clone(*at)
		for _, p := range asked {
			if slices.ContainsFunc(after, p.same) {
				return nil, bad("InvalidPermission.Duplicate", "the specified rule \"peer: %s, %s\" already exists", shorten(p.peer),
					shorten(p.protocol))
			}
			after = append(after, p)
		}
		if len(after) > maxPermissions {
			return nil, bad("RulesPerSecurityGroupLimitExceeded", "The maximum number of rules per security group has been reached.")
		}
		if r.dryRun {
			return nil, errDryRun()
		}
		*at = after
		out := &authorized{Return: true}
		for n, p := range asked {
			x := ruleXML{
				ID:      fmt.Sprintf("sgr-%017x", i<<24|len(after)-len(asked)+n+1),
				GroupID: r.groups[i].id, OwnerID: r.opt.AccountID, Egress: egress, Protocol: p.protocol, From: p.from, To: p.to,
				Description: p.description,
			}
			switch p.kind {
			case peerV4:
				x.V4 = p.peer
			case peerV6:
				x.V6 = p.peer
			case peerPrefix:
				x.Prefix = p.peer
			default:
				x.Group = p.peer
			}
			out.Rules.Item = append(out.Rules.Item, x)
		}
		return out, nil
	}
}

func revoke(egress bool) func(*request) (reply, *apiError) {
	return func(r *request) (reply, *apiError) {
		i, asked, failure := r.changing()
		if failure != nil {
			return nil, failure
		}
		at := r.groups[i].direction(egress)
		after := slices.Clone(*at)
		for _, p := range asked {
			before := len(after)
			if after = slices.DeleteFunc(after, p.same); len(after) == before {
				return nil, bad("InvalidPermission.NotFound", "The specified rule does not exist in this security group.")
			}
		}
		if r.dryRun {
			return nil, errDryRun()
		}
		*at = after
		return &done{Return: true}, nil
	}
}

type authorized struct {
	meta
	Return bool           `xml:"return"`
	Rules  items[ruleXML] `xml:"securityGroupRuleSet"`
}

type ruleXML struct {
	ID          string `xml:"securityGroupRuleId"`
	GroupID     string `xml:"groupId"`
	OwnerID     string `xml:"groupOwnerId"`
	Egress      bool   `xml:"isEgress"`
	Protocol    string `xml:"ipProtocol"`
	From        int    `xml:"fromPort"`
	To          int    `xml:"toPort"`
	V4          string `xml:"cidrIpv4,omitempty"`
	V6          string `xml:"cidrIpv6,omitempty"`
	Prefix      string `xml:"prefixListId,omitempty"`
	Group       string `xml:"referencedGroupInfo>groupId,omitempty"`
	Description string `xml:"description,omitempty"`
}

// permissionXML is the permissions of one protocol and range of ports.
type permissionXML struct {
	Protocol string             `xml:"ipProtocol"`
	From     *int               `xml:"fromPort"`
	To       *int               `xml:"toPort"`
	Groups   items[pairXML]     `xml:"groups"`
	V4       items[rangeXML]    `xml:"ipRanges"`
	V6       items[rangeV6XML]  `xml:"ipv6Ranges"`
	Prefixes items[prefixIDXML] `xml:"prefixListIds"`
}

type pairXML struct {
	UserID      string `xml:"userId"`
	GroupID     string `xml:"groupId"`
	Description string `xml:"description,omitempty"`
}

type rangeXML struct {
	CIDR        string `xml:"cidrIp"`
	Description string `xml:"description,omitempty"`
}

type rangeV6XML struct {
	CIDR        string `xml:"cidrIpv6"`
	Description string `xml:"description,omitempty"`
}

type prefixIDXML struct {
	ID          string `xml:"prefixListId"`
	Description string `xml:"description,omitempty"`
}

func (r *request) permissionsXML(all []permission) (out items[permissionXML]) {
	type key struct {
		protocol string
		from, to int
	}
	places := map[key]int{}
	for _, p := range all {
		k := key{p.protocol, p.from, p.to}
		at, ok := places[k]
		if !ok {
			at = len(out.Item)
			places[k] = at
			x := permissionXML{Protocol: p.protocol}
			if p.protocol != "-1" {
				x.From, x.To = &k.from, &k.to
			}
			out.Item = append(out.Item, x)
		}
		switch x := &out.Item[at]; p.kind {
		case peerV4:
			x.V4.Item = append(x.V4.Item, rangeXML{p.peer, p.description})
		case peerV6:
			x.V6.Item = append(x.V6.Item, rangeV6XML{p.peer, p.description})
		case peerPrefix:
			x.Prefixes.Item = append(x.Prefixes.Item, prefixIDXML{p.peer, p.description})
		default:
			x.Groups.Item = append(x.Groups.Item, pairXML{r.opt.AccountID, p.peer, p.description})
		}
	}
	return out
}

// deleteSecurityGroup deletes a group that no machine has.
func (r *request) deleteSecurityGroup() (reply, *apiError) {
	i, failure := r.ruled()
	if failure != nil {
		return nil, failure
	}
	g := r.groups[i]
	if i == 0 {
		return nil, bad("CannotDelete", "the specified group: %q name: %q cannot be deleted by a user", g.id, g.name)
	}
	for _, m := range r.fleet.order {
		if m.State != Terminated && slices.ContainsFunc(m.groups, func(o group) bool { return o.id == g.id }) {
			return nil, bad("DependencyViolation", "resource %s has a dependent object", g.id)
		}
	}
	if r.dryRun {
		return nil, errDryRun()
	}
	r.groups = slices.Delete(slices.Clone(r.groups), i, i+1)
	return &struct {
		meta
		Return bool   `xml:"return"`
		ID     string `xml:"groupId"`
	}{Return: true, ID: g.id}, nil
}
