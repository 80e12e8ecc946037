package replica

import (
	"errors"
	"fmt"
	"slices"
	"sort"

	"github.com/asterism-network/asterism/kernel"
	"github.com/asterism-network/asterism/kernel/internal/checkpoint"
	"github.com/asterism-network/asterism/kernel/internal/ledger"
	"github.com/asterism-network/asterism/kernel/internal/store"
	"github.com/asterism-network/asterism/kernel/internal/wire"
)

// A Term is an epoch as checkpoints see it.
type Term struct {
	First  kernel.CommitIndex // whatever is at or above is of this epoch, or of a later one
	Roster *kernel.EpochRoster
}

// A CheckpointSigner signs for an epoch, with the key that the epoch's roster names for this node;
// not ok if it has none: it is no member, or the key is erased.
type CheckpointSigner interface {
	SignCheckpoint(roster *kernel.EpochRoster, h kernel.Hash) (author kernel.Author, s kernel.Signature, ok bool)
}

// A Certifier is what a node does about checkpoints beside its engine: it brings the trees to the
// next one, signs it, collects the others' signatures, keeps certificates and answers who lacks
// one. One goroutine owns it. Messages that it returns may be lost: Again repeats them. [CHK-40]
type Certifier struct {
	store   *store.Store
	network kernel.NetworkID
	genesis kernel.Timestamp
	period  uint64 // ms
	behind  struct {
		index kernel.CommitIndex
		turns uint64 // of the commit that the next checkpoint lies behind
	}
	signer CheckpointSigner

	terms      []Term // ascending, from the oldest that checkpoints are still made of
	collectors map[kernel.Epoch]*checkpoint.Collector
	open       []ownCheckpoint // made here and not certified, ascending
}

// An ownCheckpoint is one that this node's state leads to.
type ownCheckpoint struct {
	kernel.Checkpoint
	next   *kernel.EpochRoster
	signed *kernel.Signature // nil while this node must not sign it
}

// mostOpen bounds the checkpoints that wait for a quorum: older ones are of no use once a newer one
// is certified, and if none is, nobody makes so many.
const mostOpen = 64

// NewCertifier goes on where the folder stands. Terms begin with the genesis' roster.
func NewCertifier(s *store.Store, g *kernel.Genesis, signer CheckpointSigner) *Certifier {
	return &Certifier{
		store: s, network: g.NetworkID(), genesis: g.Timestamp, period: g.Parameters.CheckpointPeriod, signer: signer,
		terms: []Term{{0, g.EpochRoster()}}, collectors: make(map[kernel.Epoch]*checkpoint.Collector),
	}
}

// term is the epoch of a commit, and the one that the commit leads to if it ends it.
func (c *Certifier) term(index kernel.CommitIndex) (of *Term, next *Term) {
	i := len(c.terms) - 1
	for i > 0 && c.terms[i].First > index {
		i--
	}
	if of = &c.terms[i]; i+1 < len(c.terms) && c.terms[i+1].First == index+1 {
		next = &c.terms[i+1]
	}
	return of, next
}

// roster is that of an epoch, nil if it is not known.
func (c *Certifier) roster(e kernel.Epoch) *kernel.EpochRoster {
	for i := range c.terms {
		if c.terms[i].Roster.Epoch == e {
			return c.terms[i].Roster
		}
	}
	return nil
}

// learn takes up the epochs that have begun since.
func (c *Certifier) learn() {
	view := c.store.View()
	defer view.Close()
	for {
		last := c.terms[len(c.terms)-1].Roster.Epoch
		facts, ok := ledger.FactsOf(view, last+1)
		if !ok {
			return
		}
		c.terms = append(c.terms, Term{facts.Genesis + 1, &facts.Roster})
	}
}

// Oldest is the oldest epoch of which a checkpoint may still be signed: those before are over and
// certified.
func (c *Certifier) Oldest() kernel.Epoch {
	newest := c.terms[len(c.terms)-1].Roster.Epoch
	for e := newest; e > 0; e-- {
		if _, ok := c.store.RosterChange(e); ok {
			return e
		}
	}
	return 0
}

// Due is the commit of the next checkpoint to make: ends of epochs one after the other, between them
// the newest only, since nobody asks for those before. Nothing is due behind an end until that is certified: the
// trees show one checkpoint, and a restart must find the one that this node still has to sign. [CHK-41]
func (c *Certifier) Due() (index kernel.CommitIndex, due bool) {
	head := c.store.Head()
	c.learn() // behind head: an end up to it is known then, however many commits come in between
	at, _, _ := c.store.TreesAt()
	for i := range c.terms {
		if c.terms[i].First == 0 {
			continue
		}
		switch end := c.terms[i].First - 1; {
		case end == at && end > 0:
			if _, certified := c.store.RosterChange(c.terms[i].Roster.Epoch); !certified {
				return 0, false
			}
		case end > at && end <= head.Index:
			return end, true
		}
	}
	return c.turned(max(at, c.store.Base()), head)
}

// turned is the newest commit up to the head that begins a period, if it lies behind one. Times of commits never fall. [CHK-40]
func (c *Certifier) turned(behind kernel.CommitIndex, head ledger.Head) (index kernel.CommitIndex, ok bool) {
	if c.behind.index != behind { // this is asked for after each commit
		c.behind.index, c.behind.turns = behind, c.turns(behind)
	}
	now := checkpoint.Turns(c.genesis, head.Timestamp, c.period)
	if head.Index <= behind || c.behind.turns == now {
		return 0, false
	}
	first := behind + 1
	i := sort.Search(int(head.Index-first), func(i int) bool { return c.turns(first+kernel.CommitIndex(i)) == now })
	return first + kernel.CommitIndex(i), true
}

// turns is the period that a stored commit falls in. One is missing only in a damaged folder: then Make fails, or what it makes is
// certified by nobody.
func (c *Certifier) turns(index kernel.CommitIndex) uint64 {
	ordered, ok := c.store.Ordered(index)
	if index == 0 || !ok {
		return 0
	}
	return checkpoint.Turns(c.genesis, ordered.Timestamp, c.period)
}

// Hurries reports whether an epoch has ended without a certificate of its end: those who join or leave wait for it.
func (c *Certifier) Hurries() bool {
	c.learn()
	newest := c.terms[len(c.terms)-1]
	if newest.First == 0 {
		return false
	}
	_, certified := c.store.RosterChange(newest.Roster.Epoch)
	return !certified
}

// Make makes the checkpoint of a commit, which is Due, without a pause.
func (c *Certifier) Make(index kernel.CommitIndex, sign bool) ([]wire.Message, error) {
	if _, _, err := c.store.GrowTrees(index, nil); err != nil {
		return nil, err
	}
	return c.Made(sign)
}

// Made takes up the checkpoint that the trees have come to, which was Due, and signs it if sign says so.
func (c *Certifier) Made(sign bool) ([]wire.Message, error) {
	index, receipts, outputs := c.store.TreesAt()
	if err := c.hold(index, receipts, outputs); err != nil {
		return nil, err
	}
	return c.Again(sign)
}

// hold makes an own checkpoint of where the trees stand.
func (c *Certifier) hold(index kernel.CommitIndex, receipts, outputs kernel.TreeHead) error {
	ordered, ok := c.store.Ordered(index)
	if !ok {
		return fmt.Errorf("checkpoint of commit %d: %w", index, store.ErrCorrupt)
	}
	of, next := c.term(index)
	own := ownCheckpoint{Checkpoint: kernel.Checkpoint{
		Network: c.network, Epoch: of.Roster.Epoch, Index: index, Timestamp: ordered.Timestamp, Digest: ordered.Digest,
		Receipts: receipts, Outputs: outputs, Roster: of.Roster.Hash(c.network),
	}}
	if next != nil {
		own.next, own.Next = next.Roster, next.Roster.Hash(c.network)
	}
	if held, ok := c.store.Certificate(index); ok && held.Checkpoint.Index == index {
		if held.Checkpoint != own.Checkpoint {
			return c.outvoted(&held.Checkpoint, held.Signatures)
		}
		return nil
	}
	c.open = append(c.open, own)
	if len(c.open) > mostOpen {
		c.open = slices.Delete(c.open, 0, 1)
	}
	return c.settle(index, c.collector(of.Roster).Own(&own.Checkpoint))
}

// Resume takes up the checkpoint that the folder was left with, if it is not certified.
func (c *Certifier) Resume() error {
	c.learn()
	index, receipts, outputs := c.store.TreesAt()
	if index == 0 {
		return nil
	}
	return c.hold(index, receipts, outputs)
}

func (c *Certifier) collector(roster *kernel.EpochRoster) *checkpoint.Collector {
	if c.collectors[roster.Epoch] == nil {
		c.collectors[roster.Epoch] = checkpoint.NewCollector(c.network, roster)
	}
	return c.collectors[roster.Epoch]
}

// Again returns what is to be told everyone while checkpoints wait for a quorum: this node's
// signatures, made now if it may sign. A signature is durable before it is returned. [CHK-41]
func (c *Certifier) Again(sign bool) (messages []wire.Message, err error) {
	for _, own := range slices.Clone(c.open) { // a signature may be the last that was missing
		if own.signed == nil && sign {
			if own.signed, err = c.sign(&own); err != nil {
				return messages, err
			}
		}
		if own.signed != nil {
			messages = append(messages, wire.CheckpointVote{Epoch: own.Epoch, Vote: kernel.CheckpointVote{Index: own.Index, Signature: *own.signed}})
		}
	}
	return messages, nil
}

// sign signs an own checkpoint; nil if this node must not, or is no member of its epoch.
func (c *Certifier) sign(own *ownCheckpoint) (*kernel.Signature, error) {
	roster := c.roster(own.Epoch)
	hash := own.SigningHash()
	switch err := c.store.KeepVote(own.Index, hash); {
	case errors.Is(err, store.ErrSigned):
		return nil, nil // a later one is signed, or the folder was put back: others sign this one
	case err != nil:
		return nil, err
	}
	author, signature, ok := c.signer.SignCheckpoint(roster, hash)
	if !ok {
		return nil, nil
	}
	if i := c.find(own.Index); i >= 0 {
		c.open[i].signed = &signature
	}
	return &signature, c.settle(own.Index, c.collector(roster).Add(author, &kernel.CheckpointVote{Index: own.Index, Signature: signature}))
}

// find is the place of an own checkpoint among the open ones, negative if it is not there.
func (c *Certifier) find(index kernel.CommitIndex) int {
	return slices.IndexFunc(c.open, func(o ownCheckpoint) bool { return o.Index == index })
}

// Query asks for certificates after the newest that this node has; after the one before the oldest end
// of an epoch that it lacks, if it does.
func (c *Certifier) Query() wire.CertificateQuery {
	for i := 1; i < len(c.terms); i++ {
		if _, ok := c.store.RosterChange(c.terms[i].Roster.Epoch); !ok {
			return wire.CertificateQuery{After: c.terms[i].First - 2}
		}
	}
	return wire.CertificateQuery{After: c.newest()}
}

// newest is the commit of the newest certificate, 0 for none.
func (c *Certifier) newest() kernel.CommitIndex {
	newest, ok := c.store.Certificate(^kernel.CommitIndex(0))
	if !ok {
		return 0
	}
	return newest.Checkpoint.Index
}

// Waits reports whether a checkpoint waits for a quorum.
func (c *Certifier) Waits() bool { return len(c.open) > 0 }

// Take takes what a member sent, and returns what it gets in return. An error that is ErrInvalid of
// package checkpoint is the sender's fault; any other ends the node.
func (c *Certifier) Take(from kernel.Key, m wire.Message) (answer []wire.Message, err error) {
	switch m := m.(type) {
	case wire.CheckpointVote:
		return c.takeVote(from, &m)
	case wire.Certificate:
		return c.takeCertificate(&m)
	case wire.CertificateQuery:
		if found, ok := c.certificateAfter(m.After); ok {
			return []wire.Message{found}, nil
		}
		return c.Again(false)
	}
	return nil, nil
}

// takeVote takes a member's signature. Who still signs what is certified gets the certificate.
func (c *Certifier) takeVote(from kernel.Key, m *wire.CheckpointVote) (answer []wire.Message, err error) {
	roster := c.roster(m.Epoch)
	if roster == nil {
		return nil, nil
	}
	author := slices.IndexFunc(roster.Members, func(x kernel.Member) bool { return x.Key == from })
	if author < 0 {
		return nil, nil
	}
	if c.find(m.Vote.Index) < 0 && m.Vote.Index <= c.newest() { // certified, or never to be
		if held, ok := c.store.Certificate(m.Vote.Index); ok && held.Checkpoint.Index == m.Vote.Index {
			return []wire.Message{c.message(held)}, nil
		}
		return nil, nil
	}
	return nil, c.settle(m.Vote.Index, c.collector(roster).Add(kernel.Author(author), &m.Vote))
}

// message carries a certificate, with the roster that it names if it ends an epoch.
func (c *Certifier) message(p *kernel.CheckpointProof) wire.Certificate {
	m := wire.Certificate{Proof: *p}
	if p.Checkpoint.EndsEpoch() {
		if change, ok := c.store.RosterChange(p.Checkpoint.Epoch + 1); ok {
			m.Next = &change.Next
		}
	}
	return m
}

// settle acts on a verdict over an own checkpoint.
func (c *Certifier) settle(index kernel.CommitIndex, v checkpoint.Verdict) error {
	i := c.find(index)
	if i < 0 {
		return nil
	}
	own := c.open[i]
	collector := c.collectors[own.Epoch]
	switch v {
	case checkpoint.Outvoted:
		return fmt.Errorf("%w: members %v signed another state of commit %d", ErrOutvoted, collector.Others(index), index)
	case checkpoint.Certified:
		p, _ := collector.Certificate(index)
		return c.keep(p, own.next)
	}
	return nil
}

// ErrOutvoted says that a quorum certified another state than this node's: it must stop.
var ErrOutvoted = errors.New("a quorum certified another state")

func (c *Certifier) outvoted(by *kernel.Checkpoint, signatures []kernel.CheckpointSignature) error {
	signers := make([]kernel.Author, len(signatures))
	for i := range signatures {
		signers[i] = signatures[i].Author
	}
	return fmt.Errorf("%w: members %v signed %s for commit %d", ErrOutvoted, signers, by.SigningHash().Short(), by.Index)
}

// keep stores a certificate and lets go of what it makes useless.
func (c *Certifier) keep(p *kernel.CheckpointProof, next *kernel.EpochRoster) error {
	if err := c.store.KeepCertificate(p, next); err != nil {
		return err
	}
	index := p.Checkpoint.Index
	c.open = slices.DeleteFunc(c.open, func(o ownCheckpoint) bool { return o.Index <= index && (o.Index == index || o.next == nil) })
	c.collector(c.roster(p.Checkpoint.Epoch)).Forget(index)
	return nil
}

// takeCertificate takes a certificate from whoever has it. If there may be more it asks for them.
func (c *Certifier) takeCertificate(m *wire.Certificate) ([]wire.Message, error) {
	cp := &m.Proof.Checkpoint
	roster := c.roster(cp.Epoch)
	if roster == nil {
		return nil, nil // of an epoch that this node has not reached
	}
	if held, ok := c.store.Certificate(cp.Index); ok && held.Checkpoint.Index == cp.Index {
		return nil, nil
	}
	if err := checkpoint.Verify(c.network, roster, &m.Proof); err != nil {
		return nil, err
	}
	if m.Next != nil && (m.Next.Epoch != roster.Epoch+1 || m.Next.Hash(c.network) != cp.Next) {
		return nil, fmt.Errorf("%w: the next roster is another one", checkpoint.ErrInvalid)
	}
	for i := range c.open {
		if c.open[i].Index == cp.Index && c.open[i].Checkpoint != *cp {
			return nil, c.outvoted(cp, m.Proof.Signatures)
		}
	}
	if err := c.keep(&m.Proof, m.Next); err != nil {
		return nil, err
	}
	return []wire.Message{c.Query()}, nil
}

// certificateAfter finds the next end of an epoch, else the newest certificate.
func (c *Certifier) certificateAfter(index kernel.CommitIndex) (m wire.Certificate, ok bool) {
	newest, ok := c.store.Certificate(^kernel.CommitIndex(0))
	if !ok || newest.Checkpoint.Index <= index {
		return m, false
	}
	first, _ := c.store.CertificateAfter(index)
	if change, ends := c.store.RosterChange(first.Checkpoint.Epoch + 1); ends {
		return c.message(&change.End), true
	}
	return c.message(newest), true
}
