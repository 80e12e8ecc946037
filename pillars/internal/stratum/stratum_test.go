package stratum

import (
	"bufio"
	"context"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"log/slog"
	"math"
	"net"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/holiman/uint256"
	"go.uber.org/goleak"

	"github.com/asterism-network/asterism/internal/kv"
	"github.com/asterism-network/asterism/pillars"
	"github.com/asterism-network/asterism/pillars/internal/chain"
	"github.com/asterism-network/asterism/pillars/internal/forge"
	"github.com/asterism-network/asterism/pillars/internal/mining"
	"github.com/asterism-network/asterism/pillars/internal/pow"
	"github.com/asterism-network/asterism/pillars/internal/store"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// A node is a real chain on the devnet's rules, without a network around it.
type node struct {
	params pillars.Params
	caches *mining.Caches
	data   *pow.Dataset
	forge  *forge.Forge
	mu     sync.Mutex
	chain  *chain.Chain
}

var payee = pillars.PubKeyHashAddress([20]byte{1, 2, 3})

func newNode(t testing.TB, difficulty uint64) *node {
	n := &node{params: pillars.Devnet()}
	n.params.Genesis = pillars.GenesisParams{Timestamp: uint32(time.Now().Unix()) - 100, Text: "stratum",
		Outputs: []pillars.GenesisOutput{{Address: payee.Text(n.params.Address), Value: pillars.ETP}}}
	n.params.PoW.Minimum, n.params.PoW.Scale = *uint256.NewInt(difficulty), 256
	n.caches = mining.NewCaches(pow.Sizes(n.params.Ethash))
	var err error
	if n.data, err = mining.NewDataset(context.Background(), n.caches.Cache(0), 1, nil); err != nil {
		t.Fatal(err)
	}
	o := chain.Options{Workers: 1, Store: store.Options{FS: kv.Memory(), Engine: kv.Plain}}
	if err := chain.Create("/node", &n.params, o); err != nil {
		t.Fatal(err)
	}
	if n.chain, err = chain.Open("/node", &n.params, n.caches, o); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = n.chain.Close() })
	n.forge = forge.New(forge.Options{Params: &n.params, Caches: n.caches, Node: n, Log: slog.New(slog.DiscardHandler)})
	n.forge.SetMining(forge.Mining{Pay: payee})
	return n
}

func (n *node) Store() *store.Store                                          { return n.chain.Store() }
func (n *node) Waiting(context.Context, int) ([]*pillars.Transaction, error) { return nil, nil }
func (n *node) Standing() forge.Standing                                     { return forge.Standing{Synced: true, Outbound: 1} }

func (n *node) Give(_ context.Context, b *pillars.Block) error {
	n.mu.Lock()
	defer n.mu.Unlock()
	r, err := n.chain.Block(0, b, uint32(time.Now().Unix()))
	for _, e := range r.Events {
		n.forge.Observe(e.Block, e.Kind == chain.Connected)
	}
	if err == nil {
		err = r.Rule
	}
	return err
}

func serve(t testing.TB, n *node, o Options) *Server {
	o.Listen = "127.0.0.1:0"
	s, err := Listen(n.forge, o)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	return s
}

// A client is a miner.
type client struct {
	t      testing.TB
	conn   net.Conn
	lines  *bufio.Reader
	id     int
	pushed []map[string]any
}

func dial(t testing.TB, s *Server) *client {
	conn, err := net.Dial("tcp", s.Address())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	_ = conn.SetDeadline(time.Now().Add(3 * time.Minute))
	return &client{t: t, conn: conn, lines: bufio.NewReader(conn)}
}

func (c *client) read() map[string]any {
	c.t.Helper()
	text, err := c.lines.ReadString('\n')
	if err != nil {
		c.t.Fatal("read: ", err)
	}
	var m map[string]any
	if err := json.Unmarshal([]byte(text), &m); err != nil {
		c.t.Fatalf("%q: %v", text, err)
	}
	return m
}

// call sends a request and returns its answer; what is pushed meanwhile is kept.
func (c *client) call(method string, params ...any) (result any, fault string) {
	c.t.Helper()
	c.id++
	if params == nil {
		params = []any{}
	}
	b, _ := json.Marshal(map[string]any{"id": c.id, "method": method, "params": params})
	if _, err := c.conn.Write(append(b, '\n')); err != nil {
		c.t.Fatal(err)
	}
	for {
		m := c.read()
		if id, ok := m["id"].(float64); !ok || int(id) != c.id {
			c.pushed = append(c.pushed, m)
			continue
		}
		switch e := m["error"].(type) {
		case []any:
			return nil, e[1].(string)
		case map[string]any:
			return nil, e["message"].(string)
		}
		return m["result"], ""
	}
}

// next returns the next pushed message of a method; of ethproxy, without one.
func (c *client) next(method string) map[string]any {
	c.t.Helper()
	for {
		for i, m := range c.pushed {
			if got, _ := m["method"].(string); got == method {
				c.pushed = append(c.pushed[:i], c.pushed[i+1:]...)
				return m
			}
		}
		c.pushed = append(c.pushed, c.read())
	}
}

// A task is what a miner of EthereumStratum works on.
type task struct {
	id     string
	head   [32]byte
	prefix string
	target uint256.Int
}

// login subscribes and returns the first task.
func (c *client) login() task {
	c.t.Helper()
	r, fault := c.call("mining.subscribe", "testminer/1", "EthereumStratum/1.0.0")
	if fault != "" {
		c.t.Fatal(fault)
	}
	prefix := r.([]any)[1].(string)
	if r, fault := c.call("mining.authorize", "me.rig", "x"); fault != "" || r != true {
		c.t.Fatal(r, fault)
	}
	d := c.next("mining.set_difficulty")["params"].([]any)[0].(float64)
	return c.task(prefix, d)
}

func (c *client) task(prefix string, difficulty float64) task {
	p := c.next("mining.notify")["params"].([]any)
	k := task{id: p[0].(string), prefix: prefix}
	copy(k.head[:], must(hex.DecodeString(p[2].(string))))
	// 0xffff·2^208 / difficulty, as miners compute it
	unit := new(uint256.Int).Lsh(uint256.NewInt(0xffff), 208)
	k.target.Div(unit.Lsh(unit, 16), uint256.NewInt(uint64(math.Round(difficulty*(1<<48)))))
	k.target.Lsh(&k.target, 32)
	return k
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// mine finds a nonce within the connection's part, the first from a place on.
func (k *task) mine(with pow.Hasher, from uint64) (rest string, next uint64) {
	prefix := binary.BigEndian.Uint16(must(hex.DecodeString(k.prefix)))
	for n := from; ; n++ {
		_, result := with.Hash(k.head, uint64(prefix)<<48|n)
		var got uint256.Int
		if got.SetBytes32(result[:]); !got.Gt(&k.target) {
			return fmt.Sprintf("%012x", n), n + 1
		}
	}
}

// TestMineABlock: a miner of EthereumStratum mines real blocks on a real chain, over loopback.
func TestMineABlock(t *testing.T) {
	n := newNode(t, 256)
	s := serve(t, n, Options{})
	c := dial(t, s)
	k := c.login()
	for height := uint32(1); height <= 3; height++ {
		rest, _ := k.mine(n.data, 0)
		if r, fault := c.call("mining.submit", "me.rig", k.id, rest); fault != "" || r != true {
			t.Fatal(r, fault)
		}
		tip := n.Store().Tip()
		if tip.Branch.Number != height {
			t.Fatalf("the chain is at %d, want %d", tip.Branch.Number, height)
		}
		b, err := n.Store().Block(tip.ID())
		if err != nil || string(b.Transactions[0].Outputs[0].Script) != string(payee.Script()) {
			t.Fatalf("pays somebody else: %v", err)
		}
		if _, fault := c.call("mining.submit", "me.rig", k.id, rest); fault != "stale_work" {
			t.Errorf("work on the old tip: %q", fault)
		}
		d := c.next("mining.set_difficulty")["params"].([]any)[0].(float64)
		k = c.task(k.prefix, d)
	}
	m := s.Miners()
	if len(m) != 1 || m[0].Name != "me.rig" || m[0].Agent != "testminer/1" || m[0].Blocks != 3 || m[0].Accepted != 3 {
		t.Errorf("%+v", m)
	}
}

// TestEthproxy: the same in the other dialect.
func TestEthproxy(t *testing.T) {
	n := newNode(t, 256)
	c := dial(t, serve(t, n, Options{}))
	if _, fault := c.call("eth_getWork"); fault != "unauthorized" {
		t.Errorf("before the login: %q", fault)
	}
	if r, fault := c.call("eth_submitLogin", "me.rig"); fault != "" || r != true {
		t.Fatal(r, fault)
	}
	w := c.next("")["result"].([]any)
	r, fault := c.call("eth_getWork")
	if fault != "" || fmt.Sprint(r) != fmt.Sprint(w) {
		t.Fatalf("pushed %v, asked %v, %q", w, r, fault)
	}
	head := must(hex.DecodeString(w[0].(string)[2:]))
	boundary := must(hex.DecodeString(w[2].(string)[2:]))
	sol := must(mining.Search(context.Background(), n.data, pow.Work{Head: [32]byte(head), Boundary: [32]byte(boundary)}, 5, 1))
	nonce, mix := fmt.Sprintf("0x%016x", sol.Nonce), "0x"+hex.EncodeToString(sol.Mix[:])
	if _, fault := c.call("eth_submitWork", nonce, w[0], "0x"+strings.Repeat("00", 31)+"01"); fault != "wrong_mix" {
		t.Errorf("another mix: %q", fault)
	}
	if r, fault := c.call("eth_submitWork", nonce, w[0], mix); fault != "" || r != true {
		t.Fatal(r, fault)
	}
	if n.Store().Tip().Branch.Number != 1 {
		t.Error("no block")
	}
	if _, fault := c.call("mining.subscribe", "x"); fault != "mixed_dialects" {
		t.Errorf("%q", fault)
	}
}

// TestShares: shares below a block count, repeated and low ones do not, and each connection searches its own ground.
func TestShares(t *testing.T) {
	n := newNode(t, 1<<40)
	s := serve(t, n, Options{Share: 64})
	one, two := dial(t, s), dial(t, s)
	k, l := one.login(), two.login()
	if k.prefix == l.prefix || k.head != l.head {
		t.Errorf("parts %s and %s, heads %x and %x", k.prefix, l.prefix, k.head[:4], l.head[:4])
	}
	with := n.data
	rest, next := k.mine(with, 0)
	if r, fault := one.call("mining.submit", "a", k.id, rest); r != true {
		t.Fatal(fault)
	}
	if _, fault := one.call("mining.submit", "a", k.id, rest); fault != "duplicate_work" {
		t.Errorf("the same share: %q", fault)
	}
	if second, _ := k.mine(with, next); true {
		if r, fault := one.call("mining.submit", "a", k.id, "0x"+second); r != true {
			t.Error(fault)
		}
	}
	faults := map[string]int{}
	for i := range uint64(12) {
		_, fault := one.call("mining.submit", "a", k.id, fmt.Sprintf("%012x", next+i))
		faults[fault]++
	}
	if faults["low_difficulty"] < 8 {
		t.Errorf("shares of no worth: %v", faults)
	}
	for _, tt := range []struct{ job, nonce, want string }{
		{"0123456789abcdef", "000000000000", "stale_work"},
		{k.id, "00", "nonce: want 6 bytes of hex digits"},
		{k.id, "zzzzzzzzzzzz", "nonce: want 6 bytes of hex digits"},
	} {
		if _, fault := two.call("mining.submit", "a", tt.job, tt.nonce); fault != tt.want {
			t.Errorf("%s %s: %q, want %q", tt.job, tt.nonce, fault, tt.want)
		}
	}
	if n.Store().Tip().Branch.Number != 0 {
		t.Error("a share became a block")
	}
}

// TestBounds: what hostile clients meet.
func TestBounds(t *testing.T) {
	gone := func(t *testing.T, c *client) {
		t.Helper()
		for {
			if _, err := c.lines.ReadByte(); err != nil {
				return
			}
		}
	}
	t.Run("a line without end", func(t *testing.T) {
		s := serve(t, newNode(t, 256), Options{})
		c := dial(t, s)
		_, _ = c.conn.Write([]byte(strings.Repeat("x", maxLine+1)))
		gone(t, c)
		gone(t, dial(t, s)) // banned
	})
	t.Run("no messages", func(t *testing.T) {
		s := serve(t, newNode(t, 256), Options{})
		c := dial(t, s)
		_, _ = c.conn.Write([]byte(strings.Repeat("hello\n", brokenBefore)))
		gone(t, c)
		gone(t, dial(t, s))
	})
	t.Run("too many messages", func(t *testing.T) {
		s := serve(t, newNode(t, 256), Options{})
		c := dial(t, s)
		go func() { _, _ = c.conn.Write([]byte(strings.Repeat(`{"id":1,"method":"x","params":[]}`+"\n", 3*burst))) }()
		gone(t, c)
	})
	t.Run("shares that are none", func(t *testing.T) {
		s := serve(t, newNode(t, 1<<60), Options{})
		c := dial(t, s)
		k := c.login()
		for i := range badBefore {
			_, _ = fmt.Fprintf(c.conn, `{"id":9,"method":"mining.submit","params":["a","%s","%012x"]}`+"\n", k.id, i)
		}
		gone(t, c)
		gone(t, dial(t, s))
	})
	t.Run("too many connections", func(t *testing.T) {
		s := serve(t, newNode(t, 256), Options{PerHost: 2})
		one, two := dial(t, s), dial(t, s)
		one.login()
		two.login()
		gone(t, dial(t, s))
		_ = one.conn.Close()
		for i := 0; ; i++ {
			c := dial(t, s)
			if _, err := fmt.Fprintln(c.conn, `{"id":1,"method":"x"}`); err == nil {
				if _, err := c.lines.ReadByte(); err == nil {
					break // there is room again
				}
			}
			if i == 100 {
				t.Fatal("a place is not given back")
			}
			time.Sleep(10 * time.Millisecond)
		}
	})
}

// TestDifficulty: what a miner makes of the decimal number covers the block's target, and hardly more.
func TestDifficulty(t *testing.T) {
	for _, hashes := range []uint64{64, 4096, 65_536, 1 << 24, 914_572_800, 1 << 45, 987_654_321_987} {
		want := target(hashes)
		d := difficulty(hashes)
		unit, _ := new(uint256.Int).Lsh(uint256.NewInt(0xffff), 208).Float64(), 0
		most, low := unit/d, want.Float64()
		if most < low || most > low*(1+2e-6) {
			t.Errorf("%d hashes: a miner's target is %g of the right one", hashes, most/low)
		}
		if !enough(want.Bytes32(), hashes) {
			t.Errorf("%d hashes: the target itself is not enough", hashes)
		}
		var twice uint256.Int
		if twice.Lsh(&want, 1); enough(twice.Bytes32(), hashes) {
			t.Errorf("%d hashes: twice the target is enough", hashes)
		}
	}
}

func FuzzRequest(f *testing.F) {
	f.Add([]byte(`{"id":1,"method":"mining.submit","params":["a","b","c"]}`))
	f.Add([]byte(`{"id":[1],"method":"eth_submitWork","params":["0x00",1,null],"worker":"w"}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		r, err := parseRequest(text)
		if err != nil {
			return
		}
		if r.Method == "" || len(r.ID) > maxID || len(name(r.Worker)) > maxName {
			t.Fatalf("%+v", r)
		}
		if b := reply(r.ID, r.text(0), nil, len(text)%2 == 0); !json.Valid(b) {
			t.Fatalf("%q", b)
		}
	})
}

// TestVarDiff: shares get harder and easier by at most four at a time, towards one in ten seconds, and never without end.
func TestVarDiff(t *testing.T) {
	s := newSession(&Server{o: Options{VarDiff: true}.filled()}, nil, netip.Addr{}, 0)
	window := func(shares int) uint64 {
		s.window = time.Now().Add(-countFor)
		s.worth = uint64(shares) * s.share
		s.adjust()
		return s.share
	}
	if got := window(6); got != startShare {
		t.Errorf("a share in ten seconds: %d, want %d as before", got, uint64(startShare))
	}
	if got := window(12); got != 2*startShare {
		t.Errorf("twice as many: %d, want twice", got)
	}
	if got := window(600); got != 8*startShare {
		t.Errorf("very many: %d, want four times", got)
	}
	if got := window(1); got != 2*startShare {
		t.Errorf("few: %d, want a quarter", got)
	}
	for range 40 {
		window(0)
	}
	if s.share != leastShare {
		t.Errorf("none at all: %d", s.share)
	}
	s.window = time.Now()
	if before := s.share; func() uint64 { s.adjust(); return s.share }() != before {
		t.Error("changed within a window")
	}
}
