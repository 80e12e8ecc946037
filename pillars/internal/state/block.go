package state

import (
	"bytes"
	"slices"

	"github.com/asterism-network/asterism/pillars"
	"github.com/asterism-network/asterism/pillars/script"
)

// Apply judges a block on the state after its parent and returns what it does to it. The block has passed
// its other checks: Block.Check, consensus.CheckShape and Branch.Check, and its seal, for which At(v, p) is the
// pos.View. It is valid once the diff's scripts verify too.
func Apply(v View, b *pillars.Block, c Context) (*Diff, error) {
	d := NewDraft(v, c)
	diff := &Diff{Number: b.Number, Block: b.ID()}
	if err := d.addCoinbase(b.Transactions[0]); err != nil {
		return nil, err
	}
	for _, tx := range b.Transactions[1:] {
		verdict, err := d.add(tx)
		if err != nil {
			return nil, err
		}
		diff.Scripts = append(diff.Scripts, verdict.Scripts)
	}
	if err := d.settle(b.Transactions[0], c.Parent.Subsidy(c.Params, b.Seal())); err != nil {
		return nil, err
	}
	d.head.Number, d.head.Block = b.Number, diff.Block
	d.over.put(HeadKey, d.head.bytes())
	diff.Changes, diff.Fees, diff.SigOps = d.over.changes(), d.fees, d.sigops
	return diff, nil
}

// Genesis returns what block 0 does to the empty state. Its outputs are balances, not rewards: they need not ripen.
func Genesis(v View, b *pillars.Block, p *pillars.Params) *Diff {
	if _, ok := readHead(v); ok || b.Number != 0 {
		panic("state: a genesis on a state that is not empty")
	}
	d := &Draft{ctx: Context{Params: p, Stamp: b.Timestamp}, median: b.Timestamp, over: overlay{base: v, now: map[Key][]byte{}}}
	for _, tx := range b.Transactions {
		j := d.newJudgement(tx)
		j.stageOutputs(false)
		d.commit(j)
		d.head.Issued += sumOf(tx)
	}
	d.head.Block = b.ID()
	d.over.put(HeadKey, d.head.bytes())
	return &Diff{Block: d.head.Block, Changes: d.over.changes()}
}

// Check judges a transaction that waits, by itself and on the state after the tip: with the rules of a block, those
// of its scripts apart, which the verdict hands back.
func Check(v View, tx *pillars.Transaction, c Context) (Verdict, error) {
	if err := tx.Check(c.Params); err != nil {
		return Verdict{}, err
	}
	return NewDraft(v, c).Try(tx)
}

// Try judges a transaction that passed its own checks on top of the draft, which stays as it is.
func (d *Draft) Try(tx *pillars.Transaction) (Verdict, error) {
	if tx.IsCoinbase() || tx.IsCoinstake() {
		return Verdict{}, reject(OnlyInBlocks, "%s", tx.ID())
	}
	j, err := d.judge(tx)
	if err != nil {
		return Verdict{}, err
	}
	return j.verdict(), nil
}

// Add judges a transaction as Try does and, if it keeps the rules, puts it onto the draft.
func (d *Draft) Add(tx *pillars.Transaction) (Verdict, error) {
	if tx.IsCoinbase() || tx.IsCoinstake() {
		return Verdict{}, reject(OnlyInBlocks, "%s", tx.ID())
	}
	return d.add(tx)
}

func (d *Draft) add(tx *pillars.Transaction) (Verdict, error) {
	j, err := d.judge(tx)
	if err != nil {
		return Verdict{}, err
	}
	d.commit(j)
	d.fees += j.fee()
	return j.verdict(), nil
}

func (j *judgement) verdict() Verdict {
	return Verdict{ID: j.id, Fee: j.fee(), SigOps: j.sigops, Scripts: j.check, Names: j.names()}
}

// names are the records of names among what is written.
func (j *judgement) names() (all []Key) {
	for _, r := range j.writes {
		burns := r.Key[0] == tableAsset && j.load.issues == 0
		if r.Key.Named() && !burns && !slices.Contains(all, r.Key) {
			all = append(all, r.Key)
		}
	}
	return all
}

// Begin puts what a block's author adds onto an empty draft, so that all else is judged behind it: the coinbase, whose value is
// not judged, since that depends on the fees of what follows; and under stake the coinstake.
func (d *Draft) Begin(coinbase, coinstake *pillars.Transaction) error {
	if err := d.addCoinbase(coinbase); err != nil {
		return err
	}
	if coinstake == nil {
		return nil
	}
	_, err := d.add(coinstake)
	return err
}

// Fees are those of all transactions on the draft: what a coinbase may pay out beside the subsidy.
func (d *Draft) Fees() pillars.Amount { return d.fees }

// SigOps are those of all transactions on the draft.
func (d *Draft) SigOps() int { return d.sigops }

// CoinbaseScript is how the script of a coinbase begins: with its height, so that no two coinbases have one id
// [PIL-RWD-1].
func CoinbaseScript(height uint32) []byte {
	return script.AppendPush(nil, script.Number(int64(height)))
}

// addCoinbase judges all of a coinbase but its value, for which the fees must be known.
func (d *Draft) addCoinbase(tx *pillars.Transaction) error {
	height := d.height
	if !bytes.HasPrefix(tx.Inputs[0].Script, CoinbaseScript(height)) {
		return reject(CoinbaseHeight, "%x at height %d", tx.Inputs[0].Script, height)
	}
	j := d.newJudgement(tx)
	for _, rules := range []func() error{j.checkTimes, j.checkForms, j.checkSigOps, j.checkAvatarNames, j.checkMined, j.checkNew} {
		if err := rules(); err != nil {
			return err
		}
	}
	j.stageOutputs(true)
	d.commit(j)
	return nil
}

// checkNew: an unspent output keeps its name to itself. Only coinbases can repeat one: other transactions
// spend something that can be spent once.
func (j *judgement) checkNew() error {
	for i := range j.tx.Outputs {
		if o := j.outpoint(i); j.d.over.has(OutputKey(o)) {
			return reject(OutputExists, "%s:%d", o.Tx, o.Index)
		}
	}
	return nil
}

// checkMined judges the asset that a block creates for its author, at most one [PIL-RWD-4] to [PIL-RWD-6].
func (j *judgement) checkMined() error {
	mined := 0
	for i := range j.tx.Outputs {
		v, ok := j.tx.Outputs[i].Attachment.Payload.(pillars.AssetTransfer)
		if !ok {
			continue
		}
		mined++
		most, live := j.state().Mineable(v.Symbol, j.d.height)
		switch {
		case mined > 1:
			return reject(MinedTwice, "output %d", i)
		case j.tx.Outputs[i].Value != 0:
			return reject(MinedValue, "output %d has %s", i, j.tx.Outputs[i].Value)
		case !live:
			return reject(MinedUnknown, "%s", v.Symbol)
		case v.Quantity > most:
			return reject(MinedTooMuch, "%d of %s, at most %d", v.Quantity, v.Symbol, most)
		}
		asset := j.mustAsset(v.Symbol)
		asset.Mined += v.Quantity
		asset.Burned += j.burnedOf(v.Symbol)
		j.write(AssetKey(v.Symbol), asset.bytes())
	}
	return nil
}

// settle: a coinbase pays out the fees and at most the subsidy, and never more than all money [PIL-RWD-2]. What
// it leaves of the fees is burned.
func (d *Draft) settle(coinbase *pillars.Transaction, subsidy pillars.Amount) error {
	paid := sumOf(coinbase)
	if paid <= d.fees {
		d.head.Burned += d.fees - paid
		return nil
	}
	created := paid - d.fees
	issued, ok := d.head.Issued.Add(created)
	if !ok || created > subsidy {
		return reject(CoinbaseValue, "%s, of which %s fees and at most %s", paid, d.fees, subsidy)
	}
	d.head.Issued = issued
	return nil
}
