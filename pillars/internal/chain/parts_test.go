package chain

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"runtime"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/asterism-network/asterism/internal/kv"
	"github.com/asterism-network/asterism/pillars"
	"github.com/asterism-network/asterism/pillars/internal/chaintest"
	"github.com/asterism-network/asterism/pillars/internal/consensus"
	"github.com/asterism-network/asterism/pillars/internal/mining"
	"github.com/asterism-network/asterism/pillars/internal/pos"
	"github.com/asterism-network/asterism/pillars/internal/pow"
	"github.com/asterism-network/asterism/pillars/internal/state"
	"github.com/asterism-network/asterism/pillars/internal/store"
	"github.com/asterism-network/asterism/pillars/internal/tree"
	"github.com/asterism-network/asterism/pillars/script"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// TestFirstFault: whatever goroutine is fastest, the first fault is named.
func TestFirstFault(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 1))
	for range 500 {
		n, workers := r.IntN(30), r.IntN(6)
		bad := map[int]bool{}
		want := n
		for range r.IntN(4) {
			if n > 0 {
				i := r.IntN(n)
				bad[i] = true
				want = min(want, i)
			}
		}
		first, err := firstFault(n, workers, func(i int) error {
			if bad[i] {
				return fmt.Errorf("fault %d", i)
			}
			return nil
		})
		if first != want || (err != nil) != (want < n) || err != nil && err.Error() != fmt.Sprintf("fault %d", want) {
			t.Fatalf("%d workers, %d things: %d, %v; want %d", workers, n, first, err, want)
		}
	}
}

// TestFirstFaultIsKept: one that is found later and stands behind does not take its place.
func TestFirstFaultIsKept(t *testing.T) {
	started, found := make(chan struct{}), make(chan struct{})
	first, _ := firstFault(2, 2, func(i int) error {
		if i == 0 {
			<-started
			defer close(found)
		} else {
			close(started)
			<-found
			time.Sleep(5 * time.Millisecond)
		}
		return fmt.Errorf("fault %d", i)
	})
	if first != 0 {
		t.Errorf("fault %d", first)
	}
}

// TestOverlay compares a state with changes on top with one in which they were made.
func TestOverlay(t *testing.T) {
	r := rand.New(rand.NewPCG(2, 1))
	key := func() state.Key { return state.Key(fmt.Sprintf("%c%d", 'a'+r.IntN(3), r.IntN(20))) }
	for range 200 {
		base := &state.Memory{}
		whole := &state.Memory{}
		set := func(m *state.Memory, k state.Key, v []byte) {
			old, _ := m.Get(k)
			m.Write(state.Changes{{Key: k, Before: old, After: v}})
		}
		for range r.IntN(30) {
			k, v := key(), []byte{byte(r.IntN(256))}
			set(base, k, v)
			set(whole, k, v)
		}
		over := &overlay{base, map[state.Key][]byte{}}
		for range r.IntN(20) {
			k := key()
			var v []byte
			if r.IntN(2) == 0 {
				v = []byte{byte(r.IntN(256))}
			}
			if old, _ := whole.Get(k); old != nil || v != nil {
				set(whole, k, v)
			}
			over.put(k, v)
		}
		for _, prefix := range []state.Key{"", "a", "b1", "c", "d"} {
			stop := 1 + r.IntN(30)
			list := func(v state.View) (all []string) {
				v.Under(prefix, func(k state.Key, b []byte) bool {
					all = append(all, fmt.Sprintf("%s=%x", k, b))
					return len(all) < stop
				})
				return all
			}
			if got, want := fmt.Sprint(list(over)), fmt.Sprint(list(whole)); got != want {
				t.Fatalf("under %q: %s, want %s", prefix, got, want)
			}
		}
	}
}

// TestRealWork runs a chain whose work is real, through the caches that a node has; a header with too little is refused.
func TestRealWork(t *testing.T) {
	m := chaintest.New(1)
	caches := mining.NewCaches(pow.Sizes(m.Params.Ethash))
	data, err := mining.NewDataset(t.Context(), caches.Cache(0), 1, nil)
	if err != nil {
		t.Fatal(err)
	}
	m.Work = func(h *pillars.Header) {
		nonce, mix, ok := pow.Search(data, pow.Prepare(caches.Sizes(), h), 0, 1<<30)
		if !ok {
			t.Fatal("no work")
		}
		h.Nonce, h.MixHash = nonce, mix
	}
	o := Options{Store: store.Options{FS: kv.Memory()}}
	if err := Create(dir, &m.Params, o); err != nil {
		t.Fatal(err)
	}
	c, err := Open(dir, &m.Params, caches, o)
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	}()
	d := &desk{Maker: m, t: t, o: o, c: c, now: m.Params.Genesis.Timestamp + 1000}
	on := m.Genesis()
	for range 5 {
		on = m.Mine(on, 2, 2)
		d.give(1, on)
		if l, ok := m.Stake(on, 2, 1); ok {
			on = l
			d.give(1, on)
		}
	}
	d.tipIs(on)
	cheap := m.Mine(on, 3, 0)
	cheap.Block.Nonce++
	if r := d.give(1, cheap); r.Fate != tree.Refused || !errors.Is(r.Rule, consensus.WrongMix) {
		t.Errorf("%s: %v", r.Fate, r.Rule)
	}
	if events, err := c.Tick(d.now); len(events) != 0 || err != nil {
		t.Error(events, err)
	}
}

// TestFloodMemory measures what floods of fake stakes and orphans really take: no more than what they are charged.
func TestFloodMemory(t *testing.T) {
	m := chaintest.New(1)
	m.Params.Runs.PoS = 1 << 30
	d := deskOf(t, m, 12, kv.Memory())
	d.close()
	d.o.Limits = tree.Limits{Heads: 2000, PeerHeads: 1000, Bytes: 8 << 20, PeerBytes: 4 << 20, Invalid: 1000}
	d.open()
	base := d.Mine(d.Genesis(), 2, 0)
	d.give(1, base)
	disk := d.c.Store().DiskBytes()
	before := heap()
	on := base
	for i := range 2000 {
		from := tree.Peer(1 + i%5)
		s := pos.Stake{Outpoint: pillars.Outpoint{Tx: pillars.TxID{byte(i), byte(i >> 8), 1}}, Value: 1000 * pillars.ETP, Owner: d.Owner}
		l := d.fake(on, &s)
		switch {
		case on != base && i%4 < 2:
			d.give(from, l)
		case on == base || i%4 == 2: // what stands on this is not judged before its body comes
			if _, _, _, err := d.c.Headers(from, []tree.Head{tree.HeadOf(l.Block)}, d.now); err != nil {
				t.Fatal(err)
			}
		}
		if on = l; i%50 == 49 {
			on = base
		}
	}
	took := int64(heap()) - int64(before)
	sizes := d.c.Tree().Sizes()
	t.Logf("%d KiB of memory, %+v", took>>10, sizes)
	if bound := int64(8<<20 + 2000*2048 + 1000*512); took > bound {
		t.Errorf("%d bytes of memory, bound %d", took, bound)
	}
	if sizes.Bytes < 4<<20 || sizes.Heads == 0 {
		t.Error("the flood did not fill anything: this shows nothing")
	}
	if now := d.c.Store().DiskBytes(); now != disk {
		t.Errorf("%d bytes written", now-disk)
	}
	d.tipIs(base)
	runtime.KeepAlive(d)
}

// fake makes a block under a stake that does not exist, without a state: only a header and a body that look well.
func (d *desk) fake(on *chaintest.Link, s *pos.Stake) *chaintest.Link {
	b := &pillars.Block{Extension: pillars.Extension{Modifier: on.Branch.Modifier, Stake: s.Outpoint}}
	var err error
	if b.Header, err = on.Branch.Prepare(&d.Params, pillars.PoS, on.Branch.Stamps[0]+1); err != nil {
		d.t.Fatal(err)
	}
	coinbase := &pillars.Transaction{
		Version: pillars.VersionFirst,
		Inputs:  []pillars.Input{{Previous: pillars.NullOutpoint, Script: state.CoinbaseScript(b.Number + 1000)}},
		Outputs: []pillars.Output{{Value: 1, Script: d.Owner.Script(), Attachment: pillars.Attachment{Version: pillars.AttachmentPlain}}},
	}
	stake := pos.Coinstake(&d.Params, s, nil)
	stake.Inputs[0].Script = script.AppendPush(nil, make([]byte, 72))
	b.Transactions = []*pillars.Transaction{coinbase, stake}
	b.Merkle = b.MerkleRoot()
	if err := b.Sign(d.Key); err != nil {
		d.t.Fatal(err)
	}
	return &chaintest.Link{Block: b, Parent: on, Branch: on.Branch.Next(&d.Params, &b.Header, consensus.Reveal{Stake: s.Outpoint})}
}

func heap() uint64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}
