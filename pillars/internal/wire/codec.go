package wire

import (
	"github.com/asterism-network/asterism/internal/codec"
	"github.com/asterism-network/asterism/pillars"
	"github.com/asterism-network/asterism/pillars/internal/tree"
)

// Encode returns a message's payload.
func Encode(m Message) []byte { return m.append(nil) }

// Decode reads exactly one message of a kind.
func Decode(k Kind, payload []byte) (Message, error) {
	if !k.Valid() {
		return nil, &codec.Error{Fault: codec.BadValue, Field: "kind"}
	}
	if len(payload) > k.MaxSize() {
		return nil, &codec.Error{Fault: codec.TooLarge, Field: k.String()}
	}
	m := kinds[k].make()
	r := codec.NewReader(payload)
	m.decode(r)
	if err := r.Done(); err != nil {
		return nil, err
	}
	return m, nil
}

func (m *Hello) append(b []byte) []byte {
	b = codec.AppendU16(b, m.Version)
	b = append(b, m.Genesis[:]...)
	b = append(b, m.Profile[:]...)
	b = codec.AppendU64(b, m.Nonce)
	b = codec.AppendU32(b, m.Time)
	b = codec.AppendU32(b, m.Number)
	b = append(b, m.Tip[:]...)
	b = append(b, m.Weight[:]...)
	b = codec.AppendU32(b, m.From)
	b = codec.AppendU16(b, m.Port)
	return appendText(b, m.Agent)
}

func (m *Hello) decode(r *codec.Reader) {
	m.Version = r.U16("version")
	r.Fixed(m.Genesis[:], "genesis")
	r.Fixed(m.Profile[:], "profile")
	m.Nonce, m.Time, m.Number = r.U64("nonce"), r.U32("time"), r.U32("number")
	r.Fixed(m.Tip[:], "tip")
	r.Fixed(m.Weight[:], "weight")
	m.From, m.Port = r.U32("from"), r.U16("port")
	m.Agent = text(r, MaxAgent, "agent")
}

func (m *Goodbye) append(b []byte) []byte { return appendText(b, m.Reason) }
func (m *Goodbye) decode(r *codec.Reader) { m.Reason = text(r, MaxReason, "reason") }

func (m *Ping) append(b []byte) []byte { return codec.AppendU64(b, m.Nonce) }
func (m *Ping) decode(r *codec.Reader) { m.Nonce = r.U64("nonce") }

func (m *Pong) append(b []byte) []byte { return codec.AppendU64(b, m.Nonce) }
func (m *Pong) decode(r *codec.Reader) { m.Nonce = r.U64("nonce") }

func (m *GetHeaders) append(b []byte) []byte { return appendIDs(b, m.Locator) }
func (m *GetHeaders) decode(r *codec.Reader) { m.Locator = ids(r, MaxLocator, "locator") }

func (m *Headers) append(b []byte) []byte {
	b = codec.AppendU16(b, uint16(len(m.Heads)))
	for i := range m.Heads {
		b = appendHead(b, &m.Heads[i])
	}
	return b
}

func (m *Headers) decode(r *codec.Reader) {
	m.Heads = make([]tree.Head, r.Count16(MaxHeaders, headSize, "headers"))
	for i := range m.Heads {
		decodeHead(r, &m.Heads[i])
	}
}

func (m *GetBlocks) append(b []byte) []byte { return appendIDs(b, m.IDs) }
func (m *GetBlocks) decode(r *codec.Reader) { m.IDs = ids(r, MaxBlocks, "blocks") }

func (m *NotFound) append(b []byte) []byte { return appendIDs(b, m.IDs) }
func (m *NotFound) decode(r *codec.Reader) { m.IDs = ids(r, MaxBlocks, "blocks") }

func (m *Block) append(b []byte) []byte {
	if m.Raw != nil {
		return append(b, m.Raw...)
	}
	return m.Block.AppendBinary(b)
}

func (m *Block) decode(r *codec.Reader) {
	m.Block = new(pillars.Block)
	if b := r.View(r.Left(), "block"); m.Block.UnmarshalBinary(b) != nil {
		r.Fail(codec.BadValue, "block")
	}
}

func (m *GetCompact) append(b []byte) []byte { return append(b, m.ID[:]...) }
func (m *GetCompact) decode(r *codec.Reader) { r.Fixed(m.ID[:], "block") }

func (m *GetMissing) append(b []byte) []byte {
	b = codec.AppendU32(append(b, m.ID[:]...), uint32(len(m.Places)))
	for _, p := range m.Places {
		b = codec.AppendU32(b, p)
	}
	return b
}

func (m *GetMissing) decode(r *codec.Reader) {
	r.Fixed(m.ID[:], "block")
	m.Places = make([]uint32, r.Count32(MaxShort, 4, "places"))
	for i := range m.Places {
		m.Places[i] = r.U32("place")
		if i > 0 && m.Places[i] <= m.Places[i-1] {
			r.Fail(codec.NonCanonical, "place")
		}
	}
}

func (m *Missing) append(b []byte) []byte {
	b = codec.AppendU32(append(b, m.ID[:]...), uint32(len(m.Txs)))
	for _, tx := range m.Txs {
		b = appendTx(b, tx)
	}
	return b
}

func (m *Missing) decode(r *codec.Reader) {
	r.Fixed(m.ID[:], "block")
	n := r.Count32(MaxShort, 4+minTx, "transactions")
	m.Txs = make([]*pillars.Transaction, 0, n)
	for range n {
		tx := decodeTx(r)
		if r.Failed() {
			return
		}
		m.Txs = append(m.Txs, tx)
	}
}

func (m *Push) append(b []byte) []byte { return codec.AppendBool(b, m.On) }
func (m *Push) decode(r *codec.Reader) { m.On = r.Bool("push") }

func (m *Have) append(b []byte) []byte {
	b = codec.AppendU16(b, uint16(len(m.Leaves)))
	for i := range m.Leaves {
		b = append(b, m.Leaves[i][:]...)
	}
	return b
}

func (m *Have) decode(r *codec.Reader) {
	m.Leaves = make([]pillars.Hash, r.Count16(MaxHave, 32, "transactions"))
	for i := range m.Leaves {
		r.Fixed(m.Leaves[i][:], "transaction")
	}
}

func (m *GetTxs) append(b []byte) []byte {
	b = codec.AppendU16(b, uint16(len(m.Wants)))
	for i := range m.Wants {
		b = append(codec.AppendBool(b, m.Wants[i].ByID), m.Wants[i].Hash[:]...)
	}
	return b
}

func (m *GetTxs) decode(r *codec.Reader) {
	m.Wants = make([]Want, r.Count16(MaxGetTxs, 33, "transactions"))
	for i := range m.Wants {
		m.Wants[i].ByID = r.Bool("by id")
		r.Fixed(m.Wants[i].Hash[:], "transaction")
	}
}

func (m *Tx) append(b []byte) []byte { return m.Tx.AppendBinary(b) }

func (m *Tx) decode(r *codec.Reader) {
	m.Tx = new(pillars.Transaction)
	if b := r.View(r.Left(), "transaction"); m.Tx.UnmarshalBinary(b) != nil {
		r.Fail(codec.BadValue, "transaction")
	}
}

func (*GetPool) append(b []byte) []byte { return b }
func (*GetPool) decode(*codec.Reader)   {}

func (m *MinFee) append(b []byte) []byte { return codec.AppendU64(b, uint64(m.Fee)) }

func (m *MinFee) decode(r *codec.Reader) {
	m.Fee = pillars.Amount(r.U64("fee"))
	if !m.Fee.Valid() {
		r.Fail(codec.BadValue, "fee")
	}
}

func (*GetPeers) append(b []byte) []byte { return b }
func (*GetPeers) decode(*codec.Reader)   {}

func (m *Peers) append(b []byte) []byte {
	b = codec.AppendU16(b, uint16(len(m.All)))
	for i := range m.All {
		a := &m.All[i]
		b = codec.AppendU32(codec.AppendU16(append(b, a.IP[:]...), a.Port), a.Seen)
	}
	return b
}

func (m *Peers) decode(r *codec.Reader) {
	m.All = make([]Address, r.Count16(MaxPeers, 22, "peers"))
	for i := range m.All {
		a := &m.All[i]
		r.Fixed(a.IP[:], "address")
		a.Port, a.Seen = r.U16("port"), r.U32("seen")
	}
}

func (m *Twins) append(b []byte) []byte {
	for _, s := range []*Signed{&m.One, &m.Two} {
		b = append(appendHead(b, &s.Head), s.Signature[:]...)
	}
	return b
}

func (m *Twins) decode(r *codec.Reader) {
	for _, s := range []*Signed{&m.One, &m.Two} {
		decodeHead(r, &s.Head)
		r.Fixed(s.Signature[:], "signature")
	}
}

func appendText(b []byte, s string) []byte { return append(append(b, byte(len(s))), s...) }

// text reads at most so many printable characters.
func text(r *codec.Reader, most int, field string) string {
	n := int(r.U8(field))
	if n > most {
		r.Fail(codec.TooLarge, field)
		return ""
	}
	b := r.View(n, field)
	for _, c := range b {
		if c < ' ' || c > '~' {
			r.Fail(codec.BadValue, field)
			return ""
		}
	}
	return string(b)
}

func appendIDs(b []byte, ids []pillars.BlockID) []byte {
	b = codec.AppendU16(b, uint16(len(ids)))
	for i := range ids {
		b = append(b, ids[i][:]...)
	}
	return b
}

func ids(r *codec.Reader, most int, field string) []pillars.BlockID {
	all := make([]pillars.BlockID, r.Count16(most, 32, field))
	for i := range all {
		r.Fixed(all[i][:], field)
	}
	return all
}

func appendHead(b []byte, h *tree.Head) []byte {
	return h.Extension.AppendBinary(h.Header.AppendBinary(b))
}

// decodeHead reads a header and its extension: only extended headers travel.
func decodeHead(r *codec.Reader, h *tree.Head) {
	raw := r.View(pillars.ExtendedHeaderSize, "header")
	if raw != nil && h.Header.UnmarshalBinary(raw) != nil {
		r.Fail(codec.BadValue, "header")
	}
	if raw = r.View(pillars.ExtensionSize, "extension"); raw != nil && h.Extension.UnmarshalBinary(raw) != nil {
		r.Fail(codec.BadValue, "extension")
	}
}

func appendTx(b []byte, tx *pillars.Transaction) []byte {
	return codec.AppendBytes32(b, tx.AppendBinary(nil))
}

func decodeTx(r *codec.Reader) *pillars.Transaction {
	tx := new(pillars.Transaction)
	if raw := r.View32(pillars.MaxTransactionSize, "transaction"); r.Failed() || tx.UnmarshalBinary(raw) != nil {
		r.Fail(codec.BadValue, "transaction")
	}
	return tx
}
