// Package operator is the person who creates workspaces and acts on them: over the wire, like anybody, and with the
// patience of somebody who tries again what got no clear answer. It is the same in every world; a world gives it time and a
// way to call the controller.
//
// It must not import any world.
package operator
