package node

import (
	"context"
	"testing"
	"time"

	"github.com/holiman/uint256"

	"github.com/asterism-network/asterism/pillars/internal/chaintest"
	"github.com/asterism-network/asterism/pillars/wallet"
)

// TestMinerOnANode: a node in a folder mines and stakes by itself, and goes on where it was after a restart.
func TestMinerOnANode(t *testing.T) {
	home := t.TempDir()
	maker := chaintest.New(1)
	p := maker.Params
	p.Genesis.Timestamp = now() - 10
	p.PoW.Scale, p.PoW.Minimum = 256, *uint256.NewInt(256)
	if err := Init(home, &p); err != nil {
		t.Fatal(err)
	}
	last := uint32(0)
	for life := range 2 {
		n, err := Open(home, Options{})
		if err != nil {
			t.Fatal(err)
		}
		if n.Tip().Number < last {
			t.Fatalf("life %d begins at %d, the last one ended at %d", life, n.Tip().Number, last)
		}
		m, err := n.NewMiner(MinerOptions{
			Mining:  Mining{Pay: maker.Owner, Workers: 1, Rate: 4000},
			Staking: Staking{Signer: wallet.StakerOf(p, maker.Key)},
			Stratum: &StratumOptions{Listen: "127.0.0.1:0"},
		})
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(context.Background())
		limit := time.Now().Add(5 * time.Minute) // on a crowded machine, with the race detector
		done := make(chan error, 1)
		go func() { done <- n.Run(ctx) }()
		for n.Tip().Number < last+5 && time.Now().Before(limit) {
			time.Sleep(20 * time.Millisecond)
		}
		report, stakes := m.Why(5), m.StakingInfo(10)
		if m.StratumAddress() == "" || report.Mine != 5 || stakes.Stakes < chaintest.Stakes {
			t.Errorf("life %d: %+v\n%+v", life, report, stakes)
		}
		cancel()
		if err := <-done; err != nil {
			t.Fatal(err)
		}
		last = n.Tip().Number
	}
}
