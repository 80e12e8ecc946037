package validator

import (
	"bufio"
	"context"
	"encoding/gob"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"runtime/pprof"
	"time"

	"github.com/asterism-network/asterism/bench/compare/internal/app"
	"github.com/asterism-network/asterism/internal/kv"
	"github.com/asterism-network/asterism/kernel"
	abci "github.com/cometbft/cometbft/abci/types"
	"github.com/cometbft/cometbft/config"
	"github.com/cometbft/cometbft/libs/log"
	"github.com/cometbft/cometbft/mempool"
	"github.com/cometbft/cometbft/node"
	"github.com/cometbft/cometbft/p2p"
	"github.com/cometbft/cometbft/privval"
	"github.com/cometbft/cometbft/proxy"
)

// A Command is one line of a validator's input. It answers each with a line of Counters. Its
// input's end is its own.
type Command struct {
	Do     string  // "count", "saturate", "pace", "halt", "report"
	Window int     `json:",omitempty"` // saturate: payments in flight
	Rate   float64 `json:",omitempty"` // pace: payments a second
	Start  int64   `json:",omitempty"` // pace: when the first is due, ns of Unix time
}

// Counters are a validator's totals since it started.
type Counters struct {
	Peers     int
	Height    int64
	Submitted int
	Left      int // payments not submitted yet
	Final     int // own payments that are in a block and applied here
	Refused   int // own payments that the mempool refused
	Flight    int
	Paid      int    // payments applied, whoever submitted them
	Sent      int64  // bytes to peers, encryption included
	Error     string `json:",omitempty"`
}

// A Report is what a validator writes to ReportFile when it is asked to.
type Report struct {
	Own    []Own
	Blocks []Applied
}

// ReportFile is the name of the Report in the validator's folder.
const ReportFile = "report.gob"

// Run is the life of a validator's process.
func Run(specFile string, in io.Reader, out io.Writer) (err error) {
	s, err := readSpec(specFile)
	if err != nil {
		return err
	}
	runtime.GOMAXPROCS(MaxProcs(len(s.Peers)))
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(gcPercent)
	}
	if s.Profile != "" {
		f, err := os.Create(s.Profile)
		if err != nil {
			return err
		}
		if err := pprof.StartCPUProfile(f); err != nil {
			return err
		}
		defer f.Close()
		defer pprof.StopCPUProfile()
	}
	payments, err := ReadTransactions(s.Payments)
	if err != nil {
		return err
	}
	ledger, err := app.Open(kv.Disk(), filepath.Join(s.Home, "ledger"))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, ledger.Close()) }()
	l := newLoad(payments, s.Lanes)
	n, err := start(s, ledger, l)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, n.Stop()); n.Wait() }()
	l.submit = func(raw []byte) error { return submit(n.Mempool(), raw) }
	return obey(s, n, l, in, out)
}

func readSpec(name string) (*Spec, error) {
	text, err := os.ReadFile(name)
	if err != nil {
		return nil, err
	}
	s := new(Spec)
	if err := json.Unmarshal(text, s); err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return s, nil
}

func start(s *Spec, ledger *app.Ledger, l *load) (*node.Node, error) {
	c := settings(s)
	if err := c.ValidateBasic(); err != nil {
		return nil, err
	}
	key, err := p2p.LoadNodeKey(c.NodeKeyFile())
	if err != nil {
		return nil, err
	}
	application := app.New(ledger, func() ([]*kernel.Transaction, error) { return readGenesis(s.Genesis) })
	application.Committed = l.committed
	n, err := node.NewNode(c, privval.LoadFilePV(c.PrivValidatorKeyFile(), c.PrivValidatorStateFile()), key,
		proxy.NewConnSyncLocalClientCreator(application), node.DefaultGenesisDocProviderFunc(c),
		config.DefaultDBProvider, node.DefaultMetricsProvider(c.Instrumentation),
		log.NewFilter(log.NewTMLogger(log.NewSyncWriter(os.Stderr)), log.AllowError()))
	if err != nil {
		return nil, err
	}
	return n, n.Start()
}

// submit hands a payment to the mempool, as a validator's own interface would.
func submit(m mempool.Mempool, raw []byte) error {
	var refused error
	err := m.CheckTx(raw, func(r *abci.ResponseCheckTx) { refused = refusal(r.Code) }, mempool.TxInfo{})
	return errors.Join(err, refused)
}

// obey carries out commands until the input ends.
func obey(s *Spec, n *node.Node, l *load, in io.Reader, out io.Writer) error {
	stop := func() {}
	defer func() { stop() }()
	lines := bufio.NewScanner(in)
	for lines.Scan() {
		var c Command
		if err := json.Unmarshal(lines.Bytes(), &c); err != nil {
			return fmt.Errorf("command %q: %w", lines.Text(), err)
		}
		var failed error
		switch c.Do {
		case "count":
		case "saturate", "pace":
			stop()
			stop = begin(l, c)
		case "halt":
			stop()
			stop = func() {}
		case "report":
			failed = writeReport(s.file(ReportFile), l)
		default:
			return fmt.Errorf("unknown command %q", c.Do)
		}
		if err := answer(out, n, l, failed); err != nil {
			return err
		}
	}
	return lines.Err()
}

// begin starts a load; the function that it returns ends it.
func begin(l *load, c Command) (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		if c.Do == "saturate" {
			l.saturate(ctx, c.Window)
		} else {
			l.pace(ctx, c.Rate, time.Unix(0, c.Start))
		}
	}()
	return func() {
		cancel()
		<-done
	}
}

func answer(out io.Writer, n *node.Node, l *load, failed error) error {
	c := l.counters()
	n.Switch().Peers().ForEach(func(peer p2p.Peer) {
		c.Peers++
		c.Sent += peer.Status().SendMonitor.Bytes
	})
	if failed != nil {
		c.Error = failed.Error()
	}
	line, err := json.Marshal(c)
	if err != nil {
		return err
	}
	_, err = out.Write(append(line, '\n'))
	return err
}

func writeReport(name string, l *load) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	f, err := os.Create(name)
	if err != nil {
		return err
	}
	return errors.Join(gob.NewEncoder(f).Encode(Report{l.own, l.blocks}), f.Close())
}

// ReadReport reads what a validator wrote.
func ReadReport(home string) (r Report, err error) {
	f, err := os.Open(filepath.Join(home, ReportFile))
	if err != nil {
		return r, err
	}
	defer f.Close()
	return r, gob.NewDecoder(f).Decode(&r)
}
