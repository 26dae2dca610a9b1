package reports_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/bootrace/bootrace/controller/lifecycle"
	"github.com/bootrace/bootrace/harness/history"
	"github.com/bootrace/bootrace/harness/invariant"
	"github.com/bootrace/bootrace/harness/plan"
	"github.com/bootrace/bootrace/harness/runs"
	"github.com/bootrace/bootrace/reports"
)

// A page names the command that plays a run again, or judges what cannot be played again.
func TestHTMLReplay(t *testing.T) {
	t.Parallel()
	r := kept(t, "red", 2)
	for _, world := range []string{runs.Simulated, runs.Live, runs.Foreign, runs.Explored} {
		r.World = world
		page := string(must(t)(reports.HTML(r)))
		for _, command := range []string{"<code>bootrace replay testdata/kept/red/20260102-030405-7</code>", "20260102-030405-7 --scenario late-boot</code>"} {
			if got := strings.Contains(page, command); got != (world != runs.Explored) {
				t.Errorf("%s: it is %t that the page has %s", world, got, command)
			}
		}
		if got := strings.Contains(page, "<code>bootrace judge testdata/kept/red/20260102-030405-7</code>"); got != (world == runs.Explored) {
			t.Errorf("%s: it is %t that the page has it judged", world, got)
		}
	}
}

var inline = regexp.MustCompile(`(?s)<(style|script)>(.*?)</(?:style|script)>`)

// The page's policy names its own style and script, by their hashes, and allows nothing else.
func TestHTMLPolicy(t *testing.T) {
	t.Parallel()
	page := string(must(t)(reports.HTML(kept(t, "red", all))))
	parts := inline.FindAllStringSubmatch(page, -1)
	if len(parts) != 2 {
		t.Fatalf("%d inline styles and scripts", len(parts))
	}
	want := "default-src &#39;none&#39;"
	for _, p := range parts {
		sum := sha256.Sum256([]byte(p[2]))
		hash := strings.ReplaceAll(base64.StdEncoding.EncodeToString(sum[:]), "+", "&#43;")
		want += fmt.Sprintf("; %s-src &#39;sha256-%s&#39;", p[1], hash)
	}
	want += "; base-uri &#39;none&#39;; form-action &#39;none&#39;"
	if !strings.Contains(page, `<meta http-equiv="Content-Security-Policy" content="`+want+`">`) {
		t.Errorf("the policy is not %s", want)
	}
	if strings.Index(page, "Content-Security-Policy") > strings.Index(page, "<style>") {
		t.Error("the policy stands behind what it is for")
	}
}

// elements are those that the page is made of. What a text smuggles in is none of them.
var elements = strings.Fields("html head meta title style body svg defs pattern rect circle path g a header h1 ul li span b dl div dt dd " +
	"p code button main section h2 form label input output kbd table thead tr th tbody td figure figcaption details summary h3 h4 article line text use script")

// checker is a test, or a try of a property.
type checker interface {
	Helper()
	Error(args ...any)
	Errorf(format string, args ...any)
	Fatal(args ...any)
	Fatalf(format string, args ...any)
}

// checkPage checks that a page has no element, attribute or link but the package's own kinds, and nothing that cannot be
// seen. It returns the page's text.
func checkPage(t checker, page []byte) string {
	t.Helper()
	if !utf8.Valid(page) {
		t.Error("the page is no UTF-8")
	}
	for _, r := range string(page) {
		if r != '\n' && (unicode.IsControl(r) || unicode.Is(unicode.Cf, r)) {
			t.Errorf("the page has a %U", r)
		}
	}
	page = inline.ReplaceAll(page, []byte("<$1></$1>"))
	page = bytes.ReplaceAll(page, []byte("\ufffe"), []byte("\ufffd")) // which HTML allows, and XML does not
	d := xml.NewDecoder(bytes.NewReader(page))
	d.Strict, d.AutoClose, d.Entity = false, xml.HTMLAutoClose, xml.HTMLEntity
	var text strings.Builder
	count := map[string]int{}
	for {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		switch x := token.(type) {
		case xml.CharData:
			text.Write(x)
			text.WriteByte(' ')
		case xml.StartElement:
			name := x.Name.Local
			count[name]++
			if !slices.Contains(elements, name) {
				t.Errorf("the page has an element <%s>", name)
			}
			for _, a := range x.Attr {
				switch key := strings.ToLower(a.Name.Local); {
				case strings.HasPrefix(key, "on"), key == "style", key == "src", key == "srcset", key == "action":
					t.Errorf("<%s> has a %s", name, key)
				case key == "href" && strings.ContainsRune(strings.SplitN(a.Value, "/", 2)[0], ':'), key == "href" && strings.HasPrefix(a.Value, "//"):
					t.Errorf("<%s> leads out of the run's folder: %s", name, a.Value)
				}
			}
		}
	}
	if count["script"] != 1 || count["style"] != 1 || count["html"] != 1 {
		t.Errorf("the page has elements %v", count)
	}
	return text.String()
}

// Whatever a controller, a cloud or a scenario's name says is shown in the page, and is none of it.
func TestHTMLHostile(t *testing.T) {
	t.Parallel()
	text := checkPage(t, must(t)(reports.HTML(cases["hostile"](t))))
	for _, want := range []string{"<script>alert(1)</script>", "<b>&amp;</b>", "</details>", "\ufffd[31mred"} {
		if !strings.Contains(text, want) {
			t.Errorf("%q is not shown", want)
		}
	}

	for _, evil := range []string{hostile, "</script><script>alert(1)</script>", `"><img src=x onerror=alert(1)>`, "</title></svg><a href=javascript:alert(1)>x", "\x00\x1b]8;;http://x\x07", "\u202etxt.exe"} {
		r := hostileRun(evil)
		text := checkPage(t, must(t)(reports.HTML(r)))
		if want := strings.Fields(evil)[0]; utf8.ValidString(want) && !strings.ContainsFunc(want, func(c rune) bool { return unicode.IsControl(c) || unicode.Is(unicode.Cf, c) }) && strings.Count(text, want) < 5 {
			t.Errorf("%q is shown %d times", want, strings.Count(text, want))
		}
	}
}

// hostileRun is a run in which every text that comes from outside is the given one.
func hostileRun(evil string) *runs.Run {
	p := &plan.Plan{
		Name: evil, Controllers: 1, Duration: plan.Duration(time.Hour),
		Workspaces: []plan.Workspace{{Name: evil, Group: evil, Provider: evil, Runtime: evil, Boots: []plan.Boot{{}}}},
		Faults:     []plan.Fault{{Kind: evil, From: plan.Duration(time.Minute), Until: plan.Duration(2 * time.Minute)}},
	}
	at := func(m int) history.Time { return history.Time(time.Duration(m) * time.Minute) }
	h := &history.History{Events: []history.Event{
		{Kind: history.Process, Phase: history.Started, Replica: 1},
		{At: at(1), Kind: history.Move, WS: 1, Inc: 1, By: evil, To: lifecycle.Provisioning, Cause: evil},
		{At: at(2), Kind: history.Fault, Fault: 1, Phase: history.Struck},
		{At: at(3), Kind: history.Machine, WS: 1, Inc: 1, Machine: evil, Phase: history.Launched},
		{At: at(4), Kind: history.Boot, WS: 1, Inc: 1, Machine: evil, Phase: evil},
		{At: at(5), Kind: history.Call, WS: 1, Inc: 1, Actor: history.ActorOperator, Call: evil, Err: evil},
		{At: at(6), Kind: history.Cloud, WS: 1, Inc: 1, Call: evil, Err: evil, Machine: evil},
		{At: at(7), Kind: history.Tick, Replica: 1, By: evil, Err: evil},
		{At: at(8), Kind: history.Call, WS: 1, Inc: 1, Actor: history.ActorAgent, Call: "heartbeat", Code: 418, Err: evil},
		{At: at(9), Kind: history.Machine, WS: 1, Inc: 1, Machine: evil, Phase: evil},
		{At: at(10), Kind: history.Move, WS: -1, Inc: 1, By: evil, To: lifecycle.Failed, Cause: evil},
		{At: at(60), Kind: history.End},
	}}
	v := invariant.Violation{Invariant: evil, Workspace: 1, At: at(20), Since: at(15), What: evil, Expected: evil}
	other := v
	other.Workspace = 0
	r := &runs.Run{ID: evil, Version: evil, World: evil, Store: evil, Server: evil, Defect: evil, Target: evil, LeftOut: []runs.LeftOut{{Scenario: evil, Reason: evil}}}
	x := r.Add(runs.Played{Plan: p, History: h, Digest: evil, Judgement: &invariant.Judgement{
		Verdict: invariant.Violated, Doubts: []string{evil}, Findings: []invariant.Finding{
			{Invariant: evil, Verdict: invariant.Violated, Violations: []invariant.Violation{v, other}},
			{Invariant: evil, Verdict: invariant.Inconclusive, Why: evil},
		},
	}})
	x.First = &v
	x.Explanation = &invariant.Explanation{Subject: evil, Mechanism: evil, Expected: evil, Timeline: []invariant.Line{{At: at(1), Text: evil}}}
	r.Verdict = invariant.Violated
	return r
}

// large is a run of scenarios of many workspaces that never come to rest.
func large(scenarios, workspaces, rounds int) *runs.Run {
	r := &runs.Run{ID: "large", Seed: 1, World: runs.Simulated}
	for s := range scenarios {
		p := &plan.Plan{Name: fmt.Sprintf("scenario-%d", s), Controllers: 1, Duration: plan.Duration(time.Hour)}
		for w := range workspaces {
			p.Workspaces = append(p.Workspaces, plan.Workspace{
				Name: fmt.Sprintf("kimi-%d", w+1), Group: "kimi", Provider: "kimi", Runtime: "claude-code", Boots: []plan.Boot{{}},
			})
		}
		for f := range 2 * workspaces {
			p.Faults = append(p.Faults, plan.Fault{Kind: "partition", From: plan.Duration(f), Until: plan.Duration(time.Hour), Workspaces: []int{1 + f%workspaces}})
		}
		h := &history.History{}
		from, to := lifecycle.Online, lifecycle.Offline
		for n := range rounds {
			at := history.Time(time.Hour) / history.Time(rounds) * history.Time(n)
			for w := range workspaces {
				h.Add(history.Event{At: at, Kind: history.Fault, Fault: 1 + (n+w)%len(p.Faults), Phase: history.Struck})
				h.Add(history.Event{At: at, Kind: history.Move, WS: w + 1, Inc: 1, From: from, To: to, By: "liveness-sweep"})
				h.Add(history.Event{At: at, Kind: history.Call, WS: w + 1, Inc: 1, Sent: at, Actor: history.ActorAgent, Call: "heartbeat", Code: 200})
			}
			from, to = to, from
		}
		broken := invariant.Finding{Invariant: "stays-online", Verdict: invariant.Violated}
		for w := range workspaces {
			broken.Violations = append(broken.Violations, invariant.Violation{Invariant: "stays-online", Workspace: w + 1, What: "it is offline"})
		}
		r.Add(runs.Played{Plan: p, History: h, Judgement: &invariant.Judgement{Verdict: invariant.Violated, Findings: []invariant.Finding{broken}}})
	}
	return r
}

// A run of any size gives a page of a bounded size, which says what it leaves out.
func TestHTMLIsBounded(t *testing.T) {
	t.Parallel()
	page := must(t)(reports.HTML(large(10, 120, 15)))
	if most := 3_000_000; len(page) > most {
		t.Errorf("the page has %d bytes", len(page))
	}
	text := strings.Join(strings.Fields(checkPage(t, page)), " ")
	said := regexp.MustCompile(`(\d+) of 10 scenarios are shown in short`).FindStringSubmatch(text)
	if said == nil || said[1] == "0" {
		t.Fatal("the page does not say that it leaves something out")
	}
	if n := fmt.Sprint(strings.Count(text, "Shown in short: ")); n != said[1] {
		t.Errorf("%s sections are short, and the page says %s", n, said[1])
	}
	for _, want := range []string{"Not told here: stays-online × ", "more faults have no row here."} {
		if !strings.Contains(text, want) {
			t.Errorf("the page does not say: %s", want)
		}
	}

	page = must(t)(reports.HTML(large(1, 300, 2)))
	text = checkPage(t, page)
	for _, want := range []string{"44 of 300 workspaces are not drawn; ", " more faults' windows are not drawn across the lanes."} {
		if !strings.Contains(text, want) {
			t.Errorf("the page does not say: %s", want)
		}
	}
	if n := bytes.Count(page, []byte(`class="window"`)); n != 49 { // one is in the legend
		t.Errorf("%d windows of faults are drawn", n)
	}
	if n := bytes.Count(page, []byte("data-lane=")); n != 256 {
		t.Errorf("%d lanes are drawn", n)
	}
}

// Heartbeats by the thousand cost no more than the places at which they can be distinguished.
func TestHTMLAggregates(t *testing.T) {
	t.Parallel()
	size := func(beats int) int {
		p := &plan.Plan{
			Name: "s", Controllers: 1, Duration: plan.Duration(time.Hour),
			Workspaces: []plan.Workspace{{Name: "w", Group: "w", Provider: "kimi", Runtime: "claude-code", Boots: []plan.Boot{{}}}},
		}
		h := &history.History{Events: []history.Event{{Kind: history.Move, WS: 1, Inc: 1, To: lifecycle.Online, By: "create"}}}
		for n := range beats {
			at := history.Time(time.Hour) / history.Time(beats) * history.Time(n)
			h.Add(history.Event{At: at, Kind: history.Call, WS: 1, Inc: 1, Sent: at, Actor: history.ActorAgent, Call: "heartbeat", Code: 200})
		}
		r := &runs.Run{}
		r.Add(runs.Played{Plan: p, History: h, Judgement: &invariant.Judgement{Verdict: invariant.Held}})
		page := must(t)(reports.HTML(r))
		if !bytes.Contains(page, []byte(fmt.Sprintf("%d accepted, +00:00.0 to ", beats))) {
			t.Errorf("the page does not say how many of %d heartbeats were accepted", beats)
		}
		return len(page)
	}
	few, many := size(4000), size(100_000)
	if many-few > 200 {
		t.Errorf("100000 heartbeats take %d bytes more than 4000", many-few)
	}
}
