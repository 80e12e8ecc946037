package sim

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"math/big"
	"slices"

	"github.com/asterism-network/asterism/pillars"
)

// A referee judges a finished chain a second time, from the first block on and as docs/spec says it: with whole numbers of
// any size, lists of all headers, and none of the code that nodes judge with. It reads blocks, nothing else.
type referee struct {
	p       *pillars.Params
	headers []*pillars.Header
	normal  []*big.Int // of each block: its difficulty without the valve's factor; nil of the genesis
	weight  *big.Int
	mod     [32]byte
	coins   map[pillars.Outpoint]coin
	issued  pillars.Amount
	burned  pillars.Amount
	fees    pillars.Amount
	uses    map[string]uint32 // stake and second -> height
}

// A coin is an unspent output as the referee knows it.
type coin struct {
	value pillars.Amount

	height uint32
	stamp  uint32
}

// A finding is a broken rule.
type finding struct {
	rule   string
	height uint32
	detail string
}

func (f *finding) Error() string {
	return fmt.Sprintf("the referee finds %s broken at height %d: %s", f.rule, f.height, f.detail)
}

// referee rules a chain that starts with its genesis.
func refer(p *pillars.Params, blocks []*pillars.Block) (*referee, error) {
	r := &referee{p: p, weight: new(big.Int), coins: map[pillars.Outpoint]coin{}, uses: map[string]uint32{}}
	for i, b := range blocks {
		if i > 0 {
			if err := r.rule(b); err != nil {
				return r, err
			}
		}
		r.add(b)
	}
	return r, nil
}

func (r *referee) rule(b *pillars.Block) error {
	h := &b.Header
	no := func(rule, format string, args ...any) error {
		return &finding{rule, h.Number, fmt.Sprintf(format, args...)}
	}
	parent := r.headers[len(r.headers)-1]
	if int(h.Number) != len(r.headers) || h.Previous != parent.ID() {
		return no("PIL-BR-1", "number or parent")
	}
	if b.Extension.Modifier != pillars.Hash(r.mod) {
		return no("PIL-KND-7", "modifier")
	}
	if median := r.median(); h.Timestamp <= median {
		return no("PIL-TIM-1", "stamp %d, median %d", h.Timestamp, median)
	}
	if h.Timestamp < parent.Timestamp || h.Seal() == pillars.PoS && h.Timestamp == parent.Timestamp {
		return no("PIL-TIM-2", "stamp %d, parent %d", h.Timestamp, parent.Timestamp)
	}
	shown, _, err := r.difficulty(h)
	if err != nil {
		return err
	}
	if h.Bits.ToBig().Cmp(shown) != 0 {
		return no("PIL-DIF-1", "difficulty %s, want %s", h.Bits.Dec(), shown)
	}
	if h.Seal() == pillars.PoS {
		if err := r.stake(b); err != nil {
			return err
		}
	}
	return r.money(b, no)
}

// last is the place of the last block with a seal before a place, or 0.
func (r *referee) last(seal pillars.Seal, before int) int {
	for i := before - 1; i > 0; i-- {
		if r.headers[i].Seal() == seal {
			return i
		}
	}
	return 0
}

func (r *referee) median() uint32 {
	n := min(int(r.p.Time.MedianBlocks), len(r.headers))
	var stamps []uint32
	for _, h := range r.headers[len(r.headers)-n:] {
		stamps = append(stamps, h.Timestamp)
	}
	slices.Sort(stamps)
	return stamps[n/2]
}

// difficulty is what a header must show, and its normal difficulty.
func (r *referee) difficulty(h *pillars.Header) (shown, normal *big.Int, err error) {
	n := len(r.headers)
	work, stake := r.last(pillars.PoW, n), r.last(pillars.PoS, n)
	judged := h.Number > r.p.Runs.Grace
	if h.Seal() == pillars.PoW {
		normal = r.p.PoW.Minimum.ToBig()
		if work > 0 {
			normal = retarget(&r.p.PoW, r.normal[work], int64(h.Timestamp)-int64(r.headers[work].Timestamp))
		}
		if run := n - 1 - stake; judged && run >= int(r.p.Runs.PoW) { // all since the last PoS block are work
			if uint64(h.Timestamp) < uint64(r.headers[stake].Timestamp)+uint64(r.p.Runs.ValveSeconds) {
				return nil, nil, &finding{"PIL-RUN-1", h.Number, fmt.Sprintf("%d blocks of work since the last stake", run)}
			}
			return new(big.Int).Mul(normal, big.NewInt(int64(r.p.Runs.ValveFactor))), normal, nil
		}
		return normal, normal, nil
	}
	normal = r.p.PoS.Minimum.ToBig()
	if before := r.last(pillars.PoS, stake); stake > 0 && before > 0 {
		normal = retarget(&r.p.PoS, r.normal[stake], int64(r.headers[stake].Timestamp)-int64(r.headers[before].Timestamp))
	}
	if run := n - 1 - work; judged && run >= int(r.p.Runs.PoS) {
		return nil, nil, &finding{"PIL-RUN-3", h.Number, fmt.Sprintf("%d blocks of stake since the last work", run)}
	}
	return normal, normal, nil
}

// retarget is PIL-DIF-2.
func retarget(p *pillars.RetargetParams, before *big.Int, dt int64) *big.Int {
	a := max(int64(p.Up)-dt*1000/int64(p.DivisorMilli), -int64(p.Down))
	step := new(big.Int).Quo(before, big.NewInt(int64(p.Scale)))
	next := step.Add(step.Mul(step, big.NewInt(a)), before)
	if least := p.Minimum.ToBig(); next.Cmp(least) < 0 {
		return least
	}
	return next
}

// stake is PIL-POS-1 to 4, and that no stake is used twice in a second on one chain.
func (r *referee) stake(b *pillars.Block) error {
	no := func(rule, format string, args ...any) error {
		return &finding{rule, b.Number, fmt.Sprintf(format, args...)}
	}
	at := b.Transactions[1].Inputs[0].Previous
	c, ok := r.coins[at]
	if !ok || c.value < r.p.Stake.Minimum {
		return no("PIL-POS-1", "stake %s", at.Tx.Short())
	}
	d := b.Bits.ToBig()
	sum := new(big.Int).Add(r.p.Stake.MaturityBase.ToBig(), d)
	need := new(big.Int).Mul(d, big.NewInt(int64(r.p.Stake.MaturityScale)))
	need.Add(need, new(big.Int).Rsh(sum, 1)).Quo(need, sum)
	if age := int64(b.Number) - 1 - int64(c.height); age < need.Int64() || age < int64(r.p.Stake.MaturityMin) {
		return no("PIL-POS-4", "an age of %d heights, %s asked", age, need)
	}
	hash := tagged("asterism pillars stake", r.mod[:], le32(c.stamp), at.Bytes(), le32(b.Timestamp))
	top := new(big.Int).Lsh(big.NewInt(1), 256)
	bound := new(big.Int).Quo(top.Sub(top, big.NewInt(1)), d)
	bound.Mul(bound, new(big.Int).SetUint64(uint64(c.value)))
	if new(big.Int).SetBytes(hash[:]).Cmp(bound) >= 0 {
		return no("PIL-POS-3", "stake hash too high")
	}
	use := string(at.Bytes()) + string(le32(b.Timestamp))
	if before, twice := r.uses[use]; twice {
		return no("PIL-POS-8", "stake used at height %d in the same second", before)
	}
	r.uses[use] = b.Number
	return nil
}

// money: every input exists, nothing but the subsidy is created.
func (r *referee) money(b *pillars.Block, no func(string, string, ...any) error) error {
	r.fees = 0
	for _, tx := range b.Transactions[1:] {
		in, out := pillars.Amount(0), total(tx)
		for i := range tx.Inputs {
			c, ok := r.coins[tx.Inputs[i].Previous]
			if !ok {
				return no("PIL-STA-10", "an input that is not there")
			}
			in += c.value
		}
		if in < out {
			return no("PIL-STA-16", "%s in, %s out", in, out)
		}
		r.fees += in - out
	}
	if paid := total(b.Transactions[0]); paid > r.fees+r.subsidy(b) {
		return no("PIL-RWD-2", "%s paid", paid)
	}
	return nil
}

func (r *referee) subsidy(b *pillars.Block) pillars.Amount {
	initial := r.p.Subsidy.PoW
	if b.Seal() == pillars.PoS {
		initial = r.p.Subsidy.PoS
	}
	value := new(big.Int).SetUint64(uint64(initial))
	n := big.NewInt(int64(b.Number / r.p.Subsidy.Interval))
	value.Mul(value, new(big.Int).Exp(big.NewInt(int64(r.p.Subsidy.Num)), n, nil))
	return pillars.Amount(value.Quo(value, new(big.Int).Exp(big.NewInt(int64(r.p.Subsidy.Den)), n, nil)).Uint64())
}

// add puts a block that keeps the rules onto the chain.
func (r *referee) add(b *pillars.Block) {
	var normal *big.Int
	if len(r.headers) > 0 {
		_, normal, _ = r.difficulty(&b.Header)
	}
	w := normal
	if b.Seal() == pillars.PoS {
		w = r.p.PoW.Minimum.ToBig()
		if last := r.last(pillars.PoW, len(r.headers)); last > 0 {
			w = new(big.Int).Set(r.normal[last])
		}
		w.Mul(w, big.NewInt(int64(r.p.Weight.PoSNum))).Quo(w, big.NewInt(int64(r.p.Weight.PoSDen)))
	}
	if w != nil {
		r.weight.Add(r.weight, w)
	}
	r.headers, r.normal = append(r.headers, &b.Header), append(r.normal, normal)
	r.modify(b)
	if paid := total(b.Transactions[0]); paid > r.fees {
		r.issued += paid - r.fees
	} else {
		r.burned += r.fees - paid
	}
	for i, tx := range b.Transactions {
		r.move(tx, b, i == 0)
	}
}

func (r *referee) modify(b *pillars.Block) {
	const tag = "asterism pillars modifier"
	switch {
	case b.Number == 0:
		id := b.ID()
		r.mod = tagged(tag, id[:])
	case b.Seal() == pillars.PoS:
		r.mod = tagged(tag, r.mod[:], []byte{2}, b.Transactions[1].Inputs[0].Previous.Bytes())
	default:
		r.mod = tagged(tag, r.mod[:], []byte{1}, b.MixHash[:])
	}
}

func (r *referee) move(tx *pillars.Transaction, b *pillars.Block, coinbase bool) {
	if !coinbase {
		for i := range tx.Inputs {
			delete(r.coins, tx.Inputs[i].Previous)
		}
	}
	id := tx.ID()
	for i := range tx.Outputs {
		o := &tx.Outputs[i]
		switch {
		case len(o.Script) == 0: // the marker of a coinstake
		case bytes.Equal(o.Script, pillars.BlackHole().Script()):
			r.burned += o.Value
		default:
			r.coins[pillars.Outpoint{Tx: id, Index: uint32(i)}] = coin{o.Value, b.Number, b.Timestamp}
		}
	}
}

// held is what all unspent outputs hold: issued minus burned, if nothing was lost or made up.
func (r *referee) held() (sum pillars.Amount) {
	for _, c := range r.coins {
		sum += c.value
	}
	return sum
}

func total(tx *pillars.Transaction) (sum pillars.Amount) {
	for i := range tx.Outputs {
		sum += tx.Outputs[i].Value
	}
	return sum
}

func tagged(tag string, parts ...[]byte) [32]byte {
	name := sha256.Sum256([]byte(tag))
	all := append(bytes.Clone(name[:]), name[:]...)
	for _, p := range parts {
		all = append(all, p...)
	}
	return sha256.Sum256(all)
}

func le32(v uint32) []byte { return binary.LittleEndian.AppendUint32(nil, v) }
