//go:build !unix

package keystore

import (
	"errors"
	"os"
)

// Lock makes a file that must not exist yet, so that one process at a time has what it stands
// for: ErrInUse otherwise. A crash leaves it behind: delete it then.
func Lock(path string) (unlock func() error, err error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
	if errors.Is(err, os.ErrExist) {
		return nil, ErrInUse
	}
	if err != nil {
		return nil, err
	}
	return func() error { return errors.Join(f.Close(), os.Remove(path)) }, nil
}
