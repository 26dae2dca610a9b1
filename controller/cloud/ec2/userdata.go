package ec2

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/bootrace/bootrace/controller/cloud"
)

// maxUserData is how much EC2 takes, before base64.
const maxUserData = 16 << 10

var envForm = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)

// preamble and boot are the script around the agent's environment and command. The script says nothing of the environment
// to the console, which operators and dashboards may read. It goes on in the background, as cloud-init waits for it.
const (
	preamble = `#!/bin/sh
# Boots the agent of one workspace: cloud-init runs this once, as root, when the machine boots for the first time.
umask 077
# The agent's environment. It holds the agent's token.
`
	lifetimeTimer = `# The machine powers off when its lifetime is over, which terminates it, also where nobody reaps it.
shutdown -P +%d 'bootrace: the lifetime of this machine is over' || echo 'bootrace: no shutdown timer' >&2
`
	boot = `# The command that starts the agent.
agent_command=%s
# What it says goes to the console, for GetConsoleOutput to show why a boot died.
{
	sh -c "$agent_command"
	echo "bootrace: the agent's command ended with status $?"
} >"${BOOTRACE_CONSOLE:-/dev/console}" 2>&1 </dev/null &
`
)

// userData returns the script that a machine runs when it boots. The same spec gives the same script.
func (c Config) userData(spec cloud.Spec) ([]byte, error) {
	env := spec.Environ()
	var b bytes.Buffer
	b.WriteString(preamble)
	for _, name := range slices.Sorted(maps.Keys(env)) {
		if !envForm.MatchString(name) {
			return nil, fmt.Errorf("ec2: %w: %.64q is no name of an environment variable", cloud.ErrRefused, name)
		}
		if strings.ContainsRune(env[name], 0) { // the value is not shown: it may be a secret
			return nil, fmt.Errorf("ec2: %w: the value of %s has a zero byte", cloud.ErrRefused, name)
		}
		fmt.Fprintf(&b, "export %s=%s\n", name, quote(env[name]))
	}
	if c.Expiry > 0 {
		fmt.Fprintf(&b, lifetimeTimer, (c.Expiry+time.Minute-1)/time.Minute)
	}
	fmt.Fprintf(&b, boot, quote(c.AgentCommand))
	if b.Len() > maxUserData {
		return nil, fmt.Errorf("ec2: %w: environment and command make %d bytes of user data, of which EC2 takes %d",
			cloud.ErrRefused, b.Len(), maxUserData)
	}
	return b.Bytes(), nil
}

// quote makes one word of the text for a shell, whatever is in it.
func quote(text string) string { return "'" + strings.ReplaceAll(text, "'", `'\''`) + "'" }

// BootEnv reads the agent's environment back out of user data that this package made, for fakes that boot agents without
// a shell. It is an error where the script is not one of this package's.
func BootEnv(userData []byte) (map[string]string, error) {
	rest, ok := strings.CutPrefix(string(userData), preamble)
	if !ok {
		return nil, errors.New("ec2: the user data does not begin as this package writes it")
	}
	env := map[string]string{}
	for {
		line, ok := strings.CutPrefix(rest, "export ")
		if !ok {
			return env, nil
		}
		name, quoted, ok := strings.Cut(line, "=")
		if !ok || !envForm.MatchString(name) {
			return nil, fmt.Errorf("ec2: %.64q is no name of an environment variable", name)
		}
		if env[name], rest, ok = unquote(quoted); !ok {
			return nil, fmt.Errorf("ec2: the value of %s is not quoted as this package does it", name)
		}
	}
}

// unquote reads what quote wrote, up to the end of the line, and returns what follows.
func unquote(text string) (value, rest string, ok bool) {
	var b strings.Builder
	for {
		text, ok = strings.CutPrefix(text, "'")
		if !ok {
			return "", "", false
		}
		part, after, ok := strings.Cut(text, "'")
		if !ok {
			return "", "", false
		}
		b.WriteString(part)
		if rest, ok := strings.CutPrefix(after, "\n"); ok {
			return b.String(), rest, true
		}
		if text, ok = strings.CutPrefix(after, `\'`); !ok {
			return "", "", false
		}
		b.WriteByte('\'')
	}
}
