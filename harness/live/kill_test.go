package live_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/bootrace/bootrace/controller"
	"github.com/bootrace/bootrace/controller/lifecycle"
	"github.com/bootrace/bootrace/controller/store/postgres"
	"github.com/bootrace/bootrace/controller/wire"
	"github.com/bootrace/bootrace/fakeprovider/ec2wire"
	"github.com/bootrace/bootrace/harness/child"
	"github.com/bootrace/bootrace/harness/live"
	"github.com/bootrace/bootrace/harness/live/replica"
	"github.com/bootrace/bootrace/internal/await"
)

// mortal is a controller process that is killed and started again.
type mortal struct {
	t       *testing.T
	nursery *child.Nursery
	config  replica.Config
	address atomic.Value // string; empty while it is down
	process *child.Process
}

func (m *mortal) start() {
	up := make(chan struct{})
	path, err := os.Executable()
	if err != nil {
		m.t.Fatal(err)
	}
	m.process, err = m.nursery.Start(child.Program{
		Path: path, Args: []string{path, live.CommandController}, Config: m.config,
		Heard: func(line []byte) {
			var r replica.Report
			if err := json.Unmarshal(line, &r); err != nil {
				m.t.Errorf("the controller says %q: %v", line, err)
			}
			switch r.Kind {
			case replica.Ready:
				m.address.Store("http://" + r.Address)
				close(up)
			case replica.Panicked, replica.Unusable:
				m.t.Errorf("the controller: %s %s", r.By, r.Err)
			}
		},
	})
	if err != nil {
		m.t.Fatal(err)
	}
	select {
	case <-up:
	case <-m.process.Done():
		m.t.Fatalf("the controller does not start: %v", m.process.Err())
	}
}

func (m *mortal) kill() {
	m.address.Store("")
	m.process.Kill()
	<-m.process.Done()
}

// load is one client with a workspace of its own at a time. It remembers what it was promised.
type load struct {
	controller *mortal
	client     *http.Client
	promised   []*promise
}

// promise is what the controller has acknowledged of one workspace, and what it may have done beside.
type promise struct {
	id      string
	token   string
	beat    int64 // the uptime of the last acknowledged heartbeat
	beats   int64 // and of the last that was sent
	urls    []string
	url     string // of the last acknowledged register; urls are those sent since
	deleted bool
	tried   bool // to delete it
}

// call returns the code, or 0 where no answer came.
func (l *load) call(method, path, token string, in, out any) int {
	base, _ := l.controller.address.Load().(string)
	if base == "" {
		time.Sleep(2 * time.Millisecond) // sleeps: between two tries
		return 0
	}
	body, _ := json.Marshal(in)
	r, err := http.NewRequest(method, base+path, bytes.NewReader(body))
	if err != nil {
		return 0
	}
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	reply, err := l.client.Do(r)
	if err != nil {
		return 0
	}
	defer reply.Body.Close()
	text, err := io.ReadAll(reply.Body)
	if err != nil {
		return 0
	}
	if out != nil {
		json.Unmarshal(text, out)
	}
	return reply.StatusCode
}

// run creates workspaces, registers, beats and deletes, until it is told to stop.
func (l *load) run(t *testing.T, number int, stop <-chan struct{}) {
	for n := 0; ; n++ {
		var created wire.CreateReply
		// Half of them are external, whose tokens are earned; the others have machines, whose tokens this client does not
		// know, and are only created and deleted.
		external := n%2 == 0
		for l.call(http.MethodPost, wire.PathWorkspaces, "", wire.CreateRequest{Name: fmt.Sprintf("w-%d-%d", number, n), External: external}, &created) != http.StatusCreated {
			if stopped(stop) {
				return
			}
		}
		p := &promise{id: created.ID}
		l.promised = append(l.promised, p)
		if external {
			p.token = created.Connection.AuthToken
		}
		for i := range 40 {
			if stopped(stop) {
				return
			}
			if !external {
				time.Sleep(2 * time.Millisecond) // sleeps: between creation and deletion
				continue
			}
			if i%8 == 0 {
				url := fmt.Sprintf("http://agent-%d.internal:%d", number, 1000+i)
				p.urls = append(p.urls, url)
				switch code := l.call(http.MethodPost, wire.PathRegister, p.token, wire.RegisterRequest{ID: p.id, URL: url, AgentCard: json.RawMessage(`{}`)}, nil); code {
				case http.StatusOK:
					p.url, p.urls = url, nil
				case 0, http.StatusInternalServerError:
				default:
					t.Errorf("register got %d", code)
				}
				continue
			}
			p.beats++
			switch code := l.call(http.MethodPost, wire.PathHeartbeat, p.token, wire.Heartbeat{WorkspaceID: p.id, UptimeSeconds: p.beats}, nil); code {
			case http.StatusOK:
				p.beat = p.beats
			case 0, http.StatusInternalServerError:
			default:
				t.Errorf("a heartbeat got %d", code)
			}
		}
		if n%4 < 2 {
			continue
		}
		p.tried = true
		for !p.deleted && !stopped(stop) {
			p.deleted = l.call(http.MethodDelete, wire.PathWorkspaces+"/"+p.id+"?confirm=true", "", nil, nil) == http.StatusOK
		}
	}
}

func stopped(stop <-chan struct{}) bool {
	select {
	case <-stop:
		return true
	default:
		return false
	}
}

// TestKilledController kills a controller again and again, at random moments, and the database beneath it now and then,
// while clients create, register, beat and delete. What they were told must be so afterwards, and every machine must be
// somebody's.
func TestKilledController(t *testing.T) {
	t.Parallel()
	own, err := live.OpenPostgres(t.Context(), database.Options())
	if err != nil {
		t.Fatal(err)
	}
	defer own.Close()
	db, err := own.NewDatabase(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	cloud := ec2wire.New(ec2wire.Options{})
	endpoint := httptest.NewServer(cloud)
	defer endpoint.Close()
	settings, err := controller.DefaultSettings().Scale(60)
	if err != nil {
		t.Fatal(err)
	}
	// A boot that is given up between its launch and the record of it keeps a machine that no row names: sixty times faster, a budget
	// is ten seconds, which a busy machine needs for less.
	settings.ProvisionTimeout = time.Hour
	m := &mortal{t: t, nursery: child.NewNursery(), config: replica.Config{
		Number: 1, DatabaseURL: db.URL, Endpoint: endpoint.URL, Secret: "kill", PublicURL: "http://nobody.internal",
		Settings: settings, Settle: 500 * time.Millisecond,
	}}
	defer m.nursery.Close()
	m.start()
	stop := make(chan struct{})
	var clients sync.WaitGroup
	loads := make([]*load, 8)
	for i := range loads {
		loads[i] = &load{controller: m, client: &http.Client{Timeout: await.Hang, Transport: &http.Transport{}}}
		clients.Go(func() { loads[i].run(t, i, stop) })
	}
	random := rand.New(rand.NewPCG(1, 2))
	for i := range few(50, 15) {
		time.Sleep(time.Duration(20+random.IntN(230)) * time.Millisecond) // sleeps: whenever it is killed, what was promised must be so
		m.kill()
		if i%10 == 5 {
			if err := own.Server().Crash(); err != nil {
				t.Fatal(err)
			}
			if err := own.Server().Restart(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		m.start()
	}
	close(stop)
	clients.Wait()
	for _, l := range loads {
		l.client.CloseIdleConnections()
	}
	check(t, db.URL, cloud, loads)
	m.kill()
}

// check compares what was promised with what is stored, and the machines with the rows, once the sweeps have had their
// time.
func check(t *testing.T, url string, cloud *ec2wire.Server, loads []*load) {
	rows, err := postgres.Open(t.Context(), url, lifecycle.Standard())
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	beats, registers, deletes := int64(0), 0, 0
	for _, l := range loads {
		for _, p := range l.promised {
			ws, err := rows.Get(t.Context(), uuid.MustParse(p.id))
			if err != nil {
				t.Errorf("workspace %s was created, and is not there: %v", p.id, err)
				continue
			}
			if ws.UptimeSeconds < p.beat || ws.UptimeSeconds > p.beats {
				t.Errorf("heartbeat %d of %s was acknowledged, %d is stored, %d were sent", p.beat, p.id, ws.UptimeSeconds, p.beats)
			}
			if sent := append([]string{p.url}, p.urls...); !contains(sent, ws.URL) {
				t.Errorf("%s registered %q, tried %q since, and %q is stored", p.id, p.url, p.urls, ws.URL)
			}
			if removed := ws.Status == lifecycle.Removed; removed != p.deleted && (!removed || !p.tried) {
				t.Errorf("%s was deleted: %v, and it is %s", p.id, p.deleted, ws.Status)
			}
			beats += p.beat
			if p.url != "" {
				registers++
			}
			if p.deleted {
				deletes++
			}
		}
	}
	t.Logf("%d heartbeats, %d registers and %d deletes were acknowledged", beats, registers, deletes)
	if beats == 0 || registers == 0 || deletes == 0 {
		t.Error("there was no load")
	}
	await.UntilNothing(t, func() string {
		if leaked := unowned(t, rows, cloud); len(leaked) > 0 {
			return fmt.Sprintf("machines that no row wants, or rows that want one and have none: %v", leaked)
		}
		return ""
	})
}

func contains(all []string, s string) bool {
	for _, a := range all {
		if a == s {
			return true
		}
	}
	return false
}

// unowned returns the live machines that are not the one of a row, and the rows that lack theirs.
func unowned(t *testing.T, rows *postgres.Store, cloud *ec2wire.Server) (all []string) {
	list, err := rows.List(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	owned := map[string]bool{}
	for _, ws := range list {
		if ws.MachineID != "" {
			owned[ws.MachineID] = true
		} else if !ws.External && ws.Status == lifecycle.Provisioning {
			all = append(all, "none of "+ws.ID.String())
		}
	}
	for _, m := range cloud.Machines() {
		if m.State == ec2wire.Running && !owned[m.ID] {
			all = append(all, m.ID)
		}
	}
	return all
}
