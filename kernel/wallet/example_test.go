package wallet_test

import (
	"crypto/rand"
	"fmt"

	"github.com/asterism-network/asterism/kernel"
	"github.com/asterism-network/asterism/kernel/wallet"
)

// A wallet in memory from the words of the BIP-39 standard's first vector. Words of real
// wallets come from wallet.NewWords.
func Example() {
	const words = "abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon about"
	seed, err := wallet.Seed(words, "")
	if err != nil {
		fmt.Println(err)
		return
	}
	w := wallet.New(wallet.AccountKeys(kernel.AccountFromSeed(seed)), kernel.NetworkID{}, 0)
	fmt.Println(w.Address().String()[:12])

	// With nodes to talk to: w.Scan(ctx, node), then
	//   w.Send(ctx, wallet.Network{Source: node, Submitter: nodes}, "W-1001", request)
	// which pays at most once for each reference, or step by step to show a person the effects:
	request := wallet.Request{
		Asset: kernel.XIN,
		Pay:   []wallet.Pay{{To: wallet.To(w.Address()), Amount: kernel.NewAmount(50_000_000)}},
	}
	_, err = w.Plan(request, rand.Reader)
	fmt.Println(err)
	// Output:
	// XINJNRbEitVa
	// not enough spendable money: have 0.00000000, need 0.50000000
}
