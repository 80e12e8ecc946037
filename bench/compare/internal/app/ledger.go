package app

import (
	"sync"

	"github.com/asterism-network/asterism/internal/crypto"
	"github.com/asterism-network/asterism/internal/kv"
	"github.com/asterism-network/asterism/kernel"
	"github.com/zeebo/blake3"
)

// A Ledger is the state with what is known about transactions that wait. Its methods may be
// called by many goroutines; Commit is called by one.
type Ledger struct {
	state *state // maps written under mu by Commit only

	mu    sync.RWMutex
	known map[[32]byte]*Payment // with good signatures; by the hash of the signed bytes, until it is in a block
	order [][32]byte            // of known, oldest first; some are gone already
}

// maxKnown bounds the payments that are remembered: twice what the mempool holds.
const maxKnown = 200_000

// Open opens the ledger in a folder, and makes it if there is none.
func Open(fs kv.FS, dir string) (*Ledger, error) {
	s, err := openState(fs, dir)
	if err != nil {
		return nil, err
	}
	return &Ledger{state: s, known: map[[32]byte]*Payment{}}, nil
}

// Close writes what is not on disk yet.
func (l *Ledger) Close() error { return l.state.db.Close() }

// Head is the height of the last block and the hash of all payments up to it.
func (l *Ledger) Head() (height int64, hash [32]byte) {
	l.mu.RLock()
	defer l.mu.RUnlock()
	return l.state.height, l.state.hash
}

// Begin is genesis: the outputs of trusted transactions, and none of those that they spend.
func (l *Ledger) Begin(transactions []*kernel.Transaction) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	d := newDiff(len(transactions))
	for _, tx := range transactions {
		d.add(tx, tx.Hash())
	}
	for _, tx := range transactions {
		for i := range tx.Inputs {
			delete(d.made, tx.Inputs[i].OutputRef)
		}
	}
	return l.state.apply(d, 0, [32]byte{})
}

// Check reports whether the signed bytes may wait for a block: a payment that is in order on the
// present state, with good signatures. A good one is remembered. The error is a kernel.Rule.
func (l *Ledger) Check(raw []byte) error {
	p, err := Parse(raw)
	if err != nil {
		return err
	}
	l.mu.RLock()
	err = l.state.judge(nil, p)
	keys := l.keys(p, nil)
	l.mu.RUnlock()
	if err != nil {
		return err
	}
	if !verify(p.checks(make([]crypto.Check, 0, len(keys)), keys)) {
		return kernel.SignatureInvalid
	}
	l.remember(raw, p)
	return nil
}

// keys are those of what a payment spends, or nil if one is unknown. The caller holds mu.
func (l *Ledger) keys(p *Payment, block map[kernel.OutputRef]kernel.Key) []kernel.Key {
	keys := make([]kernel.Key, len(p.tx.Inputs))
	for i := range p.tx.Inputs {
		ref := p.tx.Inputs[i].OutputRef
		if c, ok := l.state.coins[ref]; ok {
			keys[i] = c.key
		} else if key, ok := block[ref]; ok {
			keys[i] = key
		} else {
			return nil
		}
	}
	return keys
}

func (l *Ledger) remember(raw []byte, p *Payment) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for len(l.order) >= maxKnown {
		delete(l.known, l.order[0])
		l.order = l.order[1:]
	}
	id := blake3.Sum256(raw)
	l.known[id] = p
	l.order = append(l.order, id)
}

// A Block is a list of transactions that was judged on the state of the block before it.
type Block struct {
	Refused []error // by place: a kernel.Rule, or nil
	Good    int

	ids  [][32]byte
	diff *diff
	hash [32]byte
}

// Judge judges a block's transactions in their order. Those that were checked before are not
// verified again; the signatures of all others are one batch.
func (l *Ledger) Judge(transactions [][]byte) *Block {
	b := &Block{Refused: make([]error, len(transactions)), ids: make([][32]byte, len(transactions)), diff: newDiff(len(transactions))}
	payments := make([]*Payment, len(transactions))
	l.mu.RLock()
	for i, raw := range transactions {
		b.ids[i] = blake3.Sum256(raw)
		payments[i] = l.known[b.ids[i]]
	}
	b.hash = l.state.hash
	l.mu.RUnlock()

	l.verifyUnknown(transactions, payments, b)
	l.mu.RLock()
	defer l.mu.RUnlock()
	digest := blake3.New()
	digest.Write(b.hash[:])
	for i, p := range payments {
		if b.Refused[i] != nil {
			continue
		}
		if b.Refused[i] = l.state.judge(b.diff, p); b.Refused[i] == nil {
			b.diff.take(p)
			b.Good++
			digest.Write(p.hash[:])
		}
	}
	if b.Good > 0 {
		digest.Sum(b.hash[:0])
	}
	return b
}

// verifyUnknown parses what is not known and verifies it in one batch; only if that fails each
// payment is verified by itself.
func (l *Ledger) verifyUnknown(transactions [][]byte, payments []*Payment, b *Block) {
	var unknown []int
	for i := range payments {
		if payments[i] == nil {
			if payments[i], b.Refused[i] = Parse(transactions[i]); b.Refused[i] == nil {
				unknown = append(unknown, i)
			}
		}
	}
	if len(unknown) == 0 {
		return
	}
	block := map[kernel.OutputRef]kernel.Key{} // payments of a block may spend what it makes
	for _, p := range payments {
		if p != nil {
			for i := range p.tx.Outputs {
				block[kernel.OutputRef{Hash: p.hash, Index: uint16(i)}] = p.tx.Outputs[i].Keys[0]
			}
		}
	}
	checks, ends := make([]crypto.Check, 0, 2*len(unknown)), make([]int, len(unknown))
	l.mu.RLock()
	for n, i := range unknown {
		checks = payments[i].checks(checks, l.keys(payments[i], block))
		ends[n] = len(checks)
	}
	l.mu.RUnlock()
	good, start := crypto.VerifyBatch(checks), 0
	for n, i := range unknown {
		part := checks[start:ends[n]]
		start = ends[n]
		if !good && len(part) > 0 && !verify(part) {
			b.Refused[i] = kernel.SignatureInvalid
			continue
		}
		if len(part) > 0 { // else it spends what nobody knows, and will be refused for that
			l.remember(transactions[i], payments[i])
		}
	}
}

// Commit makes a judged block part of the state. It must have been judged on the present state.
func (l *Ledger) Commit(b *Block, height int64) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, id := range b.ids {
		delete(l.known, id)
	}
	for len(l.order) > 0 && l.known[l.order[0]] == nil {
		l.order = l.order[1:]
	}
	return l.state.apply(b.diff, height, b.hash)
}
