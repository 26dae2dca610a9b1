// Package llm is fake LLM providers, served by an [http.Handler]: enough of OpenAI's and of Anthropic's APIs that an agent's
// preflight, which asks whether its key and model work, can run against them, and as slow and as moody as the profiles of
// package fakeprovider say that the providers are.
//
//	server := httptest.NewServer(llm.New(llm.Options{Speed: 60}))
//	// OPENAI_BASE_URL=<server.URL>/minimax/v1  ANTHROPIC_BASE_URL=<server.URL>/minimax
//
// # What it speaks
//
// Each provider is mounted under its name:
//
//	GET  /{provider}/v1/models, /{provider}/v1/models/{model}   at once
//	POST /{provider}/v1/chat/completions                        as OpenAI does
//	POST /{provider}/v1/messages                                as Anthropic does
//
// Models are listed as Anthropic lists them where the request has an Anthropic-Version, and as OpenAI does otherwise. Any
// model will do, and so will any key, as a bearer token or as X-Api-Key; without one it is 401. "stream": true is answered
// with server-sent events, all at once. Errors have the bodies of the API that was called; 429 has a Retry-After in seconds,
// rounded up, and the exact Retry-After-Ms that both vendors' clients prefer.
//
// # How long a completion takes
//
// The header X-Workspace-Id names the workspace that a request is for; where it is missing, the key does. The n-th
// completion of a workspace at a provider draws, from the seed, whether it is refused (429, or 5xx) and how long it takes.
// [Server.SetPreflight] gives a workspace one exact duration and a number of refusals before it instead. Refusals take
// [Options.Refusal].
//
// All durations that are set or reported here are virtual: they are divided by [Options.Speed], and so is Retry-After.
//
// # What goes wrong on demand
//
// [Faults]: outages (503), throttling (429), and latency on top, for a provider, for a workspace, or for all. They come
// before what a preflight was set to do, and use none of its refusals up. [Server.Admin] is the same over HTTP with JSON, for a
// harness in another process.
//
// # Guarantees
//
//   - How a completion is answered is a function of the seed, the provider, the workspace, how many completions that
//     workspace has asked this provider for, and what was set; not of what other workspaces do meanwhile.
//   - A wait ends when the client gives up; nothing runs in the background, and no goroutine outlives a request.
//   - It is safe for concurrent use. It keeps a few numbers for each workspace that it has heard of, and the last 1024 calls.
//   - Prompts are not kept. Keys are shown, as names of workspaces, unless the header names one: do not use real ones.
//
// # Must not import
//
// The packages harness, scenarios and reports of this module, nor the controller.
package llm
