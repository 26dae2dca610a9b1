package docker

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strconv"
	"time"

	"github.com/bootrace/bootrace/controller/cloud"
)

// The labels of what this package makes.
const (
	LabelDeployment  = "bootrace.deployment"
	LabelWorkspace   = "bootrace.workspace"
	LabelIncarnation = "bootrace.incarnation"
	LabelName        = "bootrace.name" // the workspace's; for people
	// LabelOwner holds the process that a container or network belongs to, as [Self] names it.
	LabelOwner = "bootrace.owner"
	// LabelLifetime holds how old it may become, "6h0m0s".
	LabelLifetime = "bootrace.lifetime"
	// LabelProgram holds the SHA-256 of the program that an image was built from, and of that on a network whose machines
	// boot the image.
	LabelProgram = "bootrace.program"
)

// name derives the name that makes a launch idempotent. Parts are distinguished by their lengths, so that no two launches share
// one; what a person can read of it is cut short.
func (c Config) name(spec cloud.Spec) string {
	sum := sha256.Sum256(fmt.Appendf(nil, "%d:%s %d:%s %d", len(c.Deployment), c.Deployment, len(spec.Key()), spec.Key(),
		spec.Incarnation))
	return "bootrace-" + c.Deployment + "-" + hex.EncodeToString(sum[:12])
}

// labels returns the labels of a machine.
func (c Config) labels(spec cloud.Spec) map[string]string {
	labels := Owned(c.Owner, c.Lifetime)
	labels[LabelDeployment] = c.Deployment
	labels[LabelWorkspace] = spec.WorkspaceID
	labels[LabelIncarnation] = strconv.Itoa(spec.Incarnation)
	labels[LabelName] = spec.Name
	return labels
}

// Owned returns the labels by which [Engine.Reap] knows what is left over; an empty owner or a lifetime of zero has none.
func Owned(owner string, lifetime time.Duration) map[string]string {
	labels := map[string]string{}
	if owner != "" {
		labels[LabelOwner] = owner
	}
	if lifetime > 0 {
		labels[LabelLifetime] = lifetime.String()
	}
	return labels
}
