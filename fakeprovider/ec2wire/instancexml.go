package ec2wire

import (
	"time"
)

// instanceXML is an instance as DescribeInstances and RunInstances show it.
type instanceXML struct {
	InstanceID     string              `xml:"instanceId"`
	ImageID        string              `xml:"imageId"`
	State          stateXML            `xml:"instanceState"`
	PrivateDNSName string              `xml:"privateDnsName"`
	DNSName        string              `xml:"dnsName"`
	Reason         string              `xml:"reason"`
	KeyName        string              `xml:"keyName,omitempty"`
	LaunchIndex    int                 `xml:"amiLaunchIndex"`
	ProductCodes   struct{}            `xml:"productCodes"`
	InstanceType   string              `xml:"instanceType"`
	LaunchTime     string              `xml:"launchTime"`
	Zone           string              `xml:"placement>availabilityZone"`
	ZoneID         string              `xml:"placement>availabilityZoneId"`
	PlacementGroup string              `xml:"placement>groupName"`
	Tenancy        string              `xml:"placement>tenancy"`
	Monitoring     string              `xml:"monitoring>state"`
	SubnetID       string              `xml:"subnetId,omitempty"`
	VPCID          string              `xml:"vpcId,omitempty"`
	PrivateIP      string              `xml:"privateIpAddress,omitempty"`
	SourceDest     bool                `xml:"sourceDestCheck"`
	Groups         items[groupXML]     `xml:"groupSet"`
	StateReason    *reasonXML          `xml:"stateReason"`
	Architecture   string              `xml:"architecture"`
	RootType       string              `xml:"rootDeviceType"`
	RootName       string              `xml:"rootDeviceName"`
	Devices        items[deviceXML]    `xml:"blockDeviceMapping"`
	Virtualization string              `xml:"virtualizationType"`
	Lifecycle      string              `xml:"instanceLifecycle,omitempty"`
	ClientToken    string              `xml:"clientToken"`
	Tags           *items[tagXML]      `xml:"tagSet"`
	Hypervisor     string              `xml:"hypervisor"`
	Interfaces     items[interfaceXML] `xml:"networkInterfaceSet"`
	EBSOptimized   bool                `xml:"ebsOptimized"`
	ENA            bool                `xml:"enaSupport"`
	SpotRequest    string              `xml:"spotInstanceRequestId,omitempty"`
	Metadata       metadataXML         `xml:"metadataOptions"`
	Platform       string              `xml:"platformDetails"`
	Operation      string              `xml:"usageOperation"`
}

type reasonXML struct {
	Code    string `xml:"code"`
	Message string `xml:"message"`
}

// reservationXML is the machines of one launch.
type reservationXML struct {
	ReservationID string             `xml:"reservationId"`
	OwnerID       string             `xml:"ownerId"`
	Groups        items[groupXML]    `xml:"groupSet"`
	Instances     items[instanceXML] `xml:"instancesSet"`
}

func (r *request) reservation(id string, machines []*machine) reservationXML {
	out := reservationXML{ReservationID: id, OwnerID: r.opt.AccountID}
	for _, m := range machines {
		out.Instances.Item = append(out.Instances.Item, r.instance(m))
	}
	return out
}

func (r *request) instance(m *machine) instanceXML {
	x := instanceXML{
		InstanceID: m.ID, ImageID: m.ImageID, State: stateOf(m.State), PrivateDNSName: m.privateDNS(), Reason: m.reason(),
		KeyName: m.KeyName, LaunchIndex: m.index, InstanceType: m.InstanceType, LaunchTime: stamp(m.LaunchedAt), Zone: m.Zone,
		ZoneID: zoneID(r.opt.Region, m.Zone), Tenancy: "default", Monitoring: "disabled", SubnetID: m.subnet, VPCID: m.vpc,
		PrivateIP: m.PrivateIP, SourceDest: true, Architecture: m.architecture, RootType: "ebs", RootName: rootDevice,
		Virtualization: "hvm", ClientToken: m.ClientToken, Tags: tagList(m.Tags), Hypervisor: "xen", ENA: true,
		SpotRequest: m.spotRequest, Platform: "Linux/UNIX", Operation: "RunInstances",
		Metadata: metadataXML{"applied", m.httpTokens, 1, "enabled", "disabled", "disabled"},
	}
	if reason := m.stateReason(); reason != (Reason{}) {
		x.StateReason = &reasonXML{reason.Code, reason.Message}
	}
	if m.Spot {
		x.Lifecycle = "spot"
	}
	if m.State == Terminated { // EC2 has taken back what it lent
		x.PrivateIP, x.PrivateDNSName, x.SubnetID, x.VPCID = "", "", "", ""
		return x
	}
	for _, g := range m.groups {
		x.Groups.Item = append(x.Groups.Item, groupXML{g.id, g.name})
	}
	attached := stamp(m.created)
	x.Devices.Item = []deviceXML{{rootDevice, m.volume(), "attached", attached, true}}
	x.Interfaces.Item = []interfaceXML{{
		ID: m.networkInterface(), SubnetID: m.subnet, VPCID: m.vpc, OwnerID: r.opt.AccountID, Status: "in-use", MAC: m.mac(),
		PrivateIP: m.PrivateIP, PrivateDNS: m.privateDNS(), SourceDest: true, Groups: x.Groups,
		Attachment: attachmentXML{"eni-attach-" + m.hex(), 0, "attached", attached, true, 0},
		Addresses:  items[addressXML]{[]addressXML{{m.PrivateIP, m.privateDNS(), true}}}, Kind: "interface",
	}}
	return x
}

const rootDevice = "/dev/sda1"

// deviceXML is a volume that a machine has.
type deviceXML struct {
	Name     string `xml:"deviceName"`
	VolumeID string `xml:"ebs>volumeId"`
	Status   string `xml:"ebs>status"`
	Attached string `xml:"ebs>attachTime"`
	Delete   bool   `xml:"ebs>deleteOnTermination"`
}

// interfaceXML is a network interface that a machine has.
type interfaceXML struct {
	ID          string            `xml:"networkInterfaceId"`
	SubnetID    string            `xml:"subnetId"`
	VPCID       string            `xml:"vpcId"`
	Description string            `xml:"description"`
	OwnerID     string            `xml:"ownerId"`
	Status      string            `xml:"status"`
	MAC         string            `xml:"macAddress"`
	PrivateIP   string            `xml:"privateIpAddress"`
	PrivateDNS  string            `xml:"privateDnsName"`
	SourceDest  bool              `xml:"sourceDestCheck"`
	Groups      items[groupXML]   `xml:"groupSet"`
	Attachment  attachmentXML     `xml:"attachment"`
	Addresses   items[addressXML] `xml:"privateIpAddressesSet"`
	Kind        string            `xml:"interfaceType"`
}

type attachmentXML struct {
	ID       string `xml:"attachmentId"`
	Device   int    `xml:"deviceIndex"`
	Status   string `xml:"status"`
	Attached string `xml:"attachTime"`
	Delete   bool   `xml:"deleteOnTermination"`
	Card     int    `xml:"networkCardIndex"`
}

type addressXML struct {
	IP      string `xml:"privateIpAddress"`
	DNS     string `xml:"privateDnsName"`
	Primary bool   `xml:"primary"`
}

type metadataXML struct {
	State    string `xml:"state"`
	Tokens   string `xml:"httpTokens"`
	Hops     int    `xml:"httpPutResponseHopLimit"`
	Endpoint string `xml:"httpEndpoint"`
	IPv6     string `xml:"httpProtocolIpv6"`
	Tags     string `xml:"instanceMetadataTags"`
}

// stamp writes a time as EC2 does.
func stamp(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000Z") }
