package wallet

import (
	"bytes"
	"context"
	"encoding/hex"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"

	"github.com/asterism-network/asterism/internal/crypto"
	"github.com/asterism-network/asterism/kernel"
	"github.com/asterism-network/asterism/kernel/client"
	"github.com/asterism-network/asterism/kernel/internal/ledger"
)

// A chain is the real ledger behind the two calls that a wallet makes: every submitted
// transaction is checked, and executed in a commit of its own.
type chain struct {
	mu        sync.Mutex
	t         testing.TB
	genesis   *kernel.Genesis
	custodian kernel.Account
	context   *ledger.Context
	view      *ledger.MemView
	commits   []client.Commit
	raw       map[kernel.TxHash][]byte

	refuse func(raw []byte) error // asked before a submission is taken
	before func()                 // called before a page is read, without the lock
	hide   bool                   // leave bytes out of pages, as large ones do
}

func account(n byte) kernel.Account { return kernel.AccountFromSeed([64]byte{0: n, 63: 1}) }

func coins(n uint64) kernel.Amount { return kernel.NewAmount(n * 100_000_000) }

// newChain starts a network whose genesis gives each of the accounts count outputs of 100 BTC.
func newChain(t testing.TB, count int, owners ...kernel.Account) *chain {
	t.Helper()
	return foundChain(t, func(*kernel.Genesis) {}, count, owners...)
}

// foundChain makes a chain from a genesis that finish may change.
func foundChain(t testing.TB, finish func(*kernel.Genesis), count int, owners ...kernel.Account) *chain {
	t.Helper()
	c := &chain{t: t, view: ledger.NewMemView(), custodian: account(200), raw: map[kernel.TxHash][]byte{}}
	custodian := c.custodian.Address()
	g := &kernel.Genesis{
		Name: "test", Timestamp: 1_800_000_000_000, Parameters: kernel.DefaultParameters(),
		CoinKey: make([]kernel.Key, 3), Custodian: &custodian,
		Assets: []kernel.GenesisAsset{
			{ID: kernel.XIN, Symbol: "XIN", Chain: kernel.ETH, Key: kernel.XINAssetKey},
			{ID: kernel.BTC, Symbol: "BTC", Chain: kernel.BTC, Key: kernel.BTC.String()},
		},
	}
	for i := range byte(kernel.MinMembers) {
		node := crypto.NodeKeyFromSeed([32]byte{i, 1})
		g.Members = append(g.Members, kernel.Member{Name: string('A' + rune(i)), Key: node.Public(), Payee: account(220 + i).Address()})
	}
	for _, a := range owners {
		for range count {
			g.Balances = append(g.Balances, kernel.GenesisOutput{Asset: kernel.BTC, Address: a.Address(), Amount: coins(100)})
		}
	}
	finish(g)
	diff, transactions, err := ledger.Genesis(g)
	if err != nil {
		t.Fatal(err)
	}
	c.genesis, c.context = g, ledger.ContextOf(g, ledger.Direct{})
	c.view.Apply(diff)
	c.publish(diff, g.Timestamp, transactions)
	return c
}

func (c *chain) network() kernel.NetworkID { return c.genesis.NetworkID() }

func (c *chain) publish(d *ledger.Diff, at kernel.Timestamp, final []*kernel.Transaction) {
	commit := client.Commit{Index: d.Head.Index, Timestamp: at, Digest: d.Head.Digest, Receipts: d.Receipts}
	for _, tx := range final {
		raw, err := tx.AppendBinary(nil)
		if err != nil {
			c.t.Fatal(err)
		}
		c.raw[tx.Hash()] = raw
		commit.Transactions = append(commit.Transactions, client.FinalTransaction{Hash: tx.Hash(), Hex: hex.EncodeToString(raw)})
	}
	c.commits = append(c.commits, commit)
}

// commit executes signed transactions in one commit, whatever becomes of them.
func (c *chain) commit(signed ...[]byte) {
	c.t.Helper()
	c.mu.Lock()
	defer c.mu.Unlock()
	c.execute(signed...)
}

func (c *chain) execute(signed ...[]byte) {
	body := &kernel.Body{}
	for _, raw := range signed {
		body.Entries = append(body.Entries, kernel.Entry{Kind: kernel.EntryTransaction, Bytes: raw})
	}
	slices.SortFunc(body.Entries, func(a, b kernel.Entry) int {
		x, y := kernel.EntryHash(a), kernel.EntryHash(b)
		return bytes.Compare(x[:], y[:])
	})
	head := c.view.Head()
	step := &kernel.Commit{Index: head.Index + 1, Timestamp: head.Timestamp + 250}
	diff := ledger.Execute(c.view, step, []ledger.Committed{{ID: kernel.SnapshotID{1}, Claim: head.Index, Body: body}}, c.context)
	c.view.Apply(diff)
	var final []*kernel.Transaction
	for _, r := range diff.Receipts {
		for _, raw := range signed {
			var tx kernel.Transaction
			if tx.UnmarshalBinary(raw) == nil && tx.Hash() == r.Transaction && r.Status == kernel.Final {
				final = append(final, &tx)
				break
			}
		}
	}
	c.publish(diff, step.Timestamp, final)
}

// SendRawTransaction checks like a node and commits at once.
func (c *chain) SendRawTransaction(_ context.Context, raw []byte) (kernel.TxHash, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	var tx kernel.Transaction
	if err := tx.UnmarshalBinary(raw); err != nil {
		return kernel.TxHash{}, err
	}
	if c.refuse != nil {
		if err := c.refuse(raw); err != nil {
			return kernel.TxHash{}, err
		}
	}
	if r, ok := c.view.Receipt(tx.Hash()); ok && r.Status == kernel.Final {
		return tx.Hash(), nil
	}
	if err := ledger.Check(c.view, &tx, raw, c.context); err != nil {
		return kernel.TxHash{}, err
	}
	c.execute(raw)
	return tx.Hash(), nil
}

func (c *chain) CommitsPage(_ context.Context, from kernel.CommitIndex, limit int) (client.CommitPage, error) {
	if c.before != nil {
		c.before()
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	head := c.view.Head().Index
	page := client.CommitPage{Next: from, Head: head}
	for i := from; i <= head && len(page.Items) < limit; i++ {
		commit := c.commits[i]
		if c.hide {
			commit.Truncated = true
			commit.Transactions = slices.Clone(commit.Transactions)
			for j := range commit.Transactions {
				commit.Transactions[j].Hex = ""
			}
		}
		page.Items, page.Next = append(page.Items, commit), i+1
	}
	return page, nil
}

func (c *chain) Transaction(_ context.Context, hash kernel.TxHash) (*client.Transaction, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	raw, ok := c.raw[hash]
	if !ok {
		return nil, nil
	}
	return &client.Transaction{TransactionView: kernel.TransactionView{Hash: hash}, Hex: hex.EncodeToString(raw)}, nil
}

func (c *chain) net() Network { return Network{c, c} }

// wallet returns a wallet in memory for an account, scanned to the head.
func (c *chain) wallet(a kernel.Account) *Wallet {
	c.t.Helper()
	w := New(AccountKeys(a), c.network(), 0)
	c.scan(w)
	return w
}

func (c *chain) scan(w *Wallet) {
	c.t.Helper()
	if _, err := w.Scan(context.Background(), c); err != nil {
		c.t.Fatal(err)
	}
}

// pay sends and demands that the payment becomes final.
func (c *chain) pay(w *Wallet, reference string, req Request) Payment {
	c.t.Helper()
	p, err := w.Send(c.t.Context(), c.net(), reference, req)
	if err != nil {
		c.t.Fatal(err)
	}
	if p.State != Final {
		c.t.Fatalf("payment is %s", p.State)
	}
	return p
}

func btc(to kernel.Account, amount kernel.Amount) Request {
	return Request{Asset: kernel.BTC, Pay: []Pay{{To(to.Address()), amount}}}
}

// final returns the final balance of BTC.
func final(w *Wallet) kernel.Amount {
	for _, b := range w.Balances() {
		if b.Asset == kernel.BTC {
			return b.Final
		}
	}
	return kernel.Amount{}
}

// seeded is a deterministic source of random bytes.
func seeded(seed uint64) *rand.ChaCha8 {
	var key [32]byte
	for i := range 8 {
		key[i] = byte(seed >> (8 * i))
	}
	return rand.NewChaCha8(key)
}

// lie returns a transaction as a commit would show it if it were final.
func (c *chain) lie(raw []byte) client.FinalTransaction {
	var tx kernel.Transaction
	if err := tx.UnmarshalBinary(raw); err != nil {
		c.t.Fatal(err)
	}
	return client.FinalTransaction{Hash: tx.Hash(), Hex: hex.EncodeToString(raw)}
}
