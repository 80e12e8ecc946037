package node

import (
	"bufio"
	"context"
	"encoding/binary"
	"fmt"
	"net/http"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/asterism-network/asterism/internal/crypto"
	"github.com/asterism-network/asterism/kernel"
	"github.com/asterism-network/asterism/kernel/internal/engine"
	"github.com/asterism-network/asterism/kernel/internal/ledger"
	"github.com/asterism-network/asterism/kernel/internal/p2p"
	"github.com/asterism-network/asterism/kernel/internal/wire"
)

// A rogue holds a member's key and speaks the protocol by hand.
type rogue struct {
	*testNetwork
	self kernel.Author
	key  crypto.NodeKey
	mesh *p2p.Mesh
}

// startRogue starts all nodes of a network but the last, whose place a rogue takes.
func startRogue(t *testing.T) *rogue {
	t.Helper()
	n := newNetwork(t, 7, coinsEach)
	r := &rogue{testNetwork: n, self: 6, key: crypto.NodeKeyFromSeed(n.configs[6].Identity.Key)}
	mesh, err := p2p.New(p2p.Config{
		Network: n.genesis.NetworkID(), Seed: r.key, Members: n.meshMembers(), Listener: n.configs[6].Listener,
	})
	if err != nil {
		t.Fatal(err)
	}
	r.mesh = mesh
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- mesh.Run(ctx) }()
	go func() { // nobody reads what honest nodes say
		for {
			select {
			case <-mesh.Inbound():
			case <-mesh.Events():
			case <-ctx.Done():
				return
			}
		}
	}()
	t.Cleanup(func() { cancel(); <-done })
	for i := range 6 {
		n.start(i)
	}
	for i := range 6 {
		n.waitState(i, "active")
	}
	return r
}

// say sends a frame to node 0 as soon as there is a connection and room for it.
func (r *rogue) say(frame []byte) {
	r.t.Helper()
	for range slow * 3000 {
		if r.mesh.Send(r.genesis.Members[0].Key, frame) {
			return
		}
		time.Sleep(5 * time.Millisecond)
	}
	r.t.Fatal("no connection to node 0")
}

// blamed reads off node 0's metrics how often it found fault with the rogue.
func (r *rogue) blamed() (times float64) {
	r.t.Helper()
	answer, err := http.Get("http://" + r.nodes[0].listeners.ops.Addr().String() + "/metrics")
	if err != nil {
		r.t.Fatal(err)
	}
	defer answer.Body.Close()
	want := fmt.Sprintf("aster_kernel_peer_misbehaved_total{peer=%q} ", r.genesis.Members[r.self].Name)
	for lines := bufio.NewScanner(answer.Body); lines.Scan(); {
		if value, ok := strings.CutPrefix(lines.Text(), want); ok {
			if _, err := fmt.Sscan(value, &times); err != nil {
				r.t.Fatal(err)
			}
		}
	}
	return times
}

// snapshot is a valid one of round 1 by the rogue, with the given body.
func (r *rogue) snapshot(entries ...kernel.Entry) []byte {
	r.t.Helper()
	g, store := r.genesis, r.nodes[0].store
	commit, _, _ := store.CommitAt(0)
	epoch := kernel.EpochHash(g.NetworkID(), 0, commit.Digest, g.Roster())
	body := &kernel.Body{Entries: entries}
	sortBody(body)
	h := &kernel.Header{
		Network: g.NetworkID(), Author: r.self, Round: 1, Timestamp: commit.Timestamp + 1,
		BodyRoot: body.Root(), BodyLength: uint32(len(body.AppendBinary(nil))),
		Claim: kernel.CommitClaim{Digest: commit.Digest},
	}
	for a := range g.Members {
		h.Parents = append(h.Parents, kernel.Parent{Author: kernel.Author(a), ID: kernel.GenesisSnapshotID(epoch, kernel.Author(a))})
	}
	h.SortParents()
	id := h.ID()
	h.Signature = r.key.Sign(id[:])
	raw, err := (&kernel.Snapshot{Header: h, Body: body}).AppendBinary(nil)
	if err != nil {
		r.t.Fatal(err)
	}
	return raw
}

// sortBody brings transactions into the order that the format demands.
func sortBody(b *kernel.Body) {
	slices.SortFunc(b.Entries, func(x, y kernel.Entry) int {
		a, b := kernel.EntryHash(x), kernel.EntryHash(y)
		return slices.Compare(a[:], b[:])
	})
}

// TestWhatNoHonestNodeSends ends the connection with who sends it, by name, and harms nobody.
func TestWhatNoHonestNodeSends(t *testing.T) {
	r := startRogue(t)
	forged := r.snapshot()
	forged[len(forged)-8]++ // the signature's last bytes
	swapped := r.snapshot(kernel.Entry{Kind: kernel.EntryTransaction, Bytes: []byte("x")})
	swapped[len(swapped)-1]++ // the body under a good header
	unsigned := r.spend(r.coins[0], "unsigned")
	unsigned.Signatures[0][0].Signature[40]++
	bad, err := unsigned.AppendBinary(nil)
	if err != nil {
		t.Fatal(err)
	}
	h := kernel.Header{}
	header := forgedHeader(t, r, &h)
	for i, frame := range [][]byte{
		{}, {0}, {99, 1, 2, 3}, // the first is never sent
		wire.Append(nil, wire.Snapshot{Raw: []byte{1, 2, 3}}),
		wire.Append(nil, wire.Snapshot{Raw: forged}),
		wire.Append(nil, wire.Snapshot{Raw: swapped}),
		wire.Append(nil, wire.Transactions{Raw: [][]byte{[]byte("no transaction")}}),
		wire.Append(nil, wire.Transactions{Raw: [][]byte{bad}}),
		wire.Append(nil, wire.StartAnswer{Newest: header}),
		wire.Append(nil, wire.StartAnswer{Newest: []byte{1}}),
	} {
		if len(frame) == 0 {
			continue
		}
		before := r.blamed()
		in, err := r.nodes[0].replica.Decode(r.nodes[0].config.Genesis.Members[r.self].Key, frame)
		if err == nil {
			t.Errorf("frame %d is taken: %+v", i, in)
		}
		if i < 3 { // on the wire too; every strike makes the next connection wait longer
			r.say(frame)
			for range slow * 1000 {
				if r.blamed() > before {
					break
				}
				time.Sleep(5 * time.Millisecond)
			}
			if r.blamed() == before {
				t.Errorf("frame %d: nobody is blamed", i)
			}
		}
	}
	r.settleOn(0, 4, 0, 1, 2, 3, 4, 5)
	if s := r.nodes[0].status.Load(); s.Phase != engine.Active {
		t.Errorf("node 0 is %v %s", s.Phase, s.Reason)
	}
}

// forgedHeader is a header by node 0 that it has never signed.
func forgedHeader(t *testing.T, r *rogue, h *kernel.Header) []byte {
	t.Helper()
	var s kernel.Snapshot
	if err := s.UnmarshalBinary(r.snapshot()); err != nil {
		t.Fatal(err)
	}
	*h = *s.Header
	h.Author, h.Round = 0, 1
	for i := range h.Parents {
		if h.Parents[i].Author == 0 {
			h.Parents[0], h.Parents[i] = h.Parents[i], h.Parents[0]
		}
	}
	h.SortParents()
	id := h.ID()
	h.Signature = r.key.Sign(id[:])
	b, err := h.AppendBinary(nil)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// TestFloodOfKnownSnapshots repeats snapshots that are in the log, and one that waits for its
// parents: no cost but bytes, no memory, no harm to the others.
func TestFloodOfKnownSnapshots(t *testing.T) {
	r := startRogue(t)
	r.settleOn(0, 2, 0, 1, 2, 3, 4, 5)
	id := r.nodes[0].store.Variants(0, 1)[0]
	known, _ := r.nodes[0].replica.Frame(id)
	queries := wire.Append(nil, wire.Have{Clock: make([]kernel.Round, 7)})
	want := wire.Append(nil, wire.Want{IDs: slices.Repeat([]kernel.SnapshotID{id}, wire.MaxWant)})
	goroutines := runtime.NumGoroutine()
	for range 2000 {
		r.say(known)
		r.say(queries)
		r.say(want)
	}
	r.settleOn(2, 6, 0, 1, 2, 3, 4, 5)
	if r.blamed() != 0 {
		t.Error("repeating what is known is no fault")
	}
	if now := runtime.NumGoroutine(); now > goroutines+50 {
		t.Errorf("%d goroutines, %d before", now, goroutines)
	}
}

// TestVoidBody orders a body full of void transactions: everyone executes it at bounded cost,
// its author is at fault, and payments go on.
func TestVoidBody(t *testing.T) {
	r := startRogue(t)
	var entries []kernel.Entry
	template := r.spend(r.coins[40], "")
	for i := range kernel.MaxBodyEntries {
		if i >= 1024 && testing.Short() {
			break
		}
		tx := *template
		tx.Extra = binary.BigEndian.AppendUint32([]byte("void"), uint32(i)) // the signature is of another payload
		raw, err := tx.AppendBinary(nil)
		if err != nil {
			t.Fatal(err)
		}
		entries = append(entries, kernel.Entry{Kind: kernel.EntryTransaction, Bytes: raw})
	}
	r.say(wire.Append(nil, wire.Snapshot{Raw: r.snapshot(entries...)}))
	began := time.Now()
	for len(r.nodes[0].store.Faults(0, 1)) == 0 && time.Since(began) < slow*30*time.Second {
		time.Sleep(20 * time.Millisecond)
	}
	t.Logf("%d void transactions are judged after %v", len(entries), time.Since(began))
	r.settleOn(0, 4, 0, 1, 2, 3, 4, 5)
	for i := range 6 {
		faults := r.nodes[i].store.Faults(0, 2)
		if len(faults) != 1 || faults[0].Kind != ledger.FaultInvalid || faults[0].Author != r.self {
			t.Errorf("node %d: faults %+v, want E3 of the rogue", i, faults)
		}
	}
	r.sameState(0, 1, 2, 3, 4, 5)
}
