package ec2wire

import (
	"maps"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/bootrace/bootrace/fakeprovider/ec2wire/model"
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
		switch of := spec.text("ResourceType"); {
		case of == "":
			return nil, errMissing("TagSpecification.ResourceType")
		case !slices.Contains(model.EC2().ResourceTypes, of):
			return nil, bad("InvalidParameterValue", "'%s' is not a valid taggable resource type for this operation.", shorten(of))
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

// resource is something that has tags.
type resource struct {
	id, kind string
	tags     map[string]string
	set      func(map[string]string)
}

// resource returns what has the id.
func (r *request) resource(id string) (resource, *apiError) {
	kind, _, _ := strings.Cut(id, "-")
	switch kind {
	case "i":
		if !instanceIDForm.MatchString(id) {
			return resource{}, errMalformedID(id)
		}
		m := r.fleet.byID[id]
		if !r.visible(m) {
			return resource{}, errUnknownIDs([]string{id})
		}
		return resource{id, "instance", m.Tags, func(tags map[string]string) { r.fleet.tag(m, tags) }}, nil
	case "sg":
		if _, failure := r.groupByID(id); failure != nil {
			return resource{}, failure
		}
		i := slices.IndexFunc(r.groups, func(g group) bool { return g.id == id })
		return resource{id, "security-group", r.groups[i].tags, func(tags map[string]string) { r.groups[i].tags = tags }}, nil
	case "ami":
		if !slices.ContainsFunc(r.opt.Images, func(i Image) bool { return i.ID == id }) {
			return resource{}, bad("InvalidAMIID.NotFound", "The image id '[%s]' does not exist", shorten(id))
		}
		return resource{id, "image", r.images[id], func(tags map[string]string) { r.images[id] = tags }}, nil
	case "key":
		i := slices.IndexFunc(r.keys, func(k keyPair) bool { return k.id == id })
		if i < 0 {
			return resource{}, bad("InvalidKeyPair.NotFound", "The key pair ID '%s' does not exist", shorten(id))
		}
		return resource{id, "key-pair", r.keys[i].tags, func(tags map[string]string) { r.keys[i].tags = tags }}, nil
	default:
		return resource{}, bad("InvalidID", "The ID '%s' is not valid", shorten(id))
	}
}

// tagged returns what ResourceId.n names.
func (r *request) tagged() ([]resource, *apiError) {
	ids := r.texts("ResourceId")
	if len(ids) == 0 {
		return nil, errMissing("ResourceId")
	}
	var all []resource
	for _, id := range ids {
		x, failure := r.resource(id)
		if failure != nil {
			return nil, failure
		}
		all = append(all, x)
	}
	return all, nil
}

func (r *request) createTags() (reply, *apiError) {
	resources, failure := r.tagged()
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
	for _, x := range resources {
		after := cloneTags(x.tags)
		maps.Copy(after, tags)
		if len(after) > maxTags {
			return nil, errTooManyTags()
		}
	}
	if r.dryRun {
		return nil, errDryRun()
	}
	for _, x := range resources {
		after := cloneTags(x.tags)
		maps.Copy(after, tags)
		x.set(after)
	}
	return &done{Return: true}, nil
}

// deleteTags deletes the tags that are named: by key and value where a value is given, and all of them where none is named.
func (r *request) deleteTags() (reply, *apiError) {
	resources, failure := r.tagged()
	if failure != nil {
		return nil, failure
	}
	if r.dryRun {
		return nil, errDryRun()
	}
	list := r.list("Tag")
	for _, x := range resources {
		after := cloneTags(x.tags)
		if len(list) == 0 {
			clear(after)
		}
		for _, entry := range list {
			key, value := entry.text("Key"), entry.at("Value")
			if have, ok := after[key]; ok && (!value.set || value.value == have) {
				delete(after, key)
			}
		}
		x.set(after)
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
	add := func(id, kind string, tags map[string]string, seq uint64) {
		for i, t := range sortedTags(tags) {
			if row := (numbered[tagRow]{tagRow{id, kind, t}, seq*(maxTags+1) + uint64(i)}); keep(row) {
				rows = append(rows, row)
			}
		}
	}
	for _, m := range r.fleet.order {
		if r.visible(m) {
			add(m.ID, "instance", m.Tags, m.seq)
		}
	}
	const others = 1 << 40 // above any machine's number
	for i, g := range r.groups {
		add(g.id, "security-group", g.tags, others+uint64(i))
	}
	for i, image := range r.opt.Images {
		add(image.ID, "image", r.images[image.ID], 2*others+uint64(i))
	}
	for i, k := range r.keys {
		add(k.id, "key-pair", k.tags, 3*others+uint64(i))
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
