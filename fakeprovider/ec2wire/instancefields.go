package ec2wire

import (
	"maps"
	"strconv"
	"time"
)

// machineField is what the machines of a filter's value have.
type machineField = func(*machine) []string

// always is a field in which machines don't differ.
func always(value string) machineField { return func(*machine) []string { return []string{value} } }

// held is a field of what a machine has until it is terminated.
func held(value func(*machine) string) machineField {
	return func(m *machine) []string {
		if m.State == Terminated {
			return nil
		}
		return []string{value(m)}
	}
}

// some is a field that a machine has where its value isn't empty.
func some(value func(*machine) string) machineField {
	return func(m *machine) []string {
		if v := value(m); v != "" {
			return []string{v}
		}
		return nil
	}
}

func groupsOf(value func(group) string) machineField {
	return func(m *machine) (values []string) {
		if m.State == Terminated {
			return nil
		}
		for _, g := range m.groups {
			values = append(values, value(g))
		}
		return values
	}
}

// instanceFields are what instances can be filtered by.
var instanceFields = fields[*machine]{
	byName: map[string]machineField{
		"architecture":                                       some(func(m *machine) string { return m.architecture }),
		"availability-zone":                                  some(func(m *machine) string { return m.Zone }),
		"availability-zone-id":                               some(func(m *machine) string { return m.zoneID }),
		"client-token":                                       some(func(m *machine) string { return m.ClientToken }),
		"ebs-optimized":                                      always("false"),
		"ena-support":                                        always("true"),
		"hypervisor":                                         always("xen"),
		"image-id":                                           some(func(m *machine) string { return m.ImageID }),
		"instance-id":                                        some(func(m *machine) string { return m.ID }),
		"instance-state-code":                                some(func(m *machine) string { return strconv.Itoa(int(m.State)) }),
		"instance-state-name":                                some(func(m *machine) string { return m.State.String() }),
		"instance-type":                                      some(func(m *machine) string { return m.InstanceType }),
		"instance.group-id":                                  groupsOf(func(g group) string { return g.id }),
		"instance.group-name":                                groupsOf(func(g group) string { return g.name }),
		"key-name":                                           some(func(m *machine) string { return m.KeyName }),
		"launch-index":                                       some(func(m *machine) string { return strconv.Itoa(m.index) }),
		"launch-time":                                        some(func(m *machine) string { return stamp(m.LaunchedAt) }),
		"metadata-options.http-endpoint":                     always("enabled"),
		"metadata-options.http-tokens":                       some(func(m *machine) string { return m.httpTokens }),
		"metadata-options.state":                             always("applied"),
		"monitoring-state":                                   always("disabled"),
		"owner-id":                                           some(func(m *machine) string { return m.owner }),
		"platform-details":                                   always("Linux/UNIX"),
		"private-dns-name":                                   held((*machine).privateDNS),
		"private-ip-address":                                 held(func(m *machine) string { return m.PrivateIP }),
		"reason":                                             some((*machine).reason),
		"reservation-id":                                     some(func(m *machine) string { return m.ReservationID }),
		"root-device-name":                                   always(rootDevice),
		"root-device-type":                                   always("ebs"),
		"source-dest-check":                                  always("true"),
		"spot-instance-request-id":                           some(func(m *machine) string { return m.spotRequest }),
		"state-reason-code":                                  some(func(m *machine) string { return m.stateReason().Code }),
		"state-reason-message":                               some(func(m *machine) string { return m.stateReason().Message }),
		"subnet-id":                                          held(func(m *machine) string { return m.subnet }),
		"tenancy":                                            always("default"),
		"usage-operation":                                    always("RunInstances"),
		"virtualization-type":                                always("hvm"),
		"vpc-id":                                             held(func(m *machine) string { return m.vpc }),
		"block-device-mapping.attach-time":                   held(func(m *machine) string { return stamp(m.created) }),
		"block-device-mapping.device-name":                   held(func(*machine) string { return rootDevice }),
		"block-device-mapping.status":                        held(func(*machine) string { return "attached" }),
		"block-device-mapping.volume-id":                     held((*machine).volume),
		"network-interface.availability-zone":                held(func(m *machine) string { return m.Zone }),
		"network-interface.group-id":                         groupsOf(func(g group) string { return g.id }),
		"network-interface.group-name":                       groupsOf(func(g group) string { return g.name }),
		"network-interface.mac-address":                      held((*machine).mac),
		"network-interface.network-interface-id":             held((*machine).networkInterface),
		"network-interface.owner-id":                         held(func(m *machine) string { return m.owner }),
		"network-interface.private-dns-name":                 held((*machine).privateDNS),
		"network-interface.private-ip-address":               held(func(m *machine) string { return m.PrivateIP }),
		"network-interface.status":                           held(func(*machine) string { return "in-use" }),
		"network-interface.subnet-id":                        held(func(m *machine) string { return m.subnet }),
		"network-interface.vpc-id":                           held(func(m *machine) string { return m.vpc }),
		"network-interface.addresses.private-ip-address":     held(func(m *machine) string { return m.PrivateIP }),
		"network-interface.attachment.status":                held(func(*machine) string { return "attached" }),
		"network-interface.attachment.device-index":          held(func(*machine) string { return "0" }),
		"network-interface.attachment.instance-id":           held(func(m *machine) string { return m.ID }),
		"block-device-mapping.delete-on-termination":         held(func(*machine) string { return "true" }),
		"network-interface.attachment.delete-on-termination": held(func(*machine) string { return "true" }),
		"network-interface.source-dest-check":                held(func(*machine) string { return "true" }),
		"instance-lifecycle": some(func(m *machine) string {
			if m.Spot {
				return "spot"
			}
			return ""
		}),
	},
	tags: func(m *machine) map[string]string { return m.Tags },
}

// statusFields are what DescribeInstanceStatus, which has filters of its own, can be filtered by at the moment.
func statusFields(now time.Time, times Times) fields[*machine] {
	byName := map[string]machineField{
		"instance-status.status":       func(m *machine) []string { return []string{checksOf(m, now, times).Status} },
		"instance-status.reachability": func(m *machine) []string { return checksOf(m, now, times).reachability() },
	}
	byName["system-status.status"] = byName["instance-status.status"]
	byName["system-status.reachability"] = byName["instance-status.reachability"]
	for _, name := range []string{"availability-zone", "availability-zone-id", "instance-state-code", "instance-state-name"} {
		byName[name] = instanceFields.byName[name]
	}
	return fields[*machine]{byName: maps.Clone(byName)}
}
