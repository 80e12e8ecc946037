package main

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/asterism-network/asterism/explorer"
	"github.com/asterism-network/asterism/kernel/sim"
)

// aster runs a command line and returns what it prints and its exit code.
func aster(ctx context.Context, words ...string) (stdout, stderr string, code int) {
	var out, errs bytes.Buffer
	code = run(ctx, words, strings.NewReader(""), &out, &errs)
	return out.String(), errs.String(), code
}

// TestReplayLines: the line that a run prints is a command line of this program which means the
// same options.
func TestReplayLines(t *testing.T) {
	for _, o := range []sim.Options{
		{Profile: "chaos", Seed: 1},
		{Profile: "async", Seed: 1<<64 - 1, Nodes: 13, Real: true},
		{Profile: "disk", Seed: 7, Canary: "no-sync", Faults: []int{}},
		{Profile: "clients", Seed: 9, Canary: "cofactorless", Faults: []int{0, 3, 17}},
	} {
		words := strings.Fields(o.Replay())
		cmd := simCommand()
		if err := cmd.ParseFlags(words[2:]); err != nil {
			t.Fatalf("%s: %v", o.Replay(), err)
		}
		task, err := readSimFlags(cmd)
		if err != nil {
			t.Fatalf("%s: %v", o.Replay(), err)
		}
		if got := task.options.Run(task.options.First); !reflect.DeepEqual(got, o) || task.options.Seeds != 1 {
			t.Errorf("%s means %+v, not %+v", o.Replay(), got, o)
		}
		if task.shrink != (o.Faults == nil) {
			t.Errorf("%s: shrink is %v", o.Replay(), task.shrink)
		}
	}
}

// TestSimCanary catches a canary, replays its line, and shows the trace of the shrunk run.
func TestSimCanary(t *testing.T) {
	stdout, stderr, code := aster(t.Context(), "sim", "--canary", "duplicate-input", "--json")
	var catch sim.Catch
	if err := json.Unmarshal([]byte(stdout), &catch); err != nil || code != 3 || catch.Canary != "duplicate-input" || catch.Checker == "" {
		t.Fatalf("code %d, %v: %s %s", code, err, stdout, stderr)
	}
	words := strings.Fields(catch.Replay)
	if words[0] != "aster" {
		t.Fatalf("replay line %q", catch.Replay)
	}
	file := filepath.Join(t.TempDir(), "run.json")
	replay := func(more ...string) sim.Report {
		stdout, stderr, code := aster(t.Context(), append(append(words[1:len(words):len(words)], "--json"), more...)...)
		var r sim.Report
		if err := json.Unmarshal([]byte(stdout), &r); err != nil || code != 1 || r.Violations != 1 {
			t.Fatalf("code %d, %v: %s %s", code, err, stdout, stderr)
		}
		if f := r.Failures[0]; f.Checker != catch.Checker || f.Seed != catch.Seed || f.Detail != catch.Detail || f.Replay != catch.Replay {
			t.Errorf("replay shows %+v, the canary %+v", f, catch)
		}
		return r
	}
	one, two := replay("--shrink=false"), replay("--trace", file)
	if one.Digest != two.Digest || one.Failures[0].Shrunk != nil || two.Failures[0].Shrunk == nil {
		t.Errorf("digests %s and %s, shrunk %v and %v", one.Digest, two.Digest, one.Failures[0].Shrunk, two.Failures[0].Shrunk)
	}
	f, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	trace, err := explorer.ReadTrace(f)
	if err != nil || trace.Violation == nil || trace.Replay != two.Failures[0].Shrunk.Replay {
		t.Fatalf("trace %+v %v", trace, err)
	}
	if _, err := explorer.FromTrace(trace, nil); err != nil {
		t.Error(err)
	}
	checkServed(t, file)
}

// untilSaid ends a command with the first line that it prints.
type untilSaid struct {
	bytes.Buffer
	cancel func()
}

func (u *untilSaid) Write(b []byte) (int, error) {
	if bytes.Contains(b, []byte("\n")) {
		defer u.cancel()
	}
	return u.Buffer.Write(b)
}

// checkServed runs aster explorer over a trace until it is told to end.
func checkServed(t *testing.T, file string) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	said, errs := untilSaid{cancel: cancel}, bytes.Buffer{}
	code := run(ctx, []string{"explorer", "--trace", file, "--listen", "127.0.0.1:0", "--json"}, strings.NewReader(""), &said, &errs)
	if code != 0 || !strings.Contains(said.String(), `"url":"http://127.0.0.1:`) {
		t.Errorf("code %d: %s %s", code, said.String(), errs.String())
	}
}

// TestSimClean: no violation, exit code 0, and the report names what it must.
func TestSimClean(t *testing.T) {
	stdout, stderr, code := aster(t.Context(), "sim", "--profile", "loss", "--seeds", "1", "--json")
	var fields map[string]any
	if err := json.Unmarshal([]byte(stdout), &fields); err != nil || code != 0 || stderr != "" {
		t.Fatalf("code %d, %v: %s %s", code, err, stdout, stderr)
	}
	for _, name := range []string{"seeds", "violations", "rounds", "commits", "transactions", "simulated_hours", "faults", "reached", "missed", "digest"} {
		if fields[name] == nil {
			t.Errorf("no %s in %s", name, stdout)
		}
	}
}

// TestSimInterrupted: Ctrl-C prints the report so far and exits as what waits does.
func TestSimInterrupted(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	stdout, stderr, code := aster(ctx, "sim", "--seeds", "100000", "--json")
	if code != 130 || !strings.Contains(stdout, `"digest":`) || !strings.Contains(stderr, "interrupted") {
		t.Errorf("code %d: %s %s", code, stdout, stderr)
	}
}

// TestSimRefuses command lines that make no sense.
func TestSimRefuses(t *testing.T) {
	for _, line := range []string{
		"--profile nowhere", "--nodes 6", "--nodes 51", "--seeds 0", "--seeds -4", "--workers -1", "--canary nightingale", "--broken nightingale",
		"--faults x", "--faults 1,,2", "--faults -1", "--faults 99999999", "--canary no-sync --broken no-sync", "--first -1", "extra",
	} {
		if stdout, stderr, code := aster(t.Context(), append([]string{"sim"}, strings.Fields(line)...)...); code != 2 || stdout != "" {
			t.Errorf("%s: code %d %s %s", line, code, stdout, stderr)
		}
	}
	file := filepath.Join(t.TempDir(), "no.json")
	if err := os.WriteFile(file, []byte("{}"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, stderr, code := aster(t.Context(), "explorer", "--trace", file); code != 65 {
		t.Errorf("a file that is no trace: code %d %s", code, stderr)
	}
}

// TestCanaryList prints bare names, one a line.
func TestCanaryList(t *testing.T) {
	stdout, _, code := aster(t.Context(), "sim", "--canary", "list")
	want := ""
	for _, c := range sim.Canaries() {
		want += c.Name + "\n"
	}
	if code != 0 || stdout != want || strings.Count(stdout, "\n") < 9 {
		t.Errorf("code %d, got\n%swant\n%s", code, stdout, want)
	}
}
