package sim

import (
	"errors"
	"slices"

	"github.com/asterism-network/asterism/internal/sim"
	"github.com/asterism-network/asterism/kernel"
	"github.com/asterism-network/asterism/kernel/internal/engine"
	"github.com/asterism-network/asterism/kernel/internal/ledger"
)

// clients are everybody who pays: they own outputs, make transactions, honest and not, hand them
// to nodes as wallets do, and ask again until there is an answer.
type clients struct {
	w        *world
	coins    []coin0 // final outputs that nothing spends yet
	purse    int     // keys of the table used so far
	deposits uint64
	payments []*payment
	byHash   map[kernel.TxHash]*payment
	made     int // transactions that a client stands behind
}

// A payment is a transaction that a client made.
type payment struct {
	kind    string
	raw     []byte
	again   []byte // the same transaction in another envelope; nil for none
	tx      *kernel.Transaction
	hash    kernel.TxHash
	inputs  []coin0
	outputs []coin0
	rival   *payment // spends the same; at most one of the two becomes final
	bad     bool     // can never become final
	born    sim.Time
	round   kernel.Round // of the node that took it first
	asked   int
	settled bool   // has a receipt, or lost to its rival
	then    func() // when it is final
}

// Kinds of payments by weight, in a hundred. The rest is honest.
type appetite struct {
	doubles, wrong, deposits, withdrawals int
}

func newClients(w *world) *clients {
	c := &clients{w: w, byHash: make(map[kernel.TxHash]*payment), coins: slices.Clone(w.stage.owned)}
	w.rng.work.Shuffle(len(c.coins), func(i, j int) { c.coins[i], c.coins[j] = c.coins[j], c.coins[i] })
	return c
}

// pay makes one transaction, or a pair that conflicts, and submits it.
func (c *clients) pay() {
	a, dice := c.w.profile.appetite, c.w.rng.work.IntN(100)
	switch {
	case dice < a.doubles:
		c.double()
	case dice < a.doubles+a.wrong:
		c.wrong()
	case dice < a.doubles+a.wrong+a.deposits:
		c.deposit()
	case dice < a.doubles+a.wrong+a.deposits+a.withdrawals:
		if p := c.spend("withdrawal", 1); p != nil {
			c.withdraw(p)
		}
	default:
		if p := c.spend("payment", 1+c.w.rng.work.IntN(2)); p != nil {
			c.finish(p)
		}
	}
}

// take removes n coins of one asset from what is free.
func (c *clients) take(n int) (taken []coin0) {
	for i := 0; i < len(c.coins) && len(taken) < n; i++ {
		if len(taken) == 0 || c.coins[i].asset == taken[0].asset {
			taken = append(taken, c.coins[i])
			c.coins = slices.Delete(c.coins, i, i+1)
			i--
		}
	}
	return taken
}

// spend drafts a transaction over n coins, or fewer where there are not as many.
func (c *clients) spend(kind string, n int) *payment {
	in := c.take(n)
	if len(in) == 0 {
		return nil
	}
	return c.draft(kind, in)
}

func (c *clients) draft(kind string, in []coin0) *payment {
	p := &payment{kind: kind, inputs: in}
	p.tx = &kernel.Transaction{Asset: in[0].asset}
	sum := kernel.Amount{}
	for _, coin := range in {
		p.tx.Inputs = append(p.tx.Inputs, kernel.Input{OutputRef: coin.ref})
		sum, _ = sum.Add(coin.amount)
	}
	_, units := sum.Units()
	parts := []uint64{units}
	if units > 1000 && c.w.rng.work.IntN(3) > 0 {
		part := 1 + c.w.rng.work.Uint64N(units-1)
		parts = []uint64{part, units - part}
	}
	for _, part := range parts {
		c.output(p, part)
	}
	return p
}

// output adds an output for a new key of the clients' own.
func (c *clients) output(p *payment, units uint64) {
	private, public := purseKey(c.purse)
	c.purse++
	p.tx.Outputs = append(p.tx.Outputs, kernel.Output{
		Amount: kernel.NewAmount(units), Keys: []kernel.Key{public}, Mask: public, Script: kernel.NewScript(1),
	})
	p.outputs = append(p.outputs, coin0{kernel.OutputRef{Index: uint16(len(p.tx.Outputs) - 1)}, p.tx.Asset, kernel.NewAmount(units), private})
}

// sign signs every input with its key.
func (c *clients) sign(p *payment) {
	p.hash = p.tx.Hash()
	p.tx.Signatures, p.tx.Aggregate = nil, nil
	for _, in := range p.inputs {
		p.tx.Signatures = append(p.tx.Signatures, kernel.SignatureMap{{Signature: c.signature(in.private, p.hash)}})
	}
	if p.tx.Inputs[0].Deposit != nil {
		p.tx.Signatures = []kernel.SignatureMap{{{Signature: c.w.stage.bank.Spend.Sign(p.hash[:])}}}
	}
	p.raw = encode(p.tx)
	for i := range p.outputs {
		p.outputs[i].ref.Hash = p.hash
	}
}

func encode(tx *kernel.Transaction) []byte {
	raw, err := tx.AppendBinary(nil)
	if err != nil {
		panic("sim: encode transaction: " + err.Error())
	}
	return raw
}

// finish signs, remembers and submits.
func (c *clients) finish(p *payment) {
	c.sign(p)
	if p.tx.Inputs[0].Deposit == nil && c.w.rng.work.IntN(8) == 0 {
		c.envelope(p)
	}
	c.enter(p)
}

// enter remembers a signed payment and submits it to two nodes.
func (c *clients) enter(p *payment) {
	p.born = c.w.clock.Now()
	c.made++
	c.payments = append(c.payments, p)
	c.byHash[p.hash] = p
	c.ask(p, 2)
}

// retry is how long a client waits for a receipt before it asks another node, ms.
const retry = 2500

// ask submits a payment to so many nodes that run, and looks again later.
func (c *clients) ask(p *payment, nodes int) {
	if p.settled {
		if c.w.rng.work.IntN(3) > 0 {
			return // the others ask once more, and are told
		}
		nodes = 1
	}
	for _, n := range c.pick(nodes) {
		n.guard(func() { c.submit(p, n) })
	}
	if !p.bad && !p.settled {
		c.w.clock.After(retry+sim.Time(c.w.rng.work.IntN(retry)), func() { c.ask(p, 1) })
	}
}

func (c *clients) submit(p *payment, n *node) {
	raw := p.raw
	if p.again != nil && p.asked%2 == 1 {
		raw = p.again
		c.w.reached("second_envelope")
	}
	p.asked++
	err := n.submit(raw)
	switch {
	case err == nil:
		if p.round == 0 {
			p.round = max(n.engine().Round(), 1)
		}
		if p.bad {
			c.w.checks.violated("C2", n, "admitted a transaction that can never be final: %s %s", p.kind, p.hash.Short())
		}
	case errors.Is(err, kernel.AlreadyFinal), errors.Is(err, kernel.InputSpent), errors.Is(err, kernel.GhostKeyUsed), errors.Is(err, kernel.DepositUsed):
		c.w.reached("client_told_" + ruleOf(err).Error())
	case p.bad:
		c.w.reached("client_refused_" + ruleOf(err).Error())
	}
}

func ruleOf(err error) kernel.Rule {
	var r *ledger.Refusal
	if errors.As(err, &r) {
		return r.Rule
	}
	return 0
}

// pick chooses honest nodes that run.
func (c *clients) pick(count int) (nodes []*node) {
	for _, n := range c.w.nodes {
		if n.up && !n.frozen {
			nodes = append(nodes, n)
		}
	}
	c.w.rng.work.Shuffle(len(nodes), func(i, j int) { nodes[i], nodes[j] = nodes[j], nodes[i] })
	return nodes[:min(count, len(nodes))]
}

// answered hears what a mempool said.
func (c *clients) answered(n *node, list []engine.Admission) {
	for _, a := range list {
		if a.Err == nil {
			continue
		}
		if errors.Is(a.Err, engine.ErrStale) {
			c.w.reached("stale_check")
			if p := c.byHash[a.Transaction]; p != nil {
				c.w.after(1, n, func() { n.guard(func() { c.submit(p, n) }) })
			}
		}
	}
}

// judged hears of the first receipt that anybody computed for a transaction.
func (c *clients) judged(r kernel.Receipt) {
	p := c.byHash[r.Transaction]
	if p == nil || p.settled {
		return
	}
	p.settled = true
	if r.Status == kernel.Final {
		if p.then != nil {
			p.then()
		}
		c.coins = append(c.coins, p.outputs...)
		if p.rival != nil && !p.rival.settled {
			c.lost(p.rival)
		}
		return
	}
	c.lost(p)
}

// lost frees what only the losing side of a conflict spends.
func (c *clients) lost(p *payment) {
	p.settled = true
	if p.bad {
		return // its coins were free all the time, and may be spent by now
	}
	for _, in := range p.inputs {
		if p.rival == nil || !slices.ContainsFunc(p.rival.inputs, func(o coin0) bool { return o.ref == in.ref }) {
			c.coins = append(c.coins, in)
		}
	}
}

// open lists what has no answer although it must get one.
func (c *clients) open() (list []*payment) {
	for _, p := range c.payments {
		if !p.settled && !p.bad {
			list = append(list, p)
		}
	}
	return list
}
