// Package cloudtest is the conformance suite that every implementation of controller/cloud passes: what package cloud
// guarantees, tried from outside.
//
// It must not import anything of this module but controller/cloud.
package cloudtest
