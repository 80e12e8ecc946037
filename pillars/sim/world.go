package sim

import (
	"fmt"
	"math/rand/v2"

	"github.com/asterism-network/asterism/internal/sim"
	"github.com/asterism-network/asterism/pillars"
	"github.com/asterism-network/asterism/pillars/internal/consensus"
	"github.com/asterism-network/asterism/pillars/internal/pos"
	"github.com/asterism-network/asterism/pillars/internal/state"
	"github.com/asterism-network/asterism/pillars/script"
)

// A world is one run: nodes, what they do, the network between them, and virtual time. One goroutine owns it.
type world struct {
	*scene
	seed    uint64
	clock   sim.Clock
	network *sim.Network
	rng     *rand.Rand // of blocks' contents
	seals   *drawn
	court   *court
	nodes   []*node
	miners  []*miner
	stakers []*staker
	quiet   bool  // nobody makes blocks
	broken  error // the first promise that did not hold
	ticks   uint64
	from    uint32 // height at which a contest begins
}

// Conditions of the network between nodes: half a second across the world for most blocks, some much later.
const (
	nearest, farthest = 20, 250 // milliseconds of a link
	jitter            = 150
	latePerMille      = 20
	lateBy            = 3000
	worstSkew         = 1500 // milliseconds of a node's clock, either way
)

// newWorld gives every node block 0 and 1. Nodes' rules are those of the params given, which differ from the scene's
// only where a rule is broken on purpose.
func newWorld(s *scene, rules *pillars.Params, seed uint64) (*world, error) {
	w := &world{scene: s, seed: seed, rng: sim.Stream(seed, "blocks"), seals: newDrawn(sim.Stream(seed, "seals"))}
	w.network = sim.NewNetwork(&w.clock, sim.Stream(seed, "network"), len(s.parts), nearest, farthest)
	w.network.Conditions = sim.Conditions{Jitter: jitter, Late: latePerMille, LateBy: lateBy}
	genesis, err := rules.GenesisBlock()
	if err != nil {
		return nil, err
	}
	w.court = newCourt(rules, genesis, s.owners())
	skews := sim.Stream(seed, "clocks")
	for i, part := range s.parts {
		n, err := newNode(w, i, genesis, part.full)
		if err != nil {
			return nil, err
		}
		n.skew = sim.Time(skews.Int64N(2*worstSkew+1) - worstSkew)
		w.nodes = append(w.nodes, n)
		w.miners = append(w.miners, newMiner(w, n, part.rate))
		w.stakers = append(w.stakers, newStaker(w, n))
	}
	w.clock.Step(2000) // every local clock is past the genesis
	first := w.firstBlock(genesis)
	for _, n := range w.nodes {
		n.take(0, first, first.ID())
	}
	return w, w.broken
}

func (w *world) firstBlock(genesis *pillars.Block) *pillars.Block {
	branch := consensus.Start(&genesis.Header)
	fees := pillars.Amount(0)
	locks := w.locks(genesis)
	for range locks {
		fees += w.params.Fees.Transaction
	}
	b := w.assemble(&branch, pillars.PoW, genesisStamp+1, pillars.BlackHole(), fees, locks, nil)
	w.seals.seal(&b.Header)
	return b
}

// rules are what nodes hold blocks to.
func (w *world) rules() *pillars.Params { return w.court.params }

// assemble makes a block behind a branch; its seal is missing.
func (w *world) assemble(on *consensus.Branch, seal pillars.Seal, stamp uint32, to pillars.Address, fees pillars.Amount, txs []*pillars.Transaction, stake *pos.Stake) *pillars.Block {
	b := &pillars.Block{Extension: pillars.Extension{Modifier: on.Modifier}}
	var err error
	if b.Header, err = on.Prepare(w.rules(), seal, stamp); err != nil {
		panic("sim: a block that may not follow: " + err.Error())
	}
	if stake != nil {
		b.Extension.Stake = stake.Outpoint
	}
	coinbase := &pillars.Transaction{
		Version: pillars.VersionFirst,
		Inputs:  []pillars.Input{{Previous: pillars.NullOutpoint, Script: script.AppendPush(state.CoinbaseScript(b.Number), le32(w.rng.Uint32())), Sequence: finalSequence}},
		Outputs: []pillars.Output{{Value: on.Subsidy(w.rules(), seal) + fees, Script: to.Script(), Attachment: plain}},
	}
	b.Transactions = append([]*pillars.Transaction{coinbase}, txs...)
	b.Merkle = b.MerkleRoot()
	b.ExtensionRoot = b.Extension.Root()
	return b
}

// mined makes a block for which work was found.
func (w *world) mined(n *node, on *consensus.Branch, stamp uint32) *pillars.Block {
	b := w.assemble(on, pillars.PoW, stamp, w.parties[n.id].owner, 0, nil, nil)
	w.seals.seal(&b.Header)
	w.judge(n, on, b)
	return b
}

// staked makes a block with a stake that wins. The coinstake is that of the wallets' policy.
func (w *world) staked(n *node, on *consensus.Branch, win pos.Winner) *pillars.Block {
	who := w.parties[n.id]
	tx := pos.Coinstake(w.rules(), win.Stake, nil)
	for i := range tx.Inputs {
		tx.Inputs[i].Script = script.Unlock(tx, i, who.owner.Script(), who.key)
	}
	b := w.assemble(on, pillars.PoS, win.Stamp, who.owner, 0, []*pillars.Transaction{tx}, win.Stake)
	if err := b.Sign(who.key); err != nil {
		panic("sim: " + err.Error())
	}
	w.judge(n, on, b)
	return b
}

// judge has a block of a node's own judged, and notes who made it.
func (w *world) judge(n *node, on *consensus.Branch, b *pillars.Block) {
	id := b.ID()
	if err := w.court.judge(on, b, id); err != nil {
		w.fail("node %d made block %d, which is not valid: %v", n.id, b.Number, err)
	}
	w.court.records[id].author = n.id
}

// fail notes the first promise that did not hold.
func (w *world) fail(format string, args ...any) {
	if w.broken == nil {
		w.broken = fmt.Errorf("seed %d, %s: "+format, append([]any{w.seed, span(w.clock.Now())}, args...)...)
	}
}

// span prints virtual time.
func span(t sim.Time) string {
	return fmt.Sprintf("%d:%02d:%02d", t/3600_000, t/60_000%60, t/1000%60)
}

// run goes on until a condition holds or the deadline comes, and asks stop now and then.
func (w *world) run(until func() bool, deadline sim.Time, stop func() bool) bool {
	for w.broken == nil && !until() {
		if w.ticks++; w.ticks%256 == 0 && stop != nil && stop() {
			return false
		}
		if !w.clock.Step(deadline) {
			return until()
		}
	}
	return w.broken == nil
}

// runFor lets time pass.
func (w *world) runFor(d sim.Time, stop func() bool) bool {
	end := w.clock.Now() + d
	return w.run(func() bool { return w.clock.Now() >= end }, end, stop)
}

// runTo goes on until a node's chain has a height.
func (w *world) runTo(height uint32, stop func() bool) bool {
	n := w.nodes[0]
	return w.run(func() bool { return n.tip().Number >= height }, w.clock.Now()+sim.Time(height)*3600_000, stop)
}

// send delivers something to a node as the network has it.
func (w *world) send(from, to, size int, do func()) {
	copies, n := w.network.Send(from, to, size)
	for _, delay := range copies[:n] {
		w.clock.After(delay, do)
	}
}

// settle stops the making of blocks, mends the network and lets everybody hear of every tip, until all agree. Of two
// tips with equal weight the first seen stays, so blocks may have to come before all are equal: that is no fault, and bounded.
func (w *world) settle(honest []*node) bool {
	w.network.MendAll()
	for range 50 {
		w.quiet = true
		for _, n := range w.nodes {
			n.announce()
		}
		w.runFor(60_000, nil)
		if w.broken != nil {
			return false
		}
		if equal(honest) {
			return true
		}
		w.quiet = false
		height := honest[0].tip().Number
		w.restart()
		w.run(func() bool { return honest[0].tip().Number > height }, w.clock.Now()+3*3600_000, nil)
	}
	w.fail("nodes do not agree after the network healed: %s", tips(honest))
	return false
}

// restart lets everybody look for blocks again.
func (w *world) restart() {
	for i := range w.nodes {
		w.miners[i].restart()
		w.stakers[i].restart()
	}
}

func equal(nodes []*node) bool {
	for _, n := range nodes[1:] {
		if n.tip().ID() != nodes[0].tip().ID() {
			return false
		}
	}
	return true
}

func tips(nodes []*node) (text string) {
	for _, n := range nodes {
		text += fmt.Sprintf(" %d:%d-%s", n.id, n.tip().Number, n.tip().ID().Short())
	}
	return text
}
