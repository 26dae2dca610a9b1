// Package preflight asks an LLM provider for one completion, as an agent does before it begins: a cold boot's last phase, and
// its slowest. All agents that boot on real time ask by it.
//
// It must not import anything of this module but fakeprovider/llm, for the header that names a workspace.
package preflight
