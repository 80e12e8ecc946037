package script

import (
	"fmt"

	"github.com/btcsuite/btcd/txscript/v2"

	"github.com/asterism-network/asterism/pillars"
)

// A Spent is an output that a transaction spends, and the version of the transaction that made it.
type Spent struct {
	Output  pillars.Output
	Version uint32
}

// A Checker judges the inputs of one transaction. Its methods may run side by side.
type Checker struct {
	tx    *pillars.Transaction
	spent []Spent
	flags Flags
	// Version 5 only: the transaction as btcd has it, its parts that every signature hashes, and
	// all outputs that it spends.
	bitcoin *bitcoin
}

// NewChecker prepares a transaction that spends the given outputs, one for each input and in
// their order. The slices must not change while the checker is in use.
func NewChecker(tx *pillars.Transaction, spent []Spent, flags Flags) *Checker {
	if len(spent) != len(tx.Inputs) {
		panic("script: one spent output an input")
	}
	c := &Checker{tx: tx, spent: spent, flags: flags}
	if tx.IsSegWit() {
		c.bitcoin = newBitcoin(tx, spent)
	}
	return c
}

// Verify judges all inputs, one after the other.
func (c *Checker) Verify() error {
	for i := range c.tx.Inputs {
		if err := c.Input(i); err != nil {
			return err
		}
	}
	return nil
}

// Input judges one input: whether this kind of transaction may spend such an output [PIL-SPD-1],
// and whether its script allows it.
func (c *Checker) Input(i int) error {
	output := c.spent[i].Output.Script
	if !spendable(c.tx, i, c.spent[i]) {
		return reject(WrongKind, "input %d: an output of version %d under version %d", i, c.spent[i].Version, c.tx.Version)
	}
	if c.tx.IsSegWit() {
		return c.bitcoin.verify(i, c.flags)
	}
	m := &machine{tx: c.tx, input: i, flags: c.flags}
	switch Classify(output).Template {
	case LockHeight, Attenuation, SequenceLock: // wallets of the running network push these otherwise
		m.flags &^= MinimalPush
	}
	m.sigHash = func(code []byte, kind byte) pillars.Hash { return SignatureHash(c.tx, i, code, kind) }
	return m.verify(output)
}

// spendable: who has the hash of a key may be paid and pay in either kind, witness programs are
// spent by version 5, everything else by the kind that made it. A script hash is a witness program
// if what the input opens it with is one: the other kinds would see a script that asks for no
// signature. What is not plain ETP is never spent by version 5, which could not carry it on.
func spendable(tx *pillars.Transaction, input int, from Spent) bool {
	kind := Classify(from.Output.Script).Template
	switch {
	case tx.IsSegWit() && from.Output.Attachment.Type() != pillars.TypeETP:
		return false
	case kind == PubKeyHash:
		return true
	case kind.Witness() || isScriptHash(from.Output.Script) && Classify(redeem(tx.Inputs[input].Script)).Template.Witness():
		return tx.IsSegWit()
	}
	return tx.IsSegWit() == (from.Version == pillars.VersionSegWit)
}

// redeem is what an input's script leaves for a script hash to run: the last thing that it pushes.
func redeem(input []byte) []byte {
	all, ok := instructions(input)
	if !ok || len(all) == 0 {
		return nil
	}
	return all[len(all)-1].data
}

// CheckOutputs judges the forms of a transaction's output scripts [PIL-TPL-2] [PIL-TPL-3]. A
// transaction of version 5 pays to what Bitcoin allows, which is anything.
func CheckOutputs(tx *pillars.Transaction) error {
	if tx.IsSegWit() {
		return nil
	}
	for i := range tx.Outputs {
		o := &tx.Outputs[i]
		out := Classify(o.Script)
		marker := i == 0 && tx.IsCoinstake()
		if out.Template.Witness() && o.Attachment.Type() != pillars.TypeETP {
			return reject(OutputWitness, "output %d", i)
		}
		if tx.Version >= pillars.VersionTemplate && (out.Template == Unknown || (out.Template == Empty) != marker) {
			return reject(OutputTemplate, "output %d: %.100s", i, Text(o.Script))
		}
		if out.Template == Attenuation {
			if err := checkLocked(o, out); err != nil {
				return fmt.Errorf("output %d: %w", i, err)
			}
		}
	}
	return nil
}

// SigOps counts the signatures that a transaction may ask for, as blocks bound them: those that
// stand in its scripts, a multisig without a number before it as twenty; and those in the redeem
// and witness scripts of what it spends, if that is given.
func SigOps(tx *pillars.Transaction, spent []Spent) int {
	n := 0
	for i := range tx.Inputs {
		n += countSigOps(tx.Inputs[i].Script, false)
	}
	for i := range tx.Outputs {
		n += countSigOps(tx.Outputs[i].Script, false)
	}
	for i := range spent {
		n += spentSigOps(&tx.Inputs[i], spent[i].Output.Script)
	}
	return n
}

func spentSigOps(in *pillars.Input, output []byte) int {
	n := txscript.GetWitnessSigOpCount(in.Script, output, in.Witness)
	if isScriptHash(output) && PushOnly(in.Script) {
		n += countSigOps(redeem(in.Script), true)
	}
	return n
}

func countSigOps(script []byte, exact bool) int {
	n := 0
	last := instruction{op: 0xff}
	for at := 0; at < len(script); {
		in, ok := next(script, at)
		if !ok {
			break
		}
		switch in.op {
		case OpCheckSig, OpCheckSigVerify:
			n++
		case OpCheckMultiSig, OpCheckMultiSigVerify:
			if keys := small(last); exact && keys > 0 {
				n += keys
			} else {
				n += maxKeys
			}
		}
		last, at = in, in.next
	}
	return n
}
