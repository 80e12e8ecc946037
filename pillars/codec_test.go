package pillars

import (
	"encoding/hex"
	"encoding/json"
	"errors"
	"flag"
	"os"
	"runtime"
	"strings"
	"testing"

	"github.com/asterism-network/asterism/internal/codec"
)

// raw is a transaction by hand: words of hex.
func raw(t testing.TB, words ...string) []byte {
	t.Helper()
	b, err := hex.DecodeString(strings.ReplaceAll(strings.Join(words, ""), " ", ""))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

const (
	oneInput  = "01" + "0102030405060708091011121314151617181920212223242526272829303132" + "07000000" + "0151" + "ffffffff"
	plainAtt  = "01000000 00000000"
	oneOutput = "01" + "0500000000000000" + "0151" + plainAtt
	noLock    = "00000000"
)

// TestFaults breaks the encoding of a transaction in each way; the fault and the field say which.
func TestFaults(t *testing.T) {
	output := func(attachment string) string {
		return "04000000" + oneInput + "01 0500000000000000 0151" + attachment + noLock
	}
	long := func(n int) string { return strings.Repeat("41", n) }
	for _, tt := range []struct {
		name  string
		bytes string
		fault codec.Fault
		field string
	}{
		{"version 6", "06000000" + oneInput + oneOutput + noLock, codec.BadValue, "version"},
		{"nothing", "", codec.Truncated, "version"},
		{"no lock time", "04000000" + oneInput + oneOutput, codec.Truncated, "lock time"},
		{"a byte behind", "04000000" + oneInput + oneOutput + noLock + "00", codec.Trailing, ""},
		{"count of three bytes for one", "04000000" + "fd0100" + oneInput[2:] + oneOutput + noLock, codec.NonCanonical, "inputs"},
		{"count of five bytes for 65535", "04000000" + "feffff0000", codec.NonCanonical, "inputs"},
		{"count of nine bytes for 2^32-1", "04000000" + "ffffffffff00000000", codec.NonCanonical, "inputs"},
		{"2^64-1 inputs", "04000000" + "ffffffffffffffffff", codec.TooLarge, "inputs"},
		{"900,000 inputs and few bytes", "04000000" + "fea0bb0d00" + oneInput, codec.Truncated, "inputs"},
		{"900,000 outputs and few bytes", "04000000" + oneInput + "fea0bb0d00" + oneOutput, codec.Truncated, "outputs"},
		{"script of 10,001", "04000000" + "01" + long(36) + "fd1127" + long(10001) + "ffffffff", codec.TooLarge, "input script"},
		{"output script of 10,001", "04000000" + oneInput + "01" + long(8) + "fd1127" + long(10001), codec.TooLarge, "output script"},
		{"attachment version 2", output("02000000 00000000"), codec.BadValue, "attachment version"},
		{"attachment type 7", output("01000000 07000000"), codec.BadValue, "attachment type"},
		{"avatar of 65", output("cf000000 00000000 41" + long(65) + "00"), codec.TooLarge, "to avatar"},
		{"asset status 3", output("01000000 02000000 03000000"), codec.BadValue, "asset status"},
		{"symbol of 65", output("01000000 02000000 02000000 41" + long(65) + long(8)), codec.TooLarge, "asset symbol"},
		{"message of 254", output("01000000 03000000 fdfe00" + long(254)), codec.TooLarge, "message"},
		{"avatar status 3", output("01000000 04000000 03000000 0141 0141"), codec.BadValue, "avatar status"},
		{"certificate status 4", output("01000000 05000000 0141 0141 0141 01000000 04"), codec.BadValue, "certificate status"},
		{"certificate content of 65", output("01000000 05000000 0141 0141 0141 04000060 01 41" + long(65)), codec.TooLarge, "certificate content"},
		{"token status 0", output("01000000 06000000 00 0141 0141"), codec.BadValue, "token status"},
		{"token of 257", output("01000000 06000000 01 0141 0141 fd0101" + long(257)), codec.TooLarge, "token content"},
		{"witness flag 2", "05000000 02000000 00 02" + oneInput, codec.BadValue, "witness flag"},
		{"only empty witnesses", "05000000 02000000 00 01" + oneInput + "01 0500000000000000 0151" + "00" + noLock, codec.NonCanonical, "witness items"},
		{"witnesses of nobody", "05000000 02000000 00 01 00 01 0500000000000000 0151" + noLock, codec.NonCanonical, "witness items"},
		{"a million witness items", "05000000 02000000 00 01" + oneInput + "01 0500000000000000 0151" + "fe40420f00" + noLock, codec.Truncated, "witness items"},
		{"a long witness item", "05000000 02000000 00 01" + oneInput + "01 0500000000000000 0151" + "01 fe41420f00" + noLock, codec.TooLarge, "witness item"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			err := new(Transaction).UnmarshalBinary(raw(t, tt.bytes))
			if !errors.Is(err, &codec.Error{Fault: tt.fault, Field: tt.field}) {
				t.Errorf("%v, want %s in %q", err, tt.fault, tt.field)
			}
		})
	}
	for _, good := range []string{
		"04000000" + oneInput + oneOutput + noLock,
		"05000000 02000000 00 01" + oneInput + "01 0500000000000000 0151" + "01 01 aa" + noLock,
		"05000000 02000000" + oneInput + "01 0500000000000000 0151" + noLock,
	} {
		if err := new(Transaction).UnmarshalBinary(raw(t, good)); err != nil {
			t.Error(good, err)
		}
	}
	if err := new(Block).UnmarshalBinary(make([]byte, MaxBlockSize+1)); !errors.Is(err, &codec.Error{Fault: codec.TooLarge, Field: "block"}) {
		t.Error(err)
	}
	for _, version := range []string{"00000000", "04000000", "04010000", "01020000", "01000001"} {
		if err := new(Header).UnmarshalBinary(append(raw(t, version), make([]byte, 176)...)); !errors.Is(err, &codec.Error{Fault: codec.BadValue, Field: "header version"}) {
			t.Errorf("header version %s: %v", version, err)
		}
	}
}

// TestHostileCountsTakeNoMemory decodes a few bytes that announce a lot.
func TestHostileCountsTakeNoMemory(t *testing.T) {
	header := append(raw(t, "01000000"), make([]byte, 144)...)
	for name, b := range map[string][]byte{
		"inputs":       raw(t, "04000000 fe40420f00", oneInput),
		"outputs":      raw(t, "04000000", oneInput, "fe40420f00", oneOutput),
		"witnesses":    raw(t, "05000000 02000000 00 01", oneInput, "01 0500000000000000 0151 fe3f420f00 00"),
		"transactions": append(header, raw(t, "fe00093d00 00000000")...),
	} {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		for range 100 {
			if new(Transaction).UnmarshalBinary(b) == nil || new(Block).UnmarshalBinary(b) == nil {
				t.Fatal(name, "decodes")
			}
		}
		runtime.ReadMemStats(&after)
		if each := (after.TotalAlloc - before.TotalAlloc) / 100; each > 4096 {
			t.Errorf("%s: %d bytes for %d", name, each, len(b))
		}
	}
}

// TestTreeOfUnevenNumbers compares roots with the definition: a level of an odd number repeats its
// last node.
func TestTreeOfUnevenNumbers(t *testing.T) {
	var leaves []Hash
	for i := range 9 {
		leaves = append(leaves, DoubleSHA256([]byte{byte(i)}))
	}
	node := func(a, b Hash) Hash { return DoubleSHA256(append(a[:], b[:]...)) }
	ab, cc := node(leaves[0], leaves[1]), node(leaves[2], leaves[2])
	de := node(leaves[3], leaves[4])
	for n, want := range map[int]Hash{
		0: {}, 1: leaves[0], 2: ab, 3: node(ab, cc),
		5: node(node(ab, node(leaves[2], leaves[3])), node(node(leaves[4], leaves[4]), node(leaves[4], leaves[4]))),
	} {
		if got := MerkleRoot(leaves[:n]); got != want {
			t.Errorf("root of %d is %s, want %s", n, got, want)
		}
	}
	if MerkleRoot(leaves[:4]) == node(ab, de) || leaves[8] != DoubleSHA256([]byte{8}) {
		t.Error("the leaves were changed, or their order does not count")
	}
}

var rewrite = flag.Bool("rewrite", false, "write testdata/vectors again")

type transactionVector struct {
	Name  string `json:"name"`
	Bytes string `json:"bytes"`
	ID    TxID   `json:"id"`
	Leaf  Hash   `json:"leaf"`
}

// TestTransactionVectors pins the bytes and ids of a transaction with each payload, and of version
// 5 [PIL-TX-1] [PIL-TX-2] [PIL-ATT-1]. Write again with -rewrite, and review the difference.
func TestTransactionVectors(t *testing.T) {
	var got []transactionVector
	for _, tx := range vectorTransactions() {
		got = append(got, transactionVector{tx.name, hex.EncodeToString(tx.AppendBinary(nil)), tx.ID(), tx.Leaf()})
	}
	const name = "pillars_transactions.json"
	if *rewrite {
		text, err := json.MarshalIndent(got, "", "  ")
		if err == nil {
			err = os.WriteFile("../testdata/vectors/"+name, append(text, '\n'), 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	var want []transactionVector
	vectors(t, name, &want)
	if len(got) != len(want) {
		t.Fatalf("%d vectors, want %d", len(want), len(got))
	}
	for i := range want {
		if got[i] != want[i] {
			t.Errorf("%s:\n%+v, want\n%+v", want[i].Name, got[i], want[i])
		}
		tx := new(Transaction)
		if err := tx.UnmarshalBinary(raw(t, want[i].Bytes)); err != nil || tx.ID() != want[i].ID || tx.Leaf() != want[i].Leaf {
			t.Errorf("%s: %v", want[i].Name, err)
		}
	}
}

type namedTransaction struct {
	name string
	*Transaction
}

func vectorTransactions() (all []namedTransaction) {
	p := Devnet()
	to := PubKeyHashAddress([20]byte{1, 2, 3})
	address := to.Text(p.Address)
	with := func(name string, version uint32, attachments ...Attachment) {
		tx := &Transaction{Version: version, LockTime: 9, Inputs: []Input{
			{Previous: Outpoint{TxID{1, 2, 3}, 4}, Script: []byte{0x51}, Sequence: 0xfffffffe},
		}}
		for i, a := range attachments {
			tx.Outputs = append(tx.Outputs, Output{Value: Amount(i) * ETP, Script: to.Script(), Attachment: a})
		}
		all = append(all, namedTransaction{name, tx})
	}
	plain := func(payload Payload) Attachment { return Attachment{Version: AttachmentPlain, Payload: payload} }
	with("ETP", 1, plain(nil), plain(nil))
	with("ETP between avatars", 4, Attachment{Version: AttachmentAvatars, To: "receiver", From: "payer"})
	with("award", 4, plain(Award{77}))
	with("asset issue", 4, plain(AssetIssue{"MVS.ONE", 1 << 63, 8, 127, [2]byte{}, "issuer", address, "what it is"}))
	with("secondary issue", 4, plain(AssetIssue{"MVS.ONE", 5, 8, 20 | 128, [2]byte{0, 7}, "issuer", address, ""}))
	with("asset transfer", 4, plain(AssetTransfer{"MVS.ONE", 1<<64 - 1}), plain(nil))
	with("message", 4, plain(Message{"grüße"}))
	with("avatar", 4, plain(Avatar{StatusRegister, "me@home", address}))
	with("avatar transfer", 4, plain(Avatar{StatusTransfer, "me@home", address}))
	with("certificate", 4, plain(Certificate{"MVS", "owner", address, CertDomain, CertAutoIssue, ""}))
	with("mining certificate", 4, plain(Certificate{"MVS.ONE", "owner", address, CertMining, CertIssued, "initial:1000,interval:500,base:0.95"}))
	with("custom certificate", 4, plain(Certificate{"MVS.ONE", "owner", address, CertCustom | 1, CertNormal, ""}))
	with("token", 4, plain(Token{StatusRegister, "the.one", address, "content"}))
	with("token transfer", 4, plain(Token{StatusTransfer, "the.one", address, ""}))
	with("coinstake marker", 2, Attachment{Payload: Null{}}, plain(nil))
	five := func(name string, witness [][]byte) {
		all = append(all, namedTransaction{name, &Transaction{Version: 5, Bitcoin: 2, LockTime: 9,
			Inputs:  []Input{{Previous: Outpoint{TxID{1, 2, 3}, 4}, Sequence: 1, Witness: witness}, {Previous: Outpoint{TxID{5}, 6}, Script: []byte{0x51}}},
			Outputs: []Output{{Value: 7, Script: TaprootAddress([32]byte{9}).Script()}}}})
	}
	five("version 5", nil)
	five("version 5 with a witness", [][]byte{{1, 2}, nil, {3}})
	return all
}

// TestLargeTransactions decodes one of just 1,000,000 bytes and refuses one more.
func TestLargeTransactions(t *testing.T) {
	tx := &Transaction{Version: 5, Bitcoin: 2, Inputs: []Input{{Witness: [][]byte{nil}}}, Outputs: []Output{{}}}
	tx.Inputs[0].Witness[0] = make([]byte, MaxTransactionSize-tx.Size()-4) // its own count takes four bytes more
	for _, over := range []int{0, 1} {
		tx.Inputs[0].Witness[0] = append(tx.Inputs[0].Witness[0], make([]byte, over)...)
		if tx.Size() != MaxTransactionSize+over {
			t.Fatal(tx.Size())
		}
		err := new(Transaction).UnmarshalBinary(tx.AppendBinary(nil))
		if (err != nil) != (over > 0) || over > 0 && !errors.Is(err, &codec.Error{Fault: codec.TooLarge, Field: "transaction"}) {
			t.Errorf("%d over: %v", over, err)
		}
	}
}

// TestClassicSigner finds no key where the coinstake does not end in one.
func TestClassicSigner(t *testing.T) {
	b, _ := publishedBlocks(t)[0].block(t)
	in := &b.Transactions[1].Inputs[0]
	if len(b.SignerKey()) != 33 {
		t.Fatalf("%x", b.SignerKey())
	}
	in.Script[len(in.Script)-34] = 32
	for i, change := range []func(){
		func() {}, // another push
		func() { in.Script = in.Script[len(in.Script)-33:] },
		func() { b.Transactions[1].Inputs = nil },
		func() { b.Transactions = b.Transactions[:1] },
	} {
		if change(); b.SignerKey() != nil || !errors.Is(b.VerifySignature(), SignerKeyInvalid) {
			t.Errorf("case %d: %x", i, b.SignerKey())
		}
	}
}
