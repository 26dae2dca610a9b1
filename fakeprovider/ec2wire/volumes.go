package ec2wire

import (
	"regexp"
	"slices"
	"time"
)

var volumeIDForm = regexp.MustCompile(`^vol-([0-9a-f]{8}|[0-9a-f]{17})$`)

type volumeXML struct {
	ID          string                     `xml:"volumeId"`
	Size        int                        `xml:"size"`
	Zone        string                     `xml:"availabilityZone"`
	Status      string                     `xml:"status"`
	Created     string                     `xml:"createTime"`
	Attachments items[volumeAttachmentXML] `xml:"attachmentSet"`
	Type        string                     `xml:"volumeType"`
	IOPS        int                        `xml:"iops"`
	Encrypted   bool                       `xml:"encrypted"`
}

type volumeAttachmentXML struct {
	VolumeID   string `xml:"volumeId"`
	InstanceID string `xml:"instanceId"`
	Device     string `xml:"device"`
	Status     string `xml:"status"`
	Attached   string `xml:"attachTime"`
	Delete     bool   `xml:"deleteOnTermination"`
}

// volumeFields are what the root volumes of machines, the only ones there are, can be filtered by.
var volumeFields = fields[*machine]{
	byName: map[string]machineField{
		"volume-id":                        some((*machine).volume),
		"attachment.instance-id":           some(func(m *machine) string { return m.ID }),
		"attachment.device":                always(rootDevice),
		"attachment.status":                always("attached"),
		"attachment.delete-on-termination": always("true"),
		"attachment.attach-time":           some(func(m *machine) string { return stamp(m.created) }),
		"create-time":                      some(func(m *machine) string { return stamp(m.created) }),
		"availability-zone":                some(func(m *machine) string { return m.Zone }),
		"availability-zone-id":             some(func(m *machine) string { return m.zoneID }),
		"status":                           always("in-use"),
		"size":                             always("8"),
		"encrypted":                        always("false"),
		"volume-type":                      always("gp3"),
	},
}

func (r *request) describeVolumes() (reply, *apiError) {
	keep, failure := volumeFields.matcher(r.params)
	if failure != nil {
		return nil, failure
	}
	after, size, failure := r.paging(minPage, maxPage)
	if failure != nil {
		return nil, failure
	}
	ids := r.texts("VolumeId")
	for _, id := range ids {
		if !volumeIDForm.MatchString(id) {
			return nil, bad("InvalidParameterValue", `Value (%s) for parameter volumeId is invalid. Expected: 'vol-...'.`, shorten(id))
		}
		if m := r.fleet.byID["i-"+id[len("vol-"):]]; !r.visible(m) || m.State == Terminated {
			return nil, bad("InvalidVolume.NotFound", "The volume '%s' does not exist.", id)
		}
	}
	out := &struct {
		meta
		Volumes   items[volumeXML] `xml:"volumeSet"`
		NextToken string           `xml:"nextToken,omitempty"`
	}{}
	at, _ := slices.BinarySearchFunc(r.fleet.order, after+1, bySeq)
	var last *machine
	for _, m := range r.fleet.order[at:] {
		if !r.visible(m) || m.State == Terminated || len(ids) > 0 && !slices.Contains(ids, m.volume()) || !keep(m) {
			continue
		}
		if size > 0 && len(out.Volumes.Item) == size {
			out.NextToken = sealToken(r.action, last.seq)
			break
		}
		out.Volumes.Item, last = append(out.Volumes.Item, m.volumeXML()), m
	}
	return out, nil
}

func (m *machine) volumeXML() volumeXML {
	created := m.created.UTC().Format(time.RFC3339)
	return volumeXML{
		ID: m.volume(), Size: 8, Zone: m.Zone, Status: "in-use", Created: created, Type: "gp3", IOPS: 3000,
		Attachments: items[volumeAttachmentXML]{[]volumeAttachmentXML{{m.volume(), m.ID, rootDevice, "attached", created, true}}},
	}
}
