package gossip

import (
	"github.com/asterism-network/asterism/pillars"
	"github.com/asterism-network/asterism/pillars/internal/tree"
	"github.com/asterism-network/asterism/pillars/internal/wire"
)

// An Archive is what is stored of the chain. It may be read at any time, by several at once.
type Archive interface {
	After(locator []pillars.BlockID, most int) []tree.Head
	Block(id pillars.BlockID) (*pillars.Block, error)
	BlockBytes(id pillars.BlockID) ([]byte, error)
}

// A Quota is what one conversation may still ask of the stored chain where the answer costs more than the question: a compact
// block, or some transactions of one, is asked for when a block is new, and a block is read and hashed for it [PIL-CMP-3].
// Headers and whole blocks have no quota: who asks for them waits for the answers to leave. One goroutine owns it.
type Quota struct{ compact, missing bucket }

// How many compact blocks, and how many times transactions of one, a peer may ask for: a second, and at once.
const askedPerSecond, askedAtOnce = 5, 50

// Take reports whether a question is within the quota.
func (q *Quota) Take(m wire.Message, now uint64) bool {
	switch m.(type) {
	case *wire.GetCompact:
		return q.compact.take(now, askedPerSecond, askedAtOnce)
	case *wire.GetMissing:
		return q.missing.take(now, askedPerSecond, askedAtOnce)
	}
	return true
}

// Answer answers a question that the stored chain can answer, message by message, as long as send takes them. It reports
// whether the message was such a question. A shell calls it where the connection is, so that who asks for much waits for
// itself alone.
func Answer(a Archive, m wire.Message, nonce uint64, send func(wire.Message) bool) bool {
	switch m := m.(type) {
	case *wire.GetHeaders:
		send(&wire.Headers{Heads: a.After(m.Locator, wire.MaxHeaders)})
	case *wire.GetBlocks:
		answerBlocks(a, m, send)
	case *wire.GetCompact:
		if b, err := a.Block(m.ID); err == nil {
			send(wire.CompactOf(b, nonce))
		} else {
			send(&wire.NotFound{IDs: []pillars.BlockID{m.ID}})
		}
	case *wire.GetMissing:
		answerMissing(a, m, send)
	default:
		return false
	}
	return true
}

func answerBlocks(a Archive, m *wire.GetBlocks, send func(wire.Message) bool) {
	var none []pillars.BlockID
	for _, id := range m.IDs {
		raw, err := a.BlockBytes(id)
		if err != nil {
			none = append(none, id)
			continue
		}
		if !send(&wire.Block{Raw: raw}) {
			return
		}
	}
	if len(none) > 0 {
		send(&wire.NotFound{IDs: none})
	}
}

func answerMissing(a Archive, m *wire.GetMissing, send func(wire.Message) bool) {
	b, err := a.Block(m.ID)
	out := &wire.Missing{ID: m.ID}
	for _, p := range m.Places {
		if err != nil || int(p) >= len(b.Transactions) {
			send(&wire.NotFound{IDs: []pillars.BlockID{m.ID}})
			return
		}
		out.Txs = append(out.Txs, b.Transactions[p])
	}
	if err != nil {
		send(&wire.NotFound{IDs: []pillars.BlockID{m.ID}})
		return
	}
	send(out)
}
