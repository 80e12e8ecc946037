package main

import (
	"errors"
	"io"
	"os"

	"github.com/asterism-network/asterism/cmd/internal/cli"
)

// readSized reads a file of bounded size and parses it; size is that of the file.
func readSized[T any](name string, limit int64, parse func([]byte) (T, error)) (v T, size int, err error) {
	b, err := readBounded(name, limit)
	if err != nil {
		return v, 0, err
	}
	if v, err = parse(b); err != nil {
		return v, 0, cli.Fail(cli.Malformed, "malformed", "%s: %v", name, err)
	}
	return v, len(b), nil
}

// readBounded reads a file, one byte over the limit at most: a parser refuses that.
func readBounded(name string, limit int64) ([]byte, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	b, err := io.ReadAll(io.LimitReader(f, limit+1))
	return b, errors.Join(err, f.Close())
}

// writeNew writes a file that must not exist yet, synced, for everybody to read.
func writeNew(name string, content []byte) error {
	f, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if err != nil {
		return err
	}
	_, err = f.Write(content)
	return errors.Join(err, f.Sync(), f.Close())
}
