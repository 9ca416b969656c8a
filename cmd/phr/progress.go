package main

import (
	"fmt"
	"io"
	"strings"
)

// progress shows how far a long piece of work is, on a terminal. The zero progress shows nothing.
type progress struct {
	w     io.Writer // nil: show nothing
	what  string
	total int // 0: not known
}

func (e *env) progress(what string, total int) *progress {
	if !isTerminal(e.stderr) || e.json {
		return &progress{}
	}
	return &progress{w: e.stderr, what: what, total: total}
}

// at shows that n are done.
func (p *progress) at(n int) {
	if p.w == nil {
		return
	}
	if p.total == 0 {
		fmt.Fprintf(p.w, "\r%s %s", p.what, thousands(n))
		return
	}
	const width = 30
	full := min(width, width*n/p.total)
	fmt.Fprintf(p.w, "\r%s [%s%s] %s of %s", p.what, strings.Repeat("#", full), strings.Repeat(" ", width-full),
		thousands(n), thousands(p.total))
}

// done ends the line.
func (p *progress) done() {
	if p.w != nil {
		fmt.Fprintln(p.w)
	}
}
