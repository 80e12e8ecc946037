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
type More struct{ Epoch kernel.Epoch }

// A StartQuery asks, at a start, for the receiver's epoch and its newest snapshot of the sender in
// the epoch named.
type StartQuery struct{ Epoch kernel.Epoch }

// A StartAnswer answers StartQuery. Newest is the signed header of the asker's newest snapshot in
// Epoch that the answerer holds, empty if it holds none beyond round 0.
type StartAnswer struct {
	Epoch   kernel.Epoch // that was asked about
	Current kernel.Epoch // that the answerer is in
	Newest  []byte
}

// Records carries system records that their signers cannot put into snapshots of their own.
type Records struct{ Raw [][]byte }

// Transactions carries signed transactions that wait too long where they were submitted.
type Transactions struct{ Raw [][]byte }

// A Kept tells that the sender does not have everything: snapshots of epochs before First are gone there, for good. It is
// told at a connection, when more goes, and to whoever asks for what is gone. [PRU-6]
type Kept struct {
	First   kernel.Epoch // the oldest epoch that is there
	Current kernel.Epoch // that the sender is in
}

// Limits of a message. [LIM]
const (
	MaxWant         = 256
	MaxTransactions = 256
	MaxRecords      = 16
	maxRecord       = kernel.MaxRecordPayload + 256
	MaxSize         = kernel.MaxBodySize + kernel.MaxHeaderSize + 64
)

func (Snapshot) kind() byte     { return 1 }
func (Want) kind() byte         { return 2 }
func (Have) kind() byte         { return 3 }
func (More) kind() byte         { return 4 }
func (StartQuery) kind() byte   { return 5 }
func (StartAnswer) kind() byte  { return 6 }
func (Transactions) kind() byte { return 7 }
func (Records) kind() byte      { return 10 }
func (Kept) kind() byte         { return 14 }

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
	case More:
		b = codec.AppendU32(b, uint32(m.Epoch))
	case StartQuery:
		b = codec.AppendU32(b, uint32(m.Epoch))
	case StartAnswer:
		b = codec.AppendU32(b, uint32(m.Epoch))
		b = codec.AppendU32(b, uint32(m.Current))
		b = codec.AppendBytes16(b, m.Newest)
	case Kept:
		b = codec.AppendU32(b, uint32(m.First))
		b = codec.AppendU32(b, uint32(m.Current))
	case Push:
		b = m.append(b)
	case CheckpointVote:
		b = m.append(b)
	case CertificateQuery:
		b = codec.AppendU64(b, uint64(m.After))
	case Certificate:
		b = m.append(b)
	case Ask:
		b = codec.AppendU32(b, uint32(m.Epoch))
		b = codec.AppendU16(b, uint16(len(m.Places)))
		for _, at := range m.Places {
			b = appendPlace(b, at)
		}
	case Transactions:
		b = appendList(b, m.Raw)
	case Records:
		b = appendList(b, m.Raw)
	}
	return b
}

func appendList(b []byte, list [][]byte) []byte {
	b = codec.AppendU16(b, uint16(len(list)))
	for _, raw := range list {
		b = codec.AppendBytes32(b, raw)
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
		return More{kernel.Epoch(r.U32("epoch"))}
	case 5:
		return StartQuery{kernel.Epoch(r.U32("epoch"))}
	case 6:
		m := StartAnswer{Epoch: kernel.Epoch(r.U32("epoch")), Current: kernel.Epoch(r.U32("current epoch"))}
		m.Newest = r.View16(kernel.MaxHeaderSize, "newest")
		return m
	case 7:
		return Transactions{readList(r, MaxTransactions, kernel.MaxTransactionSize, "transactions")}
	case 8:
		return decodePush(r)
	case 9:
		return decodeAsk(r)
	case 10:
		return Records{readList(r, MaxRecords, maxRecord, "records")}
	case 11:
		return decodeCheckpointVote(r)
	case 12:
		return CertificateQuery{kernel.CommitIndex(r.U64("after"))}
	case 13:
		return decodeCertificate(r)
	case 14:
		m := Kept{First: kernel.Epoch(r.U32("first epoch")), Current: kernel.Epoch(r.U32("current epoch"))}
		if m.First == 0 || m.First > m.Current {
			r.Fail(codec.BadValue, "first epoch")
		}
		return m
	}
	r.Fail(codec.BadValue, "message kind")
	return nil
}

func readList(r *codec.Reader, count, size int, field string) [][]byte {
	list := make([][]byte, r.Count16(count, 4, field))
	for i := range list {
		list[i] = r.View32(size, field)
	}
	return list
}
