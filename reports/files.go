package reports

import (
	"os"
	"path/filepath"
	"slices"

	"github.com/bootrace/bootrace/harness/runs"
)

// file is one report that is kept in a run's folder.
type file struct {
	name   string
	render func(*runs.Run) ([]byte, error)
}

// files are the reports that every run keeps. Another form of report is one more line here.
func files() []file {
	return []file{
		{"junit.xml", JUnit},
		{"summary.md", Markdown},
		{fileHTML, HTML},
		{"trace.json", Trace},
	}
}

// fileHTML is the page for a person. It names the others.
const fileHTML = "report.html"

// Files returns the names of the reports that Write writes.
func Files() []string {
	var names []string
	for _, f := range files() {
		names = append(names, f.name)
	}
	return names
}

// Write renders every report into the run's folder. Errors name the file.
func Write(r *runs.Run) error { return write(r, files()) }

// Complete renders those reports that the run's folder lacks, as that of a run does which an older version kept. What is
// there stays as it is. Errors name the file.
func Complete(r *runs.Run) error {
	return write(r, slices.DeleteFunc(files(), func(f file) bool { return exists(filepath.Join(r.Folder(), f.name)) }))
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

func write(r *runs.Run, files []file) error {
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
