package light

import (
	"fmt"

	"github.com/asterism-network/asterism/internal/codec"
	"github.com/asterism-network/asterism/internal/crypto"
	"github.com/asterism-network/asterism/kernel"
)

// The state of a chain, to go on from after a restart: two rosters, the head with its
// signatures, the marks. At most 42 KB. Whoever can write it decides what is believed, so it is
// kept where the genesis is; its hash finds damage, not malice. [CHK-20]

const (
	stateVersion = 1
	markSize     = 8 + 8 + 8 + 8 + 32 + 1
	stateLabel   = "asterism light state"
)

// MaxStateSize bounds an encoded chain.
const MaxStateSize = 64 << 10

// AppendBinary appends the state.
func (c *Chain) AppendBinary(b []byte) []byte {
	start := len(b)
	b = append(append(b, stateVersion), c.network[:]...)
	b = c.current.append(b)
	b = codec.AppendBool(b, c.previous != nil)
	if c.previous != nil {
		b = c.previous.append(b)
	}
	_, held := c.Head()
	b = codec.AppendBool(b, held)
	if held {
		b = codec.AppendBytes16(b, c.head.AppendBinary(nil))
	}
	b = codec.AppendU16(b, uint16(len(c.marks)))
	for i := range c.marks {
		b = c.marks[i].append(b)
	}
	sum := crypto.SumLabel(stateLabel, b[start:])
	return append(b, sum[:]...)
}

func (t *term) append(b []byte) []byte {
	return t.start.append(codec.AppendBytes16(b, t.roster.AppendBinary(nil)))
}

func (m *mark) append(b []byte) []byte {
	b = codec.AppendU64(b, uint64(m.index))
	b = codec.AppendU64(b, uint64(m.timestamp))
	b = codec.AppendU64(b, m.receipts)
	b = codec.AppendU64(b, m.outputs)
	b = append(b, m.hash[:]...)
	return codec.AppendBool(b, m.ends)
}

// Restore continues from a state that AppendBinary made, for the same genesis.
func Restore(genesis *kernel.Genesis, b []byte) (*Chain, error) {
	if len(b) < crypto.HashSize || len(b) > MaxStateSize {
		return nil, fmt.Errorf("state of the light node: %w", &codec.Error{Fault: codec.BadValue, Field: "length"})
	}
	body, sum := b[:len(b)-crypto.HashSize], b[len(b)-crypto.HashSize:]
	if crypto.SumLabel(stateLabel, body) != [crypto.HashSize]byte(sum) {
		return nil, fmt.Errorf("state of the light node: %w", &codec.Error{Fault: codec.BadValue, Field: "checksum"})
	}
	c, r := &Chain{network: genesis.NetworkID()}, codec.NewReader(body)
	c.decode(r)
	if err := r.Done(); err != nil {
		return nil, fmt.Errorf("state of the light node: %w", err)
	}
	if c.current.roster.Epoch == 0 && c.current.hash != genesis.EpochRoster().Hash(c.network) {
		return nil, refuse(WrongRoster, "of epoch 0")
	}
	return c, nil
}

func (c *Chain) decode(r *codec.Reader) {
	if r.U8("version") != stateVersion {
		r.Fail(codec.BadValue, "version")
	}
	if string(r.View(len(c.network), "network")) != string(c.network[:]) {
		r.Fail(codec.BadValue, "network")
	}
	c.current = readTerm(r, c.network)
	if r.Bool("previous") {
		c.previous = readTerm(r, c.network)
	}
	if r.Bool("head") {
		if err := c.head.UnmarshalBinary(r.View16(MaxStateSize, "head")); err != nil {
			r.Fail(codec.BadValue, "head")
		}
	}
	c.marks = make([]mark, r.Count16(maxMarks, markSize, "marks"))
	for i := range c.marks {
		c.marks[i] = readMark(r)
	}
	if !r.Failed() && !c.coherent() {
		r.Fail(codec.BadValue, "state")
	}
}

func readTerm(r *codec.Reader, network kernel.NetworkID) *term {
	roster := new(kernel.EpochRoster)
	if err := roster.UnmarshalBinary(r.View16(MaxStateSize, "roster")); err != nil {
		r.Fail(codec.BadValue, "roster")
	}
	return newTerm(network, roster, readMark(r))
}

func readMark(r *codec.Reader) (m mark) {
	m.index = kernel.CommitIndex(r.U64("mark"))
	m.timestamp = kernel.Timestamp(r.U64("mark"))
	m.receipts = r.U64("mark")
	m.outputs = r.U64("mark")
	r.Fixed(m.hash[:], "mark")
	m.ends = r.Bool("mark")
	return m
}

// coherent reports whether the parts belong together as take and enter leave them.
func (c *Chain) coherent() bool {
	epoch := c.current.roster.Epoch
	if (c.previous == nil) != (epoch == 0) || c.previous != nil && c.previous.roster.Epoch+1 != epoch {
		return false
	}
	_, held := c.Head()
	if n := len(c.marks); held != (n > 0) || held && c.marks[n-1] != markOf(&c.head.Checkpoint) || !held && epoch != 0 {
		return false
	}
	for i := 1; i < len(c.marks); i++ {
		if c.marks[i-1].index >= c.marks[i].index {
			return false
		}
	}
	return !held || c.head.Checkpoint.Network == c.network && c.head.Checkpoint.Index >= c.current.start.index
}
