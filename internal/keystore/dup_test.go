//go:build unix

package keystore

import (
	"os"
	"syscall"
	"testing"
)

// dup returns a second descriptor of f, which the code under test closes.
func dup(t *testing.T, f *os.File) int {
	t.Helper()
	fd, err := syscall.Dup(int(f.Fd()))
	if err != nil {
		t.Fatal(err)
	}
	return fd
}
