package wallet

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"

	"github.com/asterism-network/asterism/internal/crypto"
)

// ErrDamaged says that a wallet's scan or payment file is not what the wallet wrote. The scan
// file may be deleted and is rebuilt; the payment file holds what was sent.
var ErrDamaged = errors.New("file is damaged")

const (
	frameHead = 4 + 16   // length, check
	maxFrame  = 64 << 20 // bytes of one entry
)

// A journal is a file of entries that are appended whole or not at all: each is a length, a
// checksum bound to its place, and JSON. An entry cut short by a crash was never acknowledged
// and is dropped when the file is opened. Without a file it keeps nothing.
type journal struct {
	file   *os.File // nil: in memory
	path   string
	end    int64
	failed error // sticks: after a write of unknown outcome nothing may follow
}

// openJournal opens or creates the journal at path and hands its entries to replay in order.
// The first entry is the header; it must equal header, which names format, network and keys.
func openJournal(path string, header any, replay func(entry []byte) error) (*journal, error) {
	j := &journal{path: path}
	if path == "" {
		return j, nil
	}
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	j.file = f
	if err := j.load(header, replay); err != nil {
		f.Close()
		return nil, fmt.Errorf("%s: %w", filepath.Base(path), err)
	}
	return j, nil
}

func (j *journal) load(header any, replay func([]byte) error) error {
	want, err := json.Marshal(header)
	if err != nil {
		return err
	}
	data, err := io.ReadAll(j.file)
	if err != nil {
		return err
	}
	first := true
	end, err := frames(data, func(entry []byte) error {
		if !first {
			return replay(entry)
		}
		first = false
		if !bytes.Equal(entry, want) {
			return fmt.Errorf("%w: belongs to another wallet or network", ErrDamaged)
		}
		return nil
	})
	if err != nil {
		return err
	}
	j.end = end
	if end != int64(len(data)) {
		if err := os.WriteFile(j.path+".cut", data[end:], 0o600); err != nil { // kept for a person, never read
			return err
		}
		if err := j.file.Truncate(end); err != nil {
			return err
		}
	}
	if first {
		if err := j.append(want); err != nil {
			return err
		}
		return syncFolder(j.path)
	}
	return nil
}

// frames calls each for every whole entry and returns where the last one ends. What follows
// it must look like a write that a crash cut short: reaching the end of the file, or zeros.
func frames(data []byte, each func([]byte) error) (end int64, err error) {
	for at := 0; at < len(data); {
		rest := data[at:]
		if len(rest) < frameHead || allZero(rest) {
			return int64(at), nil
		}
		size := int(binary.BigEndian.Uint32(rest))
		if size > maxFrame {
			return 0, fmt.Errorf("%w: entry of %d bytes at byte %d", ErrDamaged, size, at)
		}
		if size > len(rest)-frameHead {
			return int64(at), nil
		}
		entry := rest[frameHead : frameHead+size]
		if sum := frameSum(at, entry); !bytes.Equal(sum[:], rest[4:frameHead]) {
			if allZero(rest[frameHead+size:]) {
				return int64(at), nil
			}
			return 0, fmt.Errorf("%w: checksum at byte %d", ErrDamaged, at)
		}
		if err := each(entry); err != nil {
			return 0, err
		}
		at += frameHead + size
	}
	return int64(len(data)), nil
}

func allZero(b []byte) bool { return len(bytes.Trim(b, "\x00")) == 0 }

func frameSum(at int, entry []byte) (sum [16]byte) {
	full := crypto.SumLabel("asterism wallet entry", binary.BigEndian.AppendUint64(nil, uint64(at)), entry)
	copy(sum[:], full[:])
	return sum
}

func appendFrame(b []byte, at int, entry []byte) []byte {
	sum := frameSum(at, entry)
	b = binary.BigEndian.AppendUint32(b, uint32(len(entry)))
	return append(append(b, sum[:]...), entry...)
}

// put appends v and returns when it is durable.
func (j *journal) put(v any) error {
	if j.file == nil {
		return nil
	}
	entry, err := json.Marshal(v)
	if err != nil {
		return err
	}
	return j.append(entry)
}

func (j *journal) append(entry []byte) error {
	if j.failed != nil {
		return j.failed
	}
	if len(entry) > maxFrame {
		return fmt.Errorf("wallet entry of %d bytes, at most %d fit", len(entry), maxFrame)
	}
	frame := appendFrame(nil, int(j.end), entry)
	_, err := j.file.WriteAt(frame, j.end)
	if err == nil {
		err = j.file.Sync()
	}
	if err != nil {
		j.failed = fmt.Errorf("write %s: %w; open the wallet again", filepath.Base(j.path), err)
		return j.failed
	}
	j.end += int64(len(frame))
	return nil
}

// rewrite replaces the whole file by header and entries: after a crash it is the old one or
// the new one.
func (j *journal) rewrite(header any, entries []any) error {
	if j.file == nil {
		return nil
	}
	var b []byte
	for _, v := range append([]any{header}, entries...) {
		entry, err := json.Marshal(v)
		if err != nil {
			return err
		}
		b = appendFrame(b, len(b), entry)
	}
	f, err := os.CreateTemp(filepath.Dir(j.path), ".wallet-*")
	if err != nil {
		return err
	}
	_, err = f.Write(b)
	if err = errors.Join(err, f.Sync()); err == nil {
		err = os.Rename(f.Name(), j.path)
	}
	if err != nil {
		f.Close()
		os.Remove(f.Name())
		return fmt.Errorf("rewrite %s: %w", filepath.Base(j.path), err)
	}
	j.file.Close()
	j.file, j.end = f, int64(len(b))
	return syncFolder(j.path)
}

func (j *journal) close() error {
	if j.file == nil {
		return nil
	}
	return j.file.Close()
}

func syncFolder(path string) error {
	if runtime.GOOS == "windows" {
		return nil // folders cannot be synced there
	}
	d, err := os.Open(filepath.Dir(path))
	if err != nil {
		return err
	}
	defer d.Close()
	return d.Sync()
}
