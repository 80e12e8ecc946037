package wire

import (
	"bytes"
	"encoding/binary"
	"testing"

	"github.com/asterism-network/asterism/pillars"
	"github.com/asterism-network/asterism/pillars/internal/chaintest"
	"github.com/asterism-network/asterism/pillars/internal/tree"
)

// samples are one message of each kind.
func samples(t testing.TB) []Message {
	m := chaintest.New(1)
	work := m.Mine(m.Genesis(), 2, 3)
	stake, ok := m.Stake(m.Mine(m.Mine(m.Mine(m.Mine(work, 2, 0), 2, 0), 2, 0), 2, 0), 10_000, 2)
	if !ok {
		t.Fatal("no stake won")
	}
	b, s := work.Block, stake.Block
	id := b.ID()
	tx := b.Transactions[len(b.Transactions)-1]
	return []Message{
		&Hello{Version: 1, Genesis: id, Nonce: 7, Time: 8, Number: 9, Tip: id, Weight: [32]byte{31: 1}, From: 2, Port: 5251, Agent: "asterism/1"},
		&Goodbye{"too_many_peers"}, &Ping{1}, &Pong{2},
		&GetHeaders{[]pillars.BlockID{id, {2}}},
		&Headers{[]tree.Head{tree.HeadOf(b), tree.HeadOf(s)}},
		&GetBlocks{[]pillars.BlockID{id}}, &Block{Block: s}, &NotFound{[]pillars.BlockID{id}},
		&GetCompact{id}, CompactOf(b, 5), CompactOf(s, 6),
		&GetMissing{id, []uint32{1, 5, 9}}, &Missing{id, b.Transactions}, &Push{true},
		&Have{[]pillars.Hash{{1}, {2}}}, &GetTxs{[]Want{{true, id}, {false, id}}}, &Tx{tx},
		&GetPool{}, &MinFee{1000}, &GetPeers{},
		&Peers{[]Address{{[16]byte{1}, 5251, 9}}},
		&Twins{Signed{tree.HeadOf(s), s.Signature}, Signed{tree.HeadOf(s), s.Signature}},
	}
}

// TestEveryKind goes through bytes and frames and back, and takes nothing that is cut or too long.
func TestEveryKind(t *testing.T) {
	const magic = 0x01020304
	seen := map[Kind]bool{}
	for _, m := range samples(t) {
		seen[m.Kind()] = true
		frame := AppendFrame(nil, magic, m)
		head, err := ParseFrame([FrameSize]byte(frame), magic)
		payload := frame[FrameSize:]
		if err != nil || head.Kind != m.Kind() || !head.Check(payload) {
			t.Fatalf("%s: %+v, %v", m.Kind(), head, err)
		}
		back, err := Decode(head.Kind, payload)
		if err != nil {
			t.Fatalf("%s: %v", m.Kind(), err)
		}
		if !bytes.Equal(Encode(back), payload) {
			t.Errorf("%s: another encoding", m.Kind())
		}
		for _, wrong := range [][]byte{payload[:max(len(payload)-1, 0)], append(bytes.Clone(payload), 0)} {
			if len(wrong) == len(payload) {
				continue
			}
			if _, err := Decode(head.Kind, wrong); err == nil {
				t.Errorf("%s: taken with %d bytes of %d", m.Kind(), len(wrong), len(payload))
			}
		}
		if len(payload) > 0 {
			payload[0] ^= 1
			if head.Check(payload) {
				t.Errorf("%s: a changed payload passes", m.Kind())
			}
		}
	}
	for k := range len(kinds) {
		if Kind(k).Valid() && !seen[Kind(k)] {
			t.Errorf("%s has no sample", Kind(k))
		}
	}
}

func TestFrameRefuses(t *testing.T) {
	for _, tt := range []struct {
		name   string
		change func(*[FrameSize]byte)
	}{
		{"magic", func(h *[FrameSize]byte) { h[0]++ }},
		{"kind 0", func(h *[FrameSize]byte) { h[4] = 0 }},
		{"kind 200", func(h *[FrameSize]byte) { h[4] = 200 }},
		{"size", func(h *[FrameSize]byte) { binary.BigEndian.PutUint32(h[5:], 9) }},
	} {
		frame := [FrameSize]byte(AppendFrame(nil, 5, &Ping{1}))
		if _, err := ParseFrame(frame, 5); err != nil {
			t.Fatal(err)
		}
		tt.change(&frame)
		if _, err := ParseFrame(frame, 5); err == nil {
			t.Errorf("%s: taken", tt.name)
		}
	}
}

// TestSipHash compares with the answers that the hash was published with: a key and messages of rising bytes.
func TestSipHash(t *testing.T) {
	k0, k1 := uint64(0x0706050403020100), uint64(0x0f0e0d0c0b0a0908)
	var m []byte
	for i, want := range map[int]uint64{0: 0x726fdb47dd0e0e31, 1: 0x74f839c593dc67fd, 8: 0x93f5f5799a932462, 15: 0xa129ca6149be45e5} {
		m = m[:0]
		for j := range i {
			m = append(m, byte(j))
		}
		if got := SipHash(k0, k1, m); got != want {
			t.Errorf("%d bytes: %x, want %x", i, got, want)
		}
	}
}

// TestShortIDs differ between messages, so that nobody prepares a collision for all nodes.
func TestShortIDs(t *testing.T) {
	m := chaintest.New(2)
	b := m.Mine(m.Genesis(), 2, 8).Block
	one, two := CompactOf(b, 1), CompactOf(b, 2)
	if one.Txs() != len(b.Transactions) || len(one.Short) == 0 {
		t.Fatal("nothing to name")
	}
	for i := range one.Short {
		if one.Short[i] == two.Short[i] {
			t.Error("the same name under another nonce")
		}
	}
}

func FuzzDecode(f *testing.F) {
	for _, m := range samples(f) {
		f.Add(byte(m.Kind()), Encode(m))
	}
	f.Fuzz(func(t *testing.T, kind byte, payload []byte) {
		m, err := Decode(Kind(kind), payload)
		if err == nil && !bytes.Equal(Encode(m), payload) {
			t.Fatalf("%s has two encodings", m.Kind())
		}
	})
}

func FuzzFrame(f *testing.F) {
	f.Add(AppendFrame(nil, 5, &Ping{1}))
	f.Fuzz(func(t *testing.T, b []byte) {
		if len(b) < FrameSize {
			return
		}
		if h, err := ParseFrame([FrameSize]byte(b), 5); err == nil && h.Size > h.Kind.MaxSize() {
			t.Fatalf("%+v", h)
		}
	})
}
