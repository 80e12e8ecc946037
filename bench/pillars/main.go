// Pillars' bench puts the public chain beside btcd: equivalent blocks, this machine, this run, one after the other; and measures what
// headers and a first synchronisation cost. README.md says what is measured and which choices favour whom.
package main

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
)

const usage = `Measure Pillars: blocks beside btcd's, headers of each seal, a first synchronisation.

Usage: go run . [flags]          (in bench/pillars)

Both sides get blocks with equally many payments of one input, two outputs and one signature, decode them, judge them in full and
store them in a folder on the disk. CPU time is user and system time of the process. With the default flags it takes some
ten minutes, most of it for the 50,000 blocks.

  --blocks N         measured blocks of each side (default 20)
  --payments N       payments in each, 500 to 3,000 (default 1000)
  --rounds N         how often both sides are measured in turn; 0 leaves them out (default 5)
  --sync N           blocks of the synchronisation; 0 leaves it out (default 50000)
  --sync-payments N  payments in each of those (default 2)
  --dir FOLDER       where folders are made (default: the system's for temporary files)
  --profile FILE     CPU profile of our side of the payments
  --json             print one JSON object

Examples:
  go run . --rounds 9 --sync 0
  go run . --json > figures.json
`

type options struct {
	blocks, payments, rounds, syncBlocks, syncPayments int
	dir, profile                                       string
	json                                               bool
}

// A Report is everything that was measured.
type Report struct {
	Pairs   []Pair  `json:"pairs"`
	Headers Headers `json:"headers"`
	Sync    *Sync   `json:"sync,omitempty"`
	OK      bool    `json:"ok"` // at least as fast as btcd for a signature, in every sort of payments
}

func main() {
	switch err := run(os.Args[1:], os.Stdout, os.Stderr); {
	case err == nil, errors.Is(err, flag.ErrHelp), errors.Is(err, errProfiled):
	case errors.Is(err, errUsage):
		os.Exit(2)
	default:
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

var errUsage = errors.New("wrong usage")

func run(args []string, stdout, stderr io.Writer) error {
	var o options
	f := flag.NewFlagSet("bench", flag.ContinueOnError)
	f.SetOutput(stderr)
	f.Usage = func() { fmt.Fprint(stderr, usage) }
	f.IntVar(&o.blocks, "blocks", 20, "")
	f.IntVar(&o.payments, "payments", 1000, "")
	f.IntVar(&o.rounds, "rounds", 5, "")
	f.IntVar(&o.syncBlocks, "sync", 50_000, "")
	f.IntVar(&o.syncPayments, "sync-payments", 2, "")
	f.StringVar(&o.dir, "dir", "", "")
	f.StringVar(&o.profile, "profile", "", "")
	f.BoolVar(&o.json, "json", false, "")
	if err := f.Parse(args); err != nil {
		if errors.Is(err, flag.ErrHelp) {
			return err
		}
		return errUsage
	}
	if f.NArg() > 0 || o.blocks < 1 || o.payments < 500 || o.payments > 3000 || o.rounds < 0 || o.syncBlocks < 0 || o.syncPayments < 0 || o.syncPayments > 100 {
		f.Usage()
		return errUsage
	}
	say := func(format string, args ...any) { fmt.Fprintf(stderr, format+"\n", args...) }
	r, err := measureAll(o, say)
	if err != nil {
		return err
	}
	if o.json {
		e := json.NewEncoder(stdout)
		e.SetIndent("", "  ")
		return e.Encode(r)
	}
	return r.table(stdout)
}

func measureAll(o options, say func(string, ...any)) (r Report, err error) {
	r.OK = o.rounds > 0
	for _, kind := range sorts {
		if o.rounds == 0 {
			break
		}
		p, err := comparePayments(o, kind, say)
		if err != nil {
			return r, err
		}
		r.Pairs = append(r.Pairs, p)
		r.OK = r.OK && p.Ratio >= 1
	}
	say("headers")
	if r.Headers, err = headerCosts(); err != nil || o.syncBlocks == 0 {
		return r, err
	}
	s, err := syncAll(o, say)
	r.Sync = &s
	return r, err
}

func (r *Report) table(w io.Writer) error {
	for _, p := range r.Pairs {
		fmt.Fprintf(w, "%s            ours      btcd\n", p.Payments)
		fmt.Fprintf(w, "  CPU a signature, µs      %8.1f  %8.1f   ratio %.2f\n", p.Ours.CPUMicros, p.Btcd.CPUMicros, p.Ratio)
		fmt.Fprintf(w, "  blocks a second, 1 CPU   %8.1f  %8.1f\n", p.Ours.BlocksSec, p.Btcd.BlocksSec)
		fmt.Fprintf(w, "  payments a second, 1 CPU %8.0f  %8.0f\n", p.Ours.TxSec, p.Btcd.TxSec)
		fmt.Fprintf(w, "  payments a second, 2     %8.0f  %8.0f\n", p.Ours.TxSec2, p.Btcd.TxSec2)
		fmt.Fprintf(w, "  speed-up by the second   %8.2f  %8.2f\n\n", p.Ours.SpeedUp, p.Btcd.SpeedUp)
	}
	h := r.Headers
	fmt.Fprintf(w, "a header under work %.0f µs (public network), %.0f µs (development); under stake %.0f µs; a cache %.2f s an epoch\n",
		h.WorkMicros, h.WorkTinyMicros, h.StakeMicros, h.CacheSeconds)
	if s := r.Sync; s != nil {
		fmt.Fprintf(w, "%d blocks (%d under stake, %d transactions, %d MB): %.1f s headers, %.1f s blocks, %.0f s of CPU, %.0f blocks a second; %d MB on disk\n",
			s.Blocks, s.Stakes, s.Transactions, s.Bytes>>20, s.HeaderSec, s.BlockSec, s.CPUSeconds, s.BlocksPerSec, s.DiskBytes>>20)
		fmt.Fprintf(w, "btcd, as many blocks and payments: %.1f s, %.0f s of CPU\n", s.BtcdSec, s.BtcdCPU)
	}
	if len(r.Pairs) == 0 {
		return nil
	}
	_, err := fmt.Fprintf(w, "at least as fast as btcd for a signature: %t\n", r.OK)
	return err
}
