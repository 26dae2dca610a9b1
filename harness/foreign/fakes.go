package foreign

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/bootrace/bootrace/fakeprovider/ec2wire"
	"github.com/bootrace/bootrace/fakeprovider/endpoints"
	"github.com/bootrace/bootrace/harness/history"
	"github.com/bootrace/bootrace/harness/preflight"
)

// fakes is a bootrace fakeprovider in another process, where the target launches its machines. It tells of them, an agent is
// booted on each, and each agent makes its preflight at the LLM providers there.
type fakes struct {
	*fleet
	base   string
	client *http.Client
	speed  float64 // how much faster than the wall clock its LLM providers are

	stop    context.CancelFunc
	watched sync.WaitGroup
}

// fakesTimeout bounds a call to the fakes that has nothing to wait for, and fakesWait one that waits for news.
const (
	fakesTimeout = 10 * time.Second
	fakesWait    = 30 * time.Second
)

// openFakes begins to watch what is launched from now on.
func openFakes(ctx context.Context, s *Session, base string) (_ *fakes, err error) {
	f := &fakes{fleet: newFleet(s), base: strings.TrimSuffix(base, "/"), client: &http.Client{Transport: &http.Transport{DialContext: s.target.network().Dial, MaxIdleConnsPerHost: 64}}}
	defer func() {
		if err != nil {
			f.client.CloseIdleConnections()
		}
	}()
	var state struct{ Speed float64 }
	if err := f.call(ctx, fakesTimeout, http.MethodGet, "/admin/state", nil, &state); err != nil {
		return nil, err
	}
	if f.speed = state.Speed; f.speed <= 0 {
		return nil, fmt.Errorf("fakeprovider: GET %s/admin/state: it does not tell its speed: is this a bootrace fakeprovider?", f.base)
	}
	var now endpoints.Boots
	if err := f.call(ctx, fakesTimeout, http.MethodGet, "/admin/boots", nil, &now); err != nil {
		return nil, fmt.Errorf("%w: start it with --tell-boots", err)
	}
	if !slices.Contains(now.Tells, endpoints.Refused) {
		return nil, fmt.Errorf("fakeprovider: GET %s/admin/boots: it does not tell of launches that fail: it is an older bootrace; start this one's", f.base)
	}
	watching, stop := context.WithCancel(context.WithoutCancel(ctx))
	f.stop = stop
	f.watched.Go(func() { f.watch(watching, now.Last) })
	return f, nil
}

// close ends the watch.
func (f *fakes) close() {
	f.stop()
	f.watched.Wait()
	f.client.CloseIdleConnections()
}

// watch boots and ends agents as machines are launched and end. Where the fakes do not answer for long, nobody knows any more
// whose machine lives, and nothing can be said of the runs that are played.
func (f *fakes) watch(ctx context.Context, after int) {
	answered := time.Now()
	for ctx.Err() == nil {
		var news endpoints.Boots
		err := f.call(ctx, fakesWait, http.MethodGet, fmt.Sprintf("/admin/boots?after=%d", after), nil, &news)
		switch {
		case ctx.Err() != nil:
			return
		case err != nil && time.Since(answered) > f.session.patience:
			f.session.broken(err)
			return
		case err != nil:
			sleep(ctx, time.Second)
			continue
		}
		answered = time.Now()
		if news.Last < after { // they were started anew, and number anew
			after = 0
		}
		for _, b := range news.Boots {
			after = b.Number
			f.happened(b)
		}
	}
}

func (f *fakes) happened(b endpoints.Boot) {
	switch b.Phase {
	case endpoints.Launched:
		f.launched(launch{id: b.ID, workspace: b.WorkspaceID, inc: b.Incarnation, env: b.Env, cloud: b.Cloud})
		return
	case endpoints.Refused:
		f.launched(launch{workspace: b.WorkspaceID, inc: b.Incarnation, cloud: b.Cloud, err: b.Error, code: b.Status})
		return
	}
	how := history.Terminated
	if b.Died {
		how = history.Died
	}
	f.stopped(b.WorkspaceID, b.ID, how)
}

// end lets the host of a machine fail. The agent ends when the fakes tell of it.
func (f *fakes) end(x launch) bool {
	var why any // of the control plane's machines, none is a host that failed
	if x.cloud == endpoints.CloudEC2 {
		why = ec2wire.HostFailure
	}
	ctx, cancel := context.WithTimeout(context.Background(), fakesTimeout)
	defer cancel()
	return f.call(ctx, fakesTimeout, http.MethodPost, "/admin/"+x.cloud+"/machines/"+url.PathEscape(x.id)+"/end", why, nil) == nil
}

// preflight makes a workspace's preflight, which takes so long. It is an error where it was not answered.
func (f *fakes) preflight(ctx context.Context, workspace, provider string, takes time.Duration) error {
	err := f.call(ctx, fakesTimeout, http.MethodPut, "/admin/llm/workspaces/"+url.PathEscape(workspace)+"/preflight", map[string]any{
		"takes": time.Duration(float64(takes) * f.speed).String(), "refusals": 0,
	}, nil)
	if err != nil {
		return err
	}
	return preflight.Ask(ctx, f.client, preflight.Question{Base: f.base, Provider: provider, Workspace: workspace})
}

// call calls the fakes, and reads their answer where somebody wants it.
func (f *fakes) call(ctx context.Context, timeout time.Duration, method, path string, body, reply any) error {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	fail := func(err error) error { return fmt.Errorf("fakeprovider: %s %s%s: %w", method, f.base, path, err) }
	content := io.Reader(http.NoBody)
	if body != nil {
		text, err := json.Marshal(body)
		if err != nil {
			return fail(err)
		}
		content = bytes.NewReader(text)
	}
	q, err := http.NewRequestWithContext(ctx, method, f.base+path, content)
	if err != nil {
		return fail(err)
	}
	q.Header.Set("Content-Type", "application/json")
	r, err := f.client.Do(q)
	if err != nil {
		return fail(plainly(err, timeout))
	}
	defer r.Body.Close() //nolint:errcheck // it is read
	switch {
	case r.StatusCode/100 != 2:
		return fail(fmt.Errorf("it answered %s", r.Status))
	case reply == nil:
		return nil
	}
	if err := json.NewDecoder(r.Body).Decode(reply); err != nil {
		return fail(err)
	}
	return nil
}
