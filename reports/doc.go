// Package reports renders stored runs: for a terminal, as JUnit XML for CI, as Markdown for a step summary, as a page for
// a person, and as a trace for a viewer of traces. Each renderer is a pure function of a [runs.Run]
// and its histories, so that an old run can be rendered again, in any form.
//
// # Guarantees
//
//   - One run has one rendering, to the byte.
//   - Texts that come from outside the program (errors, causes, tails of logs) are shown, and never acted on: by a terminal,
//     an XML reader, a Markdown renderer, a browser or a shell.
//   - No report of a run that proves less than it was meant to looks like that of one that held.
//   - The page needs nothing beside it and asks no network for anything. What it draws and tells has a bounded size, however
//     large the run, and it says what it leaves out.
//
// Another form is one more function of the same run, listed in [Files].
//
// # Must not import
//
// Any world.
package reports
