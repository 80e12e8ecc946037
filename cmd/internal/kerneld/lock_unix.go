//go:build unix

package kerneld

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"syscall"

	"github.com/asterism-network/asterism/cmd/internal/cli"
)

// Lock holds the home for this process until it ends or unlock is called. Two processes on
// one home would sign twice for a round.
func (h Home) Lock() (unlock func(), err error) {
	f, err := os.OpenFile(h.lockFile(), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		defer f.Close()
		if !errors.Is(err, syscall.EWOULDBLOCK) {
			return nil, fmt.Errorf("lock %s: %w", h, err)
		}
		var pid [16]byte
		n, _ := f.Read(pid[:]) // the number helps to find it, nothing more
		return nil, cli.Fail(cli.Failed, "locked", "%s is in use by process %s", h, strings.TrimSpace(string(pid[:n]))).
			WithHint("stop that process first; two on one home would contradict each other")
	}
	if err := errors.Join(f.Truncate(0), writePID(f)); err != nil {
		f.Close()
		return nil, fmt.Errorf("write lock: %w", err)
	}
	return func() { f.Close() }, nil
}

func writePID(f *os.File) error {
	_, err := fmt.Fprintf(f, "%d\n", os.Getpid())
	return err
}
