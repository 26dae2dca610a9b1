package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"
	"unicode"

	"github.com/bootrace/bootrace/controller/cloud/ec2"
)

type cloudCmd struct {
	List cloudListCmd `cmd:"" help:"List the machines on EC2 with bootrace's tags, or the objects on a Docker Engine with its labels."`
	Reap cloudReapCmd `cmd:"" help:"Terminate machines on EC2 with bootrace's tags, or remove objects on a Docker Engine with its labels."`
}

// cloudFlags say which machines are looked at.
type cloudFlags struct {
	Cloud      string `enum:"ec2,docker" default:"ec2" help:"Where to look: ec2, or docker for containers, networks and images (default: ${default})."`
	ec2Where   `embed:""`
	DockerHost string `placeholder:"URL" help:"Docker Engine, with --cloud docker. Default: DOCKER_HOST, or this machine's."`
	Deployment string `placeholder:"NAME" help:"Only the machines of this deployment. Default: those of all deployments. Networks and images belong to no deployment."`
}

// machines lists the machines. The cloud is to be closed by the caller.
func (f cloudFlags) machines(ctx context.Context) (*ec2.Cloud, []ec2.Instance, error) {
	if f.DockerHost != "" {
		return nil, nil, usage(errors.New("--docker-host was given, and --cloud docker was not"))
	}
	config := f.config()
	config.Deployment, config.ListOnly = f.Deployment, true
	if err := config.Validate(); err != nil {
		return nil, nil, usage(err)
	}
	c, err := ec2.New(ctx, config)
	if err != nil {
		return nil, nil, environment(err)
	}
	all, err := c.Instances(ctx)
	if err != nil {
		c.Close()
		return nil, nil, stopped(ctx, err)
	}
	return c, all, nil
}

// stopped makes the error of a command that the environment ended, or somebody by Ctrl-C.
func stopped(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return interrupted()
	}
	return environment(err)
}

type cloudListCmd struct {
	cloudFlags `embed:""`
	JSON       bool `help:"Print a JSON list instead of a table."`
}

// Run implements the command.
func (c *cloudListCmd) Run(ctx context.Context, s streams) error {
	if c.Cloud == "docker" {
		return c.docker(ctx, s)
	}
	client, all, err := c.machines(ctx)
	if err != nil {
		return err
	}
	defer client.Close()
	return printMachines(s, all, c.JSON)
}

type cloudReapCmd struct {
	cloudFlags `embed:""`
	Expired    bool          `help:"Those that are older than the lifetime in their tag or label. On Docker, also those whose owner is gone, and images that nothing uses."`
	Older      time.Duration `placeholder:"TIME" help:"Those, and all that were launched longer ago than this."`
	All        bool          `help:"All of them; of every deployment, unless --deployment is given."`
	Yes        bool          `help:"Terminate or remove them. Without it, they are only listed, and any are an error."`
	JSON       bool          `help:"Print a JSON list of the machines instead of a table."`
}

// Help says how to choose.
func (cloudReapCmd) Help() string {
	return `Examples:

  bootrace cloud reap --expired --yes               machines whose lifetime is over
  bootrace cloud reap --deployment NAME --yes       all machines of one deployment
  bootrace cloud reap --all --yes                   all machines of all deployments

With --cloud docker, it removes containers with their volumes, the networks of runs, and images that runs have built, unless
something else uses them. Those of a run are labelled with the run's process, and are expired when that is gone. Those of a
controller have no owner, since they outlive it; --docker-expiry gives them a lifetime.`
}

// Validate is called when the command line was read.
func (c *cloudReapCmd) Validate() error {
	chosen := 0
	for _, b := range []bool{c.Expired, c.Older != 0, c.All} {
		if b {
			chosen++
		}
	}
	switch {
	case c.Older < 0:
		return fmt.Errorf("--older is %s, below zero", c.Older)
	case chosen > 1:
		return errors.New("--expired, --older and --all exclude each other")
	case chosen == 0 && c.Deployment == "":
		return errors.New("say which machines: --expired, --older, --all, or those of a --deployment")
	}
	return nil
}

// Run implements the command.
func (c *cloudReapCmd) Run(ctx context.Context, s streams) error {
	if c.Cloud == "docker" {
		return c.docker(ctx, s)
	}
	client, found, err := c.machines(ctx)
	if err != nil {
		return err
	}
	defer client.Close()
	if c.Expired || c.Older != 0 {
		found = ec2.Due(found, c.Older, time.Now())
	}
	if !c.Yes {
		if err := printMachines(s, found, c.JSON); err != nil || len(found) == 0 {
			return err
		}
		return exitError{
			code: exitUsage, err: errors.New("nothing was terminated"),
			hint: fmt.Sprintf("--yes terminates %s", plural(len(found), "machine", "machines")),
		}
	}
	ended, err := client.TerminateAll(ctx, found)
	if problem := printMachines(s, ended, c.JSON); problem != nil {
		return problem
	}
	fmt.Fprintf(s.err, "terminated %s of %d\n", plural(len(ended), "machine", "machines"), len(found))
	if err != nil {
		return stopped(ctx, err)
	}
	return nil
}

// machineRow is a machine as JSON shows it.
type machineRow struct {
	ID          string    `json:"id"`
	State       string    `json:"state"`
	Deployment  string    `json:"deployment"`
	WorkspaceID string    `json:"workspace_id"`
	Incarnation int       `json:"incarnation"`
	Name        string    `json:"name"`
	Type        string    `json:"type"`
	Zone        string    `json:"zone"`
	PrivateIP   string    `json:"private_ip,omitempty"`
	PublicIP    string    `json:"public_ip,omitempty"`
	LaunchedAt  time.Time `json:"launched_at"`
	Lifetime    float64   `json:"lifetime_seconds,omitempty"` // 0 is for ever
	Expired     bool      `json:"expired"`
}

// printMachines prints a table, or JSON.
func printMachines(s streams, all []ec2.Instance, asJSON bool) error {
	now := time.Now()
	if !asJSON {
		return machineTable(s.out, all, now)
	}
	rows := []machineRow{}
	for _, i := range all {
		rows = append(rows, machineRow{
			ID: i.ID, State: i.EC2State, Deployment: i.Deployment, WorkspaceID: i.WorkspaceID, Incarnation: i.Incarnation, Name: i.Name,
			Type: i.Type, Zone: i.Zone, PrivateIP: i.PrivateIP, PublicIP: i.PublicIP, LaunchedAt: i.LaunchedAt,
			Lifetime: i.Lifetime.Seconds(), Expired: i.Expired(now),
		})
	}
	e := json.NewEncoder(s.out)
	e.SetIndent("", "  ")
	return e.Encode(rows)
}

func machineTable(w io.Writer, all []ec2.Instance, now time.Time) error {
	if len(all) == 0 {
		_, err := fmt.Fprintln(w, "no machines")
		return err
	}
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "MACHINE\tSTATE\tDEPLOYMENT\tWORKSPACE\tBOOT\tNAME\tTYPE\tZONE\tAGE\tLIFETIME")
	for _, i := range all {
		lifetime := "-"
		if i.Lifetime > 0 {
			lifetime = i.Lifetime.String()
		}
		if i.Expired(now) {
			lifetime += " (expired)"
		}
		fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%d\t%s\t%s\t%s\t%s\t%s\n", i.ID, i.EC2State, plain(i.Deployment), plain(i.WorkspaceID), i.Incarnation, plain(i.Name),
			i.Type, i.Zone, now.Sub(i.LaunchedAt).Round(time.Second), lifetime)
	}
	return t.Flush()
}

// plain keeps what somebody wrote into a tag from breaking the table, or the terminal.
func plain(text string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) {
			return r
		}
		return '?'
	}, text)
}
