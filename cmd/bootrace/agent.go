package main

import (
	"cmp"
	"context"
	"log/slog"
	"os"
	"time"

	"github.com/bootrace/bootrace/harness/agent/standalone"
)

type agentCmd struct {
	Workspace   string        `env:"WORKSPACE_ID" placeholder:"ID" help:"The workspace's id."`
	PlatformURL string        `env:"PLATFORM_URL" placeholder:"URL" help:"The controller's URL."`
	Token       string        `env:"WORKSPACE_AUTH_TOKEN" placeholder:"TOKEN" help:"Its bearer token. Without it, the agent uses the token that the reply to its first register contains, if any."`
	LLM         string        `name:"llm" env:"BOOTRACE_LLM_URL" placeholder:"URL" help:"Base URL of the LLM providers, each under its name, such as that of bootrace fakeprovider. Without it, the agent makes no preflight."`
	Model       string        `env:"WORKSPACE_MODEL" placeholder:"NAME" help:"The workspace's model, which selects the provider of the preflight: minimax, or minimax/some-model."`
	LLMKey      string        `name:"llm-key" env:"BOOTRACE_LLM_KEY" placeholder:"KEY" help:"The provider's API key. Default: the workspace's id, by which bootrace fakeprovider identifies the workspace."`
	URL         string        `env:"BOOTRACE_AGENT_URL" placeholder:"URL" help:"The URL that it registers. Default: http://<host name>:8000."`
	Interval    time.Duration `default:"30s" placeholder:"TIME" help:"How often it heartbeats (default: ${default})."`
	Speed       float64       `default:"1" env:"BOOTRACE_SPEED" placeholder:"N" help:"Divides the interval, timeouts and waits. Use the controller's --speed."`
}

// Help says what it does, and who starts it.
func (agentCmd) Help() string {
	return `It boots as a workspace's agent does. It asks the model's LLM provider for one completion (the preflight) until it gets
an answer. Then it registers with its controller and heartbeats, until it is stopped or its workspace is gone.

A controller that launches machines passes all settings in the environment, so the agent needs no arguments there:

  bootrace controller --cloud docker …       runs it in containers
  bootrace controller --cloud ec2 --ec2-agent-command 'exec bootrace agent' …
  WORKSPACE_ID=… PLATFORM_URL=http://127.0.0.1:8080 bootrace agent      by hand, for an existing workspace`
}

// Run implements the command.
func (c *agentCmd) Run(ctx context.Context, s streams) error {
	url := c.URL
	if url == "" {
		host, _ := os.Hostname() // a machine without one serves nobody by name
		url = "http://" + cmp.Or(host, "localhost") + ":8000"
	}
	err := standalone.Run(ctx, standalone.Config{
		WorkspaceID: c.Workspace, PlatformURL: c.PlatformURL, Token: c.Token, URL: url, Interval: c.Interval, Speed: c.Speed,
		LLM: c.LLM, Provider: standalone.ProviderOf(c.Model), Key: c.LLMKey, Log: slog.New(slog.NewTextHandler(s.err, nil)),
	})
	if err != nil {
		return usage(err)
	}
	return nil
}
