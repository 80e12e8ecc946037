package store

import (
	"bufio"
	"errors"
	"fmt"
	"io"

	"github.com/asterism-network/asterism/internal/codec"
	"github.com/asterism-network/asterism/kernel"
	"github.com/asterism-network/asterism/kernel/internal/ledger"
)

// The state at the end of an epoch in one file: all that another node needs to go on from there. Whoever
// reads it recomputes both trees and the state's hash, and compares with the certificate. [STO-24]

// ErrNoState says that there is no certified end of an epoch to export.
var ErrNoState = errors.New("there is no certified state to export")

// What is missing: the end of an epoch at all, or the certificate of the newest one, which takes the place of the one before.
var (
	errNoEnd        = fmt.Errorf("%w: no epoch has ended", ErrNoState)
	errNotCertified = fmt.Errorf("%w: the end of the newest epoch waits for its certificate, try again in a moment", ErrNoState)
)

const (
	stateMagic = "asterism state 1\n"

	stateEntry = 1 // a transaction follows
	stateEnd   = 0

	maxStatePart = 64 << 20 // rosters; frozen rows
)

// ExportState writes the state at the newest certified end of an epoch. It may run beside commits.
func (s *Store) ExportState(out io.Writer) (kernel.CommitIndex, error) {
	f, ok := lookup(s, s.db, keyFrozen, readFrozen)
	if !ok {
		return 0, errNoEnd
	}
	rosters, err := s.rostersTo(f.head.Index)
	if err != nil {
		return 0, err
	}
	w := bufio.NewWriterSize(out, 1<<20)
	x := exporter{store: s, w: w, at: f.head.Index}
	x.header(f, rosters)
	if x.err == nil {
		x.err = x.identities()
	}
	if x.err == nil {
		x.err = x.transactions()
	}
	if x.err != nil {
		return 0, fmt.Errorf("export state of commit %d: %w", f.head.Index, x.err)
	}
	return f.head.Index, w.Flush()
}

// rostersTo are the changes of rosters up to the epoch that a commit begins.
func (s *Store) rostersTo(index kernel.CommitIndex) (all []kernel.RosterChange, err error) {
	for e := kernel.Epoch(1); ; e++ {
		c, ok := s.RosterChange(e)
		if !ok {
			return nil, errNotCertified
		}
		all = append(all, *c)
		if c.End.Checkpoint.Index == index {
			return all, nil
		}
	}
}

type exporter struct {
	store *Store
	w     *bufio.Writer
	at    kernel.CommitIndex
	buf   []byte
	err   error
}

func (x *exporter) write(b []byte) {
	if x.err == nil {
		_, x.err = x.w.Write(b)
	}
}

// header writes what there is one of: rosters, the frozen rows, the digest before the commit, the commit
// itself, and faults.
func (x *exporter) header(f *frozen, rosters []kernel.RosterChange) {
	s := x.store
	b := append([]byte(stateMagic), s.log.origin.network[:]...)
	var list []byte
	for i := range rosters {
		list = codec.AppendBytes32(list, rosters[i].AppendBinary(nil))
	}
	b = codec.AppendU16(b, uint16(len(rosters)))
	b = append(b, list...)
	b = codec.AppendBytes32(b, f.append(nil))
	before, ok := s.digestBefore(x.at)
	end, known := s.Ordered(x.at)
	if !ok || !known {
		x.err = fmt.Errorf("%w: commits at the end of the epoch are missing", ErrCorrupt)
		return
	}
	b = append(b, before[:]...)
	b = codec.AppendBytes32(b, end.AppendBinary(nil))
	x.write(b)
	x.faults()
}

// faults writes those that were found up to the commit.
func (x *exporter) faults() {
	var list []ledger.Fault
	for _, f := range x.store.Faults(0, 1<<30) {
		if f.Commit <= x.at {
			list = append(list, f)
		}
	}
	b := codec.AppendU32(nil, uint32(len(list)))
	for i := range list {
		b = appendFault(b, &list[i])
	}
	x.write(b)
}

// identities writes what was taken, each with the number of its transaction.
func (x *exporter) identities() error {
	s := x.store
	snapshot := s.db.Snapshot()
	err := scanTable(snapshot, tableIdentity, 32, readSingleNumber, func(key []byte, n number) (bool, error) {
		if s.ownerOf(snapshot, n).Commit <= x.at {
			x.write(appendNumber(append([]byte{stateEntry}, key...), n))
		}
		return true, x.err
	})
	x.write([]byte{stateEnd})
	return errors.Join(err, snapshot.Close(), x.err)
}

// transactions writes every transaction with its outputs and what became of them, in order.
func (x *exporter) transactions() error {
	s := x.store
	judged, ok := lookup(s, s.db, key64(tableJudged, uint64(x.at)), readSpan)
	if !ok {
		return fmt.Errorf("%w: commit %d has no receipts", ErrCorrupt, x.at)
	}
	c, spends := new(scratch), new(scratch)
	for n := number(0); n < judged.end(); {
		h, err := c.fetch(s.db, n)
		if err != nil {
			return err
		}
		receipt := h.receipt()
		if h.placed {
			receipt.Snapshot = s.snapshotAt(s.db, h.position)
		}
		x.buf = receipt.AppendBinary(append(x.buf[:0], stateEntry))
		x.buf = codec.AppendU64(x.buf, h.position)
		if !h.placed {
			raw, _ := s.issued(s.db, h.hash)
			x.buf = codec.AppendBytes32(x.buf, raw)
		}
		more := h.more
		x.outputs(spends, n, &h)
		for part := number(1); part <= more && x.err == nil; part++ {
			p, err := c.found(s.db, n+part)
			if err != nil {
				return err
			}
			x.outputs(spends, n+part, &p)
		}
		x.write(append(x.buf, stateEnd))
		if x.err != nil {
			return x.err
		}
		n += 1 + more
	}
	x.write([]byte{stateEnd})
	return x.err
}

// outputs appends those of a row, each with the number of the transaction that has spent it by then.
func (x *exporter) outputs(c *scratch, n number, r *row) {
	list, err := r.readOutputs(x.store.assets)
	for i := range list {
		o := &list[i]
		if o.Output.Withdrawal != nil {
			err = errors.Join(err, fmt.Errorf("%w: output %s:%d has left the ledger", ErrCorrupt, o.Ref.Hash, o.Ref.Index))
		}
		by, failed := number(0), error(nil)
		_, at, failed := c.spend(x.store.db, n, o.Ref.Index)
		if spent := at != 0 && at <= x.at; spent && failed == nil {
			b, _, get := x.store.db.Get(nil, appendSpendKey(nil, n, o.Ref.Index))
			if failed = get; failed == nil {
				by, failed = readSingleNumber(b)
			}
			x.buf = appendNumber(append(x.buf, stateEntry, 1), by)
		} else {
			x.buf = append(x.buf, stateEntry, 0)
		}
		err = errors.Join(err, failed)
		out := kernel.StateOutputOf(o.Ref, &o.Output.Output, o.Output.Asset, o.Output.Created)
		x.buf = codec.AppendBytes32(x.buf, out.AppendBinary(nil))
	}
	if x.err == nil {
		x.err = err
	}
}
