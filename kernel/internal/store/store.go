// Package store keeps a node's ledger on disk. It has two parts with one rule between them:
//
//   - The log: every accepted snapshot, in the order of acceptance, in append-only segment
//     files. It is what a node must never lose, and the only place where bodies stand.
//   - The state: outputs, one-time keys, receipts, commits and the index of the log, in a
//     key-value store. All writes of a commit go in one atomic batch, so after a kill or a
//     power loss at any instant the state equals that after some commit exactly.
//
// The rule: a commit is written only when its snapshots are durable in the log. So the state is
// never ahead of the log; what it lost, execution repeats. docs/spec/storage.md has the formats.
//
// Damage is found, never served: each record of the log has checksums of its own, verified at
// every read, and the key-value store has one for each block. A damaged or missing log makes
// the store Doubtful; a key-value store that cannot be read stops the process.
package store

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"sync"
	"sync/atomic"

	"github.com/asterism-network/asterism/internal/kv"
	"github.com/asterism-network/asterism/kernel"
	"github.com/asterism-network/asterism/kernel/internal/ledger"
)

// formatVersion is the version of the folder that this program writes and reads. [STO-1]
const formatVersion = 4

// The reasons for which a folder is refused, and for which a write is.
var (
	ErrExists    = errors.New("folder exists already")
	ErrNotFound  = errors.New("no ledger in folder")
	ErrFormat    = errors.New("unknown folder format")
	ErrNetwork   = errors.New("folder of another network")
	ErrNode      = errors.New("folder of another node")
	ErrCorrupt   = errors.New("folder is damaged")
	ErrLocked    = kv.ErrLocked
	ErrHalted    = errors.New("store is halted, open it again")
	ErrDiskFull  = errors.New("disk is full")
	ErrTooLarge  = errors.New("record is over the limits of the log")
	ErrDuplicate = errors.New("snapshot is in the log already")
	ErrNotInLog  = errors.New("committed snapshot is not in the log")
)

// Options say where a store lives and what it takes. The zero value is a small node on disk.
type Options struct {
	FS            kv.FS     // default the disk
	Engine        kv.Engine // of the key-value store; default Pebble
	CacheBytes    int64     // of the key-value store; default 32 MiB
	MemtableBytes uint64    // of the key-value store; default 4 MiB
	FoldBytes     int       // of the state's changes kept in memory before they go to disk; default 32 MiB
	FoldCommits   int       // or so many commits; default 4096
	FoldFirst     int       // the first fold comes at this per cent of either, so that nodes of one network fold at different times; default 100
	FoldInline    bool      // write them in the commit that fills the buffer, not beside it; always so with Plain
	SegmentBytes  uint32    // of a segment of the log, save for a larger record; default 64 MiB
	ReserveBytes  uint64    // stays free on the disk: writes stop before; default 64 MiB
	Pruned        bool      // keep what Prune needs: the state at the ends of epochs

	// Fatal is told when the state cannot be read or written any more. It must not return;
	// the default panics.
	Fatal func(error)
}

const (
	defaultSegment = 64 << 20
	defaultReserve = 64 << 20
	maxSegment     = 1 << 30
)

func (o Options) filled() Options {
	if o.FS == nil {
		o.FS = kv.Disk()
	}
	if o.SegmentBytes == 0 {
		o.SegmentBytes = defaultSegment
	}
	o.SegmentBytes = min(o.SegmentBytes, maxSegment-2*(maxHead+maxRest))
	if o.ReserveBytes == 0 {
		o.ReserveBytes = defaultReserve
	}
	if o.Fatal == nil {
		o.Fatal = func(err error) { panic(err) }
	}
	return o
}

// kv are the options of the key-value store. last and before are called before a fold of it.
func (o Options) kv(last func(set func(key, value []byte)), before func() error) kv.Options {
	return kv.Options{
		Engine: o.Engine, CacheBytes: o.CacheBytes, MemtableBytes: o.MemtableBytes, Fatal: o.Fatal, Growing: tableTransaction,
		Buffer: &kv.Buffer{
			Bytes: o.FoldBytes, Commits: o.FoldCommits, First: o.FoldFirst, Last: last, Before: before,
			Background: !o.FoldInline && o.Engine != kv.Plain,
			Filtered:   o.filtered(),
		},
	}
}

// filtered are the tables that an arriving payment asks for what must not be there yet: its receipt, its
// outputs' keys, spends of its inputs. Plain has all in memory anyway.
func (o Options) filtered() []byte {
	if o.Engine == kv.Plain {
		return nil
	}
	return []byte{tableHash, tableGhost, tableSpend}
}

// A LogState says how far a node may trust its own log. The design's section 3, "Starting up",
// has the consequences.
type LogState int

// The states of a log.
const (
	Unused   LogState = iota // nothing was ever written
	Intact                   // everything that was ever durable is there
	Doubtful                 // lost or damaged: the node may have signed what it does not remember
)

// String returns the state's name.
func (s LogState) String() string {
	return [...]string{"unused", "intact", "doubtful"}[s]
}

// A Store is an open folder. Append and Commit each have one caller at a time; everything else
// may be called by anyone at any time until Close.
type Store struct {
	options Options
	dir     string
	lock    io.Closer
	db      *kv.DB
	log     *appendLog
	index   *index

	head      atomic.Pointer[ledger.Head]
	consensus atomic.Pointer[[]byte]
	doubt     atomic.Pointer[string]
	failed    atomic.Pointer[error] // the key-value store refused a write
	covers    atomic.Uint64         // commits rest on records with sequence numbers below

	trees     trees
	pruning   sync.Mutex // one Prune at a time; taken before committing
	appending sync.Mutex // one Append at a time; taken before committing
	salt      salt       // of fingerprints
	assets    *assetNumbers
	found     foundOutputs
	absent    absences
	recent    recentRows

	committing sync.Mutex // one batch at a time
	rows       putter     // guarded by committing

	views struct {
		sync.Mutex // also held while the head moves
		open       map[*View]struct{}
		assets     map[kernel.AssetID]ledger.Asset // at the head
		system     map[string][]byte               // at the head
	}
}

// Names inside the folder.
const (
	logDir        = "log"
	stateDir      = "state"
	partialSuffix = ".partial"
)

// Exists reports whether there is a folder at dir that Create would refuse.
func Exists(dir string, o Options) bool {
	_, err := o.filled().FS.Stat(dir)
	return err == nil
}

// Create makes the folder of a node that starts from genesis: an unused log and the state after
// commit 0, with the genesis transactions. The folder appears whole or not at all.
func Create(dir string, g *kernel.Genesis, self kernel.NodeID, genesis *ledger.Diff, transactions []*kernel.Transaction, o Options) error {
	return create(dir, g, self, genesis, transactions, "", o)
}

// CreateDoubtful is Create for a folder that takes the place of one whose log is lost, with the
// reason. It is Doubtful from the start: a crash at any moment leaves none that could be trusted.
func CreateDoubtful(dir string, g *kernel.Genesis, self kernel.NodeID, genesis *ledger.Diff, transactions []*kernel.Transaction, doubt string, o Options) error {
	return create(dir, g, self, genesis, transactions, doubt, o)
}

func create(dir string, g *kernel.Genesis, self kernel.NodeID, genesis *ledger.Diff, transactions []*kernel.Transaction, doubt string, o Options) error {
	o = o.filled()
	if Exists(dir, o) {
		return fmt.Errorf("create %s: %w", dir, ErrExists)
	}
	partial := dir + partialSuffix
	if err := o.FS.RemoveAll(partial); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("create %s: remove unfinished folder: %w", dir, err)
	}
	if err := kv.MakeDir(o.FS, partial); err != nil {
		return fmt.Errorf("create %s: %w", dir, err)
	}
	id := origin{network: g.NetworkID(), node: self, format: formatVersion}
	l, _, err := openLog(o.FS, o.FS.PathJoin(partial, logDir), id, o.SegmentBytes, mark{})
	if err != nil {
		return fmt.Errorf("create %s: %w", dir, err)
	}
	if err := l.close(); err != nil {
		return fmt.Errorf("create %s: %w", dir, err)
	}
	if err := createState(o.FS.PathJoin(partial, stateDir), id, g, genesis, transactions, doubt, o); err != nil {
		return fmt.Errorf("create %s: %w", dir, err)
	}
	if err := kv.SyncDir(o.FS, partial); err != nil {
		return fmt.Errorf("create %s: %w", dir, err)
	}
	if err := o.FS.Rename(partial, dir); err != nil {
		return fmt.Errorf("create %s: %w", dir, err)
	}
	return kv.SyncDir(o.FS, o.FS.PathDir(dir))
}

func createState(dir string, id origin, g *kernel.Genesis, genesis *ledger.Diff, transactions []*kernel.Transaction, doubt string, o Options) error {
	db, err := kv.Open(o.FS, dir, o.kv(nil, nil))
	if err != nil {
		return err
	}
	b := db.NewBatch()
	b.Set(keyOrigin, appendFolder(nil, id))
	if doubt != "" {
		b.Set(keyDoubt, []byte(doubt))
	}
	for _, tx := range transactions {
		raw, err := tx.AppendBinary(nil)
		if err != nil {
			return errors.Join(fmt.Errorf("encode genesis transaction: %w", err), db.Close())
		}
		b.Set(key32(tableIssued, (*[32]byte)(new(tx.Hash()))), raw)
	}
	commit := kernel.Commit{Timestamp: g.Timestamp, Digest: genesis.Head.Digest}
	rows := putter{batch: b, assets: newAssetNumbers()}
	rows.printOf = func(key *kernel.Key) [fingerprintSize]byte { return fingerprint(id.salt(), key) }
	rows.rowOf = func(kernel.OutputRef) (number, bool) { return 0, false } // there is no earlier commit
	if err := rows.commit(&commit, genesis, nil); err != nil {
		return errors.Join(err, db.Close())
	}
	if err := b.Commit(true); err != nil {
		return errors.Join(err, db.Close())
	}
	return db.Close()
}

// Open opens the folder of the given node. It takes time only in proportion to what was written
// since the last commit.
func Open(dir string, network kernel.NetworkID, self kernel.NodeID, o Options) (*Store, error) {
	o = o.filled()
	if !Exists(dir, o) {
		return nil, fmt.Errorf("open %s: %w", dir, ErrNotFound)
	}
	lock, err := kv.LockFolder(o.FS, dir)
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", dir, err)
	}
	// The process that created the folder can have died before its name was durable.
	if err := kv.SyncDir(o.FS, o.FS.PathDir(dir)); err != nil && !errors.Is(err, fs.ErrPermission) {
		return nil, errors.Join(fmt.Errorf("open %s: %w", dir, err), lock.Close())
	}
	s := &Store{options: o, dir: dir, lock: lock}
	s.views.open = make(map[*View]struct{})
	if err := s.open(origin{network: network, node: self, format: formatVersion}); err != nil {
		return nil, errors.Join(fmt.Errorf("open %s: %w", dir, err), s.release())
	}
	return s, nil
}

func (s *Store) open(id origin) error {
	state := s.options.FS.PathJoin(s.dir, stateDir)
	if _, err := s.options.FS.Stat(state); err != nil {
		return fmt.Errorf("%w: its state is missing: %w", ErrCorrupt, err)
	}
	var err error
	if s.db, err = kv.Open(s.options.FS, state, s.options.kv(s.lastOfFold, s.beforeFold)); err != nil {
		return err
	}
	known, err := s.loadState(id)
	if err != nil {
		return err
	}
	oldest, _ := lookup(s, s.db, keyOldest, readNumber)
	id.base = uint32(oldest)
	l, rec, err := openLog(s.options.FS, s.options.FS.PathJoin(s.dir, logDir), id, s.options.SegmentBytes, known)
	if err != nil {
		return err
	}
	s.log = l
	return s.adopt(rec)
}

// beforeFold makes durable what the state rests on: no commit reaches the disk before its
// snapshots. [STO-10]
func (s *Store) beforeFold() error {
	if s.log == nil {
		return nil // being opened: nothing was committed yet
	}
	return s.log.syncTo(s.covers.Load())
}

// lastOfFold adds the index to a fold. It reaches at least as far as the commits in it rest on
// records: a recovery that cuts the log off where a record behind the index is damaged takes
// nothing away from the state. [STO-8, STO-10]
func (s *Store) lastOfFold(set func(key, value []byte)) {
	if s.log == nil {
		return // being opened
	}
	s.index.flush(set)
	s.cover()
}

// cover demands that all that the log holds now is durable before anything more is folded.
func (s *Store) cover() {
	written := s.log.written.Load()
	for {
		covers := s.covers.Load()
		if covers >= written || s.covers.CompareAndSwap(covers, written) {
			return
		}
	}
}

// loadState reads what is kept in memory and says how far the index reaches.
func (s *Store) loadState(id origin) (known mark, err error) {
	folder, err := readMeta(s.db, keyOrigin, readFolder)
	if err != nil {
		return known, err
	}
	if err := id.sameFolder(folder); err != nil {
		return known, err
	}
	head, err := readMeta(s.db, keyHead, readHead)
	if err != nil {
		return known, err
	}
	s.head.Store(&head)
	blob, _, err := s.db.Get(nil, keyConsensus)
	if err != nil {
		return known, err
	}
	s.consensus.Store(&blob)
	if err := s.loadRows(id); err != nil {
		return known, err
	}
	if doubt, ok, err := s.db.Get(nil, keyDoubt); err != nil {
		return known, err
	} else if ok {
		s.doubt.Store(new(string(doubt)))
	}
	if s.views.assets, err = loadAssets(s.db); err != nil {
		return known, err
	}
	if s.views.system, err = loadSystem(s.db); err != nil {
		return known, err
	}
	if s.index, err = newIndex(s.db); err != nil {
		return known, err
	}
	if ok, err := s.db.Has(keyIndexed); err != nil || !ok {
		return known, err
	}
	return readMeta(s.db, keyIndexed, readMark)
}

// loadRows finds out how many of everything there are.
func (s *Store) loadRows(id origin) (err error) {
	s.salt = id.salt()
	if s.assets, err = loadAssetNumbers(s.db); err != nil {
		return err
	}
	s.rows = putter{assets: s.assets, printOf: s.printOf, rowOf: s.rowToSpend, recent: &s.recent}
	if s.rows.faults, err = countFaults(s.db); err != nil {
		return err
	}
	judged, err := readMeta(s.db, key64(tableJudged, uint64(s.head.Load().Index)), readSpan)
	if err != nil {
		return err
	}
	if s.rows.next = judged.end(); !judged.counted {
		if judged.after, err = s.countPlaces(); err != nil {
			return err
		}
	}
	s.rows.at = judged.after
	return s.loadTrees()
}

// salt makes the fingerprints of one folder other than those of another.
func (o origin) salt() salt { return salt(o.node[:]) }

// readMeta reads a value that there must be.
func readMeta[T any](db *kv.DB, key []byte, decode func([]byte) (T, error)) (v T, err error) {
	b, ok, err := db.Get(nil, key)
	if err != nil {
		return v, err
	}
	if !ok {
		return v, fmt.Errorf("%w: %q is missing", ErrCorrupt, key)
	}
	if v, err = decode(b); err != nil {
		return v, fmt.Errorf("%w: %q: %w", ErrCorrupt, key, err)
	}
	return v, nil
}

// adopt indexes what the index did not know of and remembers a doubt for good.
func (s *Store) adopt(rec recovery) error {
	for i := range rec.tail {
		if err := s.index.add(rec.tail[i].entry, &rec.tail[i].Record); err != nil {
			return err
		}
	}
	if rec.doubt != "" && s.doubt.Load() == nil {
		if err := s.writeDoubt(rec.doubt); err != nil {
			return err
		}
		s.doubt.Store(&rec.doubt)
	}
	return nil
}

// Close makes everything durable and lets go of the folder. Views must not be used after it.
func (s *Store) Close() error {
	s.appending.Lock()
	defer s.appending.Unlock()
	err := s.flushIndex()
	if errors.Is(err, ErrHalted) {
		err = nil
	}
	return errors.Join(err, s.release())
}

// release lets go of everything. The state is folded before the log closes, which has to be
// durable for that; if the log is halted, the state stays as it is on disk.
func (s *Store) release() (err error) {
	s.views.Lock()
	clear(s.views.open)
	s.views.Unlock()
	if s.db != nil {
		if err = s.db.Close(); errors.Is(err, ErrHalted) {
			err = nil
		}
	}
	if s.log != nil {
		err = errors.Join(err, s.log.close())
	}
	return errors.Join(err, s.lock.Close())
}

// LogState says how far the log can be trusted. It can turn to Doubtful at any time, when
// damage is met; it turns back by ClearDoubt only.
func (s *Store) LogState() LogState {
	switch {
	case s.doubt.Load() != nil:
		return Doubtful
	case s.index.empty():
		return Unused
	default:
		return Intact
	}
}

// Doubt says why the log is Doubtful, in words for the operator.
func (s *Store) Doubt() string {
	if d := s.doubt.Load(); d != nil {
		return *d
	}
	return ""
}

// ClearDoubt ends the doubt for good: the caller knows that nothing the node may have signed
// and lost can count any more, or that every damaged record was replaced.
func (s *Store) ClearDoubt() error {
	s.committing.Lock()
	defer s.committing.Unlock()
	b := s.db.NewBatch()
	b.Delete(keyDoubt)
	if err := b.CommitApart(); err != nil {
		return s.fail(err)
	}
	s.doubt.Store(nil)
	return nil
}

// Distrust marks the log as Doubtful from outside: members hold what it should hold.
func (s *Store) Distrust(reason string) {
	s.committing.Lock()
	defer s.committing.Unlock()
	s.distrust(errors.New(reason))
}

// distrust notes damage met while reading. It is durable before the reader hears of it.
func (s *Store) distrust(cause error) {
	reason := cause.Error()
	if !s.doubt.CompareAndSwap(nil, &reason) {
		return
	}
	if err := s.writeDoubt(reason); err != nil {
		s.options.Fatal(s.fail(err))
	}
}

// writeDoubt is done when the doubt is durable. It does not wait for the log, which may be what
// is broken, and takes no commit along.
func (s *Store) writeDoubt(reason string) error {
	b := s.db.NewBatch()
	b.Set(keyDoubt, []byte(reason))
	return b.CommitApart()
}

// writable refuses writes to a halted store or a full disk, before anything is written.
func (s *Store) writable() error {
	if err := s.failed.Load(); err != nil {
		return *err
	}
	usage, err := s.options.FS.GetDiskUsage(s.dir)
	if err != nil {
		return nil // a file system that does not know, such as memory
	}
	if usage.AvailBytes < s.options.ReserveBytes {
		return fmt.Errorf("%w: %d bytes free in %s, %d are kept in reserve: free some space", ErrDiskFull, usage.AvailBytes, s.dir, s.options.ReserveBytes)
	}
	return nil
}

// fail stops all writing after the key-value store refused a write.
func (s *Store) fail(err error) error {
	err = fmt.Errorf("%w: %w", ErrHalted, err)
	s.failed.CompareAndSwap(nil, &err)
	return err
}
