package kernel

import (
	"encoding/hex"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"reflect"
	"testing"

	"github.com/asterism-network/asterism/internal/crypto"
	"github.com/asterism-network/asterism/internal/merkle"
)

var rewrite = flag.Bool("rewrite", false, "write the vectors of our own formats instead of comparing them")

// A formatVector is one object of our own formats: its bytes, and the hash that names it.
type formatVector struct {
	Name  string `json:"name"`
	Bytes string `json:"bytes"`
	Hash  string `json:"hash"`
}

type formatFile struct {
	Description string         `json:"description"`
	Formats     []formatVector `json:"formats"`
}

// TestFormatVectors fails when a byte of a format or a label of a hash changes. Whoever means it
// runs `go test ./kernel -run FormatVectors -rewrite` and reviews the difference.
func TestFormatVectors(t *testing.T) {
	got := formatFile{
		Description: "Asterism's own formats, in hex: the bytes of an object and the hash that names it. A header's hash is its snapshot id, a body's its root, a genesis' its network id; record and checkpoint: what is signed; output and receipt: the leaf of its tree; a proof has none; genesis transaction: its payload and hash; set hash: the elements one, two and three, bytes omitted; merkle root: the leaves are the BLAKE3 of one, two and three, concatenated.",
		Formats:     ourFormats(t),
	}
	const name = "formats.json"
	if *rewrite {
		b, err := json.MarshalIndent(got, "", " ")
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join("..", "testdata", "vectors", name), append(b, '\n'), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	var want formatFile
	readVectors(t, name, &want)
	if len(got.Formats) != len(want.Formats) {
		t.Fatalf("%d formats, want %d", len(got.Formats), len(want.Formats))
	}
	for i, g := range got.Formats {
		if !reflect.DeepEqual(g, want.Formats[i]) {
			t.Errorf("%+v\nwant %+v", g, want.Formats[i])
		}
	}
}

func ourFormats(t *testing.T) (all []formatVector) {
	add := func(name string, bytes []byte, hash Hash) {
		all = append(all, formatVector{name, hex.EncodeToString(bytes), hash.String()})
	}
	s := testSnapshot()
	add("header", encodeHeader(t, s.Header), Hash(s.Header.ID()))
	add("body", s.Body.AppendBinary(nil), s.Body.Root())
	add("empty body", new(Body).AppendBinary(nil), new(Body).Root())
	add("record", testRecord().AppendBinary(nil), testRecord().SigningHash())
	c := testCheckpoint()
	add("checkpoint", c.AppendBinary(nil), c.SigningHash())
	roster := testEpochRoster()
	add("epoch roster on the network 01 00…", roster.AppendBinary(nil), roster.Hash(NetworkID{1}))
	out := testStateOutput()
	add("output", out.AppendBinary(nil), out.Leaf())
	receipt := Receipt{Transaction: TxHash{1}, Status: Final, Commit: 2, Snapshot: SnapshotID{3}}
	add("receipt", receipt.AppendBinary(nil), receipt.Leaf())
	add("proof of finality", testFinalityProof().AppendBinary(nil), Hash{})
	add("proof of an output", testOutputProof().AppendBinary(nil), Hash{})
	add("proof file", must(testProofFile().Encode()), Hash{})

	g := testGenesis()
	add("genesis", g.AppendBinary(nil), Hash(g.NetworkID()))
	paid, err := GenesisTransactions(g)
	if err != nil {
		t.Fatal(err)
	}
	for _, tx := range paid {
		add("genesis transaction", must(tx.AppendPayload(nil)), Hash(tx.Hash()))
	}
	epoch := EpochHash(g.NetworkID(), 1, Digest{2}, g.Roster())
	add("epoch 1 from the digest 02 00…", nil, epoch)
	add("author 3's genesis snapshot of that epoch", nil, Hash(GenesisSnapshotID(epoch, 3)))
	add("node 0 of that network", nil, Hash(NodeIDOf(g.NetworkID(), g.Members[0].Key)))

	staked := stakedGenesis()
	add("genesis with stakes", staked.AppendBinary(nil), Hash(staked.NetworkID()))
	paid, err = GenesisTransactions(staked)
	if err != nil {
		t.Fatal(err)
	}
	last := paid[len(paid)-1]
	add("stake of its last member", must(last.AppendPayload(nil)), Hash(last.Hash()))
	resigned := Resignation(staked.NetworkID(), 1, testNodeKey(6))
	add("its resignation in epoch 1", resigned.AppendBinary(nil), resigned.SigningHash())

	var set crypto.SetHash
	var leaves [][32]byte
	var flat []byte
	for _, word := range []string{"one", "two", "three"} {
		set.Add([]byte(word))
		leaf := crypto.Sum([]byte(word))
		leaves, flat = append(leaves, leaf), append(flat, leaf[:]...)
	}
	add("set hash", nil, set.Sum())
	add("merkle root", flat, merkle.Root(leaves))
	leaves[1] = [32]byte{}
	add("merkle root with the second place empty", nil, merkle.Root(leaves))
	return all
}
