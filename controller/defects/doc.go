// Package defects holds named defects of workspace controllers, each seen in a real one, for the reference controller to
// be given on purpose: so that the harness can prove that it finds them. None is on unless asked for by name.
//
// A defect never stands in the controller's own code. It alters what the controller is made of: another lifecycle table, a
// store or cloud that does something else than it is asked, ticks that are missing. So the controller reads as if there
// were none.
//
// # Must not import
//
// The harness: a defect does not know how it will be found.
package defects
