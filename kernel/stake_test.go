package kernel

import (
	"bytes"
	"errors"
	"reflect"
	"strings"
	"testing"
)

// stakedGenesis is a genesis whose total is all there: pledges of 10,000 and 500,000 in the pool.
func stakedGenesis() *Genesis {
	g := testGenesis()
	g.Stake = DefaultStake()
	if err := g.Distribute(testAccount(50).Address()); err != nil {
		panic(err)
	}
	return g
}

// TestStakeRules breaks one thing of a good section at a time.
func TestStakeRules(t *testing.T) {
	if err := stakedGenesis().Check(); err != nil {
		t.Fatal("base case is not valid:", err)
	}
	for name, tt := range map[string]struct {
		broken func(g *Genesis)
		want   string
	}{
		"a unit more":      {func(g *Genesis) { g.Stake.Total = NewAmount(StakeTotal.lo + 1) }, "total"},
		"a unit less":      {func(g *Genesis) { g.Balances[0].Amount.lo++ }, "total"},
		"a smaller pledge": {func(g *Genesis) { g.Parameters.Pledge.lo-- }, "total"},
		"a smaller pool":   {func(g *Genesis) { g.Stake.Pool.lo-- }, "total"},
		"too much":         {func(g *Genesis) { g.Stake.Pool = Amount{hi: 1<<64 - 1, lo: 1<<64 - 1} }, "total"},
		"a total that shares cannot be counted of": {func(g *Genesis) { g.Stake.Total = Amount{hi: 1} }, "2^64-1"},
		"no pledge":         {func(g *Genesis) { g.Parameters.Pledge = Amount{} }, "pledge"},
		"short epochs":      {func(g *Genesis) { g.Parameters.EpochLength = 47 }, "epoch_too_short"},
		"more slots":        {func(g *Genesis) { g.Parameters.EpochLength, g.Parameters.Slots = 63, 4 }, "= 64"},
		"no XIN":            {func(g *Genesis) { g.Assets, g.Balances = g.Assets[1:], nil }, "XIN"},
		"no window":         {func(g *Genesis) { g.Stake.AppealWindow = 0 }, "window"},
		"window for ever":   {func(g *Genesis) { g.Stake.Motion.Window = maxStakeSpan + 1 }, "window"},
		"delay for ever":    {func(g *Genesis) { g.Stake.Motion.Delay = maxStakeSpan + 1 }, "delay"},
		"no quorum":         {func(g *Genesis) { g.Stake.Motion.QuorumPercent = 0 }, "quorum"},
		"quorum beyond all": {func(g *Genesis) { g.Stake.Motion.QuorumPercent = 101 }, "quorum"},
		"paid for ever":     {func(g *Genesis) { g.Stake.Mint.PaidDays = MaxPaidDays + 1 }, "paid_days"},
		"nine tenths":       {func(g *Genesis) { g.Stake.Mint.Light = 0 }, "tenths"},
		"256 tenths more":   {func(g *Genesis) { g.Stake.Mint = MintRules{Nodes: 130, Domains: 130, Light: 6} }, "tenths"},
	} {
		g := stakedGenesis()
		tt.broken(g)
		if err := g.Check(); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestShortEpochs: the bound holds where there are ceremonies only, and has a name.
func TestShortEpochs(t *testing.T) {
	g := stakedGenesis()
	g.Parameters.EpochLength = LeastEpochLength(g.Parameters)
	if err := g.Check(); err != nil {
		t.Error(err)
	}
	g.Parameters.EpochLength--
	if err := g.Check(); !errors.Is(err, ErrEpochShort) {
		t.Errorf("one commit less: %v", err)
	}
	plain := testGenesis()
	plain.Parameters.EpochLength = 1
	if err := plain.Check(); err != nil {
		t.Errorf("a network whose members never change: %v", err)
	}
}

// TestStakeIsInTheNetworksID: every number of the section, and that it is there at all.
func TestStakeIsInTheNetworksID(t *testing.T) {
	plain, all := testGenesis(), map[NetworkID]string{}
	all[plain.NetworkID()] = "no section"
	for name, change := range map[string]func(s *Stake){
		"nothing":      func(*Stake) {},
		"total":        func(s *Stake) { s.Total.lo++ },
		"pool":         func(s *Stake) { s.Pool.lo++ },
		"appeal":       func(s *Stake) { s.AppealWindow++ },
		"window":       func(s *Stake) { s.Motion.Window++ },
		"delay":        func(s *Stake) { s.Motion.Delay++ },
		"quorum":       func(s *Stake) { s.Motion.QuorumPercent++ },
		"paid days":    func(s *Stake) { s.Mint.PaidDays++ },
		"nodes":        func(s *Stake) { s.Mint.Nodes++ },
		"domains":      func(s *Stake) { s.Mint.Domains++ },
		"light":        func(s *Stake) { s.Mint.Light++ },
		"app creation": func(s *Stake) { s.Fees.AppCreation.lo++ },
		"call":         func(s *Stake) { s.Fees.Call.lo++ },
	} {
		g := testGenesis()
		g.Stake = DefaultStake()
		change(g.Stake)
		if other, same := all[g.NetworkID()]; same {
			t.Errorf("%s and %s have one id", name, other)
		}
		all[g.NetworkID()] = name
		if !bytes.HasPrefix(g.AppendBinary(nil), plain.AppendBinary(nil)) {
			t.Errorf("%s: the section changes what stands before it", name)
		}
	}
}

func TestStakeFile(t *testing.T) {
	g := stakedGenesis()
	b, err := g.MarshalIndentJSON()
	if err != nil {
		t.Fatal(err)
	}
	again, err := ParseGenesis(b)
	if err != nil || !reflect.DeepEqual(again, g) {
		t.Fatalf("%v\n%+v", err, again)
	}
	if b, _ := testGenesis().MarshalIndentJSON(); bytes.Contains(b, []byte("stake")) {
		t.Error("a genesis without stakes speaks of them")
	}
	full := stakedGenesis()
	if err := full.Distribute(testAccount(1).Address()); err != nil || len(full.Balances) != len(g.Balances) {
		t.Error("something is left of nothing")
	}
	full.Stake.Pool = StakeTotal
	if err := full.Distribute(testAccount(1).Address()); err == nil {
		t.Error("more than the total is distributed")
	}
}

// TestStakeTransactions: commit 0 ends with the members' pledges.
func TestStakeTransactions(t *testing.T) {
	g := stakedGenesis()
	all, err := GenesisTransactions(g)
	if err != nil || len(all) != 2+7 {
		t.Fatalf("%d transactions, %v", len(all), err)
	}
	for i, tx := range all {
		if int(tx.Inputs[0].Index) != i {
			t.Errorf("transaction %d has number %d", i, tx.Inputs[0].Index)
		}
	}
	for i, tx := range all[2:] {
		signer, payee, ok := ParseMemberExtra(tx.Extra)
		if !ok || signer != g.Members[i].Key || payee != g.Members[i].Payee || tx.Outputs[0].Type != OutputNodeAccept || tx.Outputs[0].Amount != g.Parameters.Pledge {
			t.Errorf("stake of member %d: %+v", i, tx)
		}
	}
}

func TestMemberExtra(t *testing.T) {
	signer := testNodeKey(1).Public()
	own, public := testAccount(4).Address(), PublicAccount(testAccount(4).Spend).Address()
	if public != PublicAddress(own.Spend) {
		t.Fatal("two forms of one public address")
	}
	for payee, size := range map[Address]int{own: MemberExtraSizeFull, public: MemberExtraSize} {
		b := MemberExtra(signer, payee)
		if s, p, ok := ParseMemberExtra(b); len(b) != size || !ok || s != signer || p != payee {
			t.Errorf("extra of %d bytes gives %v %v", len(b), p, ok)
		}
	}
	for name, b := range map[string][]byte{
		"nothing": nil, "short": MemberExtra(signer, public)[:63], "between": MemberExtra(signer, own)[:95], "long": append(MemberExtra(signer, own), 0),
		"view key twice":      append(MemberExtra(signer, public), public.View[:]...),
		"signer of low order": MemberExtra(Key{1}, public), "signer is payee": MemberExtra(own.Spend, own),
		"no payee": MemberExtra(signer, Address{}),
	} {
		if _, _, ok := ParseMemberExtra(b); ok {
			t.Errorf("%s names a member", name)
		}
	}
}

func FuzzMemberExtra(f *testing.F) {
	f.Add(MemberExtra(testNodeKey(1).Public(), testAccount(4).Address()))
	f.Add(MemberExtra(testNodeKey(1).Public(), PublicAddress(testAccount(4).Address().Spend)))
	f.Fuzz(func(t *testing.T, b []byte) {
		if signer, payee, ok := ParseMemberExtra(b); ok && !bytes.Equal(MemberExtra(signer, payee), b) {
			t.Fatalf("%x is not the form of what it says", b)
		}
	})
}

func TestMemberStates(t *testing.T) {
	for s := MemberPledging; s.Valid(); s++ {
		text, _ := s.MarshalText()
		var again MemberState
		if err := again.UnmarshalText(text); err != nil || again != s {
			t.Errorf("%s: %v", text, err)
		}
	}
	if err := new(MemberState).UnmarshalText([]byte("king")); err == nil || MemberState(0).Valid() || MemberState(9).String() != "state_9" {
		t.Error("an unknown state has a name")
	}
}

func TestHundredth(t *testing.T) {
	for _, tt := range []struct{ of, want Amount }{
		{NewAmount(99), NewAmount(0)}, {NewAmount(199), NewAmount(1)}, {Amount{hi: 100, lo: 99}, Amount{hi: 1}},
		{Amount{hi: 1}, NewAmount(184467440737095516)}, {Amount{hi: 1<<64 - 1, lo: 1<<64 - 1}, Amount{hi: 184467440737095516, lo: 2951479051793528258}},
	} {
		if got := tt.of.Hundredth(); got != tt.want {
			t.Errorf("of %v: %v, want %v", tt.of, got, tt.want)
		}
	}
}
