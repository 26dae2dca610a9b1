package scenarios

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
)

// Files loads the scenarios of files, and of every file of a directory (not of those below it) whose name ends in .yaml or
// .yml, in the order of the paths and, within a directory, of the names. The error is [*Problems], with everything that is
// wrong with any of them; two scenarios of one name are wrong too.
func Files(paths []string) ([]*Scenario, error) {
	var all []*Scenario
	var list []Problem
	homes := map[string]string{}
	for _, path := range paths {
		files, err := expand(path)
		if err != nil {
			list = append(list, *err)
			continue
		}
		for _, file := range files {
			text, err := readFile(file)
			if err != nil {
				list = append(list, *err)
				continue
			}
			s, found := load(file, text)
			if len(found) > 0 {
				list = append(list, found...)
				continue
			}
			if home, dup := homes[s.Name]; dup {
				hint := "scenarios of one run need names of their own"
				if filepath.Clean(home) == filepath.Clean(file) {
					hint = "the same file is given twice"
				}
				list = append(list, Problem{File: file, Message: fmt.Sprintf("%s also has a scenario called %s", home, s.Name), Hint: hint})
				continue
			}
			homes[s.Name] = file
			all = append(all, s)
		}
	}
	if len(list) > 0 {
		return nil, &Problems{List: list}
	}
	return all, nil
}

// expand returns the scenario files that a path stands for.
func expand(path string) ([]string, *Problem) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, fileProblem(path, err)
	}
	if !info.IsDir() {
		return []string{path}, nil
	}
	entries, err := os.ReadDir(path)
	if err != nil {
		return nil, fileProblem(path, err)
	}
	var files []string
	for _, e := range entries {
		if ext := filepath.Ext(e.Name()); !e.IsDir() && (ext == ".yaml" || ext == ".yml") {
			files = append(files, filepath.Join(path, e.Name()))
		}
	}
	slices.Sort(files)
	if len(files) == 0 {
		return nil, &Problem{File: path, Message: "the directory holds no scenario", Hint: "a scenario's file ends in .yaml or .yml"}
	}
	return files, nil
}

// readFile reads a file, but not much more of it than a scenario can have.
func readFile(path string) ([]byte, *Problem) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fileProblem(path, err)
	}
	defer f.Close() //nolint:errcheck // it was only read
	text, err := io.ReadAll(io.LimitReader(f, maxSource+1))
	if err != nil {
		return nil, fileProblem(path, err)
	}
	return text, nil
}

// fileProblem words an error of the file system; the path is in the problem's place already.
func fileProblem(path string, err error) *Problem {
	var at *fs.PathError
	if errors.As(err, &at) {
		err = at.Err
	}
	p := &Problem{File: path, Message: err.Error()}
	if _, known := nearest(path, builtinNames); known && errors.Is(err, fs.ErrNotExist) {
		near, _ := nearest(path, builtinNames)
		p.Hint = near + " is the name of a built-in scenario, not a file"
	}
	return p
}
