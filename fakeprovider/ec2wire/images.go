package ec2wire

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Image is a machine image that can be launched.
type Image struct {
	ID           string // ami- and 8 or 17 hexadecimal digits
	Name         string
	Architecture string // x86_64 or arm64
}

// Validate reports an image that makes no sense.
func (i Image) Validate() error {
	if !imageIDForm.MatchString(i.ID) {
		return fmt.Errorf("ec2wire: image %q: an id is ami- and 8 or 17 hexadecimal digits", i.ID)
	}
	if i.Architecture != "x86_64" && i.Architecture != "arm64" {
		return fmt.Errorf("ec2wire: image %s: the architecture %q is neither x86_64 nor arm64", i.ID, i.Architecture)
	}
	return nil
}

// DefaultImages are the images that there are where [Options] name none.
func DefaultImages() []Image {
	return []Image{
		{ID: "ami-0b007ace000000001", Name: "bootrace-x86_64", Architecture: "x86_64"},
		{ID: "ami-0b007ace000000002", Name: "bootrace-arm64", Architecture: "arm64"},
	}
}

// architecture returns what an image is for, "" where that is not known, and reports whether there is such an image.
func (r *request) architecture(image string) (architecture string, ok bool) {
	for _, i := range r.opt.Images {
		if i.ID == image {
			return i.Architecture, true
		}
	}
	return "", r.opt.AnyImage
}

const imageCreated = "2026-01-01T00:00:00.000Z"

type imageXML struct {
	ID             string         `xml:"imageId"`
	Location       string         `xml:"imageLocation"`
	State          string         `xml:"imageState"`
	OwnerID        string         `xml:"imageOwnerId"`
	Created        string         `xml:"creationDate"`
	Public         bool           `xml:"isPublic"`
	Architecture   string         `xml:"architecture"`
	Type           string         `xml:"imageType"`
	Name           string         `xml:"name"`
	RootType       string         `xml:"rootDeviceType"`
	RootName       string         `xml:"rootDeviceName"`
	Devices        struct{}       `xml:"blockDeviceMapping"`
	Virtualization string         `xml:"virtualizationType"`
	Hypervisor     string         `xml:"hypervisor"`
	ENA            bool           `xml:"enaSupport"`
	Tags           *items[tagXML] `xml:"tagSet"`
}

var imageFields = fields[numbered[Image]]{
	byName: map[string]func(numbered[Image]) []string{
		"image-id":            one(func(i numbered[Image]) string { return i.row.ID }),
		"name":                one(func(i numbered[Image]) string { return i.row.Name }),
		"architecture":        one(func(i numbered[Image]) string { return i.row.Architecture }),
		"state":               one(func(numbered[Image]) string { return "available" }),
		"image-type":          one(func(numbered[Image]) string { return "machine" }),
		"hypervisor":          one(func(numbered[Image]) string { return "xen" }),
		"is-public":           one(func(numbered[Image]) string { return "false" }),
		"root-device-type":    one(func(numbered[Image]) string { return "ebs" }),
		"root-device-name":    one(func(numbered[Image]) string { return rootDevice }),
		"virtualization-type": one(func(numbered[Image]) string { return "hvm" }),
		"ena-support":         one(func(numbered[Image]) string { return "true" }),
		"creation-date":       one(func(numbered[Image]) string { return imageCreated }),
	},
}

func (r *request) describeImages() (reply, *apiError) {
	by := imageFields
	owner, tags := r.opt.AccountID, r.images
	by.byName = maps.Clone(by.byName)
	by.byName["owner-id"] = func(numbered[Image]) []string { return []string{owner} }
	by.byName["manifest-location"] = func(i numbered[Image]) []string { return []string{owner + "/" + i.row.Name} }
	by.tags = func(i numbered[Image]) map[string]string { return tags[i.row.ID] }
	keep, failure := by.matcher(r.params)
	if failure != nil {
		return nil, failure
	}
	ids := r.texts("ImageId")
	var unknown []string
	for _, id := range ids {
		if !imageIDForm.MatchString(id) {
			return nil, bad("InvalidAMIID.Malformed", `Invalid id: "%s" (expecting "ami-...")`, shorten(id))
		}
		if !slices.ContainsFunc(r.opt.Images, func(i Image) bool { return i.ID == id }) {
			unknown = append(unknown, id)
		}
	}
	switch {
	case len(unknown) == 1:
		return nil, bad("InvalidAMIID.NotFound", "The image id '[%s]' does not exist", unknown[0])
	case len(unknown) > 1:
		return nil, bad("InvalidAMIID.NotFound", "The image ids '[%s]' do not exist", strings.Join(unknown, ", "))
	}
	var rows []numbered[Image]
	for _, i := range number(r.opt.Images) {
		if keep(i) && (len(ids) == 0 || slices.Contains(ids, i.row.ID)) && r.owned() {
			rows = append(rows, i)
		}
	}
	rows, next, failure := page(r.params, r.action, rows, func(i numbered[Image]) uint64 { return i.seq })
	if failure != nil {
		return nil, failure
	}
	out := &struct {
		meta
		Images    items[imageXML] `xml:"imagesSet"`
		NextToken string          `xml:"nextToken,omitempty"`
	}{NextToken: next}
	for _, i := range rows {
		out.Images.Item = append(out.Images.Item, imageXML{
			ID: i.row.ID, Location: r.opt.AccountID + "/" + i.row.Name, State: "available", OwnerID: r.opt.AccountID,
			Created: imageCreated, Architecture: i.row.Architecture, Type: "machine", Name: i.row.Name,
			RootType: "ebs", RootName: "/dev/sda1", Virtualization: "hvm", Hypervisor: "xen", ENA: true, Tags: tagList(r.images[i.row.ID]),
		})
	}
	return out, nil
}

// owned reports whether the request asks for images of this account, among others.
func (r *request) owned() bool {
	owners := r.texts("Owner")
	return len(owners) == 0 || slices.Contains(owners, "self") || slices.Contains(owners, r.opt.AccountID)
}
