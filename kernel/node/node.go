// Package node is the shell of a kernel node: it owns time, goroutines, sockets and disk, and
// drives the pure cores. One goroutine owns the engine, one executes commits; a pipeline in
// front of the engine verifies what arrives on all cores.
package node

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"github.com/asterism-network/asterism/internal/crypto"
	"github.com/asterism-network/asterism/kernel"
	"github.com/asterism-network/asterism/kernel/internal/coin"
	"github.com/asterism-network/asterism/kernel/internal/engine"
	"github.com/asterism-network/asterism/kernel/internal/p2p"
	"github.com/asterism-network/asterism/kernel/internal/replica"
	"github.com/asterism-network/asterism/kernel/internal/rpc"
	"github.com/asterism-network/asterism/kernel/internal/store"
	"github.com/prometheus/client_golang/prometheus"
)

// A Config is what a node is opened with. It has no test options: what production runs is all
// there is.
type Config struct {
	Home      string // the folder that Init made
	Genesis   *kernel.Genesis
	Identity  Identity
	Listen    string                // host:port for other nodes
	Listener  net.Listener          // instead of Listen, already open
	Addresses []string              // of the genesis' members in their order, "" unknown
	Peers     map[kernel.Key]string // addresses of further nodes, by their keys
	Keyring   string                // file of the keys for checkpoints; "" is next to Home
	RPC       RPCConfig
	Ops       string // host:port for health, metrics and profiles; "" is none

	BatchWindow time.Duration // least time between own snapshots; 0 is 10 ms
	IdlePeriod  time.Duration // the same with nothing to say; 0 is 1 s
	Fanout      int           // nodes that a snapshot is pushed to; 0 is all
	Pruned      bool          // let history go, but for KeepEpochs and the epoch in force
	KeepEpochs  int           // whole epochs before the one in force; at least 1
	Log         *slog.Logger  // nil logs nothing
	Version     string
	Misbehave   Misbehaviour // on purpose, in test networks only

	storage store.Options    // tests put a failing disk below
	wall    func() time.Time // tests let days pass; nil is the machine's clock
	knows   uint32           // tests pretend to know another protocol version; zero is kernel.ProtocolVersion
}

// An Identity is a member's secrets.
type Identity struct {
	Key       [32]byte // RFC 8032 seed of the node key
	CoinShare [32]byte // this member's share of the coin's secret
}

// String hides the secrets.
func (Identity) String() string { return "identity(hidden)" }

// GoString hides the secrets in %#v too.
func (Identity) GoString() string { return "identity(hidden)" }

// An RPCConfig says where and for whom the public interface answers.
type RPCConfig struct {
	Listen     string // host:port; loopback unless TLS and tokens are set
	TLSCert    string
	TLSKey     string
	TokensFile string
}

// ErrExposed refuses an RPC address that strangers could reach without TLS and tokens.
var ErrExposed = rpc.ErrExposed

// ErrIdentity says that the secrets are not those of a member of the genesis.
var ErrIdentity = errors.New("identity is not of this network")

// ErrStateMismatch ends a node whose ledger q members contradict: it must not serve or sign on.
var ErrStateMismatch = errors.New("state_mismatch")

// An InitConfig says whose folder Init makes.
type InitConfig struct {
	Genesis *kernel.Genesis
	Key     kernel.Key // the node's public key
}

// Init makes the folder of a node that has never run: commit 0, and the first record of the
// log, by which an unused log differs from a lost one. It refuses an existing folder.
func Init(home string, c InitConfig) error {
	if err := os.MkdirAll(filepath.Dir(home), 0o700); err != nil {
		return fmt.Errorf("make home: %w", err)
	}
	return replica.Init(home, c.Genesis, c.Key, store.Options{})
}

// ErrState refuses a state that the network's members have not certified.
var ErrState = store.ErrState

// InitFrom makes the folder of a node that goes on from a certified state, as ExportState wrote it, instead of
// from the genesis: nothing in the file is taken for granted. It refuses an existing folder.
func InitFrom(home string, c InitConfig, state io.Reader) (*kernel.Checkpoint, error) {
	if err := os.MkdirAll(filepath.Dir(home), 0o700); err != nil {
		return nil, fmt.Errorf("make home: %w", err)
	}
	return replica.Import(home, c.Genesis, c.Key, state, store.Options{})
}

// Renew is InitFrom for a node that has run before and whose folder is set aside, under the name that it returns: it signs nothing
// in the epoch in force, nor in the one after, because it cannot know what it has signed. It refuses a home without a folder.
func Renew(home string, c InitConfig, state io.Reader) (cp *kernel.Checkpoint, aside string, err error) {
	if !HasFolder(home) {
		return nil, "", fmt.Errorf("%s: %w", home, ErrNoFolder)
	}
	aside = fmt.Sprintf("%s.replaced-%s", home, time.Now().UTC().Format("20060102T150405"))
	cp, err = replica.Renew(home, aside, c.Genesis, c.Key, state, store.Options{})
	return cp, aside, err
}

// HasFolder reports whether a node has run with its folder at home, which Open can open.
func HasFolder(home string) bool { return replica.Exists(home, store.Options{}) }

// A Node is an opened node. Run it once.
type Node struct {
	config    Config
	network   kernel.NetworkID
	id        kernel.NodeID
	key       crypto.NodeKey
	log       *slog.Logger
	started   time.Time
	store     *store.Store
	mesh      *p2p.Mesh
	host      *replica.Host // owned by the loop while running
	replica   *replica.Replica
	rpc       *rpc.Server
	ops       *rpc.Ops
	listeners struct{ mesh, rpc, ops net.Listener }
	breaker   *breaker
	clock     clock
	misdone   sync.Map // misdeeds by their bytes; see Misbehaviour

	inputs   chan delivery
	inFlight *budget // of the bytes in inputs
	queries  chan func(*engine.Engine)
	ordered  chan engine.Ordered
	executed chan engine.Execution
	outbound chan outbound
	left     chan struct{} // a token when signatures were left for later
	enough   chan struct{} // a token when they are enough for a large batch
	serving  chan replica.Serving
	stopped  chan struct{} // closed when the loop has ended

	leisure leisure // of signatures that wait for others

	status  atomic.Pointer[standing]
	head    headSignal
	times   *timeline
	beaten  *beatenList
	rate    rates
	metrics *metrics

	servings  servings
	keyring   *keyring
	certifier *replica.Certifier // owned by certify while running
	ballots   chan ballot

	admissions admissions
	records    pace
	twin       twin
	desk       desk
	door       door
}

// Open opens a node's folder and its listeners. Nothing runs before Run, which closes them.
func Open(c Config) (*Node, error) {
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	if c.BatchWindow <= 0 {
		c.BatchWindow = 10 * time.Millisecond
	}
	if c.IdlePeriod <= 0 {
		c.IdlePeriod = time.Second
	}
	if err := c.Genesis.Check(); err != nil {
		return nil, err
	}
	n := &Node{
		clock:  clock{wall: c.wall},
		config: c, network: c.Genesis.NetworkID(), key: crypto.NodeKeyFromSeed(c.Identity.Key), log: c.Log, started: time.Now(),
		breaker: newBreaker(), inFlight: newBudget(inFlightBytes),
		inputs: make(chan delivery, 1024), queries: make(chan func(*engine.Engine)),
		ordered: make(chan engine.Ordered), executed: make(chan engine.Execution, 64), outbound: make(chan outbound, 64), left: make(chan struct{}, 1), enough: make(chan struct{}, 1),
		serving: make(chan replica.Serving, 64), stopped: make(chan struct{}), ballots: make(chan ballot, ballotsKept),
		times: newTimeline(), beaten: newBeatenList(),
	}
	if err := n.identify(); err != nil {
		return nil, err
	}
	if err := n.breaker.guard(n.open); err != nil {
		n.closeListeners()
		return nil, err
	}
	return n, nil
}

func (n *Node) open() error {
	if err := n.openStore(); err != nil {
		return err
	}
	err := n.assemble()
	if errors.Is(err, replica.ErrLogLost) {
		if err = n.rebuild(err); err == nil {
			err = n.assemble()
		}
	}
	if err != nil && n.store != nil {
		err = errors.Join(err, n.store.Close())
	}
	return err
}

// identify finds the node's place in the roster and checks its secrets against it.
func (n *Node) identify() error {
	if n.config.Misbehave != Behave && !n.config.Genesis.CoinDealt {
		return fmt.Errorf("%w: a node misbehaves on purpose in test networks only", ErrIdentity)
	}
	g := n.config.Genesis
	self := -1
	for i, m := range g.Members {
		if m.Key == n.key.Public() {
			self = i
		}
	}
	n.id = kernel.NodeIDOf(n.network, n.key.Public())
	if self < 0 {
		if g.Stake == nil {
			return fmt.Errorf("%w: key %s is of no member, and members of this network never change", ErrIdentity, n.key.Public())
		}
		return nil // it follows, and becomes a member by the ledger alone
	}
	key, err := coin.NewKey(n.network, 0, g.Roster())
	if err != nil {
		return fmt.Errorf("coin key of genesis: %w", err)
	}
	if _, err = key.Maker(n.config.Identity.CoinShare, kernel.Author(self)); err != nil {
		return fmt.Errorf("%w: the coin share is not that of member %s", ErrIdentity, g.Members[self].Name)
	}
	return nil
}

func (n *Node) assemble() (err error) {
	c := n.config
	registry := prometheus.NewRegistry()
	n.head.set(n.store.Head().Index)
	if err = n.newEngine(); err != nil {
		return err
	}
	if n.listeners.mesh, err = listen(c); err != nil {
		return err
	}
	if n.mesh, err = p2p.New(p2p.Config{
		Network: n.network, Seed: n.key, Members: n.meshMembers(), Listener: n.listeners.mesh, Log: c.Log,
	}); err != nil {
		return err
	}
	n.publish()
	n.metrics = newMetrics(n, registry)
	if n.rpc, err = rpc.New(rpc.Config{
		Listen: c.RPC.Listen, TLSCert: c.RPC.TLSCert, TLSKey: c.RPC.TLSKey, Tokens: c.RPC.TokensFile,
	}, backend{n}, history{n.store, &n.head}, registry, c.Log); err != nil {
		return err
	}
	if n.listeners.rpc, err = n.rpc.Listen(); err != nil {
		return err
	}
	if c.Ops == "" {
		return nil
	}
	if n.ops, err = rpc.NewOps(c.Ops, backend{n}.Info, registry, c.Log); err != nil {
		return err
	}
	n.listeners.ops, err = n.ops.Listen()
	return err
}

// listen opens the address for other nodes; without one the node only dials.
func listen(c Config) (net.Listener, error) {
	if c.Listener != nil || c.Listen == "" {
		return c.Listener, nil
	}
	l, err := net.Listen("tcp", c.Listen)
	if err != nil {
		return nil, fmt.Errorf("listen for nodes: %w", err)
	}
	return l, nil
}

func (n *Node) openStore() (err error) {
	n.store, err = replica.Open(n.config.Home, n.config.Genesis, n.key.Public(), n.storeOptions())
	return err
}

func (n *Node) storeOptions() store.Options {
	options := n.config.storage
	options.Pruned = n.config.Pruned
	options.Fatal = n.breaker.fail
	if options.FoldFirst == 0 {
		options.FoldFirst = 1 + rand.IntN(100) // not when the others of this machine do
	}
	return options
}

// rebuild sets the folder aside and starts an empty one, which fills itself from the other
// members and signs nothing in this epoch. [DAG-30]
func (n *Node) rebuild(cause error) error {
	broken := n.store
	n.store = nil // until there is a new one
	if err := broken.Close(); err != nil {
		return err
	}
	aside := fmt.Sprintf("%s.damaged-%s", n.config.Home, time.Now().UTC().Format("20060102T150405"))
	n.log.Warn("rebuilding from the other members; this node signs nothing in this epoch", "err", cause, "kept", aside)
	s, err := replica.Rebuild(n.config.Home, aside, n.config.Genesis, n.key.Public(), n.storeOptions(), cause)
	if err != nil {
		return err
	}
	n.store = s
	return nil
}

func (n *Node) closeListeners() {
	for _, l := range []net.Listener{n.listeners.mesh, n.listeners.rpc, n.listeners.ops} {
		if l != nil {
			l.Close()
		}
	}
}

// RPCURL is where the public interface answers.
func (n *Node) RPCURL() string {
	scheme := "http"
	if n.config.RPC.TLSCert != "" {
		scheme = "https"
	}
	return scheme + "://" + n.listeners.rpc.Addr().String()
}

// Address is where other nodes reach this one; "" if it only dials.
func (n *Node) Address() string {
	if n.mesh.Addr() == nil {
		return ""
	}
	return n.mesh.Addr().String()
}

// Run runs the node until ctx ends or something fails, and closes it.
func (n *Node) Run(ctx context.Context) error {
	services := []func(context.Context) error{
		n.receive, n.verify, n.loop, n.dispatch, n.execute, n.certify, n.serve, n.prune, n.watchPeers, n.mesh.Run,
		func(ctx context.Context) error { return n.rpc.Run(ctx, n.listeners.rpc) },
	}
	if n.ops != nil {
		services = append(services, func(ctx context.Context) error { return n.ops.Run(ctx, n.listeners.ops) })
	}
	if m := n.config.Misbehave; m == DoubleSpend || m == BadBody {
		services = append(services, n.misdeeds)
	}
	n.log.Info("node starts", "node", n.id.Short(), "name", n.nameOf(n.key.Public()), "network", n.network.Short(),
		"rpc", n.RPCURL(), "commit", n.store.Head().Index, "log", n.store.LogState().String(), "history_from", n.store.Base())
	err := n.breaker.watch(ctx, services)
	if closed := n.close(); err == nil {
		err = closed
	}
	var round kernel.Round // the newest that this node has signed
	if s := n.status.Load(); s != nil {
		round = s.Round
	}
	n.log.Info("node stopped", "node", n.id.Short(), "round", round, "err", err)
	return err
}

// close closes the store unless it has failed. Closing writes too, and may meet the failure.
func (n *Node) close() error {
	if n.breaker.isBroken() {
		return n.breaker.err
	}
	if err := n.breaker.guard(n.store.Close); err != nil {
		return storageError("close store", err)
	}
	return nil
}

// runAll runs the services until ctx ends or any of them returns, then waits for all.
func runAll(ctx context.Context, services ...func(context.Context) error) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var group sync.WaitGroup
	for _, run := range services {
		group.Go(func() { cancel(run(ctx)) })
	}
	group.Wait()
	if err := context.Cause(ctx); err != nil && !errors.Is(err, context.Canceled) {
		return err
	}
	return nil
}
