package wallet

import (
	"context"
	"fmt"
	"math/bits"

	"github.com/asterism-network/asterism/pillars"
	"github.com/asterism-network/asterism/pillars/script"
)

// A Recipient is who gets something: an address, and the avatar that it was found by, if any. Who
// asks for a payment to an avatar looks its address up first (a Directory); the network checks that
// both belong together.
type Recipient struct {
	Address pillars.Address
	Avatar  string
}

// A Directory knows what names of the chain stand for; the daemon is one, through its client.
type Directory interface {
	// Avatar returns the address that an avatar is bound to.
	Avatar(ctx context.Context, symbol string) (at pillars.Address, ok bool, err error)
}

// Resolve reads an address of the wallet's network, or looks an avatar up. No name of an avatar reads as an
// address.
func (w *Wallet) Resolve(ctx context.Context, in Directory, text string) (Recipient, error) {
	a, err := pillars.ParseAddress(text, w.params.Address)
	switch {
	case err == nil && a == pillars.BlackHole():
		return Nobody(), nil
	case err == nil:
		return Recipient{Address: a}, nil
	case text == pillars.BlackHoleAvatar:
		return Nobody(), nil
	case !pillars.ValidAvatar(text):
		return Recipient{}, fmt.Errorf("%w: neither an address nor an avatar: %w", ErrRequest, err)
	}
	a, ok, err := in.Avatar(ctx, text)
	if err != nil {
		return Recipient{}, fmt.Errorf("look up avatar %s: %w", text, err)
	}
	if !ok {
		return Recipient{}, fmt.Errorf("%w: there is no avatar %s", ErrRequest, text)
	}
	return Recipient{Address: a, Avatar: text}, nil
}

// Nobody is the recipient of what is burned.
func Nobody() Recipient {
	return Recipient{Address: pillars.BlackHole(), Avatar: pillars.BlackHoleAvatar}
}

// attach is the attachment of an output to a recipient.
func (r Recipient) attach(payload pillars.Payload) pillars.Attachment {
	if r.Avatar == "" {
		return plain(payload)
	}
	return pillars.Attachment{Version: pillars.AttachmentAvatars, To: r.Avatar, Payload: payload}
}

// A Lock holds an output of versions 1 to 4 back. At most one part is set.
type Lock struct {
	Blocks  uint32             // relative to the output's block
	Seconds uint32             // the same by time, in steps of 32, rounded up
	Model   *pillars.LockModel // of an asset: released period by period
}

const (
	maxLockUnits = 0xfffff // what the running network's relative locks count to
	lockBySecond = 1 << 22
	lockStep     = 32 // seconds
)

// script returns the output script under the lock.
func (l Lock) script(to pillars.Address) ([]byte, error) {
	set := 0
	for _, is := range []bool{l.Blocks > 0, l.Seconds > 0, l.Model != nil} {
		if is {
			set++
		}
	}
	out := script.Output{Template: script.SequenceLock, Address: to, Lock: l.Blocks}
	switch {
	case set == 0 && to.IsZero():
		return nil, fmt.Errorf("%w: no address to pay to", ErrRequest)
	case set == 0:
		return to.Script(), nil
	case set > 1:
		return nil, fmt.Errorf("%w: two locks on one output", ErrRequest)
	case to.Kind() != pillars.ToPubKeyHash:
		return nil, fmt.Errorf("%w: locks are for the address of one key", ErrRequest)
	case l.Model != nil:
		out = script.Output{Template: script.Attenuation, Address: to, Model: l.Model.String(), From: pillars.NullOutpoint}
	case l.Seconds > 0:
		units := (uint64(l.Seconds) + lockStep - 1) / lockStep
		if units > maxLockUnits {
			return nil, fmt.Errorf("%w: a lock of %d seconds, at most %d", ErrRequest, l.Seconds, maxLockUnits*lockStep)
		}
		out.Lock = lockBySecond | uint32(units)
	case l.Blocks > maxLockUnits:
		return nil, fmt.Errorf("%w: a lock of %d blocks, at most %d", ErrRequest, l.Blocks, maxLockUnits)
	}
	return out.Script(), nil
}

// A Payment of ETP.
type Payment struct {
	To     Recipient
	Amount pillars.Amount
	Lock   Lock
}

// maxPayments bounds the receivers of one transaction.
const maxPayments = 500

// Send pays ETP. The draft reserves nothing; Broadcast does.
func (w *Wallet) Send(payments []Payment, opts Options) (*Draft, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	o, err := w.order(opts)
	if err != nil {
		return nil, err
	}
	if len(payments) == 0 || len(payments) > maxPayments {
		return nil, fmt.Errorf("%w: %d payments, want 1 to %d", ErrRequest, len(payments), maxPayments)
	}
	sum, ok := pillars.Amount(0), true
	for _, p := range payments {
		if sum, ok = sum.Add(p.Amount); !ok || p.Amount < dust {
			return nil, fmt.Errorf("%w: a payment of %s; at least %s, and all at most %s", ErrRequest, p.Amount, dust, pillars.MaxMoney)
		}
		if o.segwit && p.Lock != (Lock{}) {
			return nil, fmt.Errorf("%w: version 5 has no such lock", ErrRequest)
		}
		code, err := p.Lock.script(p.To.Address)
		if err != nil {
			return nil, err
		}
		out := pillars.Output{Value: p.Amount, Script: code}
		if !o.segwit {
			out.Attachment = p.To.attach(nil)
		}
		o.outputs = append(o.outputs, out)
	}
	o.message = payments[0].To.Address
	return w.build(o)
}

// order starts an order of the account that pays.
func (w *Wallet) order(opts Options) (*order, error) {
	a, err := w.account(opts.Account)
	if err != nil {
		return nil, err
	}
	o := &order{opts: opts, account: a, segwit: opts.SegWit || a.scheme.SegWit()}
	if o.segwit && !w.params.Extended {
		return nil, fmt.Errorf("%w: this network has no version 5", ErrRequest)
	}
	return o, nil
}

// legacyOrder starts an order of what only versions 1 to 4 can do.
func (w *Wallet) legacyOrder(opts Options) (*order, error) {
	o, err := w.order(opts)
	if err == nil && o.segwit {
		err = fmt.Errorf("%w: version 5 and its addresses hold ETP and nothing else; use an account like direct/0", ErrRequest)
	}
	return o, err
}

// SendAll pays everything that an account can spend, or the chosen coins, to one recipient.
func (w *Wallet) SendAll(to Recipient, opts Options) (*Draft, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if opts.ChangeTo = to.Address; to.Address.IsZero() {
		return nil, fmt.Errorf("%w: no address to pay to", ErrRequest)
	}
	opts.All = true
	o, err := w.order(opts)
	if err != nil {
		return nil, err
	}
	o.message = to.Address
	return w.build(o)
}

// LockStake locks ETP at an own address, so that its owner may stake with other outputs of the same
// address [PIL-POS-5].
func (w *Wallet) LockStake(at pillars.Address, amount pillars.Amount, blocks uint32, opts Options) (*Draft, error) {
	p := &w.params.Stake
	w.mu.Lock()
	own := w.purses[at]
	w.mu.Unlock()
	switch {
	case own == nil || at.Kind() != pillars.ToPubKeyHash:
		return nil, fmt.Errorf("%w: stake is locked at an own address of one key", ErrRequest)
	case amount < p.Locked:
		return nil, fmt.Errorf("%w: %s, at least %s must be locked in one output", ErrRequest, amount, p.Locked)
	case blocks < p.LockBlocks+p.LockTail:
		return nil, fmt.Errorf("%w: %d blocks; at least %d, and the last %d do not count", ErrRequest, blocks, p.LockBlocks+p.LockTail, p.LockTail)
	}
	return w.Send([]Payment{{To: Recipient{Address: at}, Amount: amount, Lock: Lock{Blocks: blocks}}}, opts)
}

// An AssetPayment is a quantity of an asset, in its smallest units.
type AssetPayment struct {
	To       Recipient
	Quantity uint64
	Lock     Lock
}

// SendAsset transfers an asset. What is locked in the inputs stays locked.
func (w *Wallet) SendAsset(symbol string, payments []AssetPayment, opts Options) (*Draft, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	o, err := w.legacyOrder(opts)
	if err != nil {
		return nil, err
	}
	if !pillars.ValidSymbol(symbol) || len(payments) == 0 || len(payments) > maxPayments {
		return nil, fmt.Errorf("%w: %d payments of %.70q", ErrRequest, len(payments), symbol)
	}
	o.symbol = symbol
	for _, p := range payments {
		if p.Quantity == 0 || o.amount+p.Quantity < p.Quantity {
			return nil, fmt.Errorf("%w: quantity %d", ErrRequest, p.Quantity)
		}
		o.amount += p.Quantity
		if k := p.To.Address.Kind(); k != pillars.ToPubKeyHash && k != pillars.ToScriptHash && k != pillars.ToBlackHole {
			return nil, fmt.Errorf("%w: such an address cannot hold an asset", ErrRequest)
		}
		code, err := p.Lock.script(p.To.Address)
		if err != nil {
			return nil, err
		}
		o.outputs = append(o.outputs, pillars.Output{Script: code, Attachment: p.To.attach(pillars.AssetTransfer{Symbol: symbol, Quantity: p.Quantity})})
	}
	if to := payments[0].To; to.Address.Kind() != pillars.ToBlackHole {
		o.message = to.Address
	}
	return w.build(o)
}

// Burn destroys a quantity of an asset.
func (w *Wallet) Burn(symbol string, quantity uint64, opts Options) (*Draft, error) {
	return w.SendAsset(symbol, []AssetPayment{{To: Nobody(), Quantity: quantity}}, opts)
}

// An Issue is a new asset, or more of one.
type Issue struct {
	Symbol      string
	Supply      uint64 // of this issue
	Decimals    uint8
	Threshold   uint8     // of further issues: 0 none, 1 to 100 percent, pillars.ThresholdFree
	Issuer      Recipient // an avatar and its address, which is this wallet's
	Description string
	Mining      *pillars.MiningTerms // first issue only: a right to be mined
	DomainTaken bool                 // first issue only: the domain is somebody's, a Directory knows
	Total       uint64               // further issue only: the supply before, mined units included
}

// IssueAsset makes the first issue of an asset, with the certificates that come with one. It
// passes the domain's certificate or the naming certificate through if the domain is taken.
func (w *Wallet) IssueAsset(v Issue, opts Options) (*Draft, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	o, err := w.issueOrder(&v, v.Threshold, opts)
	if err != nil {
		return nil, err
	}
	o.special = w.params.Fees.Asset - min(w.params.Fees.Asset, w.params.Fees.Transaction)
	auto := func(kind pillars.CertificateType, symbol, content string) {
		c := pillars.Certificate{Symbol: symbol, Owner: v.Issuer.Avatar, Address: v.Issuer.Address.Text(w.params.Address), Kind: kind, Status: pillars.CertAutoIssue, Content: content}
		o.outputs = append(o.outputs, pillars.Output{Script: v.Issuer.Address.Script(), Attachment: v.Issuer.both(c)})
	}
	if v.Threshold != 0 {
		auto(pillars.CertIssue, v.Symbol, "")
	}
	if v.Mining != nil {
		auto(pillars.CertMining, v.Symbol, v.Mining.String())
	}
	if !v.DomainTaken {
		auto(pillars.CertDomain, pillars.Domain(v.Symbol), "")
		return w.build(o)
	}
	err = w.passThrough(o, pillars.CertDomain, pillars.Domain(v.Symbol))
	if err != nil && w.passThrough(o, pillars.CertNaming, v.Symbol) != nil {
		return nil, fmt.Errorf("domain %s is taken: %w", pillars.Domain(v.Symbol), err)
	}
	return w.build(o)
}

// IssueMore adds to the supply of an asset: it passes the right to do so through, and as much of the
// asset as the threshold asks for.
func (w *Wallet) IssueMore(v Issue, opts Options) (*Draft, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if v.Threshold == 0 || v.Total+v.Supply < v.Supply {
		return nil, fmt.Errorf("%w: %s allows no further issue of %d", ErrRequest, v.Symbol, v.Supply)
	}
	o, err := w.issueOrder(&v, v.Threshold|0x80, opts)
	if err != nil {
		return nil, err
	}
	if err := w.passThrough(o, pillars.CertIssue, v.Symbol); err != nil {
		return nil, err
	}
	if v.Threshold != pillars.ThresholdFree {
		high, low := bits.Mul64(v.Total, uint64(v.Threshold))
		o.symbol, o.holder = v.Symbol, v.Issuer.Address
		if o.amount, _ = bits.Div64(high, low, 100); o.amount > 0 { // the threshold is at most 100
			o.outputs = append(o.outputs, pillars.Output{Script: o.holder.Script(), Attachment: plain(pillars.AssetTransfer{Symbol: v.Symbol, Quantity: o.amount})})
		} else {
			o.symbol = ""
		}
	}
	return w.build(o)
}

func (w *Wallet) issueOrder(v *Issue, threshold uint8, opts Options) (*order, error) {
	o, err := w.legacyOrder(opts)
	if err != nil {
		return nil, err
	}
	own := w.purses[v.Issuer.Address]
	if v.Issuer.Avatar == "" || own == nil || own.Account != o.account.ID || v.Threshold > 100 && v.Threshold != pillars.ThresholdFree {
		return nil, fmt.Errorf("%w: the issuer is an avatar at an address of account %s", ErrRequest, o.account.ID)
	}
	issue := pillars.AssetIssue{
		Symbol: v.Symbol, Supply: v.Supply, Decimals: v.Decimals, Threshold: threshold,
		Issuer: v.Issuer.Avatar, Address: v.Issuer.Address.Text(w.params.Address), Description: v.Description,
	}
	o.outputs = []pillars.Output{{Script: v.Issuer.Address.Script(), Attachment: v.Issuer.both(issue)}}
	o.payer, o.message, o.present = v.Issuer.Address, v.Issuer.Address, true
	return o, nil
}

// both is an attachment from an avatar to itself.
func (r Recipient) both(payload pillars.Payload) pillars.Attachment {
	return pillars.Attachment{Version: pillars.AttachmentAvatars, To: r.Avatar, From: r.Avatar, Payload: payload}
}

// passThrough spends a certificate and makes it again as it was.
func (w *Wallet) passThrough(o *order, kind pillars.CertificateType, symbol string) error {
	c, v, err := w.certificate(o, kind, symbol)
	if err != nil {
		return err
	}
	v.Status = pillars.CertNormal
	o.must = append(o.must, c)
	o.outputs = append(o.outputs, pillars.Output{Script: c.Output.Output.Script, Attachment: plain(v)})
	return nil
}

func (w *Wallet) certificate(o *order, kind pillars.CertificateType, symbol string) (c Coin, v pillars.Certificate, err error) {
	c, err = w.carrying(o, "certificate of "+symbol, func(p pillars.Payload) bool {
		held, ok := p.(pillars.Certificate)
		return ok && held.Kind == kind && held.Symbol == symbol
	})
	v, _ = c.Output.Output.Attachment.Payload.(pillars.Certificate)
	return c, v, err
}

// carrying finds the coin that carries something and may be spent.
func (w *Wallet) carrying(o *order, what string, is func(pillars.Payload) bool) (Coin, error) {
	for _, c := range w.unspent() {
		if !is(c.Output.Output.Attachment.Payload) {
			continue
		}
		switch {
		case c.Reason != Spendable:
			return c, fmt.Errorf("%w: %s: %s", ErrCoin, what, c.Reason)
		case c.Purse.Account != o.account.ID:
			return c, fmt.Errorf("%w: %s is in account %s", ErrCoin, what, c.Purse.Account)
		}
		return c, nil
	}
	return Coin{}, fmt.Errorf("%w: this wallet has no %s", ErrCoin, what)
}

// RegisterAvatar binds a new name to an own address, which must have ETP to pay with.
func (w *Wallet) RegisterAvatar(symbol string, at pillars.Address, opts Options) (*Draft, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	o, err := w.legacyOrder(opts)
	if err != nil {
		return nil, err
	}
	if own := w.purses[at]; own == nil || own.Account != o.account.ID {
		return nil, fmt.Errorf("%w: an avatar is bound to an address of account %s", ErrRequest, o.account.ID)
	}
	v := pillars.Avatar{Status: pillars.StatusRegister, Symbol: symbol, Address: at.Text(w.params.Address)}
	o.outputs = []pillars.Output{{Script: at.Script(), Attachment: plain(v)}}
	o.payer, o.message = at, at
	o.special = w.params.Fees.Avatar - min(w.params.Fees.Avatar, w.params.Fees.Transaction)
	return w.build(o)
}

// TransferAvatar binds an own avatar to another own address: the avatar and one ETP output of the
// new address are the only inputs. To give one to somebody else, see OfferAvatar.
func (w *Wallet) TransferAvatar(symbol string, to pillars.Address, opts Options) (*Draft, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	o, err := w.avatarOrder(symbol, to, opts)
	if err != nil {
		return nil, err
	}
	if w.purses[to] == nil {
		return nil, fmt.Errorf("%w: not an own address; the receiver must pay, see OfferAvatar", ErrRequest)
	}
	o.payer, o.only = to, true
	return w.build(o)
}

func (w *Wallet) avatarOrder(symbol string, to pillars.Address, opts Options) (*order, error) {
	o, err := w.legacyOrder(opts)
	if err != nil {
		return nil, err
	}
	c, err := w.carrying(o, "avatar "+symbol, func(p pillars.Payload) bool {
		held, ok := p.(pillars.Avatar)
		return ok && held.Symbol == symbol
	})
	if err != nil {
		return nil, err
	}
	o.must = []Coin{c}
	v := pillars.Avatar{Status: pillars.StatusTransfer, Symbol: symbol, Address: to.Text(w.params.Address)}
	o.outputs = []pillars.Output{{Script: to.Script(), Attachment: plain(v)}}
	return o, nil
}

// OfferAvatar makes the draft of a transfer to somebody else. The receiver names the output that pays
// the fee: the transaction that made it, its place, and the key of its address (Wallet.KeyOf); what is
// left goes back to that address, which gets the avatar. Both sign the same draft.
func (w *Wallet) OfferAvatar(symbol string, paid *pillars.Transaction, place uint32, key KeyOrigin, opts Options) (*Draft, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if place >= uint32(len(paid.Outputs)) {
		return nil, fmt.Errorf("%w: the receiver's transaction has %d outputs", ErrRequest, len(paid.Outputs))
	}
	output := paid.Outputs[place]
	to := script.Classify(output.Script)
	if to.Template != script.PubKeyHash || output.Attachment.Type() != pillars.TypeETP {
		return nil, fmt.Errorf("%w: the receiver pays with plain ETP at an address of one key", ErrRequest)
	}
	o, err := w.avatarOrder(symbol, to.Address, opts)
	if err != nil {
		return nil, err
	}
	fee := w.params.Fees.Transaction
	if output.Value < fee {
		return nil, &InsufficientError{Symbol: etp, Need: uint64(fee), Have: uint64(output.Value), Missing: uint64(fee - output.Value)}
	}
	if left := output.Value - fee; left >= dust {
		o.outputs = append(o.outputs, pillars.Output{Value: left, Script: output.Script, Attachment: plain(nil)})
	}
	c := o.must[0]
	tx := &pillars.Transaction{Version: pillars.VersionCurrent, Outputs: o.outputs, Inputs: []pillars.Input{
		{Previous: c.Point, Sequence: c.sequence(0)},
		{Previous: pillars.Outpoint{Tx: paid.ID(), Index: place}, Sequence: c.sequence(0)},
	}}
	d := &Draft{Network: w.params.Name, Tx: tx, Outputs: make([]DraftOutput, len(tx.Outputs)), Inputs: []DraftInput{
		{Previous: w.transactions[c.Point.Tx], Keys: c.Purse.Keys, Redeem: c.Purse.Redeem},
		{Previous: paid, Keys: []KeyOrigin{key}},
	}}
	return d, d.Check(&w.params)
}

// IssueCertificate issues a naming or own certificate under a domain that this wallet holds.
func (w *Wallet) IssueCertificate(symbol string, kind pillars.CertificateType, content string, to Recipient, opts Options) (*Draft, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	o, err := w.legacyOrder(opts)
	if err != nil {
		return nil, err
	}
	if kind != pillars.CertNaming && kind&pillars.CertCustom == 0 || to.Avatar == "" {
		return nil, fmt.Errorf("%w: naming and own certificates are issued, to avatars", ErrRequest)
	}
	v := pillars.Certificate{Symbol: symbol, Owner: to.Avatar, Address: to.Address.Text(w.params.Address), Kind: kind, Status: pillars.CertIssued, Content: content}
	o.outputs = []pillars.Output{{Script: to.Address.Script(), Attachment: to.attach(v)}}
	if err := w.passThrough(o, pillars.CertDomain, pillars.Domain(symbol)); err != nil {
		return nil, err
	}
	return w.build(o)
}

// TransferCertificate gives a certificate to another avatar, or to Nobody.
func (w *Wallet) TransferCertificate(symbol string, kind pillars.CertificateType, to Recipient, opts Options) (*Draft, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	o, err := w.legacyOrder(opts)
	if err != nil {
		return nil, err
	}
	c, v, err := w.certificate(o, kind, symbol)
	if err != nil {
		return nil, err
	}
	if to.Avatar == "" {
		return nil, fmt.Errorf("%w: certificates are held by avatars", ErrRequest)
	}
	v.Owner, v.Address, v.Status = to.Avatar, to.Address.Text(w.params.Address), pillars.CertTransfer
	o.must = []Coin{c}
	o.outputs = []pillars.Output{{Script: to.Address.Script(), Attachment: to.attach(v)}}
	return w.build(o)
}

// A NewToken is an identifiable token to be registered.
type NewToken struct{ Symbol, Content string }

// maxTokens bounds the registrations of one transaction.
const maxTokens = 100

// RegisterTokens registers identifiable tokens at one address.
func (w *Wallet) RegisterTokens(tokens []NewToken, to Recipient, opts Options) (*Draft, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	o, err := w.legacyOrder(opts)
	if err != nil {
		return nil, err
	}
	if len(tokens) == 0 || len(tokens) > maxTokens {
		return nil, fmt.Errorf("%w: %d tokens, want 1 to %d", ErrRequest, len(tokens), maxTokens)
	}
	for _, t := range tokens {
		if len(t.Content) > pillars.MaxToken {
			return nil, fmt.Errorf("%w: content of %d bytes, at most %d", ErrRequest, len(t.Content), pillars.MaxToken)
		}
		v := pillars.Token{Status: pillars.StatusRegister, Symbol: t.Symbol, Address: to.Address.Text(w.params.Address), Content: t.Content}
		o.outputs = append(o.outputs, pillars.Output{Script: to.Address.Script(), Attachment: to.attach(v)})
	}
	return w.build(o)
}

// TransferToken gives an identifiable token to another address, or to Nobody.
func (w *Wallet) TransferToken(symbol string, to Recipient, opts Options) (*Draft, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	o, err := w.legacyOrder(opts)
	if err != nil {
		return nil, err
	}
	c, err := w.carrying(o, "token "+symbol, func(p pillars.Payload) bool {
		held, ok := p.(pillars.Token)
		return ok && held.Symbol == symbol
	})
	if err != nil {
		return nil, err
	}
	v := pillars.Token{Status: pillars.StatusTransfer, Symbol: symbol, Address: to.Address.Text(w.params.Address)}
	o.must = []Coin{c}
	o.outputs = []pillars.Output{{Script: to.Address.Script(), Attachment: to.attach(v)}}
	return w.build(o)
}
