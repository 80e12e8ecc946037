// Package browser_test looks at the web page of a real devnet with a real browser: test.js does
// the looking.
package browser_test

import (
	"context"
	"os"
	"os/exec"
	"regexp"
	"syscall"
	"testing"
	"time"
)

// limit is for a machine that does several other things.
const limit = 5 * time.Minute

// TestPage skips where Node, the browser or the npm package are missing, unless everything must
// run.
func TestPage(t *testing.T) {
	if testing.Short() {
		t.Skip("starts a network and a browser")
	}
	if missing := missing(); missing != "" {
		if os.Getenv("ASTERISM_TESTS") == "all" || os.Getenv("CI") != "" {
			t.Fatal(missing)
		}
		t.Skip(missing)
	}
	ctx, cancel := context.WithTimeout(t.Context(), limit)
	defer cancel()
	cmd := exec.CommandContext(ctx, "node", "test.js")
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	cmd.WaitDelay = 10 * time.Second
	said, err := cmd.CombinedOutput()
	t.Logf("%s", said)
	if err != nil {
		t.Fatal(err)
	}
	if !regexp.MustCompile(`(?m)^\d\d+ passed, 0 failed$`).Match(said) {
		t.Error("the script did not say how many checks passed")
	}
}

func missing() string {
	if _, err := exec.LookPath("node"); err != nil {
		return "node is not installed"
	}
	if _, err := os.Stat("node_modules/playwright-core/package.json"); err != nil {
		return "playwright-core is not installed: run test/setup.sh"
	}
	for _, browser := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if _, err := exec.LookPath(browser); err == nil {
			return ""
		}
	}
	return "no chromium is installed: run test/setup.sh"
}
