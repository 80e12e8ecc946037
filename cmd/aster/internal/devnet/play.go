package devnet

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"sync"
	"time"

	"github.com/asterism-network/asterism/cmd/internal/kerneld"
	"github.com/asterism-network/asterism/kernel"
	"github.com/asterism-network/asterism/kernel/client"
	"github.com/asterism-network/asterism/kernel/wallet"
)

// A scenario is a story that a network of its own goes through, with payments all the while.
const (
	scenarioEpoch   = 60   // commits
	scenarioAppeal  = 60   // commits in which an appeal could be made
	scenarioVotes   = 1800 // commits in which one is made and voted on: an idle machine makes three hundred a second
	scenarioTraffic = 10.  // payments a second

	scenarioPayments = 100 // at least, beside a story that is told faster
	scenarioLimit    = 8 * time.Minute
)

// ScenarioOptions makes a network with short epochs and windows, whose custodian holds what XIN the
// users have not. With an appeal there is time to vote on it.
func ScenarioOptions(o Options, appeal bool) Options {
	stake, window := kernel.DefaultStake(), uint64(scenarioAppeal)
	if appeal {
		window = scenarioVotes
	}
	stake.AppealWindow = window
	stake.Motion.Window, stake.Motion.Delay = window, 10
	o.Stake, o.EpochLength, o.CheckpointPeriod = stake, scenarioEpoch, 200*time.Millisecond
	return o
}

// A play is a scenario under way.
type play struct {
	*session
	crowd  *crowd
	holder *wallet.Wallet // the custodian's: most of the XIN
}

// run starts the network, lets payments flow beside the story, and checks at the end that all nodes
// that are left agree. The report is filled as far as the story came.
func (n *Network) run(ctx context.Context, progress Progress, story func(context.Context, *play) error) (f FlowReport, gap time.Duration, root kernel.Digest, supply bool, err error) {
	ctx, cancel := context.WithTimeout(ctx, scenarioLimit)
	defer cancel()
	s := &session{Network: n, say: progress.Say, running: make([]running, len(n.members))}
	for _, m := range n.members {
		s.clients = append(s.clients, client.New(m.RPC))
	}
	s.watch = newWatch(s.clients, true)
	defer s.stopAll()
	for i := range n.members {
		if err := s.start(i); err != nil {
			return f, 0, root, false, err
		}
	}
	if err := s.ready(ctx); err != nil {
		return f, 0, root, false, err
	}
	remove, err := n.Facts.write()
	if err != nil {
		return f, 0, root, false, err
	}
	defer remove()
	p := &play{session: s}
	if p.crowd, err = newCrowd(s.watch, n.Facts.Network); err != nil {
		return f, 0, root, false, err
	}
	if p.holder, err = p.walletOf(custodianWords); err != nil {
		return f, 0, root, false, err
	}
	if progress.Ready != nil {
		progress.Ready(&n.Facts)
	}
	following, unfollow := context.WithCancel(context.WithoutCancel(ctx))
	var watching sync.WaitGroup
	defer watching.Wait()
	defer unfollow()
	watching.Go(func() { s.watch.run(following) })
	told, err := p.tell(ctx, following, &watching, story)
	f, gap = p.watch.flowReport()
	if err = errors.Join(told, err); err != nil {
		return f, gap, root, false, err
	}
	report, err := s.check(ctx)
	if report != nil {
		root, supply = report.LedgerRoot, report.SupplyOK
	}
	return f, gap, root, supply, err
}

// tell runs the story with payments beside it, and waits until all of those are final.
func (p *play) tell(ctx, following context.Context, watching *sync.WaitGroup, story func(context.Context, *play) error) (told, err error) {
	healthy, unhealthy := context.WithCancelCause(ctx)
	defer unhealthy(nil)
	watching.Go(func() {
		if trouble := p.guard(following); trouble != nil {
			unhealthy(trouble)
		}
	})
	paying, stop := context.WithCancel(healthy)
	var payments sync.WaitGroup
	payments.Go(func() { p.crowd.traffic(paying, scenarioTraffic, p.options.Seed) })
	if told = story(healthy, p); told == nil {
		told = p.until(healthy, fmt.Sprintf("%d payments are final", scenarioPayments), func(context.Context) (bool, error) {
			f, _ := p.watch.flowReport()
			return f.Final >= scenarioPayments, nil
		})
	}
	if cause := context.Cause(healthy); cause != nil && told != nil && !errors.Is(told, cause) {
		told = fmt.Errorf("%w (%w)", told, cause)
	}
	stop()
	payments.Wait()
	if told != nil {
		return told, nil
	}
	finishing, cancel := context.WithTimeout(healthy, finalLimit)
	defer cancel()
	if err := p.watch.until(finishing, func() bool { return len(p.watch.payments) == p.watch.rejected }); err != nil {
		p.watch.mu.Lock()
		defer p.watch.mu.Unlock()
		return nil, fmt.Errorf("%s: %w", p.watch.undone(), err)
	}
	return nil, nil
}

func (p *play) walletOf(words string) (*wallet.Wallet, error) {
	account, err := accountOf(words)
	if err != nil {
		return nil, err
	}
	return wallet.New(wallet.AccountKeys(account), p.Facts.Network, 0), nil
}

// pay sends a request of the holder and waits until it is final.
func (p *play) pay(ctx context.Context, reference string, r wallet.Request) (*kernel.Transaction, error) {
	network := wallet.Network{Source: p.watch.feed, Submitter: client.NewMulti(p.clients, 2)}
	payment, err := p.holder.Send(ctx, network, reference, r)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", reference, err)
	}
	tx := new(kernel.Transaction)
	return tx, tx.UnmarshalBinary(payment.Signed())
}

// until asks a node again and again, until the answer is yes.
func (p *play) until(ctx context.Context, what string, ask func(context.Context) (bool, error)) error {
	p.say("waiting: %s", what)
	began := time.Now()
	var last error
	for {
		yes, err := ask(ctx)
		if yes {
			p.say("%s, after %.1f s", what, time.Since(began).Seconds())
			return nil
		}
		if last = err; err != nil && !temporaryTrouble(err) {
			return fmt.Errorf("%s: %w", what, err)
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("%s: not in time: %w", what, errors.Join(context.Cause(ctx), last))
		case <-time.After(100 * time.Millisecond):
		}
	}
}

// errOver says that what is waited for cannot come any more.
var errOver = errors.New("it is too late")

// temporaryTrouble tells a node that is busy from one that says no.
func temporaryTrouble(err error) bool {
	var refusal *client.Error
	return !errors.Is(err, errOver) && (!errors.As(err, &refusal) || refusal.Name == "rate_limited" || refusal.Name == "not_ready" || refusal.Name == "record_epoch")
}

// member asks for what the ledger knows of a member.
func (p *play) member(ctx context.Context, key kernel.Key) (client.MemberRecord, error) {
	members, err := p.clients[0].Members(ctx)
	for _, m := range members {
		if m.Key == key {
			return m, nil
		}
	}
	if err == nil {
		err = errNoMember
	}
	return client.MemberRecord{}, err
}

var errNoMember = errors.New("the ledger knows no such member")

// bring submits a record of the present epoch to two nodes, again if an epoch ended meanwhile.
func (p *play) bring(ctx context.Context, kind kernel.RecordKind, payload []byte, key kernel.NodeKey) error {
	for {
		info, err := p.clients[0].Info(ctx)
		if err != nil {
			return err
		}
		r := kernel.Record{Kind: kind, Network: p.Facts.Network, Epoch: info.EpochNumber, Signer: key.Public(), Payload: payload}
		r.Sign(key)
		if _, err = p.clients[0].SendRecord(ctx, r.AppendBinary(nil)); err == nil || !temporaryTrouble(err) {
			return err
		}
		select {
		case <-ctx.Done():
			return errors.Join(ctx.Err(), err)
		case <-time.After(200 * time.Millisecond):
		}
	}
}

// key is the node key of a member: all keys of a devnet are public.
func (p *play) key(i int) (kernel.NodeKey, error) {
	id, err := p.members[i].home.ReadIdentity(func() ([]byte, error) { return nil, nil }, true)
	if err != nil {
		return kernel.NodeKey{}, err
	}
	return kernel.NodeKeyFromSeed(id.Seed), nil
}

// addNode makes and starts a node that is no member yet and calls all others.
func (p *play) addNode(name string, seed [32]byte) (int, error) {
	ports := newPorts(0)
	m := &member{NodeFacts: NodeFacts{Name: name, Key: kernel.NodeKeyFromSeed(seed).Public()}, config: kerneld.Defaults()}
	m.Home, m.Log = filepath.Join(p.options.Home, name), filepath.Join(p.options.Home, name+".log")
	m.home = kerneld.Home(m.Home)
	for _, to := range []*string{&m.config.Listen, &m.config.RPC.Listen, &m.config.Ops.Listen} {
		port, _, err := ports.take(0, 1)
		if err != nil {
			ports.release()
			return 0, err
		}
		*to = fmt.Sprintf("127.0.0.1:%d", port)
	}
	ports.release()
	m.P2P, m.RPC, m.Ops, m.config.Log.Format = m.config.Listen, "http://"+m.config.RPC.Listen, "http://"+m.config.Ops.Listen, "text"
	for _, other := range p.members {
		m.config.Peers[other.Name] = other.P2P
	}
	if err := p.install(m, kerneld.Identity{Seed: seed}); err != nil {
		return 0, err
	}
	p.mu.Lock()
	p.members, p.running, p.clients = append(p.members, m), append(p.running, nil), append(p.clients, client.New(m.RPC))
	i := len(p.members) - 1
	p.mu.Unlock()
	return i, p.start(i)
}

// leave stops a node that is no member any more, as its operator would; nobody waits for it from now on.
func (p *play) leave(i int) {
	p.watch.drop(i)
	p.mu.Lock()
	r := p.running[i]
	p.running[i] = nil
	p.gone = append(p.gone, i)
	p.mu.Unlock()
	if r != nil {
		r.stop()
		<-r.ended()
	}
}
