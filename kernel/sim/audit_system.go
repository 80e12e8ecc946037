package sim

import (
	"fmt"

	"github.com/asterism-network/asterism/kernel"
	"github.com/asterism-network/asterism/kernel/internal/ledger"
)

// What the ledger does by itself the auditor takes over from the commit and counts: the transactions that
// it makes, which are those that the auditor expects (audit_members.go), spend what is there and create
// what they say; and the system rows. Those about members, stakes and epochs are compared with what the
// auditor knows by itself (audit_roll.go); what others should say is for the tests of package ledger.

// takeOver applies system rows and the ledger's own transactions. Where members never change there
// are none of either.
func (j *judgement) takeOver(diff *ledger.Diff) (problem string) {
	if j.roll == nil && len(diff.System)+len(diff.Issued) > 0 {
		return fmt.Sprintf("%d system rows and %d transactions of the ledger's own on a network without stakes", len(diff.System), len(diff.Issued))
	}
	for _, raw := range diff.Issued {
		if problem := j.issued(raw); problem != "" {
			return problem
		}
	}
	for _, row := range diff.System {
		if row.Value == nil {
			delete(j.system, row.Key)
		} else {
			j.system[row.Key] = row.Value
		}
	}
	return ""
}

func (j *judgement) issued(raw []byte) (problem string) {
	tx := new(kernel.Transaction)
	if err := tx.UnmarshalBinary(raw); err != nil {
		return "the ledger makes what is no transaction: " + err.Error()
	}
	hash := tx.Hash()
	if _, judged := j.receipts[hash]; judged {
		return fmt.Sprintf("the ledger makes %s again", hash.Short())
	}
	for i := range tx.Inputs {
		in := &tx.Inputs[i]
		if o := j.outputs[in.OutputRef]; in.Mint == nil && (o == nil || !o.spent.tx.IsZero()) {
			return fmt.Sprintf("the ledger's own %s spends what is not there to spend", hash.Short())
		}
	}
	for i := range tx.Outputs {
		for _, key := range tx.Outputs[i].Keys {
			if _, used := j.keys[key]; used {
				return fmt.Sprintf("the ledger's own %s uses a key again", hash.Short())
			}
		}
	}
	j.apply(tx, hash, &kernel.CommittedID{})
	return ""
}

// besides is the part of an asset that is in no output though it never left the ledger.
func (b *books) besides(id kernel.AssetID) (sum kernel.Amount) {
	if b.roll != nil && id == kernel.XIN {
		sum, _ = b.roll.pool.Add(b.roll.escrow)
	}
	return sum
}
