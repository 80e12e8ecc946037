package kernel

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"github.com/asterism-network/asterism/internal/crypto"
)

// readVectors decodes a file of test vectors; a field that the test does not know fails.
func readVectors(t testing.TB, name string, into any) {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("..", "testdata", "vectors", name))
	if err != nil {
		t.Fatal(err)
	}
	d := json.NewDecoder(bytes.NewReader(data))
	d.DisallowUnknownFields()
	if err := d.Decode(into); err != nil {
		t.Fatalf("%s: %v", name, err)
	}
}

func fromHex(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(s)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// states fails unless got is want; an empty want states nothing.
func states(t *testing.T, what, got, want string) {
	t.Helper()
	if want != "" && got != want {
		t.Errorf("%s is %s, want %s", what, got, want)
	}
}

func TestAssetVectors(t *testing.T) {
	var file struct {
		Description string
		Assets      []struct{ Symbol, UUID, ID string }
	}
	readVectors(t, "assets.json", &file)
	named := map[string]AssetID{"XIN": XIN, "BTC": BTC, "ETH": ETH}
	for _, v := range file.Assets {
		id, err := AssetIDFromUUID(v.UUID)
		if err != nil || id.String() != v.ID || named[v.Symbol] != id {
			t.Errorf("%s is %s, %v, want %s", v.Symbol, id, err, v.ID)
		}
	}
	for _, bad := range []string{"", "C94AC88F-4671-3976-B60A-09064F1811E8", "c94ac88f46713976b60a09064f1811e8", "c94ac88f-4671-3976-b60a-09064f1811e", "c94ac88f-4671-3976-b60a-09064f1811eg", "c94ac88f04671-3976-b60a-09064f1811e8"} {
		if _, err := AssetIDFromUUID(bad); err == nil {
			t.Errorf("%q is no UUID", bad)
		}
	}
}

func TestAddressVectors(t *testing.T) {
	var file struct {
		Description string
		Accounts    []struct {
			Name, Form, Seed, Hash, Text string
			SpendPrivate                 string `json:"spend_private"`
			ViewPrivate                  string `json:"view_private"`
			Spend, View                  string
		}
	}
	readVectors(t, "addresses.json", &file)
	for _, v := range file.Accounts {
		t.Run(v.Name, func(t *testing.T) {
			account := AccountFromSeed([64]byte(fromHex(t, v.Seed)))
			if v.Form == "public" {
				account = PublicAccount(account.Spend)
			}
			address := account.Address()
			states(t, "private spend key", hex.EncodeToString(account.Spend[:]), v.SpendPrivate)
			states(t, "private view key", hex.EncodeToString(account.View[:]), v.ViewPrivate)
			states(t, "spend key", address.Spend.String(), v.Spend)
			states(t, "view key", address.View.String(), v.View)
			states(t, "hash", address.Hash().String(), v.Hash)
			states(t, "text", address.String(), v.Text)
			parsed, err := ParseAddress(v.Text)
			if account.Spend.Valid() != (err == nil) || err == nil && parsed != address {
				t.Errorf("ParseAddress is %v, %v", parsed, err)
			}
		})
	}
}

type transactionVector struct {
	Name, Class, Payload, Hash, Identity string
	Forms                                []struct {
		Form, Authorization string
		Signers             []uint16
	}
	View json.RawMessage
}

type transactionFile struct {
	Description  string
	Transactions []transactionVector
}

func TestTransactionVectors(t *testing.T) {
	var file transactionFile
	readVectors(t, "transactions.json", &file)
	for _, v := range file.Transactions {
		t.Run(v.Name, func(t *testing.T) {
			payload := fromHex(t, v.Payload)
			tx := decodeTransaction(t, payload)
			states(t, "hash", tx.Hash().String(), v.Hash)
			states(t, "class", tx.Class().String(), v.Class)
			if v.Identity != "" {
				states(t, "identity", tx.Inputs[0].Deposit.Identity().String(), v.Identity)
			}
			checkView(t, tx, v.View)
			for _, form := range v.Forms {
				t.Run(form.Form, func(t *testing.T) {
					signed := append(payload[:len(payload)-2:len(payload)-2], fromHex(t, form.Authorization)...)
					tx := decodeTransaction(t, signed)
					states(t, "hash", tx.Hash().String(), v.Hash)
					if got, _ := tx.AppendPayload(nil); !bytes.Equal(got, payload) {
						t.Error("the payload depends on the authorization")
					}
					checkSigners(t, tx, form.Signers)
				})
			}
		})
	}
}

// decodeTransaction decodes b and checks that encoding gives b again.
func decodeTransaction(t *testing.T, b []byte) *Transaction {
	t.Helper()
	tx := new(Transaction)
	if err := tx.UnmarshalBinary(b); err != nil {
		t.Fatal(err)
	}
	again, err := tx.AppendBinary(nil)
	if err != nil || !bytes.Equal(again, b) {
		t.Fatalf("encoded again: %x, %v\nwant %x", again, err, b)
	}
	return tx
}

// checkView compares the JSON form with want, and decodes and encodes it once more.
func checkView(t *testing.T, tx *Transaction, want json.RawMessage) {
	t.Helper()
	var compact bytes.Buffer
	if err := json.Compact(&compact, want); err != nil {
		t.Fatal(err)
	}
	got, err := json.Marshal(tx)
	if err != nil {
		t.Fatal(err)
	}
	states(t, "view", string(got), compact.String())
	var view TransactionView
	if err := json.Unmarshal(got, &view); err != nil {
		t.Fatal(err)
	}
	again, err := json.Marshal(view)
	if err != nil {
		t.Fatal(err)
	}
	states(t, "view of the view", string(again), compact.String())
}

// checkSigners verifies the authorization of tx1 with the keys of the output it spends.
func checkSigners(t *testing.T, tx *Transaction, signers []uint16) {
	t.Helper()
	var file struct {
		Description string
		Aggregates  []struct {
			Keys                     []Key
			Signers                  []uint16
			Message, Seed, Signature string
		}
	}
	readVectors(t, "aggregates.json", &file)
	keys, hash := file.Aggregates[0].Keys, tx.Hash()
	var got []uint16
	if tx.Aggregate != nil {
		got = tx.Aggregate.Signers
		if !crypto.AggregateVerify(keys, got, hash, tx.Aggregate.Signature) {
			t.Error("the aggregate signature does not verify")
		}
	}
	for _, m := range tx.Signatures {
		for _, s := range m {
			got = append(got, s.Index)
			if !crypto.Verify(keys[s.Index], hash[:], s.Signature) {
				t.Errorf("signature %d does not verify", s.Index)
			}
		}
	}
	if len(got) != len(signers) {
		t.Fatalf("signers are %v, want %v", got, signers)
	}
	for i := range got {
		if got[i] != signers[i] {
			t.Errorf("signers are %v, want %v", got, signers)
		}
	}
}

// TestWalletSignsVector makes the signature maps of tx1 from the private keys.
func TestWalletSignsVector(t *testing.T) {
	var file transactionFile
	readVectors(t, "transactions.json", &file)
	v := file.Transactions[0]
	payload := fromHex(t, v.Payload)
	tx := decodeTransaction(t, payload)
	var seed [64]byte
	for i := range seed {
		seed[i] = byte(190 + i)
	}
	mask, index, hash := crypto.Mask(crypto.ScalarFromWide(seed)), uint64(tx.Inputs[0].Index), tx.Hash()
	var m SignatureMap
	for i, first := range []byte{65, 1} { // the accounts B and A
		for k := range seed {
			seed[k] = first + byte(k)
		}
		account := AccountFromSeed(seed)
		private, err := crypto.GhostPrivate(account.View, account.Spend, mask, index)
		if err != nil {
			t.Fatal(err)
		}
		m = append(m, IndexedSignature{Index: uint16(i), Signature: private.Sign(hash[:])})
	}
	tx.Signatures = []SignatureMap{m}
	signed, err := tx.AppendBinary(nil)
	if err != nil {
		t.Fatal(err)
	}
	states(t, "signed transaction", hex.EncodeToString(signed), v.Payload[:len(v.Payload)-4]+v.Forms[0].Authorization)
}
