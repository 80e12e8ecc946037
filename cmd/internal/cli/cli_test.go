package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/asterism-network/asterism/internal/keystore"
	"github.com/asterism-network/asterism/kernel"
	"github.com/asterism-network/asterism/kernel/client"
	"github.com/spf13/cobra"
)

// TestExitCodes gives every kind of failure to a command and expects its code and name.
func TestExitCodes(t *testing.T) {
	seen := map[int]bool{Done: true, Broken: true} // a core's panic and a clean end need no mapping
	for _, tt := range []struct {
		name string
		err  error
		code int
		want string
	}{
		{"plain", errors.New("x"), Failed, "failed"},
		{"usage", Usage(&cobra.Command{Use: "x"}, "x"), WrongUsage, "usage"},
		{"rejected", fmt.Errorf("wait: %w", errors.Join(&client.Error{Name: "rejected", Message: "lost"}, kernel.InputSpent)), No, "rejected"},
		{"rule", &client.Error{Name: "input_spent", Message: "x"}, Failed, "input_spent"},
		{"malformed by node", &client.Error{Name: "malformed", Message: "x"}, Malformed, "malformed"},
		{"bad key file", keystore.ErrMalformed, Malformed, "malformed"},
		{"no node", fmt.Errorf("call: %w", &url.Error{Op: "Post", Err: syscall.ECONNREFUSED}), Unreachable, "node_unreachable"},
		{"disk full", fmt.Errorf("write: %w", syscall.ENOSPC), IO, "disk_full"},
		{"disk", &fs.PathError{Op: "read", Path: "x", Err: syscall.EIO}, IO, "io"},
		{"not ready", &client.Error{Name: "not_ready", Message: "x"}, NotYet, "not_ready"},
		{"timeout", fmt.Errorf("wait: %w", context.DeadlineExceeded), NotYet, "timeout"},
		{"no token", &client.Error{Name: "unauthorized", Message: "x"}, Forbidden, "unauthorized"},
		{"passphrase", keystore.ErrPassphrase, Forbidden, "no_permission"},
		{"config", Fail(BadConfig, "config_value", "x"), BadConfig, "config_value"},
		{"missing file", &fs.PathError{Op: "open", Path: "x", Err: fs.ErrNotExist}, Failed, "not_found"},
		{"interrupted", context.Canceled, Interrupted, "interrupted"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			root := NewRoot("x", "x", "", &cobra.Command{Use: "do", RunE: func(*cobra.Command, []string) error {
				if errors.Is(tt.err, context.Canceled) {
					cancel()
				}
				return tt.err
			}})
			var stdout, stderr bytes.Buffer
			code := Run(ctx, root, []string{"do", "--json"}, strings.NewReader(""), &stdout, &stderr)
			var got struct{ Name, Message string }
			if err := json.Unmarshal(stderr.Bytes(), &got); err != nil || stdout.Len() != 0 {
				t.Fatalf("stderr %q stdout %q: %v", stderr.String(), stdout.String(), err)
			}
			if code != tt.code || got.Name != tt.want || got.Message == "" {
				t.Errorf("code %d %+v, want %d %s", code, got, tt.code, tt.want)
			}
		})
		seen[tt.code] = true
	}
	for _, code := range []int{Done, Failed, WrongUsage, No, Malformed, Unreachable, Broken, IO, NotYet, Forbidden, BadConfig, Interrupted} {
		if !seen[code] {
			t.Errorf("no case leads to exit code %d", code)
		}
	}
}

// TestHomePermissions shows that a folder with keys which others may enter is refused.
func TestHomePermissions(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "home")
	if err := MakeHome(dir); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(dir, 0o750); err != nil {
		t.Fatal(err)
	}
	var e *Error
	if err := CheckHome(dir); !errors.As(err, &e) || e.Name != "home_permissions" {
		t.Fatalf("mode 0750: %v", err)
	}
	if err := CheckHome(dir + "x"); !errors.As(err, &e) || e.Name != "no_home" {
		t.Fatalf("missing: %v", err)
	}
}

func TestTable(t *testing.T) {
	var out strings.Builder
	table := NewTable("A", "LONGER")
	table.Row("ä", 1)
	table.Row("bbb", "")
	table.WriteTo(&out)
	if want := "A    LONGER\nä    1\nbbb\n"; out.String() != want {
		t.Errorf("got %q, want %q", out.String(), want)
	}
}
