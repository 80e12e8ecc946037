package node

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"

	"github.com/asterism-network/asterism/internal/rpcserver"
	"github.com/asterism-network/asterism/pillars/client"
	"github.com/asterism-network/asterism/pillars/internal/consensus"
	"github.com/asterism-network/asterism/pillars/internal/forge"
	"github.com/asterism-network/asterism/pillars/internal/rpc"
)

// A desk of work is a Miner as the public interface sees it.
type workDesk struct{ *Miner }

var _ rpc.Miner = workDesk{}

// Fill adds the node's own figures.
func (w workDesk) Fill(to *client.MiningInfo) {
	m, s := w.MiningInfo(), w.StakingInfo(0)
	to.Mining, to.OwnRate, to.Payment, to.Asset = m.Mining, m.HashRate, m.Pay, m.Asset
	to.Found, to.Staking, to.StakeFound = m.Made, s.Staking, s.Made
}

// getworkWorker is the name under which callers of getwork share their work.
const getworkWorker = "getwork"

// Work hands out work.
func (w workDesk) Work(ctx context.Context) (out client.Work, err error) {
	j, err := w.Miner.Work(ctx, getworkWorker)
	switch {
	case errors.Is(err, forge.ErrNotSynced), errors.Is(err, forge.ErrNoPeers):
		return out, &rpc.NotReady{State: rpc.CatchingUp, Reasons: []string{err.Error()}}
	case errors.Is(err, forge.ErrNoAddress):
		return out, rpcserver.Faultf("no_miner", "nobody would get the reward: start the node with --mine ADDRESS")
	case err != nil:
		return out, err
	}
	return client.Work{
		Head: hex.EncodeToString(j.Head[:]), Seed: hex.EncodeToString(j.Seed[:]), Target: hex.EncodeToString(j.Boundary[:]), Height: j.Height,
	}, nil
}

// SubmitWork takes work back. Work that is stale or not enough is answered with false, as Ethash miners
// expect; a block that breaks a rule with the rule.
func (w workDesk) SubmitWork(ctx context.Context, nonce uint64, head, mix [32]byte) (bool, error) {
	_, err := w.Submit(ctx, forge.Solution{Head: head, Nonce: nonce, Mix: mix})
	for _, usual := range []error{forge.ErrUnknownWork, forge.ErrStaleWork, forge.ErrDuplicateWork, consensus.WrongMix, consensus.WorkTooLittle} {
		if errors.Is(err, usual) {
			return false, nil
		}
	}
	return err == nil, err
}

// Why explains the last blocks.
func (w workDesk) Why(_ context.Context, blocks int) (json.RawMessage, error) {
	return json.Marshal(w.Miner.Why(blocks))
}
