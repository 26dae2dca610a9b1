// Command readme keeps the documentation true: README.md, CONTRIBUTING.md, CHANGELOG.md and the pages of docs/.
//
//   - It fills in the parts that are generated from the code: tables of invariants, defects, scenarios and faults, the
//     reference of a scenario's fields, the lifecycle's diagram. Without -write it fails where one is out of date.
//   - It checks that links and their anchors lead somewhere, that files, make targets and tests that are named exist, and
//     that every shell block says how it is tried.
//   - With -program it tries the commands: those of console blocks are run, and what a block shows must be what they
//     print; for all others, their flags and arguments are parsed by the program.
//
// It must be run in the root of the repository.
package main
