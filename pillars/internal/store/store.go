// Package store keeps a chain on disk: headers with their branches, blocks, what undoes them, the records of the
// state, and indexes by height, transaction and address.
//
// Every block that is connected or disconnected is one atomic batch, so after a kill or a power loss at any instant
// everything stands after some block exactly. Blocks of other branches are stored too, once they are judged. Damage is
// found, never served: the key-value store has a checksum for each block of bytes, and what it cannot read stops the
// process. The formats are in docs/spec/pillars-chain.md.
package store

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"sync"

	"github.com/asterism-network/asterism/internal/crypto"
	"github.com/asterism-network/asterism/internal/kv"
	"github.com/asterism-network/asterism/pillars"
	"github.com/asterism-network/asterism/pillars/internal/state"
)

// The reasons for which a folder is refused, and for which a read or write is.
var (
	ErrExists   = errors.New("folder holds a chain already")
	ErrNotFound = errors.New("no chain in folder")
	ErrFormat   = errors.New("unknown folder format")
	ErrNetwork  = errors.New("folder of another network")
	ErrProfile  = errors.New("folder of a network with other parameters")
	ErrCorrupt  = errors.New("folder is damaged")
	ErrPruned   = errors.New("pruned")
	ErrDiskFull = errors.New("disk is full")
	ErrLocked   = kv.ErrLocked
)

// Options say where a chain lives and what it takes. The zero value is an archive on disk.
type Options struct {
	FS            kv.FS     // default the disk
	Engine        kv.Engine // default Pebble
	CacheBytes    int64     // of the key-value store; default 32 MiB
	MemtableBytes uint64    // of the key-value store; default 16 MiB
	ReserveBytes  uint64    // stays free on the disk: writes stop before; default 64 MiB

	// Prune is how many of the newest blocks keep their bodies and index entries; 0 keeps all. It is
	// above the finality depth. A pruned folder cannot become an archive again. [PIL-STO-6]
	Prune uint32

	// Fatal is told when the folder cannot be read or written any more. It must not return; the
	// default panics.
	Fatal func(error)
}

func (o Options) filled() Options {
	if o.FS == nil {
		o.FS = kv.Disk()
	}
	if o.CacheBytes == 0 {
		o.CacheBytes = 32 << 20
	}
	if o.MemtableBytes == 0 {
		o.MemtableBytes = 16 << 20
	}
	if o.ReserveBytes == 0 {
		o.ReserveBytes = 64 << 20
	}
	if o.Fatal == nil {
		o.Fatal = func(err error) { panic(err) }
	}
	return o
}

// A Store is an open folder. One goroutine writes; everybody may read at any time until Close.
type Store struct {
	params  *pillars.Params
	options Options
	dir     string
	lock    io.Closer
	db      *kv.DB

	mu   sync.RWMutex // guards what follows; never held while the disk is written
	tip  Entry
	hash crypto.SetHash // over the records of the state
	high uint32         // the highest that tip ever was
	from uint32         // blocks from this height on have their bodies; 0 in an archive
}

// stateDir is the folder of the key-value store inside the chain's.
const stateDir = "chain"

// Create makes the folder of a chain that holds its genesis and what that does to the empty state.
func Create(dir string, p *pillars.Params, genesis Entry, block *pillars.Block, diff *state.Diff, o Options) (err error) {
	s, err := open(dir, p, o)
	if err != nil {
		return fmt.Errorf("create %s: %w", dir, err)
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	has, err := s.db.Has(keyOrigin)
	if err == nil && has {
		err = ErrExists
	}
	if err != nil {
		return fmt.Errorf("create %s: %w", dir, err)
	}
	b := s.db.NewBatch() // all or nothing: a folder without an origin is none, and can be made again
	b.Set(keyOrigin, originOf(p, genesis.ID()).append(nil))
	s.putBlock(b, &genesis, block)
	s.connect(b, &genesis, block, diff)
	if err := b.Commit(true); err != nil {
		return fmt.Errorf("create %s: %w", dir, err)
	}
	return err
}

// Open opens the folder of a network's chain.
func Open(dir string, p *pillars.Params, o Options) (*Store, error) {
	o = o.filled()
	if _, err := o.FS.Stat(o.FS.PathJoin(dir, stateDir)); errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("open %s: %w: make one first", dir, ErrNotFound)
	}
	s, err := open(dir, p, o)
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", dir, err)
	}
	if err := s.load(); err != nil {
		return nil, errors.Join(fmt.Errorf("open %s: %w", dir, err), s.Close())
	}
	return s, nil
}

func open(dir string, p *pillars.Params, o Options) (*Store, error) {
	o = o.filled()
	if o.Prune != 0 && o.Prune <= p.Finality {
		return nil, fmt.Errorf("prune to %d blocks: a reorganisation needs more than %d", o.Prune, p.Finality)
	}
	if err := kv.MakeDir(o.FS, dir); err != nil {
		return nil, err
	}
	lock, err := kv.LockFolder(o.FS, dir)
	if err != nil {
		return nil, err
	}
	db, err := kv.Open(o.FS, o.FS.PathJoin(dir, stateDir), kv.Options{
		Engine: o.Engine, CacheBytes: o.CacheBytes, MemtableBytes: o.MemtableBytes, Fatal: o.Fatal,
	})
	if err != nil {
		return nil, errors.Join(err, lock.Close())
	}
	return &Store{params: p, options: o, dir: dir, lock: lock, db: db}, nil
}

// load reads what is kept in memory.
func (s *Store) load() error {
	raw, ok, err := s.db.Get(nil, keyOrigin)
	if err != nil {
		return err
	}
	if !ok {
		return ErrNotFound
	}
	if err := checkOrigin(raw, s.params); err != nil {
		return err
	}
	tip, err := s.meta(keyTip, 32)
	if err != nil {
		return err
	}
	if s.tip, ok = s.Entry(pillars.BlockID(tip)); !ok {
		return fmt.Errorf("%w: the tip's header is missing", ErrCorrupt)
	}
	hash, err := s.meta(keyHash, crypto.SetHashSize)
	if err != nil {
		return err
	}
	copy(s.hash[:], hash)
	high, err := s.meta(keyHigh, 4)
	if err != nil {
		return err
	}
	s.high = u32(high)
	if raw, ok, err = s.db.Get(nil, keyFrom); err != nil || !ok {
		return err
	}
	if len(raw) != 4 {
		return fmt.Errorf("%w: %q", ErrCorrupt, keyFrom)
	}
	s.from = u32(raw)
	if s.options.Prune == 0 {
		return fmt.Errorf("%w: blocks below %d are gone; an archive must start anew", ErrPruned, s.from)
	}
	return nil
}

// meta reads a value that there must be.
func (s *Store) meta(key []byte, size int) ([]byte, error) {
	b, ok, err := s.db.Get(nil, key)
	if err != nil {
		return nil, err
	}
	if !ok || len(b) != size {
		return nil, fmt.Errorf("%w: %q", ErrCorrupt, key)
	}
	return b, nil
}

// Close makes everything durable and lets go of the folder.
func (s *Store) Close() error { return errors.Join(s.db.Close(), s.lock.Close()) }

// Flush makes everything committed so far durable.
func (s *Store) Flush() error { return s.db.Flush() }

// DiskBytes is what the folder takes on disk.
func (s *Store) DiskBytes() uint64 { return s.db.DiskBytes() }

// writable refuses writes to a full disk before anything is written.
func (s *Store) writable() error {
	usage, err := s.options.FS.GetDiskUsage(s.dir)
	if err == nil && usage.AvailBytes < s.options.ReserveBytes {
		return fmt.Errorf("%w: %d bytes free in %s, %d are kept in reserve: free some space", ErrDiskFull, usage.AvailBytes, s.dir, s.options.ReserveBytes)
	}
	return nil // also where a file system does not know, such as memory
}
