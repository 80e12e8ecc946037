package node

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/asterism-network/asterism/internal/kv"
	"github.com/asterism-network/asterism/kernel"
	"github.com/asterism-network/asterism/kernel/internal/store"
)

// TestDiskFull starts a node with less free space than its reserve: it stops by name before it
// writes anything, and goes on from its own folder when there is space again.
func TestDiskFull(t *testing.T) {
	n := startNetwork(t, 7)
	n.settle(0, 2)
	n.stop(4)
	n.configs[4].storage.ReserveBytes = 1 << 62
	n.start(4)
	n.settleOn(2, 4, 0, 1, 2, 3, 5, 6)
	n.wantEnd(4, ErrDiskFull)
	n.configs[4].storage.ReserveBytes = 0
	n.start(4)
	n.settle(4, 6)
	n.waitState(4, "active")
	n.sameState(all(7)...)
}

// TestStoreBreaks lets the key-value store of a node report that it cannot go on: the node ends
// in good order, in bounded time, and leaves a folder that can be opened.
func TestStoreBreaks(t *testing.T) {
	n := startNetwork(t, 7)
	n.settle(0, 2)
	broken := errors.New("input/output error")
	go n.nodes[2].breaker.fail(broken)
	n.wantEnd(2, broken)
	if err := n.nodes[2].store.Close(); err != nil { // the end of the process would
		t.Fatal(err)
	}
	n.start(2)
	n.settle(2, 4)
	n.waitState(2, "active")
}

// A fixedFS is a disk whose folders cannot be renamed, like the mount points of a container.
type fixedFS struct {
	kv.FS
	fixed string
}

var errFixed = errors.New("device or resource busy")

func (f fixedFS) Rename(from, to string) error {
	if from == f.fixed {
		return errFixed
	}
	return f.FS.Rename(from, to)
}

// TestCannotSetAside opens a folder without its log that cannot be set aside: the error names
// that, and nothing is changed.
func TestCannotSetAside(t *testing.T) {
	n := startNetwork(t, 7)
	n.settle(0, 2)
	n.stop(3)
	home := n.configs[3].Home
	if err := os.RemoveAll(home + "/log"); err != nil {
		t.Fatal(err)
	}
	for _, fsys := range []kv.FS{fixedFS{kv.Disk(), home}, kv.Disk()} {
		c := n.configs[3]
		c.Listener, c.Listen, c.storage.FS = nil, "127.0.0.1:0", fsys
		node, err := Open(c)
		if fsys == kv.Disk() {
			if err != nil || node.store.LogState() != store.Doubtful {
				t.Fatalf("rebuilt: %v", err)
			}
			node.closeListeners()
			if err := node.store.Close(); err != nil {
				t.Fatal(err)
			}
			continue
		}
		if !errors.Is(err, errFixed) || errors.Is(err, ErrStorage) {
			t.Fatalf("%v, want %v", err, errFixed)
		}
	}
}

// wantEnd waits until a node ends by itself with ErrStorage and the given error.
func (n *testNetwork) wantEnd(i int, want error) {
	n.t.Helper()
	select {
	case err := <-n.done[i]:
		if !errors.Is(err, ErrStorage) || !errors.Is(err, want) {
			n.t.Errorf("node %d ends with %v, want %v", i, err, want)
		}
	case <-time.After(slow * 20 * time.Second):
		n.t.Fatalf("node %d does not end", i)
	}
	n.cancel[i]()
	n.cancel[i] = nil
}

// TestWriteFails runs one node in a process whose files may not grow over 96 KiB: a write to
// its log fails, the process ends with the code for a disk that fails, and starting it again
// with a good disk is the recovery.
func TestWriteFails(t *testing.T) {
	p := newProcesses(t, 7, 200)
	const broken = 5
	p.configure(broken, 96<<10)
	for i := range p.commands {
		p.launch(i)
	}
	ctx, cancel := context.WithTimeout(context.Background(), slow*time.Minute)
	defer cancel()
	for i := range 7 {
		if i != broken {
			p.waitActive(ctx, i)
		}
	}
	ended := make(chan error, 1)
	go func() { ended <- p.commands[broken].Wait() }()
	var raws [][]byte
	var end error
	for i := 0; end == nil; i++ {
		if i == 200 {
			select {
			case end = <-ended:
			case <-ctx.Done():
				t.Fatal("the node outlives its disk")
			}
			break
		}
		raw := p.payment(i, strings.Repeat("x", 200))
		if _, err := p.clients[0].SendRawTransaction(ctx, raw); err != nil {
			t.Fatal(err)
		}
		raws = append(raws, raw)
		select {
		case end = <-ended:
		case <-time.After(50 * time.Millisecond):
		}
	}
	var exit *exec.ExitError
	if !errors.As(end, &exit) || exit.ExitCode() != 74 {
		t.Errorf("ends with %v, want code 74", end)
	}
	log, _ := os.ReadFile(p.file(broken, "log"))
	if !strings.Contains(string(log), "storage_failed") {
		t.Errorf("the log does not name the failure:\n%s", log)
	}
	p.configure(broken, 0)
	p.launch(broken)
	p.settleAll(raws)
	p.checkAll()
	p.endAll()
}

// TestEveryWriteFails lets all files of a running node fail at once. The log meets it first; then
// closing the key-value store does too, and must not keep the process.
func TestEveryWriteFails(t *testing.T) {
	p := newProcesses(t, 7, 10)
	const broken = 4
	for i := range p.commands {
		p.launch(i)
	}
	ctx, cancel := context.WithTimeout(context.Background(), slow*time.Minute)
	defer cancel()
	for i := range p.commands {
		p.waitActive(ctx, i)
	}
	c := p.commands[broken]
	if err := c.Process.Signal(syscall.SIGUSR1); err != nil {
		t.Fatal(err)
	}
	giveUp := time.AfterFunc(slow*20*time.Second, func() { c.Process.Kill() })
	var exit *exec.ExitError
	if err := c.Wait(); !errors.As(err, &exit) || exit.ExitCode() != 74 {
		t.Errorf("ends with %v, want code 74", err)
	}
	giveUp.Stop()
	p.launch(broken)
	p.settleAll([][]byte{p.payment(0, "after")})
	p.checkAll()
	p.endAll()
}

// TestRefusedFolders opens folders that are in use, of another network, of another node, with
// the secrets of a stranger, or not there.
func TestRefusedFolders(t *testing.T) {
	n := newNetwork(t, 7, 4)
	other := newNetwork(t, 7, 5)
	n.start(0)
	free := n.configs[1]
	for _, tt := range []struct {
		name   string
		change func(c *Config)
		want   error
	}{
		{"in use", func(c *Config) { *c = n.configs[0] }, ErrLocked},
		{"another network", func(c *Config) { c.Genesis, c.Identity = other.genesis, other.configs[1].Identity }, ErrNetwork},
		{"another node", func(c *Config) { c.Identity = n.configs[2].Identity }, ErrNode},
		{"a stranger's key", func(c *Config) { c.Identity.Key[0]++; c.Identity.Key[9]++ }, ErrIdentity},
		{"another member's coin share", func(c *Config) { c.Identity.CoinShare = n.configs[2].Identity.CoinShare }, ErrIdentity},
		{"no folder", func(c *Config) { c.Home += "-not-there" }, ErrNoFolder},
		{"exposed", func(c *Config) { c.RPC.Listen = "0.0.0.0:0" }, ErrExposed},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := free
			c.Listener, c.Listen = nil, "127.0.0.1:0"
			tt.change(&c)
			c.Listener, c.Listen = nil, "127.0.0.1:0"
			node, err := Open(c)
			if !errors.Is(err, tt.want) {
				t.Fatalf("%v, want %v", err, tt.want)
			}
			if node != nil {
				t.Error("a node comes with the error")
			}
		})
	}
	n.start(1) // none of the attempts has left a lock or a listener
	n.waitPeers(0, 1)
}

func (n *testNetwork) waitPeers(i, want int) {
	n.t.Helper()
	n.until(fmt.Sprintf("node %d has %d peers", i, want), 10*time.Second, func() bool { return backend{n.nodes[i]}.Info().Peers >= want })
}

// roundOf is the newest round of a node that the next one holds.
func (n *testNetwork) roundOf(i int) kernel.Round {
	return n.nodes[(i+1)%len(n.nodes)].status.Load().Top[i]
}

// copyHome copies a stopped node's folder.
func (n *testNetwork) copyHome(i int) string {
	n.t.Helper()
	to := n.t.TempDir() + "/copy"
	if err := os.CopyFS(to, os.DirFS(n.configs[i].Home)); err != nil {
		n.t.Fatal(err)
	}
	return to
}

// TestRestoredBackup runs a node from a copy of its folder that is older than what it has
// signed: it follows, signs nothing, says why, and remembers that.
func TestRestoredBackup(t *testing.T) {
	n := startNetwork(t, 7)
	n.settle(0, 2)
	n.stop(3)
	backup, signed := n.copyHome(3), n.roundOf(3)
	n.start(3)
	n.settle(2, 4)
	n.until("node 3 signs", 10*time.Second, func() bool { return n.roundOf(3) > signed }) // payments can settle while it still starts
	n.stop(3)
	n.configs[3].Home = backup
	for i := range 2 {
		n.start(3)
		n.waitState(3, "behind")
		reasons := strings.Join(backend{n.nodes[3]}.Info().Reasons, " ")
		if !strings.Contains(reasons, "signer_locked") {
			t.Errorf("reasons: %s", reasons)
		}
		n.settle(4+i, 5+i)
		n.stop(3)
	}
	n.start(3)
	n.settle(6, 7)
	n.sameState(all(7)...)
	n.noFaults()
}

// TestSecondCopy starts a copy of a running node's folder on another address: the copy notices
// and signs nothing, and the network goes on.
func TestSecondCopy(t *testing.T) {
	n := startNetwork(t, 7)
	n.settle(0, 2)
	n.stop(3)
	second := n.configs[3]
	second.Home = n.copyHome(3)
	second.Listener, second.Listen = nil, "127.0.0.1:0"
	n.start(3)
	n.waitState(3, "active")
	n.settle(2, 4)
	node, err := Open(second)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- node.Run(ctx) }()
	n.until("the second copy signs nothing", 10*time.Second, func() bool {
		s := backend{node}.Info()
		return s.State == "behind" && len(s.Reasons) > 0 && s.Reasons[0] == "signer_locked"
	})
	n.settleOn(4, 6, 0, 1, 2, 4, 5, 6)
	cancel()
	if err := <-done; err != nil {
		t.Error(err)
	}
	n.settle(6, 8)
	n.waitState(3, "active")
	n.noFaults()
}

func (n *testNetwork) noFaults() {
	n.t.Helper()
	for i, node := range n.nodes {
		if faults := node.store.Faults(0, 10); len(faults) > 0 {
			n.t.Errorf("node %d: faults %+v", i, faults)
		}
		if forked := node.status.Load().Forked; forked != 0 {
			n.t.Errorf("node %d: equivocations by %v", i, forked)
		}
	}
}
