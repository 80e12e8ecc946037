package sim

import (
	"fmt"

	"github.com/asterism-network/asterism/kernel"
	"github.com/asterism-network/asterism/kernel/internal/ledger"
)

// What the ledger does by itself the auditor takes over from the commit and counts: the system
// rows, and the transactions that the ledger makes, which spend what is there, create what they
// say and neither make nor lose coins. What the rows should say is for the tests of package ledger
// and for checker C9.

// takeOver applies system rows and the ledger's own transactions. Where members never change there
// are none of either.
func (j *judgement) takeOver(diff *ledger.Diff) (problem string) {
	if !j.stakes && len(diff.System)+len(diff.Issued) > 0 {
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

// follow takes over what the ledger said of a member's transaction, if no coin is made or lost by it.
func (j *judgement) follow(tx *kernel.Transaction, hash kernel.TxHash, s *kernel.CommittedID) {
	var in, out account
	for i := range tx.Inputs {
		if o := j.outputs[tx.Inputs[i].OutputRef]; o != nil {
			in.add(&in.Unspent, o.Amount)
		}
	}
	for i := range tx.Outputs {
		out.add(&out.Unspent, tx.Outputs[i].Amount)
	}
	switch given, judged := j.given[hash]; {
	case in != out || in.broken:
		j.say(hash, "makes or loses coins")
	case !judged || given.Status != kernel.Final:
		j.say(hash, "breaks a rule of members")
	default:
		j.apply(tx, hash, s)
	}
}

// besides is the part of an asset that is in no output though it never left the ledger.
func (b *books) besides(id kernel.AssetID) (sum kernel.Amount) {
	if row, ok := b.system[ledger.RowStake]; ok && id == kernel.XIN {
		var state ledger.StakeState
		if state.UnmarshalBinary(row) == nil {
			sum, _ = state.Pool.Add(state.Escrow)
		}
	}
	return sum
}
