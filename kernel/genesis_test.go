package kernel

import (
	"bytes"
	"fmt"
	"reflect"
	"strings"
	"testing"

	"github.com/asterism-network/asterism/internal/crypto"
)

func testAccount(n byte) Account { return AccountFromSeed([64]byte{n, 1}) }

// testGenesis is a network of seven with two assets.
func testGenesis() *Genesis {
	custodian := testAccount(100).Address()
	g := &Genesis{
		Name: "test", Timestamp: 1_700_000_000_000, Parameters: DefaultParameters(), CoinKey: make([]Key, 3), Custodian: &custodian,
		Assets: []GenesisAsset{
			{ID: XIN, Symbol: "XIN", Chain: ETH, Key: XINAssetKey, Ceiling: NewAmount(750_000_00000000)},
			{ID: BTC, Symbol: "BTC", Chain: BTC, Key: "btc"},
		},
	}
	for i := range byte(7) {
		g.Members = append(g.Members, Member{Name: fmt.Sprintf("node-%d", i), Key: testNodeKey(i).Public(), Payee: testAccount(i).Address()})
		g.Balances = append(g.Balances, GenesisOutput{[]AssetID{XIN, BTC}[i%2], testAccount(i).Address(), NewAmount(uint64(i) + 1)})
	}
	return g
}

func TestGenesisRules(t *testing.T) {
	torsion, err := keyFromHex("c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa")
	if err != nil {
		t.Fatal(err)
	}
	if err := testGenesis().Check(); err != nil {
		t.Fatal("base case is not valid:", err)
	}
	for _, tt := range []struct {
		name   string
		broken func(g *Genesis)
		want   string
	}{
		{"no name", func(g *Genesis) { g.Name = "" }, "name"},
		{"long name", func(g *Genesis) { g.Name = strings.Repeat("n", 65) }, "name"},
		{"name of other bytes", func(g *Genesis) { g.Name = "\xff" }, "name"},
		{"no time", func(g *Genesis) { g.Timestamp = 0 }, "timestamp_ms"},
		{"far time", func(g *Genesis) { g.Timestamp = MaxTimestamp }, "timestamp_ms"},
		{"six members", func(g *Genesis) { g.Members = g.Members[:6] }, "6 members"},
		{"51 members", func(g *Genesis) { g.Members = make([]Member, 51) }, "51 members"},
		{"wave 3", func(g *Genesis) { g.Parameters.Wave = 3 }, "wave"},
		{"wave 6", func(g *Genesis) { g.Parameters.Wave = 6 }, "wave"},
		{"no slots", func(g *Genesis) { g.Parameters.Slots = 0 }, "slots"},
		{"eight slots", func(g *Genesis) { g.Parameters.Slots = 8 }, "slots"},
		{"no depth", func(g *Genesis) { g.Parameters.Depth = 0 }, "depth"},
		{"depth at the horizon", func(g *Genesis) { g.Parameters.Depth = g.Parameters.Horizon }, "depth"},
		{"far horizon", func(g *Genesis) { g.Parameters.Horizon = 10_001 }, "horizon"},
		{"no epoch length", func(g *Genesis) { g.Parameters.EpochLength = 0 }, "epoch_length"},
		{"no checkpoints", func(g *Genesis) { g.Parameters.CheckpointPeriod = 0 }, "checkpoint_period_ms"},
		{"coin key short", func(g *Genesis) { g.CoinKey = g.CoinKey[:2] }, "coin_key"},
		{"member without a name", func(g *Genesis) { g.Members[3].Name = "" }, "member 3"},
		{"two members with one key", func(g *Genesis) { g.Members[3].Key = g.Members[1].Key }, "same key"},
		{"member's key of small order", func(g *Genesis) { g.Members[3].Key = torsion }, "prime order"},
		{"flagged member", func(g *Genesis) { g.Members[3].Flagged = true }, "flagged"},
		{"payee", func(g *Genesis) { g.Members[3].Payee.View = torsion }, "payee"},
		{"custodian", func(g *Genesis) { g.Custodian.Spend = torsion }, "custodian"},
		{"asset twice", func(g *Genesis) { g.Assets[1].ID = XIN }, "asset"},
		{"asset without id", func(g *Genesis) { g.Assets[1].ID = AssetID{} }, "asset"},
		{"asset without symbol", func(g *Genesis) { g.Assets[1].Symbol = "" }, "asset"},
		{"asset without chain", func(g *Genesis) { g.Assets[1].Chain = AssetID{} }, "asset"},
		{"asset without key", func(g *Genesis) { g.Assets[1].Key = "" }, "asset"},
		{"long asset key", func(g *Genesis) { g.Assets[1].Key = strings.Repeat("k", 257) }, "asset"},
		{"too many assets", func(g *Genesis) { g.Assets = make([]GenesisAsset, 1025) }, "assets"},
		{"too many balances", func(g *Genesis) { g.Balances = make([]GenesisOutput, 65537) }, "balances"},
		{"balance of an unknown asset", func(g *Genesis) { g.Balances[2].Asset = ETH }, "balance 2"},
		{"balance of nothing", func(g *Genesis) { g.Balances[2].Amount = Amount{} }, "balance 2"},
		{"balance of nobody", func(g *Genesis) { g.Balances[2].Address.Spend = Key{1} }, "balance 2"},
		{"balances over 2^128", func(g *Genesis) { g.Balances[2].Amount = maxAmount }, "2^128"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			g := testGenesis()
			tt.broken(g)
			if err := g.Check(); err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("%v, want a word about %q", err, tt.want)
			}
		})
	}
}

func TestGenesisFile(t *testing.T) {
	g := testGenesis()
	file, err := g.MarshalIndentJSON()
	if err != nil {
		t.Fatal(err)
	}
	again, err := ParseGenesis(file)
	if err != nil || !reflect.DeepEqual(again, g) || again.NetworkID() != g.NetworkID() {
		t.Fatalf("the file reads as another genesis: %v", err)
	}
	for name, bad := range map[string][]byte{
		"unknown field":    bytes.Replace(file, []byte(`"wave"`), []byte(`"waves": 5, "wave"`), 1),
		"text after it":    append(bytes.Clone(file), "{}"...),
		"cut":              file[:len(file)-3],
		"empty":            nil,
		"breaks a rule":    bytes.Replace(file, []byte(`"wave": 5`), []byte(`"wave": 9`), 1),
		"address mistyped": bytes.Replace(file, []byte(`"XIN`), []byte(`"XIM`), 2),
		"negative amount":  bytes.Replace(file, []byte(`"amount": "`), []byte(`"amount": "-`), 1),
		"too large":        bytes.Repeat([]byte(" "), MaxGenesisSize+1),
	} {
		if bytes.Equal(bad, file) {
			t.Fatalf("%s: the case changes nothing", name)
		}
		if _, err := ParseGenesis(bad); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}

// TestNetworkIDCoversEverything changes each part of a genesis.
func TestNetworkIDCoversEverything(t *testing.T) {
	seen := map[NetworkID]string{}
	for name, change := range map[string]func(g *Genesis){
		"base": func(*Genesis) {}, "name": func(g *Genesis) { g.Name += "x" }, "time": func(g *Genesis) { g.Timestamp++ },
		"wave": func(g *Genesis) { g.Parameters.Wave-- }, "slots": func(g *Genesis) { g.Parameters.Slots-- },
		"horizon": func(g *Genesis) { g.Parameters.Horizon++ }, "depth": func(g *Genesis) { g.Parameters.Depth++ },
		"epoch": func(g *Genesis) { g.Parameters.EpochLength++ }, "checkpoints": func(g *Genesis) { g.Parameters.CheckpointPeriod++ },
		"pledge": func(g *Genesis) { g.Parameters.Pledge = NewAmount(1) }, "member name": func(g *Genesis) { g.Members[0].Name = "x" },
		"member key": func(g *Genesis) { g.Members[0].Key[0]++ }, "payee": func(g *Genesis) { g.Members[0].Payee.View[0]++ },
		"flag": func(g *Genesis) { g.Members[0].Flagged = true }, "coin key": func(g *Genesis) { g.CoinKey[0][0]++ },
		"coin dealt": func(g *Genesis) { g.CoinDealt = true }, "no custodian": func(g *Genesis) { g.Custodian = nil },
		"custodian": func(g *Genesis) { g.Custodian.Spend[0]++ }, "asset": func(g *Genesis) { g.Assets[0].ID[0]++ },
		"symbol": func(g *Genesis) { g.Assets[0].Symbol = "x" }, "chain": func(g *Genesis) { g.Assets[0].Chain[0]++ },
		"asset key": func(g *Genesis) { g.Assets[0].Key = "x" }, "ceiling": func(g *Genesis) { g.Assets[0].Ceiling = NewAmount(1) },
		"balance asset": func(g *Genesis) { g.Balances[0].Asset[0]++ }, "balance address": func(g *Genesis) { g.Balances[0].Address.Spend[0]++ },
		"balance": func(g *Genesis) { g.Balances[0].Amount = NewAmount(9) }, "order": func(g *Genesis) { g.Balances[0], g.Balances[1] = g.Balances[1], g.Balances[0] },
	} {
		g := testGenesis()
		change(g)
		if other, taken := seen[g.NetworkID()]; taken {
			t.Errorf("%s and %s have one id", name, other)
		}
		seen[g.NetworkID()] = name
	}
}

func TestGenesisTransactions(t *testing.T) {
	g := testGenesis()
	for i := range 300 { // more XIN balances than one transaction holds
		g.Balances = append(g.Balances, GenesisOutput{XIN, testAccount(byte(i % 3)).Address(), NewAmount(uint64(i) + 100)})
	}
	if err := g.Check(); err != nil {
		t.Fatal(err)
	}
	all, err := GenesisTransactions(g)
	if err != nil {
		t.Fatal(err)
	}
	if again, _ := GenesisTransactions(g); !reflect.DeepEqual(all, again) {
		t.Error("two calls differ")
	}
	network, keys := g.NetworkID(), map[Key]bool{}
	var sizes []int
	for i, tx := range all {
		in := tx.Inputs[0]
		if len(tx.Inputs) != 1 || tx.Class() != ClassGenesis || !bytes.Equal(in.Genesis, network[:]) || !in.Hash.IsZero() || int(in.Index) != i {
			t.Errorf("transaction %d has the inputs %+v", i, tx.Inputs)
		}
		decodeTransaction(t, encode(t, tx))
		sizes = append(sizes, len(tx.Outputs))
		for _, out := range tx.Outputs {
			if threshold, err := out.Script.Threshold(); err != nil || threshold != 1 || out.Type != OutputScript || len(out.Keys) != 1 || keys[out.Keys[0]] {
				t.Errorf("transaction %d has the output %+v", i, out)
			}
			keys[out.Keys[0]] = true
		}
	}
	if fmt.Sprint(sizes) != "[256 48 3]" || all[2].Asset != BTC {
		t.Errorf("the transactions have %v outputs", sizes)
	}
	// Every balance is found by scanning, in the order of the file.
	place := map[AssetID]int{}
	for _, balance := range g.Balances {
		n := place[balance.Asset]
		place[balance.Asset]++
		tx := all[2]
		if balance.Asset == XIN {
			tx, n = all[n/256], n%256
		}
		out := tx.Outputs[n]
		for i := range byte(7) {
			account := testAccount(i)
			owner, err := crypto.ViewGhost(account.View, out.Keys[0], out.Mask, uint64(n))
			if mine := account.Address() == balance.Address; err != nil || mine != (owner == account.Address().Spend) || out.Amount != balance.Amount {
				t.Fatalf("output %d of %s belongs to %s, %v", n, tx.Asset.Short(), owner, err)
			}
		}
	}
	g.Balances[0].Address.View = Key{2}
	if _, err := GenesisTransactions(g); err == nil {
		t.Error("an address off the curve is paid")
	}
}

// TestQuorumsIntersect checks every size of a voting committee.
func TestQuorumsIntersect(t *testing.T) {
	for k := 4; k <= MaxMembers; k++ {
		r := &Roster{Members: make([]Member, k)}
		f, q := r.Faulty(), r.Quorum()
		if r.Voting() != k || 3*f >= k || 3*(f+1) < k || 2*q-k <= f || q > k-f {
			t.Errorf("K=%d: f=%d, q=%d", k, f, q)
		}
		r.Members[1].Flagged = true
		if r.Voting() != k-1 || r.VotingSet()&2 != 0 {
			t.Errorf("K=%d: a flagged member votes", k)
		}
	}
}

func TestEpochHash(t *testing.T) {
	roster := testGenesis().Roster()
	base := EpochHash(NetworkID{1}, 2, Digest{3}, roster)
	if EpochHash(NetworkID{2}, 2, Digest{3}, roster) == base || EpochHash(NetworkID{1}, 3, Digest{3}, roster) == base || EpochHash(NetworkID{1}, 2, Digest{4}, roster) == base {
		t.Error("network, epoch or state do not count")
	}
	roster.Members[0].Flagged = true
	if EpochHash(NetworkID{1}, 2, Digest{3}, roster) == base {
		t.Error("the roster does not count")
	}
}
