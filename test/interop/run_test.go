// Package interop_test proves with clients that we did not write that our formats, our one-time
// keys and our RPC are those of the wider ecosystem. The npm package @mixin.dev/mixin-node-sdk,
// in the version of package-lock.json, reads what our code wrote and writes what our nodes make
// final.
//
// Each Go test hands a file of facts to a Node test file beside it and checks what that one
// answers. Set up with test/setup.sh; docs/guide/sdk.md shows the same for people.
package interop_test

import (
	"context"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"
)

// scriptLimit is for a machine that does several other things.
const scriptLimit = 3 * time.Minute

// needSDK skips where Node or the packages are missing, unless everything must run.
func needSDK(t *testing.T) {
	t.Helper()
	missing := ""
	if _, err := exec.LookPath("node"); err != nil {
		missing = "node is not installed"
	} else if _, err := os.Stat("node_modules/@mixin.dev/mixin-node-sdk/package.json"); err != nil {
		missing = "the SDK is not installed: run test/setup.sh"
	}
	switch {
	case missing == "":
	case os.Getenv("ASTERISM_TESTS") == "all" || os.Getenv("CI") != "":
		t.Fatal(missing)
	default:
		t.Skip(missing)
	}
}

// runScript runs a Node test file on facts and decodes its answer, nil for none. Every failed
// assertion of the script fails t.
func runScript(t *testing.T, script string, facts, answer any) {
	t.Helper()
	dir := t.TempDir()
	in, out := filepath.Join(dir, "facts.json"), filepath.Join(dir, "answer.json")
	text, err := json.Marshal(facts)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(in, text, 0o600); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), scriptLimit)
	defer cancel()
	cmd := exec.CommandContext(ctx, "node", "--test", "--test-reporter=spec", script)
	cmd.Env = append(os.Environ(), "INTEROP_FACTS="+in, "INTEROP_ANSWER="+out)
	said, err := cmd.CombinedOutput()
	t.Logf("%s\n%s", script, said)
	if err != nil {
		t.Fatalf("%s: %v", script, err)
	}
	if answer == nil {
		return
	}
	if text, err = os.ReadFile(out); err != nil {
		t.Fatalf("%s left no answer: %v", script, err)
	}
	if err := json.Unmarshal(text, answer); err != nil {
		t.Fatalf("%s answered badly: %v", script, err)
	}
}
