package state

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/asterism-network/asterism/internal/crypto"
	"github.com/asterism-network/asterism/pillars"
	"github.com/asterism-network/asterism/pillars/internal/consensus"
	"github.com/asterism-network/asterism/pillars/script"
)

var (
	firstSeed = flag.Uint64("first", 1, "first seed of random chains")
	seeds     = flag.Uint64("seeds", 3, "how many seeds")
	switches  = flag.Int("switches", 200, "how many reorganisations a tree sees")
)

// count goes through all records and says what does not add up.
func (w *world) count() error {
	var etp pillars.Amount
	outputs := uint64(0)
	held := map[string]uint64{}
	locks, named := 0, 0
	for _, key := range w.mem.Keys() {
		value := w.mem.records[key]
		switch key[0] {
		case tableOutput:
			out := decoded(key, value, (*Output).decode)
			etp += out.Value
			outputs++
			if symbol, quantity, ok := out.Asset(); ok {
				held[symbol] += quantity
			}
			if err := w.countOutput(outpointOf(key), &out, &locks); err != nil {
				return err
			}
		case tableAddress:
			named++
		}
	}
	head, _ := w.state().Head()
	if etp != head.Issued-head.Burned || outputs != head.Outputs {
		return fmt.Errorf("%s in %d outputs, head has %s - %s in %d", etp, outputs, head.Issued, head.Burned, head.Outputs)
	}
	for _, key := range w.mem.Keys() {
		value := w.mem.records[key]
		switch key[0] {
		case tableAsset:
			a := decoded(key, value, (*Asset).decode)
			if sum := a.Supply + a.Mined - a.Burned; held[string(key[1:])] != sum {
				return fmt.Errorf("%s: %d in outputs, %d known", key[1:], held[string(key[1:])], sum)
			}
			delete(held, string(key[1:]))
		case tableAvatar:
			a := decoded(key, value, (*Avatar).decode)
			if symbol, _ := w.state().AvatarOf(a.Address); symbol != string(key[1:]) {
				return fmt.Errorf("avatar %s is at an address of %q", key[1:], symbol)
			}
			if _, ok := w.state().Output(a.Outpoint); !ok {
				return fmt.Errorf("avatar %s has no output", key[1:])
			}
			named--
		case tableCertificate:
			c := decoded(key, value, (*Certificate).decode)
			if _, ok := w.state().Output(c.Outpoint); ok == c.Burned {
				return fmt.Errorf("certificate %q: output %t, burned %t", key[1:], ok, c.Burned)
			}
		case tableToken:
			v := decoded(key, value, (*Token).decode)
			if _, ok := w.state().Output(v.Outpoint); ok == v.Burned {
				return fmt.Errorf("token %s: output %t, burned %t", key[1:], ok, v.Burned)
			}
		case tableLock:
			locks--
		}
	}
	if len(held) != 0 || locks != 0 || named != 0 {
		return fmt.Errorf("unknown assets %v, %d locks, %d addresses too many", held, locks, named)
	}
	return nil
}

// countOutput asks that what an output holds is known to be there.
func (w *world) countOutput(o pillars.Outpoint, out *Output, locks *int) error {
	at := o
	switch v := out.Attachment.Payload.(type) {
	case pillars.Avatar:
		a, _ := w.state().Avatar(v.Symbol)
		at = a.Outpoint
	case pillars.Certificate:
		c, _ := w.state().Certificate(v.Kind, v.Symbol)
		at = c.Outpoint
	case pillars.Token:
		t, _ := w.state().Token(v.Symbol)
		at = t.Outpoint
	}
	if at != o {
		return fmt.Errorf("output %s:%d holds what is known to be at %s:%d", o.Tx, o.Index, at.Tx, at.Index)
	}
	to := script.Classify(out.Script)
	if owner, _, ok := out.stakeLock(&to, w.p); ok {
		*locks++
		if _, ok := w.mem.Get(LockKey(owner, o)); !ok {
			return fmt.Errorf("lock %s:%d is not known", o.Tx, o.Index)
		}
	}
	return nil
}

// undo takes the last block back from its bytes, as a node does.
func (w *world) undo(undo []byte) {
	w.t.Helper()
	var u Undo
	if err := u.UnmarshalBinary(undo); err != nil {
		w.t.Fatal(err)
	}
	if again := u.AppendBinary(nil); !bytes.Equal(again, undo) {
		w.t.Fatal("an undo has two encodings")
	}
	changes, err := u.Changes(w.mem)
	if err != nil {
		w.t.Fatal(err)
	}
	w.mem.Write(changes)
}

// TestRandomChains grows chains of random blocks. After each block everything adds up, the coinbase's ETP is all that
// is new, and undoing it gives the state before, record by record.
func TestRandomChains(t *testing.T) {
	made := map[string]int{}
	for seed := *firstSeed; seed < *firstSeed+*seeds; seed++ {
		p := newPlayer(newWorld(t), seed)
		p.made = made
		for range 120 {
			before, head := p.mem.Clone(), p.headNow()
			b, diff := p.play()
			if err := p.checkStep(before, head, b, diff); err != nil {
				t.Fatalf("seed %d, block %d: %v\nreplay: go test ./pillars/internal/state -run RandomChains -first %d -seeds 1", seed, b.Number, err, seed)
			}
		}
	}
	for _, m := range moves {
		if made[m.name] == 0 {
			t.Errorf("no move %s was accepted: %v", m.name, made)
		}
	}
	if made["pos"] == 0 || made["mined"] == 0 || made["on_top"] == 0 || made["refused"] == 0 {
		t.Errorf("not everything happened: %v", made)
	}
	t.Log(made)
}

func (w *world) headNow() Head {
	head, _ := w.state().Head()
	return head
}

func (w *world) checkStep(before *Memory, head Head, b *pillars.Block, diff *Diff) error {
	if err := w.count(); err != nil {
		return err
	}
	now := w.headNow()
	paid := sumOf(b.Transactions[0])
	if created := now.Issued - head.Issued; created+diff.Fees < paid || created+diff.Fees-paid > now.Burned-head.Burned {
		return fmt.Errorf("%s created, %s fees, %s paid", created, diff.Fees, paid)
	}
	var h crypto.SetHash
	for _, key := range w.mem.Keys() {
		h.Add(element(key, w.mem.records[key]))
	}
	if h.Sum() != w.mem.Root() {
		return errors.New("the hash of the records is not the root")
	}
	back := &world{t: w.t, p: w.p, mem: w.mem.Clone()}
	back.undo(diff.Undo().AppendBinary(nil))
	if err := equalStates(back.mem, before); err != nil {
		return fmt.Errorf("undone: %w", err)
	}
	back.mem.Write(diff.Changes)
	return equalStates(back.mem, w.mem)
}

// A node is a block of a tree, and what was there when it was first connected.
type node struct {
	parent int
	block  *pillars.Block
	tip    consensus.Branch
	undo   []byte
	root   [crypto.HashSize]byte
}

// A tree is a world that moves between branches.
type tree struct {
	*player
	nodes []node
	at    int
}

// moveTo undoes and applies blocks until the state is that of a node, and reports how many were undone.
func (tr *tree) moveTo(to int) (undone int) {
	tr.t.Helper()
	var up []int
	for there := to; there != tr.at; {
		if tr.nodes[there].tip.Number > tr.nodes[tr.at].tip.Number {
			up = append(up, there)
			there = tr.nodes[there].parent
			continue
		}
		tr.undo(tr.nodes[tr.at].undo)
		tr.at = tr.nodes[tr.at].parent
		undone++
	}
	tr.tip = tr.nodes[tr.at].tip
	for i := len(up) - 1; i >= 0; i-- {
		diff, err := tr.apply(tr.nodes[up[i]].block)
		if err != nil {
			tr.t.Fatal(err)
		}
		tr.mem.Write(diff.Changes)
		tr.at = up[i]
		tr.tip = tr.nodes[tr.at].tip
	}
	if tr.mem.Root() != tr.nodes[to].root {
		tr.t.Fatalf("block %d is reached with another state: seed %d", tr.tip.Number, *firstSeed)
	}
	return undone
}

// grow adds blocks to where the tree is.
func (tr *tree) grow(n int) {
	for range n {
		b, diff := tr.play()
		tr.nodes = append(tr.nodes, node{tr.at, b, tr.tip, diff.Undo().AppendBinary(nil), tr.mem.Root()})
		tr.at = len(tr.nodes) - 1
	}
}

// TestReorganisations grows a tree of random blocks, of which a branch leaves the others by up to 200 blocks, and wanders
// through it: the state after a block does not depend on the way to it.
func TestReorganisations(t *testing.T) {
	w := newWorld(t)
	rng := rand.New(rand.NewPCG(*firstSeed, 2))
	tr := &tree{player: newPlayer(w, *firstSeed), nodes: []node{{parent: -1, tip: w.tip, root: w.mem.Root()}}}
	genesis := w.mem.Clone()
	tr.grow(30)
	fork := tr.at
	tr.grow(200)
	for range 6 {
		tr.moveTo(fork + rng.IntN(200))
		tr.grow(10 + rng.IntN(20))
	}
	tr.moveTo(fork)
	tr.grow(60)
	deepest, total := 0, 0
	for range *switches {
		undone := tr.moveTo(rng.IntN(len(tr.nodes)))
		deepest, total = max(deepest, undone), total+undone
	}
	for _, leaf := range []int{fork + 200, len(tr.nodes) - 1} {
		tr.moveTo(leaf)
		tr.checkStraight(genesis, leaf)
	}
	if deepest < 150 {
		t.Errorf("no deep reorganisation: %d", deepest)
	}
	t.Logf("%d blocks, %d undone, at most %d at once", len(tr.nodes), total, deepest)
}

// checkStraight applies a branch from its genesis on and compares.
func (tr *tree) checkStraight(genesis *Memory, leaf int) {
	tr.t.Helper()
	var path []int
	for at := leaf; at > 0; at = tr.nodes[at].parent {
		path = append(path, at)
	}
	straight := &world{t: tr.t, p: tr.p, mem: genesis.Clone(), tip: tr.nodes[0].tip}
	for i := len(path) - 1; i >= 0; i-- {
		straight.connect(tr.nodes[path[i]].block)
	}
	if err := equalStates(straight.mem, tr.mem); err != nil {
		tr.t.Fatalf("block %d: %v", straight.tip.Number, err)
	}
}
