package interop_test

import (
	"crypto/rand"
	"testing"

	"github.com/asterism-network/asterism/internal/crypto"
	"github.com/asterism-network/asterism/kernel"
	"github.com/asterism-network/asterism/kernel/wallet"
)

// An sdkUser has the kind of keys that the SDK signs with: an RFC 8032 seed that spends and a
// scalar that views.
type sdkUser struct {
	SpendSeed hexBytes       `json:"spend_seed"`
	ViewBy    hexBytes       `json:"view_private"`
	Address   kernel.Address `json:"address"`
	account   kernel.Account
}

// account is a fresh one.
func account() kernel.Account {
	var seed [64]byte
	rand.Read(seed[:])
	return kernel.AccountFromSeed(seed)
}

func newSDKUser() sdkUser {
	var seed [32]byte
	rand.Read(seed[:])
	a := account()
	a.Spend = crypto.ScalarFromSeed(seed)
	return sdkUser{SpendSeed: seed[:], ViewBy: a.View[:], Address: a.Address(), account: a}
}

// networkFacts are what the scripts know of the network.
type networkFacts struct {
	Network   kernel.NetworkID `json:"network"`
	URLs      []string         `json:"urls"`
	Asset     kernel.AssetID   `json:"asset"`
	Nodes     []kernel.Key     `json:"nodes"`  // public keys
	Users     []sdkUser        `json:"users"`  // [0] pays, [1] and [2] share outputs with it
	Funded    []kernel.TxHash  `json:"funded"` // our wallet's payments to the first user
	Shared    kernel.TxHash    `json:"shared"` // and one to the first two users together
	Receiver  kernel.Address   `json:"receiver"`
	Custodian hexBytes         `json:"custodian"` // private spend key
	Deposit   depositFacts     `json:"deposit"`
}

type depositFacts struct {
	Asset    kernel.AssetID `json:"asset"`
	Chain    kernel.AssetID `json:"chain"`
	AssetKey string         `json:"asset_key"`
}

// TestNetwork starts seven nodes. Our wallet pays users of the SDK; the SDK finds the money,
// pays back in all the ways it knows and is refused where it should be; then every method that
// existing clients call is asked for the fields they read.
func TestNetwork(t *testing.T) {
	needSDK(t)
	if testing.Short() {
		t.Skip("starts seven nodes")
	}
	n := startNetwork(t)
	receiver, btc := account(), n.asset(t, "BTC")
	facts := networkFacts{
		Network: n.id, URLs: n.urls, Nodes: n.keys, Asset: kernel.XIN, Receiver: receiver.Address(),
		Users:     []sdkUser{newSDKUser(), newSDKUser(), newSDKUser()},
		Custodian: n.custodian.Spend[:],
		Deposit:   depositFacts{btc.ID, btc.Chain, btc.Key},
	}
	n.fund(t, &facts)
	t.Run("payments", func(t *testing.T) { testPayments(t, n, facts, receiver) })
	t.Run("refusals", func(t *testing.T) { runScript(t, "refusals.test.mjs", facts, nil) })
	t.Run("methods", func(t *testing.T) { runScript(t, "methods.test.mjs", facts, nil) })
	t.Run("guide", func(t *testing.T) { testGuide(t, n) })
	t.Run("supply", func(t *testing.T) {
		for i, c := range n.clients {
			if supply, err := c.Supply(t.Context()); err != nil || !supply.OK {
				t.Errorf("node %d: %+v, %v", i, supply, err)
			}
		}
	})
}

// fund pays the SDK's users with our wallet, in its usual three outputs and in one.
func (n *network) fund(t *testing.T, facts *networkFacts) {
	t.Helper()
	first := wallet.To(facts.Users[0].Address)
	for i := range 3 { // three outputs as usual; one; one, with an aggregate signature
		p := n.pay(t, wallet.Request{
			Asset: kernel.XIN, Pay: []wallet.Pay{{To: first, Amount: kernel.NewAmount(2_00000000)}}, Plain: i > 0, Aggregate: i == 2,
		})
		facts.Funded = append(facts.Funded, p.Transaction)
	}
	both := wallet.Receiver{Members: []kernel.Address{facts.Users[1].Address, facts.Users[2].Address}, Threshold: 2}
	facts.Shared = n.pay(t, wallet.Request{
		Asset: kernel.XIN, Pay: []wallet.Pay{{To: both, Amount: kernel.NewAmount(1_00000000)}}, Plain: true,
	}).Transaction
}

// testPayments checks what the SDK says it paid against what our wallet finds on every node.
func testPayments(t *testing.T, n *network, facts networkFacts, receiver kernel.Account) {
	var answer struct {
		Received  kernel.Amount   `json:"received"`  // by the receiver
		Left      []kernel.Amount `json:"left"`      // with each user, shared outputs not counted
		Deposited kernel.Amount   `json:"deposited"` // of the deposit's asset, to the receiver
		Final     []kernel.TxHash `json:"final"`
	}
	runScript(t, "payments.test.mjs", facts, &answer)
	if len(answer.Final) < 6 || answer.Received.IsZero() || len(answer.Left) != len(facts.Users) {
		t.Fatalf("the SDK paid too little: %+v", answer)
	}
	for i, c := range n.clients {
		for _, hash := range answer.Final {
			if receipt, err := c.WaitFinal(t.Context(), hash); err != nil || receipt.Status != kernel.Final {
				t.Errorf("node %d: %v is not final: %+v %v", i, hash, receipt, err)
			}
			tx, err := c.Transaction(t.Context(), hash)
			if err != nil || tx == nil {
				t.Errorf("node %d: %v: %v", i, hash, err)
			} else if _, err := tx.Decode(); err != nil {
				t.Errorf("node %d: %v", i, err)
			}
		}
		if got := n.balance(t, receiver, kernel.XIN, i); got != answer.Received {
			t.Errorf("node %d: the receiver has %v, the SDK paid %v", i, got, answer.Received)
		}
		if got := n.balance(t, receiver, facts.Deposit.Asset, i); got != answer.Deposited {
			t.Errorf("node %d: deposits of %v, the SDK made %v", i, got, answer.Deposited)
		}
		for u, user := range facts.Users {
			if got := n.balance(t, user.account, kernel.XIN, i); got != answer.Left[u] {
				t.Errorf("node %d: user %d has %v, the SDK says %v", i, u, got, answer.Left[u])
			}
		}
	}
}
