// Package docker is the cloud of machines that are containers of a Docker Engine. It implements controller/cloud and passes
// its conformance suite.
//
// # How it keeps what a cloud promises
//
//   - Launch creates a container whose name is derived from deployment, workspace and incarnation, and starts it. The Engine
//     gives a name only once, so a launch that is asked for again, by another replica or after a crash between the two steps,
//     is the same machine.
//   - A machine that was terminated, or whose program has ended, stays as a stopped container for [Config.Retain], and is
//     terminated in the words of package cloud: its name is taken, so a launch that was under way all the while does not
//     bring its incarnation back. Launch of such a machine is cloud.ErrRefused. (A container that was created and never
//     started cannot be kept like that: it is removed.)
//   - [Cloud.Check] says what keeps the Engine from launching, before anybody waits for it; [Probe] what this machine lacks.
//   - A container carries the labels bootrace.deployment, bootrace.workspace, bootrace.incarnation and bootrace.name, and
//     bootrace.owner and bootrace.lifetime where they are set. Containers of other deployments, and those without labels, are
//     never touched, whatever id is asked for.
//
// # What is not kept for ever
//
// What carries a bootrace.owner belongs to one process. [Engine.Reap] removes containers and networks whose owner is gone,
// which it tells by boot, process namespace, process id and start time; where it cannot tell, since the owner ran on another
// machine, it goes by bootrace.lifetime. Images that [Engine.Image] built are removed once another was built and nothing
// uses them. [Engine.Inventory] tells of all this with its owner and whether that lives, for people who choose by themselves.
//
// # Errors
//
// They wrap an [Error] and, by the Engine's status, one of cloud.ErrThrottled (429, 503), cloud.ErrCapacity (no addresses or
// no room left), cloud.ErrRefused (a request that makes no sense, an image that is not there) and cloud.ErrNotFound; all
// others are transient. Images are never pulled.
//
// # Secrets
//
// The agent's environment, with its token, is the container's. Whoever may talk to the Engine can read it, and is root on
// its host anyhow.
//
// # Must not import
//
// Anything of this module but controller/cloud.
package docker
