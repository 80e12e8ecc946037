package node

import (
	"errors"
	"fmt"
	"runtime"
	"slices"

	"github.com/asterism-network/asterism/internal/crypto"
	"github.com/asterism-network/asterism/kernel"
	"github.com/asterism-network/asterism/kernel/internal/engine"
	"github.com/asterism-network/asterism/kernel/internal/ledger"
	"github.com/asterism-network/asterism/kernel/internal/mempool"
	lru "github.com/hashicorp/golang-lru/v2"
)

// pipelineWidth is how many goroutines verify what arrives.
func pipelineWidth() int { return max(2, runtime.GOMAXPROCS(0)) }

// A checker verifies snapshots and transactions off the engine's goroutine and remembers what
// it found: results are functions of bytes, so remembering never changes an answer.
type checker struct {
	node     *Node
	context  *ledger.Context
	parsed   *weighed[kernel.Hash, *ledger.Parsed] // by hash of the signed bytes
	verified *lru.Cache[kernel.Hash, bool]
}

const (
	parsedKept   = 32 << 10
	parsedBytes  = 64 << 20
	verifiedKept = 128 << 10 // about 100 bytes each
)

func newChecker(n *Node) *checker {
	c := &checker{node: n}
	c.parsed = newWeighed[kernel.Hash, *ledger.Parsed](parsedKept, parsedBytes)
	c.verified, _ = lru.New[kernel.Hash, bool](verifiedKept)
	c.context = ledger.ContextOf(n.config.Genesis, c)
	c.context.Parse = c.parse
	return c
}

// parse is ledger.Parse with a memory.
func (c *checker) parse(raw []byte) *ledger.Parsed {
	key := ledger.SignedHash(raw)
	if p, ok := c.parsed.get(key); ok {
		return p
	}
	p := ledger.Parse(raw)
	c.parsed.add(key, p, 2*len(raw)+512) // decoded, keys and scripts stand in slices of their own
	return p
}

// Verify implements ledger.Verifier with a memory.
func (c *checker) Verify(tx *kernel.Transaction, signed kernel.Hash, keys [][]kernel.Key) bool {
	if ok, known := c.verified.Get(signed); known {
		return ok
	}
	ok := ledger.Direct{}.Verify(tx, signed, keys)
	c.verified.Add(signed, ok)
	return ok
}

// batch is how many transactions are verified together: enough for most of the gain, few
// enough that one bad signature spoils little work.
const batch = 64

// knownGood reports whether the signatures of these signed bytes were found good.
func (c *checker) knownGood(signed kernel.Hash) bool {
	ok, known := c.verified.Peek(signed)
	return known && ok
}

// verifyTogether checks the signatures of many transactions in batches, as far as the state
// knows their inputs. It stops at a batch that fails, whose members are left to be checked alone.
func (c *checker) verifyTogether(v ledger.View, all []*ledger.Parsed) {
	for part := range slices.Chunk(all, batch) {
		if !c.verifyBatch(v, part) {
			return
		}
	}
}

func (c *checker) verifyBatch(v ledger.View, all []*ledger.Parsed) bool {
	var checks []crypto.Check
	var covered []kernel.Hash
	for _, p := range all {
		if p.Refusal != nil || c.verified.Contains(p.Signed) {
			continue
		}
		keys, known := ledger.SigningKeys(v, p.Transaction, c.context)
		if !known {
			continue
		}
		list, aggregate, ok := ledger.SignatureChecks(p.Transaction, p.Hash, keys)
		if !ok || aggregate != nil {
			continue
		}
		checks = append(checks, list...)
		covered = append(covered, p.Signed)
	}
	if len(covered) < 2 {
		return true
	}
	if !crypto.VerifyBatch(checks) {
		return false
	}
	for _, signed := range covered {
		c.verified.Add(signed, true)
	}
	return true
}

// inspect decodes a snapshot and verifies all of it that depends on nothing else: framing,
// body root, header signature, coin share. It tells which transactions check against the
// newest state. With trusted, header and share are taken as verified before.
func (c *checker) inspect(from kernel.Author, raw []byte, trusted bool) (engine.Arrival, error) {
	var s kernel.Snapshot
	if err := s.UnmarshalBinary(raw); err != nil {
		return engine.Arrival{}, err
	}
	h := s.Header
	members := c.node.config.Genesis.Members
	if h.Network != c.node.network || h.Epoch != 0 || int(h.Author) >= len(members) {
		return engine.Arrival{}, fmt.Errorf("snapshot of another network, epoch or roster")
	}
	id := h.ID()
	if !trusted && !crypto.Verify(members[h.Author].Key, id[:], h.Signature) {
		return engine.Arrival{}, fmt.Errorf("snapshot %d@%d: signature does not verify", h.Author, h.Round)
	}
	a := engine.Arrival{From: from, ID: id, Header: h, Raw: raw, Entries: len(s.Body.Entries)}
	a.HasShare = h.Share != nil && (trusted || c.node.coin.Verify(h.Author, h.Round, h.Share))
	c.look(&a, s.Body)
	c.node.keepBody(h, id, s.Body)
	return a, nil
}

// look judges a body's entries for the mempool: what checks now stands in the way of others. It
// stops at the first that no honest author carries: the rest is judged at the commit, and a
// body full of bad signatures costs no more than one batch before that.
func (c *checker) look(a *engine.Arrival, body *kernel.Body) {
	if len(body.Entries) == 0 {
		return
	}
	view := c.node.store.View()
	defer view.Close()
	var all []*ledger.Parsed
	for _, e := range body.Entries {
		if e.Kind == kernel.EntryTransaction {
			all = append(all, c.parse(e.Bytes))
		}
	}
	for part := range slices.Chunk(all, batch) {
		c.verifyBatch(view, part)
		for _, p := range part {
			err := ledger.CheckParsed(view, p, c.context)
			if errors.Is(err, kernel.SignatureInvalid) || errors.Is(err, kernel.Malformed) {
				return
			}
			if err == nil {
				a.Claims = append(a.Claims, claimOf(p))
			}
		}
	}
}

// claimOf lists what a transaction takes.
func claimOf(p *ledger.Parsed) mempool.Claim {
	inputs, keys, identities := ledger.Touches(p.Transaction)
	c := mempool.Claim{Hash: p.Hash, Touches: make([]mempool.Touch, 0, len(inputs)+len(keys)+len(identities))}
	for _, ref := range inputs {
		c.Touches = append(c.Touches, mempool.InputTouch(ref))
	}
	for _, k := range keys {
		c.Touches = append(c.Touches, mempool.KeyTouch(k))
	}
	for _, id := range identities {
		c.Touches = append(c.Touches, mempool.IdentityTouch(id))
	}
	return c
}
