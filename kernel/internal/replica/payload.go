package replica

import (
	"fmt"

	"github.com/asterism-network/asterism/kernel"
	"github.com/asterism-network/asterism/kernel/internal/ledger"
)

// A payload is a body and what its transactions say, in order; records are not parsed before
// they are judged.
type payload struct {
	body       *kernel.Body
	parsed     []*ledger.Parsed
	signatures int // that must be verified of parsed
	carries    int // signatures that stand in parsed, see kernel.MaxBodySignatures
}

// unpack parses a body's transactions, and stops where they carry too many signatures: a hostile body of 16 MiB names
// 125 million signers, which would take 250 MB.
func (r *Replica) unpack(body *kernel.Body) *payload {
	p := &payload{body: body}
	if len(body.Entries) == 0 {
		return p
	}
	p.parsed = make([]*ledger.Parsed, 0, len(body.Entries))
	for i := range body.Entries {
		if e := &body.Entries[i]; e.Kind == kernel.EntryTransaction {
			tx := r.parse(e.Bytes, kernel.EntryHash(*e))
			p.parsed, p.signatures, p.carries = append(p.parsed, tx), p.signatures+tx.Signatures(), p.carries+tx.Carries()
			if p.carries > kernel.MaxBodySignatures {
				break
			}
		}
	}
	return p
}

// Body finds the body of an accepted snapshot, in memory if it just arrived.
func (r *Replica) Body(id kernel.SnapshotID) *kernel.Body {
	if p, ok := r.bodies.get(id); ok {
		return p.body
	}
	return r.readBody(id)
}

// payload is Body with the transactions parsed.
func (r *Replica) payload(id kernel.SnapshotID) *payload {
	if p, ok := r.bodies.get(id); ok {
		return p
	}
	return r.unpack(r.readBody(id))
}

func (r *Replica) readBody(id kernel.SnapshotID) *kernel.Body {
	rec, ok := r.store.Snapshot(id)
	if !ok {
		panic(fmt.Sprintf("replica: accepted snapshot %s is not in the log", id))
	}
	b := new(kernel.Body)
	if err := b.UnmarshalBinary(rec.Body); err != nil {
		panic(fmt.Sprintf("replica: body of snapshot %s: %v", id, err)) // checksums passed
	}
	return b
}

// parsedWeight is about what parsed transactions take beside their bytes: decoded, keys and scripts stand in
// slices of their own, and signers take two bytes where the encoding has a bit.
func parsedWeight(transactions, bytes, carries int) int { return bytes + 512*transactions + 2*carries }

func (r *Replica) keepBody(x *inspection) {
	n := int(x.header.BodyLength)
	weight := n + 80*len(x.payload.body.Entries) + 128
	if len(x.payload.parsed) > 0 {
		weight += parsedWeight(len(x.payload.parsed), n, x.payload.carries)
	}
	r.bodies.add(x.id, x.payload, weight)
}
