package baseline

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/asterism-network/asterism/bench/compare/internal/validator"
	"github.com/asterism-network/asterism/kernel/workload"
)

// becomesValidator is set for processes that this test starts.
const becomesValidator = "COMPARE_TEST_VALIDATOR"

func TestMain(m *testing.M) {
	if os.Getenv(becomesValidator) != "" {
		if err := validator.Run(os.Args[1], os.Stdin, os.Stdout); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	os.Exit(m.Run())
}

// TestNetwork runs four validators as processes: every payment becomes final on all of them, and
// every figure is there.
func TestNetwork(t *testing.T) {
	t.Setenv(becomesValidator, "yes")
	var homes []string
	o := Options{
		Nodes: 4, Kind: workload.P2, Seed: 3, Window: 50, Warm: time.Second, Measure: 2 * time.Second,
		Tuning: validator.Flood, Self: []string{os.Args[0]}, Say: func(s string) { t.Log(s) },
		Keep: func(dir string) { homes, _ = filepath.Glob(filepath.Join(dir, "validator-*", "log")) },
	}
	ctx, cancel := context.WithTimeout(t.Context(), 90*time.Second)
	defer cancel()
	l, err := Prepare(t.TempDir(), o)
	if err != nil {
		t.Fatal(err)
	}
	r, err := Measure(ctx, o, l)
	if err != nil {
		t.Fatal(err)
	}
	for name, f := range map[string]*Figures{"saturation": &r.Saturation, "light": &r.Light} {
		t.Logf("%s: %+v", name, *f)
		if f.Rate <= 0 || f.P50 <= 0 || f.P99 < f.P50 || f.CPU <= 0 || f.Verification <= 1 || f.Wire < float64(l.Bytes) || f.RSS <= 0 || f.Blocks <= 0 {
			t.Errorf("%s: a figure is missing: %+v", name, *f)
		}
		if f.Refused+f.Lost > 0 {
			t.Errorf("%s: %d payments refused, %d lost", name, f.Refused, f.Lost)
		}
	}
	if len(homes) != 4 {
		t.Errorf("%d validators had a folder", len(homes))
	}
	if _, err := os.Stat(filepath.Dir(homes[0])); !os.IsNotExist(err) {
		t.Error("the folders stay")
	}
}

// TestValidatorThatDies: what its log says is part of the error.
func TestValidatorThatDies(t *testing.T) {
	t.Setenv(becomesValidator, "yes")
	home := t.TempDir()
	p, err := launch(t.Context(), []string{os.Args[0]}, home) // there is no spec
	if err != nil {
		t.Fatal(err)
	}
	defer p.end()
	if _, err := p.tell(validator.Command{Do: "count"}); err == nil || !strings.Contains(err.Error(), validator.SpecFile) {
		t.Errorf("got %v, want the log's words about %s", err, validator.SpecFile)
	}
}

// TestRate: a block counts for the time since the one before it.
func TestRate(t *testing.T) {
	start := time.Unix(100, 0)
	at := func(ms int64) int64 { return start.UnixNano() + ms*1e6 }
	c := &chain{nodes: 2, at: map[int64]int64{1: at(-10), 2: at(500), 3: at(1500), 4: at(2500), 5: at(3100)}}
	for h := int64(1); h <= 5; h++ {
		c.applied = append(c.applied, validator.Applied{Height: h, At: c.at[h], Payments: 100 * int(h)})
	}
	w := &window{from: sample{at: start}, to: sample{at: start.Add(3 * time.Second), cpu: time.Second}}
	if got := w.rate(c); got != (300+400)/2.0 {
		t.Errorf("%v payments a second, want 350", got)
	}
	c.own = []validator.Own{
		{At: at(-1), Height: 2}, {At: at(100), Height: 2}, {At: at(200), Height: 3}, {At: at(300), Refused: true},
		{At: at(400)}, {At: at(2900), Height: 5}, {At: at(3000), Height: 5},
	}
	f := w.figures(c)
	if f.P50 != 400 || f.P99 != 1300 || f.Lost != 1 {
		t.Errorf("p50 %v, p99 %v, %d lost; want 400, 1300 and 1", f.P50, f.P99, f.Lost)
	}
	if want := 1e6 / (350 * 3 * 2); f.CPU < want-1e-6 || f.CPU > want+1e-6 {
		t.Errorf("%v µs for each, want %v", f.CPU, want)
	}
	if (&window{}).rate(c) != 0 {
		t.Error("a window without blocks has a rate")
	}
}

// TestTransactionFiles: what is written is read, and a damaged file is an error.
func TestTransactionFiles(t *testing.T) {
	name := filepath.Join(t.TempDir(), "payments")
	want := [][]byte{{1, 2, 3}, {}, bytes.Repeat([]byte{7}, 5000)}
	if err := validator.WriteTransactions(name, want); err != nil {
		t.Fatal(err)
	}
	got, err := validator.ReadTransactions(name)
	if err != nil || len(got) != len(want) {
		t.Fatal(len(got), err)
	}
	for i := range want {
		if !bytes.Equal(got[i], want[i]) {
			t.Errorf("transaction %d differs", i)
		}
	}
	for _, text := range [][]byte{{0, 0, 0, 5, 1}, {0, 0}, {0xff, 0xff, 0xff, 0xff}} {
		if err := os.WriteFile(name, text, 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := validator.ReadTransactions(name); err == nil {
			t.Errorf("%x was read", text)
		}
	}
}
