package store

import (
	"encoding/binary"
	"fmt"

	"github.com/asterism-network/asterism/internal/kv"
	"github.com/asterism-network/asterism/kernel"
	"github.com/asterism-network/asterism/kernel/internal/ledger"
)

// Commit writes what execution of c changed, in one atomic batch, together with the opaque state
// of the commit rule and with the index of the log. It first makes the commit's snapshots
// durable in the log, and does not sync the batch: after a power loss the state is that of some
// commit, perhaps an earlier one. c must follow the head; d must be the result of executing c.
//
// ErrDiskFull and ErrNotInLog leave the store as it was; any other error halts it.
func (s *Store) Commit(c *kernel.Commit, d *ledger.Diff, consensus []byte) error {
	s.committing.Lock()
	defer s.committing.Unlock()
	if err := s.writable(); err != nil {
		return err
	}
	if head := s.head.Load(); c.Index != head.Index+1 || d.Head.Index != c.Index {
		panic(fmt.Sprintf("store: commit %d with the diff of %d does not follow %d", c.Index, d.Head.Index, head.Index))
	}
	if err := s.ensureDurable(c); err != nil {
		return err
	}
	bound := s.log.durable.Load()
	b := s.db.NewBatchSize(batchSize(c, d))
	s.rows.batch = b
	faults, err := s.rows.commit(c, d, consensus, s.faults)
	if err != nil {
		b.Drop()
		return s.fail(err)
	}
	written := s.index.flush(b, bound)
	if err := b.Commit(false); err != nil {
		return s.fail(err)
	}
	s.index.drop(written)
	s.faults = faults
	head, blob := d.Head, append([]byte(nil), consensus...)
	s.head.Store(&head)
	s.consensus.Store(&blob)
	return nil
}

// ensureDurable makes the snapshots of c durable. Those of round 0 are nobody's to store: they
// follow from the epoch's genesis.
func (s *Store) ensureDurable(c *kernel.Commit) error {
	var bound uint64
	for i := range c.Snapshots {
		id := &c.Snapshots[i]
		if id.Round == 0 {
			continue
		}
		e, ok, err := s.index.find(id.ID)
		if err != nil {
			return s.fail(err)
		}
		if !ok {
			return fmt.Errorf("commit %d: %w: %d@%d %s", c.Index, ErrNotInLog, id.Author, id.Round, id.ID)
		}
		bound = max(bound, e.sequence+1)
	}
	return s.log.syncTo(bound)
}

// batchSize guesses the bytes of a batch, so that it grows once.
func batchSize(c *kernel.Commit, d *ledger.Diff) int {
	return 4096 + 192*len(c.Snapshots) + 192*len(d.Created) + 96*(len(d.Spent)+len(d.Keys)+len(d.Taken)+len(d.Receipts))
}

// commit writes all rows of a commit and returns the number of faults then known.
func (p *putter) commit(c *kernel.Commit, d *ledger.Diff, consensus []byte, faults uint64) (uint64, error) {
	if err := p.outputs(d); err != nil {
		return faults, err
	}
	p.marks(d)
	for i := range d.Assets {
		a := &d.Assets[i]
		p.value = appendAsset(p.value[:0], &a.Asset)
		p.put(p.id(tableAsset, (*[32]byte)(&a.ID)))
	}
	for i := range d.Faults {
		f := &d.Faults[i]
		p.value = appendFault(p.value[:0], f)
		p.put(p.number(tableFault, faults))
		p.value = binary.BigEndian.AppendUint64(p.value[:0], faults)
		p.key = keyBlame(p.key[:0], f.Kind, f.Author, f.Epoch, f.Round)
		p.put(p.key)
		faults++
	}
	executed := *c
	executed.Digest = d.Head.Digest
	p.order(&executed)
	p.value = p.value[:0]
	for i := range d.Receipts {
		p.value = append(p.value, d.Receipts[i].Transaction[:]...)
	}
	p.put(p.number(tableJudged, uint64(c.Index)))
	p.value = appendHead(p.value[:0], &d.Head)
	p.put(keyHead)
	p.batch.Set(keyConsensus, consensus)
	return faults, nil
}

// A putter writes rows through two buffers that it uses again; the batch copies them.
type putter struct {
	batch      *kv.Batch
	key, value []byte
}

func (p *putter) put(key []byte) { p.batch.Set(key, p.value) }

func (p *putter) id(table byte, id *[32]byte) []byte {
	p.key = append(append(p.key[:0], table), id[:]...)
	return p.key
}

func (p *putter) number(table byte, n uint64) []byte {
	p.key = binary.BigEndian.AppendUint64(append(p.key[:0], table), n)
	return p.key
}

func (p *putter) output(ref *kernel.OutputRef) []byte {
	p.key = binary.BigEndian.AppendUint16(p.id(tableOutput, (*[32]byte)(&ref.Hash)), ref.Index)
	return p.key
}

// outputs writes new outputs and appends the spends to those that exist, without reading them.
func (p *putter) outputs(d *ledger.Diff) error {
	for i := range d.Created {
		o := &d.Created[i]
		if !outputFits(&o.Output) {
			return fmt.Errorf("output %s:%d: %w", o.Ref.Hash, o.Ref.Index, ErrTooLarge)
		}
		p.value = appendOutput(p.value[:0], &o.Output)
		p.put(p.output(&o.Ref))
	}
	for i := range d.Spent {
		o := &d.Spent[i]
		p.value = appendOwner(p.value[:0], o.By)
		p.batch.Append(p.output(&o.Ref), p.value)
	}
	return nil
}

// marks writes what can be taken once, and the receipts.
func (p *putter) marks(d *ledger.Diff) {
	for i := range d.Keys {
		k := &d.Keys[i]
		p.value = appendOwner(p.value[:0], k.By)
		p.put(p.id(tableGhost, (*[32]byte)(&k.Key)))
	}
	for i := range d.Taken {
		t := &d.Taken[i]
		p.value = appendOwner(p.value[:0], t.By)
		p.put(p.id(tableIdentity, (*[32]byte)(&t.Identity)))
	}
	for i := range d.Receipts {
		r := &d.Receipts[i]
		p.value = appendReceipt(p.value[:0], r)
		p.put(p.id(tableReceipt, (*[32]byte)(&r.Transaction)))
	}
}

// order writes the commit and where its snapshots stand.
func (p *putter) order(c *kernel.Commit) {
	p.value = c.AppendBinary(p.value[:0])
	p.put(p.number(tableCommit, uint64(c.Index)))
	for i := range c.Snapshots {
		id := (*[32]byte)(&c.Snapshots[i].ID)
		position := c.Position + uint64(i)
		p.value = append(p.value[:0], id[:]...)
		p.put(p.number(tablePosition, position))
		p.value = appendCommittedAt(p.value[:0], committedAt{c.Index, position})
		p.put(p.id(tableSnapshot, id))
	}
}
