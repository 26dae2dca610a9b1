// Package endpoints is everything that a machine without a cloud needs, in one: the EC2 wire (package ec2wire), the
// control plane's wire (package cpwire) and the LLM providers (package llm), and one administration for all of them. The
// command bootrace fakeprovider serves it.
//
// # Where things are
//
// On one address, [Endpoints.Handler] has
//
//	POST /                     EC2, for AWS_ENDPOINT_URL
//	/cp/…                      the control plane, for MOLECULE_CP_URL
//	/{provider}/v1/…           an LLM provider, for OPENAI_BASE_URL (with /v1) or ANTHROPIC_BASE_URL (without)
//	/admin/…                   the administration
//
// and any selection of these on an address of its own. The administration asks for no credentials: give it an address of its
// own where what is being tested must not reach it.
//
// # The administration
//
// Bodies are JSON; durations are "1m30s". 204 is success, 400 a body that makes no sense (which changes nothing), 404 what is
// not there.
//
//	GET    /admin/health                               {status: "ok"}
//	GET    /admin/state                                {seed, speed, ec2, cp, llm}
//	GET    /admin/boots?after=N                        {boots: [{number, phase, cloud, id, workspace_id, incarnation, boots, died, env}], last}
//	DELETE /admin/faults                               nothing goes wrong any more, anywhere
//	GET    /admin/ec2/state, /admin/cp/state, /admin/llm/state
//	PUT    /admin/ec2/faults                           {invisible, buckets: {action: {size, refill}}, rules: [{action, kind, skip, times, share, status, code, message}]}
//	PUT    /admin/cp/faults                            {rules: [{call, kind, workspace, skip, times, share, delay, status, message}]}
//	PUT    /admin/llm/faults                           {rules: [{kind, provider, workspace, delay, skip, times, share}]}
//	DELETE /admin/ec2                                  EC2 is as it was at the start
//	PUT    /admin/ec2/snapshots/{name}                 its machines and all else that calls can change are kept
//	POST   /admin/ec2/snapshots/{name}/restore         and are there again
//	POST   /admin/ec2/machines/{id}/end                {code, message}, or nothing for a spot interruption
//	POST   /admin/ec2/machines/{id}/console            "text"
//	POST   /admin/cp/machines/{id}/end                 {reason}, or nothing for a host that failed
//	PUT    /admin/llm/workspaces/{id}/preflight        {takes, refusals}
//	DELETE /admin/llm/workspaces/{id}/preflight
//
// Boots are what machines boot with, which holds credentials, when they end, and which launches failed: whoever asks is to boot
// their agents. A client that repeats a call by itself has each try told. They are
// told only where [Options.TellBoots] is set. An answer waits for something to tell, for ten seconds; without a number it comes
// at once, with the last number alone.
//
// The kinds of faults are those of ec2wire.Kind, cpwire.Kind and llm.Kind.
//
// # Clients
//
// The AWS command line, boto3 and aws-sdk-go-v2 work as they are. Package httpserver says what it takes for the last. Bodies
// that change something are of the type application/json, but for EC2's; a Host that is neither loopback's, nor the address, nor
// one of [Options.Hosts], is refused, and so is a foreign Origin.
//
// # Guarantees
//
//   - What the three packages guarantee. The speed divides the LLM providers' durations and [Options.Boot]; durations in the
//     clouds' faults are real.
//   - [Endpoints.Serve] ends promptly with its context; replies that are still being waited for are cut off, not made up.
//
// # Must not import
//
// The packages harness, scenarios and reports of this module.
package endpoints
