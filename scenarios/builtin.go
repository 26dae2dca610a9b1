package scenarios

import (
	"embed"
	"fmt"
	"io/fs"
	"slices"
)

// The built-in suite. The order is that of the reports: the race that this program was written for first, then boots
// without faults, then the network, the operator, the controller, the database, the LLM providers, the cloud, machines
// and agents.
var builtinNames = []string{
	"minimax-past-budget",
	"provider-matrix",
	"two-of-each",
	"hermes-slow-mirror",
	"mass-cold-start",
	"dead-boot",
	"left-alone",

	"late-boot-during-partition",
	"lost-heartbeat-replies",
	"duplicate-and-reordered",
	"slow-everything",
	"rate-limited",
	"mass-reconnect",

	"restart-during-boot",
	"delete-during-boot",
	"pause-resume-during-boot",
	"hibernate-and-wake",
	"hibernate-the-busy",
	"pause-family-during-boot",
	"delete-family-during-boot",
	"same-name-again",
	"deaf-agents",

	"crash-at-sweep",
	"crash-after-launch",
	"beyond-the-first-page",
	"two-replicas",
	"clock-jump",
	"postgres-crash",
	"postgres-errors",
	"postgres-errors-after-commit",

	"llm-outage",
	"cloud-throttling",
	"cloud-capacity",
	"cloud-lost-replies",
	"launch-error-after-life",
	"launch-refused",

	"machine-death", "doubtful-cloud",
	"second-silence",
	"silence-during-crash",
	"silence-at-the-sweep",
	"stalled-sweeps",
	"preempted-steps",
	"stopped-controller",
	"rolling-updates",
	"stalled-agents",
	"restarted-machines",
	"spot-end",
	"sick-agents",
	"delete-while-recovering",
	"external-agents",
	"register-overtaken",
	"stray-agent",
	"intruder",
}

//go:embed builtin/*.yaml
var builtinFiles embed.FS

// Names returns the names of the built-in scenarios, in the order of the suite.
func Names() []string { return slices.Clone(builtinNames) }

// Builtin returns the built-in scenarios in the order of the suite. The caller may change them.
func Builtin() []*Scenario {
	all := make([]*Scenario, len(builtinNames))
	for i, name := range builtinNames {
		all[i] = builtin(name)
	}
	return all
}

// Find returns a built-in scenario by its name. The error names the nearest one.
func Find(name string) (*Scenario, error) {
	if !slices.Contains(builtinNames, name) {
		return nil, fmt.Errorf("no built-in scenario is called %s: %s", quoted(name),
			suggest(name, builtinNames, listed("built-in scenarios", builtinNames)))
	}
	return builtin(name), nil
}

// Source returns the YAML of a built-in scenario, comments and all.
func Source(name string) ([]byte, error) {
	if _, err := Find(name); err != nil {
		return nil, err
	}
	return builtinSource(name), nil
}

func builtinSource(name string) []byte {
	text, err := fs.ReadFile(builtinFiles, "builtin/"+name+".yaml")
	if err != nil {
		panic(err) // the tests read every one of them
	}
	return text
}

func builtin(name string) *Scenario {
	s, err := Load("builtin/"+name+".yaml", builtinSource(name))
	if err != nil {
		panic(err) // the tests load every one of them
	}
	return s
}
