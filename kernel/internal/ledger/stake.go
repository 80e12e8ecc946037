package ledger

import (
	"github.com/asterism-network/asterism/internal/codec"
	"github.com/asterism-network/asterism/internal/crypto"
	"github.com/asterism-network/asterism/kernel"
)

// RowStake is the system row of a network with stakes: a StakeState.
const RowStake = "stake"

// The system rows of this file's part: what of XIN is no output, and who is a member.
const (
	rowMembers  = "members"         // ids, in the order of pledging, of those whose part is not over
	rowDeparted = "departed"        // ids of all others
	rowFlags    = "flags"           // ids that wait for a flag, in the order of their faults
	rowEscrows  = "escrows"         // ids whose stake is in escrow, in the order of removal
	rowPrevious = "roster/previous" // kernel.EpochRoster of the epoch before
)

// rowMember is the row of one member.
func rowMember(id kernel.NodeID) string { return "member/" + id.String() }

// A StakeState is the row "stake": XIN that is in no output, and the parameters in force. [STK-6]
type StakeState struct {
	Pool         kernel.Amount `json:"pool"`          // to be minted
	Escrow       kernel.Amount `json:"escrow"`        // stakes taken, until their appeals are over
	Pledge       kernel.Amount `json:"pledge"`        // what a new member stakes
	AppealWindow uint64        `json:"appeal_window"` // commits
	Fees         kernel.Fees   `json:"fees"`
}

// AppendBinary appends the canonical form.
func (s *StakeState) AppendBinary(b []byte) []byte {
	b = s.Pool.AppendBinary(b)
	b = s.Escrow.AppendBinary(b)
	b = s.Pledge.AppendBinary(b)
	b = codec.AppendU64(b, s.AppealWindow)
	return s.Fees.AppendBinary(b)
}

// UnmarshalBinary decodes exactly one canonical state.
func (s *StakeState) UnmarshalBinary(b []byte) error {
	r := codec.NewReader(b)
	s.Pool = kernel.ReadAmount(r, "pool")
	s.Escrow = kernel.ReadAmount(r, "escrow")
	s.Pledge = kernel.ReadAmount(r, "pledge")
	s.AppealWindow = r.U64("appeal window")
	s.Fees.AppCreation = kernel.ReadAmount(r, "app creation")
	s.Fees.Call = kernel.ReadAmount(r, "call")
	return r.Done()
}

// StakeOf returns the stake state; false where the network has none.
func StakeOf(v View) (s StakeState, ok bool) {
	b, ok := v.System(RowStake)
	if ok {
		mustDecode(RowStake, s.UnmarshalBinary(b))
	}
	return s, ok
}

// mustDecode stops the process on a row of our own that does not decode: the state is not what we wrote.
func mustDecode(key string, err error) {
	if err != nil {
		panic("ledger: system row " + key + ": " + err.Error())
	}
}

// changeStake changes the stake state. The network must have one.
func (o *overlay) changeStake(change func(*StakeState)) {
	s, ok := StakeOf(o)
	if !ok {
		panic("ledger: a network without stakes cannot move them")
	}
	change(&s)
	o.setSystem(RowStake, s.AppendBinary(nil))
}

// toPool puts XIN that is in no output any more into the pool: penalties and fees. [STK-7]
func (o *overlay) toPool(amount kernel.Amount) {
	o.changeStake(func(s *StakeState) { mustAdd(&s.Pool, amount) })
}

// foundStake makes the rows of commit 0. The members' stakes are outputs already. [STK-3]
func (o *overlay) foundStake(g *kernel.Genesis, stakes []*kernel.Transaction) {
	s := g.Stake
	xin := o.asset(kernel.XIN, Asset{})
	mustAdd(&xin.Deposited, s.Pool)
	state := StakeState{Pool: s.Pool, Pledge: g.Parameters.Pledge, AppealWindow: s.AppealWindow, Fees: s.Fees}
	o.setSystem(RowStake, state.AppendBinary(nil))
	network := g.NetworkID()
	ids := make([]kernel.NodeID, len(g.Members))
	for i := range g.Members {
		ids[i] = kernel.NodeIDOf(network, g.Members[i].Key)
		o.setMember(&MemberRecord{
			ID: ids[i], Member: g.Members[i], State: kernel.MemberAccepted, Stake: g.Parameters.Pledge,
			Collateral: kernel.OutputRef{Hash: stakes[i].Hash()},
		})
	}
	o.setIDs(rowMembers, ids)
	o.foundEpoch(g)
}

// besides is the XIN that is in no output though it never left the ledger.
func (o *overlay) besides() (sum kernel.Amount) {
	if s, ok := StakeOf(o); ok {
		mustAdd(&sum, s.Pool)
		mustAdd(&sum, s.Escrow)
	}
	return sum
}

// payTo makes an output for one address that the ledger itself pays. Its secret is a hash that
// everybody can compute, also somebody who takes the key before: then it is another one. What says what
// it is for; the same words twice in one transaction give the same key, so they must differ. [STK-8]
func (x *execution) payTo(to kernel.Address, kind kernel.OutputType, index int, amount kernel.Amount, what ...[]byte) kernel.Output {
	head := x.Head()
	for try := uint32(0); ; try++ {
		seed := append(append([]byte(nil), x.context.Network[:]...), head.Digest[:]...)
		seed = codec.AppendU32(codec.AppendU32(codec.AppendU64(seed, uint64(x.commit.Index)), uint32(index)), try)
		for _, w := range what {
			seed = codec.AppendBytes32(seed, w)
		}
		r := crypto.ScalarFromWide(wide(seed))
		key, err := crypto.GhostPublic(r, to.View, to.Spend, uint64(index))
		if err != nil {
			panic("ledger: paying an address that was checked: " + err.Error())
		}
		if _, used := x.GhostKey(key); !used {
			return kernel.Output{Type: kind, Amount: amount, Keys: []kernel.Key{key}, Mask: crypto.Mask(r), Script: kernel.NewScript(1)}
		}
	}
}

func wide(seed []byte) (w [64]byte) {
	a, b := crypto.SumLabel("asterism system output", seed, []byte{0}), crypto.SumLabel("asterism system output", seed, []byte{1})
	copy(w[:32], a[:])
	copy(w[32:], b[:])
	return w
}

// Lists of ids in rows. An empty list is no row.

func (o *overlay) ids(key string) []kernel.NodeID { return idsOf(o, key) }

func idsOf(v View, key string) []kernel.NodeID {
	b, _ := v.System(key)
	if len(b)%32 != 0 {
		panic("ledger: system row " + key + " is no list of ids")
	}
	ids := make([]kernel.NodeID, 0, len(b)/32+1)
	for ; len(b) > 0; b = b[32:] {
		ids = append(ids, kernel.NodeID(b[:32]))
	}
	return ids
}

func (o *overlay) setIDs(key string, ids []kernel.NodeID) {
	if len(ids) == 0 {
		o.deleteSystem(key)
		return
	}
	b := make([]byte, 0, 32*len(ids))
	for i := range ids {
		b = append(b, ids[i][:]...)
	}
	o.setSystem(key, b)
}
