package ledger

import (
	"slices"

	"github.com/asterism-network/asterism/kernel"
)

// A Context is what execution knows beside the View: the constants of network and epoch. It
// must be the same on every node.
type Context struct {
	Network   kernel.NetworkID
	Roster    *kernel.Roster // of the commit's epoch; authors of evidence are looked up here
	Custodian *kernel.Key    // spend key that signs deposits; nil where there is none
	Stake     *kernel.Stake  // of genesis; nil where members never change

	EpochLength uint64 // commits from the start of an epoch to its roster commit, unless one is due before
	Verifier    Verifier

	// Parse may remember what the function Parse answers; nil is Parse itself.
	Parse func(raw []byte) *Parsed
}

func (c *Context) parse(raw []byte) *Parsed {
	if c.Parse == nil {
		return Parse(raw)
	}
	return c.Parse(raw)
}

// ContextOf returns the context of a network's epoch 0. Later ones differ in the roster.
func ContextOf(g *kernel.Genesis, verifier Verifier) *Context {
	c := &Context{Network: g.NetworkID(), Roster: g.Roster(), Stake: g.Stake, EpochLength: g.Parameters.EpochLength, Verifier: verifier}
	if g.Custodian != nil {
		c.Custodian = &g.Custodian.Spend
	}
	return c
}

// Check reports whether tx may be admitted on exactly the state v; raw are its signed bytes.
// The error is a *Refusal. A transaction with a receipt is refused: AlreadyFinal when final,
// else with the rule and the winner of its receipt. [TX-36]
func Check(v View, tx *kernel.Transaction, raw []byte, c *Context) error {
	return CheckParsed(v, parsed(tx, raw, SignedHash(raw)), c)
}

// CheckParsed is Check for a transaction whose stateless part is done already.
func CheckParsed(v View, p *Parsed, c *Context) error { return new(Checker).Check(v, p, c) }

// A Checker is CheckParsed for one transaction after the other, in the same memory.
type Checker struct{ scratch spending }

// Check is CheckParsed.
func (k *Checker) Check(v View, p *Parsed, c *Context) error {
	if p.Transaction == nil {
		return asError(p.Refusal)
	}
	if receipt, ok := v.Receipt(p.Hash); ok {
		return asError(refuseByReceipt(receipt))
	}
	if p.Refusal != nil {
		return p.Refusal
	}
	s := &k.scratch
	s.resolve(v, p)
	if lost, _ := s.conflicts(); lost != nil {
		return lost
	}
	if wrong := s.wrong(c); wrong != nil {
		return wrong
	}
	return asError(s.unmet(c))
}

func refuseByReceipt(r kernel.Receipt) *Refusal {
	if r.Status == kernel.Final {
		return refuse(kernel.AlreadyFinal, "final since commit %d", r.Commit)
	}
	return lostTo(r.Winner, r.Rule, "rejected at commit %d, locked for transaction %v", r.Commit, r.Winner)
}

// A spending is a transaction with all that it spends, on one state.
type spending struct {
	*Parsed
	view    View
	class   kernel.Class
	network kernel.NetworkID // set by the rules that need it
	spent   []Output         // one per input; the zero Output where it is not known or brings value in
	known   []bool
	keys    [][]kernel.Key // of spent, for the Verifier
	locked  bool           // some outputs of XIN are locked by votes: the inputs must be looked at
}

// resolve looks up what p spends on v, into the memory of whatever s held before.
func (s *spending) resolve(v View, p *Parsed) {
	n := len(p.Transaction.Inputs)
	s.Parsed, s.view, s.class = p, v, p.Transaction.Class()
	s.spent, s.known = slices.Grow(s.spent[:0], n)[:n], slices.Grow(s.known[:0], n)[:n]
	for i := range p.Transaction.Inputs {
		s.spent[i], s.known[i] = Output{}, false
		if in := &p.Transaction.Inputs[i]; in.Deposit == nil && in.Mint == nil {
			s.spent[i], s.known[i] = v.Output(in.OutputRef)
		}
	}
}

// conflicts is line 3 of the judgement: what of this transaction is taken already. The first
// hit, inputs before ghost keys before identities, names the winner; earliest is the commit of
// the oldest hit, which tells whether the author could have known. [EXE-4] [EXE-5]
func (s *spending) conflicts() (first *Refusal, earliest kernel.CommitIndex) {
	note := func(r *Refusal, at kernel.CommitIndex) {
		if first == nil {
			first, earliest = r, at
		}
		earliest = min(earliest, at)
	}
	tx := s.Transaction
	for i := range s.spent {
		if out := &s.spent[i]; s.known[i] && !out.SpentBy.IsZero() {
			note(lostTo(out.SpentBy, kernel.InputSpent, "input locked for transaction %v", out.SpentBy), out.SpentAt)
		}
	}
	for i := range tx.Outputs {
		for _, key := range tx.Outputs[i].Keys {
			if owner, used := s.view.GhostKey(key); used {
				note(lostTo(owner.Transaction, kernel.GhostKeyUsed, "ghost key %v locked for transaction %v", key, owner.Transaction), owner.Commit)
			}
		}
	}
	for i := range tx.Inputs {
		if d := tx.Inputs[i].Deposit; d != nil {
			if owner, taken := s.view.Identity(d.Identity()); taken {
				note(lostTo(owner.Transaction, kernel.DepositUsed, "deposit locked for transaction %v", owner.Transaction), owner.Commit)
			}
		}
	}
	return first, earliest
}

// wrong is line 4 of the judgement: no later state makes this right, and its author could see
// it. Classes without rules are not judged here. [EXE-6]
func (s *spending) wrong(c *Context) *Refusal {
	switch s.class {
	case kernel.ClassScript, kernel.ClassWithdrawalSubmit:
		return s.wrongSpend(c)
	case kernel.ClassDeposit:
		return s.wrongDeposit(c)
	case kernel.ClassNodePledge, kernel.ClassNodeAccept, kernel.ClassNodeCancel:
		if c.Stake != nil {
			return s.wrongMember(c)
		}
	}
	return nil
}

func (s *spending) wrongSpend(c *Context) *Refusal {
	tx := s.Transaction
	var sum kernel.Amount
	for i := range s.spent {
		if !s.known[i] {
			return refuse(kernel.InputNotFound, "input not found %v:%d", tx.Inputs[i].Hash, tx.Inputs[i].Index)
		}
		var ok bool
		if sum, ok = sum.Add(s.spent[i].Amount); !ok {
			return refuse(kernel.AmountOverflow, "inputs sum up to 2^128 units or more")
		}
	}
	if out, _ := outputSum(tx); out != sum {
		return refuse(kernel.AmountMismatch, "invalid input output amount %v %v", sum, out)
	}
	if r := checkThresholds(tx, s.spent); r != nil {
		return r
	}
	s.keys = s.keys[:0]
	for i := range s.spent {
		s.keys = append(s.keys, s.spent[i].Keys)
	}
	if !c.Verifier.Verify(tx, s.Signed, s.keys) {
		return refuse(kernel.SignatureInvalid, "batch verification failure")
	}
	return nil
}

func (s *spending) wrongDeposit(c *Context) *Refusal {
	if c.Custodian == nil {
		return nil // a rule of the state, see unmet
	}
	if !c.Verifier.Verify(s.Transaction, s.Signed, [][]kernel.Key{{*c.Custodian}}) {
		return refuse(kernel.DepositCustodian, "batch verification failure: not signed by the custodian")
	}
	return nil
}

// unmet is line 5 of the judgement: rules that may hold on another state. [EXE-7]
func (s *spending) unmet(c *Context) *Refusal {
	s.locked = c.Stake != nil && s.Transaction.Asset == kernel.XIN && anyLocks(s.view)
	var r *Refusal
	switch s.class {
	case kernel.ClassScript, kernel.ClassWithdrawalSubmit:
		r = s.unmetSpend()
		if r == nil && s.class == kernel.ClassWithdrawalSubmit {
			r = s.unmetFrozen()
		}
	case kernel.ClassDeposit:
		if r = s.unmetDeposit(c); r == nil {
			r = s.unmetFrozen()
		}
	default:
		if c.Stake != nil && memberClass(s.class) {
			r = s.unmetMember(c)
			break
		}
		// Mint and removal are the ledger's own; custodian and claim classes have no rules yet.
		r = refuse(kernel.ClassNotActive, "%v", s.class)
	}
	if r != nil {
		return r
	}
	for _, ref := range s.Transaction.References {
		if receipt, ok := s.view.Receipt(ref); !ok || receipt.Status != kernel.Final {
			return refuse(kernel.ReferenceNotFound, "reference not found %v", ref)
		}
	}
	return nil
}

func (s *spending) unmetSpend() *Refusal {
	for i := range s.spent {
		out := &s.spent[i]
		if out.Asset != s.Transaction.Asset {
			return refuse(kernel.InputAsset, "input %d is of asset %v", i, out.Asset)
		}
		if !spendable(s.class, out.Type) {
			return refuse(kernel.InputType, "input %d of type %#x in a %v transaction", i, uint8(out.Type), s.class)
		}
		if r := s.unmetLock(i); r != nil {
			return r
		}
	}
	return nil
}

// spendable reports whether a class may spend outputs of type t. [TX-24]
func spendable(class kernel.Class, t kernel.OutputType) bool {
	return t == kernel.OutputScript || t == kernel.OutputNodeRemove && (class == kernel.ClassScript || class == kernel.ClassNodePledge)
}

// unmetDeposit: the asset is what it was at its first deposit, and stays below its ceiling.
// [TX-29] [TX-30] [TX-31]
func (s *spending) unmetDeposit(c *Context) *Refusal {
	d := s.Transaction.Inputs[0].Deposit
	if c.Custodian == nil {
		return refuse(kernel.DepositCustodian, "this network has no custodian")
	}
	asset, known := s.view.Asset(s.Transaction.Asset)
	if known && (asset.Chain != d.Chain || asset.Key != d.AssetKey) {
		return refuse(kernel.DepositAsset, "the asset is %q on chain %v", asset.Key, asset.Chain)
	}
	total, ok := asset.Unspent.Add(d.Amount)
	if !ok || !asset.Ceiling.IsZero() && total.Compare(asset.Ceiling) >= 0 {
		return refuse(kernel.DepositCeiling, "the total must stay below %v", asset.Ceiling)
	}
	deposited, ok := asset.Deposited.Add(d.Amount)
	if !ok {
		return refuse(kernel.DepositCeiling, "deposits ever made reach 2^128 units")
	}
	if c.Stake != nil && s.Transaction.Asset == kernel.XIN {
		if inside, _ := deposited.Sub(asset.Withdrawn); inside.Compare(c.Stake.Total) > 0 {
			return refuse(kernel.DepositCeiling, "there are %v XIN, for ever", c.Stake.Total)
		}
	}
	return nil
}

// WrongGiven reports what no state makes right about a transaction, given outputs that are, or
// were, there: line 4 of the judgement for whoever has no state. It is nil where that cannot be
// told, also where the transaction spends what is not given. [STK-41]
func WrongGiven(outputs []CreatedOutput, p *Parsed, c *Context) *Refusal {
	v := NewMemView()
	for i := range outputs {
		o := outputs[i].Output
		v.outputs[outputs[i].Ref] = &o
	}
	s := new(spending)
	s.resolve(v, p)
	for i := range p.Transaction.Inputs {
		if in := &p.Transaction.Inputs[i]; in.Deposit == nil && !s.known[i] {
			return nil
		}
	}
	return s.wrong(c)
}
