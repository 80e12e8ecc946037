package engine

import (
	"github.com/asterism-network/asterism/kernel"
	"github.com/asterism-network/asterism/kernel/internal/coin"
	"github.com/asterism-network/asterism/kernel/internal/dag"
)

// Evidence of what this node saw others sign. Each author is accused once an epoch: more changes
// nothing about what it costs, and honest nodes must not fill their bodies with it.

// testify puts evidence into the next own snapshot.
func (e *Engine) testify(author kernel.Author, kind kernel.RecordKind, payload []byte) {
	if !e.speaks() {
		return // others have met the same, and can say it
	}
	record := kernel.Record{Kind: kind, Network: e.config.Network, Epoch: e.config.Epoch, Signer: e.config.Key, Payload: payload}
	record.Signature = e.config.Signer.SignRecord(record.SigningHash())
	b := record.AppendBinary(nil)
	e.records, e.testified = append(e.records, b), append(e.testified, testimony{author, b})
}

// A testimony is evidence that this node gave. What stood in snapshots that the end of the epoch left behind is
// given again in the next.
type testimony struct {
	author kernel.Author
	record []byte
}

// accuse keeps the first proof of an equivocation by each author.
func (e *Engine) accuse(proof kernel.Equivocation) {
	if e.accused.Has(proof.Author) {
		return
	}
	e.accused = e.accused.With(proof.Author)
	e.stats.Equivocations++
	e.out.Faulty = append(e.out.Faulty, proof)
	e.testify(proof.Author, kernel.RecordEvidence, proof.AppendBinary(nil))
}

// accuseShares accuses the authors of coin shares that were looked at and are wrong. [FLT-2]
func (e *Engine) accuseShares() {
	for _, v := range e.coins.wrong {
		e.accuseShare(v)
	}
	e.coins.wrong = e.coins.wrong[:0]
}

// accuseShare accuses the author of a header if the ledger will agree: it asks what the ledger asks.
func (e *Engine) accuseShare(v *dag.Vertex) {
	if e.accused.Has(v.Author) || !coin.Wrong(e.config.Roster, v.Header) {
		return
	}
	header, err := v.Header.AppendBinary(nil)
	if err != nil {
		return
	}
	e.accused = e.accused.With(v.Author)
	e.stats.WrongShares++
	e.testify(v.Author, kernel.RecordWrongShare, header)
}

// mistrust looks at the shares of flagged members, which no coin needs.
func (e *Engine) mistrust(v *dag.Vertex) {
	if v.HasShare && v.Round > 0 && !e.committee.Votes(v.Author) {
		e.accuseShare(v)
	}
}
