package ec2wire

import (
	"maps"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/bootrace/bootrace/fakeprovider/ec2wire/model"
)

// Reference says how much of a call of EC2's model is served.
type Reference struct {
	Action string
	// Honoured are the parameters that a call is served by, Ignored those that are taken and have no effect. Any other is refused.
	Honoured, Ignored []string
	// Filters are those that choose by what the fake has, NoMatch those that are taken and match nothing. Any other is refused.
	Filters, NoMatch []string
}

// References are all calls that are served, in the order of their names. Which parameters are honoured is seen by serving a call of
// each.
func References() []Reference {
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	s := New(Options{Now: func() time.Time { return now }})
	image := s.opt.Images[0].ID
	s.trace(url.Values{"Action": {"RunInstances"}, "ImageId": {image}, "MinCount": {"1"}, "MaxCount": {"1"}})
	var all []Reference
	for _, action := range slices.Sorted(maps.Keys(actions)) {
		form := url.Values{"Action": {action}}
		for name, value := range samples[action] {
			form.Set(name, value)
		}
		if action == "RunInstances" {
			form.Set("ImageId", image)
		}
		of, read := model.EC2().Actions[action], s.trace(form)
		x := Reference{Action: action}
		for _, name := range of.Parameters {
			if read[strings.TrimSuffix(name, ".N")] {
				x.Honoured = append(x.Honoured, name)
			} else {
				x.Ignored = append(x.Ignored, name)
			}
		}
		for _, name := range of.Filters {
			if fake := chosenBy[action]; fake != nil && fake(name) {
				x.Filters = append(x.Filters, name)
			} else {
				x.NoMatch = append(x.NoMatch, name)
			}
		}
		all = append(all, x)
	}
	return all
}

// trace serves a call and returns the parameters that it was served by.
func (s *Server) trace(form url.Values) map[string]bool {
	form.Set("Version", version)
	p, failure := parseParams(form.Encode())
	if failure != nil {
		panic(failure)
	}
	p.read = map[string]bool{}
	s.answer(p, nil, &Call{Action: form.Get("Action")})
	return p.read
}

const (
	sampleMachine = "i-00000000000000001"
	sampleGroup   = "sg-0b007ace000000001"
)

// samples are the parameters without which a call isn't served to its end, and those with which others are looked at.
var samples = map[string]map[string]string{
	"RunInstances":              {"MinCount": "1", "MaxCount": "1", "ClientToken": "sample"},
	"StartInstances":            {"InstanceId.1": sampleMachine},
	"StopInstances":             {"InstanceId.1": sampleMachine},
	"RebootInstances":           {"InstanceId.1": sampleMachine},
	"TerminateInstances":        {"InstanceId.1": sampleMachine},
	"GetConsoleOutput":          {"InstanceId": sampleMachine},
	"DescribeInstanceAttribute": {"InstanceId": sampleMachine, "Attribute": "instanceType"},
	"ModifyInstanceAttribute": {
		"InstanceId": sampleMachine, "Attribute": "instanceInitiatedShutdownBehavior", "Value": "stop", "DisableApiTermination.Value": "false",
	},
	"CreateTags":                    {"ResourceId.1": sampleMachine, "Tag.1.Key": "k"},
	"DeleteTags":                    {"ResourceId.1": sampleMachine, "Tag.1.Key": "k"},
	"CreateSecurityGroup":           {"GroupName": "g", "GroupDescription": "d"},
	"CreateKeyPair":                 {"KeyName": "k"},
	"DeleteSecurityGroup":           {"GroupId": sampleGroup},
	"AuthorizeSecurityGroupIngress": {"GroupId": sampleGroup, "IpProtocol": "tcp", "CidrIp": "10.0.0.0/8"},
	"AuthorizeSecurityGroupEgress":  {"GroupId": sampleGroup, "IpProtocol": "tcp", "CidrIp": "10.0.0.0/8"},
	"RevokeSecurityGroupIngress":    {"GroupId": sampleGroup, "IpProtocol": "tcp", "CidrIp": "10.0.0.0/8"},
	"RevokeSecurityGroupEgress":     {"GroupId": sampleGroup, "IpProtocol": "tcp", "CidrIp": "10.0.0.0/8"},
	"ImportKeyPair":                 {"KeyName": "i", "PublicKeyMaterial": "a2V5"},
	"DeleteKeyPair":                 {"KeyName": "k"},
}

// chosenBy are the filters of each call that the fake has something for.
var chosenBy = map[string]func(name string) bool{
	"DescribeInstances":      instanceFields.has,
	"DescribeInstanceStatus": statusFields(time.Time{}, Times{}).has,
	"DescribeTags":           tagFields.has,
	"DescribeImages": func(name string) bool {
		return imageFields.has(name) || slices.Contains([]string{"owner-id", "manifest-location", "tag:", "tag-key"}, name)
	},
	"DescribeInstanceTypes":     typeFields.has,
	"DescribeRegions":           regionFields.has,
	"DescribeAvailabilityZones": zoneFields.has,
	"DescribeSecurityGroups":    groupFields.has,
	"DescribeKeyPairs":          keyPairFields.has,
	"DescribeSubnets":           subnetFields.has,
	"DescribeVpcs":              vpcFields.has,
	"DescribeVolumes":           volumeFields.has,
}

// has reports whether rows can be chosen by the filter.
func (f fields[T]) has(name string) bool {
	if name == "tag:" {
		return f.tags != nil
	}
	return f.field(name) != nil
}
