package main

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/bootrace/bootrace/harness/foreign/foreigntest"
	"github.com/bootrace/bootrace/harness/foreign/nodetest"
)

// TestDialects lists, shows and validates dialects, and prints their schema.
func TestDialects(t *testing.T) {
	t.Parallel()
	code, out, _ := invoke("dialects")
	if code != exitHeld {
		t.Errorf("exit code %d", code)
	}
	says(t, out, "(?m)^molecule ", "(?m)^kubernetes-nodes ", "(?m)^github-runners ")
	code, shown, _ := invoke("dialects", "show", "kubernetes-nodes")
	mine := filepath.Join(t.TempDir(), "mine.yaml")
	if err := os.WriteFile(mine, []byte(shown), 0o600); err != nil || code != exitHeld {
		t.Fatal(code, err)
	}
	if code, out, stderr := invoke("dialects", "validate", mine); code != exitHeld || !strings.Contains(out, "1 dialect is valid") {
		t.Errorf("exit code %d: %s%s", code, out, stderr)
	}
	bad := filepath.Join(t.TempDir(), "bad.yaml")
	if err := os.WriteFile(bad, bytes.ReplaceAll([]byte(shown), []byte("/nodes/${id}"), []byte("/nodes/${name}")), 0o600); err != nil {
		t.Fatal(err)
	}
	code, _, stderr := invoke("dialects", "validate", mine, bad)
	if code != exitUsage {
		t.Errorf("exit code %d", code)
	}
	says(t, stderr, `bad.yaml:\d+:\d+: "name": undeclared reference to 'name'; there are id, `)
	if code, _, stderr = invoke("dialects", "show", "klingon"); code != exitUsage || !strings.Contains(stderr, "there are github-runners, kubernetes-nodes, molecule") {
		t.Errorf("exit code %d: %s", code, stderr)
	}
	code, out, _ = invoke("dialects", "schema")
	var schema map[string]any
	if err := json.Unmarshal([]byte(out), &schema); err != nil || code != exitHeld || schema["properties"] == nil {
		t.Errorf("exit code %d, %v", code, err)
	}
}

// TestProbe tries the calls of a dialect's file at a server of that kind, and at one of another.
func TestProbe(t *testing.T) {
	t.Parallel()
	nodes, err := nodetest.Start(nodetest.Config{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(nodes.Close)
	molecule, err := foreigntest.Start(foreigntest.Config{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(molecule.Close)
	for _, c := range []struct {
		name string
		code int
		args []string
		want []string
	}{
		{"a server of its kind", exitHeld, []string{nodes.URL, "--dialect", "kubernetes-nodes", "--token", nodetest.Token}, []string{
			`✓ health +GET /readyz: 200`, `✓ create +POST /api/v1/nodes: 201\n +id probe-br`, `✓ get .*\n +id probe-.*, status online`,
			`– pause +the dialect does not have it`, `every call of the dialect was understood, and nothing is left`,
		}},
		{"the contract's", exitHeld, []string{molecule.URL, "--token", foreigntest.AdminToken}, []string{`✓ register .*\n +a token for the agent`, `✓ pause .*\n +count 1`, `nothing is left`}},
		{"a token that is none", exitEnvironment, []string{nodes.URL, "--dialect", "kubernetes-nodes"}, []string{`✗ list +GET /api/v1/nodes\?labelSelector=bootrace%3Dtrue: 401\n +refused: Unauthorized`}},
		{"a server of another kind", exitEnvironment, []string{nodes.URL, "--token", nodetest.Token}, []string{`✗ health +GET /health: 404`}},
		{"another parameter", exitUsage, []string{nodes.URL, "--param", "team=a"}, nil},
	} {
		code, out, stderr := invoke(append([]string{"target", "probe"}, c.args...)...)
		if code != c.code {
			t.Errorf("%s: exit code %d, want %d: %s%s", c.name, code, c.code, out, stderr)
		}
		says(t, out, c.want...)
		if left := append(nodes.Left(), molecule.Left()...); len(left) > 0 {
			t.Errorf("%s: left behind: %v", c.name, left)
		}
	}
}
