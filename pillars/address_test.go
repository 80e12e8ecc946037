package pillars

import (
	"encoding/hex"
	"encoding/json"
	"reflect"
	"strings"
	"testing"
)

// TestPublishedAddresses reads the addresses of the running networks' parameters [PIL-ADR-1].
func TestPublishedAddresses(t *testing.T) {
	main, test := Classic().Address, ClassicTestnet().Address
	for _, tt := range []struct {
		text string
		net  AddressParams
		hash string
	}{
		{"tE9wL5d8YK94JgMHrV8HvK5pwb7tAqdHmn", test, "4f4e6201241b25f48183dda03f63229fecd2ba4d"},
		{"tBELxsiiaMVGQcY2Apf7hmzAaipD4YWTTj", test, "2f3b65f87fa30c7fc1b5e2919daf0aad0e42b074"},
		{"t76YL2e4CQ17rY9SrrL3LSuNRrRr9b2iAk", test, "01e10de596cc7067f098bc854eec51644d5704e1"},
		{"MGqHvbaH9wzdr6oUDFz4S1HptjoKQcjRve", main, ""},
		{"MSCHL3unfVqzsZbRVCJ3yVp7RgAmXiuGN3", main, ""},
		{"MAwLwVGwJyFsTBfNj2j5nCUrQXGVRvHzPh", main, ""},
		{"MCCu9WmXuTooSEoMHX1aN82b7syaJD65XM", main, ""},
	} {
		a, err := ParseAddress(tt.text, tt.net)
		if err != nil || a.Kind() != ToPubKeyHash || a.Text(tt.net) != tt.text {
			t.Errorf("%s: %v, %v", tt.text, a, err)
		}
		if tt.hash != "" && hex.EncodeToString(a.Hash()) != tt.hash {
			t.Errorf("%s is of %x", tt.text, a.Hash())
		}
		other := main
		if tt.net == main {
			other = test
		}
		if _, err := ParseAddress(tt.text, other); err == nil {
			t.Errorf("%s is of two networks", tt.text)
		}
	}
}

// TestBech32Addresses reads addresses of BIP 173 and BIP 350, with Bitcoin's prefix in the profile.
func TestBech32Addresses(t *testing.T) {
	net := AddressParams{PubKeyHash: 0x32, ScriptHash: 5, Bech32: "bc"}
	for text, script := range map[string]string{
		"BC1QW508D6QEJXTDG4Y5R3ZARVARY0C5XW7KV8F3T4":                     "0014751e76e8199196d454941c45d1b3a323f1433bd6",
		"bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4":                     "0014751e76e8199196d454941c45d1b3a323f1433bd6",
		"bc1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vqzk5jj0": "512079be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798",
		"bc1qrp33g0q5c5txsp9arysrx4k6zdkfs4nce4xj0gdcccefvpysxf3qccfmv3": "00201863143c14c5166804bd19203356da136c985678cd4d27a1b8c6329604903262",
	} {
		a, err := ParseAddress(text, net)
		if err != nil || hex.EncodeToString(a.Script()) != script {
			t.Errorf("%s pays to %x, %v", text, a.Script(), err)
		}
		if a.Text(net) != strings.ToLower(text) {
			t.Errorf("%s prints as %s", text, a.Text(net))
		}
	}
	for _, text := range []string{
		"bc1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vqh2y7hd", // bech32 where bech32m belongs
		"bc1q0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vq54n3q6", // the reverse
		"bc1sw50qgdz25j", "bc1zw508d6qejxtdg4y5r3zarvaryvaxxpcs", // versions that nobody can spend
		"bc1p38j9r5y49hruaue7wxjce0updqjuyyx0kh56v8s25huc6995vvpql3jow4", // a digit that is none
		"BC130XLXVLHEMJA6C4DQV22UAPCTQUPFHLXM9H8Z3K2E72Q4K9HCZ7VQ7ZWS8R", "bc1pw5dgrnzv", "BC1QR508D6QEJXTDG4Y5R3ZARVARYV98GJ9P",
		"bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3T4", "tb1qw508d6qejxtdg4y5r3zarvary0c5xw7kxpjzsx", "bc1gmk9yu", "", "1", strings.Repeat("1", 91),
	} {
		if a, err := ParseAddress(text, net); err == nil {
			t.Errorf("%s is %v", text, a)
		}
	}
}

func TestAmounts(t *testing.T) {
	for text, want := range map[string]Amount{"0": 0, "1": ETP, "1.5": 150_000_000, "0.00000001": 1, "100000000": MaxMoney} {
		if a, err := ParseAmount(text); err != nil || a != want {
			t.Errorf("%s is %d, %v", text, a, err)
		}
	}
	for _, text := range []string{"", ".", "1.", ".5", "-1", "+1", "01", "1e3", "0.000000001", "100000000.00000001", "1,5", "1000000000", " 1", "0x1"} {
		if a, err := ParseAmount(text); err == nil {
			t.Errorf("%q is %s", text, a)
		}
	}
	if s := Amount(123).String(); s != "0.00000123" {
		t.Error(s)
	}
	if _, ok := MaxMoney.Add(1); ok {
		t.Error("more than all")
	}
	if _, ok := Amount(1<<64 - 1).Add(2); ok {
		t.Error("a sum wraps around")
	}
	if sum, ok := (MaxMoney - 1).Add(1); !ok || sum != MaxMoney {
		t.Error(sum, ok)
	}
	if _, ok := Amount(1).Sub(2); ok {
		t.Error("less than nothing")
	}
}

// TestProfilesReadBack writes each profile as a genesis file has it and reads it back.
func TestProfilesReadBack(t *testing.T) {
	magics := map[uint32]string{}
	for _, p := range Profiles() {
		text, err := json.Marshal(p)
		if err != nil {
			t.Fatal(err)
		}
		again, err := ParseParams(text)
		if err != nil || !reflect.DeepEqual(p, *again) {
			t.Errorf("%s: %v\n%+v\n%+v", p.Name, err, p, again)
		}
		if other := magics[p.Magic]; other != "" {
			t.Errorf("%s and %s share a magic number", p.Name, other)
		}
		magics[p.Magic] = p.Name
		if by, ok := ProfileByName(p.Name); !ok || !reflect.DeepEqual(by, p) {
			t.Errorf("%s is not found by its name", p.Name)
		}
	}
	if _, err := ParseParams([]byte(`{"name":"x","colour":"red"}`)); err == nil {
		t.Error("an unknown field is no error")
	}
}

func TestProfileRules(t *testing.T) {
	for name, broken := range map[string]func(p *Params){
		"no name":             func(p *Params) { p.Name = "" },
		"one version byte":    func(p *Params) { p.Address.ScriptHash = p.Address.PubKeyHash },
		"no prefix":           func(p *Params) { p.Address.Bech32 = "" },
		"prefix in capitals":  func(p *Params) { p.Address.Bech32 = "ETP" },
		"no epoch":            func(p *Params) { p.Ethash.Epoch = 0 },
		"no cache":            func(p *Params) { p.Ethash.CacheInit = 0 },
		"large blocks":        func(p *Params) { p.Limits.BlockSize = MaxBlockSize + 1 },
		"larger transactions": func(p *Params) { p.Limits.TransactionSize = p.Limits.BlockSize + 1 },
		"larger legacy ones":  func(p *Params) { p.Limits.LegacySize = p.Limits.BlockSize + 1 },
		"over all":            func(p *Params) { p.Fees.MinerPart = 101 },
		"no community":        func(p *Params) { p.Fees.Community = "nobody" },
		"fee above all money": func(p *Params) { p.Fees.Asset = MaxMoney + 1 },
	} {
		p := Devnet()
		broken(&p)
		if p.Check() == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}
