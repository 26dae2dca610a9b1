package runs_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/bootrace/bootrace/harness/history"
	"github.com/bootrace/bootrace/harness/invariant"
	"github.com/bootrace/bootrace/harness/plan"
	"github.com/bootrace/bootrace/harness/runs"
)

// TestDrawing checks that a live history without a legal order keeps porcupine's picture, and that no other does.
func TestDrawing(t *testing.T) {
	t.Parallel()
	for _, legal := range []bool{true, false} {
		p := &plan.Plan{
			Name: "s", Controllers: 1, Duration: plan.Duration(time.Minute), Live: &plan.Live{Speed: 1},
			Workspaces: []plan.Workspace{{Name: "w", Group: "w", Provider: "kimi", Runtime: "claude-code", Boots: []plan.Boot{{}}}},
		}
		call := history.Event{Kind: history.Call, WS: 1, Inc: 1, Actor: history.ActorAgent, Call: "heartbeat", Code: 200, Replica: 1}
		if legal {
			call.Code = 404
		}
		h := &history.History{Events: []history.Event{call, {At: history.Time(time.Minute), Kind: history.End}}}
		r := &runs.Run{Began: time.Now()}
		if err := r.Create(t.TempDir()); err != nil {
			t.Fatal(err)
		}
		if err := r.SaveHistory(r.Add(runs.Played{Plan: p, History: h, Digest: h.Digest(), Judgement: invariant.Judge(p, h)})); err != nil {
			t.Fatal(err)
		}
		page, err := os.ReadFile(filepath.Join(r.Folder(), "s", runs.FileDrawing))
		if legal != os.IsNotExist(err) {
			t.Errorf("legal %v: the picture: %v", legal, err)
		}
		if !legal && !strings.Contains(string(page), "heartbeat of incarnation 1 got 200") {
			t.Errorf("the picture lacks the reply that fits in nowhere")
		}
	}
}
