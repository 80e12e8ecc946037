//go:build !unix

package wallet

import (
	"errors"
	"os"
)

// lockPath makes a file that must not exist yet. A crash leaves it behind: delete it then.
func lockPath(path string) (unlock func() error, err error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
	if errors.Is(err, os.ErrExist) {
		return nil, ErrLocked
	}
	if err != nil {
		return nil, err
	}
	return func() error { return errors.Join(f.Close(), os.Remove(path)) }, nil
}
