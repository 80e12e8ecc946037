package tree

import (
	"encoding/binary"
	"errors"
	"math/rand/v2"
	"testing"

	"github.com/btcsuite/btcd/btcec/v2"

	"github.com/asterism-network/asterism/pillars"
	"github.com/asterism-network/asterism/pillars/internal/consensus"
	"github.com/asterism-network/asterism/pillars/internal/pos"
)

var errBadSeal = errors.New("bad_seal")

// marks is the seal of these tests: a header whose mix hash starts with 0xff has a bad one.
type marks struct{ asked int }

func (m *marks) Verify(headers []*pillars.Header) (int, error) {
	for i, h := range headers {
		m.asked++
		if h.MixHash[0] == 0xff {
			return i, errBadSeal
		}
	}
	return len(headers), nil
}

// A kit makes blocks of a small network and plays the shell of a tree.
type kit struct {
	t     testing.TB
	p     pillars.Params
	r     *rand.Rand
	key   *btcec.PrivateKey
	root  Head
	start consensus.Branch
	now   uint32
	seals marks
	tree  *Tree

	bad    map[pillars.BlockID]bool // Judged says no to these
	disk   map[pillars.BlockID]bool
	moves  int
	judged int
}

func newKit(t testing.TB, seed uint64, l Limits) *kit {
	k := &kit{t: t, p: pillars.Devnet(), r: rand.New(rand.NewPCG(seed, 7)), bad: map[pillars.BlockID]bool{}, disk: map[pillars.BlockID]bool{}}
	k.p.Finality = 12
	k.key, _ = btcec.PrivKeyFromBytes([]byte("the one staker of this test......"[:32]))
	k.root.Header = pillars.Header{Version: pillars.HeaderVersion(pillars.PoW, true), Timestamp: 1_700_000_000}
	k.root.ExtensionRoot = k.root.Extension.Root()
	k.start = consensus.Start(&k.root.Header)
	k.now = k.root.Timestamp + 1_000_000
	var err error
	if k.tree, err = New(&k.p, &k.seals, k.root, k.start, l); err != nil {
		t.Fatal(err)
	}
	return k
}

// A link is a block and the branch that it ends.
type link struct {
	block  *pillars.Block
	branch consensus.Branch
}

func (k *kit) first() *link { return &link{branch: k.start} }

func (k *kit) coinbase(height uint32) *pillars.Transaction {
	script := binary.LittleEndian.AppendUint64(binary.LittleEndian.AppendUint32([]byte{4}, height), k.r.Uint64())
	return &pillars.Transaction{
		Version: pillars.VersionFirst,
		Inputs:  []pillars.Input{{Previous: pillars.NullOutpoint, Script: script}},
		Outputs: []pillars.Output{{Value: 1, Script: pillars.BlackHole().Script(), Attachment: pillars.Attachment{Version: pillars.AttachmentPlain}}},
	}
}

// work makes a block under work behind another, so many seconds later.
func (k *kit) work(on *link, after uint32) *link {
	b := &pillars.Block{Transactions: []*pillars.Transaction{k.coinbase(on.branch.Number + 1)}, Extension: pillars.Extension{Modifier: on.branch.Modifier}}
	var err error
	if b.Header, err = on.branch.Prepare(&k.p, pillars.PoW, on.branch.Stamps[0]+after); err != nil {
		k.t.Fatal(err)
	}
	b.Merkle, b.ExtensionRoot = b.MerkleRoot(), b.Extension.Root()
	binary.BigEndian.PutUint64(b.MixHash[8:], k.r.Uint64())
	return &link{b, on.branch.Next(&k.p, &b.Header, consensus.Reveal{})}
}

// stake makes a block under stake with a use of its own or the one given.
func (k *kit) stake(on *link, after uint32, stake pillars.Outpoint) *link {
	owner := pillars.PubKeyHashAddress(pillars.Hash160(k.key.PubKey().SerializeCompressed()))
	s := pos.Stake{Outpoint: stake, Value: 1000 * pillars.ETP, Owner: owner, Plain: true}
	b := &pillars.Block{
		Transactions: []*pillars.Transaction{k.coinbase(on.branch.Number + 1), pos.Coinstake(&k.p, &s, nil)},
		Extension:    pillars.Extension{Modifier: on.branch.Modifier, Stake: stake},
	}
	var err error
	if b.Header, err = on.branch.Prepare(&k.p, pillars.PoS, on.branch.Stamps[0]+after); err != nil {
		k.t.Fatal(err)
	}
	b.Merkle = b.MerkleRoot()
	if err := b.Sign(k.key); err != nil {
		k.t.Fatal(err)
	}
	return &link{b, on.branch.Next(&k.p, &b.Header, consensus.Reveal{Stake: stake})}
}

func (k *kit) outpoint() (o pillars.Outpoint) {
	binary.LittleEndian.PutUint64(o.Tx[:], k.r.Uint64())
	return o
}

// settle is the shell: it judges, stores and moves until there is nothing to do.
func (k *kit) settle() {
	for {
		if n := k.tree.Next(); n != nil {
			k.judged++
			if !n.Parent().Judged() || n.Block() == nil {
				k.t.Fatal("asked to judge what cannot be")
			}
			var err error
			if k.bad[n.ID()] {
				err = consensus.StakeUnknown
			}
			if k.tree.Judged(n, err) {
				k.disk[n.ID()] = true
				k.tree.Stored(n)
			}
			continue
		}
		n, connect := k.tree.Step()
		if n == nil {
			return
		}
		if !n.Judged() || k.bad[n.ID()] {
			k.t.Fatal("on the way to a block that is not valid")
		}
		if connect {
			k.disk[n.ID()] = true
		}
		for _, id := range k.tree.Moved(n, connect) {
			if !k.disk[id] {
				k.t.Fatal("left behind, but never stored")
			}
			delete(k.disk, id)
		}
		k.moves++
	}
}

func (k *kit) give(from Peer, l *link) (Fate, error) {
	fate, err := k.tree.Block(from, l.block, k.now)
	k.settle()
	return fate, err
}

func (k *kit) must(from Peer, l *link, want Fate) *link {
	k.t.Helper()
	if fate, err := k.give(from, l); fate != want {
		k.t.Fatalf("block %d is %s, want %s: %v", l.branch.Number, fate, want, err)
	}
	return l
}

func (k *kit) refused(from Peer, l *link, want error) {
	k.t.Helper()
	if fate, err := k.give(from, l); fate != Refused || !errors.Is(err, want) {
		k.t.Fatalf("block %d is %s: %v, want %v", l.branch.Number, fate, err, want)
	}
}

func (k *kit) tipIs(l *link) {
	k.t.Helper()
	if k.tree.Tip().ID() != l.branch.ID {
		k.t.Fatalf("tip is %d %s, want %d %s", k.tree.Tip().Number, k.tree.Tip().ID().Short(), l.branch.Number, l.branch.ID.Short())
	}
}

// grow gives so many blocks under work.
func (k *kit) grow(on *link, n int) *link {
	for range n {
		on = k.must(1, k.work(on, 10), Ready)
	}
	return on
}
