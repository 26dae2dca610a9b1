package dialect

import (
	"embed"
	"fmt"
	"os"
	"path"
	"slices"
	"strings"
	"sync"
)

//go:embed builtin/*.yaml
var files embed.FS

// Molecule is the name of the dialect that is meant where none is.
const Molecule = "molecule"

// Names lists the built-in dialects.
func Names() []string {
	entries, err := files.ReadDir("builtin")
	if err != nil {
		panic(err) // it is embedded
	}
	var all []string
	for _, e := range entries {
		all = append(all, strings.TrimSuffix(e.Name(), ".yaml"))
	}
	return all
}

// Source returns the file of a built-in dialect.
func Source(name string) ([]byte, error) {
	if !slices.Contains(Names(), name) {
		return nil, fmt.Errorf("the dialect %q is not known: %s, or give a file (.yaml)", name, among(Names()))
	}
	return files.ReadFile(path.Join("builtin", name+".yaml"))
}

var loaded = struct {
	sync.Mutex
	all map[string]Dialect
}{all: map[string]Dialect{}}

// Find returns the dialect of that name, or of that file where it is one.
func Find(nameOrFile string) (Dialect, error) {
	if strings.HasSuffix(nameOrFile, ".yaml") || strings.HasSuffix(nameOrFile, ".yml") || strings.ContainsAny(nameOrFile, `/\`) {
		text, err := os.ReadFile(nameOrFile)
		if err != nil {
			return nil, fmt.Errorf("the dialect's file: %w", err)
		}
		return Load(nameOrFile, text)
	}
	loaded.Lock()
	defer loaded.Unlock()
	if d := loaded.all[nameOrFile]; d != nil {
		return d, nil
	}
	text, err := Source(nameOrFile)
	if err != nil {
		return nil, err
	}
	d, err := Load(nameOrFile+".yaml", text)
	if err != nil {
		return nil, err
	}
	loaded.all[nameOrFile] = d
	return d, nil
}
