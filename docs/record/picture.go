//go:build unix

package main

import (
	"bytes"
	"fmt"
	"html"
	"regexp"
	"strings"
)

// The dimensions of the picture, in pixels.
const (
	lineHeight = 18
	charWidth  = 8.0
	margin     = 20
	bar        = 30 // above the text
)

// styles maps the escape sequences of tlxhook to SVG attributes.
func styles() map[string]string {
	return map[string]string{
		"1": `font-weight="bold" fill="#f0f6fc"`, "2": `fill="#8b949e"`, "31": `fill="#ff7b72"`, "32": `fill="#7ee787"`, "33": `fill="#e3b341"`,
		"1;31": `font-weight="bold" fill="#ff7b72"`, "1;32": `font-weight="bold" fill="#7ee787"`, "1;33": `font-weight="bold" fill="#e3b341"`,
	}
}

// draw returns a picture of the screen. Its lines appear one after another, unless reduced motion is preferred.
func draw(screen string) []byte {
	lines := strings.Split(strings.TrimRight(screen, "\n"), "\n")
	width, height := int(columns*charWidth)+2*margin, len(lines)*lineHeight+2*margin+bar
	var b bytes.Buffer
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" width="%d" height="%d" `+
		`role="img" aria-label="A session of tlxhook">
<style>
text { font: 13.3px ui-monospace, "DejaVu Sans Mono", Menlo, Consolas, monospace; fill: #c9d1d9; white-space: pre; }
@media (prefers-reduced-motion: no-preference) { text { animation: appear 0.1s both; } }
@keyframes appear { from { opacity: 0; } }
</style>
<rect width="100%%" height="100%%" rx="8" fill="#0d1117"/>
<circle cx="20" cy="18" r="6" fill="#ff5f56"/><circle cx="40" cy="18" r="6" fill="#ffbd2e"/><circle cx="60" cy="18" r="6" fill="#27c93f"/>
`, width, height, width, height)
	seconds := 0.0
	for i, line := range lines {
		if strings.HasPrefix(line, "\x1b[1m$ ") {
			seconds += 1.2 // time to read the previous output
		}
		fmt.Fprintf(&b, `<text x="%d" y="%d" style="animation-delay:%.1fs" xml:space="preserve">%s</text>`+"\n",
			margin, bar+margin+i*lineHeight, seconds, spans(line))
		seconds += 0.1
	}
	b.WriteString("</svg>\n")
	return b.Bytes()
}

// spans converts the escape sequences of a line to SVG.
func spans(line string) string {
	var b strings.Builder
	open := false
	sequence := regexp.MustCompile("\x1b\\[([0-9;]*)m")
	for line != "" {
		found := sequence.FindStringSubmatchIndex(line)
		if found == nil {
			break
		}
		b.WriteString(html.EscapeString(line[:found[0]]))
		if open {
			b.WriteString("</tspan>")
			open = false
		}
		if style := styles()[line[found[2]:found[3]]]; style != "" {
			b.WriteString("<tspan " + style + ">")
			open = true
		}
		line = line[found[1]:]
	}
	b.WriteString(html.EscapeString(line))
	if open {
		b.WriteString("</tspan>")
	}
	return b.String()
}
