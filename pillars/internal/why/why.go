// Package why explains to a miner or staker why the last blocks were not his: from what his node recorded while it tried, and
// from the chain.
//
// It is pure: records in, answers out.
package why

import (
	"fmt"

	"github.com/holiman/uint256"

	"github.com/asterism-network/asterism/pillars"
)

// A Cause is one reason. Its text is in answers to callers: add, never rename.
type Cause string

// The causes.
const (
	Mine       Cause = "mine"
	Off        Cause = "off"               // not trying, or not running, then
	NotSynced  Cause = "not_synced"        // the node was behind
	NoPeers    Cause = "no_peers"          // nobody to send a block to
	NoInbound  Cause = "no_inbound_peer"   // the stakers' policy: somebody must be connected to us
	NoAddress  Cause = "no_address"        // nobody to pay the reward to
	RunUsedUp  Cause = "run_used_up"       // the branch allows no more blocks of this seal now
	NoTemplate Cause = "no_template"       // anything else that kept a block from being made
	NotFound   Cause = "work_not_found"    // worked, and somebody else was first
	NoStake    Cause = "no_stake"          // the owner has no output that is large enough
	Immature   Cause = "stake_immature"    // none is old enough
	NotLocked  Cause = "stake_not_locked"  // the owner has locked nothing, or too little, or for too short
	NotDrawn   Cause = "stake_not_drawn"   // no stake won in any second
	UsedBefore Cause = "stake_used_before" // a block with that stake was signed already
	BeingSpent Cause = "stake_being_spent" // a transaction that waits spends the output that won
	KeyRefused Cause = "key_refused"       // the wallet would not sign
	Refused    Cause = "refused"           // found, and it broke a rule
	Stale      Cause = "stale"             // found, when the tip was another already
	Outweighed Cause = "outweighed"        // found and valid, and another branch was followed
)

// advice says what to do about a cause, where something can be done.
var advice = map[Cause]string{
	Off:        "start mining or staking on this node, and leave it running",
	NotSynced:  "wait until the node has caught up; watch its height against its peers'",
	NoPeers:    "add a peer, or open the port",
	NoInbound:  "let others connect: open the P2P port, or state that staking may go on without",
	NoAddress:  "say which address gets the reward",
	NoStake:    "send the least stake, or more, to the staking address in one output of plain ETP",
	Immature:   "wait: outputs stake when they are old enough",
	NotLocked:  "lock the least amount for the least number of blocks at the staking address",
	NotFound:   "more hash rate finds more; mining with the whole dataset is some hundred times faster than without",
	NotDrawn:   "more stake wins more often; see the expected time",
	UsedBefore: "make sure that no other node stakes with this wallet",
	BeingSpent: "wait for the payment; or pay from outputs that do not stake",
	KeyRefused: "unlock the wallet for staking",
	Refused:    "the rule's name says what was wrong; if it is not the clock, report it",
	Stale:      "look at the delay between node and miner",
	Outweighed: "more peers spread a block faster",
}

// Advice is what can be done about a cause; empty if nothing can or needs to be.
func (c Cause) Advice() string { return advice[c] }

// An Attempt is what was done towards the block behind one parent.
type Attempt struct {
	Height uint32
	Parent pillars.BlockID
	Work   *Work  // nil: not mining
	Stake  *Stake // nil: not staking
	Found  []Found
}

// Work is what a miner did.
type Work struct {
	Blocked Cause // why there was nothing to work on, the last time it was asked; empty: there was
	Detail  string
	Hashes  uint64
	Bits    uint256.Int // so many hashes find a block, on average
}

// Stake is what a staker did.
type Stake struct {
	Blocked Cause
	Detail  string
	Stakes  int            // outputs that are large enough
	Mature  int            // of these, old enough
	Ripe    uint32         // height at which the first of the others is; 0: none
	Value   pillars.Amount // of the mature ones
	Tries   uint64         // stakes times seconds
	Bits    uint256.Int
	Best    uint64 // thousandths: so many times above its bound was the best hash; see Missed
}

// A Found is a block that was made.
type Found struct {
	Seal  pillars.Seal
	ID    pillars.BlockID
	Cause Cause // Refused, Stale, UsedBefore or KeyRefused; empty: the node took it
	Why   string
}

// A Block is one of our chain.
type Block struct {
	Height uint32
	ID     pillars.BlockID
	Parent pillars.BlockID
	Seal   pillars.Seal
	After  uint32 // seconds since its parent, by the stamps
}

// A Reason is a cause and what was measured, for people.
type Reason struct {
	Cause Cause  `json:"cause"`
	Text  string `json:"text"`
}

// An Answer says of one block why it is not ours: once as a miner, once as a staker.
type Answer struct {
	Height uint32          `json:"height"`
	ID     pillars.BlockID `json:"id"`
	Seal   pillars.Seal    `json:"seal"`
	After  uint32          `json:"after_seconds"`
	Mine   bool            `json:"mine"`
	Work   Reason          `json:"work"`
	Stake  Reason          `json:"stake"`
}

// Explain answers for each block, in their order.
func Explain(blocks []Block, attempts []Attempt) []Answer {
	byParent := make(map[pillars.BlockID]*Attempt, len(attempts))
	for i := range attempts {
		byParent[attempts[i].Parent] = &attempts[i]
	}
	answers := make([]Answer, len(blocks))
	for i := range blocks {
		answers[i] = explain(&blocks[i], byParent[blocks[i].Parent])
	}
	return answers
}

func explain(b *Block, a *Attempt) Answer {
	out := Answer{Height: b.Height, ID: b.ID, Seal: b.Seal, After: b.After}
	if a == nil {
		a = &Attempt{}
	}
	for _, f := range a.Found {
		out.Mine = out.Mine || f.ID == b.ID
	}
	out.Work, out.Stake = a.work(b), a.stake(b)
	return out
}

// found explains the last block of a seal that was made, if there was one.
func (a *Attempt) found(b *Block, seal pillars.Seal) (Reason, bool) {
	var last *Found
	for i := range a.Found {
		f := &a.Found[i]
		if f.Seal != seal {
			continue
		}
		if f.ID == b.ID {
			return Reason{Mine, "this node made it"}, true
		}
		last = f
	}
	switch {
	case last == nil:
		return Reason{}, false
	case last.Cause != "":
		return Reason{last.Cause, fmt.Sprintf("made %s: %s", last.ID.Short(), last.Why)}, true
	}
	return Reason{Outweighed, fmt.Sprintf("made %s, valid; the network followed %s", last.ID.Short(), b.ID.Short())}, true
}

func (a *Attempt) work(b *Block) Reason {
	if r, ok := a.found(b, pillars.PoW); ok {
		return r
	}
	w := a.Work
	switch {
	case w == nil:
		return Reason{Off, "not mining behind this block's parent"}
	case w.Hashes == 0 && w.Blocked != "":
		return Reason{w.Blocked, w.Detail}
	}
	return Reason{NotFound, fmt.Sprintf("%d hashes in %d s; a block takes %s on average, so the chance was about %s",
		w.Hashes, b.After, w.Bits.Dec(), percent(uint256.NewInt(w.Hashes), &w.Bits))}
}

func (a *Attempt) stake(b *Block) Reason {
	if r, ok := a.found(b, pillars.PoS); ok {
		return r
	}
	s := a.Stake
	switch {
	case s == nil:
		return Reason{Off, "not staking behind this block's parent"}
	case s.Blocked != "" && (s.Tries == 0 || s.Blocked == BeingSpent):
		return Reason{s.Blocked, s.Detail}
	case s.Stakes == 0:
		return Reason{NoStake, "no output that is large enough"}
	case s.Mature == 0:
		return Reason{Immature, fmt.Sprintf("%d outputs, none old enough; the first is at height %d", s.Stakes, s.Ripe)}
	case s.Tries == 0:
		return Reason{NotDrawn, "the block came before the next second to try"}
	}
	expected := Expected(s.Value, &s.Bits)
	return Reason{NotDrawn, fmt.Sprintf("%d of %d outputs old enough, %d tries; the best hash was %s times its bound; one win is expected in %s s",
		s.Mature, s.Stakes, s.Tries, times(s.Best), expected.Dec())}
}

// Missed is how many thousandths of its bound a stake hash is: below 1,000 it wins. Above 2^63 it says 2^63.
func Missed(hash pillars.Hash, value pillars.Amount, bits *uint256.Int) uint64 {
	const most = 1 << 63
	var k, bound uint256.Int
	k.SetBytes32(hash[:])
	bound.SetAllOne()
	bound.Div(&bound, bits)
	if _, over := bound.MulOverflow(&bound, uint256.NewInt(uint64(value))); over {
		return 0
	}
	if bound.IsZero() {
		return most
	}
	if _, over := k.MulDivOverflow(&k, uint256.NewInt(1000), &bound); over || !k.IsUint64() {
		return most
	}
	return min(k.Uint64(), most)
}

// Expected is in how many seconds stakes win once, on average; zero if there are none.
func Expected(value pillars.Amount, bits *uint256.Int) (seconds uint256.Int) {
	seconds.Div(bits, uint256.NewInt(uint64(value)))
	return seconds
}

// percent prints part/whole; beyond a whole block's worth it says how many.
func percent(part, whole *uint256.Int) string {
	var v uint256.Int
	if whole.IsZero() {
		return "unknown"
	}
	if _, over := v.MulDivOverflow(part, uint256.NewInt(10_000), whole); over || !v.IsUint64() {
		return "certain"
	}
	n := v.Uint64()
	if n > 10_000 {
		return fmt.Sprintf("%d.%d blocks' worth of work", n/10_000, n/1000%10)
	}
	return fmt.Sprintf("%d.%02d %%", n/100, n%100)
}

func times(milli uint64) string { return fmt.Sprintf("%d.%03d", milli/1000, milli%1000) }

// A Count is how often a cause came up.
type Count struct {
	Cause  Cause  `json:"cause"`
	Blocks int    `json:"blocks"`
	Advice string `json:"advice,omitempty"`
}

// Summarise counts the causes of one seal, the most frequent first, of equals the one met first.
func Summarise(answers []Answer, seal pillars.Seal) (counts []Count) {
	for i := range answers {
		cause := answers[i].Work.Cause
		if seal == pillars.PoS {
			cause = answers[i].Stake.Cause
		}
		counts = count(counts, cause)
	}
	for i := range counts {
		for k := i; k > 0 && counts[k].Blocks > counts[k-1].Blocks; k-- {
			counts[k], counts[k-1] = counts[k-1], counts[k]
		}
	}
	return counts
}

func count(counts []Count, cause Cause) []Count {
	for i := range counts {
		if counts[i].Cause == cause {
			counts[i].Blocks++
			return counts
		}
	}
	return append(counts, Count{cause, 1, cause.Advice()})
}
