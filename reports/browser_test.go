package reports_test

import (
	"context"
	"fmt"
	"math"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"github.com/bootrace/bootrace/controller/defects"
	"github.com/bootrace/bootrace/harness"
	"github.com/bootrace/bootrace/harness/history"
	"github.com/bootrace/bootrace/harness/plan"
	"github.com/bootrace/bootrace/harness/runs"
	"github.com/bootrace/bootrace/harness/stores"
	"github.com/bootrace/bootrace/internal/await"
	"github.com/bootrace/bootrace/internal/needchromium"
	"github.com/bootrace/bootrace/reports"
	"github.com/bootrace/bootrace/scenarios"
)

// tab is a browser's tab with a page in it, and all that the page did beside showing itself.
type tab struct {
	t   *testing.T
	ctx context.Context // it is how chromedp names a tab

	mu     sync.Mutex
	events []string // messages on its console, requests, dialogs
}

// look is how a tab is looked at.
type look struct {
	width    int64
	noScript bool
}

// open opens a file in a tab of its own.
func open(t *testing.T, browser context.Context, file string, l look) *tab {
	t.Helper()
	ctx, cancel := chromedp.NewContext(browser)
	t.Cleanup(cancel)
	if err := chromedp.Do(ctx); err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithTimeout(ctx, await.Hang)
	t.Cleanup(stop)
	b := &tab{t: t, ctx: ctx}
	address := (&url.URL{Scheme: "file", Path: file}).String()
	must0(t, chromedp.Listen(ctx, func(event any) { b.event(event, address) }))
	_, err := chromedp.Call(ctx, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: l.noScript})
	must0(t, err)
	must0(t, chromedp.Do(ctx, chromedp.EmulateViewport(max(l.width, 400), 900), chromedp.Navigate(address)))
	return b
}

func must0(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func (b *tab) event(event any, address string) {
	var said string
	switch e := event.(type) {
	case *network.EventRequestWillBeSent:
		if e.Request.URL == address {
			return
		}
		said = "request " + e.Request.URL
	case *runtime.EventConsoleAPICalled:
		said = fmt.Sprintf("console %s", e.Type)
	case *runtime.EventExceptionThrown:
		said = "exception " + e.ExceptionDetails.Text
	case *log.EventEntryAdded:
		said = "log " + e.Entry.Text
	case *page.EventJavascriptDialogOpening:
		said = "dialog " + e.Message
	default:
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.events = append(b.events, said)
}

// did returns what the page did beside showing itself.
func (b *tab) did() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return strings.Join(b.events, "\n")
}

// emulate has the page shown on a medium, screen or print, to somebody who prefers a color scheme, light or dark.
func (b *tab) emulate(medium, scheme string) {
	b.t.Helper()
	_, err := chromedp.Call(b.ctx, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
		Media: medium, Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}},
	})
	must0(b.t, err)
}

// quiet checks that the page asked for nothing, and that nothing of it failed.
func (b *tab) quiet() {
	b.t.Helper()
	if n := eval[int](b, `performance.getEntriesByType("resource").length`); n != 0 {
		b.t.Errorf("the page loaded %d resources", n)
	}
	if did := b.did(); did != "" {
		b.t.Errorf("the page did more than to show itself:\n%s", did)
	}
}

func eval[T any](b *tab, expression string) T {
	b.t.Helper()
	v, err := chromedp.Run(b.ctx, chromedp.Evaluate[T](expression))
	if err != nil {
		b.t.Fatalf("%s: %v", expression, err)
	}
	return v
}

func (b *tab) is(expression string) {
	b.t.Helper()
	if !eval[bool](b, expression) {
		b.t.Errorf("it is not so: %s", expression)
	}
}

func (b *tab) press(keys string) {
	b.t.Helper()
	must0(b.t, chromedp.Do(b.ctx, chromedp.KeyEvent(keys)))
}

// rendered writes the page of a run to a file.
func rendered(t *testing.T, r *runs.Run) string {
	t.Helper()
	return written(t, must(t)(reports.HTML(r)))
}

func written(t *testing.T, text []byte) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "report.html")
	must0(t, os.WriteFile(file, text, 0o600))
	return file
}

// suite plays built-in scenarios, all where none is named.
func suite(t testing.TB, defect string, names ...string) *runs.Run {
	t.Helper()
	s := harness.Suite{Source: stores.Memory(), Seed: 7, Version: "v0.1.0", Began: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC), Parent: t.TempDir()}
	list := scenarios.Builtin()
	if len(names) > 0 {
		list = nil
		for _, name := range names {
			x, err := scenarios.Find(name)
			must0(t, err)
			list = append(list, x)
		}
	}
	for _, x := range list {
		p, err := plan.Resolve(x, 7)
		must0(t, err)
		s.Plans = append(s.Plans, p)
	}
	if defect != "" {
		var err error
		s.Defect, err = defects.Find(defect)
		must0(t, err)
	}
	r, err := s.Run(t.Context())
	must0(t, err)
	return r
}

const visibleRows = `[...document.querySelectorAll(".rows tbody tr")].filter(r => r.checkVisibility()).length`

func TestBrowser(t *testing.T) {
	browser := needchromium.Browser(t)
	violated := suite(t, "sticky-failed", "minimax-past-budget", "hermes-slow-mirror", "late-boot-during-partition", "pause-resume-during-boot")
	file := rendered(t, violated)

	// What is checked below can be seen: a page that asks for something and fails is noticed.
	t.Run("notices", func(t *testing.T) {
		b := open(t, browser, written(t, []byte(`<!DOCTYPE html><img src="x.png"><script>console.error("x"); throw new Error("y")</script>`)), look{})
		for _, want := range []string{"request file:", "/x.png", "console error", "exception "} {
			if !strings.Contains(b.did(), want) {
				t.Errorf("not noticed: %s\n%s", want, b.did())
			}
		}
	})

	t.Run("violation", func(t *testing.T) {
		b := open(t, browser, file, look{width: 1280})
		b.is(`document.querySelector("#scenario-minimax-past-budget .mechanism").checkVisibility()`)
		b.is(`document.querySelector("#scenario-minimax-past-budget .mechanism").innerText.startsWith("The provision-timeout sweeper gave up at ")`)
		b.is(`document.querySelector("#scenario-minimax-past-budget .broken").checkVisibility()`)
		b.is(`document.querySelector("#scenario-hermes-slow-mirror").closest("details").open === false`)

		checkBars(b, violated, violated.Results[0])
		box := eval[[]float64](b, `(() => { const bar = document.querySelector('#scenario-minimax-past-budget [data-lane="1"] .bar.s-failed');
			bar.scrollIntoView({block: "center"}); const r = bar.getBoundingClientRect(); return [r.left + 2, r.top + r.height / 2] })()`)
		must0(t, chromedp.Do(b.ctx, chromedp.MouseEvent(chromedp.MouseMoved, box[0], box[1])))
		b.is(`/^\+10:\d\d\.\d  workspace 1, minimax-1$/.test(document.querySelector("#scenario-minimax-past-budget output").textContent)`)

		const plot = `document.querySelector("#scenario-minimax-past-budget .plot").getBoundingClientRect()`
		was := eval[float64](b, plot+`.width`)
		must0(t, chromedp.Do(b.ctx, chromedp.Click(`#scenario-minimax-past-budget button[name="moment"]`)))
		if now := eval[float64](b, plot+`.width`); math.Abs(now/was-8) > 0.1 {
			t.Errorf("the drawing is %.1f times as wide", now/was)
		}
		b.is(`(() => { const m = document.querySelector("#scenario-minimax-past-budget .moment").getBoundingClientRect(),
			s = document.querySelector("#scenario-minimax-past-budget .scroll").getBoundingClientRect();
			return m.left > s.left && m.left < s.right })()`)
		checkBars(b, violated, violated.Results[0])
		b.quiet()
	})

	t.Run("filter", func(t *testing.T) {
		b := open(t, browser, file, look{width: 1280})
		b.is(visibleRows + ` === 4`)
		b.press("/")
		b.is(`document.activeElement === document.querySelector("input[name=text]")`)
		b.is(`(document.activeElement.value = "") === ""`) // chromedp types the key, whatever its keydown event came to
		b.press("hermes")
		b.is(visibleRows + ` === 1`)
		b.is(`document.querySelector(".filter output").textContent === "1 of 4 shown"`)
		b.is(`!document.querySelector("#scenario-minimax-past-budget").checkVisibility()`)
		must0(t, chromedp.Do(b.ctx, chromedp.Click(`input[name="held"]`)))
		b.is(visibleRows + ` === 0`)
		must0(t, chromedp.Do(b.ctx, chromedp.Click(`input[name="held"]`)))
		b.is(visibleRows + ` === 1`)
		b.press("/")
		b.press(strings.Repeat(kb.Backspace, len("hermes/")))
		b.is(visibleRows + ` === 4`)
		b.quiet()
	})

	t.Run("keyboard", func(t *testing.T) {
		b := open(t, browser, file, look{width: 1280})
		for range 40 {
			b.press(kb.Tab)
			if eval[bool](b, `document.activeElement.getAttribute("href") === "#violation-late-boot-during-partition"`) {
				break
			}
		}
		b.press(kb.Enter)
		at := `(() => { const e = document.activeElement, box = e.getBoundingClientRect(); return box.top >= 0 && box.top < innerHeight ? e.id : "" })()`
		b.is(at + ` === "violation-late-boot-during-partition"`)
		b.press("n")
		b.is(at + ` === "violation-minimax-past-budget"`)
		b.press("p")
		b.is(at + ` === "violation-late-boot-during-partition"`)
		b.press(kb.Tab) // on to the drawing's buttons, and the drawing
		for range 4 {
			b.press(kb.Tab)
		}
		b.is(`document.activeElement.classList.contains("scroll")`)
		b.press("+")
		b.is(`document.activeElement.firstElementChild.getBoundingClientRect().width > 1.9 * document.activeElement.clientWidth * 0.98`)
		b.quiet()
	})

	t.Run("without scripts", func(t *testing.T) {
		b := open(t, browser, file, look{width: 1280, noScript: true})
		b.is(`[...document.querySelectorAll(".js")].every(e => !e.checkVisibility())`)
		b.is(visibleRows + ` === 4`)
		b.is(`document.querySelector("#scenario-minimax-past-budget .mechanism").checkVisibility()`)
		checkBars(b, violated, violated.Results[0])
		must0(t, chromedp.Do(b.ctx, chromedp.Click(`a[href="#scenario-hermes-slow-mirror"]`)))
		b.is(`document.querySelector("#scenario-hermes-slow-mirror .plot").checkVisibility()`)
		b.quiet()
	})

	t.Run("narrow", func(t *testing.T) {
		b := open(t, browser, file, look{width: 400})
		must0(t, chromedp.Do(b.ctx, chromedp.Click(`button[name="expand"]`)))
		b.is(`[...document.querySelectorAll("details")].every(d => { d.open = true; return d.open })`)
		if wide := eval[int](b, `document.documentElement.scrollWidth`); wide > 400 {
			t.Errorf("the page is %d pixels wide", wide)
		}
		b.quiet()
	})

	t.Run("contrast", func(t *testing.T) {
		b := open(t, browser, file, look{width: 1280})
		for _, c := range []struct {
			medium, scheme string
			white          bool
		}{{"screen", "light", true}, {"screen", "dark", false}, {"print", "dark", true}} {
			b.emulate(c.medium, c.scheme)
			b.is(fmt.Sprintf(`(getComputedStyle(document.body).backgroundColor === "rgb(255, 255, 255)") === %t`, c.white))
			if low := eval[[]string](b, lowContrast); len(low) > 0 {
				t.Errorf("%s, %s: texts with a contrast below 4.5:\n%s", c.medium, c.scheme, strings.Join(low, "\n"))
			}
		}
		b.is(`[...document.querySelectorAll("button, form")].every(e => !e.checkVisibility())`) // nobody presses those on paper
	})

	t.Run("held suite", func(t *testing.T) {
		held := suite(t, "")
		b := open(t, browser, rendered(t, held), look{width: 1280})
		b.is(fmt.Sprintf(`%s === %d`, visibleRows, len(held.Results)))
		b.is(`[...document.querySelectorAll("details")].every(d => !d.open)`)
		must0(t, chromedp.Do(b.ctx, chromedp.Click(`button[name="expand"]`)))
		b.is(`[...document.querySelectorAll(".plot")].every(p => p.checkVisibility())`)
		for _, x := range held.Results {
			checkBars(b, held, x)
		}
		b.is(`document.documentElement.scrollWidth <= 1280`)
		b.quiet()
	})

	t.Run("hostile", func(t *testing.T) {
		for _, evil := range []string{hostile, `"></title></svg></script><script>alert(1)</script><img src=x onerror=alert(1)>`} {
			b := open(t, browser, rendered(t, hostileRun(evil)), look{width: 400})
			b.is(`document.scripts.length === 1 && document.querySelectorAll("img, iframe, body b b").length === 0`)
			b.is(`document.documentElement.scrollWidth <= 400`)
			b.quiet()
		}
	})
}

// lowContrast lists the visible texts that hardly differ from what is behind them, by WCAG's measure.
const lowContrast = `(() => {
	const light = (c) => { const f = (v) => { v /= 255; return v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4 };
		return 0.2126 * f(c[0]) + 0.7152 * f(c[1]) + 0.0722 * f(c[2]) };
	const parse = (s) => s.match(/[\d.]+/g).map(Number);
	const behind = (e) => { for (; e; e = e.parentElement) { const c = parse(getComputedStyle(e).backgroundColor); if (c.length < 4 || c[3] === 1) return c } return [255, 255, 255] };
	const low = {};
	for (const e of document.querySelectorAll("body *")) {
		if (!e.checkVisibility({opacityProperty: true}) || ![...e.childNodes].some(n => n.nodeType === 3 && n.data.trim()) || e.closest("defs")) continue;
		const style = getComputedStyle(e), svg = e instanceof SVGElement;
		if (svg && (e.tagName !== "text" || e.classList.contains("label"))) continue; // those lie on bars, with a halo of the background
		let opacity = 1;
		for (let p = e; p; p = p.parentElement) opacity *= Number(getComputedStyle(p).opacity);
		const back = behind(svg ? e.closest("svg").parentElement : e);
		const fore = parse(svg ? style.fill : style.color).map((v, i) => i < 3 ? v * opacity + back[i] * (1 - opacity) : v);
		const [a, b] = [light(fore), light(back)].sort((x, y) => y - x);
		const ratio = (a + 0.05) / (b + 0.05);
		if (ratio < 4.5) low[e.tagName + "." + (e.getAttribute("class") ?? "")] = ratio.toFixed(2) + " " + e.textContent.slice(0, 40);
	}
	return Object.entries(low).map(([k, v]) => k + ": " + v);
})()`

// checkBars checks that the bars of every workspace lie where the history has its statuses, to the pixel.
func checkBars(b *tab, r *runs.Run, x *runs.Result) {
	b.t.Helper()
	h, err := r.History(x)
	must0(b.t, err)
	end := time.Duration(x.Plan.Duration)
	if n := len(h.Events); n > 0 {
		end = max(end, h.Events[n-1].At.D())
	}
	type bar struct {
		Class       string
		Left, Right float64
	}
	got := eval[map[string][]bar](b, fmt.Sprintf(`(() => {
		const plot = document.querySelector("#scenario-%s .plot"), all = {};
		const box = plot.getBoundingClientRect();
		for (const lane of plot.querySelectorAll("[data-lane]"))
			all[lane.dataset.lane] = [...lane.querySelectorAll(".bar")].map((b) => ({
				Class: b.getAttribute("class"), Left: (b.x.baseVal.value) / box.width, Right: (b.x.baseVal.value + b.width.baseVal.value) / box.width,
			}));
		return all;
	})()`, x.Scenario))
	moves := map[int][]history.Event{}
	for _, e := range h.Events {
		if e.Kind == history.Move {
			moves[e.WS] = append(moves[e.WS], e)
		}
	}
	for ws := range x.Plan.Workspaces {
		mine, bars := moves[ws+1], got[fmt.Sprint(ws+1)]
		if len(bars) != len(mine) && !strings.Contains(fmt.Sprint(bars), "s-many") {
			b.t.Errorf("%s: workspace %d has %d bars for %d moves", x.Scenario, ws+1, len(bars), len(mine))
			continue
		}
		if len(bars) != len(mine) {
			continue
		}
		for i, m := range mine {
			from, until := m.At.D().Seconds()/end.Seconds(), 1.0
			if i+1 < len(mine) {
				until = mine[i+1].At.D().Seconds() / end.Seconds()
			}
			until = max(until, from+0.001)
			if bars[i].Class != "bar s-"+m.To.String() || math.Abs(bars[i].Left-from) > 0.0002 || math.Abs(bars[i].Right-until) > 0.0003 {
				b.t.Errorf("%s: workspace %d is %s from %.4f to %.4f, and the bar is %+v", x.Scenario, ws+1, m.To, from, until, bars[i])
			}
		}
	}
}
