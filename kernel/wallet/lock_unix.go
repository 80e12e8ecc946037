//go:build unix

package wallet

import (
	"errors"
	"fmt"
	"os"
	"syscall"
)

// lockPath takes a lock that ends with the process, so a crash leaves none behind.
func lockPath(path string) (unlock func() error, err error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		f.Close()
		if errors.Is(err, syscall.EWOULDBLOCK) {
			return nil, ErrLocked
		}
		return nil, fmt.Errorf("lock wallet: %w", err)
	}
	return f.Close, nil
}
