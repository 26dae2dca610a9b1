package ec2wire

import "slices"

// instanceType is a size of machines.
type instanceType struct {
	name         string
	architecture string
	vcpus        int
	memoryMiB    int
}

// instanceTypes are the sizes that there are.
var instanceTypes = []instanceType{
	{"c5.large", "x86_64", 2, 4096},
	{"c5.xlarge", "x86_64", 4, 8192},
	{"m1.small", "x86_64", 1, 1740},
	{"m5.large", "x86_64", 2, 8192},
	{"m5.xlarge", "x86_64", 4, 16384},
	{"m6i.large", "x86_64", 2, 8192},
	{"m7g.large", "arm64", 2, 8192},
	{"r5.large", "x86_64", 2, 16384},
	{"t2.micro", "x86_64", 1, 1024},
	{"t3.large", "x86_64", 2, 8192},
	{"t3.medium", "x86_64", 2, 4096},
	{"t3.micro", "x86_64", 2, 1024},
	{"t3.nano", "x86_64", 2, 512},
	{"t3.small", "x86_64", 2, 2048},
	{"t4g.small", "arm64", 2, 2048},
}

func findType(name string) (instanceType, bool) {
	i := slices.IndexFunc(instanceTypes, func(t instanceType) bool { return t.name == name })
	if i < 0 {
		return instanceType{}, false
	}
	return instanceTypes[i], true
}

type typeXML struct {
	Name          string        `xml:"instanceType"`
	Current       bool          `xml:"currentGeneration"`
	Architectures items[string] `xml:"processorInfo>supportedArchitectures"`
	VCPUs         int           `xml:"vCpuInfo>defaultVCpus"`
	MemoryMiB     int           `xml:"memoryInfo>sizeInMiB"`
}

var typeFields = fields[numbered[instanceType]]{
	byName: map[string]func(numbered[instanceType]) []string{
		"instance-type": one(func(t numbered[instanceType]) string { return t.row.name }),
		"processor-info.supported-architecture": one(
			func(t numbered[instanceType]) string { return t.row.architecture }),
	},
}

func (r *request) describeInstanceTypes() (reply, *apiError) {
	keep, failure := typeFields.matcher(r.params)
	if failure != nil {
		return nil, failure
	}
	names := r.texts("InstanceType")
	for _, n := range names {
		if _, ok := findType(n); !ok {
			return nil, bad("InvalidInstanceType", "The following supplied instance types do not exist: [%s]", shorten(n))
		}
	}
	var rows []numbered[instanceType]
	for _, t := range number(instanceTypes) {
		if keep(t) && (len(names) == 0 || slices.Contains(names, t.row.name)) {
			rows = append(rows, t)
		}
	}
	rows, next, failure := page(r.params, r.action, rows, func(t numbered[instanceType]) uint64 { return t.seq })
	if failure != nil {
		return nil, failure
	}
	out := &struct {
		meta
		Types     items[typeXML] `xml:"instanceTypeSet"`
		NextToken string         `xml:"nextToken,omitempty"`
	}{NextToken: next}
	for _, t := range rows {
		out.Types.Item = append(out.Types.Item, typeXML{
			t.row.name, t.row.name != "m1.small", items[string]{[]string{t.row.architecture}}, t.row.vcpus, t.row.memoryMiB,
		})
	}
	return out, nil
}
