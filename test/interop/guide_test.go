package interop_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/asterism-network/asterism/kernel"
)

// testGuide does what docs/guide/sdk.md says, with its own program: alice's wallet pays it by
// the command line, it pays a receiver, and our wallet finds that.
func testGuide(t *testing.T, n *network) {
	page, err := os.ReadFile("../../docs/guide/sdk.md")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, ok := strings.Cut(string(page), "```js\n")
	program, _, closed := strings.Cut(rest, "```\n")
	if !ok || !closed || strings.Contains(rest[len(program)+4:], "```js") {
		t.Fatal("docs/guide/sdk.md has not one program")
	}
	dir := t.TempDir()
	packages, err := filepath.Abs("node_modules")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(packages, filepath.Join(dir, "node_modules")); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "pay.mjs"), []byte(program), 0o600); err != nil {
		t.Fatal(err)
	}
	run := func(name string, args ...string) string {
		t.Helper()
		cmd := exec.CommandContext(t.Context(), name, args...)
		cmd.Dir = dir
		cmd.Env = append(os.Environ(), "ASTER_HOME="+n.home, "ASTER_NODE="+n.urls[0])
		said, err := cmd.Output()
		if err != nil {
			t.Fatalf("%s %v: %v\n%s%s", filepath.Base(name), args, err, said, stderrOf(err))
		}
		return strings.TrimSpace(string(said))
	}

	shop, receiver := run("node", "pay.mjs", "address"), account()
	run(n.program, "tx", "send", "--from", "alice", "--to", shop, "--asset", "XIN", "0.5", "--yes", "--wait")
	if got := run("node", "pay.mjs", "balance"); got != "0.50000000" {
		t.Errorf("the shop has %s", got)
	}
	hash := run("node", "pay.mjs", "pay", receiver.Address().String(), "0.2", "coffee")
	if got := run("node", "pay.mjs", "balance"); got != "0.30000000" {
		t.Errorf("the shop has %s afterwards", got)
	}
	if shown := run(n.program, "tx", "show", hash); !strings.Contains(shown, hash) {
		t.Errorf("aster tx show: %s", shown)
	}
	if got := n.balance(t, receiver, kernel.XIN, 0); got.String() != "0.20000000" {
		t.Errorf("the receiver has %v", got)
	}
}

func stderrOf(err error) []byte {
	if exit, ok := err.(*exec.ExitError); ok {
		return exit.Stderr
	}
	return nil
}
