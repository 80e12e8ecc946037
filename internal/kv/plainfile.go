package kv

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"io/fs"
	"math"
)

// The file of a plain store is a line that names the format and then records, one for each
// batch, in order:
//
//	4 bytes  length of the batch
//	4 bytes  CRC-32C of the batch
//	8 bytes  place of the record in the file
//	8 bytes  so much of the file was durable when the record was written
//	4 bytes  CRC-32C of the above
//	         the batch: kind, length and bytes of the key, length and bytes of the value
//
// All integers but the lengths inside a batch are little endian; those are varints. A file is
// written under another name first and renamed when it is durable, and its bytes are never
// written twice. So a crash can leave only two kinds of bad record: one that the file's end cuts
// off, and one with a sector, or the part of one that it covers, which is still zero. Such a
// record ends the file, unless a good one further on says that it was durable. Everything else
// is damage.
const (
	plainName   = "PLAIN"
	plainTemp   = "PLAIN.new"
	plainFormat = "asterism plain store 1\n"
	recordHead  = 4 + 4 + 8 + 8 + 4
	headSum     = recordHead - 4

	// worthRewriting is how many bytes of history make opening write a new file, when they are
	// also most of the old one.
	worthRewriting = 64 << 10

	sector = 512 // bytes: what a disk writes whole
)

// ErrDamaged says that a file of the store does not hold what was written.
var ErrDamaged = errors.New("key-value store is damaged")

var errBatchSize = errors.New("batch is over 4 GiB")

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// A plainFile is open for adding records. After an error it must not be used again.
type plainFile struct {
	file    File
	end     int
	durable int
}

func (p *plainFile) write(record []byte) error {
	n := len(record) - recordHead
	if n > math.MaxUint32 {
		return errBatchSize
	}
	fillHead(record, p.end, p.durable)
	size := len(record)
	if _, err := p.file.Write(record); err != nil {
		return err
	}
	p.end += size
	return nil
}

func fillHead(record []byte, at, durable int) {
	batch := record[recordHead:]
	binary.LittleEndian.PutUint32(record, uint32(len(batch)))
	binary.LittleEndian.PutUint32(record[4:], crc32.Checksum(batch, castagnoli))
	binary.LittleEndian.PutUint64(record[8:], uint64(at))
	binary.LittleEndian.PutUint64(record[16:], uint64(durable))
	binary.LittleEndian.PutUint32(record[headSum:], crc32.Checksum(record[:headSum], castagnoli))
}

func (p *plainFile) sync() error {
	if p.durable == p.end {
		return nil
	}
	if err := p.file.SyncData(); err != nil {
		return err
	}
	p.durable = p.end
	return nil
}

// readPlain returns the bytes of the file, and whether there is one.
func readPlain(fsys FS, dir string) ([]byte, bool, error) {
	f, err := fsys.Open(fsys.PathJoin(dir, plainName))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, false, nil
	}
	if err != nil {
		return nil, false, err
	}
	info, err := f.Stat()
	if err != nil {
		return nil, true, errors.Join(err, f.Close())
	}
	b := make([]byte, info.Size())
	_, err = io.ReadFull(f, b)
	return b, true, errors.Join(err, f.Close())
}

// replay gives the batches of a file to apply and returns where they end.
func replay(content []byte, apply func(batch []byte) error) (end int, err error) {
	if !bytes.HasPrefix(content, []byte(plainFormat)) {
		return 0, fmt.Errorf("%w: %s does not begin with its format", ErrDamaged, plainName)
	}
	at := len(plainFormat)
	for at < len(content) {
		batch, _, ok := readRecord(content, at)
		if !ok {
			return at, checkTorn(content, at)
		}
		if err := apply(batch); err != nil {
			return at, fmt.Errorf("%w: %s at byte %d: %w", ErrDamaged, plainName, at, err)
		}
		at += recordHead + len(batch)
	}
	return at, nil
}

// readHead returns where the record at the given place ends if all of it was written, and how
// much of the file it knew to be durable.
func readHead(content []byte, at int) (end int, durable uint64, ok bool) {
	if len(content)-at < recordHead {
		return 0, 0, false
	}
	head := content[at : at+recordHead]
	if binary.LittleEndian.Uint64(head[8:]) != uint64(at) ||
		binary.LittleEndian.Uint32(head[headSum:]) != crc32.Checksum(head[:headSum], castagnoli) {
		return 0, 0, false
	}
	return at + recordHead + int(binary.LittleEndian.Uint32(head)), binary.LittleEndian.Uint64(head[16:]), true
}

func readRecord(content []byte, at int) (batch []byte, durable uint64, ok bool) {
	end, durable, ok := readHead(content, at)
	if !ok || end > len(content) {
		return nil, 0, false
	}
	batch = content[at+recordHead : end : end]
	return batch, durable, crc32.Checksum(batch, castagnoli) == binary.LittleEndian.Uint32(content[at+4:])
}

// checkTorn returns an error if no crash can have left the bad record at the given place.
func checkTorn(content []byte, at int) error {
	if !torn(content, at) {
		return fmt.Errorf("%w: %s at byte %d", ErrDamaged, plainName, at)
	}
	for next := at + 1; next < len(content); next++ {
		if _, durable, ok := readRecord(content, next); ok && durable > uint64(at) {
			return fmt.Errorf("%w: %s at byte %d, which was durable", ErrDamaged, plainName, at)
		}
	}
	return nil
}

// torn reports whether the record at the given place is cut off or has a sector of zeros.
func torn(content []byte, at int) bool {
	if len(content)-at < recordHead {
		return true
	}
	end, _, ok := readHead(content, at)
	if !ok {
		return unwritten(content, at, at+recordHead)
	}
	return end > len(content) || unwritten(content, at+recordHead, end)
}

// unwritten reports whether some sector is zero as far as it lies between from and to.
func unwritten(content []byte, from, to int) bool {
	for from < to {
		end := min(to, from+sector-from%sector)
		if isZero(content[from:end]) {
			return true
		}
		from = end
	}
	return false
}

func isZero(b []byte) bool {
	for _, x := range b {
		if x != 0 {
			return false
		}
	}
	return true
}

// rewritePlain makes a new file of one record, or of none if the record is but a head, and puts
// it in the place of the old one.
func rewritePlain(fsys FS, dir string, record []byte) (p plainFile, err error) {
	temp := fsys.PathJoin(dir, plainTemp)
	file, err := fsys.Create(temp, Ordinary)
	if err != nil {
		return p, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, file.Close())
		}
	}()
	if _, err := file.Write([]byte(plainFormat)); err != nil {
		return p, err
	}
	p = plainFile{file: file, end: len(plainFormat)}
	if len(record) > recordHead {
		if err := p.write(record); err != nil {
			return p, err
		}
	}
	if err := p.sync(); err != nil {
		return p, err
	}
	if err := fsys.Rename(temp, fsys.PathJoin(dir, plainName)); err != nil {
		return p, err
	}
	return p, SyncDir(fsys, dir)
}

// resumePlain opens the file for adding records at its end. What is there, and that it is there at
// all, may be in the machine's memory only after the death of the process that wrote it, so both
// are made durable first.
func resumePlain(fsys FS, dir string, end int) (p plainFile, err error) {
	file, err := fsys.OpenReadWrite(fsys.PathJoin(dir, plainName), Ordinary)
	if err != nil {
		return p, err
	}
	p = plainFile{file: &atEnd{file, int64(end)}, end: end}
	if err := errors.Join(p.sync(), SyncDir(fsys, dir)); err != nil {
		return p, errors.Join(err, file.Close())
	}
	return p, nil
}

// atEnd writes at a place of its own: a file that is opened again begins at its first byte.
type atEnd struct {
	File
	end int64
}

func (f *atEnd) Write(b []byte) (int, error) {
	n, err := f.WriteAt(b, f.end)
	f.end += int64(n)
	return n, err
}
