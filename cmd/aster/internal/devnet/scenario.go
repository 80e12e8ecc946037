package devnet

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/asterism-network/asterism/pillars"
	"github.com/asterism-network/asterism/pillars/client"
	"github.com/asterism-network/asterism/pillars/wallet"
)

// A PillarsReport is what the scenario came to, the object that scripts read.
type PillarsReport struct {
	Nodes        int    `json:"nodes"`
	HeightsEqual bool   `json:"heights_equal"` // one last block on all nodes at the end
	StateRoot    string `json:"state_root"`    // after it; the same on all
	Reorgs       uint64 `json:"reorgs"`        // by which the parted network found together
	Restarts     int    `json:"restarts"`      // of nodes that were killed
	OK           bool   `json:"ok"`
}

// names of the scenario.
const (
	scenarioAsset  = "DEVNET.GOLD"
	scenarioIssuer = "goldsmith"
)

// Scenario runs the public chain through what it must withstand: work and stake, payments, an asset that is issued, moved and mined, an
// avatar that changes hands, nodes that are killed, and a network that is parted and finds together. At the end all
// nodes have one state, and their folders are whole.
func (p *Pillars) Scenario(ctx context.Context, say func(string, ...any)) (*PillarsReport, error) {
	r := &PillarsReport{Nodes: PillarsNodes}
	defer p.stopAll()
	for _, step := range []struct {
		what string
		do   func(context.Context, *PillarsReport) error
	}{
		{"three nodes mine, and lock stakes", func(ctx context.Context, _ *PillarsReport) error { return p.begin(ctx) }},
		{"a block under stake on all nodes", p.staked},
		{"ETP is paid", p.payETP},
		{"an avatar is registered, an asset issued and moved", p.issue},
		{"the avatar changes hands", p.handOver},
		{"a node is killed, and mines the asset when it is back", p.mineAsset},
		{"the network is parted and finds together", p.part},
		{"another node is killed and catches up", p.killAgain},
		{"all nodes have one state", p.agree},
		{"every folder is whole", p.verify},
	} {
		began := time.Now()
		if err := step.do(ctx, r); err != nil {
			return r, fmt.Errorf("%s: %w", step.what, err)
		}
		say("%s (%.1f s)", step.what, time.Since(began).Seconds())
	}
	r.OK = r.HeightsEqual && r.Reorgs > 0 && r.Restarts == 2
	return r, nil
}

// staked waits until every node has a block of each seal.
func (p *Pillars) staked(ctx context.Context, _ *PillarsReport) error {
	for _, c := range p.clients {
		if err := p.until(ctx, "a block under stake", func() (bool, error) {
			page, err := c.Headers(ctx, nil, 200)
			if err != nil {
				return false, nil
			}
			work, stake := false, false
			for _, h := range page.Items {
				work, stake = work || h.Seal == "pow", stake || h.Seal == "pos"
			}
			return work && stake, nil
		}); err != nil {
			return err
		}
	}
	return nil
}

func (p *Pillars) payETP(ctx context.Context, _ *PillarsReport) error {
	to, err := p.wallets[1].NewAddress("bip84/0")
	if err != nil {
		return err
	}
	d, err := p.draft(ctx, 0, func(o wallet.Options) (*wallet.Draft, error) {
		return p.wallets[0].Send([]wallet.Payment{{To: wallet.Recipient{Address: to.Address}, Amount: 25 * pillars.ETP}}, o)
	})
	if err != nil {
		return err
	}
	if err := p.settled(ctx, 0, d); err != nil {
		return err
	}
	if _, err := p.wallets[1].Scan(ctx, p.sources[1]); err != nil {
		return err
	}
	for _, c := range p.wallets[1].Coins() {
		if c.Purse.Address == to.Address && c.Output.Output.Value == 25*pillars.ETP {
			return nil
		}
	}
	return errors.New("the receiver's wallet does not see it")
}

func (p *Pillars) issue(ctx context.Context, _ *PillarsReport) error {
	w, at := p.wallets[0], p.purses[0]
	for _, do := range []func(wallet.Options) (*wallet.Draft, error){
		func(o wallet.Options) (*wallet.Draft, error) { return w.RegisterAvatar(scenarioIssuer, at, o) },
		func(o wallet.Options) (*wallet.Draft, error) {
			return w.IssueAsset(wallet.Issue{
				Symbol: scenarioAsset, Supply: 1_000_000, Decimals: 2, Issuer: wallet.Recipient{Address: at, Avatar: scenarioIssuer},
				Description: "gold of the devnet", Mining: &pillars.MiningTerms{Initial: 500, Interval: 1000, BaseNum: 1, BaseDen: 1},
			}, o)
		},
		func(o wallet.Options) (*wallet.Draft, error) {
			return w.SendAsset(scenarioAsset, []wallet.AssetPayment{{To: wallet.Recipient{Address: p.purses[1]}, Quantity: 1234}}, o)
		},
	} {
		d, err := p.draft(ctx, 0, do)
		if err != nil {
			return err
		}
		if err := p.settled(ctx, 0, d); err != nil {
			return err
		}
	}
	balances, err := p.clients[2].Balances(ctx, p.purses[1].Text(p.params.Address))
	if err != nil {
		return err
	}
	for _, b := range balances {
		for _, a := range b.Assets {
			if a.Symbol == scenarioAsset && a.Quantity == 1234 {
				return nil
			}
		}
	}
	return fmt.Errorf("the receiver has %+v", balances)
}

// handOver gives the avatar to the third wallet: both sign, the receiver pays.
func (p *Pillars) handOver(ctx context.Context, _ *PillarsReport) error {
	taker := p.wallets[2]
	if _, err := taker.Scan(ctx, p.sources[2]); err != nil {
		return err
	}
	var paid *wallet.Coin
	for _, c := range taker.Coins() {
		if c.Purse.Address == p.purses[2] && c.Output.Output.Value > spendEach/2 {
			paid = &c
		}
	}
	if paid == nil {
		return errors.New("the receiver has nothing to pay with")
	}
	made, err := p.sources[2].Transaction(ctx, paid.Point.Tx)
	if err != nil {
		return err
	}
	key, err := taker.KeyOf(p.purses[2])
	if err != nil {
		return err
	}
	d, err := p.draft(ctx, 0, func(o wallet.Options) (*wallet.Draft, error) {
		return p.wallets[0].OfferAvatar(scenarioIssuer, made, paid.Point.Index, key, o)
	})
	if err != nil {
		return err
	}
	if _, err := taker.Sign(d); err != nil {
		return err
	}
	if err := p.settled(ctx, 0, d); err != nil {
		return err
	}
	for _, c := range p.clients {
		a, err := c.Avatar(ctx, scenarioIssuer)
		if err != nil {
			return err
		}
		if a.Address != p.purses[2].Text(p.params.Address) {
			return fmt.Errorf("it is still at %s", a.Address)
		}
	}
	return nil
}

// mineAsset kills the third node and starts it again as a miner of the asset.
func (p *Pillars) mineAsset(ctx context.Context, r *PillarsReport) error {
	p.kill(2)
	p.extra[2] = []string{"--mine.asset", scenarioAsset}
	if err := p.start(2); err != nil {
		return err
	}
	r.Restarts++
	for _, c := range p.clients {
		if err := p.until(ctx, "a coinbase with the asset", func() (bool, error) {
			a, err := c.Asset(ctx, scenarioAsset)
			return err == nil && a.Mined > 0, nil
		}); err != nil {
			return err
		}
	}
	return nil
}

// part cuts the first node off until both sides have gone on by themselves, and mends the lines.
func (p *Pillars) part(ctx context.Context, r *PillarsReport) error {
	before, err := p.reorgs(ctx)
	if err != nil {
		return err
	}
	p.lines[1][0].set(true)
	p.lines[2][0].set(true)
	start, err := p.clients[0].Tip(ctx)
	if err != nil {
		return err
	}
	const apart = 3
	if err := p.until(ctx, "both sides go on", func() (bool, error) {
		left, err := p.clients[0].Tip(ctx)
		right, also := p.clients[1].Tip(ctx)
		if err != nil || also != nil || left.Height < start.Height+apart || right.Height < start.Height+apart {
			return false, nil
		}
		return left.Hash != right.Hash, nil
	}); err != nil {
		return err
	}
	p.lines[1][0].set(false)
	p.lines[2][0].set(false)
	if err := p.equal(ctx, nil); err != nil {
		return err
	}
	after, err := p.reorgs(ctx)
	r.Reorgs = after - before
	if err == nil && r.Reorgs == 0 {
		err = errors.New("no node left its chain for the other")
	}
	return err
}

// reorgs are those of all nodes since each was started.
func (p *Pillars) reorgs(ctx context.Context) (all uint64, err error) {
	for _, c := range p.clients {
		info, err := c.Info(ctx)
		if err != nil {
			return 0, err
		}
		all += info.Reorgs
	}
	return all, nil
}

// killAgain kills the second node while the others go on.
func (p *Pillars) killAgain(ctx context.Context, r *PillarsReport) error {
	start, err := p.clients[0].Tip(ctx)
	if err != nil {
		return err
	}
	p.kill(1)
	if err := p.until(ctx, "the others go on", func() (bool, error) {
		tip, err := p.clients[0].Tip(ctx)
		return err == nil && tip.Height >= start.Height+2, nil
	}); err != nil {
		return err
	}
	if err := p.start(1); err != nil {
		return err
	}
	r.Restarts++
	return p.equal(ctx, nil)
}

// equal waits until all nodes have one last block and one state at one moment.
func (p *Pillars) equal(ctx context.Context, at *client.Info) error {
	return p.until(ctx, "all nodes have one last block", func() (bool, error) {
		var all [PillarsNodes]client.Info
		for i, c := range p.clients {
			var err error
			if all[i], err = c.Info(ctx); err != nil || all[i].Tip.Hash != all[0].Tip.Hash {
				return false, nil
			}
		}
		for _, info := range all[1:] {
			if info.StateRoot != all[0].StateRoot {
				return false, fmt.Errorf("after block %d of all, one state is %s and another %s", info.Height, all[0].StateRoot, info.StateRoot)
			}
		}
		if at != nil {
			*at = all[0]
		}
		return true, nil
	})
}

func (p *Pillars) agree(ctx context.Context, r *PillarsReport) error {
	var at client.Info
	if err := p.equal(ctx, &at); err != nil {
		return err
	}
	r.HeightsEqual, r.StateRoot = true, at.StateRoot
	return nil
}

// verify stops all nodes and has each folder checked by the daemon's own command.
func (p *Pillars) verify(ctx context.Context, _ *PillarsReport) error {
	p.stopAll()
	for _, m := range p.Facts.Nodes {
		v, err := launch(m.Name, m.Log, "pillarsd", "verify", "--home", m.Home)
		if err != nil {
			return err
		}
		if err := v.wait(ctx); err != nil {
			return fmt.Errorf("%s: %w; see %s", m.Name, err, m.Log)
		}
	}
	return nil
}
