package ledger

import (
	"bytes"
	"math/bits"

	"github.com/asterism-network/asterism/internal/crypto"
	"github.com/asterism-network/asterism/kernel"
)

// Rules of the classes by which somebody becomes a member: pledge, accept, cancel. They are judged
// where the network has stakes; elsewhere the classes are not active. What no later state makes
// right is line 4, all else line 5. [STK-10]

func memberClass(class kernel.Class) bool {
	return class == kernel.ClassNodePledge || class == kernel.ClassNodeAccept || class == kernel.ClassNodeCancel
}

func (s *spending) wrongMember(c *Context) *Refusal {
	s.network = c.Network
	if r := checkSignatureForm(s.Transaction); r != nil {
		return r
	}
	switch s.class {
	case kernel.ClassNodePledge:
		return s.wrongPledge(c)
	case kernel.ClassNodeAccept:
		return s.wrongAccept(c)
	}
	return s.wrongCancel(c)
}

func (s *spending) unmetMember(c *Context) *Refusal {
	s.network = c.Network
	switch s.class {
	case kernel.ClassNodePledge:
		return s.unmetPledge()
	case kernel.ClassNodeAccept:
		return s.unmetAccept()
	}
	return s.unmetCancel()
}

// wrongPledge: XIN, the pledge first, change behind it, and an extra that names a member. Signed
// like a payment. [STK-11]
func (s *spending) wrongPledge(c *Context) *Refusal {
	tx := s.Transaction
	if tx.Asset != kernel.XIN || tx.Outputs[0].Type != kernel.OutputNodePledge {
		return refuse(kernel.PledgeShape, "a pledge is of XIN, and its first output is of type %#x", uint8(kernel.OutputNodePledge))
	}
	for i := range tx.Outputs[1:] {
		if t := tx.Outputs[i+1].Type; t != kernel.OutputScript {
			return refuse(kernel.PledgeShape, "output %d of type %#x", i+1, uint8(t))
		}
	}
	if _, _, ok := kernel.ParseMemberExtra(tx.Extra); !ok {
		return refuse(kernel.MemberExtraInvalid, "extra must be the signer's key, the payee's spend key and, where it is its own, view key")
	}
	return s.wrongSpend(c)
}

// unmetPledge: the amount is the one in force, the payer has one key, the signer is new, and there
// is room. [STK-12]
func (s *spending) unmetPledge() *Refusal {
	if r := s.unmetSpend(); r != nil {
		return r
	}
	if first := &s.spent[0]; len(first.Keys) != 1 || !bytes.Equal(first.Script, standardScript) {
		return refuse(kernel.PledgeFunding, "the first input must be an output of one key: it alone may cancel")
	}
	state, _ := StakeOf(s.view)
	if amount := s.Transaction.Outputs[0].Amount; amount != state.Pledge {
		return refuse(kernel.PledgeAmount, "%v is not the pledge of %v", amount, state.Pledge)
	}
	signer, _, _ := kernel.ParseMemberExtra(s.Transaction.Extra)
	if s.memberOf(signer) != nil {
		return refuse(kernel.MemberKnown, "key %v is, or was, a member's", signer)
	}
	if n := placesTaken(s.view); n >= kernel.MaxMembers {
		return refuse(kernel.TooManyMembers, "%d of %d places are taken", n, kernel.MaxMembers)
	}
	return nil
}

// placesTaken counts those that are members or may become it without anybody's leave.
func placesTaken(v View) (n int) {
	for _, id := range idsOf(v, rowMembers) {
		switch m, _ := MemberOf(v, id); m.State {
		case kernel.MemberPledging, kernel.MemberJoining, kernel.MemberAccepted:
			n++
		case kernel.MemberResigning:
			if !m.Left {
				n++
			}
		}
	}
	return n
}

// wrongAccept: the pledge becomes collateral, unchanged, by the signature of the key that will
// sign snapshots: so nobody makes a member of somebody else. [STK-13]
func (s *spending) wrongAccept(c *Context) *Refusal {
	tx := s.Transaction
	if tx.Asset != kernel.XIN || len(tx.Inputs) != 1 || len(tx.Outputs) != 1 || !oneSignature(tx) {
		return refuse(kernel.AcceptShape, "want one input, one output of type %#x and one signature, of key 0", uint8(kernel.OutputNodeAccept))
	}
	signer, _, ok := kernel.ParseMemberExtra(tx.Extra)
	if !ok {
		return refuse(kernel.MemberExtraInvalid, "extra must be that of the pledge")
	}
	return s.wrongMove(c, signer)
}

// wrongMove: the one input is known, nothing is lost, and key has signed.
func (s *spending) wrongMove(c *Context, key kernel.Key) *Refusal {
	tx := s.Transaction
	if !s.known[0] {
		return refuse(kernel.InputNotFound, "input not found %v:%d", tx.Inputs[0].Hash, tx.Inputs[0].Index)
	}
	if out, _ := outputSum(tx); out != s.spent[0].Amount {
		return refuse(kernel.AmountMismatch, "invalid input output amount %v %v", s.spent[0].Amount, out)
	}
	if !c.Verifier.Verify(tx, s.Signed, [][]kernel.Key{{key}}) {
		return refuse(kernel.SignatureInvalid, "batch verification failure: not signed by %v", key)
	}
	return nil
}

func oneSignature(tx *kernel.Transaction) bool {
	return tx.Aggregate == nil && len(tx.Signatures) == 1 && len(tx.Signatures[0]) == 1 && tx.Signatures[0][0].Index == 0
}

func (s *spending) unmetAccept() *Refusal {
	_, r := s.pledged(s.Transaction.Extra)
	return r
}

// pledged finds the member whose pledge the one input is.
func (s *spending) pledged(extra []byte) (*MemberRecord, *Refusal) {
	if out := &s.spent[0]; out.Type != kernel.OutputNodePledge || out.Asset != kernel.XIN {
		return nil, refuse(kernel.InputType, "input of type %#x in a %v transaction", uint8(out.Type), s.class)
	}
	m := s.pledger(extra)
	if m == nil || m.State != kernel.MemberPledging {
		return nil, refuse(kernel.MemberNotPledging, "the input is not the pledge of the member that extra names")
	}
	return m, nil
}

// pledger is the member that extra names, if the one input is what it pledged.
func (s *spending) pledger(extra []byte) *MemberRecord {
	signer, payee, ok := kernel.ParseMemberExtra(extra)
	if !ok {
		return nil
	}
	m := s.memberOf(signer)
	if m == nil || m.Collateral != s.Transaction.Inputs[0].OutputRef || m.Member.Payee != payee {
		return nil
	}
	return m
}

const viewKeySize = 32

// wrongCancel: a hundredth to the pool, the rest back, by the key that paid the pledge. [STK-14]
func (s *spending) wrongCancel(c *Context) *Refusal {
	tx := s.Transaction
	if tx.Asset != kernel.XIN || len(tx.Inputs) != 1 || len(tx.Outputs) != 2 || !oneSignature(tx) || len(tx.Extra) < viewKeySize {
		return refuse(kernel.CancelShape, "want one input, two outputs and one signature, of key 0")
	}
	back := &tx.Outputs[1]
	if tx.Outputs[0].Type != kernel.OutputNodeCancel || back.Type != kernel.OutputScript || len(back.Keys) != 1 || !bytes.Equal(back.Script, standardScript) {
		return refuse(kernel.CancelShape, "want an output of type %#x and one of one key", uint8(kernel.OutputNodeCancel))
	}
	if _, _, ok := kernel.ParseMemberExtra(cancelled(tx)); !ok {
		return refuse(kernel.MemberExtraInvalid, "extra must be that of the pledge and a private view key")
	}
	if !s.known[0] {
		return refuse(kernel.InputNotFound, "input not found %v:%d", tx.Inputs[0].Hash, tx.Inputs[0].Index)
	}
	m := s.pledger(cancelled(tx))
	if m == nil {
		return nil // not that member's pledge: see pledged
	}
	return s.wrongMove(c, m.Funding.Key)
}

// cancelled is the part of a cancellation's extra that the pledge had.
func cancelled(tx *kernel.Transaction) []byte { return tx.Extra[:len(tx.Extra)-viewKeySize] }

func (s *spending) unmetCancel() *Refusal {
	tx := s.Transaction
	m, r := s.pledged(cancelled(tx))
	if r != nil {
		return r
	}
	if want := hundredth(m.Stake); tx.Outputs[0].Amount != want {
		return refuse(kernel.CancelAmount, "%v to the pool, want %v", tx.Outputs[0].Amount, want)
	}
	view := kernel.Scalar(tx.Extra[len(tx.Extra)-viewKeySize:])
	payer, err := crypto.ViewGhost(view, m.Funding.Key, m.Funding.Mask, uint64(m.Funding.Index))
	if err != nil {
		return refuse(kernel.CancelReceiver, "view key: %v", err)
	}
	receiver, err := crypto.ViewGhost(view, tx.Outputs[1].Keys[0], tx.Outputs[1].Mask, 1)
	if err != nil || receiver != payer {
		return refuse(kernel.CancelReceiver, "the rest does not go back to whoever paid the pledge")
	}
	return nil
}

// hundredth is what cancelling costs, rounded down. [STK-14]
func hundredth(a kernel.Amount) kernel.Amount {
	hi, lo := a.Units()
	low, _ := bits.Div64(hi%100, lo, 100)
	return kernel.AmountFromUnits(hi/100, low)
}

func (s *spending) memberOf(key kernel.Key) *MemberRecord { return memberOfKey(s.view, s.network, key) }

// enroll does what a member's transaction does beside moving XIN. [STK-10]
func (x *execution) enroll(s *spending) {
	tx := s.Transaction
	if s.class == kernel.ClassNodePledge {
		x.pledge(s)
		return
	}
	signer, _, _ := kernel.ParseMemberExtra(tx.Extra)
	if s.class == kernel.ClassNodeCancel {
		signer, _, _ = kernel.ParseMemberExtra(cancelled(tx))
	}
	m := x.memberOfKey(signer)
	m.Since = x.commit.Index
	switch s.class {
	case kernel.ClassNodeAccept:
		m.State, m.Collateral = kernel.MemberJoining, kernel.OutputRef{Hash: s.Hash}
		x.setMember(m)
	case kernel.ClassNodeCancel:
		m.State, m.Collateral, m.Stake = kernel.MemberCancelled, kernel.OutputRef{}, kernel.Amount{}
		x.setMember(m)
		x.toPool(tx.Outputs[0].Amount)
		x.depart(m.ID)
	}
}

func (x *execution) pledge(s *spending) {
	tx, paid := s.Transaction, &s.spent[0]
	signer, payee, _ := kernel.ParseMemberExtra(tx.Extra)
	m := &MemberRecord{
		ID:     kernel.NodeIDOf(x.context.Network, signer),
		Member: kernel.Member{Name: kernel.MemberName(signer), Key: signer, Payee: payee},
		State:  kernel.MemberPledging, Since: x.commit.Index,
		Stake: tx.Outputs[0].Amount, Collateral: kernel.OutputRef{Hash: s.Hash},
		Funding: Funding{Key: paid.Keys[0], Mask: paid.Mask, Index: tx.Inputs[0].Index},
	}
	x.setMember(m)
	x.setIDs(rowMembers, append(x.ids(rowMembers), m.ID))
}

// depart takes a member off the list of those whose part is not over.
func (x *execution) depart(id kernel.NodeID) {
	x.setIDs(rowMembers, without(x.ids(rowMembers), id))
	x.setIDs(rowDeparted, append(x.ids(rowDeparted), id))
}

func without(ids []kernel.NodeID, id kernel.NodeID) []kernel.NodeID {
	rest := ids[:0]
	for _, other := range ids {
		if other != id {
			rest = append(rest, other)
		}
	}
	return rest
}
