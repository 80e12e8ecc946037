// Package browser_test looks at the web page of a real devnet with a real browser: test.js does
// the looking.
package browser_test

import (
	"context"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
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
	lookAtSources(t)
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

// lookAtSources lists everything that the script builds and runs: what a test has looked at
// belongs to the key of its cached result, so a change of any of it runs the test again.
func lookAtSources(t *testing.T) {
	t.Helper()
	for _, folder := range []string{".", "../../cmd", "../../explorer", "../../internal", "../../kernel"} {
		err := filepath.WalkDir(folder, func(_ string, d fs.DirEntry, err error) error {
			if err == nil && d.IsDir() && d.Name() == "node_modules" {
				return filepath.SkipDir
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
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
