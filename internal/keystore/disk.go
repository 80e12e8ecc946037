package keystore

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
)

// Create writes data, from Seal, to a new file that only its owner may read. It never
// replaces a file: a key that is overwritten is a key that is lost.
func Create(path string, data []byte) error {
	if _, err := os.Lstat(path); err == nil {
		return fmt.Errorf("%w: %s", ErrExists, path)
	}
	temp, err := writeTemp(path, data)
	if err != nil {
		return err
	}
	defer os.Remove(temp)
	// A link fails where a rename would replace a file that appeared meanwhile.
	if err := os.Link(temp, path); err != nil {
		if errors.Is(err, fs.ErrExist) {
			return fmt.Errorf("%w: %s", ErrExists, path)
		}
		return fmt.Errorf("write keystore: %w", err)
	}
	return syncFolder(path)
}

// Replace writes data over an existing file, as a change of passphrase does. After a crash
// the file holds the old secret or the new one, whole.
func Replace(path string, data []byte) error {
	temp, err := writeTemp(path, data)
	if err != nil {
		return err
	}
	defer os.Remove(temp) // gone after the rename
	if err := os.Rename(temp, path); err != nil {
		return fmt.Errorf("write keystore: %w", err)
	}
	return syncFolder(path)
}

// ChangePassphrase seals the secret of an existing file of the kind under a new passphrase. The zero
// Cost is DefaultCost. After a crash the file opens with the old or the new one.
func ChangePassphrase(path, kind string, old, next []byte, cost Cost, strength Strength) error {
	data, err := Load(path)
	if err != nil {
		return err
	}
	_, public, err := Public(data)
	if err != nil {
		return err
	}
	secret, err := Open(data, kind, old, strength)
	if err != nil {
		return err
	}
	defer Zero(secret)
	if cost == (Cost{}) {
		cost = DefaultCost
	}
	if data, err = Seal(kind, public, secret, next, cost, strength); err != nil {
		return err
	}
	return Replace(path, data)
}

// Load reads the bytes of a keystore file and refuses one that group or others may read.
func Load(path string) ([]byte, error) { return readPrivate(path, MaxFile) }

// readPrivate reads at most limit bytes of a regular file that only its owner may read. The
// permissions asked are those of the opened file, not of the name.
func readPrivate(path string, limit int64) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("%w: %s is not a regular file", ErrMalformed, path)
	}
	if runtime.GOOS != "windows" && info.Mode().Perm()&0o077 != 0 {
		return nil, fmt.Errorf("%w: %s has mode %04o", ErrPermissions, path, info.Mode().Perm())
	}
	data, err := io.ReadAll(io.LimitReader(f, limit+1))
	if err != nil {
		return nil, err
	}
	if int64(len(data)) > limit {
		return nil, fmt.Errorf("%w: %s is over %d bytes", ErrMalformed, path, limit)
	}
	return data, nil
}

// writeTemp writes data, synced and with mode 0600, beside path.
func writeTemp(path string, data []byte) (temp string, err error) {
	f, err := os.CreateTemp(filepath.Dir(path), ".keystore-*") // CreateTemp uses mode 0600
	if err != nil {
		return "", fmt.Errorf("write keystore: %w", err)
	}
	_, err = f.Write(data)
	err = errors.Join(err, f.Sync(), f.Close())
	if err != nil {
		os.Remove(f.Name())
		return "", fmt.Errorf("write keystore: %w", err)
	}
	return f.Name(), nil
}

// syncFolder makes the name of path durable.
func syncFolder(path string) error {
	if runtime.GOOS == "windows" {
		return nil // folders cannot be synced there
	}
	d, err := os.Open(filepath.Dir(path))
	if err != nil {
		return fmt.Errorf("sync folder: %w", err)
	}
	defer d.Close()
	if err := d.Sync(); err != nil {
		return fmt.Errorf("sync folder: %w", err)
	}
	return nil
}
