package pillars

import (
	"errors"
	"math"
	"strings"
	"testing"

	"github.com/btcsuite/btcd/btcec/v2"
)

var testKey, _ = btcec.PrivKeyFromBytes([]byte{7})

// validBlock is a block under stake of a devnet with a coinbase, a coinstake and a payment.
func validBlock(t testing.TB) (*Params, *Block) {
	p := Devnet()
	p.Names.Banned = []string{"FORBIDDEN"}
	to := PubKeyHashAddress([20]byte{1})
	pay := to.Script()
	plain := Attachment{Version: AttachmentPlain}
	b := &Block{Header: Header{Version: HeaderVersion(PoS, true), Number: 9, Timestamp: 1}}
	b.Bits.SetUint64(64)
	b.Transactions = []*Transaction{
		{Version: VersionFirst, Inputs: []Input{{Previous: NullOutpoint, Script: []byte{1, 9}}}, Outputs: []Output{{Value: ETP, Script: pay, Attachment: plain}}},
		{Version: VersionTemplate, Inputs: []Input{{Previous: Outpoint{Tx: TxID{1}}}},
			Outputs: []Output{{Attachment: Attachment{Payload: Null{}}}, {Value: 1000 * ETP, Script: pay, Attachment: plain}}},
		{Version: VersionCurrent, Inputs: []Input{{Previous: Outpoint{Tx: TxID{2}}}, {Previous: Outpoint{Tx: TxID{2}, Index: 1}}},
			Outputs: []Output{
				{Value: 5, Script: pay, Attachment: plain},
				{Script: pay, Attachment: Attachment{Version: AttachmentPlain, Payload: AssetTransfer{"MVS.ONE", 7}}},
			}},
		{Version: VersionSegWit, Bitcoin: 2, Inputs: []Input{{Previous: Outpoint{Tx: TxID{3}}, Witness: [][]byte{{1}}}}, Outputs: []Output{{Value: 5, Script: pay}}},
	}
	seal(t, b)
	return &p, b
}

// seal makes the header fit the rest and signs.
func seal(t testing.TB, b *Block) {
	b.Merkle = b.MerkleRoot()
	if err := b.Sign(testKey); err != nil {
		t.Fatal(err)
	}
}

// judge is all that a block shows without the chain.
func judge(p *Params, b *Block) error {
	if err := b.Check(p); err != nil {
		return err
	}
	return b.VerifySignature()
}

// TestRules breaks one fact of a valid block at a time; each rule has a case.
func TestRules(t *testing.T) {
	payment := func(change func(tx *Transaction)) func(t *testing.T, p *Params, b *Block) {
		return func(t *testing.T, p *Params, b *Block) { change(b.Transactions[2]); seal(t, b) }
	}
	carries := func(payload Payload) func(t *testing.T, p *Params, b *Block) {
		return payment(func(tx *Transaction) { tx.Outputs[1].Attachment.Payload = payload })
	}
	address := PubKeyHashAddress([20]byte{1}).Text(Devnet().Address)
	issue := AssetIssue{Symbol: "A", Supply: 1, Issuer: "me", Address: address}
	cert := Certificate{Symbol: "A", Owner: "me", Address: address, Kind: CertDomain}
	withIssue := func(change func(v *AssetIssue)) func(t *testing.T, p *Params, b *Block) {
		v := issue
		change(&v)
		return carries(v)
	}
	withCert := func(change func(v *Certificate)) func(t *testing.T, p *Params, b *Block) {
		v := cert
		change(&v)
		return carries(v)
	}
	seen := map[Rule]bool{}
	for _, tt := range []struct {
		name   string
		broken func(t *testing.T, p *Params, b *Block)
		want   Rule
	}{
		{"block of one byte too many", func(t *testing.T, p *Params, b *Block) { p.Limits.BlockSize = uint32(b.Size() - 1) }, BlockTooLarge},
		{"classic header", func(t *testing.T, p *Params, b *Block) { b.Version = HeaderVersion(PoS, false) }, HeaderForm},
		{"no coinbase", func(t *testing.T, p *Params, b *Block) { b.Transactions = b.Transactions[1:]; seal(t, b) }, NoCoinbase},
		{"two coinbases", func(t *testing.T, p *Params, b *Block) {
			other := *b.Transactions[0]
			other.LockTime = 1
			b.Transactions[2] = &other
			seal(t, b)
		}, CoinbaseMisplaced},
		{"repeated end", func(t *testing.T, p *Params, b *Block) {
			b.Transactions = b.Transactions[:3]
			seal(t, b)
			root := b.Merkle
			b.Transactions = append(b.Transactions, b.Transactions[2])
			if seal(t, b); b.Merkle != root {
				t.Fatal("the tree does not repeat")
			}
		}, MerkleRepeated},
		{"other root", func(t *testing.T, p *Params, b *Block) { b.Merkle[3]++ }, MerkleMismatch},
		{"no transactions", func(t *testing.T, p *Params, b *Block) { b.Transactions = nil }, MerkleMismatch},
		{"other witness", func(t *testing.T, p *Params, b *Block) { b.Transactions[3].Inputs[0].Witness[0][0]++ }, MerkleMismatch},
		{"other extension", func(t *testing.T, p *Params, b *Block) { b.Extension.Modifier[0]++ }, ExtensionMismatch},
		{"one id twice", func(t *testing.T, p *Params, b *Block) {
			twin := *b.Transactions[3]
			twin.Inputs = []Input{{Previous: Outpoint{Tx: TxID{3}}, Witness: [][]byte{{2}}}}
			b.Transactions = append(b.Transactions, &twin)
			seal(t, b)
		}, TransactionRepeated},
		{"key is no point", func(t *testing.T, p *Params, b *Block) { b.Extension.Key[0] = 9; b.ExtensionRoot = b.Extension.Root() }, SignerKeyInvalid},
		{"header changed", func(t *testing.T, p *Params, b *Block) { b.Nonce++ }, BlockSignatureInvalid},
		{"signature changed", func(t *testing.T, p *Params, b *Block) { b.Signature[63] ^= 1 }, BlockSignatureInvalid},
		{"other key", func(t *testing.T, p *Params, b *Block) {
			other, _ := btcec.PrivKeyFromBytes([]byte{8})
			copy(b.Extension.Key[:], other.PubKey().SerializeCompressed())
			b.ExtensionRoot = b.Extension.Root()
		}, BlockSignatureInvalid},
		{"transaction of one byte too many", func(t *testing.T, p *Params, b *Block) {
			p.Limits.LegacySize = uint32(b.Transactions[2].Size() - 1)
		}, TransactionTooLarge},
		{"version 5 of one byte too many", func(t *testing.T, p *Params, b *Block) {
			p.Limits.TransactionSize = uint32(b.Transactions[3].Size() - 1)
		}, TransactionTooLarge},
		{"version 0", payment(func(tx *Transaction) { tx.Version = 0 }), TransactionVersion},
		{"version 6", payment(func(tx *Transaction) { tx.Version = 6 }), TransactionVersion},
		{"version 3 where it is not", func(t *testing.T, p *Params, b *Block) {
			p.Limits.TestVersion = false
			b.Transactions[2].Version = 3
			seal(t, b)
		}, TransactionVersion},
		{"no inputs", payment(func(tx *Transaction) { tx.Inputs = nil }), NoInputs},
		{"no outputs", payment(func(tx *Transaction) { tx.Outputs = nil }), NoOutputs},
		{"second input from nowhere", payment(func(tx *Transaction) { tx.Inputs[1].Previous = NullOutpoint }), InputNull},
		{"version 5 from nowhere", func(t *testing.T, p *Params, b *Block) {
			b.Transactions[3].Inputs[0].Previous = NullOutpoint
			seal(t, b)
		}, InputNull},
		{"an input twice", payment(func(tx *Transaction) { tx.Inputs[1].Previous.Index = 0 }), InputRepeated},
		{"coinbase script of one byte", func(t *testing.T, p *Params, b *Block) { b.Transactions[0].Inputs[0].Script = []byte{1}; seal(t, b) }, CoinbaseScriptSize},
		{"coinbase script of 101", func(t *testing.T, p *Params, b *Block) {
			b.Transactions[0].Inputs[0].Script = make([]byte, 101)
			seal(t, b)
		}, CoinbaseScriptSize},
		{"too much money", payment(func(tx *Transaction) { tx.Outputs[0].Value = MaxMoney + 1 }), ValueRange},
		{"too much together", payment(func(tx *Transaction) { tx.Outputs[0].Value, tx.Outputs[1].Value = MaxMoney, 1 }), ValueSumRange},
		{"two meanings", func(t *testing.T, p *Params, b *Block) { b.Transactions[3] = twoMeanings(t); seal(t, b) }, TransactionAmbiguous},
		{"64 bytes", func(t *testing.T, p *Params, b *Block) {
			b.Transactions[3] = &Transaction{Version: 5, Bitcoin: 2, Inputs: []Input{{}}, Outputs: []Output{{}}}
			seal(t, b)
		}, TransactionSize64},
		{"award", carries(Award{}), AttachmentMisplaced},
		{"marker in a payment", carries(Null{}), AttachmentMisplaced},
		{"message in a coinbase", func(t *testing.T, p *Params, b *Block) {
			b.Transactions[0].Outputs[0].Attachment.Payload = Message{}
			seal(t, b)
		}, AttachmentMisplaced},
		{"asset in a coinbase's first output", func(t *testing.T, p *Params, b *Block) {
			b.Transactions[0].Outputs[0].Attachment.Payload = AssetTransfer{"A", 1}
			seal(t, b)
		}, AttachmentMisplaced},
		{"asset in a coinstake", func(t *testing.T, p *Params, b *Block) {
			b.Transactions[1].Outputs[1].Attachment.Payload = AssetTransfer{"A", 1}
			seal(t, b)
		}, AttachmentMisplaced},
		{"asset in version 5", func(t *testing.T, p *Params, b *Block) {
			tx := b.Transactions[3]
			if tx.Outputs[0].Attachment.Payload = (AssetTransfer{"A", 1}); !errors.Is(tx.Check(p), AttachmentMisplaced) {
				t.Error("it may stand there") // it is not in the bytes and so in no block
			}
			carries(Null{})(t, p, b)
			tx.Outputs[0].Attachment.Payload = nil
		}, AttachmentMisplaced},
		{"bare attachment", payment(func(tx *Transaction) { tx.Outputs[0].Attachment.Version = AttachmentBare }), AttachmentVersionRule},
		{"lower-case symbol", carries(AssetTransfer{"one", 1}), SymbolInvalid},
		{"no symbol", carries(AssetTransfer{"", 1}), SymbolInvalid},
		{"symbol ends in a dot", carries(AssetTransfer{"A.", 1}), SymbolInvalid},
		{"empty part", carries(AssetTransfer{"A..B", 1}), SymbolInvalid},
		{"token's symbol", carries(Token{StatusTransfer, "a b", address, ""}), SymbolInvalid},
		{"asset called ETP", carries(AssetTransfer{"ETP", 1}), SymbolBanned},
		{"banned word", carries(AssetTransfer{"X.FORBIDDEN", 1}), SymbolBanned},
		{"banned word in a certificate", withCert(func(v *Certificate) { v.Symbol = "FORBIDDENX" }), SymbolBanned},
		{"avatar with a blank", payment(func(tx *Transaction) {
			tx.Outputs[0].Attachment = Attachment{Version: AttachmentAvatars, To: "a b"}
		}), AvatarInvalid},
		{"avatar of 65", carries(Avatar{StatusRegister, strings.Repeat("a", 65), address}), AvatarInvalid},
		{"avatar that reads as an address", carries(Avatar{StatusRegister, address, address}), AvatarInvalid},
		{"avatar that reads as an address elsewhere", carries(Avatar{StatusRegister, "MSCHL3unfVqzsZbRVCJ3yVp7RgAmXiuGN3", address}), AvatarInvalid},
		{"avatar with a banned word", carries(Avatar{StatusRegister, "is.forbidden", address}), AvatarInvalid},
		{"issuer", withIssue(func(v *AssetIssue) { v.Issuer = "" }), AvatarInvalid},
		{"owner", withCert(func(v *Certificate) { v.Owner = "" }), AvatarInvalid},
		{"address of another network", carries(Avatar{StatusRegister, "me", PubKeyHashAddress([20]byte{1}).Text(Classic().Address)}), AddressInvalid},
		{"address of a witness program", carries(Token{StatusTransfer, "me", TaprootAddress([32]byte{1}).Text(Devnet().Address), ""}), AddressInvalid},
		{"issue to nobody", withIssue(func(v *AssetIssue) { v.Address = "" }), AddressInvalid},
		{"nothing of an asset", carries(AssetTransfer{"A", 0}), QuantityZero},
		{"issue of nothing", withIssue(func(v *AssetIssue) { v.Supply = 0 }), QuantityZero},
		{"quantities wrap around", payment(func(tx *Transaction) {
			tx.Outputs[0].Attachment.Payload = AssetTransfer{"A", math.MaxUint64}
			tx.Outputs[1].Attachment.Payload = AssetTransfer{"A", 2}
		}), QuantitySum},
		{"20 decimals", withIssue(func(v *AssetIssue) { v.Decimals = 20 }), AssetDecimals},
		{"101 percent", withIssue(func(v *AssetIssue) { v.Threshold = 101 }), AssetThreshold},
		{"126 in a further issue", withIssue(func(v *AssetIssue) { v.Threshold = 126 | 128 }), AssetThreshold},
		{"certificate of no kind", withCert(func(v *Certificate) { v.Kind = 6 }), CertificateKind},
		{"custom certificate out of range", withCert(func(v *Certificate) { v.Kind = CertCustom | 0x100000 }), CertificateKind},
		{"mining of nothing", withCert(func(v *Certificate) { v.Kind, v.Content = CertMining, "initial:0,interval:1,base:1" }), MiningContent},
	} {
		t.Run(tt.name, func(t *testing.T) {
			p, b := validBlock(t)
			if err := judge(p, b); err != nil {
				t.Fatal("base case is not valid:", err)
			}
			tt.broken(t, p, b)
			if err := judge(p, b); !errors.Is(err, tt.want) {
				t.Fatalf("%v, want %v", err, tt.want)
			}
		})
		seen[tt.want] = true
	}
	seen[ModelInvalid] = true // TestLockModelRules
	for r := Rule(1); r < ruleEnd; r++ {
		if !seen[r] {
			t.Errorf("%s has no case", r)
		}
		if strings.HasPrefix(r.String(), "rule_") || r.String() == "" {
			t.Errorf("%d has no name", r)
		}
	}
}

// TestGoodAttachments checks that the payloads beside the broken ones are good.
func TestGoodAttachments(t *testing.T) {
	address := BlackHole().Text(Devnet().Address)
	for _, payload := range []Payload{
		Message{"hello"}, AssetTransfer{"A", math.MaxUint64}, Avatar{StatusRegister, "Me.@_-9", address}, Token{StatusRegister, "t", address, "x"},
		AssetIssue{Symbol: "A.B", Supply: 1, Decimals: 19, Threshold: 127 | 128, Issuer: "me", Address: address},
		Certificate{Symbol: "A", Owner: "me", Address: address, Kind: CertCustom | CertHasContent | 0xfffff, Content: "x"},
		Certificate{Symbol: "A", Owner: "me", Address: address, Kind: CertMining, Content: "initial:18446744073709551615,interval:1,base:0.000000001"},
	} {
		p, b := validBlock(t)
		b.Transactions[2].Outputs[1].Attachment.Payload = payload
		seal(t, b)
		if err := judge(p, b); err != nil {
			t.Errorf("%+v: %v", payload, err)
		}
	}
}

// twoMeanings returns a version-5 transaction whose inner bytes are also a transaction of version 2
// with attachments: where the one reads a value, the other reads an attachment, and so on.
func twoMeanings(t *testing.T) *Transaction {
	t.Helper()
	// One version-2 transaction with two outputs; the first script of the second output swallows
	// what a Bitcoin reader takes for the rest of its second output.
	for n := range 200 {
		old := &Transaction{Version: 2, Inputs: []Input{{Previous: Outpoint{Tx: TxID{4}}}}, Outputs: []Output{
			{Value: 1, Attachment: Attachment{Version: AttachmentPlain}},
			{Value: Amount(n), Attachment: Attachment{Version: AttachmentPlain}},
		}}
		tx := new(Transaction)
		if tx.UnmarshalBinary(append([]byte{5, 0, 0, 0}, old.AppendBinary(nil)...)) == nil && tx.ID() == old.ID() {
			return tx
		}
	}
	t.Fatal("no bytes are two transactions")
	return nil
}
