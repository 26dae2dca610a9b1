package ec2wire

import (
	"slices"
	"strconv"
	"strings"
)

type typeXML struct {
	Name          string        `xml:"instanceType"`
	Current       bool          `xml:"currentGeneration"`
	Usage         items[string] `xml:"supportedUsageClasses"`
	RootTypes     items[string] `xml:"supportedRootDeviceTypes"`
	Virtual       items[string] `xml:"supportedVirtualizationTypes"`
	BareMetal     bool          `xml:"bareMetal"`
	Hypervisor    string        `xml:"hypervisor,omitempty"`
	Architectures items[string] `xml:"processorInfo>supportedArchitectures"`
	VCPUs         int           `xml:"vCpuInfo>defaultVCpus"`
	MemoryMiB     int           `xml:"memoryInfo>sizeInMiB"`
	Burstable     bool          `xml:"burstablePerformanceSupported"`
}

func (t instanceType) xml() typeXML {
	x := typeXML{
		Name: t.name, Current: !t.old(), Usage: items[string]{[]string{"on-demand", "spot"}}, RootTypes: items[string]{[]string{"ebs"}},
		Virtual: items[string]{[]string{"hvm"}}, BareMetal: strings.Contains(t.name, "metal"), Hypervisor: "nitro",
		Architectures: items[string]{[]string{t.architecture}}, VCPUs: t.vcpus, MemoryMiB: t.memoryMiB,
		Burstable: strings.HasPrefix(t.name, "t"),
	}
	if x.BareMetal {
		x.Hypervisor = ""
	}
	return x
}

// old reports whether the size is of a generation before the current ones.
func (t instanceType) old() bool {
	family, _, _ := strings.Cut(t.name, ".")
	return slices.Contains([]string{"c1", "c3", "cc1", "cc2", "cr1", "g2", "hi1", "hs1", "i2", "m1", "m2", "m3", "r3", "t1"}, family)
}

func typeField(value func(instanceType) string) func(numbered[instanceType]) []string {
	return func(t numbered[instanceType]) []string { return []string{value(t.row)} }
}

var typeFields = fields[numbered[instanceType]]{
	byName: map[string]func(numbered[instanceType]) []string{
		"instance-type":                         typeField(func(t instanceType) string { return t.name }),
		"current-generation":                    typeField(func(t instanceType) string { return strconv.FormatBool(!t.old()) }),
		"bare-metal":                            typeField(func(t instanceType) string { return strconv.FormatBool(t.xml().BareMetal) }),
		"burstable-performance-supported":       typeField(func(t instanceType) string { return strconv.FormatBool(t.xml().Burstable) }),
		"memory-info.size-in-mib":               typeField(func(t instanceType) string { return strconv.Itoa(t.memoryMiB) }),
		"vcpu-info.default-vcpus":               typeField(func(t instanceType) string { return strconv.Itoa(t.vcpus) }),
		"processor-info.supported-architecture": typeField(func(t instanceType) string { return t.architecture }),
		"supported-root-device-type":            typeField(func(instanceType) string { return "ebs" }),
		"supported-virtualization-type":         typeField(func(instanceType) string { return "hvm" }),
		"supported-usage-class":                 func(numbered[instanceType]) []string { return []string{"on-demand", "spot"} },
		"hypervisor":                            typeField(func(t instanceType) string { return t.xml().Hypervisor }),
	},
}

func (r *request) describeInstanceTypes() (reply, *apiError) {
	keep, failure := typeFields.matcher(r.params)
	if failure != nil {
		return nil, failure
	}
	names := r.texts("InstanceType")
	var unknown []string
	for _, n := range names {
		if _, ok := findType(n); !ok {
			unknown = append(unknown, shorten(n))
		}
	}
	if len(unknown) > 0 {
		return nil, bad("InvalidInstanceType", "The following supplied instance types do not exist: [%s]", strings.Join(unknown, ", "))
	}
	if len(names) > 0 && r.at("MaxResults").set {
		return nil, bad("InvalidParameterCombination", "The parameter instanceTypes cannot be used with the parameter maxResults")
	}
	var rows []numbered[instanceType]
	for _, t := range number(instanceTypes()) {
		if (len(names) == 0 || slices.Contains(names, t.row.name)) && keep(t) {
			rows = append(rows, t)
		}
	}
	rows, next, failure := page(r.params, r.action, rows, func(t numbered[instanceType]) uint64 { return t.seq })
	if failure != nil {
		return nil, failure
	}
	if len(names) == 0 && len(rows) > maxTypesPage { // EC2 shows no more at once
		rows = rows[:maxTypesPage]
		next = sealToken(r.action, rows[maxTypesPage-1].seq)
	}
	out := &struct {
		meta
		Types     items[typeXML] `xml:"instanceTypeSet"`
		NextToken string         `xml:"nextToken,omitempty"`
	}{NextToken: next}
	for _, t := range rows {
		out.Types.Item = append(out.Types.Item, t.row.xml())
	}
	return out, nil
}
