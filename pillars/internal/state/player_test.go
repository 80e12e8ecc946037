package state

import (
	"fmt"
	"math/rand/v2"

	"github.com/asterism-network/asterism/pillars"
	"github.com/asterism-network/asterism/pillars/script"
)

// A player makes transactions at random, of every sort there is, from what a world holds. Some break rules:
// those are proposed too, and do not enter blocks.
type player struct {
	*world
	rng  *rand.Rand
	made map[string]int // accepted, by sort
}

func newPlayer(w *world, seed uint64) *player {
	return &player{w, rand.New(rand.NewPCG(seed, 1)), map[string]int{}}
}

func pick[T any](p *player, from []T) (one T, ok bool) {
	if len(from) == 0 {
		return one, false
	}
	return from[p.rng.IntN(len(from))], true
}

func (p *player) someone() *person {
	who, _ := pick(p, []*person{p.alice, p.bob, p.carol, p.dave, p.community})
	return who
}

// nobody is where things are burned.
func (p *player) nobody() *person {
	return &person{address: pillars.BlackHole(), text: pillars.BlackHole().Text(p.p.Address), avatar: pillars.BlackHoleAvatar}
}

// anyone is someone, or at times nobody.
func (p *player) anyone() *person {
	if p.rng.IntN(8) == 0 {
		return p.nobody()
	}
	return p.someone()
}

// holds returns who can spend an output with one key.
func (p *player) holds(o pillars.Outpoint) (*person, Output) {
	out, _ := p.state().Output(o)
	return p.people[script.Classify(out.Script).Address], out
}

// carried picks an output with a payload that is wanted.
func carried[T pillars.Payload](p *player, want func(T) bool) (o pillars.Outpoint, who *person, v T, ok bool) {
	o, ok = pick(p, p.find(func(out *Output) bool {
		v, is := out.Attachment.Payload.(T)
		return is && want(v) && out.ripe(p.p, p.tip.Number+1)
	}))
	if !ok {
		return o, nil, v, false
	}
	who, out := p.holds(o)
	return o, who, out.Attachment.Payload.(T), who != nil
}

// rich reports whether a person has a coin to pay with.
func (p *player) rich(who *person) bool { return len(p.coins(who)) > 0 }

// A move proposes a transaction, or nil.
type move struct {
	name string
	make func(p *player) *pillars.Transaction
}

var moves = []move{
	{"pay", func(p *player) *pillars.Transaction {
		from := p.someone()
		coins := p.coins(from)
		if len(coins) == 0 {
			return nil
		}
		return p.payWith(from, fee, []pillars.Output{plain(p.anyone(), pillars.Amount(p.rng.Uint64N(3))*pillars.ETP/2)}, coins[:1+p.rng.IntN(min(3, len(coins)))]...)
	}},
	{"register", func(p *player) *pillars.Transaction {
		who := p.someone()
		if !p.rich(who) {
			return nil
		}
		return p.pay(who, pillars.ETP, []pillars.Output{carrying(who, pillars.Avatar{Status: pillars.StatusRegister, Symbol: p.name(who.avatar), Address: who.text})})
	}},
	{"move_avatar", func(p *player) *pillars.Transaction {
		to := p.someone()
		o, _, v, ok := carried(p, func(pillars.Avatar) bool { return true })
		if !ok || !p.rich(to) {
			return nil
		}
		return p.pay(to, fee, []pillars.Output{carrying(to, pillars.Avatar{Status: pillars.StatusTransfer, Symbol: v.Symbol, Address: to.text})}, o)
	}},
	{"issue", func(p *player) *pillars.Transaction {
		by := p.named()
		if by == nil || !p.rich(by) {
			return nil
		}
		symbol := fmt.Sprintf("D%d.A%d", p.rng.IntN(4), p.rng.IntN(5))
		threshold, _ := pick(p, []uint8{0, 30, pillars.ThresholdFree})
		domain, taken := p.state().Certificate(pillars.CertDomain, pillars.Domain(symbol))
		outs := issue(by, symbol, threshold, !taken, p.rng.IntN(2) == 0)
		if !taken || domain.Burned {
			return p.pay(by, 10*pillars.ETP, outs)
		}
		if c, ok := p.state().Certificate(pillars.CertNaming, symbol); ok && !c.Burned { // ends with the issue, if it is his
			return p.pay(by, 10*pillars.ETP, outs, c.Outpoint)
		}
		return p.pay(by, 10*pillars.ETP, append(outs, p.through(domain.Outpoint)), domain.Outpoint)
	}},
	{"issue_more", func(p *player) *pillars.Transaction {
		o, by, c, ok := carried(p, func(c pillars.Certificate) bool { return c.Kind == pillars.CertIssue })
		if !ok || !p.rich(by) {
			return nil
		}
		asset, _ := p.state().Asset(c.Symbol)
		v := pillars.AssetIssue{Symbol: c.Symbol, Supply: 1 + p.rng.Uint64N(5000), Decimals: asset.Decimals, Threshold: asset.Threshold | pillars.SecondaryIssue, Issuer: c.Owner, Address: by.text}
		outs, ins := []pillars.Output{carrying(by, v), p.through(o)}, []pillars.Outpoint{o}
		for _, held := range p.find(func(out *Output) bool {
			has, _, ok := out.Asset()
			return ok && has == c.Symbol && string(out.Script) == string(by.address.Script()) && out.ripe(p.p, p.tip.Number+1)
		}) {
			_, out := p.holds(held)
			_, quantity, _ := out.Asset()
			ins, outs = append(ins, held), append(outs, transfer(by, c.Symbol, quantity))
		}
		return p.pay(by, fee, outs, ins...)
	}},
	{"send", func(p *player) *pillars.Transaction {
		o, who, quantity, symbol := p.someAsset()
		if who == nil || !p.rich(who) {
			return nil
		}
		part := 1 + p.rng.Uint64N(quantity)
		outs := []pillars.Output{transfer(p.anyone(), symbol, part)}
		if part < quantity {
			outs = append(outs, transfer(p.someone(), symbol, quantity-part))
		}
		return p.pay(who, fee, outs, o)
	}},
	{"lock_asset", func(p *player) *pillars.Transaction {
		o, who, quantity, symbol := p.someAsset()
		model, err := pillars.NewFixedLock(quantity, 9, 3)
		if who == nil || err != nil || !p.rich(who) {
			return nil
		}
		return p.pay(who, fee, []pillars.Output{p.attenuated(who, symbol, quantity, model, pillars.NullOutpoint)}, o)
	}},
	{"release_asset", func(p *player) *pillars.Transaction {
		o, ok := pick(p, p.find(func(o *Output) bool { return script.Classify(o.Script).Template == script.Attenuation }))
		who, out := p.holds(o)
		if !ok || who == nil || !p.rich(who) {
			return nil
		}
		model, _ := pillars.ParseLockModel(script.Classify(out.Script).Model)
		symbol, quantity, _ := out.Asset()
		later, ended := model.After(uint64(p.tip.Number + 1 - out.Height))
		if ended {
			return p.pay(who, fee, []pillars.Output{transfer(who, symbol, quantity)}, o)
		}
		outs := []pillars.Output{p.attenuated(who, symbol, later.Locked(), later, o)}
		if free := quantity - later.Locked(); free > 0 {
			outs = append(outs, transfer(who, symbol, free))
		}
		return p.pay(who, fee, outs, o)
	}},
	{"name", func(p *player) *pillars.Transaction {
		o, by, c, ok := carried(p, func(c pillars.Certificate) bool { return c.Kind == pillars.CertDomain })
		to := p.named()
		if !ok || to == nil || !p.rich(by) {
			return nil
		}
		kind, content := pillars.CertNaming, ""
		if p.rng.IntN(2) == 0 {
			kind, content = custom, meaning
		}
		return p.pay(by, fee, []pillars.Output{p.ownedBy(to, kind, fmt.Sprintf("%s.A%d", c.Symbol, p.rng.IntN(5)), pillars.CertIssued, content), p.through(o)}, o)
	}},
	{"move_certificate", func(p *player) *pillars.Transaction {
		o, by, c, ok := carried(p, func(c pillars.Certificate) bool { return true })
		to := p.named()
		if p.rng.IntN(10) == 0 {
			to = p.nobody()
		}
		if !ok || to == nil || !p.rich(by) {
			return nil
		}
		return p.pay(by, fee, []pillars.Output{p.ownedBy(to, c.Kind, c.Symbol, pillars.CertTransfer, c.Content)}, o)
	}},
	{"register_tokens", func(p *player) *pillars.Transaction {
		who, n := p.someone(), p.rng.IntN(1000)
		if !p.rich(who) {
			return nil
		}
		return p.pay(who, fee, []pillars.Output{token(who, fmt.Sprintf("t%d", n), pillars.StatusRegister), token(who, fmt.Sprintf("u%d", n), pillars.StatusRegister)})
	}},
	{"move_token", func(p *player) *pillars.Transaction {
		o, by, v, ok := carried(p, func(pillars.Token) bool { return true })
		if !ok || !p.rich(by) {
			return nil
		}
		return p.pay(by, fee, []pillars.Output{token(p.anyone(), v.Symbol, pillars.StatusTransfer)}, o)
	}},
	{"lock", func(p *player) *pillars.Transaction {
		who := p.someone()
		if len(p.coins(who)) == 0 {
			return nil
		}
		_, out := p.holds(p.coin(who))
		if out.Value < 1100*pillars.ETP {
			return nil
		}
		return p.pay(who, fee, []pillars.Output{stakeLock(who, 1000*pillars.ETP, 240), stakeLock(who, pillars.ETP, 3), deposit(who, pillars.ETP, 4)})
	}},
	{"unlock", func(p *player) *pillars.Transaction {
		o, ok := pick(p, p.find(func(o *Output) bool {
			t := script.Classify(o.Script).Template
			return (t == script.SequenceLock || t == script.LockHeight) && o.Value == pillars.ETP
		}))
		who, _ := p.holds(o)
		if !ok || who == nil {
			return nil
		}
		tx := p.payWith(who, fee, nil, o)
		tx.Inputs[0].Sequence = 3
		return p.sign(tx)
	}},
	{"segwit", func(p *player) *pillars.Transaction {
		who := p.someone()
		coins := p.coins(who)
		if len(coins) == 0 {
			return nil
		}
		return p.segwit(who, pillars.Amount(p.rng.IntN(2)), []pillars.Output{plain(p.someone(), pillars.ETP/2)}, coins[:1]...)
	}},
}

// name is the name of a person with a number, so that there are several.
func (p *player) name(of string) string { return fmt.Sprintf("%s.%d", of, p.rng.IntN(5)) }

// named returns a person with the avatar that the state says he has, or nil.
func (p *player) named() *person {
	who := *p.someone()
	symbol, ok := p.state().AvatarOf(who.address)
	if !ok {
		return nil
	}
	who.avatar = symbol
	return &who
}

func (p *player) ownedBy(to *person, kind pillars.CertificateType, symbol string, status uint8, content string) pillars.Output {
	o := certificate(to, kind, symbol, status, content)
	o.Script = to.address.Script()
	return o
}

// through makes the output that passes a certificate on as it is.
func (p *player) through(o pillars.Outpoint) pillars.Output {
	out, _ := p.state().Output(o)
	v := out.Attachment.Payload.(pillars.Certificate)
	v.Status = pillars.CertNormal
	out.Attachment.Payload = v
	return out.Output
}

func (p *player) attenuated(who *person, symbol string, quantity uint64, m pillars.LockModel, from pillars.Outpoint) pillars.Output {
	return under(transfer(who, symbol, quantity), script.Output{Template: script.Attenuation, Address: who.address, Model: m.String(), From: from}.Script())
}

// someAsset picks an output with an asset that is under no lock.
func (p *player) someAsset() (o pillars.Outpoint, who *person, quantity uint64, symbol string) {
	o, ok := pick(p, p.find(func(o *Output) bool {
		_, _, ok := o.Asset()
		return ok && o.ripe(p.p, p.tip.Number+1) && script.Classify(o.Script).Template == script.PubKeyHash
	}))
	if !ok {
		return o, nil, 0, ""
	}
	who, out := p.holds(o)
	symbol, quantity, _ = out.Asset()
	return o, who, quantity, symbol
}

// onTop spends the change of a transaction that is in the same block.
func (p *player) onTop(of *pillars.Transaction) *pillars.Transaction {
	last := len(of.Outputs) - 1
	out := of.Outputs[last]
	who := p.people[script.Classify(out.Script).Address]
	if who == nil || out.Value < pillars.ETP || of.IsSegWit() {
		return nil
	}
	tx := &pillars.Transaction{Version: pillars.VersionCurrent, Outputs: []pillars.Output{plain(p.someone(), out.Value-fee)}}
	tx.Inputs = []pillars.Input{{Previous: pillars.Outpoint{Tx: of.ID(), Index: uint32(last)}, Sequence: 0xffffffff}}
	tx.Inputs[0].Script = script.Unlock(tx, 0, out.Script, who.key)
	return tx
}

// play makes the next block out of some moves, and connects it.
func (p *player) play() (*pillars.Block, *Diff) {
	p.t.Helper()
	d, seal := p.draft(), pillars.PoW
	var txs []*pillars.Transaction
	if p.rng.IntN(4) == 0 {
		if s := p.stake(); s != nil && d.acceptStake(s) {
			txs, seal = append(txs, s), pillars.PoS
		}
	}
	for range p.rng.IntN(6) {
		m, _ := pick(p, moves)
		tx := m.make(p)
		if len(txs) > 0 && p.rng.IntN(4) == 0 && !txs[len(txs)-1].IsCoinstake() {
			tx, m.name = p.onTop(txs[len(txs)-1]), "on_top"
		}
		if tx == nil || tx.Check(p.p) != nil {
			continue
		}
		if _, err := d.Add(tx); err == nil {
			txs = append(txs, tx)
			p.made[m.name]++
		} else {
			p.made["refused"]++
		}
	}
	author := p.someone()
	b := p.block(seal, author, txs...)
	coinbase := b.Transactions[0]
	coinbase.Outputs[0].Value -= min(coinbase.Outputs[0].Value, pillars.Amount(p.rng.IntN(3))) // some leave a little
	if symbol := fmt.Sprintf("D%d.A%d", p.rng.IntN(4), p.rng.IntN(5)); p.rng.IntN(2) == 0 {
		if most, ok := p.state().Mineable(symbol, b.Number); ok && most > 0 {
			coinbase.Outputs = append(coinbase.Outputs, transfer(author, symbol, most))
			p.made["mined"]++
		}
	}
	p.world.seal(b)
	p.made[seal.String()]++
	return b, p.connect(b)
}

func (d *Draft) acceptStake(tx *pillars.Transaction) bool {
	_, err := d.add(tx)
	return err == nil
}

func (p *player) stake() *pillars.Transaction {
	who := p.someone()
	coins := p.coins(who)
	if len(coins) == 0 {
		return nil
	}
	if _, err := p.tip.Prepare(p.p, pillars.PoS, p.context().Stamp); err != nil {
		return nil
	}
	s, _ := p.state().Stake(coins[0])
	if !s.Plain || s.Value < p.p.Stake.Minimum {
		return nil
	}
	return p.coinstake(who)
}
