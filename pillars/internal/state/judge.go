package state

import (
	"github.com/asterism-network/asterism/pillars"
	"github.com/asterism-network/asterism/pillars/script"
)

// A judgement is one transaction on a draft: what it spends, and what it writes if it keeps the rules. The draft
// does not change while it is judged.
type judgement struct {
	d     *Draft
	tx    *pillars.Transaction
	id    pillars.TxID
	spent []Output        // for each input
	from  []script.Output // what their scripts say
	to    []script.Output // what the scripts of its outputs say
	check Scripts         // what is left to the scripts
	load  load

	in, out pillars.Amount
	sigops  int

	writes []Record // later ones win
	kept   int      // outputs that join the state
	burned pillars.Amount
}

// judge goes through the rules, those that cost least first.
func (d *Draft) judge(tx *pillars.Transaction) (*judgement, error) {
	j := d.newJudgement(tx)
	for _, rules := range []func() error{
		j.findInputs, j.checkTimes, j.checkValue, j.checkForms, j.checkSigOps,
		j.checkAvatarNames, j.checkLoad,
	} {
		if err := rules(); err != nil {
			return nil, err
		}
	}
	j.stageInputs()
	j.stageOutputs(false)
	return j, nil
}

func (d *Draft) newJudgement(tx *pillars.Transaction) *judgement {
	j := &judgement{d: d, tx: tx, id: tx.ID(), to: make([]script.Output, len(tx.Outputs)), check: Scripts{Tx: tx}}
	for i := range tx.Outputs {
		j.to[i] = script.Classify(tx.Outputs[i].Script)
	}
	return j
}

func (j *judgement) params() *pillars.Params { return j.d.ctx.Params }

// state reads what the draft says before the transaction.
func (j *judgement) state() Reader { return Reader{&j.d.over, j.params()} }

func (j *judgement) write(key Key, value []byte) { j.writes = append(j.writes, Record{key, value}) }

// findInputs finds what is spent, and refuses what may not be spent yet by its own nature.
func (j *judgement) findInputs() error {
	height := j.d.height
	j.spent, j.from = make([]Output, len(j.tx.Inputs)), make([]script.Output, len(j.tx.Inputs))
	for i := range j.tx.Inputs {
		o := j.tx.Inputs[i].Previous
		out, ok := j.state().Output(o)
		if !ok {
			return reject(OutputUnknown, "%s:%d", o.Tx, o.Index)
		}
		if !out.ripe(j.params(), height) {
			return reject(RewardUnripe, "%s:%d of height %d at %d", o.Tx, o.Index, out.Height, height)
		}
		from := script.Classify(out.Script)
		deposit := from.Template == script.LockHeight && out.Version != pillars.VersionSegWit
		if deposit && uint64(height) < uint64(out.Height)+uint64(from.Lock) {
			return reject(DepositLocked, "%s:%d of height %d for %d blocks, at %d", o.Tx, o.Index, out.Height, from.Lock, height)
		}
		j.spent[i], j.from[i] = out, from
		j.check.Spent = append(j.check.Spent, script.Spent{Output: out.Output, Version: out.Version})
	}
	return nil
}

// checkTimes: the transaction's lock time has passed, and what its sequences ask for too.
func (j *judgement) checkTimes() error {
	height := j.d.height
	if !script.Final(j.tx, height, j.d.median) {
		return reject(LockTimeAhead, "%d at height %d, time %d", j.tx.LockTime, height, j.d.median)
	}
	for i := range j.spent {
		lock, ok := script.Relative(j.tx, i)
		if ok && !lock.Met(j.spent[i].Height, height, j.spent[i].Median, j.d.median) {
			return reject(RelativeLockAhead, "input %d: %d blocks, %d seconds", i, lock.Blocks, lock.Seconds)
		}
	}
	return nil
}

// checkValue: nothing out of nothing, and the least fees. A coinstake moves all that it takes; version 5, whose
// transactions may be signed long before fees are known, leaves the least fee to policy.
func (j *judgement) checkValue() error {
	ok := true
	for i := range j.spent {
		if j.in, ok = j.in.Add(j.spent[i].Value); !ok {
			return reject(InputSum, "with input %d", i)
		}
	}
	j.out = sumOf(j.tx)
	fee, ok := j.in.Sub(j.out)
	switch {
	case !ok:
		return reject(ValueCreated, "%s in, %s out", j.in, j.out)
	case j.tx.IsCoinstake() && fee != 0:
		return reject(CoinstakeFee, "%s", fee)
	case j.tx.IsCoinstake() || j.tx.IsSegWit():
		return nil
	case fee < j.params().Fees.Transaction:
		return reject(FeeTooLow, "%s, least is %s", fee, j.params().Fees.Transaction)
	}
	return nil
}

// sumOf adds up the outputs of a transaction that passed its own checks, so they are in range.
func sumOf(tx *pillars.Transaction) (sum pillars.Amount) {
	for i := range tx.Outputs {
		sum += tx.Outputs[i].Value
	}
	return sum
}

// fee is what the inputs hold above the outputs.
func (j *judgement) fee() pillars.Amount { return j.in - j.out }

// checkSpecialFee: an issue or a registration costs more, of which a part is the author's and the rest may
// go to the community.
func (j *judgement) checkSpecialFee(least pillars.Amount) error {
	f := &j.params().Fees
	paid, own := j.fee(), (least*pillars.Amount(f.MinerPart)+99)/100
	if community, err := pillars.ParseAddress(f.Community, j.params().Address); err == nil {
		for i := range j.to {
			if j.to[i].Address == community && j.to[i].Template == script.PubKeyHash {
				paid += j.tx.Outputs[i].Value
			}
		}
	} else {
		own = least
	}
	if paid < least || j.fee() < own {
		return reject(SpecialFeeTooLow, "%s of which %s to the author, least is %s and %s", paid, j.fee(), least, own)
	}
	return nil
}

// checkForms: output scripts of known forms, and locks with scheduled release that go on as they must.
func (j *judgement) checkForms() error {
	if err := script.CheckOutputs(j.tx); err != nil {
		return err
	}
	if !attenuated(j.from) && !attenuated(j.to) {
		return nil
	}
	spent, depths := j.check.Spent, make([]uint32, len(j.tx.Inputs))
	for i := range j.spent {
		depths[i] = j.d.height - j.spent[i].Height
	}
	if j.tx.IsCoinbase() {
		spent = make([]script.Spent, 1) // nothing, from nowhere
	}
	return script.CheckRelease(j.tx, spent, depths)
}

func attenuated(outputs []script.Output) bool {
	for i := range outputs {
		if outputs[i].Template == script.Attenuation {
			return true
		}
	}
	return false
}

// checkSigOps counts with those of the draft: the limit is a block's.
func (j *judgement) checkSigOps() error {
	j.sigops = script.SigOps(j.tx, j.check.Spent)
	if all := j.d.sigops + j.sigops; all > int(j.params().Limits.SigOps) {
		return reject(SigOpsTooMany, "%d, at most %d", all, j.params().Limits.SigOps)
	}
	return nil
}

// stageInputs takes what is spent out of the state.
func (j *judgement) stageInputs() {
	for i := range j.spent {
		o := j.tx.Inputs[i].Previous
		j.write(OutputKey(o), nil)
		if owner, _, ok := j.spent[i].stakeLock(&j.from[i], j.params()); ok {
			j.write(LockKey(owner, o), nil)
		}
	}
}

// stageOutputs puts what can be spent again into the state; what cannot is burned.
func (j *judgement) stageOutputs(reward bool) {
	for i := range j.tx.Outputs {
		if !spendable(&j.tx.Outputs[i]) {
			j.burned += j.tx.Outputs[i].Value
			continue
		}
		out := Output{
			Output: j.tx.Outputs[i], Version: j.tx.Version, Height: j.d.height, Stamp: j.d.ctx.Stamp,
			Median: j.d.median, Reward: reward,
		}
		o := j.outpoint(i)
		j.write(OutputKey(o), out.bytes())
		j.kept++
		if owner, lock, ok := out.stakeLock(&j.to[i], j.params()); ok {
			j.write(LockKey(owner, o), lockBytes(lock))
		}
	}
}

func (j *judgement) outpoint(i int) pillars.Outpoint {
	return pillars.Outpoint{Tx: j.id, Index: uint32(i)}
}

// spendable reports whether an output can ever be spent [PIL-STA-19]: not the marker of a coinstake, not under
// a script that starts with return or is too long to run.
func spendable(o *pillars.Output) bool {
	_, marker := o.Attachment.Payload.(pillars.Null)
	return !marker && (len(o.Script) == 0 || o.Script[0] != script.OpReturn) && len(o.Script) <= script.MaxScriptSize
}

// commit puts a judged transaction onto the draft.
func (d *Draft) commit(j *judgement) {
	for _, r := range j.writes {
		d.over.put(r.Key, r.Value)
	}
	d.sigops += j.sigops
	d.head.Burned += j.burned
	d.head.Outputs += uint64(j.kept)
	d.head.Outputs -= uint64(len(j.spent))
}
