package endpoints_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/bootrace/bootrace/fakeprovider/endpoints"
)

// Whoever boots agents in another process is told of machines in their order, as soon as there is something to tell.
func TestBoots(t *testing.T) {
	t.Parallel()
	f, urls := serve(t, endpoints.Options{Speed: 1000, TellBoots: true}, "")
	u := urls[0]
	ask := func(query string) (b endpoints.Boots) {
		t.Helper()
		if err := json.Unmarshal([]byte(f.wants(200, "GET", u+"/admin/boots"+query, "")), &b); err != nil {
			t.Fatal(err)
		}
		return b
	}
	if b := ask(""); len(b.Boots) != 0 || b.Last != 0 {
		t.Errorf("at the start: %+v", b)
	}
	told := make(chan endpoints.Boots, 1)
	go func() { told <- ask("?after=0") }()
	time.Sleep(50 * time.Millisecond) // sleeps: so that it waits, as a rule; the outcome is the same where it does not yet
	m := f.launch(u)
	b := <-told
	if len(b.Boots) != 1 || b.Last != 1 {
		t.Fatalf("%+v", b)
	}
	if x := b.Boots[0]; x.Phase != endpoints.Launched || x.ID != m.ID || x.WorkspaceID != "w-ec2" || x.Incarnation != 1 || x.Env["TOKEN"] != "ec2-secret" || x.Died {
		t.Errorf("it is told as %+v", x)
	}
	f.wants(201, "POST", u+"/cp/workspaces/provision", provision)
	f.wants(204, "POST", u+"/admin/ec2/machines/"+m.ID+"/end", "")
	f.wants(200, "DELETE", u+"/cp/workspaces/w-cp", "")
	var got []string
	for _, x := range ask("?after=1").Boots {
		got = append(got, fmt.Sprint(x.Number, " ", x.Phase, " ", x.Cloud, " ", x.WorkspaceID, " ", x.Env["TOKEN"], " ", x.Died))
	}
	want := "2 launched cp w-cp cp-secret false, 3 stopped ec2 w-ec2 ec2-secret true, 4 stopped cp w-cp cp-secret false"
	if text := strings.Join(got, ", "); text != want {
		t.Errorf("told %s\nwant %s", text, want)
	}
	if b := ask("?after=9"); b.Last != 4 { // of another server's numbers: at once
		t.Errorf("%+v", b)
	}
	f.wants(204, "PUT", u+"/admin/cp/faults", `{"rules": [{"call": "provision", "kind": "refused", "times": 1}, {"call": "provision", "kind": "lost-closed", "times": 1}]}`)
	f.wants(422, "POST", u+"/cp/workspaces/provision", provision)
	if r, err := http.Post(u+"/cp/workspaces/provision", "application/json", strings.NewReader(provision)); err == nil {
		r.Body.Close()
		t.Error("a lost reply arrives")
	}
	f.wants(401, "POST", u+"/", "Action=RunInstances&Version=2016-11-15&TagSpecification.1.Tag.1.Key=bootrace:workspace&TagSpecification.1.Tag.1.Value=w-9")
	got = nil
	for _, x := range ask("?after=4").Boots {
		got = append(got, fmt.Sprint(x.Phase, " ", x.Cloud, " ", x.WorkspaceID, " ", x.Status, " ", x.Error))
	}
	want = "refused cp w-cp 422 no machine of this kind can be launched, launched cp w-cp 0 , refused cp w-cp 0 the reply was lost, refused ec2 w-9 401 AuthFailure"
	if text := strings.Join(got, ", "); text != want {
		t.Errorf("told %s\nwant %s", text, want)
	}
	f.wants(400, "GET", u+"/admin/boots?after=x", "")
	closed, others := serve(t, endpoints.Options{}, "")
	closed.wants(404, "GET", others[0]+"/admin/boots", "")
}
