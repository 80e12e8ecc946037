package kernel

import (
	"bytes"
	"encoding/json"
	"errors"
	"reflect"
	"strings"
	"testing"

	"github.com/asterism-network/asterism/internal/codec"
)

func testCheckpoint() *Checkpoint {
	return &Checkpoint{Network: NetworkID{1}, Epoch: 2, Index: 3, Timestamp: 4, Digest: Digest{5},
		Receipts: TreeHead{Hash{6}, 7}, Outputs: TreeHead{Hash{8}, 9}, Roster: Hash{10}, Next: Hash{11}}
}

func testCheckpointProof() *CheckpointProof {
	return &CheckpointProof{Checkpoint: *testCheckpoint(), Signatures: []CheckpointSignature{{0, Signature{1}}, {3, Signature{2}}, {49, Signature{3}}}}
}

func testEpochRoster() *EpochRoster {
	r := &EpochRoster{Epoch: 3, CheckpointKeys: make([]Key, MinMembers)}
	for i := range MinMembers {
		account := testAccount(byte(i))
		r.Members = append(r.Members, Member{Name: string(rune('a' + i)), Key: testNodeKey(byte(i)).Public(), Payee: account.Address(), Flagged: i == 5})
		if i > 1 {
			r.CheckpointKeys[i] = testNodeKey(byte(100 + i)).Public()
		}
	}
	r.CoinKey = []Key{{1}, {2}}
	return r
}

func testRosterChange() *RosterChange {
	return &RosterChange{*testCheckpointProof(), *testEpochRoster()}
}

func testStateOutput() *StateOutput {
	out := Output{Type: OutputScript, Amount: NewAmount(5), Keys: []Key{{1}, {2}}, Mask: Key{3}, Script: NewScript(2)}
	o := StateOutputOf(OutputRef{TxHash{4}, 6}, &out, XIN, 7)
	return &o
}

func testFinalityProof() *FinalityProof {
	return &FinalityProof{Receipt{Transaction: TxHash{1}, Status: Final, Commit: 2, Snapshot: SnapshotID{3}},
		Branch{5, []Hash{{6}, {7}}}, *testCheckpointProof()}
}

func testOutputProof() *OutputProof {
	return &OutputProof{testStateOutput(), Branch{5, []Hash{{6}, {7}}}, *testCheckpointProof()}
}

func testProofFile() *ProofFile {
	return &ProofFile{Network: NetworkID{1}, Rosters: []RosterChange{*testRosterChange()}, Finality: testFinalityProof(), Transaction: []byte{1, 2}}
}

func TestCheckpoint(t *testing.T) {
	c := testCheckpoint()
	b := c.AppendBinary(nil)
	var again Checkpoint
	if err := again.UnmarshalBinary(b); err != nil || again != *c || len(b) != CheckpointSize {
		t.Fatalf("decoded %+v, %v", again, err)
	}
	for i := range b {
		var other Checkpoint
		if other.UnmarshalBinary(set(b, i, b[i]^1)) == nil && other.SigningHash() == c.SigningHash() {
			t.Errorf("byte %d is not signed", i)
		}
	}
	if err := again.UnmarshalBinary(append(b, 0)); !errors.Is(err, &codec.Error{Fault: codec.Trailing}) {
		t.Errorf("a byte more: %v", err)
	}
	for name, broken := range map[string]func(c *Checkpoint){
		"commit":           func(c *Checkpoint) { c.Index = 0 },
		"timestamp":        func(c *Checkpoint) { c.Timestamp = MaxTimestamp },
		"receipts":         func(c *Checkpoint) { c.Receipts.Root = Hash{} },
		"outputs":          func(c *Checkpoint) { c.Outputs.Root = Hash{} },
		"digest or roster": func(c *Checkpoint) { c.Roster = Hash{} },
	} {
		c := testCheckpoint()
		broken(c)
		if err := again.UnmarshalBinary(c.AppendBinary(nil)); !errors.Is(err, &codec.Error{Fault: codec.BadValue, Field: name}) {
			t.Errorf("%s: %v", name, err)
		}
	}
	c.Outputs.Count = 1<<48 + 1
	if err := again.UnmarshalBinary(c.AppendBinary(nil)); !errors.Is(err, &codec.Error{Fault: codec.TooLarge, Field: "outputs"}) {
		t.Errorf("too many outputs: %v", err)
	}
}

// TestProofsRoundTrip decodes every form of a proof from its bytes and from its JSON.
func TestProofsRoundTrip(t *testing.T) {
	output := testProofFile()
	output.Finality, output.Transaction, output.Output = nil, nil, testOutputProof()
	empty := testOutputProof()
	empty.Output = nil
	for _, tt := range []struct {
		name        string
		bytes       []byte
		value, into any
		decode      func(into any, b []byte) error
	}{
		{"checkpoint", testCheckpointProof().AppendBinary(nil), testCheckpointProof(), new(CheckpointProof), unmarshal},
		{"roster", testEpochRoster().AppendBinary(nil), testEpochRoster(), new(EpochRoster), unmarshal},
		{"roster change", testRosterChange().AppendBinary(nil), testRosterChange(), new(RosterChange), unmarshal},
		{"output", testStateOutput().AppendBinary(nil), testStateOutput(), new(StateOutput), unmarshal},
		{"proof of finality", testFinalityProof().AppendBinary(nil), testFinalityProof(), new(FinalityProof), unmarshal},
		{"proof of an output", testOutputProof().AppendBinary(nil), testOutputProof(), new(OutputProof), unmarshal},
		{"proof of an empty place", empty.AppendBinary(nil), empty, new(OutputProof), unmarshal},
		{"file", must(testProofFile().Encode()), testProofFile(), new(ProofFile), decodeFile},
		{"file of an output", must(output.Encode()), output, new(ProofFile), decodeFile},
	} {
		if err := tt.decode(tt.into, tt.bytes); err != nil || !reflect.DeepEqual(tt.into, tt.value) {
			t.Errorf("%s: decoded\n%+v\nwant\n%+v\n%v", tt.name, tt.into, tt.value, err)
		}
		for _, cut := range []int{0, 1, len(tt.bytes) / 2, len(tt.bytes) - 1} {
			if err := tt.decode(reflect.New(reflect.TypeOf(tt.into).Elem()).Interface(), tt.bytes[:cut]); err == nil {
				t.Errorf("%s: %d of %d bytes decode", tt.name, cut, len(tt.bytes))
			}
		}
		if err := tt.decode(reflect.New(reflect.TypeOf(tt.into).Elem()).Interface(), append(bytes.Clone(tt.bytes), 0)); !errors.Is(err, &codec.Error{Fault: codec.Trailing}) {
			t.Errorf("%s: a byte more: %v", tt.name, err)
		}
		text := must(json.Marshal(tt.value))
		again := reflect.New(reflect.TypeOf(tt.into).Elem()).Interface()
		if err := json.Unmarshal(text, again); err != nil || !reflect.DeepEqual(again, tt.value) {
			t.Errorf("%s: JSON %s reads as %+v, %v", tt.name, text, again, err)
		}
	}
}

func unmarshal(into any, b []byte) error {
	return into.(interface{ UnmarshalBinary([]byte) error }).UnmarshalBinary(b)
}

func decodeFile(into any, b []byte) error {
	f, err := DecodeProofFile(b)
	if err == nil {
		*into.(*ProofFile) = *f
	}
	return err
}

func TestProofLimits(t *testing.T) {
	b := testCheckpointProof().AppendBinary(nil)
	for name, b := range map[string][]byte{
		"no signer":         append(b[:CheckpointSize:CheckpointSize], make([]byte, 8)...),
		"an author over 49": set(b, CheckpointSize+1, 0x04),
	} {
		if err := new(CheckpointProof).UnmarshalBinary(b); !errors.Is(err, &codec.Error{Fault: codec.BadValue, Field: "signers"}) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := new(CheckpointProof).UnmarshalBinary(set(b, CheckpointSize+7, b[CheckpointSize+7]|2)); !errors.Is(err, &codec.Error{Fault: codec.Truncated, Field: "signatures"}) {
		t.Errorf("more signers than signatures: %v", err)
	}
	long := testFinalityProof()
	long.Branch.Siblings = make([]Hash, 49)
	if err := new(FinalityProof).UnmarshalBinary(long.AppendBinary(nil)); !errors.Is(err, &codec.Error{Fault: codec.TooLarge, Field: "siblings"}) {
		t.Errorf("a path of 49: %v", err)
	}
	for name, o := range map[string]*OutputRange{
		"outputs": {Outputs: make([]*StateOutput, MaxRange+1)},
		"hashes":  {Outputs: make([]*StateOutput, 1), Hashes: make([]Hash, 97)},
	} {
		if err := new(OutputRange).UnmarshalBinary(o.AppendBinary(nil)); !errors.Is(err, &codec.Error{Fault: codec.TooLarge, Field: name}) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := new(OutputRange).UnmarshalBinary(new(OutputRange).AppendBinary(nil)); !errors.Is(err, &codec.Error{Fault: codec.BadValue, Field: "outputs"}) {
		t.Errorf("an empty range: %v", err)
	}
	if err := new(ReceiptRange).UnmarshalBinary(new(ReceiptRange).AppendBinary(nil)); !errors.Is(err, &codec.Error{Fault: codec.BadValue, Field: "receipts"}) {
		t.Errorf("an empty range: %v", err)
	}
	wide := testStateOutput()
	wide.Script = make(Script, 4)
	if err := new(StateOutput).UnmarshalBinary(wide.AppendBinary(nil)); !errors.Is(err, &codec.Error{Fault: codec.TooLarge, Field: "script"}) {
		t.Errorf("a long script: %v", err)
	}
	for name, broken := range map[string]func(f *ProofFile){
		"two proofs":            func(f *ProofFile) { f.Output = testOutputProof() },
		"no proof":              func(f *ProofFile) { f.Finality = nil },
		"too many rosters":      func(f *ProofFile) { f.Rosters = make([]RosterChange, MaxRosterChanges+1) },
		"transaction, no place": func(f *ProofFile) { f.Output, f.Finality = testOutputProof(), nil },
	} {
		f := testProofFile()
		broken(f)
		if _, err := f.Encode(); !errors.Is(err, errProofFile) {
			t.Errorf("%s: %v", name, err)
		}
	}
	many := must(testProofFile().Encode())
	many = set(set(many, len(proofMagic)+32, 0x10), len(proofMagic)+33, 0)
	if _, err := DecodeProofFile(many); !errors.Is(err, &codec.Error{Fault: codec.Truncated, Field: "rosters"}) {
		t.Errorf("4096 rosters promised, one there: %v", err)
	}
	var b2 TransactionBytes
	if err := b2.UnmarshalText(bytes.Repeat([]byte("0"), 2*MaxTransactionSize+2)); err == nil {
		t.Error("a text of more than a transaction is read")
	}
}

// TestEpochRosterCheck breaks one thing of a good roster at a time.
func TestEpochRosterCheck(t *testing.T) {
	good := testEpochRoster()
	if err := good.Check(); err != nil {
		t.Fatal("base case is not valid:", err)
	}
	if good.CheckpointKey(0) != good.Members[0].Key || good.CheckpointKey(2) != good.CheckpointKeys[2] {
		t.Error("the wrong key signs checkpoints")
	}
	for name, tt := range map[string]struct {
		broken func(r *EpochRoster)
		want   error
	}{
		"three members": {func(r *EpochRoster) {
			r.Members, r.CheckpointKeys, r.CoinKey = r.Members[:3], r.CheckpointKeys[:3], r.CoinKey[:1]
		}, errRosterSize},
		"a key less":          {func(r *EpochRoster) { r.CheckpointKeys = r.CheckpointKeys[:6] }, errRosterSize},
		"a point more":        {func(r *EpochRoster) { r.CoinKey = append(r.CoinKey, Key{3}) }, errRosterSize},
		"three vote":          {func(r *EpochRoster) { flagAll(r, 0, 1, 2); r.CoinKey = r.CoinKey[:1] }, errRosterSize},
		"no name":             {func(r *EpochRoster) { r.Members[1].Name = "" }, errRosterMember},
		"long name":           {func(r *EpochRoster) { r.Members[1].Name = strings.Repeat("x", 65) }, errRosterMember},
		"no key":              {func(r *EpochRoster) { r.Members[1].Key = Key{} }, errRosterMember},
		"one key twice":       {func(r *EpochRoster) { r.Members[1].Key = r.Members[0].Key }, errRosterKey},
		"checkpoint keys":     {func(r *EpochRoster) { r.CheckpointKeys[2] = r.CheckpointKeys[3] }, errRosterKey},
		"another's node key":  {func(r *EpochRoster) { r.CheckpointKeys[2] = r.Members[0].Key }, errRosterKey},
		"its own node key":    {func(r *EpochRoster) { r.CheckpointKeys[2] = r.Members[2].Key }, errRosterKey},
		"a copied key before": {func(r *EpochRoster) { r.CheckpointKeys[0] = r.Members[6].Key }, errRosterKey},
	} {
		r := testEpochRoster()
		tt.broken(r)
		if err := r.Check(); !errors.Is(err, tt.want) {
			t.Errorf("%s: got %v, want %v", name, err, tt.want)
		}
		if err := new(EpochRoster).UnmarshalBinary(r.AppendBinary(nil)); err == nil {
			t.Errorf("%s: decoded", name)
		}
	}
	b := good.AppendBinary(nil)
	for i := range b {
		var other EpochRoster
		if other.UnmarshalBinary(set(b, i, b[i]^1)) == nil && other.Hash(NetworkID{1}) == good.Hash(NetworkID{1}) {
			t.Errorf("byte %d is not in the hash", i)
		}
	}
	if good.Hash(NetworkID{1}) == good.Hash(NetworkID{2}) {
		t.Error("the network is not in the hash")
	}
	g := testGenesis()
	first := g.EpochRoster()
	if err := first.Check(); err != nil || first.Roster().Quorum() != g.Roster().Quorum() {
		t.Errorf("roster of epoch 0: %v", err)
	}
}

func flagAll(r *EpochRoster, authors ...int) {
	for _, a := range authors {
		r.Members[a].Flagged = true
	}
}
