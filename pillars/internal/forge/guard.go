package forge

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io/fs"
	"sync"

	"github.com/asterism-network/asterism/internal/kv"
	"github.com/asterism-network/asterism/pillars"
)

// Errors of a Guard.
var (
	ErrUsed         = errors.New("a block with this stake was signed before, in this second or at this height")
	ErrGuardDamaged = errors.New("the record of used stakes is damaged: restore it, or stake with other outputs for a day and then remove it")
)

// A Guard remembers, durably and before anything is signed, which stake was used in which second and at which height. A second
// block with one of them would be evidence against the staker (PIL-POS-8), also after a crash, also if the clock went back.
//
// One process uses it at a time: it lies in the chain's folder, which is locked. It cannot know of another machine that stakes
// with the same keys.
type Guard struct {
	mu     sync.Mutex
	file   kv.File
	broken error
	stamps map[use]bool
	height map[use]bool
}

// A use is a stake with a second, or with a height.
type use struct {
	stake pillars.Outpoint
	at    uint32
}

// The file: eight bytes that name the format, then records of an outpoint (36), stamp and height (4 each, little-endian), and
// the CRC-32C of those 44.
const (
	guardMagic  = "ASTUSED1"
	guardBody   = 44
	guardRecord = guardBody + 4
	guardKeep   = 1 << 16 // newest records that outlive a start: months of a large staker
	guardLimit  = 1 << 28 // bytes
)

var guardTable = crc32.MakeTable(crc32.Castagnoli)

// OpenGuard reads the record of used stakes in a file, or begins one. A record that a crash cut off was not signed for, and goes;
// other damage is an error.
func OpenGuard(fsys kv.FS, name string) (*Guard, error) {
	raw, err := kv.ReadFile(fsys, name, guardLimit)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("read %s: %w", name, err)
	}
	records, err := parseGuard(raw)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	g := &Guard{stamps: map[use]bool{}, height: map[use]bool{}}
	for _, r := range records {
		g.hold(r)
	}
	if g.file, err = rewriteGuard(fsys, name, records); err != nil {
		return nil, fmt.Errorf("write %s: %w", name, err)
	}
	return g, nil
}

type guardEntry struct {
	stake         pillars.Outpoint
	stamp, height uint32
}

func (g *Guard) hold(r guardEntry) {
	g.stamps[use{r.stake, r.stamp}] = true
	g.height[use{r.stake, r.height}] = true
}

func parseGuard(raw []byte) (records []guardEntry, err error) {
	if len(raw) < len(guardMagic) {
		if string(raw) != guardMagic[:len(raw)] {
			return nil, ErrGuardDamaged
		}
		return nil, nil // begun, and cut off
	}
	if string(raw[:len(guardMagic)]) != guardMagic || len(raw) == guardLimit {
		return nil, ErrGuardDamaged
	}
	for raw = raw[len(guardMagic):]; len(raw) >= guardRecord; raw = raw[guardRecord:] {
		body := raw[:guardBody]
		if binary.LittleEndian.Uint32(raw[guardBody:]) != crc32.Checksum(body, guardTable) {
			if len(raw) < 2*guardRecord {
				break // the last one: cut off
			}
			return nil, ErrGuardDamaged
		}
		records = append(records, guardEntry{
			stake: pillars.Outpoint{Tx: pillars.TxID(body), Index: binary.LittleEndian.Uint32(body[32:])},
			stamp: binary.LittleEndian.Uint32(body[36:]), height: binary.LittleEndian.Uint32(body[40:]),
		})
	}
	return records[max(0, len(records)-guardKeep):], nil
}

func (r guardEntry) bytes() []byte {
	b := append(make([]byte, 0, guardRecord), r.stake.Bytes()...)
	b = binary.LittleEndian.AppendUint32(b, r.stamp)
	b = binary.LittleEndian.AppendUint32(b, r.height)
	return binary.LittleEndian.AppendUint32(b, crc32.Checksum(b, guardTable))
}

// rewriteGuard writes what is kept beside the old file, puts it in its place, and leaves it open behind its last record.
func rewriteGuard(fsys kv.FS, name string, records []guardEntry) (kv.File, error) {
	fresh := name + ".new"
	f, err := fsys.Create(fresh, kv.Ordinary)
	if err != nil {
		return nil, err
	}
	b := []byte(guardMagic)
	for _, r := range records {
		b = append(b, r.bytes()...)
	}
	if _, err := f.Write(b); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	if err := f.Sync(); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	if err := fsys.Rename(fresh, name); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	if err := kv.SyncDir(fsys, fsys.PathDir(name)); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return f, nil
}

// Use notes a use durably, or returns ErrUsed if the stake was used in that second or at that height. What fails once fails from
// then on: nobody knows what the disk has of it.
func (g *Guard) Use(stake pillars.Outpoint, stamp, height uint32) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	switch {
	case g.broken != nil:
		return g.broken
	case g.stamps[use{stake, stamp}] || g.height[use{stake, height}]:
		return ErrUsed
	}
	r := guardEntry{stake, stamp, height}
	_, err := g.file.Write(r.bytes())
	if err == nil {
		err = g.file.Sync()
	}
	if err != nil {
		g.broken = fmt.Errorf("note a used stake: %w", err)
		return g.broken
	}
	g.hold(r)
	return nil
}

// Used reports whether Use would return ErrUsed.
func (g *Guard) Used(stake pillars.Outpoint, stamp, height uint32) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.stamps[use{stake, stamp}] || g.height[use{stake, height}]
}

var errClosed = errors.New("the record of used stakes is closed")

// Close lets go of the file, once.
func (g *Guard) Close() error {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.file == nil {
		return nil
	}
	f := g.file
	g.file, g.broken = nil, errClosed
	return f.Close()
}
