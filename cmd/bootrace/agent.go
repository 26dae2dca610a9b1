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
	Workspace   string        `env:"WORKSPACE_ID" placeholder:"ID" help:"The workspace that it is for."`
	PlatformURL string        `env:"PLATFORM_URL" placeholder:"URL" help:"Where its controller serves."`
	Token       string        `env:"WORKSPACE_AUTH_TOKEN" placeholder:"TOKEN" help:"Its bearer token; without it, the first register earns one, where the controller gives one."`
	LLM         string        `name:"llm" env:"BOOTRACE_LLM_URL" placeholder:"URL" help:"Where the LLM providers are, each below its name, such as bootrace fakeprovider; without it, no preflight is made."`
	Model       string        `env:"WORKSPACE_MODEL" placeholder:"NAME" help:"The workspace's model, whose provider the preflight is made at: minimax, or minimax/some-model."`
	LLMKey      string        `name:"llm-key" env:"BOOTRACE_LLM_KEY" placeholder:"KEY" help:"The provider's API key; the workspace's id where not given, by which bootrace fakeprovider knows whom a preflight is for."`
	URL         string        `env:"BOOTRACE_AGENT_URL" placeholder:"URL" help:"Where it claims to serve; http://<host name>:8000 where not given."`
	Interval    time.Duration `default:"30s" placeholder:"TIME" help:"How often it heartbeats (default: ${default})."`
	Speed       float64       `default:"1" env:"BOOTRACE_SPEED" placeholder:"N" help:"Divides the interval, its time-outs and its waits: the same as the controller's --speed."`
}

// Help says what it does, and who starts it.
func (agentCmd) Help() string {
	return `It boots as a workspace's agent does: one completion is asked for at the model's LLM provider (the preflight), until it
is answered; then it registers with its controller and heartbeats, until it is told to end or its workspace is gone.

A controller that launches machines gives them all that the agent has to know in the environment, so that it needs no
argument there:

  bootrace controller --cloud docker …       runs it in containers, by itself
  bootrace controller --cloud ec2 --ec2-agent-command 'exec bootrace agent' …
  WORKSPACE_ID=… PLATFORM_URL=http://127.0.0.1:8080 bootrace agent      by hand, for a workspace that was created`
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
