package sim

import (
	"slices"
	"strings"

	"github.com/asterism-network/asterism/internal/crypto"
	"github.com/asterism-network/asterism/kernel"
)

// This file is the table of rules in docs/spec/ledger.md, row by row.

// formRule is the first rule that the signed bytes alone break, 0 for none. Which of several it
// is has no effect.
func formRule(tx *kernel.Transaction, size int) kernel.Rule {
	for _, rule := range []func(*kernel.Transaction) kernel.Rule{
		countsRule, inputsRule, outputsRule, extraRule, depositRule, withdrawalRule, authorizationRule, pointsRule,
	} {
		if broken := rule(tx); broken != 0 {
			return broken
		}
	}
	if size > 4<<20 { // TX-9
		return kernel.TransactionTooLarge
	}
	return 0
}

// countsRule is TX-2 to TX-6 as far as they count.
func countsRule(tx *kernel.Transaction) kernel.Rule {
	switch {
	case len(tx.Inputs) == 0 || len(tx.Outputs) == 0:
		return kernel.UnknownClass
	case len(tx.Inputs) > 256:
		return kernel.TooManyInputs
	case len(tx.Outputs) > 256:
		return kernel.TooManyOutputs
	case slices.ContainsFunc(tx.Outputs, func(o kernel.Output) bool { return len(o.Keys) > 256 }):
		return kernel.TooManyKeys
	case len(tx.References) > 16:
		return kernel.TooManyReferences
	}
	return 0
}

// inputsRule is TX-2, TX-7, TX-10 and TX-34.
func inputsRule(tx *kernel.Transaction) kernel.Rule {
	class := tx.Class()
	seen := make(map[kernel.OutputRef]bool, len(tx.Inputs))
	for i := range tx.Inputs {
		in := &tx.Inputs[i]
		switch {
		case len(in.Genesis) > 0:
			return kernel.GenesisInput
		case class == kernel.ClassUnknown, in.Deposit != nil && class != kernel.ClassDeposit:
			return kernel.UnknownClass
		case in.Index > 1024:
			return kernel.InputIndexRange
		case seen[in.OutputRef]:
			return kernel.InputDuplicate
		}
		seen[in.OutputRef] = true
	}
	return 0
}

// bare lists the output types that stand without keys, mask and script. [TX-17]
func bare(t kernel.OutputType) bool {
	return t == 0xa1 || t == 0xa3 || t == 0xa4 || t == 0xa9 || t == 0xaa
}

// outputsRule is TX-11, TX-12, TX-16 and TX-17.
func outputsRule(tx *kernel.Transaction) kernel.Rule {
	var sum kernel.Amount
	for i := range tx.Outputs {
		out := &tx.Outputs[i]
		var ok bool
		switch sum, ok = sum.Add(out.Amount); {
		case out.Amount.IsZero():
			return kernel.AmountZero
		case !ok:
			return kernel.AmountOverflow
		case out.Withdrawal != nil && out.Type != 0xa1:
			return kernel.OutputShape
		case bare(out.Type) && (len(out.Keys) > 0 || len(out.Script) > 0 || out.Mask != kernel.Key{}):
			return kernel.OutputShape
		case !bare(out.Type) && !goodScript(out.Script):
			return kernel.ScriptInvalid
		}
	}
	return 0
}

func goodScript(s kernel.Script) bool {
	return len(s) == 3 && s[0] == 0xff && s[1] == 0xfe && s[2] <= 64
}

// extraRule is TX-8: an output that nobody can spend pays for storage.
func extraRule(tx *kernel.Transaction) kernel.Rule {
	allowed := uint64(256)
	for i := range tx.Outputs {
		out := &tx.Outputs[i]
		if tx.Asset != kernel.XIN || len(out.Keys) != 1 || !goodScript(out.Script) || out.Script[2] != 0x40 {
			continue
		}
		const most = 4 << 20
		switch hi, lo := out.Amount.Units(); {
		case out.Type == kernel.OutputCustodianUpdate: // of a class without rules yet
			allowed = most
		case out.Type != kernel.OutputScript:
		case hi > 0 || lo/10_000 > most/1024:
			allowed = most
		default:
			allowed = max(allowed, lo/10_000*1024)
		}
	}
	if uint64(len(tx.Extra)) > allowed {
		return kernel.ExtraTooLarge
	}
	return 0
}

// depositRule is TX-32, with what a deposit makes of TX-11, TX-18 and TX-25.
func depositRule(tx *kernel.Transaction) kernel.Rule {
	if tx.Class() != kernel.ClassDeposit {
		return 0
	}
	d := tx.Inputs[0].Deposit
	spaced := func(s string) bool { return s == "" || strings.TrimSpace(s) != s }
	switch {
	case len(tx.Inputs) != 1, len(tx.Outputs) != 1, tx.Outputs[0].Type != kernel.OutputScript, tx.Inputs[0].OutputRef != kernel.OutputRef{},
		tx.Asset == kernel.AssetID{}, d.Chain == kernel.AssetID{}, spaced(d.AssetKey), spaced(d.Transaction):
		return kernel.DepositShape
	case d.Amount.IsZero():
		return kernel.AmountZero
	case d.Amount != tx.Outputs[0].Amount:
		return kernel.AmountMismatch
	case tx.Aggregate != nil, len(tx.Signatures) != 1, len(tx.Signatures[0]) != 1, tx.Signatures[0][0].Index != 0:
		return kernel.SignatureShape
	}
	return 0
}

// withdrawalRule is TX-33.
func withdrawalRule(tx *kernel.Transaction) kernel.Rule {
	if tx.Class() != kernel.ClassWithdrawalSubmit {
		return 0
	}
	first := &tx.Outputs[0]
	if first.Type != kernel.OutputWithdrawalSubmit || first.Withdrawal == nil || first.Withdrawal.Address == "" {
		return kernel.WithdrawalShape
	}
	for _, out := range tx.Outputs[1:] {
		if out.Type != kernel.OutputScript {
			return kernel.WithdrawalShape
		}
	}
	return 0
}

// spends reports whether the transaction is of a class that spends outputs and has rules.
func spends(tx *kernel.Transaction) bool {
	return tx.Class() == kernel.ClassScript || tx.Class() == kernel.ClassWithdrawalSubmit
}

// authorizationRule is what of TX-18 and TX-19 needs no state.
func authorizationRule(tx *kernel.Transaction) kernel.Rule {
	if !spends(tx) {
		return 0
	}
	return signaturesForm(tx)
}

// signaturesForm: a map for each input or one aggregate, places ascend.
func signaturesForm(tx *kernel.Transaction) kernel.Rule {
	if a := tx.Aggregate; a != nil {
		switch {
		case len(tx.Signatures) > 0:
			return kernel.SignatureShape
		case len(a.Signers) < len(tx.Inputs):
			return kernel.ThresholdNotMet
		}
		for i := 1; i < len(a.Signers); i++ {
			if a.Signers[i] <= a.Signers[i-1] {
				return kernel.SignatureShape
			}
		}
		return 0
	}
	if len(tx.Signatures) != len(tx.Inputs) {
		return kernel.SignatureShape
	}
	for _, m := range tx.Signatures {
		if len(m) == 0 {
			return kernel.ThresholdNotMet
		}
		for i := 1; i < len(m); i++ {
			if m[i].Index <= m[i-1].Index {
				return kernel.SignatureShape
			}
		}
	}
	return 0
}

// pointsRule is TX-13 to TX-15.
func pointsRule(tx *kernel.Transaction) kernel.Rule {
	seen := make(map[kernel.Key]bool)
	for i := range tx.Outputs {
		out := &tx.Outputs[i]
		if !bare(out.Type) && (out.Mask == kernel.Key{} || !crypto.CanonicalPoint(out.Mask)) {
			return kernel.MaskInvalid
		}
		for _, key := range out.Keys {
			switch {
			case seen[key]:
				return kernel.OutputKeyDuplicate
			case !crypto.CurveKey(key):
				return kernel.OutputKeyInvalid
			}
			seen[key] = true
		}
	}
	return 0
}

// A hit is something that a transaction wants to take and that is taken.
type hit struct {
	rule kernel.Rule
	by   use
}

// taken lists the hits of line 3: inputs, then output keys, then identities. [EXE-4] [EXE-5]
func (b *books) taken(tx *kernel.Transaction) (hits []hit) {
	for i := range tx.Inputs {
		in := &tx.Inputs[i]
		if o := b.outputs[in.OutputRef]; in.Deposit == nil && in.Mint == nil && o != nil && !o.spent.tx.IsZero() {
			hits = append(hits, hit{kernel.InputSpent, o.spent})
		}
	}
	for i := range tx.Outputs {
		for _, key := range tx.Outputs[i].Keys {
			if by, used := b.keys[key]; used {
				hits = append(hits, hit{kernel.GhostKeyUsed, by})
			}
		}
	}
	for i := range tx.Inputs {
		if d := tx.Inputs[i].Deposit; d != nil {
			if by, used := b.identities[d.Identity()]; used {
				hits = append(hits, hit{kernel.DepositUsed, by})
			}
		}
	}
	return hits
}

// wrongForEver is line 4: TX-18 to TX-21, TX-25 and the custodian's signature.
func (b *books) wrongForEver(tx *kernel.Transaction, hash kernel.TxHash) kernel.Rule {
	if tx.Class() == kernel.ClassDeposit {
		if b.custodian != nil && !crypto.Verify(*b.custodian, hash[:], tx.Signatures[0][0].Signature) {
			return kernel.DepositCustodian
		}
		return 0
	}
	if !spends(tx) {
		return 0
	}
	if rule := b.sumsRule(tx); rule != 0 {
		return rule
	}
	return b.authorized(tx, hash)
}

// sumsRule: inputs are known, and nothing is made or lost.
func (b *books) sumsRule(tx *kernel.Transaction) kernel.Rule {
	var in, out account
	for i := range tx.Inputs {
		o := b.outputs[tx.Inputs[i].OutputRef]
		if o == nil {
			return kernel.InputNotFound
		}
		in.add(&in.Unspent, o.Amount)
	}
	for i := range tx.Outputs {
		out.add(&out.Unspent, tx.Outputs[i].Amount)
	}
	if in != out || in.broken {
		return kernel.AmountMismatch
	}
	return 0
}

// authorized: the keys of what is spent have signed.
func (b *books) authorized(tx *kernel.Transaction, hash kernel.TxHash) kernel.Rule {
	if tx.Aggregate != nil {
		return b.aggregateRule(tx, hash)
	}
	return b.signaturesRule(tx, hash)
}

// signaturesRule verifies one signature after the other.
func (b *books) signaturesRule(tx *kernel.Transaction, hash kernel.TxHash) kernel.Rule {
	for i, m := range tx.Signatures {
		o := b.outputs[tx.Inputs[i].OutputRef]
		if !enough(o, len(m)) {
			return kernel.ThresholdNotMet
		}
		for _, s := range m {
			if int(s.Index) >= len(o.Keys) {
				return kernel.SignatureShape
			}
			if !crypto.Verify(o.Keys[s.Index], hash[:], s.Signature) {
				return kernel.SignatureInvalid
			}
		}
	}
	return 0
}

// aggregateRule counts each signer for the input whose keys it falls into.
func (b *books) aggregateRule(tx *kernel.Transaction, hash kernel.TxHash) kernel.Rule {
	var keys []kernel.Key
	signed := make(map[uint16]bool, len(tx.Aggregate.Signers))
	for _, s := range tx.Aggregate.Signers {
		signed[s] = true
	}
	counted := 0
	for i := range tx.Inputs {
		o, signers := b.outputs[tx.Inputs[i].OutputRef], 0
		for range o.Keys {
			if signed[uint16(len(keys))] {
				signers++
			}
			keys = append(keys, o.Keys[len(keys)-counted])
		}
		counted = len(keys)
		if !enough(o, signers) {
			return kernel.ThresholdNotMet
		}
	}
	if last := tx.Aggregate.Signers[len(tx.Aggregate.Signers)-1]; int(last) >= len(keys) {
		return kernel.SignatureShape
	}
	if !crypto.AggregateVerify(keys, tx.Aggregate.Signers, hash, tx.Aggregate.Signature) {
		return kernel.SignatureInvalid
	}
	return 0
}

// enough: at least one signature, and as many as the script of the output asks.
func enough(o *held, signatures int) bool {
	return goodScript(o.Script) && signatures >= 1 && signatures >= int(o.Script[2])
}

// wrongNow is line 5: TX-23, TX-24, TX-27, TX-29, TX-30, TX-31 and TX-35.
func (b *books) wrongNow(tx *kernel.Transaction, now kernel.CommitIndex) kernel.Rule {
	switch {
	case tx.Class() == kernel.ClassDeposit:
		if rule := b.depositNow(tx.Asset, tx.Inputs[0].Deposit); rule != 0 {
			return rule
		}
	case !spends(tx):
		return kernel.ClassNotActive
	}
	for i := range tx.Inputs {
		o := b.outputs[tx.Inputs[i].OutputRef]
		switch {
		case tx.Inputs[i].Deposit != nil:
		case o.asset != tx.Asset:
			return kernel.InputAsset
		case b.roll != nil && b.roll.locked[tx.Inputs[i].OutputRef] >= now:
			return kernel.OutputLocked
		case o.Type != kernel.OutputScript && (o.Type != kernel.OutputNodeRemove || tx.Class() != kernel.ClassScript):
			return kernel.InputType
		}
	}
	for _, ref := range tx.References {
		if b.receipts[ref].Status != kernel.Final {
			return kernel.ReferenceNotFound
		}
	}
	return 0
}

func (b *books) depositNow(id kernel.AssetID, d *kernel.Deposit) kernel.Rule {
	asset, known := b.assets[id]
	_, inRange := asset.Deposited.Add(d.Amount)
	total, ok := asset.Unspent.Add(d.Amount)
	switch {
	case b.custodian == nil:
		return kernel.DepositCustodian
	case known && (asset.Chain != d.Chain || asset.Key != d.AssetKey):
		return kernel.DepositAsset
	case !ok, !inRange, !asset.Ceiling.IsZero() && total.Compare(asset.Ceiling) >= 0:
		return kernel.DepositCeiling
	}
	return 0
}
