package node

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"sync"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/asterism-network/asterism/kernel"
	"github.com/asterism-network/asterism/kernel/client"
	"github.com/asterism-network/asterism/kernel/internal/store"
)

var killFor = flag.Duration("kill", 5*time.Second, "how long TestKill kills nodes")

// childEnv names the file that turns the test program into one node.
const childEnv = "ASTERISM_TEST_NODE"

func TestMain(m *testing.M) {
	if file := os.Getenv(childEnv); file != "" {
		if err := runChild(file); err != nil {
			fmt.Fprintln(os.Stderr, "node:", err)
			os.Exit(74)
		}
		os.Exit(0)
	}
	goleak.VerifyTestMain(m,
		goleak.IgnoreAnyFunction("net/http.(*persistConn).readLoop"), // of clients that the tests keep
		goleak.IgnoreAnyFunction("net/http.(*persistConn).writeLoop"),
		goleak.IgnoreAnyFunction("github.com/asterism-network/asterism/kernel/node.(*breaker).fail"), // stays by design
	)
}

// A childConfig is what a node in a process of its own is told.
type childConfig struct {
	Home       string
	Genesis    json.RawMessage
	Key, Share [32]byte
	Listen     string
	Addresses  []string
	RPC        string
	FileLimit  uint64 // bytes that the system lets a file grow to; 0 is no limit
}

func runChild(file string) error {
	b, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	var c childConfig
	if err := json.Unmarshal(b, &c); err != nil {
		return err
	}
	g, err := kernel.ParseGenesis(c.Genesis)
	if err != nil {
		return err
	}
	if c.FileLimit > 0 {
		limit := syscall.Rlimit{Cur: c.FileLimit, Max: c.FileLimit}
		if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &limit); err != nil {
			return err
		}
	}
	n, err := Open(Config{
		Home: c.Home, Genesis: g, Identity: Identity{Key: c.Key, CoinShare: c.Share}, Listen: c.Listen,
		Addresses: c.Addresses, RPC: RPCConfig{Listen: c.RPC}, Log: slog.New(slog.NewTextHandler(os.Stderr, nil)),
	})
	if err != nil {
		return err
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	go failOnSignal()
	return n.Run(ctx)
}

// failOnSignal lets every write to a file fail from SIGUSR1 on.
func failOnSignal() {
	asked := make(chan os.Signal, 1)
	signal.Notify(asked, syscall.SIGUSR1)
	<-asked
	limit := syscall.Rlimit{Cur: 0, Max: 0}
	_ = syscall.Setrlimit(syscall.RLIMIT_FSIZE, &limit)
}

// processes are the nodes of a network, each in a process of its own.
type processes struct {
	*testNetwork
	dir      string
	commands []*exec.Cmd
}

func newProcesses(t *testing.T, k, coins int) *processes {
	t.Helper()
	p := &processes{testNetwork: newNetwork(t, k, coins), dir: t.TempDir(), commands: make([]*exec.Cmd, k)}
	for i, c := range p.configs {
		c.Listener.Close()
		rpc := freeAddress(t)
		p.clients[i] = client.New("http://" + rpc)
		p.configs[i].RPC.Listen = rpc
		p.configure(i, 0)
	}
	t.Cleanup(func() {
		if t.Failed() {
			p.showLogs()
		}
		for i, c := range p.commands {
			if c != nil {
				p.kill(i)
			}
		}
	})
	return p
}

// configure writes what the process of node i is told.
func (p *processes) configure(i int, fileLimit uint64) {
	p.t.Helper()
	genesis, err := p.genesis.MarshalIndentJSON()
	if err != nil {
		p.t.Fatal(err)
	}
	c := p.configs[i]
	b, err := json.Marshal(childConfig{c.Home, genesis, c.Identity.Key, c.Identity.CoinShare, p.addresses[i], p.addresses, c.RPC.Listen, fileLimit})
	if err != nil {
		p.t.Fatal(err)
	}
	if err := os.WriteFile(p.file(i, "json"), b, 0o600); err != nil {
		p.t.Fatal(err)
	}
}

func freeAddress(t *testing.T) string {
	t.Helper()
	l := listenFixed(t)
	defer l.Close()
	return l.Addr().String()
}

func (p *processes) file(i int, kind string) string {
	return filepath.Join(p.dir, fmt.Sprintf("%d.%s", i, kind))
}

func (p *processes) launch(i int) {
	p.t.Helper()
	log, err := os.OpenFile(p.file(i, "log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		p.t.Fatal(err)
	}
	defer log.Close()
	c := exec.Command(os.Args[0])
	c.Env = append(os.Environ(), childEnv+"="+p.file(i, "json"))
	c.Stderr = log
	if err := c.Start(); err != nil {
		p.t.Fatal(err)
	}
	p.commands[i] = c
}

// kill ends a node as a power switch would, as far as the process can tell.
func (p *processes) kill(i int) {
	_ = p.commands[i].Process.Kill()
	_ = p.commands[i].Wait()
	p.commands[i] = nil
}

// TestKill kills two of seven nodes at a time, at random moments, while payments go on. In the
// end everything that was accepted is final on all nodes, all have the same state, nobody
// signed twice and every supply is right.
func TestKill(t *testing.T) {
	if testing.Short() {
		*killFor = min(*killFor, 2*time.Second)
	}
	const k = 7
	p := newProcesses(t, k, 600)
	for i := range k {
		p.launch(i)
	}
	ctx, cancel := context.WithTimeout(context.Background(), slow*time.Minute)
	defer cancel()
	for i := range k {
		p.waitActive(ctx, i)
	}
	stop := make(chan struct{})
	var payers sync.WaitGroup
	var raws [][]byte
	payers.Go(func() { raws = p.payUntil(stop) })
	kills := 0
	for began := time.Now(); time.Since(began) < *killFor; {
		time.Sleep(time.Duration(rand.IntN(800)) * time.Millisecond)
		victims := rand.Perm(k)[:2]
		for _, i := range victims {
			p.kill(i)
			kills++
		}
		time.Sleep(time.Duration(rand.IntN(100)) * time.Millisecond)
		for _, i := range victims {
			p.launch(i)
		}
	}
	close(stop)
	payers.Wait()
	again := p.settleAll(raws)
	t.Logf("%d kills, %d payments accepted, %d submitted again because the nodes that held them were killed", kills, len(raws), again)
	p.checkAll()
	p.endAll()
}

// payUntil submits payments one after the other, each to three nodes as clients should, and
// returns those that a node accepted.
func (p *processes) payUntil(stop chan struct{}) (raws [][]byte) {
	multi := client.NewMulti(p.clients, 3)
	ctx, cancel := context.WithTimeout(context.Background(), *killFor+slow*time.Minute)
	defer cancel()
	for i := 0; i < len(p.coins); i++ {
		select {
		case <-stop:
			return raws
		default:
		}
		raw := p.payment(i, "kill")
		if _, err := multi.SendRawTransaction(ctx, raw); err == nil {
			raws = append(raws, raw)
		}
		time.Sleep(20 * time.Millisecond)
	}
	return raws
}

// settleAll waits until every payment is final on every node. What only killed nodes held is
// lost with their memory, and the client's to submit again.
func (p *processes) settleAll(raws [][]byte) (again int) {
	p.t.Helper()
	if len(raws) == 0 {
		p.t.Fatal("no payment was accepted")
	}
	ctx, cancel := context.WithTimeout(context.Background(), slow*time.Minute)
	defer cancel()
	for i := range p.clients {
		p.waitActive(ctx, i)
	}
	for _, raw := range raws {
		if p.known(ctx, txHash(p.t, raw)) {
			continue
		}
		again++
		if _, err := p.clients[0].SendRawTransaction(ctx, raw); err != nil {
			p.t.Error(err)
		}
	}
	for _, raw := range raws {
		for i, c := range p.clients {
			if _, err := c.WaitFinal(ctx, txHash(p.t, raw)); err != nil {
				p.t.Fatalf("node %d: %v", i, err)
			}
		}
	}
	return again
}

// known reports whether any node has or had the transaction.
func (p *processes) known(ctx context.Context, hash kernel.TxHash) bool {
	for _, c := range p.clients {
		if status, err := c.TransactionStatus(ctx, hash); err == nil && status.State != client.Unknown {
			return true
		}
	}
	return false
}

func (p *processes) waitActive(ctx context.Context, i int) {
	p.t.Helper()
	for seen := "silent"; ; time.Sleep(100 * time.Millisecond) {
		info, err := p.clients[i].Info(ctx)
		if err == nil && info.State == "active" {
			return
		}
		if err == nil {
			seen = fmt.Sprintf("%s %v at round %d with %d peers", info.State, info.Reasons, info.Round, info.Peers)
		}
		if ctx.Err() != nil {
			log, _ := os.ReadFile(p.file(i, "log"))
			p.t.Fatalf("node %d was %s: %v\n%s", i, seen, err, log[max(len(log)-8000, 0):])
		}
	}
}

func (p *processes) checkAll() {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), slow*time.Minute)
	defer cancel()
	low := ^kernel.CommitIndex(0)
	for i, c := range p.clients {
		info, err := c.Info(ctx)
		if err != nil {
			p.t.Fatalf("node %d: %v", i, err)
		}
		low = min(low, info.Head.Index)
	}
	var digest kernel.Digest
	for i, c := range p.clients {
		commit, err := c.Commit(ctx, low)
		if err != nil {
			p.t.Fatalf("node %d: %v", i, err)
		}
		if i > 0 && commit.Digest != digest {
			p.t.Errorf("commit %d: node %d has state %s, node 0 %s", low, i, commit.Digest, digest)
		}
		digest = commit.Digest
		if supply, err := c.Supply(ctx); err != nil || !supply.OK {
			p.t.Errorf("node %d: supply %+v, %v", i, supply, err)
		}
		if faults, err := c.Faults(ctx, 0, 10); err != nil || len(faults.Items) > 0 {
			p.t.Errorf("node %d: faults %+v, %v", i, faults.Items, err)
		}
		graph, err := c.Graph(ctx, 0, 0)
		if err != nil || len(graph.Equivocations) > 0 {
			p.t.Errorf("node %d: equivocations %+v, %v", i, graph.Equivocations, err)
		}
	}
}

// endAll stops the nodes in good order and reads their folders again from end to end.
func (p *processes) endAll() {
	p.t.Helper()
	for _, c := range p.commands {
		_ = c.Process.Signal(syscall.SIGTERM)
	}
	for i, c := range p.commands {
		if err := c.Wait(); err != nil {
			p.t.Errorf("node %d: %v", i, err)
		}
		p.commands[i] = nil
	}
	for i, c := range p.configs {
		key := p.genesis.Members[i].Key
		s, err := store.Open(c.Home, p.genesis.NetworkID(), kernel.NodeIDOf(p.genesis.NetworkID(), key), store.Options{})
		if err != nil {
			p.t.Fatal(err)
		}
		if err := errors.Join(s.Verify(nil), s.Close()); err != nil {
			p.t.Errorf("node %d: %v", i, err)
		}
	}
}

func (p *processes) showLogs() {
	for i := range p.commands {
		b, _ := os.ReadFile(p.file(i, "log"))
		p.t.Logf("node %d:\n%s", i, b[max(0, len(b)-3000):])
	}
}
