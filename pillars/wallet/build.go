package wallet

import (
	"fmt"
	"math/rand/v2"
	"slices"

	"github.com/asterism-network/asterism/pillars"
	"github.com/asterism-network/asterism/pillars/script"
)

// DefaultFeePerKB is what a wallet adds for size beyond the least fee, in satoshis for 1,000 bytes:
// what miners of the running network ask for.
const DefaultFeePerKB pillars.Amount = 1000

// maxFeePerKB is above every fee that is no mistake.
const maxFeePerKB = pillars.ETP / 100

// dust is the least change worth an output; less goes to the fee.
const dust pillars.Amount = 1000

// Options say how a transaction is made, whatever it does. The zero value is fine.
type Options struct {
	Account  string             // pays and gets the change; empty is the wallet's first
	SegWit   bool               // version 5, also from an account that could do otherwise
	Coins    []pillars.Outpoint // spend among these only, and all of them if All is set
	All      bool
	ChangeTo pillars.Address // zero: a fresh address of the account
	FeePerKB pillars.Amount  // zero: DefaultFeePerKB
	Message  string          // public for ever: at most 253 bytes, in version 5 80
	LockTime uint32
	Seed     [32]byte // what choosing draws from; equal seeds give equal drafts
}

// An order is what a transaction shall do, before inputs are chosen.
type order struct {
	opts    Options
	account *Account
	segwit  bool
	outputs []pillars.Output
	must    []Coin          // inputs that it needs
	symbol  string          // of an asset that it moves
	amount  uint64          // so many units
	holder  pillars.Address // units come from here only; zero: from anywhere in the account
	payer   pillars.Address // at least one input of plain ETP is of this address, which gets the change; zero: of any
	only    bool            // and no input but that one and must
	present bool            // or an input of whatever kind is
	special pillars.Amount  // fee on top, for an issue or registration
	message pillars.Address // gets the message
}

// A builder turns an order into a draft.
type builder struct {
	*order
	w      *Wallet
	dice   *rand.Rand
	coins  []Coin // all of the wallet, each with the reason why it is not for this order
	inputs []Coin
	rate   pillars.Amount
	in     pillars.Amount
}

// build chooses inputs, adds change, and checks the result by the rules. It reserves nothing.
func (w *Wallet) build(o *order) (*Draft, error) {
	b, err := w.newBuilder(o)
	if err != nil {
		return nil, err
	}
	for _, step := range []func() error{b.addMessage, b.addMust, b.addAssets, b.addPayer, b.addMoney} {
		if err := step(); err != nil {
			return nil, err
		}
	}
	return b.finish()
}

func (w *Wallet) newBuilder(o *order) (*builder, error) {
	b := &builder{order: o, w: w, rate: o.opts.FeePerKB, dice: rand.New(rand.NewChaCha8(o.opts.Seed))}
	switch {
	case b.rate == 0:
		b.rate = DefaultFeePerKB
	case b.rate > maxFeePerKB:
		return nil, fmt.Errorf("%w: %s for 1,000 bytes, at most %s", ErrFee, b.rate, maxFeePerKB)
	}
	if w.tip == (Tip{}) {
		return nil, fmt.Errorf("%w: the wallet was never scanned", ErrRequest)
	}
	chosen := map[pillars.Outpoint]bool{}
	for _, point := range o.opts.Coins {
		chosen[point] = true
	}
	b.coins = w.unspent()
	for i := range b.coins {
		c := &b.coins[i]
		switch {
		case c.Reason != Spendable:
		case c.Purse.Account != o.account.ID || len(chosen) > 0 && !chosen[c.Point]:
			c.Reason = Elsewhere
		case !c.takes(o.segwit) && c.Free():
			c.Reason = OtherVersion
		}
		if chosen[c.Point] && c.Reason != Spendable {
			return nil, fmt.Errorf("%w: %s:%d: %s", ErrCoin, c.Point.Tx, c.Point.Index, c.Reason)
		}
		delete(chosen, c.Point)
	}
	for point := range chosen {
		return nil, fmt.Errorf("%w: %s:%d is not an unspent output of this wallet", ErrCoin, point.Tx, point.Index)
	}
	return b, nil
}

func (b *builder) addMessage() error {
	text := b.opts.Message
	switch {
	case text == "":
		return nil
	case b.segwit && len(text) > 80:
		return fmt.Errorf("%w: a message of %d bytes, at most 80 in version 5", ErrRequest, len(text))
	case b.segwit:
		out := script.Output{Template: script.NullData, Data: []byte(text)}
		b.outputs = append(b.outputs, pillars.Output{Script: out.Script()})
		return nil
	case len(text) > pillars.MaxMessage:
		return fmt.Errorf("%w: a message of %d bytes, at most %d", ErrRequest, len(text), pillars.MaxMessage)
	case b.message.Kind() != pillars.ToPubKeyHash && b.message.Kind() != pillars.ToScriptHash:
		own, err := b.w.changePurse(b.account)
		if err != nil {
			return err
		}
		b.message = own.Address
	}
	b.outputs = append(b.outputs, pillars.Output{Script: b.message.Script(), Attachment: plain(pillars.Message{Text: text})})
	return nil
}

// plain is an attachment without avatars.
func plain(payload pillars.Payload) pillars.Attachment {
	return pillars.Attachment{Version: pillars.AttachmentPlain, Payload: payload}
}

// take adds an input.
func (b *builder) take(c Coin) error {
	sum, ok := b.in.Add(c.Output.Output.Value)
	if !ok || len(b.inputs) >= maxInputs {
		return fmt.Errorf("%w: more than %d inputs", ErrTooManyInputs, maxInputs)
	}
	b.in, b.inputs = sum, append(b.inputs, c)
	return nil
}

func (b *builder) taken(point pillars.Outpoint) bool {
	return slices.ContainsFunc(b.inputs, func(c Coin) bool { return c.Point == point })
}

func (b *builder) addMust() error {
	for _, c := range b.must {
		if err := b.take(c); err != nil {
			return err
		}
	}
	return nil
}

// addAssets takes coins with the asset, and gives back what is too much and what is still locked.
func (b *builder) addAssets() error {
	if b.symbol == "" {
		return nil
	}
	ours := func(c *Coin) bool {
		return c.Reason == Spendable && (b.holder.IsZero() || c.Purse.Address == b.holder) && !b.taken(c.Point) && c.takes(false)
	}
	gives := func(c *Coin) uint64 {
		if !ours(c) {
			return 0
		}
		free, _ := b.w.released(c, b.symbol)
		return free
	}
	list := slices.Clone(b.coins)
	slices.SortStableFunc(list, func(x, y Coin) int { // without locks first
		return int(x.Script.Template) - int(y.Script.Template)
	})
	some, sum, ok := gather(list, b.amount, gives, maxInputs-len(b.inputs)-10)
	if !ok {
		return b.assetsMissing(gives)
	}
	change := sum - b.amount
	for i := range some {
		if err := b.take(some[i]); err != nil {
			return err
		}
		if _, lock := b.w.released(&some[i], b.symbol); lock != nil {
			b.outputs = append(b.outputs, *lock)
		}
	}
	if change == 0 {
		return nil
	}
	own, err := b.assetChange()
	if err != nil {
		return err
	}
	b.outputs = append(b.outputs, pillars.Output{Script: own.Script(), Attachment: plain(pillars.AssetTransfer{Symbol: b.symbol, Quantity: change})})
	return nil
}

// assetsMissing says what there is of the asset.
func (b *builder) assetsMissing(gives func(*Coin) uint64) error {
	have := uint64(0)
	coins := slices.Clone(b.coins)
	for i := range coins {
		c := &coins[i]
		free := gives(c)
		have += free
		whole := c.quantity(b.symbol)
		switch {
		case c.Reason != Spendable || whole == 0:
		case free == 0 && whole > 0 && (!b.holder.IsZero() && c.Purse.Address != b.holder):
			c.Reason = Elsewhere
		case free < whole:
			c.Reason = TimeLocked
			c.Output.Output.Attachment.Payload = pillars.AssetTransfer{Symbol: b.symbol, Quantity: whole - free}
		}
	}
	if have >= b.amount {
		return fmt.Errorf("%w: of %s", ErrTooManyInputs, b.symbol)
	}
	return &InsufficientError{Symbol: b.symbol, Need: b.amount, Have: have, Missing: b.amount - have, Held: held(b.symbol, coins)}
}

// released returns what of an asset a coin may pay out in the next block, and the output that
// continues its lock, if that has not ended.
func (w *Wallet) released(c *Coin, symbol string) (free uint64, lock *pillars.Output) {
	free = c.quantity(symbol)
	if c.Script.Template != script.Attenuation || free == 0 {
		return free, nil
	}
	model, err := pillars.ParseLockModel(c.Script.Model)
	if err != nil {
		return 0, nil // never: it is in a block
	}
	later, ended := model.After(uint64(w.tip.Height) + 1 - uint64(c.Height))
	if ended {
		return free, nil
	}
	out := script.Output{Template: script.Attenuation, Address: c.Script.Address, Model: later.String(), From: c.Point}
	lock = &pillars.Output{Script: out.Script(), Attachment: plain(pillars.AssetTransfer{Symbol: symbol, Quantity: later.Locked()})}
	return free - later.Locked(), lock
}

// addPayer takes one coin of plain ETP of a certain address. It is the largest, or, where it pays
// alone, the smallest that is enough.
func (b *builder) addPayer() error {
	if b.payer.IsZero() || b.present && slices.ContainsFunc(b.inputs, func(c Coin) bool { return c.Purse.Address == b.payer }) {
		return nil
	}
	var best *Coin
	need := b.need(1)
	for i := range b.coins {
		c := &b.coins[i]
		value := c.Output.Output.Value
		switch {
		case c.Reason != Spendable || !c.Free() || c.Purse.Address != b.payer || !c.takes(b.segwit) || b.taken(c.Point):
		case b.only && b.in+value < need:
		case best == nil || (value < best.Output.Output.Value) == b.only:
			best = c
		}
	}
	if best == nil {
		text := b.payer.Text(b.w.params.Address)
		missing := uint64(need - min(need, b.in))
		return fmt.Errorf("pay %s to %s first, in one output: %w", pillars.Amount(missing), text,
			&InsufficientError{Symbol: etp, Need: uint64(need), Have: uint64(b.in), Missing: missing, Held: held(etp, b.coins)})
	}
	return b.take(*best)
}

// need is what inputs must hold together, if so many of the usual size are still to come.
func (b *builder) need(more int) pillars.Amount {
	sum := b.special + b.fee(more)
	for i := range b.outputs {
		sum += b.outputs[i].Value // each was checked, and there are few
	}
	return sum
}

// fee is the least fee of the network, or more for a large transaction. It counts a change output.
func (b *builder) fee(more int) pillars.Amount {
	tx := b.transaction(nil)
	size := tx.Size() + more*inputSize + 45
	for i := range b.inputs {
		size += b.inputs[i].unlockSize()
	}
	bySize := (pillars.Amount(size)*b.rate + 999) / 1000
	return max(b.w.params.Fees.Transaction, bySize)
}

// inputSize is about what an input of one key takes, in bytes.
const inputSize = 150

// addMoney takes coins of plain ETP until outputs and fees are paid.
func (b *builder) addMoney() error {
	if b.opts.All {
		return b.addAll()
	}
	var free []Coin
	for _, c := range b.coins {
		if c.Reason == Spendable && c.Free() && c.takes(b.segwit) && !b.taken(c.Point) {
			free = append(free, c)
		}
	}
	inputs, in := b.inputs, b.in
	for more := 0; ; {
		need := b.need(more)
		if need <= in {
			return nil
		}
		if b.only {
			return b.moneyMissing(need)
		}
		marginal := uint64(b.rate) * inputSize / 1000
		some, err := choose(b.dice, free, uint64(need-in), func(c *Coin) uint64 {
			if uint64(c.Output.Output.Value) <= marginal {
				return uint64(c.Output.Output.Value) // costs what it brings
			}
			return 0
		}, uint64(dust), maxInputs-len(inputs))
		if _, ok := err.(*InsufficientError); ok {
			return b.moneyMissing(need)
		}
		if err != nil {
			return err
		}
		b.inputs, b.in = slices.Clone(inputs), in
		for _, c := range some {
			if err := b.take(c); err != nil {
				return err
			}
		}
		if b.need(0) <= b.in {
			return nil
		}
		b.inputs, b.in = inputs, in
		more = max(more+1, len(some)) // a larger transaction pays more
	}
}

// addAll takes every chosen coin that is money.
func (b *builder) addAll() error {
	for _, c := range b.coins {
		if c.Reason == Spendable && c.Free() && c.takes(b.segwit) && !b.taken(c.Point) {
			if err := b.take(c); err != nil {
				return err
			}
		}
	}
	if need := b.need(0); need > b.in {
		return b.moneyMissing(need)
	}
	return nil
}

func (b *builder) moneyMissing(need pillars.Amount) error {
	have := b.in
	coins := slices.Clone(b.coins)
	for i := range coins {
		c := &coins[i]
		switch {
		case b.taken(c.Point):
			c.Reason = Spendable
		case c.Reason != Spendable:
		case !c.Free():
			c.Reason = Carries
		case !c.takes(b.segwit):
			c.Reason = OtherVersion
		default:
			have += c.Output.Output.Value
		}
	}
	missing := need - min(need, have)
	return &InsufficientError{Symbol: etp, Need: uint64(need), Have: uint64(have), Missing: uint64(missing), Held: held(etp, coins)}
}

// assetChange is where units of an asset go back to.
func (b *builder) assetChange() (pillars.Address, error) {
	if !b.holder.IsZero() {
		return b.holder, nil
	}
	own, err := b.w.changePurse(b.account)
	if err != nil {
		return pillars.Address{}, err
	}
	return own.Address, nil
}

// transaction is the unsigned transaction with the inputs so far.
func (b *builder) transaction(change *pillars.Output) *pillars.Transaction {
	tx := &pillars.Transaction{Version: pillars.VersionCurrent, LockTime: b.opts.LockTime, Outputs: slices.Clone(b.outputs)}
	if b.segwit {
		tx.Version, tx.Bitcoin = pillars.VersionSegWit, 2
	}
	for i := range b.inputs {
		tx.Inputs = append(tx.Inputs, pillars.Input{Previous: b.inputs[i].Point, Sequence: b.inputs[i].sequence(b.opts.LockTime)})
	}
	if change != nil {
		tx.Outputs = append(tx.Outputs, *change)
	}
	return tx
}

// finish adds the change and makes the draft.
func (b *builder) finish() (*Draft, error) {
	var change *pillars.Output
	left := b.in - b.need(0)
	if left >= dust {
		to := b.opts.ChangeTo
		if to.IsZero() {
			to = b.payer // an avatar's address is nothing without ETP
		}
		if to.IsZero() {
			own, err := b.w.changePurse(b.account)
			if err != nil {
				return nil, err
			}
			to = own.Address
		}
		change = &pillars.Output{Value: left, Script: to.Script()}
		if !b.segwit {
			change.Attachment = plain(nil)
		}
	}
	if change == nil && len(b.outputs) == 0 { // everything was to be sent, and the fee takes it
		return nil, b.moneyMissing(b.need(0) + dust)
	}
	tx := b.transaction(change)
	b.shuffle(tx)
	d := &Draft{Network: b.w.params.Name, Tx: tx}
	for i := range tx.Inputs {
		at := slices.IndexFunc(b.inputs, func(c Coin) bool { return c.Point == tx.Inputs[i].Previous })
		c := &b.inputs[at]
		in := DraftInput{Previous: b.w.transactions[c.Point.Tx], Keys: slices.Clone(c.Purse.Keys), Redeem: c.Purse.Redeem, Witness: c.Purse.Witness}
		d.Inputs = append(d.Inputs, in)
	}
	for i := range tx.Outputs {
		var hint DraftOutput
		if own := b.w.purses[script.Classify(tx.Outputs[i].Script).Address]; own != nil {
			hint = DraftOutput{Own: true, Chain: own.Chain, Index: own.Index}
		}
		d.Outputs = append(d.Outputs, hint)
	}
	return d, b.check(d)
}

// shuffle brings a plain payment into random order, so that the change does not show by its place.
// What carries more keeps its order.
func (b *builder) shuffle(tx *pillars.Transaction) {
	for i := range tx.Outputs {
		if tx.Outputs[i].Attachment.Type() != pillars.TypeETP {
			return
		}
	}
	if len(b.must) > 0 {
		return
	}
	b.dice.Shuffle(len(tx.Inputs), func(i, j int) { tx.Inputs[i], tx.Inputs[j] = tx.Inputs[j], tx.Inputs[i] })
	b.dice.Shuffle(len(tx.Outputs), func(i, j int) { tx.Outputs[i], tx.Outputs[j] = tx.Outputs[j], tx.Outputs[i] })
}

func (b *builder) check(d *Draft) error {
	if err := d.Check(&b.w.params); err != nil {
		return err
	}
	depths := make([]uint32, len(d.Tx.Inputs))
	for i := range depths {
		at := slices.IndexFunc(b.inputs, func(c Coin) bool { return c.Point == d.Tx.Inputs[i].Previous })
		depths[i] = b.w.tip.Height + 1 - b.inputs[at].Height
	}
	if err := script.CheckRelease(d.Tx, d.allSpent(), depths); err != nil {
		return fmt.Errorf("%w: %w", ErrDraft, err)
	}
	return nil
}

// unlockSize is the most that a coin's unlocking adds to the transaction, in bytes.
func (c *Coin) unlockSize() int {
	one := 1 + 72 + 1 + 33 // a signature and a key, with their lengths
	switch {
	case c.Script.Template == script.Taproot:
		return 2 + 1 + 65
	case len(c.Purse.Witness) > 0:
		return 4 + c.Purse.Required*73 + 3 + len(c.Purse.Witness)
	case len(c.Purse.Redeem) > 0 && script.Classify(c.Purse.Redeem).Template == script.MultiSig:
		return 4 + c.Purse.Required*73 + 3 + len(c.Purse.Redeem)
	}
	return one + 2 + len(c.Purse.Redeem) + 6
}
