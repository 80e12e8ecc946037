package sim

import (
	"crypto/sha256"
	"fmt"
	"math/rand/v2"

	"github.com/btcsuite/btcd/btcec/v2"

	"github.com/asterism-network/asterism/pillars"
	"github.com/asterism-network/asterism/pillars/script"
)

// A part is what one node of a run does.
type part struct {
	rate    float64 // hashes a second
	outputs int     // that stake
	full    bool    // a chain with its store, not only a tree
}

// A scene is a network before its first block.
type scene struct {
	params  pillars.Params
	parts   []part
	parties []party // of the parts, in the same order
}

// A party is who owns what a node earns and stakes.
type party struct {
	key   *btcec.PrivateKey
	owner pillars.Address
}

// genesisStamp is when virtual time starts.
const genesisStamp = 1_700_000_000

// lockBlocks is how long the stakers' locks last: longer than any run.
const lockBlocks = 1_000_000

// newScene deals the outputs that stake: each between one and two least stakes, so that the coinstake policy keeps
// it whole.
func newScene(p pillars.Params, parts []part, rng *rand.Rand) *scene {
	s := &scene{params: p, parts: parts}
	g := pillars.GenesisParams{Timestamp: genesisStamp, Text: "a simulated network"}
	pay := func(to pillars.Address, value pillars.Amount) {
		g.Outputs = append(g.Outputs, pillars.GenesisOutput{Address: to.Text(p.Address), Value: value})
	}
	for i, part := range parts {
		who := newParty(i)
		s.parties = append(s.parties, who)
		if part.outputs > 0 {
			pay(who.owner, p.Stake.Locked+p.Fees.Transaction)
		}
		for range part.outputs {
			pay(who.owner, p.Stake.Minimum+pillars.Amount(rng.Uint64N(uint64(p.Stake.Minimum))))
		}
	}
	if len(g.Outputs) == 0 {
		pay(s.parties[0].owner, pillars.ETP)
	}
	s.params.Genesis = g
	return s
}

func newParty(i int) (w party) {
	seed := sha256.Sum256(fmt.Appendf(nil, "asterism simulated party %d", i))
	w.key, _ = btcec.PrivKeyFromBytes(seed[:])
	w.owner = pillars.PubKeyHashAddress(pillars.Hash160(w.key.PubKey().SerializeCompressed()))
	return w
}

// locks are the transactions of block 1: each staker locks what lets him stake [PIL-POS-5].
func (s *scene) locks(genesis *pillars.Block) (all []*pillars.Transaction) {
	id := genesis.Transactions[0].ID()
	at := 0
	for i, part := range s.parts {
		if part.outputs == 0 {
			continue
		}
		who := s.parties[i]
		head := append(script.AppendPush(nil, script.Number(lockBlocks)), script.OpCheckSequence, script.OpDrop)
		tx := &pillars.Transaction{
			Version: pillars.VersionCurrent,
			Inputs:  []pillars.Input{{Previous: pillars.Outpoint{Tx: id, Index: uint32(at)}, Sequence: finalSequence}},
			Outputs: []pillars.Output{{Value: s.params.Stake.Locked, Script: append(head, who.owner.Script()...), Attachment: plain}},
		}
		tx.Inputs[0].Script = script.Unlock(tx, 0, who.owner.Script(), who.key)
		all = append(all, tx)
		at += 1 + part.outputs
	}
	return all
}

const finalSequence = 0xffffffff

var plain = pillars.Attachment{Version: pillars.AttachmentPlain}

func (s *scene) owners() (all []pillars.Address) {
	for i, part := range s.parts {
		if part.outputs > 0 {
			all = append(all, s.parties[i].owner)
		}
	}
	return all
}

// hashRate is that of all nodes together.
func (s *scene) hashRate() (sum float64) {
	for _, p := range s.parts {
		sum += p.rate
	}
	return sum
}
