package store

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"

	"github.com/asterism-network/asterism/internal/codec"
	"github.com/asterism-network/asterism/pillars"
	"github.com/asterism-network/asterism/pillars/internal/consensus"
	"github.com/asterism-network/asterism/pillars/internal/tree"
)

// An Entry is what is kept of a block besides its body, for ever.
type Entry struct {
	Head         tree.Head
	Branch       consensus.Branch // that ends in the block
	Size         uint32           // bytes of the block
	Transactions uint32           // in it
}

// EntryOf describes a block.
func EntryOf(b *pillars.Block, branch consensus.Branch) Entry {
	return Entry{tree.HeadOf(b), branch, uint32(b.Size()), uint32(len(b.Transactions))}
}

// ID returns the block's id.
func (e Entry) ID() pillars.BlockID { return e.Branch.ID }

const (
	entryVersion  = 1
	extensionSize = 33 + 32 + 32 + 36
)

func (e *Entry) append(b []byte) []byte {
	b = append(b, entryVersion)
	b = codec.AppendU32(b, e.Size)
	b = codec.AppendU32(b, e.Transactions)
	b = e.Branch.AppendBinary(b)
	x := &e.Head.Extension
	b = append(b, x.Key[:]...)
	b = append(b, x.Witnesses[:]...)
	b = append(b, x.Modifier[:]...)
	b = append(b, x.Stake.Tx[:]...)
	b = codec.AppendU32(b, x.Stake.Index)
	return e.Head.AppendBinary(b)
}

func (e *Entry) decode(b []byte) error {
	r := codec.NewReader(b)
	*e = Entry{}
	if r.U8("entry version") != entryVersion {
		r.Fail(codec.BadValue, "entry version")
	}
	e.Size, e.Transactions = r.U32("size"), r.U32("transactions")
	branch := r.View(consensus.BranchSize, "branch")
	x := &e.Head.Extension
	r.Fixed(x.Key[:], "key")
	r.Fixed(x.Witnesses[:], "witnesses")
	r.Fixed(x.Modifier[:], "modifier")
	r.Fixed(x.Stake.Tx[:], "stake")
	x.Stake.Index = r.U32("stake")
	header := r.View(r.Left(), "header")
	if err := r.Done(); err != nil {
		return err
	}
	if err := e.Branch.UnmarshalBinary(branch); err != nil {
		return err
	}
	return e.Head.Header.UnmarshalBinary(header)
}

// formatVersion is the version of the folder that this program writes and reads. [PIL-STO-1]
const formatVersion = 1

// An origin says what a folder is of. A folder of another one is refused by name.
type origin struct {
	format  uint32
	genesis pillars.BlockID
	profile [32]byte // see ProfileHash
	name    string
}

func originOf(p *pillars.Params, genesis pillars.BlockID) origin {
	return origin{formatVersion, genesis, ProfileHash(p), p.Name}
}

// ProfileHash tells networks apart that have one genesis and different rules. Checkpoints and seeds do not count: those
// change with releases.
func ProfileHash(p *pillars.Params) [32]byte {
	plain := *p
	plain.Pinned, plain.Seeds = nil, nil
	text, err := json.Marshal(plain)
	if err != nil {
		panic("store: profile: " + err.Error())
	}
	return sha256.Sum256(text)
}

func (o origin) append(b []byte) []byte {
	b = codec.AppendU32(b, o.format)
	b = append(b, o.genesis[:]...)
	b = append(b, o.profile[:]...)
	return codec.AppendBytes16(b, []byte(o.name))
}

// checkOrigin compares what a folder says of itself with what is asked for.
func checkOrigin(raw []byte, p *pillars.Params) error {
	r := codec.NewReader(raw)
	o := origin{format: r.U32("format")}
	if !r.Failed() && o.format != formatVersion {
		return fmt.Errorf("%w: version %d, this program reads %d", ErrFormat, o.format, formatVersion)
	}
	r.Fixed(o.genesis[:], "genesis")
	r.Fixed(o.profile[:], "profile")
	o.name = string(r.View16(64, "name"))
	if err := r.Done(); err != nil {
		return fmt.Errorf("%w: origin: %w", ErrCorrupt, err)
	}
	genesis, err := p.GenesisBlock()
	if err != nil {
		return err
	}
	want := originOf(p, genesis.ID())
	switch {
	case o.name != want.name:
		return fmt.Errorf("%w: it is of %q, not of %q", ErrNetwork, o.name, want.name)
	case o.genesis != want.genesis:
		return fmt.Errorf("%w: a %q with genesis %s, not %s", ErrNetwork, o.name, o.genesis.Short(), want.genesis.Short())
	case o.profile != want.profile:
		return fmt.Errorf("%w: profile %q has changed since the folder was made", ErrProfile, o.name)
	}
	return nil
}
