package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/parser"

	"github.com/bootrace/bootrace/harness/contract"
	"github.com/bootrace/bootrace/harness/foreign"
)

// targetFile is a target in YAML.
type targetFile struct {
	Name           string            `yaml:"name"`
	URL            string            `yaml:"url"`
	Dialect        string            `yaml:"dialect"`
	Token          string            `yaml:"token"`
	OrgID          string            `yaml:"org_id"`
	Params         map[string]string `yaml:"params"` // what the dialect wants to know beside
	ServeCP        string            `yaml:"serve_cp"`
	Fakeprovider   string            `yaml:"fakeprovider"`
	Boots          string            `yaml:"boots"`
	Budget         map[string]string `yaml:"budget"` // by runtime; "all" is all others'
	TTL            time.Duration     `yaml:"ttl"`
	ExternalTTL    time.Duration     `yaml:"external_ttl"`
	Heartbeat      time.Duration     `yaml:"heartbeat"`
	ProvisionSweep time.Duration     `yaml:"provision_sweep"`
	LivenessSweep  time.Duration     `yaml:"liveness_sweep"`
	Poll           time.Duration     `yaml:"poll"`
	Tolerance      time.Duration     `yaml:"tolerance"`
	Patience       time.Duration     `yaml:"patience"`
	Lacks          []string          `yaml:"lacks"`
	Policies       targetPolicies    `yaml:"policies"`
}

// targetPolicies are in what a target differs from the contract on purpose: see [contract.Policies].
type targetPolicies struct {
	NoticesDeath    bool          `yaml:"notices_death"`
	ReapsFailed     bool          `yaml:"reaps_failed"`
	LaunchQuota     int           `yaml:"launch_quota"`
	OnlineAfter     int           `yaml:"online_after"`
	Relaunches      bool          `yaml:"relaunches"`
	RestartsOffline time.Duration `yaml:"restarts_offline"`
}

func readTarget(path string, t *foreign.Target) error {
	text, err := os.ReadFile(path)
	if err != nil {
		return fmt.Errorf("the target's file: %w", err)
	}
	var file targetFile
	if err := yaml.UnmarshalWithOptions(text, &file, yaml.Strict()); err != nil {
		return fmt.Errorf("%s: %s", path, yaml.FormatError(err, false, false))
	}
	policies := contract.Policies(file.Policies)
	if err := policies.Validate(); err != nil {
		return misplaced(path, text, err)
	}
	*t = foreign.Target{
		Name: file.Name, URL: file.URL, Dialect: file.Dialect, Token: file.Token, OrgID: file.OrgID, Params: file.Params, ServeCP: file.ServeCP, Fakeprovider: file.Fakeprovider,
		Boots: file.Boots, TTL: file.TTL, ExternalTTL: file.ExternalTTL, Heartbeat: file.Heartbeat, ProvisionSweep: file.ProvisionSweep,
		LivenessSweep: file.LivenessSweep, Poll: file.Poll, Tolerance: file.Tolerance, Patience: file.Patience, Lacks: file.Lacks, Policies: policies,
		Budgets: map[string]time.Duration{},
	}
	if beside := filepath.Join(filepath.Dir(path), t.Dialect); strings.ContainsAny(t.Dialect, "./") && !filepath.IsAbs(t.Dialect) {
		t.Dialect = beside // a file stands beside the one that names it
	}
	for runtime, takes := range file.Budget {
		if runtime == "all" {
			runtime = ""
		}
		if err := addBudget(t, runtime, takes); err != nil {
			return fmt.Errorf("%s: budget: %w", path, err)
		}
	}
	return nil
}

// misplaced says where in the file the first policy is that makes no sense.
func misplaced(path string, text []byte, problem error) error {
	var wrong *contract.PolicyError
	if !errors.As(problem, &wrong) {
		return fmt.Errorf("%s: policies: %w", path, problem)
	}
	file, err := parser.ParseBytes(text, 0)
	if err != nil {
		return fmt.Errorf("%s: policies: %w", path, problem)
	}
	at, err := yaml.PathString("$.policies." + wrong.Policy)
	if err != nil {
		return fmt.Errorf("%s: policies: %w", path, problem)
	}
	node, err := at.FilterFile(file)
	if err != nil || node.GetToken() == nil {
		return fmt.Errorf("%s: policies: %w", path, problem)
	}
	place := node.GetToken().Position
	return fmt.Errorf("%s:%d:%d: policies: %w", path, place.Line, place.Column, problem)
}
