// Package validator is one CometBFT validator in a process of its own, tuned for throughput, with
// the load generator inside: payments are handed to its mempool by a function call, which no
// client of a real validator could do, and which costs less than any interface.
package validator

import (
	"cmp"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"time"

	"github.com/cometbft/cometbft/config"
	"github.com/cometbft/cometbft/types"
)

// A Spec is all that a validator's process is told when it starts.
type Spec struct {
	Home     string   // its folder; the files of the network are in it
	Index    int      // its place among the validators
	Peers    []string // id@host:port of all validators, by place
	Chain    string
	Genesis  string // file: the transactions whose outputs the network begins with
	Payments string // file: the payments that it submits, in order
	Lanes    int    // of its own payments: each spends what the one so many before it left
	Tuning   Tuning
	Profile  string `json:",omitempty"` // file: a CPU profile of the process, for whoever tunes it
}

// A Tuning is what a user can choose about how transactions travel. The rest of the configuration
// is the same in all runs, see settings.
type Tuning string

// The tunings.
const (
	Flood Tuning = "flood" // every transaction to every peer that did not send it: CometBFT's default, and the reference
	Two   Tuning = "two"   // each validator passes transactions on to two peers (an experimental option of CometBFT)
	Quiet Tuning = "quiet" // transactions stay where they were submitted until that validator proposes a block
)

// Tunings lists them.
var Tunings = []Tuning{Flood, Two, Quiet}

// BlockBytes is the most that a block may hold.
const BlockBytes = 8 << 20

// gcPercent is that of the Kernel's nodes: memory for CPU.
const gcPercent = 300

// MaxProcs is on how many threads a validator runs at once: on those that the machine has, but on one where it has fewer than
// there are validators. Seven that take two each on two threads wake, spin and collect garbage in each other's way: a payment
// costs them an eighth more.
func MaxProcs(validators int) int {
	if all := runtime.GOMAXPROCS(0); os.Getenv("GOMAXPROCS") != "" || all >= validators {
		return all
	}
	return 1
}

// Names of the files in a validator's folder.
const (
	keyFile   = "key.json"
	stateFile = "signed.json"
	nodeFile  = "node.json"
	docFile   = "genesis.json"
)

// settings is the tuned configuration. What differs from CometBFT's defaults, and why:
// logs, index, responses and rechecks cost time and nobody reads them; timers and sleeps that
// make sense over a wide network are latency on loopback; rate limits and small packets hold a
// local network back; the event bus runs beside the consensus instead of within it.
func settings(s *Spec) *config.Config {
	c := config.DefaultConfig().SetRoot(s.Home)
	c.Moniker = fmt.Sprintf("validator %d", s.Index)
	c.Genesis, c.NodeKey = docFile, nodeFile
	c.PrivValidatorKey, c.PrivValidatorState = keyFile, stateFile
	c.DBBackend = "goleveldb"
	c.EventBusBufferCapacity = 100_000
	c.RPC.ListenAddress = ""
	c.TxIndex.Indexer = "null"
	c.Storage.DiscardABCIResponses = true

	c.Consensus.TimeoutCommit = 0
	c.Consensus.SkipTimeoutCommit = true
	c.Consensus.CreateEmptyBlocks = false
	c.Consensus.PeerGossipSleepDuration = 5 * time.Millisecond

	c.Mempool.Recheck = false
	c.Mempool.Size = 100_000
	c.Mempool.CacheSize = 400_000
	c.Mempool.MaxTxBytes = 1 << 20

	_, address, _ := strings.Cut(s.Peers[s.Index], "@")
	c.P2P.ListenAddress = "tcp://" + address
	c.P2P.PersistentPeers = strings.Join(s.Peers[:s.Index], ",") // those above dial us
	c.P2P.AllowDuplicateIP = true
	c.P2P.AddrBookStrict = false
	c.P2P.AddrBook = "addresses.json"
	c.P2P.PexReactor = false
	c.P2P.FlushThrottleTimeout = 5 * time.Millisecond
	c.P2P.MaxPacketMsgPayloadSize = 64 << 10
	c.P2P.SendRate, c.P2P.RecvRate = 1e9, 1e9
	switch s.Tuning {
	case Two:
		c.Mempool.ExperimentalMaxGossipConnectionsToPersistentPeers = 1
		c.Mempool.ExperimentalMaxGossipConnectionsToNonPersistentPeers = 1
	case Quiet:
		c.Mempool.Broadcast = false
	}
	return c
}

// parameters are the consensus parameters of the network.
func parameters() *types.ConsensusParams {
	p := types.DefaultConsensusParams()
	p.Block.MaxBytes = BlockBytes
	return p
}

// Settings names the tuned values for reports.
func Settings(t Tuning) map[string]string {
	c := settings(&Spec{Home: ".", Peers: []string{"id@127.0.0.1:0"}, Tuning: t})
	return map[string]string{
		"db_backend":                 c.DBBackend,
		"tx_index":                   c.TxIndex.Indexer,
		"mempool.type":               c.Mempool.Type,
		"mempool.broadcast":          fmt.Sprint(c.Mempool.Broadcast),
		"mempool.gossip":             string(t),
		"mempool.recheck":            fmt.Sprint(c.Mempool.Recheck),
		"discard_abci_responses":     fmt.Sprint(c.Storage.DiscardABCIResponses),
		"event_bus_buffer_capacity":  fmt.Sprint(c.EventBusBufferCapacity),
		"block.max_bytes":            fmt.Sprint(BlockBytes),
		"timeout_commit":             c.Consensus.TimeoutCommit.String(),
		"skip_timeout_commit":        fmt.Sprint(c.Consensus.SkipTimeoutCommit),
		"create_empty_blocks":        fmt.Sprint(c.Consensus.CreateEmptyBlocks),
		"peer_gossip_sleep_duration": c.Consensus.PeerGossipSleepDuration.String(),
		"flush_throttle_timeout":     c.P2P.FlushThrottleTimeout.String(),
		"max_packet_payload":         fmt.Sprint(c.P2P.MaxPacketMsgPayloadSize),
		"send_rate":                  fmt.Sprint(c.P2P.SendRate),
		"recv_rate":                  fmt.Sprint(c.P2P.RecvRate),
		"rpc":                        "off: payments are submitted by a function call inside the validator",
		"abci":                       "local, one lock for each connection",
		"gogc":                       cmp.Or(os.Getenv("GOGC"), strconv.Itoa(gcPercent)),
	}
}

func (s *Spec) file(name string) string { return filepath.Join(s.Home, name) }
