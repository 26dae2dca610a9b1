// Package wire holds the JSON bodies and paths of the HTTP contract between a workspace controller, its operators and
// its agents. The reference controller serves it, and the harness speaks it to every controller.
//
// Field names and meanings are those of the public molecule-core workspace server (sources of April 2026).
// It must not import anything of this module.
package wire
