package ec2wire

import (
	"maps"
	"strings"
	"unicode/utf8"
)

func cloneTags(tags map[string]string) map[string]string {
	c := maps.Clone(tags)
	if c == nil {
		c = map[string]string{}
	}
	return c
}

// tag reads one tag.
func tag(p *params) (key, value string, _ *apiError) {
	key, value = p.text("Key"), p.text("Value")
	switch {
	case key == "":
		return "", "", bad("InvalidParameterValue", "Tag key cannot be empty")
	case utf8.RuneCountInString(key) > maxTagKey:
		return "", "", bad("InvalidParameterValue", "Tag key exceeds the maximum length of %d characters", maxTagKey)
	case utf8.RuneCountInString(value) > maxTagValue:
		return "", "", bad("InvalidParameterValue", "Tag value exceeds the maximum length of %d characters", maxTagValue)
	case strings.HasPrefix(strings.ToLower(key), "aws:"):
		return "", "", bad("InvalidParameterValue", "Tag keys starting with 'aws:' are reserved for internal use")
	}
	return key, value, nil
}

func errTooManyTags() *apiError {
	return bad("TagLimitExceeded", "The maximum number of Tags for a resource has been reached.")
}

// tagsFor reads the tags that TagSpecification.n gives to resources of the kind.
func (p *params) tagsFor(kind string) (map[string]string, *apiError) {
	tags := map[string]string{}
	for _, spec := range p.list("TagSpecification") {
		if spec.text("ResourceType") == "" {
			return nil, errMissing("TagSpecification.ResourceType")
		}
		list := spec.list("Tag")
		if len(list) == 0 {
			return nil, bad("InvalidParameterValue", "Tag specification must have at least one tag")
		}
		for _, entry := range list {
			key, value, failure := tag(entry)
			if failure != nil {
				return nil, failure
			}
			if spec.text("ResourceType") == kind {
				if _, twice := tags[key]; twice {
					return nil, bad("InvalidParameterValue", "Duplicate tag key '%s' specified.", key)
				}
				tags[key] = value
			}
		}
	}
	if len(tags) > maxTags {
		return nil, errTooManyTags()
	}
	return tags, nil
}

// tagged returns the machines that ResourceId.n names. Other kinds of resources carry no tags here.
func (r *request) tagged() ([]*machine, *apiError) {
	ids := r.texts("ResourceId")
	if len(ids) == 0 {
		return nil, errMissing("ResourceId")
	}
	var machines []*machine
	for _, id := range ids {
		if !strings.HasPrefix(id, "i-") {
			return nil, bad("InvalidID", "The ID '%s' is not valid", shorten(id))
		}
		if !instanceIDForm.MatchString(id) {
			return nil, errMalformedID(id)
		}
		m := r.fleet.byID[id]
		if !r.visible(m) {
			return nil, errUnknownIDs([]string{id})
		}
		machines = append(machines, m)
	}
	return machines, nil
}

func (r *request) createTags() (reply, *apiError) {
	machines, failure := r.tagged()
	if failure != nil {
		return nil, failure
	}
	tags := map[string]string{}
	for _, entry := range r.list("Tag") {
		key, value, failure := tag(entry)
		if failure != nil {
			return nil, failure
		}
		tags[key] = value
	}
	if len(tags) == 0 {
		return nil, errMissing("Tag")
	}
	for _, m := range machines {
		after := cloneTags(m.Tags)
		maps.Copy(after, tags)
		if len(after) > maxTags {
			return nil, errTooManyTags()
		}
	}
	if r.dryRun {
		return nil, errDryRun()
	}
	for _, m := range machines {
		maps.Copy(m.Tags, tags)
	}
	return &done{Return: true}, nil
}

// deleteTags deletes the tags that are named: by key and value where a value is given, and all of them where none is named.
func (r *request) deleteTags() (reply, *apiError) {
	machines, failure := r.tagged()
	if failure != nil {
		return nil, failure
	}
	if r.dryRun {
		return nil, errDryRun()
	}
	list := r.list("Tag")
	for _, m := range machines {
		if len(list) == 0 {
			clear(m.Tags)
		}
		for _, entry := range list {
			key, value := entry.text("Key"), entry.at("Value")
			if have, ok := m.Tags[key]; ok && (!value.set || value.value == have) {
				delete(m.Tags, key)
			}
		}
	}
	return &done{Return: true}, nil
}

// tagRow is one tag of one machine.
type tagRow struct {
	ResourceID   string `xml:"resourceId"`
	ResourceType string `xml:"resourceType"`
	tagXML
}

var tagFields = fields[numbered[tagRow]]{
	byName: map[string]func(numbered[tagRow]) []string{
		"key":           one(func(t numbered[tagRow]) string { return t.row.Key }),
		"value":         one(func(t numbered[tagRow]) string { return t.row.Value }),
		"resource-id":   one(func(t numbered[tagRow]) string { return t.row.ResourceID }),
		"resource-type": one(func(t numbered[tagRow]) string { return t.row.ResourceType }),
	},
	tags: func(t numbered[tagRow]) map[string]string { return map[string]string{t.row.Key: t.row.Value} },
}

// describeTags lists tags. A tag's number for paging is its machine's and its place there, so that a page does not slip
// when machines come and go.
func (r *request) describeTags() (reply, *apiError) {
	keep, failure := tagFields.matcher(r.params)
	if failure != nil {
		return nil, failure
	}
	var rows []numbered[tagRow]
	for _, m := range r.fleet.order {
		if !r.visible(m) {
			continue
		}
		for i, t := range tagList(m.Tags).Item {
			row := numbered[tagRow]{tagRow{m.ID, "instance", t}, m.seq*(maxTags+1) + uint64(i)}
			if keep(row) {
				rows = append(rows, row)
			}
		}
	}
	rows, next, failure := page(r.params, r.action, rows, func(t numbered[tagRow]) uint64 { return t.seq })
	if failure != nil {
		return nil, failure
	}
	out := &struct {
		meta
		Tags      items[tagRow] `xml:"tagSet"`
		NextToken string        `xml:"nextToken,omitempty"`
	}{NextToken: next}
	for _, t := range rows {
		out.Tags.Item = append(out.Tags.Item, t.row)
	}
	return out, nil
}
