package node

import (
	"bufio"
	"context"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/asterism-network/asterism/internal/crypto"
	"github.com/asterism-network/asterism/pillars"
	"github.com/asterism-network/asterism/pillars/client"
	"github.com/asterism-network/asterism/pillars/internal/chain"
	"github.com/asterism-network/asterism/pillars/internal/mining"
	"github.com/asterism-network/asterism/pillars/internal/pow"
	"github.com/asterism-network/asterism/pillars/internal/state"
	"github.com/asterism-network/asterism/pillars/internal/store"
	"github.com/asterism-network/asterism/pillars/internal/tree"
)

// ErrVerify says that a folder does not hold what its blocks give.
var ErrVerify = errors.New("verification failed")

// ErrPruned says that something needs blocks which a pruned folder no longer has.
var ErrPruned = store.ErrPruned

// Verified is what Verify found.
type Verified struct {
	Height       uint32          `json:"height"`
	Tip          pillars.BlockID `json:"tip"`
	StateRoot    string          `json:"state_root"`
	Blocks       uint32          `json:"blocks"`
	Transactions uint64          `json:"transactions"`
	Records      uint64          `json:"state_records"`
}

// openOffline opens the folder of a node that does not run.
func openOffline(home string, fatal func(error)) (*store.Store, *pillars.Params, error) {
	p, err := readProfile(home)
	if err != nil {
		return nil, nil, err
	}
	s, err := store.Open(chainDir(home), p, store.Options{Fatal: fatal})
	return s, p, err
}

// Verify recomputes everything from the stored blocks: every block of our chain goes through all rules once more, on a new
// chain in a folder beside it, which is taken away in the end; then both stand after the same block, in the same state, and the
// records on disk are those of that state. It needs as much free space as the chain takes.
func Verify(ctx context.Context, home string, progress func(stage string, done, total uint64)) (v Verified, err error) {
	b := newBreaker()
	err = b.guard(func() error {
		s, p, err := openOffline(home, b.fail)
		if err != nil {
			return err
		}
		defer s.Close()
		v, err = verify(ctx, home, s, p, progress)
		return err
	})
	if errors.Is(err, ErrStorage) || errors.Is(err, store.ErrCorrupt) {
		err = fmt.Errorf("%w: %w", ErrVerify, err)
	}
	return v, err
}

func verify(ctx context.Context, home string, s *store.Store, p *pillars.Params, progress func(string, uint64, uint64)) (v Verified, err error) {
	if from := s.From(); from > 0 {
		return v, fmt.Errorf("%w: blocks below %d are gone, so nothing can be computed from them", ErrPruned, from)
	}
	dir, err := os.MkdirTemp(home, "verify-")
	if err != nil {
		return v, fmt.Errorf("make a folder to compute in: %w", err)
	}
	defer os.RemoveAll(dir)
	if err := chain.Create(dir, p, chain.Options{}); err != nil {
		return v, err
	}
	again, err := chain.Open(dir, p, mining.NewCaches(pow.Sizes(p.Ethash)), chain.Options{})
	if err != nil {
		return v, err
	}
	defer again.Close()
	if v, err = replay(ctx, s, again, progress); err != nil {
		return v, err
	}
	return v, v.compare(ctx, s, again.Store(), progress)
}

// replay gives every stored block to a new chain.
func replay(ctx context.Context, s *store.Store, to *chain.Chain, progress func(string, uint64, uint64)) (v Verified, err error) {
	v.Height, v.Tip = s.Tip().Branch.Number, s.Tip().ID()
	if ours, ok := s.IDAt(0); !ok || ours != to.Tip().ID {
		return v, fmt.Errorf("%w: the genesis is not the profile's", ErrVerify)
	}
	for height := uint32(1); height <= v.Height; height++ {
		if ctx.Err() != nil {
			return v, ctx.Err()
		}
		id, ok := s.IDAt(height)
		if !ok {
			return v, fmt.Errorf("%w: no block at height %d", ErrVerify, height)
		}
		block, err := s.Block(id)
		if err != nil {
			return v, fmt.Errorf("%w: %w", ErrVerify, err)
		}
		r, err := to.Block(0, block, now())
		if err != nil {
			return v, err
		}
		if to.Tip().ID != id {
			if r.Fate == tree.Refused {
				return v, fmt.Errorf("%w: block %d %s: %w", ErrVerify, height, id, r.Rule)
			}
			return v, fmt.Errorf("%w: block %d %s is %s", ErrVerify, height, id, r.Fate)
		}
		v.Blocks++
		v.Transactions += uint64(len(block.Transactions))
		progress("blocks", uint64(height), uint64(v.Height))
	}
	return v, nil
}

// compare holds what is stored to what was computed.
func (v *Verified) compare(ctx context.Context, s, again *store.Store, progress func(string, uint64, uint64)) error {
	root := again.StateRoot()
	v.StateRoot = hex.EncodeToString(root[:])
	if s.StateRoot() != root {
		return fmt.Errorf("%w: the state after %d is %x, its blocks give %x", ErrVerify, v.Height, s.StateRoot(), root)
	}
	var sum crypto.SetHash
	view, release := s.Fixed()
	defer release()
	view.Under("", func(key state.Key, value []byte) bool {
		v.Records++
		sum.Add(append(append(binary.BigEndian.AppendUint16(nil, uint16(len(key))), key...), value...)) // [PIL-STA-4]
		if v.Records%1000 == 0 {
			progress("records", v.Records, v.Records)
		}
		return ctx.Err() == nil
	})
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if sum.Sum() != root {
		return fmt.Errorf("%w: the records on disk are not those of the state", ErrVerify)
	}
	return nil
}

// ExportBlocks writes the blocks of a stopped node's chain from a height on, one JSON object a line.
func ExportBlocks(ctx context.Context, home string, from uint32, w io.Writer) error {
	return export(home, w, func(s *store.Store, _ *pillars.Params, line func(any) error) error {
		for height := max(from, s.From()); ; height++ {
			id, ok := s.IDAt(height)
			if !ok || ctx.Err() != nil {
				return ctx.Err()
			}
			raw, err := s.BlockBytes(id)
			if err != nil {
				return err
			}
			if err := line(map[string]any{"height": height, "hash": id, "hex": hex.EncodeToString(raw)}); err != nil {
				return err
			}
		}
	})
}

// ExportState writes the state after a stopped node's tip, one JSON object a line: where it stands, unspent outputs, assets,
// avatars, certificates and tokens, each by rising keys.
func ExportState(ctx context.Context, home string, w io.Writer) error {
	return export(home, w, func(s *store.Store, p *pillars.Params, line func(any) error) error {
		view, release := s.Fixed()
		defer release()
		at, root := state.At(view, p), s.StateRoot()
		head, _ := at.Head()
		failed := line(map[string]any{"kind": "head", "height": head.Number, "block": head.Block, "issued": head.Issued, "burned": head.Burned,
			"unspent_outputs": head.Outputs, "state_root": hex.EncodeToString(root[:])})
		view.Under("", func(key state.Key, _ []byte) bool {
			if failed == nil {
				failed = exportRecord(at, p, key, line)
			}
			return failed == nil && ctx.Err() == nil
		})
		return errors.Join(failed, ctx.Err())
	})
}

func export(home string, w io.Writer, do func(*store.Store, *pillars.Params, func(any) error) error) error {
	b := newBreaker()
	return b.guard(func() error {
		s, p, err := openOffline(home, b.fail)
		if err != nil {
			return err
		}
		defer s.Close()
		out := bufio.NewWriter(w)
		encoder := json.NewEncoder(out)
		return errors.Join(do(s, p, encoder.Encode), out.Flush())
	})
}

// exportRecord writes one record; those that follow from others are left out.
func exportRecord(at state.Reader, p *pillars.Params, key state.Key, line func(any) error) error {
	name := string(key[1:])
	switch key[:1] {
	case state.OutputKey(pillars.Outpoint{})[:1]:
		o := pillars.Outpoint{Tx: pillars.TxID([]byte(name[:32])), Index: binary.BigEndian.Uint32([]byte(name[32:]))}
		out, _ := at.Output(o)
		return line(struct {
			Kind   string       `json:"kind"`
			Tx     pillars.TxID `json:"tx"`
			Height uint32       `json:"height"`
			Reward bool         `json:"reward,omitempty"`
			client.Output
		}{"output", o.Tx, out.Height, out.Reward, client.DescribeOutput(&out.Output, o.Index, p.Address)})
	case state.AssetKey("")[:1]:
		a, _ := at.Asset(name)
		return line(map[string]any{"kind": "asset", "symbol": name, "supply": client.Units(a.Supply), "mined": client.Units(a.Mined), "burned": client.Units(a.Burned),
			"decimals": a.Decimals, "threshold": a.Threshold, "issuer": a.Issuer, "address": a.Address, "description": a.Description, "height": a.Height})
	case state.AvatarKey("")[:1]:
		a, _ := at.Avatar(name)
		return line(map[string]any{"kind": "avatar", "symbol": name, "address": a.Address.Text(p.Address), "height": a.Height, "output": a.Outpoint})
	case state.CertificateKey(0, "")[:1]:
		kind := pillars.CertificateType(binary.BigEndian.Uint32([]byte(name)))
		c, _ := at.Certificate(kind, name[4:])
		return line(map[string]any{"kind": "certificate", "cert": client.CertName(kind), "symbol": name[4:], "owner": c.Owner, "address": c.Address,
			"content": c.Content, "height": c.Height, "burned": c.Burned, "output": c.Outpoint})
	case state.TokenKey("")[:1]:
		t, _ := at.Token(name)
		return line(map[string]any{"kind": "token", "symbol": name, "address": t.Address, "content": t.Content, "height": t.Height, "burned": t.Burned, "output": t.Outpoint})
	}
	return nil
}

// ProfileFile is the name of the genesis file in a node's folder.
const ProfileFile = profileFile

// Profile reads the network of a node's folder.
func Profile(home string) (*pillars.Params, error) { return readProfile(home) }
