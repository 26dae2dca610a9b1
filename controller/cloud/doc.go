// Package cloud is what the controller needs of a cloud, as an interface: launch a machine for one incarnation of a
// workspace, stop it, look at it, list what carries the controller's tags. The conformance suite in cloudtest holds
// implementations to the same behaviour.
//
// # Guarantees that every cloud gives
//
//   - Launch is idempotent by workspace and incarnation: asked again, it returns the machine that it launched before. One that
//     replaces a machine which has ended is another launch.
//   - Terminate of a machine that is unknown or already stopped is no error.
//   - Errors are classified by [Classify]; an error of a call leaves open whether it took effect, unless it is permanent.
//   - Describe and List may be behind: a machine just launched can be missing. Nobody may take that for its death.
//
// # Must not import
//
// Anything of this module.
package cloud
