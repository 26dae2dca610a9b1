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

	"github.com/bootrace/bootrace/controller/cloud/docker"
)

// inventory lists what is on the Docker Engine. The Engine is to be closed by the caller.
func (f cloudFlags) inventory(ctx context.Context) (*docker.Engine, []docker.Item, error) {
	if f.ec2Where != (ec2Where{}) {
		return nil, nil, usage(errors.New("where EC2 is was given, and --cloud docker too: leave one out"))
	}
	e, err := docker.Connect(ctx, f.DockerHost)
	if err != nil {
		return nil, nil, stopped(ctx, err)
	}
	all, err := e.Inventory(ctx)
	if err != nil {
		e.Close()
		return nil, nil, stopped(ctx, err)
	}
	if f.Deployment != "" {
		all = docker.Choose(all, func(i docker.Item) bool { return i.Deployment == f.Deployment })
	}
	return e, all, nil
}

// docker lists containers, networks and images.
func (c *cloudListCmd) docker(ctx context.Context, s streams) error {
	e, all, err := c.inventory(ctx)
	if err != nil {
		return err
	}
	defer e.Close()
	return printItems(s, all, c.JSON)
}

// docker removes containers, networks and images.
func (c *cloudReapCmd) docker(ctx context.Context, s streams) error {
	e, found, err := c.inventory(ctx)
	if err != nil {
		return err
	}
	defer e.Close()
	if c.Expired || c.Older != 0 {
		found = docker.Due(found, c.Older, time.Now())
	} else {
		found = docker.Choose(found, func(docker.Item) bool { return true })
	}
	if !c.Yes {
		if err := printItems(s, found, c.JSON); err != nil || len(found) == 0 {
			return err
		}
		return exitError{
			code: exitUsage, err: errors.New("nothing was removed"), hint: fmt.Sprintf("--yes removes %s", count(found)),
		}
	}
	removed, err := e.RemoveItems(ctx, found)
	if problem := printItems(s, removed, c.JSON); problem != nil {
		return problem
	}
	fmt.Fprintf(s.err, "removed %s; chosen were %s\n", count(removed), count(found))
	if err != nil {
		return stopped(ctx, err)
	}
	return nil
}

// count says how many items there are of each kind.
func count(items []docker.Item) string {
	var parts []string
	for _, kind := range []docker.Kind{docker.KindContainer, docker.KindNetwork, docker.KindImage} {
		n := 0
		for _, i := range items {
			if i.Kind == kind {
				n++
			}
		}
		if n > 0 {
			parts = append(parts, plural(n, string(kind), string(kind)+"s"))
		}
	}
	if len(parts) == 0 {
		return "nothing"
	}
	return strings.Join(parts, ", ")
}

// itemRow is an item as JSON shows it.
type itemRow struct {
	Kind        docker.Kind `json:"kind"`
	ID          string      `json:"id"`
	Name        string      `json:"name"`
	State       string      `json:"state"`
	Deployment  string      `json:"deployment,omitempty"`
	WorkspaceID string      `json:"workspace_id,omitempty"`
	Incarnation int         `json:"incarnation,omitempty"`
	Workspace   string      `json:"workspace,omitempty"`
	Owner       string      `json:"owner,omitempty"`
	OwnerState  docker.Life `json:"owner_state,omitempty"`
	Users       []string    `json:"users,omitempty"`
	CreatedAt   time.Time   `json:"created_at"`
	Lifetime    float64     `json:"lifetime_seconds,omitempty"` // 0 is for ever
	Expired     bool        `json:"expired"`
}

// printItems prints a table, or JSON.
func printItems(s streams, all []docker.Item, asJSON bool) error {
	now := time.Now()
	if !asJSON {
		return itemTable(s.out, all, now)
	}
	rows := []itemRow{}
	for _, i := range all {
		rows = append(rows, itemRow{
			Kind: i.Kind, ID: i.ID, Name: i.Name, State: i.State, Deployment: i.Deployment, WorkspaceID: i.WorkspaceID,
			Incarnation: i.Incarnation, Workspace: i.Workspace, Owner: i.Owner, OwnerState: i.Life, Users: i.Users,
			CreatedAt: i.CreatedAt.UTC(), Lifetime: i.Lifetime.Seconds(), Expired: i.LeftOver(now),
		})
	}
	e := json.NewEncoder(s.out)
	e.SetIndent("", "  ")
	return e.Encode(rows)
}

func itemTable(w io.Writer, all []docker.Item, now time.Time) error {
	if len(all) == 0 {
		_, err := fmt.Fprintln(w, "no containers, networks or images")
		return err
	}
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "KIND\tID\tNAME\tSTATE\tDEPLOYMENT\tWORKSPACE\tBOOT\tOWNER\tAGE\tLIFETIME")
	dash := func(text string) string {
		if text == "" {
			return "-"
		}
		return plain(text)
	}
	for _, i := range all {
		boot, lifetime := "-", "-"
		if i.Incarnation > 0 {
			boot = fmt.Sprint(i.Incarnation)
		}
		if i.Lifetime > 0 {
			lifetime = i.Lifetime.String()
		}
		if i.LeftOver(now) {
			lifetime += " (expired)"
		}
		workspace := i.WorkspaceID
		if i.Workspace != "" {
			workspace += " " + i.Workspace
		}
		fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\n", i.Kind, i.ID, dash(i.Name), i.State, dash(i.Deployment), dash(workspace), boot,
			dash(ownerText(i)), now.Sub(i.CreatedAt).Round(time.Second), lifetime)
	}
	return t.Flush()
}

// ownerText says who an item's owner is, and whether it lives.
func ownerText(i docker.Item) string {
	if i.Life == docker.Nobody {
		return ""
	}
	if parts := strings.Split(i.Owner, "/"); len(parts) == 3 {
		return fmt.Sprintf("%s (process %s)", i.Life, parts[1])
	}
	return string(i.Life)
}
