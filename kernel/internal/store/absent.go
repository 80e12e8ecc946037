package store

import (
	"encoding/binary"
	"sync"

	"github.com/asterism-network/asterism/kernel"
	"github.com/asterism-network/asterism/kernel/internal/ledger"
)

// absences remember some of the one-time keys and hashes of transactions that were looked for in
// vain. Those of a payment are looked up when it arrives and when it is executed, and their
// fingerprints are written then: only the first time is a search.
//
// Rows come with commits only. Each commit notes its number at the places of what it makes, before
// anybody can see it. So what was not there at a head is not there as long as its place has the
// number of no later commit; whoever looks at the state after a later one comes after its notes. Of
// two absences that share a place the newer question wins. Anyone may use them at any time.
type absences [absentPlaces]absence

// absentPlaces are enough for the payments on their way in a busy network: 4,000 have 16,000 keys and
// hashes, and what commits make meanwhile ends as many absences by their places.
const absentPlaces = 1 << 16

// An absence is one place, of 64 bytes.
type absence struct {
	mu    sync.Mutex
	made  kernel.CommitIndex // the newest commit that made something of this place
	head  uint64             // no commit up to this one made what follows; in the low byte its table
	id    [32]byte
	print [fingerprintSize]byte
}

func (a *absences) place(table byte, id *[32]byte) *absence {
	return &a[(binary.LittleEndian.Uint64(id[:])+uint64(table))%absentPlaces]
}

func (p *absence) is(table byte, id *[32]byte) bool { return byte(p.head) == table && p.id == *id }

// known reports whether something is remembered not to be there.
func (a *absences) known(table byte, id *[32]byte) bool {
	p := a.place(table, id)
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.is(table, id) && uint64(p.made) <= p.head>>8
}

// put remembers that something was not there at a head.
func (a *absences) put(table byte, id *[32]byte, print [fingerprintSize]byte, head kernel.CommitIndex) {
	p := a.place(table, id)
	p.mu.Lock()
	defer p.mu.Unlock()
	p.head, p.id, p.print = uint64(head)<<8|uint64(table), *id, print
}

// end notes what a commit makes. It comes before the rows.
func (a *absences) end(d *ledger.Diff) {
	for i := range d.Keys {
		a.make(tableGhost, (*[32]byte)(&d.Keys[i].Key), d.Head.Index)
	}
	for i := range d.Receipts {
		a.make(tableHash, (*[32]byte)(&d.Receipts[i].Transaction), d.Head.Index)
	}
}

func (a *absences) make(table byte, id *[32]byte, at kernel.CommitIndex) {
	p := a.place(table, id)
	p.mu.Lock()
	defer p.mu.Unlock()
	p.made = at
}

// printOf is fingerprint, from memory if the key was looked for in vain.
func (s *Store) printOf(key *kernel.Key) [fingerprintSize]byte {
	id := (*[32]byte)(key)
	p := s.absent.place(tableGhost, id)
	p.mu.Lock()
	print, ok := p.print, p.is(tableGhost, id)
	p.mu.Unlock()
	if !ok {
		print = s.fingerprint(key)
	}
	return print
}

// newestGhostKey is findGhostKey on the newest state.
func (s *Store) newestGhostKey(key kernel.Key) (ledger.Owner, bool) {
	id := (*[32]byte)(&key)
	if s.absent.known(tableGhost, id) {
		return ledger.Owner{}, false
	}
	head := s.head.Load().Index // before the rows are read
	print := s.fingerprint(&key)
	owner, ok := s.findGhostKey(s.db, key, print)
	if !ok {
		s.absent.put(tableGhost, id, print, head)
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
		s.absent.put(tableHash, id, hashPrint(&hash), head)
	}
	return r, ok
}
