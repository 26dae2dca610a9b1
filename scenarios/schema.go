package scenarios

import (
	"bytes"
	_ "embed"
)

// The schema is generated from the Go types of this package, their comments and the tables that own the vocabularies.
// A test fails where it is out of date.
//
//go:generate go test . -run ^TestSchemaIsInSync$ -update

//go:embed schema.json
var schema []byte

// Schema returns the JSON Schema (2020-12) of a scenario file. It accepts whatever [Load] accepts; Load also refuses what a
// schema cannot say, such as a fault that strikes an unknown group.
func Schema() []byte { return bytes.Clone(schema) }
