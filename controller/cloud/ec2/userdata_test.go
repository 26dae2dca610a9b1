package ec2_test

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/bootrace/bootrace/controller/cloud"
	"github.com/bootrace/bootrace/controller/cloud/ec2"
	"github.com/bootrace/bootrace/fakeprovider/ec2wire"
	"github.com/bootrace/bootrace/internal/await"
)

// script returns the user data that a machine of the spec is launched with.
func script(t *testing.T, change func(*ec2.Config), sp cloud.Spec) []byte {
	t.Helper()
	f := newFixture(t, ec2wire.Options{}, change)
	m, _ := f.wire.Machine(f.launch(sp).ID)
	return m.UserData
}

// TestScriptRuns runs the script with a real shell, as cloud-init would.
func TestScriptRuns(t *testing.T) {
	t.Parallel()
	sp := spec()
	sp.Name = "it's $(reboot) `reboot` \"x\" \\"
	sp.Env["LINES"] = "one\ntwo\n'three'\n"
	data := script(t, func(c *ec2.Config) {
		c.Expiry = 90*time.Minute + time.Second
		c.AgentCommand = "echo \"up: $PLATFORM_URL\"\nenv -0 >\"$DIR/env\"\nexit 7"
	}, sp)

	dir := t.TempDir()
	write := func(name string, text []byte) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, text, 0o700); err != nil {
			t.Fatal(err)
		}
		return path
	}
	write("shutdown", []byte("#!/bin/sh\necho \"$@\" >\"$DIR/shutdown-args\"\n"))
	ctx, cancel := context.WithTimeout(context.Background(), await.Hang)
	defer cancel()
	console := filepath.Join(dir, "console")
	cmd := exec.CommandContext(ctx, write("user-data", data))
	cmd.Env = []string{"PATH=" + dir + ":/usr/bin:/bin", "DIR=" + dir, "BOOTRACE_CONSOLE=" + console}
	if out, err := cmd.CombinedOutput(); err != nil || len(out) != 0 {
		t.Fatalf("the script said %q, %v", out, err)
	}
	read := func(name string) string {
		text, _ := os.ReadFile(filepath.Join(dir, name))
		return string(text)
	}
	await.Until(t, "the end of the agent's command", func() bool { return strings.HasSuffix(read("console"), "status 7\n") })
	want := "up: http://controller.test\nbootrace: the agent's command ended with status 7\n"
	if got := read("console"); got != want {
		t.Errorf("the console shows %q, want %q", got, want)
	}
	if got := read("shutdown-args"); !strings.HasPrefix(got, "-P +91 ") {
		t.Errorf("shutdown %q", got)
	}
	env := map[string]string{}
	for entry := range strings.SplitSeq(read("env"), "\x00") {
		if name, value, ok := strings.Cut(entry, "="); ok {
			env[name] = value
		}
	}
	booted, err := ec2.BootEnv(data)
	if err != nil {
		t.Fatal(err)
	}
	for name, value := range booted {
		if env[name] != value {
			t.Errorf("%s is %q to the agent, and %q to BootEnv", name, env[name], value)
		}
	}
	for name, value := range sp.Env {
		if booted[name] != value {
			t.Errorf("%s is %q, want %q", name, booted[name], value)
		}
	}
	if booted["WORKSPACE_NAME"] != sp.Name {
		t.Errorf("name %q", booted["WORKSPACE_NAME"])
	}
}

// TestBootEnvReadsWhatIsWritten tries any environment.
func TestBootEnvReadsWhatIsWritten(t *testing.T) {
	t.Parallel()
	f := newFixture(t, ec2wire.Options{}, nil)
	rapid.Check(t, func(t *rapid.T) {
		sp := spec()
		sp.Env = rapid.MapOfN(rapid.StringMatching(`[A-Za-z_][A-Za-z0-9_]{0,8}`),
			rapid.StringOf(rapid.RuneFrom([]rune("ab'\\\"\n$`= éexport"))), 0, 6).Draw(t, "env")
		m, err := f.cloud.Launch(context.Background(), sp)
		if err != nil {
			t.Fatal(err)
		}
		machine, _ := f.wire.Machine(m.ID)
		got, err := ec2.BootEnv(machine.UserData)
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range []string{cloud.EnvName, cloud.EnvRuntime, cloud.EnvModel, cloud.EnvTemplate, cloud.EnvTier} {
			if _, set := sp.Env[name]; !set {
				delete(got, name)
			}
		}
		if diff := cmp.Diff(sp.Env, got); diff != "" {
			t.Fatalf("%s\n%s", diff, machine.UserData)
		}
	})
}

func TestBootEnvOfOtherScripts(t *testing.T) {
	t.Parallel()
	good := string(script(t, nil, spec()))
	for name, text := range map[string]string{
		"nothing":       "",
		"another":       "#!/bin/sh\nexport A='b'\n",
		"cut short":     good[:strings.Index(good, "PLATFORM_URL=")+20],
		"not quoted":    strings.Replace(good, "export PLATFORM_URL='", "export PLATFORM_URL=", 1),
		"quoted oddly":  strings.Replace(good, "test'\n", "test'x\n", 1),
		"no assignment": strings.Replace(good, "export PLATFORM_URL=", "export PLATFORM_URL ", 1),
	} {
		if env, err := ec2.BootEnv([]byte(text)); err == nil {
			t.Errorf("%s: %v", name, env)
		}
	}
}
