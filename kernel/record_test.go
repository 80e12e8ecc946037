package kernel

import (
	"bytes"
	"encoding/json"
	"errors"
	"testing"

	"github.com/asterism-network/asterism/internal/codec"
)

func testRecord() *Record {
	return &Record{Kind: RecordEvidence, Network: NetworkID{1}, Epoch: 2, Signer: Key{3}, Payload: []byte("payload"), Signature: Signature{4}}
}

func TestRecord(t *testing.T) {
	good := testRecord().AppendBinary(nil)
	var again Record
	if err := again.UnmarshalBinary(good); err != nil || !bytes.Equal(again.AppendBinary(nil), good) {
		t.Fatal("decoded and encoded again it differs:", err)
	}
	for name, change := range map[string]func(r *Record){
		"kind": func(r *Record) { r.Kind++ }, "network": func(r *Record) { r.Network[0]++ }, "epoch": func(r *Record) { r.Epoch++ },
		"signer": func(r *Record) { r.Signer[0]++ }, "payload": func(r *Record) { r.Payload = []byte("Payload") },
	} {
		r := testRecord()
		change(r)
		if r.SigningHash() == testRecord().SigningHash() {
			t.Errorf("%s is not signed", name)
		}
	}
	unsigned := testRecord()
	unsigned.Signature = Signature{}
	if unsigned.SigningHash() != testRecord().SigningHash() {
		t.Error("the signature is signed")
	}
	for _, kind := range []RecordKind{0, RecordReport + 1} {
		r := testRecord()
		r.Kind = kind
		if err := again.UnmarshalBinary(r.AppendBinary(nil)); !errors.Is(err, &codec.Error{Fault: codec.BadValue, Field: "kind"}) {
			t.Errorf("kind %d: %v", kind, err)
		}
	}
	long := testRecord()
	long.Payload = make([]byte, MaxRecordPayload+1)
	if err := again.UnmarshalBinary(long.AppendBinary(nil)); !errors.Is(err, &codec.Error{Fault: codec.TooLarge, Field: "payload"}) {
		t.Errorf("long payload: %v", err)
	}
}

func TestEquivocation(t *testing.T) {
	key := testNodeKey(2)
	a, b := testSnapshot().Header, testSnapshot().Header
	b.Timestamp++
	sign(b, key)
	proof := EquivocationOf(a, b)
	if swapped := EquivocationOf(b, a); swapped != proof {
		t.Error("the order of the headers counts")
	}
	if !proof.Verify(key.Public()) || proof.Verify(testNodeKey(3).Public()) {
		t.Fatal("the proof does not hold for its author only")
	}
	encoded := proof.AppendBinary(nil)
	if len(encoded) != EquivocationSize {
		t.Errorf("a proof has %d bytes, want %d", len(encoded), EquivocationSize)
	}
	for i := range 8 * len(encoded) {
		c := bytes.Clone(encoded)
		c[i/8] ^= 1 << (i % 8)
		var e Equivocation
		if e.UnmarshalBinary(c) == nil && e.Verify(key.Public()) {
			t.Errorf("bit %d does not count", i)
		}
	}
	same := EquivocationOf(a, a)
	if same.Verify(key.Public()) {
		t.Error("one snapshot is two")
	}
	var e Equivocation
	if err := e.UnmarshalBinary(same.AppendBinary(nil)); !errors.Is(err, &codec.Error{Fault: codec.NonCanonical, Field: "rest hash"}) {
		t.Errorf("one snapshot twice: %v", err)
	}
	// Two signatures at two places prove nothing.
	far := testSnapshot().Header
	far.Round++
	far.Parents[0].Round++
	sign(far, key)
	if proof := EquivocationOf(a, far); proof.Verify(key.Public()) {
		t.Error("two rounds are one")
	}
}

func TestReceipt(t *testing.T) {
	final := Receipt{Transaction: TxHash{1}, Status: Final, Commit: 2, Snapshot: SnapshotID{3}}
	lost := Receipt{Transaction: TxHash{1}, Status: Rejected, Commit: 2, Snapshot: SnapshotID{3}, Rule: InputSpent, Winner: TxHash{4}}
	for _, r := range []Receipt{final, lost} {
		b := r.AppendBinary(nil)
		var again Receipt
		if err := again.UnmarshalBinary(b); err != nil || again != r || len(b) != ReceiptSize {
			t.Errorf("decoded %+v, %v", again, err)
		}
		text, err := json.Marshal(r)
		if err != nil {
			t.Fatal(err)
		}
		var read Receipt
		if err := json.Unmarshal(text, &read); err != nil || read != r {
			t.Errorf("%s reads as %+v, %v", text, read, err)
		}
	}
	for name, change := range map[string]func(r *Receipt){
		"status 0":            func(r *Receipt) { r.Status = 0 },
		"status 3":            func(r *Receipt) { r.Status = 3 },
		"final with a rule":   func(r *Receipt) { r.Status = Final; r.Winner = TxHash{} },
		"final with a winner": func(r *Receipt) { r.Status = Final; r.Rule = 0 },
		"rejected, no rule":   func(r *Receipt) { r.Rule = 0 },
		"unknown rule":        func(r *Receipt) { r.Rule = ruleEnd },
	} {
		r := lost
		change(&r)
		if err := new(Receipt).UnmarshalBinary(r.AppendBinary(nil)); !errors.Is(err, &codec.Error{Fault: codec.NonCanonical, Field: "status"}) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestCommitRoundTrip(t *testing.T) {
	c := testCommit()
	b := c.AppendBinary(nil)
	var again Commit
	if err := again.UnmarshalBinary(b); err != nil || !bytes.Equal(again.AppendBinary(nil), b) {
		t.Fatal("decoded and encoded again it differs:", err)
	}
	short := bytes.Clone(b[:len(b)-32-4-2*committedSize])
	short = codec.AppendU32(short, MaxCommitSnapshots+1)
	if err := again.UnmarshalBinary(short); !errors.Is(err, &codec.Error{Fault: codec.TooLarge, Field: "snapshots"}) {
		t.Errorf("too many: %v", err)
	}
}

func testCommit() *Commit {
	return &Commit{Index: 1, Epoch: 2, Leader: Parent{3, 4, SnapshotID{5}}, CoinRound: 6, Coin: Hash{7}, Timestamp: 8, Position: 9,
		Snapshots: []CommittedID{{1, 2, SnapshotID{3}, 4, 0x2c, true}, {5, 6, SnapshotID{7}, 8, 0, false}}, Digest: Digest{10}}
}

func TestRuleNames(t *testing.T) {
	seen := map[string]Rule{}
	for r := Rule(1); r < ruleEnd; r++ {
		name := r.String()
		if other, taken := seen[name]; taken || name == "" {
			t.Errorf("rules %d and %d are both called %q", r, other, name)
		}
		seen[name] = r
		var again Rule
		if err := again.UnmarshalText([]byte(name)); err != nil || again != r {
			t.Errorf("%s reads as %d, %v", name, again, err)
		}
	}
	if err := new(Rule).UnmarshalText([]byte("no_such_rule")); err == nil {
		t.Error("an unknown rule is read")
	}
}

func TestIDText(t *testing.T) {
	good := XIN.String()
	if id, err := ParseAssetID(good); err != nil || id != XIN {
		t.Fatal("base case is not valid:", err)
	}
	for _, bad := range []string{"", good[:63], good + "0", "A" + good[1:], "g" + good[1:], "0x" + good[2:]} {
		if id, err := ParseAssetID(bad); err == nil {
			t.Errorf("%q reads as %s", bad, id)
		}
	}
}
