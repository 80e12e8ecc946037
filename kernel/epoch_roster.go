package kernel

import (
	"errors"
	"fmt"

	"github.com/asterism-network/asterism/internal/codec"
	"github.com/asterism-network/asterism/internal/crypto"
)

// An EpochRoster is what outsiders judge an epoch's checkpoints by: its members, its coin key and
// the keys that the members sign checkpoints with. [CHK-2]
type EpochRoster struct {
	Epoch   Epoch    `json:"epoch"`
	Members []Member `json:"members"`
	CoinKey []Key    `json:"coin_key"`

	// CheckpointKeys holds by author the key that was published for this epoch; zero is none: then
	// the node key signs. Such keys are erased when the epoch is over, so that those who left
	// cannot write a second history. Nobody has one in epoch 0.
	CheckpointKeys []Key `json:"checkpoint_keys"`
}

// MinVoting is the least number of voting members that an epoch can have. Fewer than MinMembers
// come about by flags only.
const MinVoting = 4

// EpochRoster is the roster of epoch 0 as outsiders see it.
func (g *Genesis) EpochRoster() *EpochRoster {
	return &EpochRoster{Members: g.Members, CoinKey: g.CoinKey, CheckpointKeys: make([]Key, len(g.Members))}
}

// Roster is the part that the members' own rules need.
func (r *EpochRoster) Roster() *Roster { return &Roster{Members: r.Members, CoinKey: r.CoinKey} }

// CheckpointKey is the key that the author's checkpoint signatures verify with. It panics if there
// is no such author.
func (r *EpochRoster) CheckpointKey(a Author) Key {
	if key := r.CheckpointKeys[a]; !key.IsZero() {
		return key
	}
	return r.Members[a].Key
}

// Hash is what a checkpoint names the roster by.
func (r *EpochRoster) Hash(network NetworkID) Hash {
	return crypto.SumLabel("asterism roster", network[:], r.AppendBinary(nil))
}

var (
	errRosterSize   = errors.New("number of members, voting members, points or keys is out of range")
	errRosterMember = errors.New("a member's name or key is not valid")
	errRosterKey    = errors.New("two members have one key")
)

// Check reports whether the roster is one that an epoch can have. All keys that a member could
// sign checkpoints with are different, so nobody's signature counts for two.
func (r *EpochRoster) Check() error {
	n := len(r.Members)
	if n < MinVoting || n > MaxMembers || len(r.CheckpointKeys) != n || r.Roster().Voting() < MinVoting || len(r.CoinKey) != r.Roster().Faulty()+1 {
		return fmt.Errorf("roster of epoch %d: %w", r.Epoch, errRosterSize)
	}
	seen := make(map[Key]bool, 2*n)
	for i := range r.Members {
		m := &r.Members[i]
		if !validName(m.Name) || m.Key.IsZero() {
			return fmt.Errorf("roster of epoch %d: member %d: %w", r.Epoch, i, errRosterMember)
		}
		if seen[m.Key] {
			return fmt.Errorf("roster of epoch %d: member %d: %w", r.Epoch, i, errRosterKey)
		}
		seen[m.Key] = true
	}
	for i, key := range r.CheckpointKeys {
		if key.IsZero() {
			continue
		}
		if seen[key] {
			return fmt.Errorf("roster of epoch %d: member %d: %w", r.Epoch, i, errRosterKey)
		}
		seen[key] = true
	}
	return nil
}

// AppendBinary appends the canonical form: the members and points as in a genesis.
func (r *EpochRoster) AppendBinary(b []byte) []byte {
	b = codec.AppendU32(b, uint32(r.Epoch))
	b = r.Roster().appendBinary(b)
	b = codec.AppendU16(b, uint16(len(r.CheckpointKeys)))
	for i := range r.CheckpointKeys {
		b = append(b, r.CheckpointKeys[i][:]...)
	}
	return b
}

// UnmarshalBinary decodes exactly one canonical roster and checks it.
func (r *EpochRoster) UnmarshalBinary(b []byte) error {
	d := codec.NewReader(b)
	r.decode(d)
	return d.Done()
}

const memberMinimum = 2 + 32 + 64 + 1

func (r *EpochRoster) decode(d *codec.Reader) {
	r.Epoch = Epoch(d.U32("epoch"))
	r.Members = make([]Member, d.Count16(MaxMembers, memberMinimum, "members"))
	for i := range r.Members {
		m := &r.Members[i]
		m.Name = string(d.View16(maxNameLength, "member name"))
		d.Fixed(m.Key[:], "member key")
		d.Fixed(m.Payee.Spend[:], "payee")
		d.Fixed(m.Payee.View[:], "payee")
		m.Flagged = d.Bool("flagged")
	}
	r.CoinKey = readKeys(d, "coin key")
	r.CheckpointKeys = readKeys(d, "checkpoint keys")
	if !d.Failed() && r.Check() != nil {
		d.Fail(codec.BadValue, "roster")
	}
}

func readKeys(d *codec.Reader, field string) []Key {
	keys := make([]Key, d.Count16(MaxMembers, 32, field))
	for i := range keys {
		d.Fixed(keys[i][:], field)
	}
	return keys
}

// A RosterChange leads from one epoch to the next: the certified checkpoint of the epoch's end,
// and the roster that it names. [CHK-5]
type RosterChange struct {
	End  CheckpointProof `json:"end"`
	Next EpochRoster     `json:"next"`
}

// AppendBinary appends the canonical form.
func (c *RosterChange) AppendBinary(b []byte) []byte {
	return c.Next.AppendBinary(c.End.AppendBinary(b))
}

// UnmarshalBinary decodes exactly one canonical change; it does not verify it.
func (c *RosterChange) UnmarshalBinary(b []byte) error {
	r := codec.NewReader(b)
	c.decode(r)
	return r.Done()
}

func (c *RosterChange) decode(r *codec.Reader) {
	c.End.decode(r)
	c.Next.decode(r)
}
