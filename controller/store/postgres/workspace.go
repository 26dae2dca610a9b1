package postgres

import (
	"strings"

	"github.com/bootrace/bootrace/controller/store"
)

// workspaceColumns are those of store.Workspace, in the order in which readWorkspace and writeWorkspace go through them.
var workspaceColumns = strings.Fields(`
	id name runtime model template tier parent_id external url card
	status incarnation boot_started_at boot_deadline token_hash token_confirmed
	last_seen_at error_rate sample_error active_tasks uptime_seconds current_task runtime_state
	cause machine_id machine_incarnation launch_after launch_attempts launch_error created_at updated_at`)

// columnList returns the columns for a SELECT, each prefixed.
func columnList(prefix string) string {
	return prefix + strings.Join(workspaceColumns, ", "+prefix)
}

func readWorkspace(r *row) store.Workspace {
	return store.Workspace{
		ID: r.id(), Name: r.text(), Runtime: r.text(), Model: r.text(), Template: r.text(), Tier: r.int(),
		ParentID: r.nullID(), External: r.bool(), URL: r.text(), Card: r.bytes(),
		Status: r.status(), Incarnation: r.int(), BootStartedAt: r.time(), BootDeadline: r.time(),
		Token: r.token(), TokenConfirmed: r.bool(),
		LastSeenAt: r.time(), ErrorRate: r.float(), SampleError: r.text(), ActiveTasks: r.int(),
		UptimeSeconds: r.int64(), CurrentTask: r.text(), RuntimeState: r.text(),
		Cause: r.text(), MachineID: r.text(), MachineIncarnation: r.int(),
		LaunchAfter: r.time(), LaunchAttempts: r.int(), LaunchError: r.text(),
		CreatedAt: r.time(), UpdatedAt: r.time(),
	}
}

func writeWorkspace(p *params, w *store.Workspace) *params {
	p.id(w.ID).text(w.Name).text(w.Runtime).text(w.Model).text(w.Template).int(w.Tier)
	p.nullID(w.ParentID).bool(w.External).text(w.URL).bytes(w.Card)
	p.text(w.Status.String()).int(w.Incarnation).time(w.BootStartedAt).time(w.BootDeadline)
	p.token(w.Token).bool(w.TokenConfirmed)
	p.time(w.LastSeenAt).float(w.ErrorRate).text(w.SampleError).int(w.ActiveTasks)
	p.int64(w.UptimeSeconds).text(w.CurrentTask).text(w.RuntimeState)
	p.text(w.Cause).text(w.MachineID).int(w.MachineIncarnation)
	p.time(w.LaunchAfter).int(w.LaunchAttempts).text(w.LaunchError)
	return p.time(w.CreatedAt).time(w.UpdatedAt)
}
