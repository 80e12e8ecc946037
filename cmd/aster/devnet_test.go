package main

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/asterism-network/asterism/cmd/aster/internal/devnet"
	"github.com/asterism-network/asterism/internal/keystore"
)

// TestMain lets this test binary be the program that a devnet of processes starts.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && (os.Args[1] == "kerneld" || os.Args[1] == "pillarsd") {
		os.Exit(run(context.Background(), os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
	}
	keystore.DefaultCost = keystore.Cost{Passes: 2, MemoryKiB: 19 << 10, Threads: 1} // the least that is taken: a script opens forty files
	os.Exit(m.Run())
}

// TestDevnetPayments is the command of the README: seven nodes, real payments, two nodes killed
// on the way, one JSON object. Afterwards every node's folder is checked from the genesis on.
func TestDevnetPayments(t *testing.T) {
	if testing.Short() {
		t.Skip("starts seven nodes")
	}
	t.Setenv("ASTER_HOME", t.TempDir())
	for _, tt := range []struct {
		name string
		more []string
	}{
		{"one process", nil},
		{"processes", []string{"--processes"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			home := filepath.Join(t.TempDir(), "net")
			args := append([]string{"devnet", "--payments", "40", "--kill", "2", "--json", "--base", "0", "--explorer", "", "--home", home}, tt.more...)
			stdout, stderr, code := runWith(t, 4*time.Minute, args...)
			if code != 0 {
				t.Fatalf("exit %d\n%s", code, stderr)
			}
			checkReport(t, stdout)
			for _, node := range []string{"node-1", "node-4", "node-7"} {
				out, stderr, code := runWith(t, time.Minute, "kerneld", "verify", "--home", filepath.Join(home, node))
				if code != 0 || !strings.HasPrefix(out, "all is well") {
					t.Errorf("verify %s: exit %d %s%s", node, code, out, stderr)
				}
			}
			out, _, code := runWith(t, time.Minute, "kerneld", "export", "--home", filepath.Join(home, "node-2"))
			if code != 0 || !json.Valid([]byte(strings.SplitN(out, "\n", 2)[0])) || strings.Count(out, "\n") < 300 {
				t.Errorf("export: exit %d, %d lines", code, strings.Count(out, "\n"))
			}
		})
	}
}

// checkReport holds the object to its fields, no more and no fewer.
func checkReport(t *testing.T, stdout string) {
	t.Helper()
	var r devnet.Report
	d := json.NewDecoder(strings.NewReader(stdout))
	d.DisallowUnknownFields()
	if err := d.Decode(&r); err != nil || d.More() {
		t.Fatalf("stdout is not one report: %v\n%s", err, stdout)
	}
	var fields map[string]any
	if err := json.Unmarshal([]byte(stdout), &fields); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"nodes", "submitted", "final", "rejected", "finality_ms", "ledger_root", "supply_ok", "seconds"} {
		if _, ok := fields[name]; !ok {
			t.Errorf("field %s is missing", name)
		}
	}
	if len(fields) != 8 || r.Nodes != 7 || r.Submitted != 40 || r.Final != 40 || r.Rejected != 0 || !r.SupplyOK || r.LedgerRoot.IsZero() ||
		r.Finality.P50 <= 0 || r.Finality.P50 > r.Finality.P99 || r.Finality.P99 > r.Finality.Max || r.Seconds <= 0 {
		t.Errorf("report %s", stdout)
	}
}

// runWith runs a command of the program in this process.
func runWith(t *testing.T, limit time.Duration, args ...string) (stdout, stderr string, code int) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), limit)
	defer cancel()
	var out, errs bytes.Buffer
	code = run(ctx, args, strings.NewReader(""), &out, &errs)
	return out.String(), errs.String(), code
}

// TestUsersPay walks through the first ten minutes with a running devnet: pay, look, make a
// wallet of one's own, restore it elsewhere, sign together, repeat a payment by its reference.
func TestUsersPay(t *testing.T) {
	if testing.Short() {
		t.Skip("starts seven nodes")
	}
	t.Setenv("ASTER_HOME", t.TempDir())
	home := filepath.Join(t.TempDir(), "net")
	ctx, stop := context.WithCancel(t.Context())
	var out, errs bytes.Buffer
	ended := make(chan int, 1)
	go func() {
		ended <- run(ctx, []string{"devnet", "--base", "0", "--explorer", "127.0.0.1:0", "--home", home}, strings.NewReader(""), &out, &errs)
	}()
	waitRunning(t, ended)
	pass := filepath.Join(t.TempDir(), "pass")
	if err := os.WriteFile(pass, []byte("correct horse\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	must := func(args ...string) string {
		t.Helper()
		stdout, stderr, code := runWith(t, 2*time.Minute, args...)
		if code != 0 {
			t.Fatalf("aster %s: exit %d\n%s", strings.Join(args, " "), code, stderr)
		}
		return stdout
	}
	refused := func(code int, name string, args ...string) {
		t.Helper()
		_, stderr, got := runWith(t, 2*time.Minute, append(args, "--json")...)
		if got != code || !strings.Contains(stderr, `"name":"`+name+`"`) {
			t.Errorf("aster %s: exit %d, want %d %s\n%s", strings.Join(args, " "), got, code, name, stderr)
		}
	}

	sent := must("tx", "send", "--from", "alice", "--to", "bob", "--asset", "BTC", "0.5", "--wait")
	if !strings.Contains(sent, "final at commit") {
		t.Errorf("send says %q", sent)
	}
	hash := strings.Fields(sent)[0]
	if shown := must("tx", "show", hash); !strings.Contains(shown, "final") {
		t.Errorf("show says %q", shown)
	}
	if told := must("tx", "explain", hash); !strings.Contains(told, "is final") {
		t.Errorf("explain says %q", told)
	}
	if have := must("wallet", "balance", "bob"); !strings.Contains(have, "BTC    1.50000000") {
		t.Errorf("bob has\n%s", have)
	}
	refused(1, "insufficient", "tx", "send", "--from", "alice", "--to", "bob", "--asset", "BTC", "99")
	refused(2, "usage", "tx", "send", "--from", "alice", "--asset", "BTC", "1")
	refused(1, "no_asset", "tx", "send", "--from", "alice", "--to", "bob", "--asset", "DOGE", "1")

	made := must("wallet", "new", "till", "--passphrase-file", pass)
	words := strings.TrimSpace(made[strings.LastIndex(made, "again:")+len("again:"):])
	once := []string{"tx", "send", "--from", "alice", "--to", "till", "--asset", "ETH", "2", "--reference", "order-1", "--wait"}
	must(once...)
	must(once...) // the same reference: paid once
	if have := must("wallet", "balance", "till", "--passphrase-file", pass); !strings.Contains(have, "ETH    2.00000000") {
		t.Errorf("till has\n%s", have)
	}
	refused(1, "reference_reused", "tx", "send", "--from", "alice", "--to", "till", "--asset", "ETH", "3", "--reference", "order-1")
	refused(2, "usage", "tx", "send", "--from", "till", "--to", "bob", "--asset", "ETH", "1", "--passphrase-file", pass)
	must("tx", "send", "--from", "till", "--to", "bob", "--asset", "ETH", "0.25", "--passphrase-file", pass, "--yes", "--wait")

	elsewhere := t.TempDir()
	var restored, problems bytes.Buffer
	if code := run(t.Context(), []string{"wallet", "restore", "again", "--home", elsewhere, "--passphrase-file", pass}, strings.NewReader(words+"\n"), &restored, &problems); code != 0 {
		t.Fatalf("restore: exit %d\n%s", code, problems.String())
	}
	if have := must("wallet", "balance", "again", "--home", elsewhere, "--passphrase-file", pass); !strings.Contains(have, "ETH    1.75000000") {
		t.Errorf("the restored wallet has\n%s", have)
	}
	if have := must("wallet", "history", "till", "--passphrase-file", pass, "--csv"); strings.Count(have, "\n") != 3 {
		t.Errorf("history\n%s", have)
	}

	must("devnet", "fund", "100", "--to", "carol", "--asset", "XIN")
	if have := must("wallet", "balance", "carol"); !strings.Contains(have, "XIN    110.00000000") {
		t.Errorf("carol has\n%s", have)
	}
	shareMoney(t, must)
	if well := must("doctor"); strings.Count(well, "well") != 7 {
		t.Errorf("doctor says\n%s", well)
	}
	facts, err := devnet.Running()
	if err != nil {
		t.Fatal(err)
	}
	if page, err := http.Get(facts.Explorer); err != nil || page.StatusCode != http.StatusOK {
		t.Errorf("web page %s: %v", facts.Explorer, err)
	} else {
		page.Body.Close()
	}
	domain, key := "c6d0c728-2624-429b-8e0d-d9d19b6592fa", facts.Nodes[0].Key.String()
	refused(65, "malformed", "domain", "register", "no uuid", key)
	refused(65, "malformed", "domain", "register", domain, "no key")
	refused(3, "no_domain", "domain", "show", domain)
	if said := must("domain", "register", domain, key); !strings.Contains(said, "pending") {
		t.Errorf("a domain that was asked for:\n%s", said)
	}
	for began := time.Now(); ; time.Sleep(100 * time.Millisecond) {
		said, _, code := runWith(t, time.Minute, "domain", "show", domain)
		if code == 0 && strings.Contains(said, "pending") && strings.Contains(said, "motion") {
			break
		}
		if time.Since(began) > time.Minute {
			t.Fatalf("no motion about the domain: exit %d\n%s", code, said)
		}
	}
	if list := must("motion", "list"); strings.Count(list, domain) != 1 {
		t.Errorf("two nodes were asked, and brought\n%s", list)
	}
	must("dag")
	must("node", "info")
	must("node", "peers")
	must("rpc", "listcommits", `{"from": 1, "limit": 2}`)

	stop()
	if code := <-ended; code != 0 {
		t.Errorf("devnet ends with %d\n%s", code, errs.String())
	}
	if !strings.Contains(errs.String(), "7 nodes agree") {
		t.Errorf("no check at the end:\n%s", errs.String())
	}
}

// shareMoney pays to two of three and lets two of them spend.
func shareMoney(t *testing.T, must func(...string) string) {
	t.Helper()
	dir := t.TempDir()
	file := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	const shared = "2of3:bob,carol,dave"
	must("tx", "send", "--from", "erin", "--to", shared, "--asset", "XIN", "3", "--wait")
	request := file("request", must("wallet", "request", "--from", "bob", "--shared", shared, "--to", "judy", "--asset", "XIN", "2"))
	byBob := file("bob", must("wallet", "sign", "bob", request))
	if _, stderr, code := runWith(t, time.Minute, "wallet", "combine", byBob, "--json"); code != 3 || !strings.Contains(stderr, "incomplete") {
		t.Errorf("one of two signatures: exit %d %s", code, stderr)
	}
	byDave := file("dave", must("wallet", "sign", "dave", request))
	signed := strings.TrimSpace(must("wallet", "combine", byBob, byDave))
	hash := strings.TrimSpace(must("tx", "post", signed))
	must("tx", "wait", hash)
	if have := must("wallet", "balance", "judy"); !strings.Contains(have, "XIN    12.00000000") {
		t.Errorf("judy has\n%s", have)
	}
}

func waitRunning(t *testing.T, ended <-chan int) {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); time.Now().Before(deadline); time.Sleep(50 * time.Millisecond) {
		select {
		case code := <-ended:
			t.Fatalf("devnet ended with %d", code)
		default:
		}
		if facts, err := devnet.Running(); err == nil && len(facts.Nodes) == 7 {
			return
		}
	}
	t.Fatal("devnet is not ready after a minute")
}
