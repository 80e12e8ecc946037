package rpc

import (
	"context"
	"encoding/binary"
	"encoding/hex"
	"math"
	"math/big"
	"strconv"
	"strings"

	"github.com/holiman/uint256"

	"github.com/asterism-network/asterism/internal/rpcserver"
	"github.com/asterism-network/asterism/pillars"
	"github.com/asterism-network/asterism/pillars/client"
	"github.com/asterism-network/asterism/pillars/internal/pos"
	"github.com/asterism-network/asterism/pillars/internal/state"
	"github.com/asterism-network/asterism/pillars/script"
)

func (s *Server) miningMethods() []rpcserver.Method {
	word := func(name, about string) rpcserver.Param {
		return rpcserver.Param{Name: name, Kind: "hex", Required: true, About: about, Example: "00"}
	}
	return []rpcserver.Method{
		{Name: "getmininginfo", Right: rpcserver.Read, Handle: s.getMiningInfo, Result: client.MiningInfo{},
			About: "What the next block must show and earns, how many of the last blocks had which seal, and what this node does for it.",
			Params: []rpcserver.Param{
				{Name: "window", Kind: "integer", About: "how many of the last blocks to count, 1 to 5000, 500 if not given", Example: 100}}},
		{Name: "getstakeinfo", Right: rpcserver.Read, Handle: s.getStakeInfo, Params: []rpcserver.Param{oneAddress}, Result: client.StakeInfo{},
			Errors: []string{"pruned", "too_many"}, About: "What an address can stake, what ripens and when, and how likely it wins."},
		{Name: "getwork", Right: rpcserver.Submit, Handle: s.getWork, Result: client.Work{}, Errors: []string{"no_miner", "not_ready"},
			About: "What a miner searches a nonce for: the hash of a header without its seal, the seed of the epoch, and the bound."},
		{Name: "submitwork", Right: rpcserver.Submit, Handle: s.submitWork, Result: true, Errors: []string{"no_miner"},
			About:  "A nonce for some work; false if the work is stale or the nonce not enough.",
			Params: []rpcserver.Param{word("nonce", "8 bytes"), word("header_hash", "of the work"), word("mix_hash", "of Ethash")}},
		{Name: "eth_getWork", Right: rpcserver.Submit, Handle: s.ethGetWork, Result: []string{}, Errors: []string{"no_miner", "not_ready"},
			About: "getwork as miners of Ethash ask for it: header hash, seed hash and boundary, each with 0x."},
		{Name: "eth_submitWork", Right: rpcserver.Submit, Handle: s.submitWork, Result: true, Errors: []string{"no_miner"},
			About:  "submitwork under the name that miners of Ethash use.",
			Params: []rpcserver.Param{word("nonce", "8 bytes"), word("header_hash", "of the work"), word("mix_hash", "of Ethash")}},
		{Name: "getwhy", Aliases: []string{"explainblocks"}, Right: rpcserver.Read, Handle: s.getWhy, Result: []any{}, Errors: []string{"no_miner"},
			About:  "Of each of the last blocks, why it was not this node's.",
			Params: []rpcserver.Param{{Name: "blocks", Kind: "integer", About: "1 to 500, 20 if not given", Example: 5}}},
	}
}

const maxWindow = 5000

func (s *Server) getMiningInfo(_ context.Context, a *rpcserver.Args) (any, error) {
	window := uint32(a.Uint("window", maxWindow, 500))
	if err := a.Err(); err != nil {
		return nil, err
	}
	r := s.reader()
	b, p := &r.tip.Branch, r.params
	out := client.MiningInfo{
		Height: b.Number + 1, PoWSubsidy: b.Subsidy(p, pillars.PoW), PoSSubsidy: b.Subsidy(p, pillars.PoS),
		WorkRun: b.WorkRun, WorkRunMax: p.Runs.PoW, StakeRun: b.StakeRun, StakeRunMax: p.Runs.PoS,
	}
	work, err := b.Prepare(p, pillars.PoW, b.Stamps[0])
	out.PoWBits, out.PoWBlocked = work.Bits.Dec(), ruleOf(err)
	stake, err := b.Prepare(p, pillars.PoS, b.Stamps[0])
	out.PoSBits, out.PoSBlocked = stake.Bits.Dec(), ruleOf(err)
	out.Shares, out.HashRate = r.shares(window)
	if m := s.node.Miner(); m != nil {
		m.Fill(&out)
	}
	return out, nil
}

// shares counts the last blocks by seal, and estimates the hash rate that made those of work.
func (r *reader) shares(window uint32) (c client.Shares, rate uint64) {
	c.PoWAim, c.PoSAim = interval(&r.params.PoW), interval(&r.params.PoS)
	c.PoWTarget = c.PoSAim / (c.PoWAim + c.PoSAim)
	newest, oldest := r.tip.Head.Timestamp, r.tip.Head.Timestamp
	hashes := new(big.Int)
	for height := int64(r.tip.Branch.Number); height > 0 && c.Blocks < window; height-- {
		id, ok := r.chain.IDAt(uint32(height))
		if !ok {
			continue
		}
		e, ok := r.chain.Entry(id)
		if !ok {
			continue
		}
		c.Blocks++
		switch e.Head.Seal() {
		case pillars.PoW:
			c.PoW++
			hashes.Add(hashes, e.Head.Bits.ToBig())
		case pillars.PoS:
			c.PoS++
		}
		if before, ok := r.chain.Entry(e.Head.Previous); ok {
			oldest = before.Head.Timestamp
		}
	}
	span := float64(max(newest, oldest+1) - oldest)
	if c.PoW > 0 {
		c.PoWInterval = span / float64(c.PoW)
	}
	if c.PoS > 0 {
		c.PoSInterval = span / float64(c.PoS)
	}
	hashes.Quo(hashes, big.NewInt(int64(span)))
	if hashes.IsUint64() {
		rate = hashes.Uint64()
	}
	return c, rate
}

// interval is the mean at which a difficulty rule comes to rest: exponential intervals, of which the
// mean adjustment is zero.
func interval(r *pillars.RetargetParams) float64 {
	return float64(r.DivisorMilli) / 1000 / math.Log(float64(r.Up+1)/float64(r.Up))
}

func (s *Server) getStakeInfo(ctx context.Context, a *rpcserver.Args) (any, error) {
	r := s.reader()
	addresses, err := r.addressesOf(a, "address")
	if err != nil {
		return nil, err
	}
	address := addresses[0]
	list, _, err := r.unspentOf(ctx, address)
	if err != nil {
		return nil, err
	}
	h, _ := r.tip.Branch.Prepare(r.params, pillars.PoS, r.tip.Branch.Stamps[0])
	if h.Bits.IsZero() {
		h.Bits = r.params.PoS.Minimum // a run is used up; the difficulty goes on from there
	}
	out := client.StakeInfo{
		Address: address.Text(r.params.Address), Needs: pos.Maturity(&r.params.Stake, &h.Bits), Minimum: r.params.Stake.Minimum,
		Locks: []client.StakeLock{}, Stakes: []client.Stake{}, Bits: h.Bits.Dec(),
	}
	view, release := r.chain.Fixed()
	defer release()
	at := state.At(view, r.params)
	out.Eligible = pos.Eligible(r.params, r.tip.Branch.Number, address, at)
	at.Locks(address, func(l pos.Lock) bool {
		out.Locks = append(out.Locks, client.StakeLock{Value: l.Value, Height: l.Height, Blocks: l.Blocks, Ends: uint64(l.Height) + uint64(l.Blocks)})
		return true
	})
	for i := range list {
		if list[i].out.Value < r.params.Stake.Minimum || script.Classify(list[i].out.Script).Template != script.PubKeyHash {
			continue
		}
		stake, ok := at.Stake(list[i].at)
		if !ok || stake.Owner != address {
			continue
		}
		ripe := uint64(stake.Height) + uint64(out.Needs)
		one := client.Stake{Output: stake.Outpoint, Value: stake.Value, Height: stake.Height}
		if one.Ready = stake.Plain && ripe <= uint64(r.tip.Branch.Number); one.Ready {
			out.Usable += stake.Value
		} else {
			one.At = clip(ripe)
			out.Maturing += stake.Value
		}
		out.Stakes = append(out.Stakes, one)
	}
	out.Chance = chance(out.Usable, &h.Bits)
	out.Why = whyNot(&out, r.params)
	return out, nil
}

// chance that stakes win at least once in an hour: each has one try a second, and wins it with the share
// of its satoshis in the difficulty.
func chance(value pillars.Amount, bits *uint256.Int) float64 {
	difficulty, _ := new(big.Float).SetInt(bits.ToBig()).Float64()
	if value == 0 || difficulty == 0 {
		return 0
	}
	return -math.Expm1(-3600 * float64(value) / difficulty)
}

// whyNot says what is missing before an address can stake.
func whyNot(out *client.StakeInfo, p *pillars.Params) string {
	switch {
	case !out.Eligible && len(out.Locks) == 0:
		return "lock at least " + p.Stake.Locked.String() + " ETP for at least " + formatUint(uint64(p.Stake.LockBlocks)) + " blocks at this address"
	case !out.Eligible:
		return "the lock is younger than " + formatUint(uint64(p.Stake.LockAge)) + " blocks, or in its last " + formatUint(uint64(p.Stake.LockTail))
	case len(out.Stakes) == 0:
		return "keep at least " + p.Stake.Minimum.String() + " ETP in one plain output of this address"
	case out.Usable == 0:
		return "outputs stake when they are " + formatUint(uint64(out.Needs)) + " blocks old"
	}
	return ""
}

func noMiner() *rpcserver.Fault {
	return rpcserver.Faultf("no_miner", "this node neither mines nor hands out work: start it with --mine and an address for the rewards")
}

func (s *Server) getWork(ctx context.Context, _ *rpcserver.Args) (any, error) {
	m := s.node.Miner()
	if m == nil {
		return nil, noMiner()
	}
	return m.Work(ctx)
}

func (s *Server) ethGetWork(ctx context.Context, _ *rpcserver.Args) (any, error) {
	m := s.node.Miner()
	if m == nil {
		return nil, noMiner()
	}
	w, err := m.Work(ctx)
	if err != nil {
		return nil, err
	}
	return []string{prefixed(w.Head), prefixed(w.Seed), prefixed(w.Target)}, nil
}

// prefixed is hex as Ethash miners read it.
func prefixed(text string) string { return "0x" + strings.TrimPrefix(text, "0x") }

func (s *Server) submitWork(ctx context.Context, a *rpcserver.Args) (any, error) {
	var nonce [8]byte
	var head, mix [32]byte
	fixed(a, "nonce", nonce[:])
	fixed(a, "header_hash", head[:])
	fixed(a, "mix_hash", mix[:])
	if err := a.Err(); err != nil {
		return nil, err
	}
	m := s.node.Miner()
	if m == nil {
		return nil, noMiner()
	}
	return m.SubmitWork(ctx, binary.BigEndian.Uint64(nonce[:]), head, mix)
}

// fixed reads exactly so many bytes in hex, with or without the 0x that Ethash miners put in front.
func fixed(a *rpcserver.Args, name string, to []byte) {
	text, _ := a.Text(name)
	b, err := hex.DecodeString(strings.TrimPrefix(text, "0x"))
	if err != nil || len(b) != len(to) {
		a.Fail(name, "want "+strconv.Itoa(len(to))+" bytes in hex")
		return
	}
	copy(to, b)
}

func (s *Server) getWhy(ctx context.Context, a *rpcserver.Args) (any, error) {
	blocks := a.Limit("blocks", 20)
	if err := a.Err(); err != nil {
		return nil, err
	}
	m := s.node.Miner()
	if m == nil {
		return nil, noMiner()
	}
	return m.Why(ctx, blocks)
}
