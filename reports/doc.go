// Package reports renders stored runs: for a terminal, as JUnit XML for CI, as Markdown for a step summary. Each renderer
// is a pure function of a [runs.Run] and its histories, so that an old run can be rendered again, in any form.
//
// An HTML page and a trace are to come; each is one more function of the same run, listed in [Files].
//
// It must not import any world.
package reports
