// Package cpwire is a fake control plane: the three calls by which a multi-tenant workspace server asks for machines, served
// by an [http.Handler]. Machines are entries in a table, so a launch costs nothing; what runs on them is up to whoever
// listens to [Options.Launched] and [Options.Stopped].
//
//	server := httptest.NewServer(cpwire.New(cpwire.Options{}))
//	// MOLECULE_CP_URL=<server.URL> MOLECULE_ORG_ID=any
//
// # What it speaks
//
//	POST   /cp/workspaces/provision               {org_id, workspace_id, runtime, tier, platform_url, env}
//	                                              → 201 {instance_id, private_ip, state}; 400, 401, 503
//	DELETE /cp/workspaces/{id}?instance_id=…      → 200 {state}; 401; 404 where the workspace never had the machine
//	GET    /cp/workspaces/{id}/status             → 200 {state, instance_id, private_ip}; 401, 404
//
// Errors are {"error": "…"}. Without instance_id, DELETE ends all machines of the workspace; of one that has ended already it
// is 200 all the same. The status is that of the machine launched last.
//
// # What goes wrong on demand
//
// [Faults] hold [Rule]s: throttling, lack of capacity, errors, refusals for good, slow calls, and replies that are lost after
// the call took effect. [Server.End] takes a machine away, as a host that fails does. [Server.Admin] is the same over HTTP
// with JSON, for a harness in another process.
//
// # Guarantees
//
//   - Machines go pending → running → terminated. A state is a function of the events so far and of [Options.Now]; nothing
//     runs in the background, and no goroutine outlives a request.
//   - A provision that is repeated to the letter while its machine lives is the same machine. One that says anything else,
//     as a restarted workspace's new environment does, launches another beside it: a server that forgets to end the old one
//     is not covered up for.
//   - The same calls in the same order give the same identifiers. The only randomness is that of [Rule.Share], from
//     [Options.Seed].
//   - It is safe for concurrent use; what it keeps is bounded ([Options.MaxMachines], the size of bodies); no request makes
//     it panic, but for http.ErrAbortHandler where a fault closes the connection, which is how net/http is told to.
//   - The environment is handed to the hooks and shown to nobody else, since it holds credentials.
//
// # Must not import
//
// The packages harness, scenarios and reports of this module, nor the controller: it is a cloud for anybody's controller.
package cpwire
