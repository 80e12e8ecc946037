package client_test

import (
	"context"
	"errors"
	"flag"
	"io"
	"math/rand/v2"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/asterism-network/asterism/kernel"
	"github.com/asterism-network/asterism/kernel/client"
	"github.com/asterism-network/asterism/kernel/internal/rpc"
	"github.com/asterism-network/asterism/kernel/internal/rpc/rpctest"
)

var first = flag.Uint64("first", 0, "seed of the first random run; 0 takes the clock")

// A cutter is a proxy in front of a node that cuts connections after a random number of bytes.
type cutter struct {
	listener net.Listener
	target   string

	mu     sync.Mutex
	random *rand.Rand // guarded by mu
	cuts   int
}

func newCutter(t *testing.T, target string, random *rand.Rand) *cutter {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	c := &cutter{listener: l, target: strings.TrimPrefix(target, "http://"), random: random}
	ctx, cancel := context.WithCancel(context.Background())
	var open sync.WaitGroup
	open.Go(func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			open.Go(func() { c.carry(ctx, conn) })
		}
	})
	t.Cleanup(func() { cancel(); l.Close(); open.Wait() })
	return c
}

// carry passes bytes both ways until the cut.
func (c *cutter) carry(ctx context.Context, near net.Conn) {
	defer near.Close()
	defer context.AfterFunc(ctx, func() { near.Close() })()
	far, err := net.Dial("tcp", c.target)
	if err != nil {
		return
	}
	defer far.Close()
	c.mu.Lock()
	budget := int64(c.random.IntN(10_000))
	if c.cuts++; c.cuts > 5 && c.random.IntN(4) == 0 {
		budget = 1 << 20 // more than a page: there is always a way through in the end
	}
	c.mu.Unlock()
	defer context.AfterFunc(ctx, func() { far.Close() })()
	go func() { _, _ = io.Copy(far, near); far.Close() }()
	_, _ = io.CopyN(near, far, budget)
}

// TestStreamResumes: whatever is cut, every commit comes exactly once and in order, with the
// bytes of its transactions.
func TestStreamResumes(t *testing.T) {
	seed := *first
	if seed == 0 {
		seed = uint64(time.Now().UnixNano())
	}
	random := rand.New(rand.NewPCG(seed, 1))
	n := rpctest.New(t, 40)
	through := newCutter(t, rpctest.Serve(t, n, rpc.Config{}), random)
	c := client.New("http://"+through.listener.Addr().String(), client.WithAttempts(5, time.Millisecond))

	const last = 60
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	go func() {
		rng := rand.New(rand.NewPCG(seed, 2))
		for i := range last {
			if i < 40 {
				if _, err := n.Submit(ctx, n.Payment(t, i, 1)); err != nil {
					t.Error(err)
				}
			}
			n.Commit()
			time.Sleep(time.Duration(rng.IntN(15)) * time.Millisecond)
		}
	}()
	next, final := kernel.CommitIndex(0), 0
	for commit, err := range c.Commits(ctx, 0) {
		if err != nil {
			t.Fatalf("%v after commit %d\nreplay: go test ./kernel/client -run StreamResumes -first %d", err, next, seed)
		}
		if commit.Index != next {
			t.Fatalf("commit %d where %d follows\nreplay: go test ./kernel/client -run StreamResumes -first %d", commit.Index, next, seed)
		}
		for _, tx := range commit.Transactions {
			if _, err := tx.Decode(); err != nil {
				t.Fatal(err)
			}
			final++
		}
		if next++; commit.Index == last {
			break
		}
	}
	if want := 41; final != want { // the genesis balances are one transaction
		t.Errorf("%d final transactions, want %d", final, want)
	}
	through.mu.Lock()
	defer through.mu.Unlock()
	if through.cuts < 3 {
		t.Errorf("only %d connections: nothing was cut", through.cuts)
	}
}

// TestStreamSurvivesRestart: the node goes away and comes back at the same address.
func TestStreamSurvivesRestart(t *testing.T) {
	n := rpctest.New(t, 1)
	url, stop := rpctest.Start(t, n, rpc.Config{})
	c := client.New(url, client.WithAttempts(1, 5*time.Millisecond))
	next := kernel.CommitIndex(0)
	for commit, err := range c.Commits(t.Context(), 0) {
		if err != nil {
			t.Fatal(err)
		}
		if commit.Index != next {
			t.Fatalf("commit %d where %d follows", commit.Index, next)
		}
		switch next++; commit.Index {
		case 0:
			go n.Commit()
		case 1:
			stop()
			n.Commit()
			_, stop = rpctest.Start(t, n, rpc.Config{Listen: strings.TrimPrefix(url, "http://")})
			defer stop()
		case 2:
			go n.Commit()
		case 3:
			return
		}
	}
	t.Fatal("the stream ended")
}

// TestStreamEndsWithContext: the loop learns why it ended.
func TestStreamEndsWithContext(t *testing.T) {
	url := rpctest.Serve(t, rpctest.New(t, 1), rpc.Config{})
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	seen := 0
	for commit, err := range client.New(url).Commits(ctx, 0) {
		if commit != nil {
			seen++
			cancel()
			continue
		}
		if !errors.Is(err, context.Canceled) {
			t.Fatal(err)
		}
		if seen != 1 {
			t.Fatalf("%d commits", seen)
		}
		return
	}
	t.Fatal("the loop ended without an error")
}

// TestSlowReader: a reader who takes its time is fed from history, and nobody waits for it.
func TestSlowReader(t *testing.T) {
	n := rpctest.New(t, 1)
	c := client.New(rpctest.Serve(t, n, rpc.Config{}))
	const last = 300
	next := kernel.CommitIndex(0)
	for commit, err := range c.Commits(t.Context(), 0) {
		if err != nil || commit.Index != next {
			t.Fatalf("commit %v where %d follows: %v", commit, next, err)
		}
		if next++; commit.Index == 0 {
			for range last { // all at once, while the reader sleeps
				n.Commit()
			}
			time.Sleep(50 * time.Millisecond)
		}
		if commit.Index == last {
			return
		}
	}
}

// TestTruncatedCommits: what a commit came without is fetched; what nobody has ends the loop.
func TestTruncatedCommits(t *testing.T) {
	n := rpctest.New(t, 2)
	c := client.New(rpctest.Serve(t, n, rpc.Config{}))
	for i := range 2 {
		if _, err := n.Submit(t.Context(), n.Payment(t, i, 1)); err != nil {
			t.Fatal(err)
		}
		n.Commit()
	}
	n.Lose(1, false)
	n.Lose(2, true)
	for commit, err := range c.Commits(t.Context(), 1) {
		if err != nil {
			if !errors.Is(err, client.ErrPruned) {
				t.Fatal(err)
			}
			break
		}
		if commit.Index != 1 || commit.Truncated {
			t.Fatalf("%+v", commit)
		}
		if _, err := commit.Transactions[0].Decode(); err != nil {
			t.Fatal(err)
		}
	}
	if commit, err := c.Commit(t.Context(), 1); err != nil || commit.Truncated || commit.Transactions[0].Hex == "" {
		t.Errorf("%+v %v", commit, err)
	}
}
