//go:build unix

package keystore

import (
	"errors"
	"fmt"
	"os"
	"syscall"
)

// Lock takes a lock on a file, so that one process at a time has what it stands for: ErrInUse
// otherwise. It ends with the process, so a crash leaves none behind.
func Lock(path string) (unlock func() error, err error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		f.Close()
		if errors.Is(err, syscall.EWOULDBLOCK) {
			return nil, ErrInUse
		}
		return nil, fmt.Errorf("lock: %w", err)
	}
	return f.Close, nil
}
