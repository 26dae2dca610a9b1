package docker

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
	"time"
)

// Config says which containers to start.
type Config struct {
	// Deployment tells this controller's machines from those of others on the Engine: up to 64 letters, digits, dots, dashes
	// and underscores. Required.
	Deployment string `json:"deployment"`
	// Host is where the Engine is, such as unix:///run/docker.sock or tcp://127.0.0.1:2375; empty is what DOCKER_HOST says,
	// or else the socket of this machine.
	Host string `json:"host,omitempty"`
	// Image is what machines boot. It must be there: nothing is pulled. Required.
	Image string `json:"image"`
	// Command are the arguments of the image's entry point; empty is the image's own.
	Command []string `json:"command,omitempty"`
	// Network is the name of the network that machines are on; empty is the Engine's default one.
	Network string `json:"network,omitempty"`
	// Env is given to every machine, beside what the launch gives it.
	Env map[string]string `json:"env,omitempty"`
	// Memory is how much memory a machine may use, in bytes; a program that wants more is killed. 0 is no limit.
	Memory int64 `json:"memory,omitempty"`
	// Retain is how long a terminated machine stays known; an hour by default.
	Retain time.Duration `json:"retain,omitempty"`
	// Owner is the process that machines belong to, as [Self] names it; empty where they are to outlive the controller.
	Owner string `json:"owner,omitempty"`
	// Lifetime is how old a machine may become before [Engine.Reap] takes it for left over; 0 is for ever.
	Lifetime time.Duration `json:"lifetime,omitempty"`
}

var (
	deploymentForm = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$`)
	envForm        = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)
)

// Validate reports everything that keeps the configuration from being used.
func (c Config) Validate() error {
	var problems []error
	problem := func(format string, args ...any) {
		problems = append(problems, fmt.Errorf("docker: "+format, args...))
	}
	if !deploymentForm.MatchString(c.Deployment) {
		problem("deployment %q is not made of up to 64 letters, digits, dots, dashes and underscores", c.Deployment)
	}
	if strings.TrimSpace(c.Image) == "" {
		problem("image is empty: there is nothing to boot")
	}
	if c.Retain < 0 || c.Lifetime < 0 {
		problem("retain is %s and lifetime %s; neither may be below zero", c.Retain, c.Lifetime)
	}
	if c.Memory != 0 && c.Memory < minMemory {
		problem("memory is %d; the Engine takes no less than %d bytes", c.Memory, minMemory)
	}
	for name := range c.Env {
		if !envForm.MatchString(name) {
			problem("%.64q is no name of an environment variable", name)
		}
	}
	return errors.Join(problems...)
}

// minMemory is the least that the Engine takes as a limit.
const minMemory = 6 << 20

func (c Config) withDefaults() Config {
	if c.Retain == 0 {
		c.Retain = time.Hour
	}
	return c
}
