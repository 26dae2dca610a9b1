package model

import (
	_ "embed"
	"encoding/json"
	"slices"
	"sync"
)

//go:generate go run ./gen

// Action is a call.
type Action struct {
	// Parameters are the names at the top of the request, as they are on the wire; those of lists end with ".N".
	Parameters []string `json:"parameters"`
	// Filters are the names of the filters that the call has; "tag:" stands for a tag's key after it.
	Filters []string `json:"filters,omitempty"`
}

// Model is what gen writes.
type Model struct {
	Actions       map[string]Action `json:"actions"`
	InstanceTypes []string          `json:"instance_types"`
	ResourceTypes []string          `json:"resource_types"` // what tags can be specified for
}

//go:embed model.json
var source []byte

// EC2 returns the model.
var EC2 = sync.OnceValue(func() Model {
	var m Model
	if err := json.Unmarshal(source, &m); err != nil { // it is generated
		panic(err)
	}
	return m
})

// HasFilter reports whether the call has the filter.
func (a Action) HasFilter(name string) bool {
	_, found := slices.BinarySearch(a.Filters, name)
	return found
}
