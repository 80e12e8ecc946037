// Command soak torments a network of real kerneld processes on this machine and checks that it
// keeps its promises: nodes are killed, frozen, restarted, cut off, slowed down, run on full disks,
// on older copies of their folders, and twice with one key, while users pay. Never more than f
// nodes are impaired at once, so payments must go on becoming final. In the end all nodes must
// agree, and no acknowledged payment may be lost.
//
// What is done is drawn from a seed and written down as a manifest before it begins; the same
// seed or the same manifest does the same again, as far as the machine's timing allows.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/signal"
	"path/filepath"
	"sync"
	"syscall"
	"time"
)

func main() {
	if holding() {
		return
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	os.Exit(command(ctx, os.Args[1:], os.Stdout, os.Stderr))
}

// The exit codes.
const (
	exitDone        = 0
	exitFailed      = 1
	exitUsage       = 2
	exitInterrupted = 130
)

const usage = `Usage: go run ./test/soak [flags]

Torments a network of real processes and checks it. Prints a table, and one line of JSON on
standard output. Exit code 0: it kept its promises; 1: it did not, and logs and manifest are kept.

  -minutes N      how long; fractions are fine (default 1)
  -hours N        the same in hours; longer than 20 minutes is several runs, each with a network
                  of its own and the next seed
  -seed N         what is drawn (default: from the clock; it is printed)
  -nodes N        7 to 50 (default 7)
  -least N        at least so many perturbations in each run
  -rate N         payments a second, 1 to 100 (default 5)
  -manifest FILE  do exactly this, and ignore the flags above
  -programs DIR   folder with kerneld and aster (default: build them)
  -limit-files    let a full disk be a limit on the size of files, as it is where no file system
                  can be mounted
  -dir DIR        keep everything here, also after success (default: a temporary folder)

Example: go run ./test/soak -minutes 8 -least 60 -seed 42
`

// flags are what the person asked for.
type flags struct {
	length   time.Duration
	options  Options
	manifest string
	programs string
	dir      string
	plain    bool
}

// longest is the length of one run: an end condition every 20 minutes, and a bound on what the
// nodes write before their folders are removed.
const longest = 20 * time.Minute

func parse(args []string, stderr io.Writer) (*flags, error) {
	f := new(flags)
	set := flag.NewFlagSet("soak", flag.ContinueOnError)
	set.SetOutput(stderr)
	set.Usage = func() { fmt.Fprint(stderr, usage) }
	minutes := set.Float64("minutes", 1, "")
	hours := set.Float64("hours", 0, "")
	set.Uint64Var(&f.options.Seed, "seed", 0, "")
	set.IntVar(&f.options.Nodes, "nodes", 7, "")
	set.IntVar(&f.options.Least, "least", 0, "")
	set.IntVar(&f.options.Rate, "rate", 5, "")
	set.StringVar(&f.manifest, "manifest", "", "")
	set.StringVar(&f.programs, "programs", "", "")
	set.BoolVar(&f.plain, "limit-files", false, "")
	set.StringVar(&f.dir, "dir", "", "")
	if err := set.Parse(args); err != nil {
		return nil, err
	}
	f.length = time.Duration(*minutes * float64(time.Minute))
	if *hours > 0 {
		f.length = time.Duration(*hours * float64(time.Hour))
	}
	o := &f.options
	if f.length < 10*time.Second || f.length > 1000*time.Hour || o.Nodes < 7 || o.Nodes > 50 || o.Rate < 1 || o.Rate > 100 || o.Least < 0 || set.NArg() > 0 {
		return nil, errors.New("a flag is out of bounds: go run ./test/soak -help")
	}
	if o.Seed == 0 {
		o.Seed = rand.Uint64N(1 << 40)
	}
	return f, nil
}

// command runs one network after the other until the time is over or one fails.
func command(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	f, err := parse(args, stderr)
	if errors.Is(err, flag.ErrHelp) {
		return exitDone
	}
	if err != nil {
		fmt.Fprintln(stderr, "soak:", err)
		return exitUsage
	}
	var saying sync.Mutex
	began := time.Now()
	say := func(format string, args ...any) {
		saying.Lock()
		defer saying.Unlock()
		line(stderr, began, format, args...)
	}
	report, err := series(ctx, f, say)
	if ctx.Err() != nil {
		say("interrupted; all processes are ended")
		return exitInterrupted
	}
	if report.OK = err == nil; err != nil {
		report.Error = err.Error()
	}
	report.table(stderr)
	if err := json.NewEncoder(stdout).Encode(report); err != nil || !report.OK {
		return exitFailed
	}
	return exitDone
}

// line writes what happened and when.
func line(w io.Writer, began time.Time, format string, args ...any) {
	fmt.Fprintf(w, "%6.1f  %s\n", time.Since(began).Seconds(), fmt.Sprintf(format, args...))
}

// series is the runs that fill the time.
func series(ctx context.Context, f *flags, say func(string, ...any)) (*Report, error) {
	sum := &Report{Seed: f.options.Seed}
	manifests, err := plan(f)
	if err != nil {
		return sum, err
	}
	dir, remove, err := folder(f)
	if err != nil {
		return sum, err
	}
	if f.programs == "" {
		f.programs = filepath.Join(dir, "programs")
		if err := build(f.programs); err != nil {
			return sum, errors.Join(err, remove())
		}
	}
	for i, m := range manifests {
		say("seed %d, run %d of %d in %s", m.Seed, i+1, len(manifests), dir)
		own := filepath.Join(dir, fmt.Sprintf("run-%d", i+1))
		if err := os.MkdirAll(own, 0o700); err != nil {
			return sum, err
		}
		one := &run{m: m, dir: own, programs: f.programs, plain: f.plain, say: say}
		report, err := one.run(ctx)
		sum.add(report)
		if err != nil && ctx.Err() == nil {
			sum.Replay = fmt.Sprintf("go run ./test/soak -manifest %s", filepath.Join(own, "manifest.json"))
			say("FAILED, seed %d; logs, homes and manifest are kept in %s\nreplay: %s", m.Seed, own, sum.Replay)
			return sum, err
		}
		if ctx.Err() != nil {
			break
		}
		if f.dir == "" {
			if err := os.RemoveAll(own); err != nil {
				return sum, err
			}
		}
	}
	return sum, remove()
}

// plan is the manifests of a series.
func plan(f *flags) (list []*Manifest, err error) {
	if f.manifest != "" {
		m, err := ReadManifest(f.manifest)
		return []*Manifest{m}, err
	}
	for left := f.length; left >= 10*time.Second; left -= longest {
		o := f.options
		o.Seed += uint64(len(list))
		o.Seconds = int(min(left, longest).Seconds())
		list = append(list, Generate(o))
	}
	return list, nil
}

// folder is where everything goes; remove deletes a temporary one.
func folder(f *flags) (dir string, remove func() error, err error) {
	if f.dir != "" {
		dir, err = filepath.Abs(f.dir)
		return dir, func() error { return nil }, errors.Join(err, os.MkdirAll(f.dir, 0o700))
	}
	dir, err = os.MkdirTemp("", "asterism-soak-")
	return dir, func() error { return os.RemoveAll(dir) }, err
}
