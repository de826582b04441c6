package inspect_test

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

// patience is how long the browser may take for anything, on a slow machine too.
const patience = 15 * time.Second

// chromium starts a browser for all subtests of a test.
func chromium(t *testing.T) context.Context {
	t.Helper()
	if testing.Short() {
		t.Skip("a browser takes more than a minute")
	}
	program, err := exec.LookPath("chromium")
	if err != nil && os.Getenv("CI") != "" {
		t.Fatal("chromium must be installed in CI")
	}
	if err != nil {
		t.Skip("chromium is not installed")
	}
	ctx, cancel := chromedp.NewExecAllocator(context.WithoutCancel(t.Context()), chromedp.ExecPath(program), chromedp.NoSandbox,
		chromedp.Headless, chromedp.DisableGPU, chromedp.NoFirstRun, chromedp.UserDataDir(t.TempDir()), chromedp.WSURLReadTimeout(patience),
		chromedp.Flag("host-resolver-rules", "MAP *.example 127.0.0.1"))
	t.Cleanup(cancel)
	ctx, cancel = chromedp.NewContext(ctx)
	t.Cleanup(cancel)
	if err := chromedp.Do(ctx, chromedp.Navigate("about:blank")); err != nil {
		t.Fatal(err)
	}
	return ctx
}

// tab is a browser tab with its own cookies.
type tab struct {
	*testing.T

	ctx      context.Context
	mu       sync.Mutex
	problems []string // exceptions
}

func newTab(browser context.Context, t *testing.T) *tab {
	t.Helper()
	ctx, cancel := chromedp.NewContext(browser, chromedp.WithNewBrowserContext())
	t.Cleanup(cancel)
	b := &tab{T: t, ctx: ctx}
	// The first call opens the tab, which lives as long as the context of that call.
	if err := chromedp.Listen(ctx, func(event any) {
		if thrown, ok := event.(*runtime.EventExceptionThrown); ok {
			b.mu.Lock()
			defer b.mu.Unlock()
			b.problems = append(b.problems, fmt.Sprintf("%s %+v", thrown.ExceptionDetails.Text, thrown.ExceptionDetails.Exception))
		}
	}); err != nil {
		t.Fatal(err)
	}
	b.do(chromedp.Func(keepFocus), chromedp.EmulateViewport(1280, 800))
	t.Cleanup(func() {
		b.mu.Lock()
		defer b.mu.Unlock()
		if len(b.problems) > 0 {
			t.Errorf("the page threw %q", b.problems)
		}
	})
	return b
}

// keepFocus makes a tab take keys while others are in front.
func keepFocus(ctx context.Context, _ *chromedp.Target) error {
	_, err := chromedp.Call(ctx, emulation.SetFocusEmulationEnabled, emulation.SetFocusEmulationEnabledParams{Enabled: true})
	return err
}

// withoutScripts makes the tab run no scripts of pages.
func (b *tab) withoutScripts() {
	b.Helper()
	b.do(chromedp.Func(func(ctx context.Context, _ *chromedp.Target) error {
		_, err := chromedp.Call(ctx, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: true})
		return err
	}))
}

func (b *tab) do(steps ...chromedp.Action[chromedp.Void]) {
	b.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, patience)
	defer cancel()
	if err := chromedp.Do(ctx, steps...); err != nil {
		b.Fatal(err)
	}
}

// open opens a URL and waits until the page is live.
func (b *tab) open(url string) {
	b.Helper()
	b.do(chromedp.Navigate(url))
	b.until(`document.getElementById("connection").textContent === "Live"`)
}

func value[T any](b *tab, expression string) T {
	b.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, patience)
	defer cancel()
	got, err := chromedp.Run(ctx, chromedp.Evaluate[T](expression, chromedp.EvalAwaitPromise))
	if err != nil {
		b.Fatalf("%s: %v", expression, err)
	}
	return got
}

// until waits until an expression is true.
func (b *tab) until(expression string) {
	b.Helper()
	for deadline := time.Now().Add(patience); !value[bool](b, "Boolean("+expression+")"); {
		if time.Now().After(deadline) {
			b.Fatalf("%s is not true after %v at %s, with the focus on %s:\n%s", expression, patience, value[string](b, "location.href"),
				value[string](b, "document.activeElement.outerHTML.slice(0, 200)"), b.text("body"))
		}
		<-time.After(10 * time.Millisecond)
	}
}

// text returns the visible text of an element.
func (b *tab) text(selector string) string {
	b.Helper()
	return value[string](b, "document.querySelector("+quoted(selector)+")?.innerText ?? ''")
}

// shows waits until an element shows a text.
func (b *tab) shows(selector, text string) {
	b.Helper()
	b.until("(document.querySelector(" + quoted(selector) + ")?.innerText ?? '').includes(" + quoted(text) + ")")
}

// press presses keys, one after another.
func (b *tab) press(keys string) {
	b.Helper()
	for _, key := range keys {
		b.do(chromedp.Func(func(ctx context.Context, _ *chromedp.Target) error { return stroke(ctx, key) }))
	}
}

// stroke presses a key as a keyboard does: its text comes with it, unless the page prevents that.
func stroke(ctx context.Context, key rune) error {
	events := kb.Encode(key)
	down, up := *events[0], *events[len(events)-1]
	for _, event := range events {
		if event.Type == kb.KeyChar {
			down.Type, down.Text, down.UnmodifiedText = kb.KeyDown, event.Text, event.UnmodifiedText
		}
	}
	for _, event := range []input.DispatchKeyEventParams{down, up} {
		if _, err := chromedp.Call(ctx, input.DispatchKeyEvent, event); err != nil {
			return err
		}
	}
	return nil
}

// quoted returns a text as a literal of JavaScript.
func quoted(text string) string {
	return "'" + strings.NewReplacer(`\`, `\\`, `'`, `\'`, "\n", `\n`).Replace(text) + "'"
}
