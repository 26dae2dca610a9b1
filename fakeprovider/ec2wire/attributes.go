package ec2wire

import (
	"encoding/base64"
	"slices"
	"strconv"
)

// valueXML is an attribute's value.
type valueXML struct {
	Value string `xml:"value"`
}

func (r *request) attributed() (*machine, *apiError) {
	id := r.text("InstanceId")
	if id == "" {
		return nil, errMissing("InstanceId")
	}
	if !instanceIDForm.MatchString(id) {
		return nil, errMalformedID(id)
	}
	m := r.fleet.byID[id]
	if !r.visible(m) {
		return nil, errUnknownIDs([]string{id})
	}
	return m, nil
}

// describeInstanceAttribute shows one attribute of a machine.
func (r *request) describeInstanceAttribute() (reply, *apiError) {
	m, failure := r.attributed()
	if failure != nil {
		return nil, failure
	}
	out := &struct {
		meta
		InstanceID  string           `xml:"instanceId"`
		Termination *valueXML        `xml:"disableApiTermination"`
		Stop        *valueXML        `xml:"disableApiStop"`
		Behavior    *valueXML        `xml:"instanceInitiatedShutdownBehavior"`
		Type        *valueXML        `xml:"instanceType"`
		RootDevice  *valueXML        `xml:"rootDeviceName"`
		SourceDest  *valueXML        `xml:"sourceDestCheck"`
		EBS         *valueXML        `xml:"ebsOptimized"`
		ENA         *valueXML        `xml:"enaSupport"`
		UserData    *valueXML        `xml:"userData"`
		Groups      *items[groupXML] `xml:"groupSet"`
	}{InstanceID: m.ID}
	switch name := r.text("Attribute"); name {
	case "":
		return nil, errMissing("Attribute")
	case "disableApiTermination":
		out.Termination = &valueXML{strconv.FormatBool(m.protected)}
	case "disableApiStop":
		out.Stop = &valueXML{"false"}
	case "instanceInitiatedShutdownBehavior":
		out.Behavior = &valueXML{m.behavior}
	case "instanceType":
		out.Type = &valueXML{m.InstanceType}
	case "rootDeviceName":
		out.RootDevice = &valueXML{rootDevice}
	case "sourceDestCheck":
		out.SourceDest = &valueXML{"true"}
	case "ebsOptimized":
		out.EBS = &valueXML{"false"}
	case "enaSupport":
		out.ENA = &valueXML{"true"}
	case "userData": // who may describe it launched it: it is asked for by its owner
		if out.UserData = new(valueXML); len(m.UserData) > 0 {
			out.UserData.Value = base64.StdEncoding.EncodeToString(m.UserData)
		}
	case "groupSet":
		out.Groups = &items[groupXML]{}
		for _, g := range m.groups {
			out.Groups.Item = append(out.Groups.Item, groupXML{g.id, g.name})
		}
	default:
		return nil, bad("InvalidParameterValue", "Value (%s) for parameter attribute is invalid. Unknown attribute.", shorten(name))
	}
	return out, nil
}

// modifyInstanceAttribute changes what it can: protection from termination, the behavior on shutdown, the groups, and the type of
// a machine that is stopped.
func (r *request) modifyInstanceAttribute() (reply, *apiError) {
	m, failure := r.attributed()
	if failure != nil {
		return nil, failure
	}
	value := func(name string) *params {
		if r.text("Attribute") == lowerFirst(name) {
			return r.at("Value")
		}
		if v := r.at(name + ".Value"); v.set {
			return v
		}
		return r.at(name)
	}
	after := *m
	changed := false
	if v := value("DisableApiTermination"); v.set {
		changed = true
		if after.protected, failure = (&params{kids: map[string]*params{"v": v}}).flag("v"); failure != nil {
			return nil, failure
		}
	}
	if v := value("InstanceInitiatedShutdownBehavior"); v.set {
		changed = true
		if after.behavior = v.value; after.behavior != "stop" && after.behavior != "terminate" {
			return nil, errValue("instanceInitiatedShutdownBehavior", v.value, "Expecting stop or terminate.")
		}
	}
	if v := value("InstanceType"); v.set {
		changed = true
		size, ok := findType(v.value)
		switch {
		case !ok:
			return nil, bad("InvalidInstanceAttributeValue", "Invalid value '%s' for InstanceType.", shorten(v.value))
		case m.State != Stopped:
			return nil, bad("IncorrectInstanceState", "The instance '%s' is not in the 'stopped' state.", m.ID)
		case size.architecture != m.architecture:
			return nil, errArchitecture(size.architecture, m.architecture)
		}
		after.InstanceType = v.value
	}
	if ids := r.texts("GroupId"); len(ids) > 0 {
		changed = true
		after.groups = nil
		for _, id := range ids {
			g, failure := r.groupByID(id)
			if failure != nil {
				return nil, failure
			}
			after.groups = append(after.groups, g)
		}
	}
	if !changed && !slices.ContainsFunc([]string{"EbsOptimized", "EnaSupport", "SourceDestCheck", "DisableApiStop"}, func(n string) bool {
		return value(n).set
	}) {
		return nil, bad("InvalidParameterCombination", "No attributes specified.")
	}
	if r.dryRun {
		return nil, errDryRun()
	}
	m.protected, m.behavior, m.InstanceType, m.groups = after.protected, after.behavior, after.InstanceType, after.groups
	return &done{Return: true}, nil
}

func lowerFirst(name string) string { return string(name[0]|0x20) + name[1:] }
