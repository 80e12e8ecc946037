package store

import (
	"encoding/binary"
	"sync/atomic"

	"github.com/asterism-network/asterism/kernel"
	"github.com/asterism-network/asterism/kernel/internal/ledger"
)

// An absence is a one-time key or the hash of a transaction that a lookup did not find.
type absence struct {
	table byte
	id    [32]byte
	print [fingerprintSize]byte
	head  kernel.CommitIndex // no commit up to this one made it
}

// absences remember some of what was looked for in vain. The keys and the hash of a payment are
// looked up when it arrives and when it is executed, and their fingerprints are written then: only
// the first time is a search.
//
// Rows come with commits only. Each commit notes its number at the places of what it makes, before
// anybody can see it. So what was not there at a head is not there as long as its place has the
// number of no later commit; whoever looks at the state after a later one has seen its notes. Of two
// absences that share a place the newer question wins. Anyone may use them at any time.
type absences struct {
	places [absentPlaces]atomic.Pointer[absence]
	made   [absentPlaces]atomic.Uint64 // the newest commit that made something of this place
}

// absentPlaces are enough for the payments on their way. A place taken is about 64 bytes.
const absentPlaces = 1 << 15

func placeOfAbsence(table byte, id *[32]byte) uint64 {
	return (binary.LittleEndian.Uint64(id[:]) + uint64(table)) % absentPlaces
}

// get returns nil for what is not remembered.
func (a *absences) get(table byte, id *[32]byte) *absence {
	if k := a.places[placeOfAbsence(table, id)].Load(); k != nil && k.table == table && k.id == *id {
		return k
	}
	return nil
}

// known reports whether something is remembered not to be there.
func (a *absences) known(table byte, id *[32]byte) bool {
	k := a.get(table, id)
	return k != nil && a.made[placeOfAbsence(table, id)].Load() <= uint64(k.head)
}

func (a *absences) put(k *absence) { a.places[placeOfAbsence(k.table, &k.id)].Store(k) }

// end notes what a commit makes. It comes before the rows.
func (a *absences) end(d *ledger.Diff) {
	at := uint64(d.Head.Index)
	for i := range d.Keys {
		a.made[placeOfAbsence(tableGhost, (*[32]byte)(&d.Keys[i].Key))].Store(at)
	}
	for i := range d.Receipts {
		a.made[placeOfAbsence(tableHash, (*[32]byte)(&d.Receipts[i].Transaction))].Store(at)
	}
}

// newestGhostKey is findGhostKey on the newest state.
func (s *Store) newestGhostKey(key kernel.Key) (ledger.Owner, bool) {
	id := (*[32]byte)(&key)
	if s.absent.known(tableGhost, id) {
		return ledger.Owner{}, false
	}
	head := s.head.Load().Index // before the rows are read
	print := s.printOf(&key)
	owner, ok := s.findGhostKey(s.db, key, print)
	if !ok {
		s.absent.put(&absence{tableGhost, *id, print, head})
	}
	return owner, ok
}

// newestReceipt is findReceipt on the newest state.
func (s *Store) newestReceipt(hash kernel.TxHash) (kernel.Receipt, bool) {
	id := (*[32]byte)(&hash)
	if s.absent.known(tableHash, id) {
		return kernel.Receipt{}, false
	}
	head := s.head.Load().Index
	r, ok := s.findReceipt(s.db, hash)
	if !ok {
		s.absent.put(&absence{tableHash, *id, hashPrint(&hash), head})
	}
	return r, ok
}

// printOf is fingerprint, from memory if the key was looked for.
func (s *Store) printOf(key *kernel.Key) [fingerprintSize]byte {
	if k := s.absent.get(tableGhost, (*[32]byte)(key)); k != nil {
		return k.print
	}
	return s.fingerprint(key)
}
