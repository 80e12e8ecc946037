package node

import (
	"bytes"
	"context"
	"errors"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/asterism-network/asterism/internal/crypto"
	"github.com/asterism-network/asterism/internal/kv"
	"github.com/asterism-network/asterism/kernel"
	"github.com/asterism-network/asterism/kernel/client"
	"github.com/asterism-network/asterism/kernel/internal/replica"
	"github.com/asterism-network/asterism/kernel/internal/store"
)

// pruneNode makes a member a pruned one, on a disk that can lose its power.
func (n *testNetwork) pruneNode(i int) *kv.CrashFS {
	n.t.Helper()
	c, disk := &n.configs[i], kv.Crashable()
	if err := os.RemoveAll(c.Home); err != nil {
		n.t.Fatal(err)
	}
	c.Pruned, c.KeepEpochs = true, 1
	c.storage = store.Options{FS: disk, SegmentBytes: 32 << 10}
	if err := kv.MakeDir(disk, "/data"); err != nil {
		n.t.Fatal(err)
	}
	c.Home, c.Keyring = "/data/node", c.Home+".keys"
	if err := replica.Init(c.Home, n.genesis, crypto.NodeKeyFromSeed(c.Identity.Key).Public(), c.storage); err != nil {
		n.t.Fatal(err)
	}
	return disk
}

// TestPruned runs two pruned nodes in a network of seven whose epochs change. One of them loses its power again and again, also
// while history goes. Both sign on, their logs stop growing, they say what is gone and who has it; and a newcomer
// reads all of history from the others. [PRU-1, PRU-4, PRU-6]
func TestPruned(t *testing.T) {
	n := newNetwork(t, 7, coinsEach, staked)
	disk := n.pruneNode(6)
	n.configs[5].Pruned, n.configs[5].KeepEpochs = true, 1
	n.configs[5].storage.SegmentBytes = 32 << 10
	for i := range 7 {
		n.configs[i].IdlePeriod = 100 * time.Millisecond
		n.start(i)
	}
	ctx, cancel := context.WithTimeout(context.Background(), slow*240*time.Second)
	defer cancel()
	pay := 0
	settle := func(to int) kernel.CommitIndex {
		t.Helper()
		hash, err := n.clients[to].SendRawTransaction(ctx, n.payment(pay, "pruned"))
		if pay++; err != nil {
			t.Fatal(err)
		}
		n.finalOn(hash, 0, 5, 6)
		r, _ := n.nodes[0].store.Receipt(hash)
		return r.Commit
	}
	first := settle(0)
	var most uint64
	for life := range 3 {
		before := n.nodes[6].store.Base()
		n.until("history goes", 90*time.Second, func() bool { return n.nodes[6].store.Base() > before })
		lost := disk.Crash([]int{0, 50, 100}[life], uint64(life)) // what was not synced is gone, or half of it
		n.stop(6)
		disk = lost
		n.configs[6].storage.FS = disk
		n.start(6)
		if s := n.nodes[6].store; s.LogState() == store.Doubtful {
			t.Fatalf("life %d: the log is in doubt: %s", life, s.Doubt())
		}
		n.until("it signs again", 60*time.Second, func() bool { return n.isActive(6, 7) })
		settle(6)
		n.until("history goes again", 90*time.Second, func() bool { return n.nodes[6].store.Base() > before }) // it may have died before that was durable
		stats := n.nodes[6].store.Stats()
		t.Logf("life %d: history begins behind commit %d, log %d bytes; an archive has %d", life, n.nodes[6].store.Base(), stats.KeptBytes, n.nodes[0].store.Stats().KeptBytes)
		most = max(most, stats.KeptBytes)
	}
	n.until("the other one prunes too", 60*time.Second, func() bool { return n.nodes[5].store.FirstEpoch() >= 3 })
	if all := n.nodes[0].store.Stats().KeptBytes; most > all {
		t.Errorf("a pruned log has %d bytes, all of it %d", most, all)
	}
	n.saysWhatIsGone(ctx, 6, first)

	joiner := n.addNode(7)
	n.pledge(ctx, pay, crypto.NodeKeyFromSeed(n.configs[joiner].Identity.Key))
	n.start(joiner)
	n.until("a newcomer has read all of history and signs", 120*time.Second, func() bool { return n.isActive(joiner, 8) && n.isActive(6, 8) })
	if base := n.nodes[joiner].store.Base(); base != 0 {
		t.Errorf("the newcomer's history begins behind commit %d", base)
	}
	pay++
	settle(5)

	n.stop(5)
	found, err := Verify(n.configs[5].Home, n.genesis, crypto.NodeKeyFromSeed(n.configs[5].Identity.Key).Public(), func(string, uint64, uint64) {})
	if err != nil || found.Base == 0 || found.Commit <= found.Base || found.Snapshots == 0 {
		t.Errorf("verify of a pruned folder: %+v, %v", found, err)
	}
	n.stop(0)
	if found, err = Verify(n.configs[0].Home, n.genesis, crypto.NodeKeyFromSeed(n.configs[0].Identity.Key).Public(), func(string, uint64, uint64) {}); err != nil || found.Base != 0 {
		t.Errorf("verify of an archive: %+v, %v", found, err)
	}
}

// saysWhatIsGone asks a pruned node for a commit that it let go of, and for what it still has of it.
func (n *testNetwork) saysWhatIsGone(ctx context.Context, pruned int, at kernel.CommitIndex) {
	t, c := n.t, n.clients[pruned]
	t.Helper()
	if _, err := c.Commit(ctx, at); !errors.Is(err, client.ErrPruned) {
		t.Errorf("commit %d: %v, want pruned", at, err)
	}
	commit, err := n.clients[0].Commit(ctx, at)
	if err != nil || len(commit.Receipts) == 0 {
		t.Fatalf("an archive on commit %d: %+v, %v", at, commit, err)
	}
	hash := commit.Receipts[0].Transaction
	if _, err := c.Transaction(ctx, hash); !errors.Is(err, client.ErrPruned) {
		t.Errorf("transaction %s: %v, want pruned", hash, err)
	}
	if r, ok := n.nodes[pruned].store.Receipt(hash); !ok || r != commit.Receipts[0] {
		t.Errorf("receipt of %s: %+v", hash, r)
	}
	n.until("a proof of finality of what is gone", 60*time.Second, func() bool {
		p, _, err := c.FinalityProof(ctx, hash)
		return err == nil && p != nil
	})
	info, err := c.Info(ctx)
	if err != nil || info.Storage == nil || info.Storage.Mode != "pruned" || info.Storage.Base == 0 || len(info.Storage.Archives) < 3 {
		t.Errorf("info: %+v, %v", info.Storage, err)
	}
	for _, id := range info.Storage.Archives {
		if id == kernel.NodeIDOf(n.network(), crypto.NodeKeyFromSeed(n.configs[5].Identity.Key).Public()) {
			t.Errorf("a pruned node passes for an archive")
		}
	}
}

func (n *testNetwork) network() kernel.NetworkID { return n.genesis.NetworkID() }

// TestStranded starts a member that was away while all others let go of what it needs next: it says so, signs nothing, and
// begins again with a certified state. [PRU-7]
func TestStranded(t *testing.T) {
	n := newNetwork(t, 7, coinsEach, staked)
	for i := range 7 {
		n.configs[i].IdlePeriod = 100 * time.Millisecond
		n.configs[i].Pruned, n.configs[i].KeepEpochs = i != 3, 1
		n.start(i)
	}
	ctx, cancel := context.WithTimeout(context.Background(), slow*240*time.Second)
	defer cancel()
	n.until("all are there", 60*time.Second, func() bool { return n.isActive(3, 7) })
	n.stop(3)
	n.until("the others let go of an epoch that it needs", 120*time.Second, func() bool {
		for i := range 7 {
			if i != 3 && n.nodes[i].store.FirstEpoch() < 3 {
				return false
			}
		}
		return true
	})
	n.start(3)
	n.until("it says that nobody keeps what it needs", 60*time.Second, func() bool {
		info, err := n.clients[3].Info(ctx)
		return err == nil && len(info.Reasons) == 1 && info.Reasons[0] == "history_pruned"
	})
	round := n.nodes[3].status.Load().Round
	hash, err := n.clients[0].SendRawTransaction(ctx, n.payment(0, "without it"))
	if err != nil {
		t.Fatal(err)
	}
	n.finalOn(hash, 0, 1, 2)
	if now := n.nodes[3].status.Load().Round; now != round {
		t.Errorf("it signed round %d, and %d, in an epoch that is over", round, now)
	}
	n.stop(3)
	c := &n.configs[3]
	who := InitConfig{Genesis: n.genesis, Key: crypto.NodeKeyFromSeed(c.Identity.Key).Public()}
	if _, err := InitFromNodes(ctx, c.Home, who, n.clients[:3], func(int64) {}); !errors.Is(err, ErrHasFolder) {
		t.Errorf("a state over a folder: %v", err)
	}
	var cp *kernel.Checkpoint
	var aside string
	n.until("a node has a state that is not given to somebody else", 60*time.Second, func() bool {
		var err error
		cp, aside, err = RenewFromNodes(ctx, c.Home, who, n.clients[:3], func(int64) {})
		return err == nil
	})
	if _, err := os.Stat(aside); err != nil {
		t.Errorf("the old folder is not kept: %v", err)
	}
	n.start(3)
	if n.nodes[3].store.LogState() != store.Doubtful {
		t.Errorf("a node that cannot know what it signed is not in doubt")
	}
	began := n.nodes[3].host.Seat().Epoch
	n.until("it signs again", 120*time.Second, func() bool { return n.isActive(3, 7) })
	if now := n.nodes[3].status.Load().seat.Epoch; now < began+2 || n.nodes[3].store.Base() < cp.Index {
		t.Errorf("it signs in epoch %d, having begun in %d behind commit %d", now, began, cp.Index)
	}
}

// importCrashes cuts the power while a state is imported: there is a whole folder or none, and a second try makes one.
func (n *testNetwork) importCrashes(who InitConfig, file []byte, at kernel.CommitIndex) {
	t := n.t
	t.Helper()
	disk := kv.Crashable()
	var left []*kv.CrashFS
	var mu sync.Mutex // the store writes in the background too
	count := 0
	fsys := kv.Faulty(disk)
	fsys.Slow(func(op kv.Operation, _ string) {
		if !op.Changes() {
			return
		}
		mu.Lock()
		defer mu.Unlock()
		if count++; count%9 == 0 || op == kv.OpRename {
			left = append(left, disk.Crash([]int{0, 50, 100}[len(left)%3], uint64(count)))
		}
	})
	const home = "node"
	if _, err := replica.Import(home, n.genesis, who.Key, bytes.NewReader(file), store.Options{FS: fsys}); err != nil {
		t.Fatal(err)
	}
	mu.Lock()
	defer mu.Unlock()
	left = append(left, disk.Crash(0, 1))
	whole := 0
	for i, fsys := range left {
		o := store.Options{FS: fsys}
		if store.Exists(home, o) {
			whole++
		} else if _, err := replica.Import(home, n.genesis, who.Key, bytes.NewReader(file), o); err != nil {
			t.Fatalf("crash %d: import again: %v", i, err)
		}
		s, err := replica.Open(home, n.genesis, who.Key, o)
		if err != nil {
			t.Fatalf("crash %d: %v", i, err)
		}
		if s.Head().Index != at || s.Base() != at || s.LogState() != store.Unused {
			t.Errorf("crash %d: head %d, base %d, log %v", i, s.Head().Index, s.Base(), s.LogState())
		}
		if err := errors.Join(s.Verify(nil), s.Close()); err != nil {
			t.Errorf("crash %d: %v", i, err)
		}
	}
	t.Logf("%d crashes of an import, a whole folder after %d of them", len(left), whole)
	if whole == 0 || whole == len(left) {
		t.Errorf("a whole folder after %d of %d crashes", whole, len(left))
	}
}
