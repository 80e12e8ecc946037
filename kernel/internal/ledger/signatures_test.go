package ledger

import (
	"encoding/hex"
	"encoding/json"
	"os"
	"testing"

	"github.com/asterism-network/asterism/internal/crypto"
	"github.com/asterism-network/asterism/kernel"
)

// TestDisputedSignaturesInTransactions: a signature that one library accepts and another does not
// makes a transaction neither valid nor invalid by the way it is verified: alone, in the batch of
// its transaction, or in a batch of many transactions. The disputed keys of the published cases
// sign; their messages are not transaction hashes, so what they are asked here is whether all ways
// agree, and for a good one of our own that all accept. [V01] [V02]
func TestDisputedSignaturesInTransactions(t *testing.T) {
	w := newWorld(t)
	tx := w.sign(w.pay(0))
	hash := tx.Hash()
	own := tx.Signatures[0][0].Signature
	ownKeys, _ := SigningKeys(w.view, tx, w.context)
	cases := 0
	for _, file := range []string{"ed25519_cctv.json", "ed25519_speccheck.json"} {
		for _, c := range disputed(t, file) {
			cases++
			one := *tx
			one.Signatures = []kernel.SignatureMap{{{Signature: c.Signature}}}
			keys := [][]kernel.Key{{c.Key}}
			single := crypto.Verify(c.Key, hash[:], c.Signature)
			if got := (Direct{}).Verify(&one, kernel.Hash{}, keys); got != single {
				t.Fatalf("%s: Direct %v, single %v", c.Key, got, single)
			}
			both := one
			both.Signatures = []kernel.SignatureMap{{{Signature: own}, {Index: 1, Signature: c.Signature}}}
			if got := (Direct{}).Verify(&both, kernel.Hash{}, [][]kernel.Key{{ownKeys[0][0], c.Key}}); got != single {
				t.Fatalf("%s: beside a good one %v, single %v", c.Key, got, single)
			}
			message := c.message(file == "ed25519_speccheck.json")
			checks := []crypto.Check{{Key: ownKeys[0][0], Message: hash[:], Signature: own}, {Key: c.Key, Message: message, Signature: c.Signature}}
			if got := crypto.VerifyBatch(checks); got != c.Valid {
				t.Fatalf("%s: in a batch with a transaction's signature %v, want %v", c.Key, got, c.Valid)
			}
		}
	}
	if cases != 768+12 {
		t.Errorf("%d cases", cases)
	}
	if !(Direct{}).Verify(tx, kernel.Hash{}, ownKeys) {
		t.Error("a good transaction is refused")
	}
}

type disputedCase struct {
	Key       kernel.Key       `json:"key"`
	Signature kernel.Signature `json:"signature"`
	Message   string           `json:"message"`
	Valid     bool             `json:"valid"`
}

func (c disputedCase) message(isHex bool) []byte {
	if b, err := hex.DecodeString(c.Message); isHex && err == nil {
		return b
	}
	return []byte(c.Message)
}

func disputed(t *testing.T, name string) []disputedCase {
	t.Helper()
	b, err := os.ReadFile("../../../testdata/vectors/" + name)
	if err != nil {
		t.Fatal(err)
	}
	var file struct{ Cases []disputedCase }
	if err := json.Unmarshal(b, &file); err != nil {
		t.Fatal(err)
	}
	return file.Cases
}

// FuzzDirect signs transactions of one to three inputs with one or more keys each, in single
// signatures or an aggregate, and breaks one bit: the batch of Direct says what single checks do.
func FuzzDirect(f *testing.F) {
	f.Add(uint8(1), uint8(1), uint16(0), false)
	f.Add(uint8(3), uint8(2), uint16(77), false)
	f.Add(uint8(2), uint8(2), uint16(0), true)
	f.Add(uint8(2), uint8(2), uint16(130), true)
	w := newWorld(f)
	var pool []kernel.Key
	for range 9 {
		pool = append(pool, w.key())
	}
	out := w.output(whole(1), 1, 1)
	f.Fuzz(func(t *testing.T, inputs, keys uint8, flip uint16, aggregate bool) {
		inputs, keys = 1+inputs%3, 1+keys%3
		tx := w.spend(kernel.XIN, w.refs(0, 1, 2)[:inputs], out)
		hash := tx.Hash()
		var lists [][]kernel.Key
		var all []kernel.Key
		var signers []uint16
		var privates []kernel.Scalar
		for range inputs {
			var list []kernel.Key
			var m kernel.SignatureMap
			for j := range keys {
				k := pool[len(all)]
				private := w.privates[k]
				list = append(list, k)
				m = append(m, kernel.IndexedSignature{Index: uint16(j), Signature: private.Sign(hash[:])})
				signers, privates = append(signers, uint16(len(all))), append(privates, private)
				all = append(all, k)
			}
			lists, tx.Signatures = append(lists, list), append(tx.Signatures, m)
		}
		bit := int(flip) - 1
		if aggregate {
			sig, err := crypto.AggregateSign(all, signers, privates, hash, make([]byte, 32))
			if err != nil {
				t.Fatal(err)
			}
			if bit >= 0 {
				sig[bit/8%64] ^= 1 << (bit % 8)
			}
			tx.Signatures, tx.Aggregate = nil, &kernel.AggregateSignature{Signers: signers, Signature: sig}
			if got := (Direct{}).Verify(tx, kernel.Hash{}, lists); got != (bit < 0) {
				t.Fatalf("aggregate of %d keys, bit %d flipped: %v", len(all), bit, got)
			}
			return
		}
		if bit >= 0 {
			n := bit / 512 % len(all)
			tx.Signatures[n/int(keys)][n%int(keys)].Signature[bit/8%64] ^= 1 << (bit % 8)
		}
		want := true
		for i, m := range tx.Signatures {
			for _, s := range m {
				want = want && crypto.Verify(lists[i][s.Index], hash[:], s.Signature)
			}
		}
		if got := (Direct{}).Verify(tx, kernel.Hash{}, lists); got != want || want != (bit < 0) {
			t.Fatalf("batch %v, single %v, bit %d flipped", got, want, bit)
		}
	})
}

// TestTogether collects good transactions and some that are wrong in every way: each is answered
// as alone, in order, twice with the same Together.
func TestTogether(t *testing.T) {
	w := newWorld(t)
	var together Together
	var all []*Parsed
	var keys [][][]kernel.Key
	add := func(tx *kernel.Transaction, k [][]kernel.Key) {
		all, keys = append(all, &Parsed{Transaction: tx, Hash: tx.Hash()}), append(keys, k)
	}
	for i, tx := range w.payments(12, 2, 2) {
		k, _ := SigningKeys(w.view, tx, w.context)
		switch i {
		case 1: // a bad signature
			tx.Signatures[1][0].Signature[5] ^= 1
		case 2: // a place that is not there
			tx.Signatures[1][0].Index = 9
		case 3: // fewer maps than inputs
			tx.Signatures = tx.Signatures[:1]
		case 4: // no signature at all
			tx.Signatures = []kernel.SignatureMap{nil, nil}
		case 5, 6: // an aggregate, a bad one
			privates := []kernel.Scalar{w.privates[k[0][0]], w.privates[k[1][0]]}
			sig, err := crypto.AggregateSign(flatten(k), []uint16{0, 1}, privates, tx.Hash(), make([]byte, 32))
			if err != nil {
				t.Fatal(err)
			}
			sig[40] ^= byte(i - 5)
			tx.Signatures, tx.Aggregate = nil, &kernel.AggregateSignature{Signers: []uint16{0, 1}, Signature: sig}
		case 7: // another's keys
			k = keys[0]
		}
		add(tx, k)
	}
	for range 2 {
		good := 0
		for i := range all {
			together.Add(all[i], keys[i])
		}
		if n := together.Signatures(); n != 14 {
			t.Errorf("%d signatures, want 14", n)
		}
		for i, ok := range together.Verify() {
			if want := (Direct{}).Verify(all[i].Transaction, kernel.Hash{}, keys[i]); ok != want {
				t.Errorf("transaction %d: %t, alone %t", i, ok, want)
			}
			if ok {
				good++
			}
		}
		if good != 6 || together.Signatures() != 0 {
			t.Errorf("%d of 12 are good, want 6; %d left", good, together.Signatures())
		}
	}
	if got := together.Verify(); len(got) != 0 {
		t.Error("answers about nothing")
	}
}
