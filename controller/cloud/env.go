package cloud

import (
	"maps"
	"strconv"
)

// The names of the variables that tell an agent what to be, beside those of [Spec.Env].
const (
	EnvName     = "WORKSPACE_NAME"
	EnvRuntime  = "WORKSPACE_RUNTIME"
	EnvModel    = "WORKSPACE_MODEL"
	EnvTemplate = "WORKSPACE_TEMPLATE"
	EnvTier     = "WORKSPACE_TIER"
)

// Environ returns all that an agent's environment says of its workspace, its token included: what every cloud gives a
// machine.
func (s Spec) Environ() map[string]string {
	env := map[string]string{
		EnvName: s.Name, EnvRuntime: s.Runtime, EnvModel: s.Model, EnvTemplate: s.Template, EnvTier: strconv.Itoa(s.Tier),
	}
	maps.Copy(env, s.Env)
	return env
}
