package kernel

import (
	"bytes"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/asterism-network/asterism/internal/codec"
	"github.com/asterism-network/asterism/internal/crypto"
)

// fullTransaction uses every part of the format.
func fullTransaction() *Transaction {
	return &Transaction{
		Asset: XIN,
		Inputs: []Input{
			{OutputRef: OutputRef{Hash: TxHash{1}, Index: 1024}},
			{Genesis: []byte("genesis")},
			{Deposit: &Deposit{Chain: ETH, AssetKey: "key", Transaction: "0xabc", Index: 1<<64 - 1, Amount: maxAmount}},
			{Mint: &Mint{Group: "UNIVERSAL", Batch: 7, Amount: NewAmount(1)}},
		},
		Outputs: []Output{
			{Amount: NewAmount(5), Keys: []Key{{1}, {2}}, Mask: Key{3}, Script: NewScript(2)},
			{Type: OutputWithdrawalSubmit, Amount: NewAmount(6), Withdrawal: &Withdrawal{Address: "address", Tag: ""}},
		},
		References: []TxHash{{4}, {5}},
		Extra:      []byte("extra"),
		Signatures: []SignatureMap{{{Index: 0, Signature: Signature{1}}, {Index: 65535, Signature: Signature{2}}}, {}, {}, {}},
	}
}

func encode(t testing.TB, tx *Transaction) []byte {
	t.Helper()
	b, err := tx.AppendBinary(nil)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// TestTransactionEveryByteCounts shortens, extends and changes an encoding: no two byte strings
// decode to one transaction.
func TestTransactionEveryByteCounts(t *testing.T) {
	b := encode(t, fullTransaction())
	decodeTransaction(t, b)
	for n := range b {
		if err := new(Transaction).UnmarshalBinary(b[:n]); !errors.Is(err, &codec.Error{Fault: codec.Truncated}) {
			t.Errorf("the first %d bytes: %v", n, err)
		}
	}
	if err := new(Transaction).UnmarshalBinary(append(b, 0)); !errors.Is(err, &codec.Error{Fault: codec.Trailing}) {
		t.Errorf("a byte more: %v", err)
	}
	for i := range 8 * len(b) {
		c := bytes.Clone(b)
		c[i/8] ^= 1 << (i % 8)
		var tx Transaction
		if tx.UnmarshalBinary(c) == nil && !bytes.Equal(encode(t, &tx), c) {
			t.Errorf("bit %d: decoded, but encodes to other bytes", i)
		}
	}
}

func TestTransactionAppends(t *testing.T) {
	tx, prefix := fullTransaction(), []byte("prefix")
	whole, err := tx.AppendBinary(prefix)
	if err != nil || !bytes.Equal(whole, append(bytes.Clone(prefix), encode(t, tx)...)) {
		t.Errorf("AppendBinary does not append: %v", err)
	}
	payload, err := tx.AppendPayload(nil)
	if err != nil || crypto.Sum(payload) != tx.Hash() {
		t.Errorf("the hash is not that of the payload: %v", err)
	}
	for name, change := range map[string]func(*Transaction){
		"unsigned":  func(tx *Transaction) { tx.Signatures = nil },
		"aggregate": func(tx *Transaction) { tx.Signatures, tx.Aggregate = nil, &AggregateSignature{Signers: []uint16{1}} },
	} {
		other := fullTransaction()
		change(other)
		if other.Hash() != tx.Hash() {
			t.Errorf("%s: the hash depends on the authorization", name)
		}
		decodeTransaction(t, encode(t, other))
	}
}

// TestTransactionLimits takes each count to its limit and one over it, in both directions.
func TestTransactionLimits(t *testing.T) {
	for _, tt := range []struct {
		field string
		limit int
		set   func(tx *Transaction, n int)
	}{
		{"inputs", 256, func(tx *Transaction, n int) { tx.Inputs = make([]Input, n) }},
		{"outputs", 256, func(tx *Transaction, n int) { tx.Outputs = make([]Output, n) }},
		{"output keys", 256, func(tx *Transaction, n int) { tx.Outputs[0].Keys = make([]Key, n) }},
		{"references", 256, func(tx *Transaction, n int) { tx.References = make([]TxHash, n) }},
		{"signatures", 256, func(tx *Transaction, n int) { tx.Signatures = make([]SignatureMap, n) }},
		{"signature map", 256, func(tx *Transaction, n int) { tx.Signatures[0] = ascendingMap(n) }},
	} {
		t.Run(tt.field, func(t *testing.T) {
			tx := fullTransaction()
			tt.set(tx, tt.limit)
			decodeTransaction(t, encode(t, tx))

			tt.set(tx, tt.limit+1)
			want := &codec.Error{Fault: codec.TooLarge, Field: tt.field}
			if _, err := tx.AppendBinary(nil); !errors.Is(err, want) {
				t.Errorf("encoded: %v, want %v", err, want)
			}
			b := appendSignatures(tx.appendUnauthorized(nil), tx.Signatures)
			if err := new(Transaction).UnmarshalBinary(b); !errors.Is(err, want) {
				t.Errorf("decoded: %v, want %v", err, want)
			}
		})
	}
}

func ascendingMap(n int) SignatureMap {
	m := make(SignatureMap, n)
	for i := range m {
		m[i].Index = uint16(i)
	}
	return m
}

func TestTransactionSizeLimit(t *testing.T) {
	tx := &Transaction{Inputs: make([]Input, 1), Outputs: make([]Output, 1)}
	tx.Extra = make([]byte, MaxTransactionSize-len(encode(t, tx)))
	b := encode(t, tx)
	if len(b) != MaxTransactionSize {
		t.Fatalf("the base case has %d bytes", len(b))
	}
	decodeTransaction(t, b)
	tx.Extra = append(tx.Extra, 0)
	want := &codec.Error{Fault: codec.TooLarge, Field: "transaction"}
	if _, err := tx.AppendBinary(nil); !errors.Is(err, want) {
		t.Errorf("encoded: %v", err)
	}
	if _, err := tx.AppendPayload(nil); !errors.Is(err, want) {
		t.Errorf("payload encoded: %v", err)
	}
	if err := new(Transaction).UnmarshalBinary(append(b, 0)); !errors.Is(err, want) {
		t.Errorf("decoded: %v", err)
	}
}

func TestTransactionTextLimits(t *testing.T) {
	long := strings.Repeat("x", 1<<16)
	for field, change := range map[string]func(tx *Transaction){
		"genesis":             func(tx *Transaction) { tx.Inputs[1].Genesis = []byte(long) },
		"deposit asset key":   func(tx *Transaction) { tx.Inputs[2].Deposit.AssetKey = long },
		"deposit transaction": func(tx *Transaction) { tx.Inputs[2].Deposit.Transaction = long },
		"mint group":          func(tx *Transaction) { tx.Inputs[3].Mint.Group = long },
		"script":              func(tx *Transaction) { tx.Outputs[0].Script = []byte(long) },
		"withdrawal address":  func(tx *Transaction) { tx.Outputs[1].Withdrawal.Address = long },
		"withdrawal tag":      func(tx *Transaction) { tx.Outputs[1].Withdrawal.Tag = long },
	} {
		tx := fullTransaction()
		change(tx)
		if _, err := tx.AppendBinary(nil); !errors.Is(err, &codec.Error{Fault: codec.TooLarge, Field: field}) {
			t.Errorf("%s: %v", field, err)
		}
	}
}

func TestTransactionRefusals(t *testing.T) {
	base := &Transaction{Inputs: make([]Input, 1), Outputs: make([]Output, 1)}
	good := encode(t, base)
	authorization := len(good) - 2
	signed := func(b ...byte) []byte { return append(bytes.Clone(good[:authorization]), b...) }
	aggregate := func(b ...byte) []byte {
		return append(signed(append([]byte{0xff, 0xff, 0xff, 0x01}, make([]byte, 64)...)...), b...)
	}
	const input, output = 38, 38 + 40 + 2
	for _, tt := range []struct {
		name  string
		bytes []byte
		want  codec.Error
	}{
		{"nothing", nil, codec.Error{Fault: codec.Truncated, Field: "magic"}},
		{"magic", set(good, 0, 0x78), codec.Error{Fault: codec.BadValue, Field: "magic"}},
		{"version 4", set(good, 3, 4), codec.Error{Fault: codec.BadValue, Field: "version"}},
		{"deposit mark", set(good, input+36, 0x77), codec.Error{Fault: codec.BadValue, Field: "deposit"}},
		{"mint mark", set(good, input+39, 1), codec.Error{Fault: codec.BadValue, Field: "mint"}},
		{"output type over a byte", set(good, output, 1), codec.Error{Fault: codec.BadValue, Field: "output type"}},
		{"amount too long", set(good, output+3, 17), codec.Error{Fault: codec.TooLarge, Field: "amount"}},
		{"withdrawal mark", set(good, output+2+2+2+32+2+1, 1), codec.Error{Fault: codec.BadValue, Field: "withdrawal"}},
		{"aggregate form", signed(0xff, 0xff, 0xff, 0x02), codec.Error{Fault: codec.BadValue, Field: "aggregate"}},
		{"count of maps", signed(0xff, 0xfe), codec.Error{Fault: codec.TooLarge, Field: "signatures"}},
		{"maps missing", signed(0, 200), codec.Error{Fault: codec.Truncated, Field: "signatures"}},
		{"signers form", aggregate(2), codec.Error{Fault: codec.BadValue, Field: "signers form"}},
		{"bitmap with a zero byte", aggregate(0, 0, 2, 3, 0), codec.Error{Fault: codec.NonCanonical, Field: "signers"}},
		{"bitmap of nothing but zero", aggregate(0, 0, 1, 0), codec.Error{Fault: codec.NonCanonical, Field: "signers"}},
		{"bitmap where a list is shorter", aggregate(0, 0, 3, 0, 0, 1), codec.Error{Fault: codec.NonCanonical, Field: "signers"}},
		{"bitmap too long", aggregate(0, 0x20, 1), codec.Error{Fault: codec.TooLarge, Field: "signers"}},
		{"list where a bitmap is shorter", aggregate(1, 0, 1, 0, 8), codec.Error{Fault: codec.NonCanonical, Field: "signers"}},
		{"empty list", aggregate(1, 0, 0), codec.Error{Fault: codec.NonCanonical, Field: "signers"}},
		{"list not ascending", aggregate(1, 0, 2, 9, 0, 9, 0), codec.Error{Fault: codec.NonCanonical, Field: "signers"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if err := new(Transaction).UnmarshalBinary(tt.bytes); !errors.Is(err, &tt.want) {
				t.Errorf("%v, want %v", err, &tt.want)
			}
		})
	}
}

func set(b []byte, i int, v byte) []byte {
	c := bytes.Clone(b)
	c[i] = v
	return c
}

func TestSignatureMapsAscend(t *testing.T) {
	tx := fullTransaction()
	for _, m := range []SignatureMap{{{Index: 1}, {Index: 1}}, {{Index: 1}, {Index: 0}}} {
		tx.Signatures[0] = m
		want := &codec.Error{Fault: codec.NonCanonical, Field: "signature index"}
		if _, err := tx.AppendBinary(nil); !errors.Is(err, want) {
			t.Errorf("encoded: %v", err)
		}
		b := appendSignatures(tx.appendUnauthorized(nil), tx.Signatures)
		if err := new(Transaction).UnmarshalBinary(b); !errors.Is(err, want) {
			t.Errorf("decoded: %v", err)
		}
	}
}

// TestSignersForms checks which of the two forms a list of signers takes.
func TestSignersForms(t *testing.T) {
	all := make([]uint16, 1<<16)
	for i := range all {
		all[i] = uint16(i)
	}
	for _, tt := range []struct {
		name    string
		signers []uint16
		sparse  bool
	}{
		{"none", nil, false},
		{"first", []uint16{0}, false},
		{"one in the second byte", []uint16{15}, false},
		{"one in the third byte", []uint16{16}, true},
		{"two in four bytes", []uint16{0, 31}, false},
		{"two in five bytes", []uint16{0, 32}, true},
		{"last", []uint16{65535}, true},
		{"all", all, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			tx := &Transaction{Aggregate: &AggregateSignature{Signers: tt.signers}}
			b := encode(t, tx)
			form := b[len(tx.appendUnauthorized(nil))+4+64]
			if got := form == signersSparse; got != tt.sparse {
				t.Errorf("sparse is %t", got)
			}
			if again := decodeTransaction(t, b); !slices.Equal(again.Aggregate.Signers, tt.signers) {
				t.Errorf("signers are %v", again.Aggregate.Signers)
			}
		})
	}
	both := &Transaction{Aggregate: new(AggregateSignature), Signatures: make([]SignatureMap, 1)}
	if _, err := both.AppendBinary(nil); !errors.Is(err, &codec.Error{Fault: codec.NonCanonical, Field: "authorization"}) {
		t.Errorf("both forms: %v", err)
	}
	unordered := &Transaction{Aggregate: &AggregateSignature{Signers: []uint16{1, 1}}}
	if _, err := unordered.AppendBinary(nil); !errors.Is(err, &codec.Error{Fault: codec.NonCanonical, Field: "signers"}) {
		t.Errorf("signers twice: %v", err)
	}
}

// TestSignatureCount counts both forms of authorization; no transaction has more than fit into a body. [DAG-12]
func TestSignatureCount(t *testing.T) {
	aggregate := func(signers int) *AggregateSignature {
		a := new(AggregateSignature)
		for i := range signers {
			a.Signers = append(a.Signers, uint16(i))
		}
		return a
	}
	for _, tt := range []struct {
		tx   Transaction
		want int
	}{
		{Transaction{}, 1},
		{Transaction{Signatures: []SignatureMap{{}, {}}}, 1},
		{Transaction{Signatures: []SignatureMap{{{}, {Index: 1}}, {}, {{Index: 9}}}}, 3},
		{Transaction{Aggregate: aggregate(0)}, 1},
		{Transaction{Aggregate: aggregate(17)}, 17},
		{Transaction{Aggregate: aggregate(1 << 16)}, MaxBodySignatures},
	} {
		raw, err := tt.tx.AppendBinary(nil)
		if err != nil {
			t.Fatal(err)
		}
		var tx Transaction
		if err := tx.UnmarshalBinary(raw); err != nil || tx.SignatureCount() != tt.want {
			t.Errorf("%d signatures, want %d (%v)", tx.SignatureCount(), tt.want, err)
		}
	}
	if maxInputs*maxMapEntries > MaxBodySignatures {
		t.Error("one transaction can have more signatures than a body")
	}
}

func TestClass(t *testing.T) {
	spend := Input{OutputRef: OutputRef{Hash: TxHash{1}}}
	outputs := func(types ...OutputType) (all []Output) {
		for _, t := range types {
			all = append(all, Output{Type: t})
		}
		return all
	}
	seen := map[Class]bool{}
	for _, tt := range []struct {
		inputs  []Input
		outputs []Output
		want    Class
	}{
		{[]Input{spend}, outputs(0, 0), ClassScript},
		{[]Input{spend}, nil, ClassUnknown},
		{nil, outputs(0), ClassUnknown},
		{[]Input{spend}, outputs(0, 0xa5), ClassUnknown},
		{[]Input{spend}, outputs(0xa5, OutputNodePledge), ClassNodePledge},
		{[]Input{{Mint: new(Mint)}}, outputs(OutputNodePledge), ClassMint},
		{[]Input{{Deposit: new(Deposit)}}, outputs(0), ClassDeposit},
		{[]Input{spend, {Deposit: new(Deposit)}}, outputs(0), ClassDeposit},
		{[]Input{{Genesis: []byte{1}}}, outputs(0), ClassGenesis},
		{[]Input{spend}, outputs(OutputWithdrawalSubmit, OutputWithdrawalClaim), ClassWithdrawalSubmit},
		{[]Input{spend}, outputs(0, OutputWithdrawalClaim), ClassWithdrawalClaim},
		{[]Input{spend}, outputs(OutputNodeAccept), ClassNodeAccept},
		{[]Input{spend}, outputs(OutputNodeRemove), ClassNodeRemove},
		{[]Input{spend}, outputs(OutputNodeCancel, 0), ClassNodeCancel},
		{[]Input{spend}, outputs(OutputCustodianUpdate), ClassCustodianUpdate},
		{[]Input{spend}, outputs(OutputCustodianSlash), ClassCustodianSlash},
	} {
		tx := Transaction{Inputs: tt.inputs, Outputs: tt.outputs}
		if got := tx.Class(); got != tt.want {
			t.Errorf("%v is %s, want %s", tt.outputs, got, tt.want)
		}
		seen[tt.want] = true
	}
	if len(seen) != 13 {
		t.Errorf("%d of 13 classes have a case", len(seen))
	}
}

func TestTransactionViewForms(t *testing.T) {
	tx := fullTransaction()
	tx.References, tx.Extra = nil, nil
	got, err := json.Marshal(tx)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		`"references":null`, `"extra":""`, `{"genesis":"67656e65736973"}`,
		`{"mint":{"group":"UNIVERSAL","batch":7,"amount":"0.00000001"}}`,
		`{"type":161,"amount":"0.00000006","withdrawal":{"address":"address","tag":""}}`,
		`"index":18446744073709551615,"amount":"3402823669209384634633746074317.68211455"`,
	} {
		if !bytes.Contains(got, []byte(want)) {
			t.Errorf("%s\nlacks %s", got, want)
		}
	}
}

func TestDepositIdentity(t *testing.T) {
	base := Deposit{Chain: ETH, AssetKey: "k", Transaction: "0xabc", Index: 7, Amount: NewAmount(1)}
	for name, tt := range map[string]struct {
		d    Deposit
		same bool
	}{
		"other amount":      {Deposit{ETH, "k", "0xabc", 7, NewAmount(2)}, true},
		"other asset key":   {Deposit{ETH, "l", "0xabc", 7, NewAmount(1)}, true},
		"other index":       {Deposit{ETH, "k", "0xabc", 8, NewAmount(1)}, false},
		"other transaction": {Deposit{ETH, "k", "0xabd", 7, NewAmount(1)}, false},
		"other chain":       {Deposit{BTC, "k", "0xabc", 7, NewAmount(1)}, false},
	} {
		if got := tt.d.Identity() == base.Identity(); got != tt.same {
			t.Errorf("%s: same is %t", name, got)
		}
	}
}
