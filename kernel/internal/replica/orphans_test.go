package replica

import (
	"bytes"
	"slices"
	"testing"

	"github.com/asterism-network/asterism/kernel"
)

// TestOrphans: a payment in a snapshot that nothing settled, whose author is gone, is proposed by who saw it: after a
// while, and only while it would still hold.
func TestOrphans(t *testing.T) {
	w := newWorld(t, 12)
	c := newCrowd(w)
	c.settle(c.submit(1, w.payment(0, "begin")))
	paid := c.submit(3, w.payment(1, "author gone"))
	seat := c.seats[0]
	for range 100 {
		if seat.engine.Carried(paid) {
			break
		}
		c.step()
	}
	if _, final := seat.store.Receipt(paid); final || len(seat.engine.Unsettled()) == 0 {
		t.Fatal("the payment stands in no unsettled snapshot")
	}
	host := func(from *orphans, due kernel.Timestamp) *Host {
		h, err := NewHost(seat.Replica, HostConfig{Node: w.keys[0], CoinShare: w.shares[0]})
		w.must(err)
		if h.now = c.now; from == nil {
			h.adopt(h.current)
			h.now++
			h.adopt(h.current) // who waits is not put off by what came since
		} else {
			h.orphans = *from
		}
		if !h.orphans.wait() || h.orphans.due != due {
			t.Fatalf("%d orphans, due at %d, want %d", len(h.orphans.transactions), h.orphans.due, due)
		}
		h.Step(Input{Now: due - 1})
		if _, waits := h.current.engine.Waiting(paid); waits {
			t.Fatal("its author had no time")
		}
		h.Step(Input{Now: due + tickPeriod})
		if h.orphans.wait() {
			t.Fatal("still an orphan")
		}
		return h
	}
	due := c.now + orphanWait
	saved := orphans{transactions: [][]byte{{1, 2, 3}}, due: due}
	h, err := NewHost(seat.Replica, HostConfig{Node: w.keys[0], CoinShare: w.shares[0]})
	w.must(err)
	h.adopt(h.current)
	saved.transactions = append(saved.transactions, h.orphans.transactions...)
	h = host(nil, due)
	if _, waits := h.current.engine.Waiting(paid); !waits {
		t.Fatal("nobody proposes the payment any more")
	}
	c.settle(paid)
	h = host(&saved, due)
	if n := h.current.engine.Status().Waiting; n != 0 {
		t.Fatalf("%d transactions wait: what is final, or none at all", n)
	}
}

// TestRecordsAreHeld: what comes while this node does not speak is carried when it does, as far as there is room.
func TestRecordsAreHeld(t *testing.T) {
	w := newWorld(t, 13)
	c := newCrowd(w)
	c.settle(c.submit(1, w.payment(0, "begin")))
	h, err := NewHost(c.seats[0].Replica, HostConfig{Node: w.keys[0], CoinShare: w.shares[0]})
	w.must(err)
	h.now = c.now
	if h.current.engine.Speaks() || !c.seats[0].engine.Speaks() {
		t.Fatal("a node speaks from its first moment on, or a member does not")
	}
	record := func(i int) [][]byte { return [][]byte{{byte(i), byte(i >> 8)}} }
	for i := range heldMost + 10 {
		h.Step(Input{Now: h.now, Records: record(i)})
	}
	h.Step(Input{Now: h.now, Records: record(3)}) // again at once
	if len(h.held) != heldMost {
		t.Errorf("%d records are held, want %d", len(h.held), heldMost)
	}
	h.current.engine = c.seats[0].engine
	got := h.carry(record(999))
	if len(got) != heldMost+1 || string(got[0]) != string(record(0)[0]) || string(got[heldMost]) != string(record(999)[0]) || h.held != nil {
		t.Errorf("%d records are carried, %d still held", len(got), len(h.held))
	}
	if got = h.carry(nil); len(got) != 0 {
		t.Errorf("%d records a second time", len(got))
	}
}

// TestOrphansAreBounded: what a body holds is kept by kind, as far as there is room.
func TestOrphansAreBounded(t *testing.T) {
	var o orphans
	big := make([]byte, 1<<20)
	for range 20 {
		o.keep(&kernel.Entry{Kind: kernel.EntryTransaction, Bytes: big})
		o.keep(&kernel.Entry{Kind: kernel.EntryRecord, Bytes: big})
	}
	if len(o.transactions) != 4 || len(o.records) != 4 {
		t.Errorf("%d transactions and %d records of a MiB", len(o.transactions), len(o.records))
	}
}

// TestOwnRecordsComeBack: what a node reads back of its log names the records of its own unsettled snapshots, which it must carry
// again if nothing settles them; those of others are theirs.
func TestOwnRecordsComeBack(t *testing.T) {
	w := newWorld(t, 14)
	c := newCrowd(w)
	c.settle(c.submit(1, w.payment(0, "begin")))
	record := []byte("a record")
	c.seats[0].input.Records = [][]byte{record}
	for a := range c.seats[:2] {
		seat := c.seats[a]
		for range 100 {
			if slices.ContainsFunc(seat.engine.Unsettled(), func(id kernel.SnapshotID) bool { return len(seat.Body(id).Records()) > 0 }) {
				break
			}
			c.step()
		}
		restored, err := seat.Restored()
		w.must(err)
		var found [][]byte
		for _, x := range restored.Open {
			found = append(found, x.Records...)
		}
		if own := a == 0; own != (len(found) == 1 && bytes.Equal(found[0], record)) {
			t.Errorf("member %d: records %q are its own", a, found)
		}
	}
}
