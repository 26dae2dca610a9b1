package ec2wire

import (
	"encoding/base64"
	"fmt"
	"regexp"
	"slices"
	"strings"
)

var (
	imageIDForm = regexp.MustCompile(`^ami-([0-9a-f]{8}|[0-9a-f]{17})$`)
)

// template is what each machine of a launch is like.
type template struct {
	machine
	least, most int
}

// runInstances launches machines, or finds those that the same client token launched before.
func (r *request) runInstances() (reply, *apiError) {
	token := r.text("ClientToken")
	if len(token) > maxTokenSize {
		return nil, errValue("ClientToken", token, fmt.Sprintf("It is longer than %d characters.", maxTokenSize))
	}
	before := r.tokens.find(token, r.now, &r.fleet)
	if token != "" && before != nil {
		if before.fingerprint != r.fingerprint() {
			return nil, bad("IdempotentParameterMismatch",
				"Arguments on this idempotent request are inconsistent with arguments used in previous request(s).")
		}
		if len(before.ids) > 0 {
			return r.repeat(before)
		}
	}
	t, failure := r.template()
	if failure != nil {
		return nil, failure
	}
	count := r.fleet.room(t.most)
	if count < t.least {
		return nil, bad("InstanceLimitExceeded", "You have requested more instances (%d) than your current instance limit "+
			"of %d allows for the specified instance type.", t.most, r.opt.MaxMachines)
	}
	if r.dryRun {
		return nil, errDryRun()
	}
	l := &launch{fingerprint: r.fingerprint(), at: r.now, reservation: fmt.Sprintf("r-%017x", r.fleet.seq+1)}
	machines := make([]*machine, count)
	for i := range machines {
		m := t.machine
		m.index, m.ReservationID, m.created = i, l.reservation, r.now
		m.Tags, m.launch = nil, l
		if m.Spot {
			m.spotRequest = fmt.Sprintf("sir-%08x", r.fleet.seq+1)
		}
		r.fleet.add(&m, t.Tags)
		r.fleet.boot(&m, r.now)
		machines[i] = &m
		l.ids = append(l.ids, m.ID)
		r.hooks.add(r.hooks.launched, &m)
	}
	if token != "" {
		r.tokens.remember(token, l)
	}
	return r.launched(l, machines), nil
}

// bindToken binds the client token to the parameters of a call that failed for lack of capacity, as EC2 does.
func (r *request) bindToken() {
	if token := r.text("ClientToken"); token != "" && len(token) <= maxTokenSize && r.tokens.find(token, r.now, &r.fleet) == nil {
		r.tokens.remember(token, &launch{fingerprint: r.fingerprint(), at: r.now})
	}
}

// repeat is the reply to a launch that has taken place already.
func (r *request) repeat(l *launch) (reply, *apiError) {
	var machines []*machine
	for _, id := range l.ids {
		m := r.fleet.byID[id]
		if m == nil || m.State == Terminated {
			return nil, bad("IdempotentInstanceTerminated",
				"The client token you have provided is associated with a terminated instance. Please use a different client token.")
		}
		machines = append(machines, m)
	}
	if r.dryRun {
		return nil, errDryRun()
	}
	return r.launched(l, machines), nil
}

// launched is the reply to a launch. It is a reservation, without the element around it.
func (r *request) launched(l *launch, machines []*machine) reply {
	out := &struct {
		meta
		reservationXML
	}{}
	out.reservationXML = r.reservation(l.reservation, machines)
	return out
}

// template reads what is to be launched.
func (r *request) template() (t template, failure *apiError) {
	t.ImageID = r.text("ImageId")
	if t.ImageID == "" {
		return t, errMissing("ImageId")
	}
	if !imageIDForm.MatchString(t.ImageID) {
		return t, bad("InvalidAMIID.Malformed", `Invalid id: "%s" (expecting "ami-...")`, shorten(t.ImageID))
	}
	of, ok := r.architecture(t.ImageID)
	if !ok {
		return t, bad("InvalidAMIID.NotFound", "The image id '[%s]' does not exist", t.ImageID)
	}
	if t.least, t.most, failure = r.counts(); failure != nil {
		return t, failure
	}
	if t.InstanceType = r.text("InstanceType"); t.InstanceType == "" {
		t.InstanceType = "m1.small" // EC2's default still
	}
	size, ok := findType(t.InstanceType)
	if !ok {
		return t, bad("InvalidParameterValue", "Invalid value '%s' for InstanceType.", shorten(t.InstanceType))
	}
	if t.architecture = size.architecture; of != "" && of != size.architecture {
		return t, errArchitecture(size.architecture, of)
	}
	if t.Zone = r.text("Placement.AvailabilityZone"); t.Zone == "" {
		t.Zone = zonesOf(r.opt.Region)[0]
	}
	if !slices.Contains(zonesOf(r.opt.Region), t.Zone) {
		return t, bad("InvalidParameterValue", "Invalid availability zone: [%s]", shorten(t.Zone))
	}
	if failure = r.network(&t); failure != nil {
		return t, failure
	}
	if t.KeyName = r.text("KeyName"); t.KeyName != "" && r.keyPair(t.KeyName) < 0 {
		return t, bad("InvalidKeyPair.NotFound", "The key pair '%s' does not exist", shorten(t.KeyName))
	}
	if t.groups, failure = r.launchGroups(); failure != nil {
		return t, failure
	}
	if t.UserData, failure = r.userData(); failure != nil {
		return t, failure
	}
	if t.Tags, failure = r.tagsFor("instance"); failure != nil {
		return t, failure
	}
	if failure = r.market(&t); failure != nil {
		return t, failure
	}
	if t.protected, failure = r.flag("DisableApiTermination"); failure != nil {
		return t, failure
	}
	switch t.behavior = r.text("InstanceInitiatedShutdownBehavior"); t.behavior {
	case "":
		t.behavior = "stop"
	case "stop", "terminate":
	default:
		return t, errValue("instanceInitiatedShutdownBehavior", t.behavior, "Expecting stop or terminate.")
	}
	if t.httpTokens = r.text("MetadataOptions.HttpTokens"); t.httpTokens == "" {
		t.httpTokens = "optional"
	}
	t.ClientToken, t.owner, t.zoneID = r.text("ClientToken"), r.opt.AccountID, zoneID(r.opt.Region, t.Zone)
	return t, nil
}

// network finds the subnet that machines are launched into: one of the zone, where none is named.
func (r *request) network(t *template) *apiError {
	id := r.text("SubnetId")
	if id == "" {
		t.subnet, t.vpc = r.subnets[slices.Index(zonesOf(r.opt.Region), t.Zone)].id, defaultVPC
		return nil
	}
	i := slices.IndexFunc(r.subnets, func(s subnet) bool { return s.id == id })
	if i < 0 {
		return bad("InvalidSubnetID.NotFound", "The subnet ID '%s' does not exist", shorten(id))
	}
	s := r.subnets[i]
	if asked := r.text("Placement.AvailabilityZone"); asked != "" && asked != s.zone {
		return bad("InvalidParameterValue", "The availability zone '%s' does not match the subnet's, '%s'", shorten(asked), s.zone)
	}
	t.subnet, t.vpc, t.Zone = s.id, s.vpc, s.zone
	return nil
}

// market reads how the machines are bought.
func (r *request) market(t *template) *apiError {
	switch kind := r.text("InstanceMarketOptions.MarketType"); kind {
	case "":
	case "spot":
		t.Spot = true
		t.persistent = r.text("InstanceMarketOptions.SpotOptions.SpotInstanceType") == "persistent"
	case "capacity-block":
		return bad("UnsupportedOperation", "Capacity blocks are not served here")
	default:
		return bad("InvalidParameterValue", "Invalid value '%s' for MarketType.", shorten(kind))
	}
	return nil
}

func (r *request) counts() (least, most int, failure *apiError) {
	for _, c := range []struct {
		name string
		to   *int
	}{{"MinCount", &least}, {"MaxCount", &most}} {
		if !r.at(c.name).set {
			return 0, 0, errMissing(c.name)
		}
		if *c.to, failure = r.number(c.name, 0); failure != nil {
			return 0, 0, failure
		}
		if *c.to < 1 {
			return 0, 0, errValue(c.name, r.text(c.name), "Minimum value is 1.")
		}
	}
	if least > most {
		return 0, 0, bad("InvalidParameterCombination",
			"The parameter MinCount (%d) cannot be larger than the parameter MaxCount (%d)", least, most)
	}
	return least, most, nil
}

func (r *request) userData() ([]byte, *apiError) {
	text := r.text("UserData")
	if text == "" {
		return nil, nil
	}
	data, err := base64.StdEncoding.DecodeString(strings.Join(strings.Fields(text), ""))
	if err != nil {
		return nil, bad("InvalidUserData.Malformed", "Invalid BASE64 encoding of user data.")
	}
	if len(data) > maxUserData {
		return nil, bad("InvalidParameterValue", "User data is limited to %d bytes", maxUserData)
	}
	return data, nil
}
