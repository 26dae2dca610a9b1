package ec2wire

import (
	"math"
	"regexp"
	"strconv"
	"strings"
	"sync"

	"github.com/bootrace/bootrace/fakeprovider/ec2wire/model"
)

// instanceType is a size of machines.
type instanceType struct {
	name         string
	architecture string
	vcpus        int
	memoryMiB    int
}

// knownTypes are sizes that the rules of sizeOf would get wrong, and the most common ones.
var knownTypes = []instanceType{
	{"m1.small", "x86_64", 1, 1740},
	{"m1.medium", "x86_64", 1, 3788},
	{"m1.large", "x86_64", 2, 7680},
	{"m1.xlarge", "x86_64", 4, 15360},
	{"t1.micro", "x86_64", 1, 627},
	{"t2.nano", "x86_64", 1, 512},
	{"t2.micro", "x86_64", 1, 1024},
	{"t2.small", "x86_64", 1, 2048},
}

// instanceTypes are the sizes that there are, in the order of their names. The names are those of EC2's model; what a size has
// follows from its name, by the rules that most families keep.
var instanceTypes = sync.OnceValue(func() []instanceType {
	known := map[string]instanceType{}
	for _, t := range knownTypes {
		known[t.name] = t
	}
	var all []instanceType
	for _, name := range model.EC2().InstanceTypes {
		t, ok := known[name]
		if !ok {
			t = sizeOf(name)
		}
		all = append(all, t)
	}
	return all
})

var typesByName = sync.OnceValue(func() map[string]instanceType {
	all := map[string]instanceType{}
	for _, t := range instanceTypes() {
		all[t.name] = t
	}
	return all
})

func findType(name string) (instanceType, bool) {
	t, ok := typesByName()[name]
	return t, ok
}

var (
	familyForm = regexp.MustCompile(`^([a-z]+)-?(\d*)([a-z]*)`)
	timesForm  = regexp.MustCompile(`^(?:metal-)?(\d+)xl(?:arge)?$`)
)

// sizeOf says what a size has by its name: m7g.2xlarge is of the family m, generation 7, with Graviton processors (g), and has
// twice the 4 processors of an xlarge.
func sizeOf(name string) instanceType {
	family, size, _ := strings.Cut(name, ".")
	parts := familyForm.FindStringSubmatch(family)
	t := instanceType{name: name, architecture: "x86_64", vcpus: 96}
	class, attributes := "", ""
	if parts != nil {
		class, attributes = parts[1], parts[3]
	}
	switch {
	case family == "a1" || strings.HasPrefix(attributes, "g") && class != "p" || class == "im" && attributes == "gn" || class == "is":
		t.architecture = "arm64"
	case class == "mac" && parts[2] == "1":
		t.architecture, t.vcpus = "x86_64_mac", 12
	case class == "mac":
		t.architecture, t.vcpus = "arm64_mac", 8
	}
	switch times := timesForm.FindStringSubmatch(size); {
	case times != nil:
		n, _ := strconv.Atoi(times[1])
		t.vcpus = 4 * n
	case size == "xlarge":
		t.vcpus = 4
	case size == "medium" && t.architecture == "arm64" && class != "t" || size == "medium" && parts != nil && parts[2] >= "6" && class != "t":
		t.vcpus = 1
	case size != "metal" && class != "mac":
		t.vcpus = 2
	}
	if class == "t" {
		t.memoryMiB = map[string]int{
			"nano": 512, "micro": 1 << 10, "small": 2 << 10, "medium": 4 << 10, "large": 8 << 10, "xlarge": 16 << 10, "2xlarge": 32 << 10,
		}[size]
		return t
	}
	perCPU := map[string]float64{"c": 2, "m": 4, "r": 8, "x": 16, "u": 32, "z": 8, "i": 8, "d": 8, "h": 4, "g": 4, "p": 8, "inf": 2}[class]
	if perCPU == 0 {
		perCPU = 4
	}
	t.memoryMiB = int(math.Round(perCPU * float64(t.vcpus) * 1024))
	return t
}
