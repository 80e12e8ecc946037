package state

import (
	"errors"
	"math"
	"testing"

	"github.com/asterism-network/asterism/pillars"
	"github.com/asterism-network/asterism/pillars/internal/consensus"
	"github.com/asterism-network/asterism/pillars/internal/pos"
	"github.com/asterism-network/asterism/pillars/script"
)

// TestScene reads everything that the scene has made.
func TestScene(t *testing.T) {
	w := scene(t)
	if err := w.count(); err != nil {
		t.Fatal(err)
	}
	s := w.state()
	if a, ok := s.Asset(one); !ok || a.Supply != supply || a.Issuer != "ALICE" || a.Height != 2 || a.Threshold != 50 || a.Decimals != 2 {
		t.Errorf("asset %+v", a)
	}
	if symbol, ok := s.AvatarOf(w.bob.address); !ok || symbol != "BOB" {
		t.Errorf("avatar %q", symbol)
	}
	if c, ok := s.Certificate(custom, "ALPHA.KYC"); !ok || c.Owner != "ALICE" || c.Content != meaning || c.Height != 5 || c.Burned {
		t.Errorf("certificate %+v", c)
	}
	if v, ok := s.Token(tokenB); !ok || v.Address != w.bob.text || v.Content != "the only one" || v.Height != 3 {
		t.Errorf("token %+v", v)
	}
	want := pillars.Amount(5*perHead) * each
	for range w.tip.Number {
		want += 3 * pillars.ETP
	}
	if head := w.headNow(); head.Number != w.tip.Number || head.Block != w.tip.ID || head.Issued != want || head.Burned != 0 {
		t.Errorf("head %+v, want %s", head, want)
	}
}

// TestLocksThatStake: staking sees long locks of enough ETP, of versions 1 to 4, with their owner.
func TestLocksThatStake(t *testing.T) {
	w := scene(t)
	locks := func(of *person) (all []pos.Lock) {
		w.state().Locks(of.address, func(l pos.Lock) bool {
			all = append(all, l)
			return true
		})
		return all
	}
	if all := locks(w.carol); len(all) != 1 || all[0] != (pos.Lock{Value: 1000 * pillars.ETP, Height: 3, Blocks: 240}) {
		t.Errorf("locks %+v", all)
	}
	time := stakeLock(w.alice, 1000*pillars.ETP, 1<<22|240)
	asset := under(transfer(w.alice, one, 600), stakeLock(w.alice, 0, 240).Script)
	asset.Value = 1000 * pillars.ETP
	bitcoin := w.segwit(w.alice, 0, []pillars.Output{stakeLock(w.alice, 1000*pillars.ETP, 240)}, w.coins(w.alice)[1])
	w.mine(
		w.payWith(w.alice, fee, []pillars.Output{
			stakeLock(w.alice, 1000*pillars.ETP-1, 240), stakeLock(w.alice, 1000*pillars.ETP, 239), time, deposit(w.alice, 1000*pillars.ETP, 240),
		}, w.coin(w.alice)),
		bitcoin,
		w.payWith(w.alice, fee, []pillars.Output{asset}, w.coins(w.alice)[2], w.assetAt(w.alice, one)),
	)
	if all := locks(w.alice); len(all) != 0 {
		t.Errorf("locks %+v", all)
	}
	if !pos.Eligible(w.p, w.tip.Number, w.carol.address, w.state()) || pos.Eligible(w.p, w.tip.Number, w.alice.address, w.state()) {
		t.Error("who may stake")
	}
}

// TestStakes: what is plain to staking is P2PKH with nothing but ETP, and spendable in the next block.
func TestStakes(t *testing.T) {
	w := scene(t)
	plainly := func(o pillars.Outpoint) bool {
		s, ok := w.state().Stake(o)
		return ok && s.Plain
	}
	reward := func(back uint32) pillars.Outpoint {
		return w.first(w.find(func(o *Output) bool { return o.Reward && o.Height == w.tip.Number-back }))
	}
	for name, tt := range map[string]struct {
		o    pillars.Outpoint
		want bool
	}{
		"a coin":           {w.coin(w.alice), true},
		"an asset":         {w.assetAt(w.alice, one), false},
		"a lock":           {w.first(w.find(func(o *Output) bool { return o.Value == 1000*pillars.ETP })), false},
		"a ripe reward":    {reward(2), true},
		"an unripe reward": {reward(1), false},
		"nothing":          {pillars.Outpoint{Index: 9}, false},
	} {
		if got := plainly(tt.o); got != tt.want {
			t.Errorf("%s: plain %t", name, got)
		}
	}
	s, _ := w.state().Stake(w.coin(w.alice))
	out, _ := w.state().Output(s.Outpoint)
	if s.Owner != w.alice.address || s.Value != out.Value || s.Height != out.Height || s.Stamp != out.Stamp {
		t.Errorf("stake %+v of %+v", s, out)
	}
}

// TestStakeBlock asks the seal of stake about a block that the state takes, on the same view.
func TestStakeBlock(t *testing.T) {
	w := scene(t)
	b := stakeBlock(w)
	s, _ := w.state().Stake(b.Transactions[1].Inputs[0].Previous)
	if err := pos.CheckCoinstake(w.p, b.Transactions[1], &s, w.state()); err != nil {
		t.Fatal(err)
	}
	subsidy := w.tip.Subsidy(w.p, pillars.PoS)
	before := w.headNow()
	w.connect(b)
	if after := w.headNow(); after.Issued-before.Issued != subsidy || subsidy != 30_000_000 {
		t.Errorf("%s created, subsidy %s", after.Issued-before.Issued, subsidy)
	}
	if found := w.find(func(o *Output) bool { _, null := o.Attachment.Payload.(pillars.Null); return null }); len(found) != 0 {
		t.Error("the marker of a coinstake can be spent")
	}
}

// TestBurning: what goes to nobody leaves the state, is counted, and keeps its name for ever.
func TestBurning(t *testing.T) {
	w := scene(t)
	nobody := (&player{world: w}).nobody()
	burn := w.pay(w.alice, fee, []pillars.Output{transfer(nobody, one, 100), transfer(w.alice, one, 500), plain(nobody, pillars.ETP)}, w.assetAt(w.alice, one))
	burn.Outputs[0].Attachment.Version, burn.Outputs[0].Attachment.To = pillars.AttachmentAvatars, pillars.BlackHoleAvatar
	w.mine(w.sign(burn), w.payWith(w.bob, fee, []pillars.Output{token(nobody, tokenA, pillars.StatusTransfer)}, w.coin(w.bob), tokenOutput(w, tokenA)))
	w.mine(w.pay(w.alice, fee, []pillars.Output{certificate(nobody, pillars.CertDomain, "ALPHA", pillars.CertTransfer, "")}, w.certificate(pillars.CertDomain, "ALPHA")))
	if err := w.count(); err != nil {
		t.Fatal(err)
	}
	asset, _ := w.state().Asset(one)
	v, _ := w.state().Token(tokenA)
	domain, _ := w.state().Certificate(pillars.CertDomain, "ALPHA")
	if asset.Burned != 100 || !v.Burned || !domain.Burned || w.headNow().Burned != pillars.ETP {
		t.Errorf("%+v %+v %+v %s", asset, v, domain, w.headNow().Burned)
	}
	if _, err := w.draft().Try(w.pay(w.alice, 10*pillars.ETP, issue(w.alice, "ALPHA.TWO", 0, false, false))); !errors.Is(err, DomainNotHeld) {
		t.Errorf("in a domain of nobody: %v", err)
	}
	if _, err := w.draft().Try(w.pay(w.bob, fee, []pillars.Output{token(w.bob, tokenA, pillars.StatusRegister)})); !errors.Is(err, TokenExists) {
		t.Errorf("a burned token again: %v", err)
	}
}

// TestMining follows what an asset's certificate lets blocks create, and that its end is the end.
func TestMining(t *testing.T) {
	w := scene(t)
	mined := uint64(0)
	for range 30 {
		age := w.tip.Number + 1 - 2              // issued at height 2
		want := uint64(100*2/(1<<(age/2))+1) / 2 // halved every two blocks, half a unit rounds up
		got, ok := w.state().Mineable(one, w.tip.Number+1)
		if !ok || got != want {
			t.Fatalf("%d at age %d, want %d", got, age, want)
		}
		if got == 0 {
			break
		}
		w.connect(minedBlock(w))
		mined += got
		if asset, _ := w.state().Asset(one); asset.Mined != mined {
			t.Fatalf("%d mined, %d known", mined, asset.Mined)
		}
	}
	if mined == 0 || w.count() != nil {
		t.Error("nothing mined, or it does not add up: ", w.count())
	}
	if _, ok := w.state().Mineable(one, 2); ok {
		t.Error("mined in the block of the issue")
	}
	w.mine(w.pay(w.alice, fee, []pillars.Output{certificate((&player{world: w}).nobody(), pillars.CertMining, one, pillars.CertTransfer, mining)}, w.certificate(pillars.CertMining, one)))
	if _, ok := w.state().Mineable(one, w.tip.Number+1); ok {
		t.Error("mined under a certificate in nobody's hands")
	}
}

// TestMiningLeft: an asset is not mined beyond its declared sum, nor beyond 2^64 with what was issued.
func TestMiningLeft(t *testing.T) {
	for _, tt := range []struct {
		name          string
		supply, mined uint64
		want          uint64
	}{
		{"at the start", 1000, 0, 13},
		{"near the declared 400", 1000, 395, 5},
		{"at the declared 400", 1000, 400, 0},
		{"near 2^64", math.MaxUint64 - 200, 190, 10},
		{"at 2^64", math.MaxUint64 - 200, 200, 0},
	} {
		w := scene(t)
		w.rewriteAsset(one, func(a *Asset) { a.Supply, a.Mined = tt.supply, tt.mined })
		if got, _ := w.state().Mineable(one, 8); got != tt.want {
			t.Errorf("%s: %d, want %d", tt.name, got, tt.want)
		}
	}
	for text, want := range map[string]uint64{
		"initial:100,interval:2,base:0.5":                     400,
		"initial:100,interval:2,base:1":                       math.MaxUint64,
		"initial:7,interval:10,base:0.9":                      700,
		"initial:1,interval:1,base:0.3":                       1, // 1.43
		"initial:18446744073709551615,interval:1,base:0.1":    math.MaxUint64,
		"initial:18446744073709551615,interval:9,base:0.1":    math.MaxUint64,
		"initial:1844674407370955161,interval:1,base:0.9":     18446744073709551610,
		"initial:1844674407370955162,interval:1,base:0.9":     math.MaxUint64,
		"initial:1,interval:4294967295,base:0.999999999":      4294967295000000000,
		"initial:1000000,interval:1000000,base:0.00000000001": 0, // ten decimals are no base
	} {
		terms, err := pillars.ParseMiningTerms(text)
		if err != nil {
			if want != 0 {
				t.Error(err)
			}
			continue
		}
		if got := miningCeiling(terms); got != want {
			t.Errorf("%s: %d, want %d", text, got, want)
		}
	}
}

// TestPercent: a threshold is of the whole supply, rounded down to a unit, without wrapping around.
func TestPercent(t *testing.T) {
	for _, tt := range []struct {
		part    uint64
		percent uint8
		total   uint64
		want    bool
	}{
		{500, 50, 1000, true}, {499, 50, 1000, false}, {500, 50, 1001, true}, {501, 50, 1002, true}, {500, 50, 1002, false},
		{math.MaxUint64, 100, math.MaxUint64, true}, {math.MaxUint64 - 1, 100, math.MaxUint64, false}, {0, 1, 99, true}, {0, 1, 100, false},
	} {
		if got := atLeast(tt.part, tt.percent, tt.total); got != tt.want {
			t.Errorf("%d of %d is %d percent: %t", tt.part, tt.total, tt.percent, got)
		}
	}
}

// TestUnclaimedFees are burned.
func TestUnclaimedFees(t *testing.T) {
	w := scene(t)
	b := workBlock(w)
	b.Transactions[0].Outputs[0].Value = fee - 1
	w.seal(b)
	before := w.headNow()
	w.connect(b)
	after := w.headNow()
	if after.Issued != before.Issued || after.Burned != before.Burned+1 {
		t.Errorf("issued %s to %s, burned %s to %s", before.Issued, after.Issued, before.Burned, after.Burned)
	}
	if err := w.count(); err != nil {
		t.Error(err)
	}
}

// TestVersion5 pays without a least fee, from outputs of version 4, and version 4 from its.
func TestVersion5(t *testing.T) {
	w := scene(t)
	w.mine(w.segwit(w.alice, 0, []pillars.Output{plain(w.bob, 77*pillars.ETP)}, w.coin(w.alice)))
	o := w.first(w.find(func(o *Output) bool { return o.Value == 77*pillars.ETP }))
	if out, _ := w.state().Output(o); out.Version != pillars.VersionSegWit {
		t.Fatalf("version %d", out.Version)
	}
	w.mine(w.payWith(w.bob, fee, []pillars.Output{plain(w.alice, pillars.ETP)}, o))
	// What only one kind can spend is refused by the scripts that are handed back.
	lock := w.segwit(w.alice, 0, []pillars.Output{deposit(w.alice, 5*pillars.ETP, 1000)}, w.coin(w.alice))
	w.mine(lock)
	tx := w.payWith(w.alice, fee, nil, pillars.Outpoint{Tx: lock.ID()})
	v, err := w.draft().Try(tx)
	if err != nil {
		t.Fatal("version 5 has no deposits: ", err)
	}
	if err := v.Scripts.Verify(script.Block); !errors.Is(err, script.WrongKind) {
		t.Errorf("got %v", err)
	}
}

// TestChainsOfWaiting: one draft takes transactions on top of each other and refuses what conflicts.
func TestChainsOfWaiting(t *testing.T) {
	w := scene(t)
	p := &player{world: w}
	p.rng = newPlayer(w, 1).rng
	first := payment(w)
	second := p.onTop(first)
	d := w.draft()
	if _, err := d.Add(second); !errors.Is(err, OutputUnknown) {
		t.Fatalf("out of order: %v", err)
	}
	for _, tx := range []*pillars.Transaction{first, second} {
		if v, err := d.Add(tx); err != nil || v.Fee != fee || v.ID != tx.ID() {
			t.Fatalf("%+v %v", v, err)
		}
	}
	if _, err := d.Add(payment(w)); !errors.Is(err, OutputUnknown) {
		t.Errorf("spent again: %v", err)
	}
	if d.Fees() != 2*fee || d.SigOps() == 0 {
		t.Errorf("%s, %d", d.Fees(), d.SigOps())
	}
	if _, err := w.apply(w.block(pillars.PoW, w.dave, second, first)); !errors.Is(err, OutputUnknown) {
		t.Errorf("a block out of order: %v", err)
	}
}

// TestNamesOfOneBlock: names that a block takes are taken for its later transactions.
func TestNamesOfOneBlock(t *testing.T) {
	w := scene(t)
	d := w.draft()
	if _, err := d.Add(registration(w)); err != nil {
		t.Fatal(err)
	}
	again := w.pay(w.dave, pillars.ETP, []pillars.Output{carrying(w.dave, pillars.Avatar{Status: pillars.StatusRegister, Symbol: "CAROL", Address: w.dave.text})})
	if _, err := d.Add(again); !errors.Is(err, AvatarExists) {
		t.Errorf("a name twice: %v", err)
	}
	if _, err := d.Add(w.payWith(w.carol, pillars.ETP, []pillars.Output{carrying(w.carol, pillars.Avatar{Status: pillars.StatusRegister, Symbol: "C2", Address: w.carol.text})}, w.coins(w.carol)[1])); !errors.Is(err, AddressTaken) {
		t.Errorf("an address twice: %v", err)
	}
	// A payment to the new avatar is right at once.
	tx := payment(w)
	tx.Outputs[0] = plain(w.carol, pillars.ETP)
	tx.Outputs[0].Attachment = pillars.Attachment{Version: pillars.AttachmentAvatars, To: "CAROL"}
	if _, err := d.Add(tx); err != nil {
		t.Error(err)
	}
}

// TestAvatarMoves: after a transfer the new address is paid, and the old one may take another name.
func TestAvatarMoves(t *testing.T) {
	w := scene(t)
	w.mine(avatarTransfer(w))
	if a, _ := w.state().Avatar("ALICE"); a.Address != w.carol.address || a.Height != w.tip.Number {
		t.Errorf("%+v", a)
	}
	if symbol, ok := w.state().AvatarOf(w.alice.address); ok {
		t.Errorf("still %s", symbol)
	}
	if _, err := w.draft().Try(toAvatarFrom(w, "ALICE")); !errors.Is(err, FromAvatarWrong) {
		t.Errorf("from the old address: %v", err)
	}
	w.mine(w.pay(w.alice, pillars.ETP, []pillars.Output{carrying(w.alice, pillars.Avatar{Status: pillars.StatusRegister, Symbol: "ALICE2", Address: w.alice.text})}))
	if err := w.count(); err != nil {
		t.Error(err)
	}
}

func toAvatarFrom(w *world, from string) *pillars.Transaction {
	tx := toAvatar(w)
	tx.Outputs[0].Attachment.From = from
	return tx
}

// TestNamingEnds: a naming certificate may end with the issue that it was for, or go on.
func TestNamingEnds(t *testing.T) {
	w := scene(t)
	kept := issueByName(w)
	kept.Outputs = append(kept.Outputs, certificate(w.bob, pillars.CertNaming, named, pillars.CertNormal, ""))
	if _, err := w.draft().Try(w.sign(kept)); err != nil {
		t.Error(err)
	}
	w.mine(issueByName(w))
	if c, ok := w.state().Certificate(pillars.CertNaming, named); ok {
		t.Errorf("still there: %+v", c)
	}
}

// TestScriptsAreHandedBack: a signature that does not fit is seen by the scripts, not by the state.
func TestScriptsAreHandedBack(t *testing.T) {
	w := scene(t)
	tx := payment(w)
	tx.Inputs[0].Script[10] ^= 1
	b := w.block(pillars.PoW, w.dave, tx, w.pay(w.bob, fee, nil))
	diff, err := w.apply(b)
	if err != nil || len(diff.Scripts) != 2 {
		t.Fatalf("%d scripts, %v", len(diff.Scripts), err)
	}
	if VerifyAll(diff.Scripts) == nil || VerifyAll(diff.Scripts[1:]) != nil {
		t.Error("the wrong signature verifies, or the right one does not")
	}
}

// TestGenesis: its balances need not ripen, and relative locks count from its stamp.
func TestGenesis(t *testing.T) {
	w := newWorld(t)
	out, ok := w.state().Output(w.coin(w.alice))
	if !ok || out.Reward || out.Height != 0 || out.Stamp != w.p.Genesis.Timestamp || out.Median != w.p.Genesis.Timestamp {
		t.Errorf("%+v", out)
	}
	if _, err := w.draft().Try(payment(w)); err != nil {
		t.Error(err)
	}
	for _, p := range pillars.Profiles() {
		b, err := p.GenesisBlock()
		if err != nil {
			continue // a profile without balances: a network writes its own
		}
		var m Memory
		m.Write(Genesis(&m, b, &p).Changes)
		if head, _ := At(&m, &p).Head(); head.Block != consensus.Start(&b.Header).ID || head.Issued != 50_000_000*pillars.ETP {
			t.Errorf("%s: %+v", p.Name, head)
		}
	}
}

// TestWalletsOfTheRunningNetwork: their issue names the issuer as both sides of every output, and pays a part
// of the fee to the community.
func TestWalletsOfTheRunningNetwork(t *testing.T) {
	w := scene(t)
	outs := issue(w.alice, "OMEGA", 127, true, true)
	for i := range outs {
		outs[i].Attachment.Version, outs[i].Attachment.To, outs[i].Attachment.From = pillars.AttachmentAvatars, "ALICE", "ALICE"
	}
	w.mine(w.pay(w.alice, 2*pillars.ETP, append(outs, plain(w.community, 8*pillars.ETP))))
	v := outs[0].Attachment.Payload.(pillars.AssetIssue)
	v.Threshold |= pillars.SecondaryIssue
	outs[0].Attachment.Payload = v
	right := (&player{world: w}).through(w.certificate(pillars.CertIssue, "OMEGA"))
	w.mine(w.pay(w.alice, fee, []pillars.Output{outs[0], right}, w.certificate(pillars.CertIssue, "OMEGA")))
	if a, _ := w.state().Asset("OMEGA"); a.Supply != 2*supply || a.Height != w.tip.Number-1 || w.count() != nil {
		t.Errorf("%+v, %v", a, w.count())
	}
}
