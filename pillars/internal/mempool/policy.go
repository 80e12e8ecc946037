package mempool

import (
	"github.com/asterism-network/asterism/pillars"
	"github.com/asterism-network/asterism/pillars/internal/state"
	"github.com/asterism-network/asterism/pillars/script"
)

func verifyScripts(s state.Scripts) error { return s.Verify(script.Standard) }

// feeSize is the size that the least fee is asked for: all bytes, but those of witnesses count a quarter, as the
// wallets of Bitcoin, which make such transactions, reckon [PIL-MEM-5].
func feeSize(tx *pillars.Transaction, size int) int {
	if !tx.IsSegWit() || !tx.HasWitness() {
		return size
	}
	base := len(tx.AppendBitcoin(nil, false)) + 4
	return base + (size-base+3)/4
}

// feeFor is what so many bytes cost, rounded up.
func feeFor(perKilo pillars.Amount, size int) pillars.Amount {
	return (perKilo*pillars.Amount(size) + 999) / 1000
}

// checkForm judges what needs no state: bytes, signatures as far as the scripts show them, dust.
func (p *Pool) checkForm(tx *pillars.Transaction, size int) error {
	if size > p.limits.Size {
		return reject(SizeTooLarge, "%d bytes, at most %d are relayed", size, p.limits.Size)
	}
	for i := range tx.Outputs {
		if least := p.dustBelow(tx, &tx.Outputs[i]); tx.Outputs[i].Value < least {
			return reject(Dust, "output %d has %s, spending it costs %s", i, tx.Outputs[i].Value, least)
		}
	}
	return nil
}

// Bytes that it takes to spend an output: outpoint, sequence and a signature with its key, in a witness a
// quarter of these two.
const (
	spendBytes        = 148
	spendWitnessBytes = 67
	dustFactor        = 3
)

// dustBelow is the least value of an output of nothing but ETP: three times what it costs to make and spend it [PIL-MEM-4].
// Other things may stand beside nothing, and what nobody can spend is nobody's burden.
func (p *Pool) dustBelow(tx *pillars.Transaction, o *pillars.Output) pillars.Amount {
	if o.Attachment.Payload != nil || len(o.Script) > 0 && o.Script[0] == script.OpReturn {
		return 0
	}
	size := 8 + 1 + len(o.Script)
	if script.Classify(o.Script).Template.Witness() {
		size += spendWitnessBytes
	} else {
		size += spendBytes
	}
	return dustFactor * feeFor(p.limits.RelayFee, size)
}

// signals reports whether a transaction says by a sequence that it may be replaced, as BIP 125 has it.
func signals(tx *pillars.Transaction) bool {
	const last = 0xffffffff - 2
	for i := range tx.Inputs {
		if tx.Inputs[i].Sequence <= last {
			return true
		}
	}
	return false
}
