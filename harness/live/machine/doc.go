// Package machine is what runs on a machine of the live world: a cold boot (the image pull, the agent's start, the LLM
// preflight) and then the agent, in a process of its own, on real time. [Run] is the process's program; it is configured by
// a [Config] on its standard input and by the environment that the controller gave the machine, and says how far it is by
// [Report]s on its standard output.
//
// The image pull and the agent's start only take time. The preflight is a real call to an LLM provider's API, and the
// agent makes real calls to the controller.
//
// # Must not import
//
// harness/live, which starts it, or anything that judges or reports.
package machine
