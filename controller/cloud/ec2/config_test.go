package ec2_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/bootrace/bootrace/controller/cloud/ec2"
)

func TestValidate(t *testing.T) {
	t.Parallel()
	fake := ec2.Config{Deployment: "ci-1", Endpoint: "http://127.0.0.1:1", ImageID: ami, AgentCommand: "agent"}
	aws := fake
	aws.Endpoint, aws.AllowRealAWS, aws.MaxMachines, aws.Expiry, aws.Region = "", true, 10, 4*time.Hour, "eu-west-1"
	listOnly := func(c *ec2.Config) { c.ListOnly, c.ImageID, c.AgentCommand = true, "", "" }
	for name, c := range map[string]struct {
		base   ec2.Config
		change func(*ec2.Config)
		want   string // part of the error; "" for none
	}{
		"a fake":                    {fake, func(*ec2.Config) {}, ""},
		"real AWS":                  {aws, func(*ec2.Config) {}, ""},
		"real AWS, not allowed":     {aws, func(c *ec2.Config) { c.AllowRealAWS = false }, "costs money"},
		"real AWS without a cap":    {aws, func(c *ec2.Config) { c.MaxMachines = 0 }, "max_machines"},
		"real AWS without expiry":   {aws, func(c *ec2.Config) { c.Expiry = 0 }, "expiry"},
		"real AWS without a region": {aws, func(c *ec2.Config) { c.Region = "" }, "region"},
		"real AWS by its URL":       {fake, func(c *ec2.Config) { c.Endpoint = "https://ec2.eu-west-1.amazonaws.com" }, "costs money"},
		"in capitals":               {fake, func(c *ec2.Config) { c.Endpoint = "https://EC2.EU-WEST-1.AMAZONAWS.COM.:443/" }, "costs money"},
		"in China":                  {fake, func(c *ec2.Config) { c.Endpoint = "https://ec2.cn-north-1.amazonaws.com.cn" }, "costs money"},
		"dual stack":                {fake, func(c *ec2.Config) { c.Endpoint = "https://ec2.eu-west-1.api.aws" }, "costs money"},
		"something like it":         {fake, func(c *ec2.Config) { c.Endpoint = "http://notamazonaws.com" }, ""},
		"no deployment":             {fake, func(c *ec2.Config) { c.Deployment = "" }, "deployment"},
		"a wildcard":                {fake, func(c *ec2.Config) { c.Deployment = "ci*" }, "deployment"},
		"no image":                  {fake, func(c *ec2.Config) { c.ImageID = "" }, "image_id"},
		"no command":                {fake, func(c *ec2.Config) { c.AgentCommand = " \n" }, "agent_command"},
		"no URL":                    {fake, func(c *ec2.Config) { c.Endpoint = "localhost:4566" }, "endpoint"},
		"below zero":                {fake, func(c *ec2.Config) { c.Settle = -1 }, "settle"},
		"attempts":                  {fake, func(c *ec2.Config) { c.MaxAttempts = -1 }, "max_attempts"},
		"seconds":                   {fake, func(c *ec2.Config) { c.Expiry = time.Second }, "minutes"},
		"a tag of ours":             {fake, func(c *ec2.Config) { c.Tags = map[string]string{"bootrace:deployment": "x"} }, "not yours"},
		"a tag of Amazon's":         {fake, func(c *ec2.Config) { c.Tags = map[string]string{"AWS:x": "x"} }, "not yours"},
		"to list only":              {fake, listOnly, ""},
		"to list all":               {fake, func(c *ec2.Config) { listOnly(c); c.Deployment = "" }, ""},
		"to list by a wildcard":     {fake, func(c *ec2.Config) { listOnly(c); c.Deployment = "*" }, "deployment"},
		"to list real AWS":          {aws, func(c *ec2.Config) { listOnly(c); c.MaxMachines, c.Expiry = 0, 0 }, ""},
		"to list it, not allowed":   {aws, func(c *ec2.Config) { listOnly(c); c.AllowRealAWS = false }, "costs money"},
		"a long tag":                {fake, func(c *ec2.Config) { c.Tags = map[string]string{"k": strings.Repeat("x", 257)} }, "longer"},
	} {
		config := c.base
		c.change(&config)
		err := config.Validate()
		if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", name, err, c.want)
		}
		if _, made := ec2.New(context.Background(), config); (made == nil) != (err == nil) {
			t.Errorf("%s: New: %v, Validate: %v", name, made, err)
		}
	}
	err := ec2.Config{}.Validate()
	for _, want := range []string{"deployment", "image_id", "agent_command", "allow_real_aws", "max_machines", "expiry", "region"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("an empty configuration: %v lacks %s", err, want)
		}
	}
}
