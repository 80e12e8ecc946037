package main

import (
	"fmt"
	"io"
	"time"

	"github.com/asterism-network/asterism/cmd/internal/cli"
	"github.com/asterism-network/asterism/kernel/sim"
	"github.com/spf13/cobra"
)

// A simProgress tells a person how far a long run of seeds is: one line that is written over and
// over on a terminal, else a line now and then, and none with --json.
type simProgress struct {
	w       io.Writer
	tty     bool
	spacing time.Duration // between two lines
	began   time.Time
	last    time.Time
	shown   bool
	width   int
}

func newSimProgress(cmd *cobra.Command) *simProgress {
	p := &simProgress{w: cmd.ErrOrStderr(), spacing: 10 * time.Second, began: time.Now(), last: time.Now()}
	if p.width, p.tty = terminalWidth(p.w); p.tty {
		p.spacing = 200 * time.Millisecond
	} else if cli.JSON(cmd) {
		p.w = io.Discard
	}
	return p
}

// report returns what tells of a report; phase says which part of the work it is, if not the only one.
func (p *simProgress) report(phase string) func(*sim.Report) {
	if phase != "" {
		phase += ": "
	}
	return func(r *sim.Report) {
		rate := float64(r.Seeds) / max(time.Since(p.began).Seconds(), 0.001)
		p.say("%s%d of %d seeds, %.2f a second, %d violations", phase, r.Seeds, r.Planned(), rate, r.Violations)
	}
}

// say shows a line, unless the last one is too young.
func (p *simProgress) say(format string, args ...any) {
	if time.Since(p.last) < p.spacing {
		return
	}
	p.last, p.shown = time.Now(), true
	line := fmt.Sprintf(format, args...)
	if !p.tty {
		fmt.Fprintln(p.w, line)
		return
	}
	fmt.Fprintf(p.w, "\r\x1b[K%.*s", p.width-1, line)
}

// end takes the line away.
func (p *simProgress) end() {
	if p.tty && p.shown {
		fmt.Fprint(p.w, "\r\x1b[K")
	}
	p.shown = false
}
