// Package wire holds the messages that nodes exchange and their canonical, bounded encoding.
// Connections are authenticated, so messages carry no sender and no signature of their own.
// [NET-MSG]
package wire

import (
	"github.com/asterism-network/asterism/internal/codec"
	"github.com/asterism-network/asterism/kernel"
)

// A Message is one of the types below.
type Message interface{ kind() byte }

// A Snapshot carries one snapshot, header and body, in its encoded form.
type Snapshot struct{ Raw []byte }

// A Want asks for snapshots by id.
type Want struct{ IDs []kernel.SnapshotID }

// A Have tells the newest round held of every author, in roster order. The receiver sends what
// the sender lacks.
type Have struct {
	Epoch kernel.Epoch
	Clock []kernel.Round
}

// A More ends an answer to Have that was cut short: ask again when this much is accepted.
type More struct{}

// A StartQuery asks, once a start, for the receiver's epoch and its newest snapshot of the sender.
type StartQuery struct{}

// A StartAnswer answers StartQuery. Newest is the signed header of the asker's newest snapshot
// that the answerer holds, empty if it holds none beyond round 0.
type StartAnswer struct {
	Epoch  kernel.Epoch
	Newest []byte
}

// Transactions carries signed transactions that wait too long where they were submitted.
type Transactions struct{ Raw [][]byte }

// Limits of a message. [LIM]
const (
	MaxWant         = 256
	MaxTransactions = 256
	MaxSize         = kernel.MaxBodySize + kernel.MaxHeaderSize + 64
)

func (Snapshot) kind() byte     { return 1 }
func (Want) kind() byte         { return 2 }
func (Have) kind() byte         { return 3 }
func (More) kind() byte         { return 4 }
func (StartQuery) kind() byte   { return 5 }
func (StartAnswer) kind() byte  { return 6 }
func (Transactions) kind() byte { return 7 }

// Append appends the encoding of m.
func Append(b []byte, m Message) []byte {
	b = append(b, m.kind())
	switch m := m.(type) {
	case Snapshot:
		b = append(b, m.Raw...)
	case Want:
		b = codec.AppendU16(b, uint16(len(m.IDs)))
		for _, id := range m.IDs {
			b = append(b, id[:]...)
		}
	case Have:
		b = codec.AppendU32(b, uint32(m.Epoch))
		b = append(b, byte(len(m.Clock)))
		for _, r := range m.Clock {
			b = codec.AppendU64(b, uint64(r))
		}
	case StartAnswer:
		b = codec.AppendU32(b, uint32(m.Epoch))
		b = codec.AppendBytes16(b, m.Newest)
	case Push:
		b = m.append(b)
	case CheckpointVote:
		b = m.append(b)
	case CertificateQuery:
		b = codec.AppendU64(b, uint64(m.After))
	case Certificate:
		b = m.append(b)
	case Ask:
		b = codec.AppendU16(b, uint16(len(m.Places)))
		for _, at := range m.Places {
			b = appendPlace(b, at)
		}
	case Transactions:
		b = codec.AppendU16(b, uint16(len(m.Raw)))
		for _, raw := range m.Raw {
			b = codec.AppendBytes32(b, raw)
		}
	}
	return b
}

// Decode reads exactly one message. Byte slices in it alias b.
func Decode(b []byte) (Message, error) {
	if len(b) > MaxSize {
		return nil, &codec.Error{Fault: codec.TooLarge, Field: "message"}
	}
	r := codec.NewReader(b)
	m := decode(r)
	if err := r.Done(); err != nil {
		return nil, err
	}
	return m, nil
}

func decode(r *codec.Reader) Message {
	switch r.U8("message kind") {
	case 1:
		return Snapshot{r.View(r.Left(), "snapshot")}
	case 2:
		ids := make([]kernel.SnapshotID, r.Count16(MaxWant, 32, "want"))
		for i := range ids {
			r.Fixed(ids[i][:], "want")
		}
		return Want{ids}
	case 3:
		m := Have{Epoch: kernel.Epoch(r.U32("epoch"))}
		n := int(r.U8("clock"))
		if n > kernel.MaxMembers {
			r.Fail(codec.TooLarge, "clock")
			return m
		}
		m.Clock = make([]kernel.Round, n)
		for i := range m.Clock {
			m.Clock[i] = kernel.Round(r.U64("clock"))
		}
		return m
	case 4:
		return More{}
	case 5:
		return StartQuery{}
	case 6:
		return StartAnswer{kernel.Epoch(r.U32("epoch")), r.View16(kernel.MaxHeaderSize, "newest")}
	case 7:
		raw := make([][]byte, r.Count16(MaxTransactions, 4, "transactions"))
		for i := range raw {
			raw[i] = r.View32(kernel.MaxTransactionSize, "transaction")
		}
		return Transactions{raw}
	case 8:
		return decodePush(r)
	case 9:
		return decodeAsk(r)
	case 10:
		return decodeCheckpointVote(r)
	case 11:
		return CertificateQuery{kernel.CommitIndex(r.U64("after"))}
	case 12:
		return decodeCertificate(r)
	}
	r.Fail(codec.BadValue, "message kind")
	return nil
}
