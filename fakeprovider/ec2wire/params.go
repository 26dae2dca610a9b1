package ec2wire

import (
	"crypto/sha256"
	"encoding/hex"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/bootrace/bootrace/fakeprovider/ec2wire/model"
)

// Limits of a request. EC2's own are not documented; these are far above what its clients send.
const (
	maxBody       = 1 << 20
	maxParams     = 10_000
	maxParamDepth = 12
	maxIndex      = 1 << 20
)

// params are a request's parameters, as the tree that their dotted names spell: TagSpecification.1.Tag.2.Key.
type params struct {
	value string
	set   bool
	kids  map[string]*params
	flat  url.Values      // of the root only
	read  map[string]bool // likewise, where it is noted which parameters a call was served by
}

func parseParams(body string) (*params, *apiError) {
	if strings.Count(body, "&") >= maxParams {
		return nil, bad("MalformedQueryString", "The query string has more than %d parameters", maxParams)
	}
	flat, err := url.ParseQuery(body)
	if err != nil {
		return nil, bad("MalformedQueryString", "The query string contains a syntax error")
	}
	root := &params{flat: flat}
	for name, values := range flat {
		if strings.Count(name, ".") >= maxParamDepth {
			return nil, bad("UnknownParameter", "The parameter %s is not recognized", shorten(name))
		}
		at := root
		for part := range strings.SplitSeq(name, ".") {
			if !partForm(part) {
				return nil, errValue(shorten(name), shorten(part), "A list is numbered from 1.")
			}
			next := at.kids[part]
			if next == nil {
				next = &params{}
				if at.kids == nil {
					at.kids = map[string]*params{}
				}
				at.kids[part] = next
			}
			at = next
		}
		at.value, at.set = values[len(values)-1], true
	}
	return root, nil
}

// partForm reports whether a part of a name is a word or a place in a list. A place that makes no sense must not be passed over:
// a call that names machines by such places only would be for all machines.
func partForm(part string) bool {
	if part == "" || !strings.ContainsRune("+-0123456789", rune(part[0])) {
		return part != ""
	}
	n, err := strconv.Atoi(part)
	return err == nil && n >= 0 && n <= maxIndex && part[0] != '+' && part[0] != '-'
}

// known reports a parameter that EC2's model doesn't have for the action, or a list without numbers. It must not be passed over: a
// call whose ids are misspelt would be for everything.
func (p *params) known() *apiError {
	of := model.EC2().Actions[p.text("Action")].Parameters
	for name, kid := range p.kids {
		switch {
		case name == "Action" || name == "Version" || slices.Contains(of, name):
		case slices.Contains(of, name+".N"):
			for place := range kid.kids {
				if _, err := strconv.Atoi(place); err != nil {
					return bad("UnknownParameter", "The parameter %s is not recognized", shorten(name+"."+place))
				}
			}
		default:
			return bad("UnknownParameter", "The parameter %s is not recognized", shorten(name))
		}
	}
	return nil
}

// at returns the parameter of the dotted name, an empty one where there is none.
func (p *params) at(name string) *params {
	if p.read != nil {
		first, _, _ := strings.Cut(name, ".")
		p.read[first] = true
	}
	for part := range strings.SplitSeq(name, ".") {
		next := p.kids[part]
		if next == nil {
			return &params{}
		}
		p = next
	}
	return p
}

// text returns the parameter's value, or "".
func (p *params) text(name string) string { return p.at(name).value }

// list returns the members of a list, in the order of their numbers.
func (p *params) list(name string) []*params {
	type member struct {
		number int
		at     *params
	}
	var found []member
	for part, kid := range p.at(name).kids {
		if n, err := strconv.Atoi(part); err == nil && n >= 0 {
			found = append(found, member{n, kid})
		}
	}
	slices.SortFunc(found, func(a, b member) int { return a.number - b.number })
	members := make([]*params, len(found))
	for i, m := range found {
		members[i] = m.at
	}
	return members
}

// texts returns the values of a list.
func (p *params) texts(name string) []string {
	var values []string
	for _, m := range p.list(name) {
		values = append(values, m.value)
	}
	return values
}

// number returns a whole number, or what is said where the parameter is missing.
func (p *params) number(name string, missing int) (int, *apiError) {
	v := p.at(name)
	if !v.set {
		return missing, nil
	}
	n, err := strconv.Atoi(v.value)
	if err != nil {
		return 0, errValue(name, v.value, "Expecting a whole number.")
	}
	return n, nil
}

// flag returns a boolean, false where it is missing.
func (p *params) flag(name string) (bool, *apiError) {
	v := p.at(name)
	switch {
	case !v.set || strings.EqualFold(v.value, "false"):
		return false, nil
	case strings.EqualFold(v.value, "true"):
		return true, nil
	default:
		return false, errValue(name, v.value, "Expecting true or false.")
	}
}

// fingerprint tells one set of parameters from another, but for those that say nothing of what is asked for.
func (p *params) fingerprint() string {
	flat := url.Values{}
	for name, values := range p.flat {
		if name != "ClientToken" && name != "DryRun" && name != "Version" {
			flat[name] = values
		}
	}
	sum := sha256.Sum256([]byte(flat.Encode()))
	return hex.EncodeToString(sum[:])
}
