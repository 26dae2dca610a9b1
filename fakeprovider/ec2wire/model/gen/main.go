// Command gen writes model.json, off the source of the version of aws-sdk-go-v2 in go.mod: into the folder that it is told, or here.
package main

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/bootrace/bootrace/fakeprovider/ec2wire/model"
)

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "gen:", err)
		os.Exit(1)
	}
}

func run() error {
	names, err := os.ReadFile("actions.txt")
	if err != nil {
		return err
	}
	dir, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", "github.com/aws/aws-sdk-go-v2/service/ec2").Output() //nolint:noctx // it ends by itself
	if err != nil {
		return err
	}
	m, err := read(strings.TrimSpace(string(dir)), strings.Fields(string(names)))
	if err != nil {
		return err
	}
	text, err := json.MarshalIndent(m, "", " ")
	if err != nil {
		return err
	}
	to := "."
	if len(os.Args) > 1 {
		to = os.Args[1]
	}
	return os.WriteFile(filepath.Join(to, "model.json"), append(text, '\n'), 0o644) //nolint:gosec // everybody may read it
}

func read(dir string, names []string) (model.Model, error) {
	m := model.Model{Actions: map[string]model.Action{}}
	serializers, err := os.ReadFile(filepath.Join(dir, "serializers.go"))
	if err != nil {
		return m, err
	}
	for _, name := range names {
		input, err := os.ReadFile(filepath.Join(dir, "api_op_"+name+".go")) //nolint:gosec // the names are those of actions.txt
		if err != nil {
			return m, err
		}
		parameters, err := parametersOf(string(serializers), name)
		if err != nil {
			return m, err
		}
		m.Actions[name] = model.Action{Parameters: parameters, Filters: filtersOf(string(input))}
	}
	enums, err := os.ReadFile(filepath.Join(dir, "types", "enums.go"))
	if err != nil {
		return m, err
	}
	m.InstanceTypes, m.ResourceTypes = enum(enums, "InstanceType"), enum(enums, "ResourceType")
	return m, nil
}

// enum returns the values of a type, in order.
func enum(source []byte, name string) (values []string) {
	for _, found := range regexp.MustCompile(`(?m)^\s+`+name+`\w+\s+`+name+` = "([^"]+)"`).FindAllSubmatch(source, -1) {
		values = append(values, string(found[1]))
	}
	slices.Sort(values)
	return values
}

var key = regexp.MustCompile(`object\.(Flat)?Key\("(\w+)"\)`)

// parametersOf reads the function that writes a call's input.
func parametersOf(serializers, action string) ([]string, error) {
	_, text, found := strings.Cut(serializers, "func awsEc2query_serializeOpDocument"+action+"Input(")
	if !found {
		return nil, fmt.Errorf("%s has no serializer", action)
	}
	text, _, _ = strings.Cut(text, "\n}\n")
	var names []string
	for _, found := range key.FindAllStringSubmatch(text, -1) {
		name := found[2]
		if found[1] != "" {
			name += ".N"
		}
		names = append(names, name)
	}
	slices.Sort(names)
	return slices.Compact(names), nil
}

var filter = regexp.MustCompile(`^- (tag ?:?|[a-z][a-zA-Z0-9.-]*) - `)

// filtersOf reads the list in the comment on the input's field Filters.
func filtersOf(input string) []string {
	_, text, found := strings.Cut(input, "Input struct {")
	if !found {
		return nil
	}
	before, _, found := strings.Cut(text, "\tFilters []types.Filter")
	if !found {
		return nil
	}
	lines := strings.Split(before, "\n")
	begin := len(lines)
	for begin > 0 && (strings.HasPrefix(lines[begin-1], "\t//") || begin == len(lines)) {
		begin--
	}
	var names []string
	item, values := "", false // values: the items are a filter's values, until one has the form of a filter's name
	take := func() {
		if found := filter.FindStringSubmatch(item); found != nil && (!values || strings.ContainsAny(found[1], "-.:")) {
			name := found[1]
			if strings.TrimRight(name, " :") == "tag" { // it is spelt in several ways
				name = "tag:"
			}
			names = append(names, name)
			values = strings.HasSuffix(item, ":")
		}
		item = ""
	}
	for _, line := range lines[begin:] {
		text, comment := strings.CutPrefix(line, "\t//")
		text = strings.TrimSpace(text)
		switch {
		case !comment || text == "":
			take()
		case text == "-" || strings.HasPrefix(text, "- ") && item == "":
			take()
			item = text
		case item != "":
			item += " " + text
		}
	}
	take()
	slices.Sort(names)
	return slices.Compact(names)
}
