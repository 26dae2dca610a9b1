package ec2wire

import (
	"encoding/base64"
	"fmt"
	"regexp"
	"slices"
	"strings"
)

var (
	imageIDForm  = regexp.MustCompile(`^ami-([0-9a-f]{8}|[0-9a-f]{17})$`)
	subnetIDForm = regexp.MustCompile(`^subnet-([0-9a-f]{8}|[0-9a-f]{17})$`)
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
	before := r.tokens.find(token)
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
	l := &launch{fingerprint: r.fingerprint(), at: r.now, reservation: fmt.Sprintf("r-%017x", r.fleet.seq+1), groups: t.groups}
	machines := make([]*machine, count)
	for i := range machines {
		m := t.machine
		m.index, m.ReservationID, m.created = i, l.reservation, r.now
		m.Tags = cloneTags(t.Tags)
		m.boot(r.now)
		r.fleet.add(&m)
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
	if token := r.text("ClientToken"); token != "" && len(token) <= maxTokenSize && r.tokens.find(token) == nil {
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
	if !slices.ContainsFunc(r.opt.Images, func(i Image) bool { return i.ID == t.ImageID }) {
		return t, bad("InvalidAMIID.NotFound", "The image id '[%s]' does not exist", t.ImageID)
	}
	if t.least, t.most, failure = r.counts(); failure != nil {
		return t, failure
	}
	if t.InstanceType = r.text("InstanceType"); t.InstanceType == "" {
		t.InstanceType = "m1.small" // EC2's default still
	}
	if _, ok := findType(t.InstanceType); !ok {
		return t, bad("InvalidParameterValue", "Invalid value '%s' for InstanceType.", shorten(t.InstanceType))
	}
	if t.Zone = r.text("Placement.AvailabilityZone"); t.Zone == "" {
		t.Zone = zonesOf(r.opt.Region)[0]
	}
	if !slices.Contains(zonesOf(r.opt.Region), t.Zone) {
		return t, bad("InvalidParameterValue", "Invalid availability zone: [%s]", shorten(t.Zone))
	}
	if t.subnet = r.text("SubnetId"); t.subnet != "" && !subnetIDForm.MatchString(t.subnet) {
		return t, bad("InvalidSubnetID.NotFound", "The subnet ID '%s' does not exist", shorten(t.subnet))
	}
	if t.subnet == "" {
		t.subnet = defaultSubnet
	}
	if t.KeyName = r.text("KeyName"); t.KeyName != "" && !slices.Contains(r.opt.KeyPairs, t.KeyName) {
		return t, bad("InvalidKeyPair.NotFound", "The key pair '%s' does not exist", shorten(t.KeyName))
	}
	if t.groups, failure = r.groupIDs(); failure != nil {
		return t, failure
	}
	if t.UserData, failure = r.userData(); failure != nil {
		return t, failure
	}
	if t.Tags, failure = r.tagsFor("instance"); failure != nil {
		return t, failure
	}
	t.Spot = r.text("InstanceMarketOptions.MarketType") == "spot"
	t.ClientToken = r.text("ClientToken")
	return t, nil
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
