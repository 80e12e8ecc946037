package ledger

import (
	"strconv"

	"github.com/asterism-network/asterism/internal/codec"
	"github.com/asterism-network/asterism/kernel"
)

// The system rows of epochs. A network whose members never change has none of them.
const (
	rowEpoch = "epoch" // how far the epoch in force is
	rowNext  = "next"  // NextEpoch, from the roster commit to the end of the epoch
)

// rowFacts is the row of what is fixed about an epoch; it stays for ever.
func rowFacts(epoch kernel.Epoch) string { return "epoch/" + strconv.FormatUint(uint64(epoch), 10) }

// An Epoch is what the ledger says of the epoch in force.
type Epoch struct {
	Number   kernel.Epoch
	Genesis  kernel.CommitIndex // that it starts from
	Attempts uint32             // rosters that were fixed, ever
	Decided  kernel.CommitIndex // the decision to close the epoch; 0 before it
	Closing  kernel.AuthorSet   // who has said since, in committed snapshots, that it has executed that

	Facts *EpochFacts // of this epoch
	Next  *NextEpoch  // nil before the roster commit
}

// EpochFacts are what is fixed about an epoch at the end of the one before.
type EpochFacts struct {
	Genesis kernel.CommitIndex
	Roster  kernel.EpochRoster
	Attempt uint32           // whose dealings make the coin key; 0 for that of the genesis
	Dealers kernel.AuthorSet // whose dealings closed the set, by place in the epoch before
	Bad     kernel.AuthorSet // of them, whose dealings were proven bad
}

// A NextEpoch is the next roster on its way. [EPO-2]
type NextEpoch struct {
	Attempt  uint32
	Fixed    kernel.CommitIndex // the roster commit
	Members  []kernel.Member
	Dealers  []kernel.Author    // of the epoch in force, in the order of their dealings
	Closed   kernel.CommitIndex // the commit that brought the last of them; 0 before it
	Verdicts kernel.AuthorSet   // places in Members whose verdicts count
	Posted   kernel.AuthorSet   // places in Members that posted one at all
	Bad      kernel.AuthorSet   // dealers whose dealings are proven bad by verdicts that count
	Keys     []kernel.Key       // published for checkpoints, by place in Members; zero is none
	CoinKey  []kernel.Key       // from the decision on
}

// Roster is the next roster without its coin key, for its numbers.
func (n *NextEpoch) Roster() *kernel.Roster { return &kernel.Roster{Members: n.Members} }

// DealerSet is the set of dealers.
func (n *NextEpoch) DealerSet() (set kernel.AuthorSet) {
	for _, a := range n.Dealers {
		set = set.With(a)
	}
	return set
}

// Place is a key's place in the next roster, or -1.
func (n *NextEpoch) Place(key kernel.Key) int { return placeAmong(n.Members, key) }

func placeAmong(members []kernel.Member, key kernel.Key) int {
	for i := range members {
		if members[i].Key == key {
			return i
		}
	}
	return -1
}

// EpochOf returns the epoch in force; false where the network has one epoch only.
func EpochOf(v View) (e Epoch, ok bool) {
	if e, ok = epochRow(v); !ok {
		return e, false
	}
	facts, ok := FactsOf(v, e.Number)
	if !ok {
		panic("ledger: an epoch without its row")
	}
	e.Facts = facts
	e.Next, _ = nextRow(v)
	return e, true
}

// epochRow is EpochOf without what stands in other rows.
func epochRow(v View) (e Epoch, ok bool) {
	b, ok := v.System(rowEpoch)
	if ok {
		mustDecode(rowEpoch, e.UnmarshalBinary(b))
	}
	return e, ok
}

func nextRow(v View) (*NextEpoch, bool) {
	b, ok := v.System(rowNext)
	if !ok {
		return nil, false
	}
	n := new(NextEpoch)
	mustDecode(rowNext, n.UnmarshalBinary(b))
	return n, true
}

// FactsOf returns what is fixed about an epoch that has begun.
func FactsOf(v View, epoch kernel.Epoch) (*EpochFacts, bool) {
	b, ok := v.System(rowFacts(epoch))
	if !ok {
		return nil, false
	}
	f := new(EpochFacts)
	mustDecode(rowFacts(epoch), f.UnmarshalBinary(b))
	return f, true
}

// AppendBinary appends the canonical form of the row.
func (e *Epoch) AppendBinary(b []byte) []byte {
	b = codec.AppendU32(b, uint32(e.Number))
	b = codec.AppendU64(b, uint64(e.Genesis))
	b = codec.AppendU32(b, e.Attempts)
	b = codec.AppendU64(b, uint64(e.Decided))
	return codec.AppendU64(b, uint64(e.Closing))
}

// UnmarshalBinary decodes exactly one canonical row.
func (e *Epoch) UnmarshalBinary(b []byte) error {
	r := codec.NewReader(b)
	e.Number = kernel.Epoch(r.U32("epoch"))
	e.Genesis = kernel.CommitIndex(r.U64("genesis commit"))
	e.Attempts = r.U32("attempts")
	e.Decided = kernel.CommitIndex(r.U64("decision"))
	e.Closing = readAuthors(r, "closing")
	return r.Done()
}

func readAuthors(r *codec.Reader, field string) kernel.AuthorSet {
	set := kernel.AuthorSet(r.U64(field))
	if set>>kernel.MaxMembers != 0 {
		r.Fail(codec.BadValue, field)
	}
	return set
}

// AppendBinary appends the canonical form.
func (f *EpochFacts) AppendBinary(b []byte) []byte {
	b = codec.AppendU64(b, uint64(f.Genesis))
	b = codec.AppendU32(b, f.Attempt)
	b = codec.AppendU64(b, uint64(f.Dealers))
	b = codec.AppendU64(b, uint64(f.Bad))
	return codec.AppendBytes32(b, f.Roster.AppendBinary(nil))
}

// maxRosterSize bounds an encoded epoch roster.
const maxRosterSize = 64 << 10

// UnmarshalBinary decodes exactly one canonical value.
func (f *EpochFacts) UnmarshalBinary(b []byte) error {
	r := codec.NewReader(b)
	f.Genesis = kernel.CommitIndex(r.U64("genesis commit"))
	f.Attempt = r.U32("attempt")
	f.Dealers = readAuthors(r, "dealers")
	f.Bad = readAuthors(r, "bad dealers")
	roster := r.View32(maxRosterSize, "roster")
	if err := r.Done(); err != nil {
		return err
	}
	return f.Roster.UnmarshalBinary(roster)
}

// AppendBinary appends the canonical form.
func (n *NextEpoch) AppendBinary(b []byte) []byte {
	b = codec.AppendU32(b, n.Attempt)
	b = codec.AppendU64(b, uint64(n.Fixed))
	b = kernel.AppendMembers(b, n.Members)
	b = codec.AppendU16(b, uint16(len(n.Dealers)))
	for _, a := range n.Dealers {
		b = append(b, byte(a))
	}
	b = codec.AppendU64(b, uint64(n.Closed))
	b = codec.AppendU64(b, uint64(n.Verdicts))
	b = codec.AppendU64(b, uint64(n.Posted))
	b = codec.AppendU64(b, uint64(n.Bad))
	return appendKeys(appendKeys(b, n.Keys), n.CoinKey)
}

func appendKeys(b []byte, keys []kernel.Key) []byte {
	b = codec.AppendU16(b, uint16(len(keys)))
	for i := range keys {
		b = append(b, keys[i][:]...)
	}
	return b
}

// UnmarshalBinary decodes exactly one canonical row.
func (n *NextEpoch) UnmarshalBinary(b []byte) error {
	r := codec.NewReader(b)
	n.Attempt = r.U32("attempt")
	n.Fixed = kernel.CommitIndex(r.U64("roster commit"))
	n.Members = kernel.ReadMembers(r)
	n.Dealers = make([]kernel.Author, r.Count16(kernel.MaxMembers, 1, "dealers"))
	for i := range n.Dealers {
		if n.Dealers[i] = kernel.Author(r.U8("dealer")); n.Dealers[i] >= kernel.MaxMembers {
			r.Fail(codec.BadValue, "dealer")
		}
	}
	n.Closed = kernel.CommitIndex(r.U64("closed"))
	n.Verdicts = readAuthors(r, "verdicts")
	n.Posted = readAuthors(r, "posted")
	n.Bad = readAuthors(r, "bad dealers")
	n.Keys = readKeys(r, "checkpoint keys")
	n.CoinKey = readKeys(r, "coin key")
	if len(n.Keys) != len(n.Members) {
		r.Fail(codec.BadValue, "checkpoint keys")
	}
	return r.Done()
}

func readKeys(r *codec.Reader, field string) []kernel.Key {
	keys := make([]kernel.Key, r.Count16(kernel.MaxMembers, 32, field))
	for i := range keys {
		r.Fixed(keys[i][:], field)
	}
	return keys
}

// TouchesEpoch reports whether a commit changed how far the epoch is.
func TouchesEpoch(d *Diff) bool {
	for i := range d.System {
		if key := d.System[i].Key; key == rowEpoch || key == rowNext {
			return true
		}
	}
	return false
}

// After is a view with the system rows as a diff leaves them, and nothing else of it.
func After(v View, d *Diff) View { return rowsAfter{v, d} }

type rowsAfter struct {
	View
	diff *Diff
}

// System implements View.
func (r rowsAfter) System(key string) ([]byte, bool) {
	for i := range r.diff.System {
		if row := &r.diff.System[i]; row.Key == key {
			return row.Value, row.Value != nil
		}
	}
	return r.View.System(key)
}
