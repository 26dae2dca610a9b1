// Package model is what EC2's public API model says of calls: their parameters, their filters, and the types of instances that
// there are. It is read off the source of aws-sdk-go-v2 by the command gen, and not typed.
//
// # Guarantees
//
//   - The same version of the SDK gives the same model.json; a test fails where it is not that of the version in go.mod.
//
// # Must not import
//
// Anything of this module.
package model
