package store

import (
	"errors"
	"hash/crc32"
	"io"
	"io/fs"

	"github.com/asterism-network/asterism/internal/codec"
	"github.com/asterism-network/asterism/internal/kv"
)

// A mark says how far the log was durable when it was written: it tells a tail that a crash
// tore from one that was damaged later. It stands in a file of its own, rewritten in place
// after each sync of the log and not synced itself: a kill does not lose it, a power loss may
// leave an older one, which is as true. [STO-7]
type mark struct {
	place
	sequence uint64
}

const (
	markFile = "MARK"
	markSize = 4 + 4 + 8 + 4
)

func writeMark(f kv.File, m mark) error {
	b := make([]byte, 0, markSize)
	b = codec.AppendU32(b, m.segment)
	b = codec.AppendU32(b, m.offset)
	b = codec.AppendU64(b, m.sequence)
	b = codec.AppendU32(b, crc32.Checksum(b, castagnoli))
	_, err := f.WriteAt(b, 0)
	return err
}

func decodeMark(b []byte) (m mark, ok bool) {
	r := codec.NewReader(b)
	m.segment = r.U32("segment")
	m.offset = r.U32("offset")
	m.sequence = r.U64("sequence")
	sum := r.U32("checksum")
	if r.Done() != nil || sum != crc32.Checksum(b[:markSize-4], castagnoli) {
		return mark{}, false
	}
	return m, true
}

// openMark reads the mark, if there is a good one, and opens it for writing.
func openMark(fsys kv.FS, dir string) (mark, kv.File, error) {
	name := fsys.PathJoin(dir, markFile)
	_, missing := fsys.Stat(name)
	if missing != nil && !errors.Is(missing, fs.ErrNotExist) {
		return mark{}, nil, missing
	}
	f, err := fsys.OpenReadWrite(name, kv.Ordinary)
	if err != nil {
		return mark{}, nil, err
	}
	if missing != nil {
		if err := kv.SyncDir(fsys, dir); err != nil {
			return mark{}, nil, errors.Join(err, f.Close())
		}
	}
	b, err := io.ReadAll(io.NewSectionReader(f, 0, markSize))
	if err != nil {
		return mark{}, nil, errors.Join(err, f.Close())
	}
	m, _ := decodeMark(b)
	return m, f, nil
}
