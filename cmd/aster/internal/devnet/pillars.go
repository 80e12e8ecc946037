package devnet

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/asterism-network/asterism/internal/keystore"
	"github.com/asterism-network/asterism/pillars"
	"github.com/asterism-network/asterism/pillars/client"
	"github.com/asterism-network/asterism/pillars/wallet"
	"github.com/holiman/uint256"
)

// PillarsNodes is how many nodes of the public chain a devnet has.
const PillarsNodes = 3

// PillarsOptions say what network of the public chain to make.
type PillarsOptions struct {
	Home  string // a folder; the network goes into one below it
	Base  int    // RPC of node i listens on Base+i; 0 is any free ports
	Seed  uint64 // equal seeds make equal keys; 0 is fresh ones
	Apart bool   // every connection goes through a line that can be cut
}

// PillarsFacts are all that a script needs to use the public chain of a devnet.
type PillarsFacts struct {
	Network string          `json:"network"`
	Genesis string          `json:"genesis"` // file
	Wallets string          `json:"wallets"` // folder of data (ASTER_HOME) with the nodes' wallets; their passphrase is "devnet"
	Nodes   []PillarsMember `json:"nodes"`
}

// A PillarsMember is one node of the public chain, and the wallet that it mines and stakes for.
type PillarsMember struct {
	Name    string `json:"name"`
	RPC     string `json:"rpc"` // URL
	Ops     string `json:"ops"` // URL
	P2P     string `json:"p2p"` // host:port
	Home    string `json:"home"`
	Log     string `json:"log"`
	Wallet  string `json:"wallet"`
	Address string `json:"address"`
	Words   string `json:"words"`
}

// A Pillars is a network of the public chain on this machine: three processes that mine and stake at the speed of a
// devnet, with wallets whose words everybody may know.
type Pillars struct {
	Facts   PillarsFacts
	params  pillars.Params
	options PillarsOptions
	lines   [PillarsNodes][PillarsNodes]*line // from a node to one before it
	clients []*client.Client
	wallets []*wallet.Wallet // in memory, with the same keys as the files
	sources []wallet.Node
	owners  []pillars.Address // whose outputs stake
	purses  []pillars.Address // whose outputs pay; nothing is locked at them, so they never stake

	mu      sync.Mutex
	running [PillarsNodes]*process // nil while it is down
	extra   [PillarsNodes][]string // flags of the next start
}

// What each wallet starts with: outputs to stake, and one to spend.
const (
	stakesEach = 2
	spendEach  = 1_000_000 * pillars.ETP
)

// pillarsParams is the devnet's profile at the speed of three processes on one machine that do other things too: a block every
// two seconds, one of ten under stake.
func pillarsParams() pillars.Params {
	p := pillars.Devnet()
	p.PoW.Minimum = *uint256.NewInt(6144)
	return p
}

// hashesEach is how many hashes a second each node tries.
const hashesEach = 1000

// MakePillars deals the keys and makes the nodes' homes.
func MakePillars(ctx context.Context, o PillarsOptions) (p *Pillars, err error) {
	p = &Pillars{options: o, params: pillarsParams()}
	home := filepath.Join(o.Home, "pillars")
	if err := os.MkdirAll(home, 0o700); err != nil {
		return nil, err
	}
	p.Facts = PillarsFacts{Network: p.params.Name, Genesis: filepath.Join(home, "genesis.json"), Wallets: home}
	ports := newPorts(o.Base)
	defer ports.release()
	for i := range PillarsNodes {
		m := PillarsMember{Name: fmt.Sprintf("pillars-%d", i+1), Wallet: fmt.Sprintf("pillars-%d", i+1)}
		m.Home, m.Log = filepath.Join(home, m.Name), filepath.Join(home, m.Name+".log")
		for _, at := range []struct {
			shift  int
			prefix string
			to     *string
		}{{-1010, "", &m.P2P}, {0, "http://", &m.RPC}, {1000, "http://", &m.Ops}} {
			port, _, err := ports.take(o.Base+at.shift+i+1, PillarsNodes)
			if err != nil {
				return nil, err
			}
			*at.to = fmt.Sprintf("%s127.0.0.1:%d", at.prefix, port)
		}
		p.Facts.Nodes = append(p.Facts.Nodes, m)
	}
	if err := p.endow(home); err != nil {
		return nil, err
	}
	ports.release()
	return p, p.makeHomes(ctx)
}

// endow makes the wallets and the genesis that pays to them.
func (p *Pillars) endow(home string) error {
	random := randomness(p.options.Seed)
	words := make([]string, PillarsNodes)
	p.params.Genesis = pillars.GenesisParams{Timestamp: uint32(time.Now().Unix()) - 60, Text: Warning}
	for i := range words {
		var err error
		if words[i], err = wallet.NewWords(random, 24); err != nil {
			return err
		}
		seed, err := wallet.Seed(words[i], "")
		if err != nil {
			return err
		}
		w, err := wallet.New(seed, p.params)
		if err != nil {
			return err
		}
		owner, err := w.Address("direct/0", wallet.Receive, 0)
		if err != nil {
			return err
		}
		purse, err := w.Address("direct/0", wallet.Receive, 1)
		if err != nil {
			return err
		}
		text := owner.Address.Text(p.params.Address)
		p.Facts.Nodes[i].Words, p.Facts.Nodes[i].Address = words[i], text
		p.owners, p.purses = append(p.owners, owner.Address), append(p.purses, purse.Address)
		for range stakesEach {
			p.params.Genesis.Outputs = append(p.params.Genesis.Outputs, pillars.GenesisOutput{Address: text, Value: p.params.Stake.Minimum})
		}
		p.params.Genesis.Outputs = append(p.params.Genesis.Outputs, pillars.GenesisOutput{
			Address: purse.Address.Text(p.params.Address), Value: spendEach,
		})
	}
	for i, m := range p.Facts.Nodes {
		if err := p.openWallet(home, words[i], &m); err != nil {
			return err
		}
	}
	text, err := p.params.MarshalJSON()
	if err != nil {
		return err
	}
	if err := os.WriteFile(p.Facts.Genesis, append(text, '\n'), 0o600); err != nil {
		return err
	}
	return os.WriteFile(p.passphraseFile(), []byte(walletPassphrase+"\n"), 0o600)
}

const walletPassphrase = "devnet"

func (p *Pillars) passphraseFile() string { return filepath.Join(p.Facts.Wallets, "passphrase") }

// openWallet writes a node's wallet for the node, and keeps one of the same keys in memory.
func (p *Pillars) openWallet(home, words string, m *PillarsMember) error {
	at := wallet.Location{
		Dir: filepath.Join(home, "wallets", "pillars-"+p.params.Name), Name: m.Wallet, Params: p.params, Passphrase: []byte(walletPassphrase),
		Cost: keystore.DefaultCost,
	}
	file, err := wallet.Create(at, words, "", time.Now())
	if err != nil {
		return err
	}
	if err := file.Close(); err != nil {
		return err
	}
	seed, err := wallet.Seed(words, "")
	if err != nil {
		return err
	}
	w, err := wallet.New(seed, p.params)
	if err != nil {
		return err
	}
	c := client.New(m.RPC)
	p.wallets, p.clients = append(p.wallets, w), append(p.clients, c)
	p.sources = append(p.sources, wallet.From(c, &p.params))
	return nil
}

// makeHomes has each node's home made by the daemon's own command.
func (p *Pillars) makeHomes(ctx context.Context) error {
	for i, m := range p.Facts.Nodes {
		peers := ""
		for j := range i {
			address := p.Facts.Nodes[j].P2P
			if p.options.Apart {
				l, err := newLine(address)
				if err != nil {
					return err
				}
				p.lines[i][j], address = l, l.address()
			}
			if peers != "" {
				peers += ","
			}
			peers += address
		}
		args := []string{
			"pillarsd", "init", "--home", m.Home, "--genesis", p.Facts.Genesis, "--listen", m.P2P, "--rpc", m.RPC[len("http://"):],
			"--ops.listen", m.Ops[len("http://"):], "--peers", peers, "--alone", "true", "--find", "false", "--name", m.Name,
			"--mine", m.Address, "--mine.cpu", "1", "--mine.rate", fmt.Sprint(hashesEach), "--stake", m.Wallet, "--stake.min_inbound", "0", "--log.format", "text",
		}
		r, err := launch(m.Name, m.Log, args...)
		if err != nil {
			return err
		}
		if err := r.wait(ctx); err != nil {
			return fmt.Errorf("make %s: %w; see %s", m.Home, err, m.Log)
		}
	}
	return nil
}

// start starts a node, or starts it again.
func (p *Pillars) start(i int) error {
	m := p.Facts.Nodes[i]
	args := append([]string{
		"pillarsd", "run", "--home", m.Home, "--wallets", p.Facts.Wallets, "--passphrase-file", p.passphraseFile(), "--until-stdin-ends",
	}, p.extra[i]...)
	r, err := launch(m.Name, m.Log, args...)
	if err != nil {
		return err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.running[i] = r
	return nil
}

// kill ends a node as a power cut would, and waits until it is gone.
func (p *Pillars) kill(i int) {
	p.mu.Lock()
	r := p.running[i]
	p.running[i] = nil
	p.mu.Unlock()
	if r != nil {
		r.kill()
		<-r.ended()
	}
}

// stopAll stops every node and waits for it.
func (p *Pillars) stopAll() {
	p.mu.Lock()
	all := p.running
	p.running = [PillarsNodes]*process{}
	p.mu.Unlock()
	for _, r := range all {
		if r != nil {
			r.stop()
		}
	}
	for _, r := range all {
		if r != nil {
			<-r.ended()
		}
	}
	for i := range p.lines {
		for _, l := range p.lines[i] {
			if l != nil {
				l.close()
			}
		}
	}
}

// failed returns the error of a node that ended by itself, if any has.
func (p *Pillars) failed() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	for i, r := range p.running {
		if r == nil {
			continue
		}
		select {
		case err := <-r.ended():
			p.running[i] = nil
			return errors.Join(err, errEnded)
		default:
		}
	}
	return nil
}

// Run runs the nodes, with stakes locked so that all of them stake, until ctx ends. Ready is called when they do.
func (p *Pillars) Run(ctx context.Context, ready func()) error {
	defer p.stopAll()
	if err := p.begin(ctx); err != nil {
		return err
	}
	ready()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(200 * time.Millisecond):
			if err := p.failed(); err != nil {
				return err
			}
		}
	}
}

// begin starts all nodes and locks a stake in each wallet.
func (p *Pillars) begin(ctx context.Context) error {
	for i := range PillarsNodes {
		if err := p.start(i); err != nil {
			return err
		}
	}
	if err := p.until(ctx, "all nodes have a block", func() (bool, error) {
		for _, c := range p.clients {
			if t, err := c.Tip(ctx); err != nil || t.Height == 0 {
				return false, nil
			}
		}
		return true, nil
	}); err != nil {
		return err
	}
	const long = 1_000_000 // blocks: for as long as any devnet runs
	for i, w := range p.wallets {
		d, err := p.draft(ctx, i, func(o wallet.Options) (*wallet.Draft, error) {
			return w.LockStake(p.owners[i], p.params.Stake.Locked, long, o)
		})
		if err != nil {
			return fmt.Errorf("lock a stake: %w", err)
		}
		if err := p.settled(ctx, i, d); err != nil {
			return err
		}
	}
	return nil
}

// stepLimit is how long one step of a network that does nothing else may take on a machine that does much else.
const stepLimit = 4 * time.Minute

// until waits until something holds.
func (p *Pillars) until(ctx context.Context, what string, holds func() (bool, error)) error {
	ctx, cancel := context.WithTimeout(ctx, stepLimit)
	defer cancel()
	for {
		ok, err := holds()
		if err == nil && !ok {
			err = p.failed()
		}
		if ok || err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("not in time: %s: %w", what, context.Cause(ctx))
		case <-time.After(100 * time.Millisecond):
		}
	}
}

// draft makes and signs a transaction of a wallet: of the outputs that pay and those that carry something, so that those that stake stay,
// and with the change where the payment came from.
func (p *Pillars) draft(ctx context.Context, i int, how func(wallet.Options) (*wallet.Draft, error)) (*wallet.Draft, error) {
	w := p.wallets[i]
	if _, err := w.Scan(ctx, p.sources[i]); err != nil {
		return nil, err
	}
	o := wallet.Options{Account: "direct/0", ChangeTo: p.purses[i]}
	for k := range o.Seed {
		o.Seed[k] = byte(rand.IntN(256))
	}
	for _, c := range w.Coins() {
		if c.Purse.Address == p.purses[i] || c.Output.Output.Attachment.Payload != nil {
			o.Coins = append(o.Coins, c.Point)
		}
	}
	d, err := how(o)
	if err != nil {
		return nil, err
	}
	_, err = w.Sign(d)
	return d, err
}

// settled broadcasts a draft and waits until every node that runs has it in a block.
func (p *Pillars) settled(ctx context.Context, i int, d *wallet.Draft) error {
	tx, err := p.wallets[i].Broadcast(ctx, p.sources[i], d, "")
	if err != nil {
		return err
	}
	return p.until(ctx, "transaction "+tx.ID().Short()+" is in a block everywhere", func() (bool, error) {
		for j, c := range p.clients {
			p.mu.Lock()
			up := p.running[j] != nil
			p.mu.Unlock()
			if !up {
				continue
			}
			if t, err := c.Transaction(ctx, tx.ID()); err != nil || t.State != "confirmed" {
				return false, nil
			}
		}
		return true, nil
	})
}
