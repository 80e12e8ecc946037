package pos

import (
	"bytes"

	"github.com/asterism-network/asterism/pillars"
	"github.com/asterism-network/asterism/pillars/internal/consensus"
)

// CheckCoinstake says whether a transaction only collects small outputs of the staker and splits
// large ones [PIL-POS-7]: few inputs, all plain and of the stake's owner; the marker, then few
// pieces, each back to the same address and large enough to stake; and nothing gained or lost. Whether
// its inputs are unlocked by its scripts is judged with all other transactions'.
func CheckCoinstake(p *pillars.Params, tx *pillars.Transaction, s *Stake, v View) error {
	if tx.IsSegWit() {
		return consensus.Reject(consensus.CoinstakeVersion, "%d", tx.Version)
	}
	if n := len(tx.Inputs); n > int(p.Stake.MaxInputs) {
		return consensus.Reject(consensus.CoinstakeInputs, "%d, at most %d", n, p.Stake.MaxInputs)
	}
	in, err := collected(tx, s, v)
	if err != nil {
		return err
	}
	out, err := pieces(p, tx, s.Owner)
	if err != nil {
		return err
	}
	if in != out {
		return consensus.Reject(consensus.CoinstakeValue, "%s in, %s out", in, out)
	}
	return nil
}

// collected adds up the inputs. Each names another output: Transaction.Check refuses repetitions.
func collected(tx *pillars.Transaction, s *Stake, v View) (sum pillars.Amount, err error) {
	for i := range tx.Inputs {
		from, ok := v.Stake(tx.Inputs[i].Previous)
		if !ok {
			return 0, consensus.Reject(consensus.StakeUnknown, "input %d", i)
		}
		if from.Owner != s.Owner || !from.Plain {
			return 0, consensus.Reject(consensus.CoinstakeOwner, "input %d", i)
		}
		if sum, ok = sum.Add(from.Value); !ok {
			return 0, consensus.Reject(consensus.CoinstakeValue, "inputs above %s", pillars.MaxMoney)
		}
	}
	return sum, nil
}

// pieces adds up the outputs behind the marker.
func pieces(p *pillars.Params, tx *pillars.Transaction, owner pillars.Address) (sum pillars.Amount, err error) {
	outputs := tx.Outputs[1:]
	if n := len(outputs); n > int(p.Stake.MaxPieces) {
		return 0, consensus.Reject(consensus.CoinstakePieces, "%d, at most %d", n, p.Stake.MaxPieces)
	}
	script := owner.Script()
	for i := range outputs {
		o, ok := &outputs[i], false
		if !bytes.Equal(o.Script, script) || o.Attachment.Payload != nil || o.Attachment.Version == pillars.AttachmentAvatars {
			return 0, consensus.Reject(consensus.CoinstakeOwner, "output %d", i+1)
		}
		if o.Value < p.Stake.Minimum {
			return 0, consensus.Reject(consensus.CoinstakePieces, "output %d has %s, least is %s", i+1, o.Value, p.Stake.Minimum)
		}
		if sum, ok = sum.Add(o.Value); !ok {
			return 0, consensus.Reject(consensus.CoinstakeValue, "outputs above %s", pillars.MaxMoney)
		}
	}
	return sum, nil
}

// Coinstake makes the unsigned coinstake of a stake: the stake first, then others of its owner that
// are too small to stake by themselves, smallest hopes first come; and the sum in as many least stakes as
// possible, the rest in the last piece. Others must be plain and of the same owner. It is policy: any
// transaction that passes CheckCoinstake will do.
func Coinstake(p *pillars.Params, s *Stake, others []Stake) *pillars.Transaction {
	tx := &pillars.Transaction{Version: pillars.VersionCurrent}
	sum := s.Value
	tx.Inputs = append(tx.Inputs, pillars.Input{Previous: s.Outpoint, Sequence: finalSequence})
	for i := range others {
		o := &others[i]
		if len(tx.Inputs) == int(p.Stake.MaxInputs) {
			break
		}
		more, ok := sum.Add(o.Value)
		if !ok || o.Value >= p.Stake.Minimum || o.Outpoint == s.Outpoint {
			continue
		}
		sum = more
		tx.Inputs = append(tx.Inputs, pillars.Input{Previous: o.Outpoint, Sequence: finalSequence})
	}
	tx.Outputs = append(tx.Outputs, pillars.Output{Attachment: pillars.Attachment{Version: pillars.AttachmentPlain, Payload: pillars.Null{}}})
	n := min(max(sum/p.Stake.Minimum, 1), pillars.Amount(p.Stake.MaxPieces))
	for i := range n {
		value := p.Stake.Minimum
		if i == n-1 {
			value = sum - p.Stake.Minimum*(n-1)
		}
		tx.Outputs = append(tx.Outputs, pillars.Output{Value: value, Script: s.Owner.Script(), Attachment: pillars.Attachment{Version: pillars.AttachmentPlain}})
	}
	return tx
}

// finalSequence asks for no relative lock.
const finalSequence = 0xffffffff
