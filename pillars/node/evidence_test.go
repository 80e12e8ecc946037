package node

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/asterism-network/asterism/pillars/internal/chaintest"
	"github.com/asterism-network/asterism/pillars/internal/pos"
	"github.com/asterism-network/asterism/pillars/internal/state"
	"github.com/asterism-network/asterism/pillars/internal/tree"
	"github.com/asterism-network/asterism/pillars/internal/wire"
)

// twice makes two blocks with one stake in one second, on a chain that is long enough for a stake to win.
func twice(t testing.TB, n *network) (before []*chaintest.Link, one, two *chaintest.Link) {
	t.Helper()
	tip := n.Genesis()
	for range 12 {
		tip = n.Mine(tip, 2, 0)
		before = append(before, tip)
	}
	one, ok := n.Stake(tip, 10_000, 0)
	if !ok {
		t.Fatal("no stake wins")
	}
	s, ok := state.At(tip.State, &n.Params).Stake(one.Block.Extension.Stake)
	if !ok {
		t.Fatal("no such stake")
	}
	return before, one, n.StakeWith(tip, pos.Winner{Stake: &s, Stamp: one.Block.Timestamp}, 0)
}

// TestEvidenceIsKept: proof of a stake that was used twice outlives the process; a damaged file is no proof, and no reason not to start.
func TestEvidenceIsKept(t *testing.T) {
	n := newNetwork(t, 6, 200)
	before, one, two := twice(t, n)
	home := t.TempDir()
	a := n.start("a", home)
	for _, l := range before {
		a.give(l)
	}
	a.give(one)
	a.give(two)
	a.give(n.Mine(two, 2, 0)) // outweighs the first: the second is judged
	kept := func(r *running) []*wire.Twins {
		t.Helper()
		all, err := r.Evidence(context.Background())
		if err != nil {
			t.Fatal(err)
		}
		return all
	}
	until(t, "evidence", func() bool { return len(kept(a)) == 1 })
	first := wire.Encode(kept(a)[0])
	a.stop()

	again := n.start("again", home)
	if all := kept(again); len(all) != 1 || !bytes.Equal(wire.Encode(all[0]), first) {
		t.Fatalf("%d pairs after a restart", len(all))
	}
	again.stop()

	path := filepath.Join(home, evidenceFile)
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for name, bad := range map[string][]byte{"cut": raw[:len(raw)-1], "changed": flip(raw), "too many": bytes.Repeat(raw, maxEvidence+1)} {
		if err := os.WriteFile(path, bad, 0o600); err != nil {
			t.Fatal(err)
		}
		r := n.start(name, home)
		if all := kept(r); len(all) != 0 {
			t.Errorf("%s: %d pairs", name, len(all))
		}
		r.stop()
	}
}

func flip(raw []byte) []byte {
	bad := bytes.Clone(raw)
	bad[len(bad)-1] ^= 1
	return bad
}

// FuzzEvidence: whatever a file holds, what is read from it proves something, and is the file.
func FuzzEvidence(f *testing.F) {
	n := newNetwork(f, 6, 200)
	_, one, two := twice(f, n)
	good := wire.Encode(&wire.Twins{
		One: wire.Signed{Head: tree.HeadOf(one.Block), Signature: one.Block.Signature},
		Two: wire.Signed{Head: tree.HeadOf(two.Block), Signature: two.Block.Signature},
	})
	if all, err := decodeEvidence(append(bytes.Clone(good), good...)); err != nil || len(all) != 2 {
		f.Fatalf("%d pairs, %v", len(all), err)
	}
	for _, seed := range [][]byte{nil, good, flip(good), good[:100], append(bytes.Clone(good), good...)} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		all, err := decodeEvidence(raw)
		if err != nil {
			if !errors.Is(err, errEvidence) || all != nil {
				t.Fatal(err)
			}
			return
		}
		var back []byte
		for _, m := range all {
			back = append(back, wire.Encode(m)...)
		}
		if !bytes.Equal(back, raw) || len(all) > maxEvidence {
			t.Fatalf("%d pairs of %d bytes", len(all), len(raw))
		}
	})
}
