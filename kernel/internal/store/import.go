package store

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"

	"github.com/asterism-network/asterism/internal/codec"
	"github.com/asterism-network/asterism/internal/kv"
	"github.com/asterism-network/asterism/kernel"
	"github.com/asterism-network/asterism/kernel/internal/ledger"
)

// ErrState refuses a state that is not the one that was certified, or not one at all.
var ErrState = errors.New("state file is not what the members certified")

// A StateFile is what stands before the state itself.
type StateFile struct {
	Network kernel.NetworkID
	Rosters []kernel.RosterChange // from the genesis to the epoch that begins with the state

	frozen   *frozen
	previous kernel.Digest  // of the commit before
	end      *kernel.Commit // of its snapshots' places in the total order the file is taken at its word: nothing rests on them
	faults   []ledger.Fault
}

// End is the checkpoint of the state.
func (f *StateFile) End() *kernel.Checkpoint { return &f.Rosters[len(f.Rosters)-1].End.Checkpoint }

// A StateReader reads a state file. The caller verifies the rosters, then gives it to Import.
type StateReader struct {
	StateFile
	Doubt string // why the folder that is made of it is in doubt from the start; empty if it is not
	r     *bufio.Reader
}

// ReadState reads what stands before the state. Every length has a limit before anything is allocated.
func ReadState(in io.Reader) (*StateReader, error) {
	s := &StateReader{r: bufio.NewReaderSize(in, 1<<20)}
	magic := make([]byte, len(stateMagic))
	if _, err := io.ReadFull(s.r, magic); err != nil || string(magic) != stateMagic {
		return nil, fmt.Errorf("%w: it does not begin as one", ErrState)
	}
	err := s.fixed(s.Network[:])
	var n [4]byte
	if err == nil {
		err = s.fixed(n[:2])
	}
	count := int(binary.BigEndian.Uint16(n[:2]))
	if err == nil && (count == 0 || count > kernel.MaxRosterChanges) {
		err = fmt.Errorf("%w: %d rosters", ErrState, count)
	}
	for i := 0; err == nil && i < count; i++ {
		var c kernel.RosterChange
		if err = s.decode(1<<16, c.UnmarshalBinary); err == nil {
			s.Rosters = append(s.Rosters, c)
		}
	}
	if err == nil {
		err = s.decode(maxStatePart, func(b []byte) (err error) { s.frozen, err = readFrozen(b); return err })
	}
	if err == nil {
		err = s.fixed(s.previous[:])
	}
	s.end = new(kernel.Commit)
	if err == nil {
		err = s.decode(maxStatePart, s.end.UnmarshalBinary)
	}
	if err == nil {
		err = s.fixed(n[:])
	}
	for i := uint32(0); err == nil && i < binary.BigEndian.Uint32(n[:]); i++ {
		var b [faultSize]byte
		if err = s.fixed(b[:]); err == nil {
			var f ledger.Fault
			if f, err = readFault(b[:]); err == nil {
				s.faults = append(s.faults, f)
			}
		}
	}
	return s, s.wrap(err)
}

const faultSize = 1 + 1 + 4 + 8 + 32 + 32 + 8

func (s *StateReader) wrap(err error) error {
	switch {
	case err == nil, errors.Is(err, ErrState):
		return err
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return fmt.Errorf("%w: it ends too soon", ErrState)
	}
	return fmt.Errorf("%w: %w", ErrState, err)
}

func (s *StateReader) fixed(b []byte) error {
	_, err := io.ReadFull(s.r, b)
	return err
}

func (s *StateReader) byte() (byte, error) { return s.r.ReadByte() }

// sized reads a length and so many bytes, at most limit. It allocates as they come.
func (s *StateReader) sized(limit int) ([]byte, error) {
	var n [4]byte
	if err := s.fixed(n[:]); err != nil {
		return nil, err
	}
	size := int64(binary.BigEndian.Uint32(n[:]))
	if size > int64(limit) {
		return nil, &codec.Error{Fault: codec.TooLarge, Field: "part of the state"}
	}
	var b bytes.Buffer
	if _, err := io.CopyN(&b, s.r, size); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}

func (s *StateReader) decode(limit int, decode func([]byte) error) error {
	b, err := s.sized(limit)
	if err != nil {
		return err
	}
	return decode(b)
}

// Import makes the folder of a node that goes on from a certified state. The caller has verified that
// the rosters lead from the genesis to the state's certificate; Import verifies that the state is
// the certified one: both trees and the state's hash are computed anew. The folder appears whole or
// not at all.
func Import(dir string, g *kernel.Genesis, self kernel.NodeID, genesis *ledger.Diff, state *StateReader, o Options) error {
	o = o.filled()
	if Exists(dir, o) {
		return fmt.Errorf("import %s: %w", dir, ErrExists)
	}
	partial := dir + partialSuffix
	if err := o.FS.RemoveAll(partial); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("import %s: remove unfinished folder: %w", dir, err)
	}
	if err := importInto(partial, g, self, genesis, state, o); err != nil {
		return fmt.Errorf("import %s: %w", dir, errors.Join(err, o.FS.RemoveAll(partial)))
	}
	if err := o.FS.Rename(partial, dir); err != nil {
		return fmt.Errorf("import %s: %w", dir, err)
	}
	return kv.SyncDir(o.FS, o.FS.PathDir(dir))
}

func importInto(dir string, g *kernel.Genesis, self kernel.NodeID, genesis *ledger.Diff, state *StateReader, o Options) error {
	if err := kv.MakeDir(o.FS, dir); err != nil {
		return err
	}
	id := origin{network: g.NetworkID(), node: self, format: formatVersion}
	if state.Network != id.network {
		return fmt.Errorf("%w: %w", ErrState, ErrNetwork)
	}
	l, _, err := openLog(o.FS, o.FS.PathJoin(dir, logDir), id, o.SegmentBytes, mark{})
	if err != nil {
		return err
	}
	if err := l.close(); err != nil {
		return err
	}
	db, err := kv.Open(o.FS, o.FS.PathJoin(dir, stateDir), o.kv(nil, nil))
	if err != nil {
		return err
	}
	m := importer{state: state, db: db, id: id, genesis: genesis}
	m.rows = putter{assets: newAssetNumbers(), printOf: func(key *kernel.Key) [fingerprintSize]byte { return fingerprint(id.salt(), key) }}
	err = m.run(g)
	if err := errors.Join(err, db.Close()); err != nil {
		return err
	}
	return verifyImport(dir, id, state, o)
}

// An importer writes the rows of a state.
type importer struct {
	state   *StateReader
	db      *kv.DB
	id      origin
	genesis *ledger.Diff
	rows    putter
	size    int // of the batch, in rows

	commit0 span // receipts of genesis
	endSpan span // and of the last commit
}

// importBatch is how many rows one batch takes.
const importBatch = 8192

func (m *importer) run(g *kernel.Genesis) error {
	m.rows.batch = m.db.NewBatch()
	if err := m.check(); err != nil {
		return err
	}
	if err := m.identities(); err != nil {
		return m.state.wrap(err)
	}
	for {
		more, err := m.transaction()
		if err != nil {
			return m.state.wrap(err)
		}
		if !more {
			break
		}
		if m.size >= importBatch {
			if err := m.flush(false); err != nil {
				return err
			}
		}
	}
	if _, err := m.state.byte(); !errors.Is(err, io.EOF) {
		return fmt.Errorf("%w: something follows its end", ErrState)
	}
	m.rest(g)
	return m.flush(true)
}

func (m *importer) flush(sync bool) error {
	err := m.rows.batch.Commit(sync)
	m.rows.batch, m.size = m.db.NewBatch(), 0
	return err
}

// check compares the parts of the file with each other and with the certificate.
func (m *importer) check() error {
	s, cp := m.state, m.state.End()
	head := &s.frozen.head
	if head.Index != cp.Index || head.Digest != cp.Digest || head.Timestamp != cp.Timestamp || s.end.Index != cp.Index || s.end.Digest != cp.Digest || s.end.Timestamp != cp.Timestamp {
		return fmt.Errorf("%w: its commit is not that of the certificate", ErrState)
	}
	return nil
}

func (m *importer) identities() error {
	for {
		kind, err := m.state.byte()
		if err != nil || kind == stateEnd {
			return err
		}
		var b [32 + numberSize]byte
		if err := m.state.fixed(b[:]); err != nil {
			return err
		}
		m.rows.value = append(m.rows.value[:0], b[32:]...)
		m.rows.put(m.rows.id(tableIdentity, (*[32]byte)(b[:32])))
		m.size++
	}
}

// transaction writes the rows of the next transaction; false at the end.
func (m *importer) transaction() (more bool, err error) {
	s, p := m.state, &m.rows
	kind, err := s.byte()
	if err != nil || kind == stateEnd {
		return false, err
	}
	var b [kernel.ReceiptSize + 8]byte
	if err := s.fixed(b[:]); err != nil {
		return false, err
	}
	var r kernel.Receipt
	if err := r.UnmarshalBinary(b[:kernel.ReceiptSize]); err != nil {
		return false, err
	}
	position := binary.BigEndian.Uint64(b[kernel.ReceiptSize:])
	if r.Snapshot.IsZero() {
		raw, err := s.sized(kernel.MaxTransactionSize)
		if err != nil {
			return false, err
		}
		p.batch.Set(key32(tableIssued, (*[32]byte)(&r.Transaction)), raw)
	} else {
		p.value = append(p.value[:0], r.Snapshot[:]...)
		p.put(p.number(tablePosition, position))
		p.value = appendCommittedAt(p.value[:0], committedAt{r.Commit, position})
		p.put(p.id(tableSnapshot, (*[32]byte)(&r.Snapshot)))
	}
	outputs, err := m.outputs(&r)
	if err != nil {
		return false, err
	}
	if uint64(p.next)+uint64(len(outputs))+1 >= mostNumbers {
		return false, errNumbers
	}
	if r.Commit > s.end.Index {
		return false, fmt.Errorf("%w: a receipt of commit %d", ErrState, r.Commit)
	}
	m.put(&r, position, outputs)
	return true, nil
}

// outputs reads those of a transaction and writes their spends.
func (m *importer) outputs(r *kernel.Receipt) (list []ledger.CreatedOutput, err error) {
	s, p := m.state, &m.rows
	for {
		kind, err := s.byte()
		if err != nil || kind == stateEnd {
			return list, err
		}
		spent, err := s.byte()
		if err != nil {
			return nil, err
		}
		var by [numberSize]byte
		if spent != 0 {
			if err := s.fixed(by[:]); err != nil {
				return nil, err
			}
		}
		var o kernel.StateOutput
		if err := s.decode(1<<16, o.UnmarshalBinary); err != nil {
			return nil, err
		}
		if n := len(list); o.Transaction != r.Transaction || o.Commit != r.Commit || n > 0 && o.Index <= list[n-1].Ref.Index || n > 1<<16 {
			return nil, fmt.Errorf("%w: output %d of transaction %s", ErrState, o.Index, r.Transaction)
		}
		list = append(list, ledger.CreatedOutput{Ref: o.Ref(), Output: ledger.Output{
			Output: kernel.Output{Type: o.Type, Amount: o.Amount, Keys: o.Keys, Mask: o.Mask, Script: o.Script}, Asset: o.Asset, Created: o.Commit,
		}})
		if spent != 0 {
			p.batch.Set(appendSpendKey(nil, p.next+partOf(o.Index), o.Index), by[:])
			m.size++
		}
	}
}

// put writes the rows of a transaction, as a commit does.
func (m *importer) put(r *kernel.Receipt, position uint64, outputs []ledger.CreatedOutput) {
	w := walk{putter: &m.rows}
	first := w.next
	parts := w.parts(r, position, outputs)
	w.next += parts
	m.size += int(parts) + 2*len(outputs) + 3
	switch r.Commit {
	case 0:
		m.commit0 = span{0, uint64(w.next), true, w.at}
	case m.state.end.Index:
		if m.endSpan.count == 0 {
			m.endSpan.first = first
		}
		m.endSpan.count += uint64(parts)
	}
}

// rest writes what there is one of, and the commits that are kept.
func (m *importer) rest(g *kernel.Genesis) {
	s, p, b := m.state, &m.rows, m.rows.batch
	for _, id := range p.assets.fresh {
		b.Set(binary.BigEndian.AppendUint32([]byte{tableNumber}, p.assets.numbers[id]), id[:])
	}
	for i := range s.frozen.assets {
		a := &s.frozen.assets[i]
		b.Set(key32(tableAsset, (*[32]byte)(&a.ID)), appendAsset(nil, &a.Asset))
	}
	for i := range s.frozen.system {
		b.Set(append([]byte{tableSystem}, s.frozen.system[i].Key...), s.frozen.system[i].Value)
	}
	for i := range s.faults {
		f := &s.faults[i]
		b.Set(key64(tableFault, uint64(i)), appendFault(nil, f))
		b.Set(keyBlame(nil, f.Kind, f.Author, f.Epoch, f.Round), binary.BigEndian.AppendUint64(nil, uint64(i)))
	}
	if m.endSpan.count == 0 {
		m.endSpan.first = p.next
	}
	m.endSpan.counted, m.endSpan.after = true, p.at
	genesis := &kernel.Commit{Timestamp: g.Timestamp, Digest: m.genesis.Head.Digest}
	if m.commit0.count == 0 {
		m.commit0.counted = true
	}
	kept := []*kernel.Commit{genesis, s.end}
	for i := range len(s.Rosters) - 1 { // what epochs began from, as far as it is certified
		cp := &s.Rosters[i].End.Checkpoint
		kept = append(kept, &kernel.Commit{Index: cp.Index, Epoch: cp.Epoch, Timestamp: cp.Timestamp, Digest: cp.Digest})
	}
	for _, c := range kept {
		b.Set(key64(tableCommit, uint64(c.Index)), c.AppendBinary(nil))
	}
	for i := range s.end.Snapshots {
		id, position := s.end.Snapshots[i].ID, s.end.Position+uint64(i)
		b.Set(key64(tablePosition, position), id[:])
		b.Set(key32(tableSnapshot, (*[32]byte)(&id)), appendCommittedAt(nil, committedAt{s.end.Index, position}))
	}
	b.Set(key64(tableJudged, 0), appendSpan(nil, m.commit0))
	b.Set(key64(tableJudged, uint64(s.end.Index)), appendSpan(nil, m.endSpan))
	for i := range s.Rosters {
		c := &s.Rosters[i]
		b.Set(key64(tableCertificate, uint64(c.End.Checkpoint.Index)), c.End.AppendBinary(nil))
		b.Set(key64(tableRoster, uint64(c.Next.Epoch)), c.AppendBinary(nil))
	}
	b.Set(keyOrigin, appendFolder(nil, m.id))
	if s.Doubt != "" {
		b.Set(keyDoubt, []byte(s.Doubt))
	}
	b.Set(keyFrozen, s.frozen.append(nil))
	b.Set(keyBase, binary.BigEndian.AppendUint64(nil, uint64(s.end.Index)))
	b.Set(keySwept, binary.BigEndian.AppendUint64(nil, uint64(s.end.Index)))
	b.Set(keyPrevious, s.previous[:])
	b.Set(key64(tableFormer, uint64(s.end.Index)), s.frozen.append(nil))
	b.Set(keyConsensus, nil)
	b.Set(keyHead, appendHead(nil, &s.frozen.head))
}

// verifyImport opens the new folder and computes everything that is certified from its rows.
func verifyImport(dir string, id origin, state *StateReader, o Options) error {
	s, err := Open(dir, id.network, id.node, o)
	if err != nil {
		return err
	}
	err = s.verifyCertified(state)
	return errors.Join(err, s.Close())
}

func (s *Store) verifyCertified(state *StateReader) error {
	cp := state.End()
	receipts, outputs, err := s.GrowTrees(cp.Index, nil)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrState, err)
	}
	if receipts != cp.Receipts || outputs != cp.Outputs {
		return fmt.Errorf("%w: its trees have other roots", ErrState)
	}
	snapshot := s.db.Snapshot()
	err = s.verifyState(snapshot)
	if err := errors.Join(err, snapshot.Close()); err != nil {
		return fmt.Errorf("%w: %w", ErrState, err)
	}
	_, list, ok := s.CommitAt(cp.Index)
	if !ok || ledger.DigestOf(state.previous, cp.Index, cp.Timestamp, list, &state.frozen.head.State) != cp.Digest {
		return fmt.Errorf("%w: its digest is another one", ErrState)
	}
	return nil
}
