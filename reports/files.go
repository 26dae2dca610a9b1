package reports

import (
	"path/filepath"

	"github.com/bootrace/bootrace/harness/runs"
)

// file is one report that is kept in a run's folder.
type file struct {
	name   string
	render func(*runs.Run) ([]byte, error)
}

// files are the reports that every run keeps. Another form of report is one more line here.
var files = []file{
	{"junit.xml", JUnit},
	{"summary.md", Markdown},
}

// Files returns the names of the reports that Write writes.
func Files() []string {
	names := make([]string, len(files))
	for i, f := range files {
		names[i] = f.name
	}
	return names
}

// Write renders every report into the run's folder.
func Write(r *runs.Run) error {
	for _, f := range files {
		b, err := f.render(r)
		if err != nil {
			return err
		}
		if err := runs.WriteFile(filepath.Join(r.Folder(), f.name), b); err != nil {
			return err
		}
	}
	return nil
}
