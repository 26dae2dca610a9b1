package reports_test

import (
	"testing"

	"github.com/bootrace/bootrace/harness/runs"
	"github.com/bootrace/bootrace/reports"
)

// BenchmarkReports renders the run of the built-in suite, which is what every bootrace run adds to playing it.
func BenchmarkReports(b *testing.B) {
	r := suite(b, "")
	for name, render := range map[string]func(*runs.Run) ([]byte, error){
		"junit.xml": reports.JUnit, "summary.md": reports.Markdown, "report.html": reports.HTML, "trace.json": reports.Trace,
	} {
		b.Run(name, func(b *testing.B) {
			size := 0
			for b.Loop() {
				text, err := render(r)
				if err != nil {
					b.Fatal(err)
				}
				size = len(text)
			}
			b.ReportMetric(float64(size), "bytes")
		})
	}
}
