package devnet

import (
	"fmt"

	"github.com/asterism-network/asterism/kernel"
	"github.com/asterism-network/asterism/kernel/wallet"
)

// users are the ten funded users. Their words are in the sources: whoever can read can spend.
var users = []struct{ name, words string }{
	{"alice", "define flight use medal that lyrics name usual vicious narrow exact buzz"},
	{"bob", "welcome debris stumble minor foster mouse cash coast cousin come van file"},
	{"carol", "vital fiber reduce mule uncle edge ankle captain birth remove you isolate"},
	{"dave", "boy royal blue album blast animal leaf rhythm spoon crack fuel crane"},
	{"erin", "awkward nest retire diary expect search antique live depth immense sheriff ankle"},
	{"frank", "cereal romance suspect fee history color cage chat vendor desert width dinner"},
	{"grace", "focus betray make brave priority cricket consider enhance victory fabric squeeze tail"},
	{"heidi", "harbor broccoli cream law exact mention impulse oyster slush sing mother box"},
	{"ivan", "winner law kiss call swallow member again deer father muscle lion build"},
	{"judy", "weekend regular divide crazy wage lamp pyramid science rice seek letter solve"},
}

const custodianWords = "grocery fan satisfy foam chef result civil average vital unveil sample traffic"

// accountOf is the account of fixed test words.
func accountOf(words string) (kernel.Account, error) {
	seed, err := wallet.Seed(words, "")
	if err != nil {
		return kernel.Account{}, fmt.Errorf("devnet words: %w", err)
	}
	return kernel.AccountFromSeed(seed), nil
}

func userFacts(name, words string) (UserFacts, error) {
	account, err := accountOf(words)
	if err != nil {
		return UserFacts{}, err
	}
	return UserFacts{Name: name, Address: account.Address(), Words: words}, nil
}

// An endowment is what every user gets of one asset, in equal parts: several outputs, so that
// several payments can be under way at once.
type endowment struct {
	asset kernel.GenesisAsset
	part  kernel.Amount
	parts int
}

// bitcoinKey and etherKey are the names of the native assets on their chains, as known elsewhere.
const (
	bitcoinKey = "c6d0c728-2624-429b-8e0d-d9d19b6592fa"
	etherKey   = "0x0000000000000000000000000000000000000000"
)

func endowments() []endowment {
	const cent = 1_000_000 // units of a hundredth
	return []endowment{
		{kernel.GenesisAsset{ID: kernel.XIN, Symbol: "XIN", Chain: kernel.ETH, Key: kernel.XINAssetKey}, kernel.NewAmount(100 * cent), 10},
		{kernel.GenesisAsset{ID: kernel.BTC, Symbol: "BTC", Chain: kernel.BTC, Key: bitcoinKey}, kernel.NewAmount(10 * cent), 10},
		{kernel.GenesisAsset{ID: kernel.ETH, Symbol: "ETH", Chain: kernel.ETH, Key: etherKey}, kernel.NewAmount(50 * cent), 10},
	}
}

// total is what a user has at the start.
func (e endowment) total() (sum kernel.Amount) {
	for range e.parts {
		sum, _ = sum.Add(e.part) // far below the limit
	}
	return sum
}
