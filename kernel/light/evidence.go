package light

import (
	"fmt"

	"github.com/asterism-network/asterism/internal/crypto"
	"github.com/asterism-network/asterism/kernel"
	"github.com/asterism-network/asterism/kernel/internal/coin"
	"github.com/asterism-network/asterism/kernel/internal/ledger"
)

// A Doubt is one reason why evidence proves nothing. The names are stable. [STK-41]
type Doubt uint8

// The doubts.
const (
	OtherNetwork Doubt = iota + 1 // the file is of another genesis
	NoSuchMember                  // the epoch's roster is not in the file, or has no such author
	NotSigned                     // the member did not sign it
	ShareIsRight                  // the coin share is the member's
	NotCarried                    // the entry does not stand in the member's body
	NothingWrong                  // the transaction breaks no rule that the evidence shows
	NotEarlier                    // the member did not claim to know what came first
	NoConflict                    // the two transactions take nothing from each other
	BadProof                      // a receipt or an output is not proved
	doubtEnd
)

// DoubtCount is the number of doubts; tests count that each has a case.
const DoubtCount = int(doubtEnd) - 1

var doubtNames = [...]string{
	OtherNetwork: "other_network",
	NoSuchMember: "no_such_member",
	NotSigned:    "not_signed",
	ShareIsRight: "share_is_right",
	NotCarried:   "not_carried",
	NothingWrong: "nothing_wrong",
	NotEarlier:   "not_earlier",
	NoConflict:   "no_conflict",
	BadProof:     "bad_proof",
}

// Error is the name.
func (d Doubt) Error() string {
	if d == 0 || d >= doubtEnd {
		return fmt.Sprintf("doubt %d", uint8(d))
	}
	return doubtNames[d]
}

func doubt(d Doubt, format string, args ...any) error {
	return fmt.Errorf("%w: %s", d, fmt.Sprintf(format, args...))
}

// A Finding is what evidence proves.
type Finding struct {
	Fault    kernel.FaultNumber `json:"fault"`
	Epoch    kernel.Epoch       `json:"epoch"`
	Author   kernel.Author      `json:"author"`
	Round    kernel.Round       `json:"round"`
	Member   kernel.Member      `json:"member"`
	Snapshot kernel.SnapshotID  `json:"snapshot"` // of E1 the first of the two
	Reason   string             `json:"reason"`   // for people
}

// VerifyEvidence checks an evidence file with nothing but the genesis. For E2 and E3 it says that the
// member carried, under its signature, what no honest member carries: that the ledger has found the fault
// is in the ledger. [STK-41]
func VerifyEvidence(genesis *kernel.Genesis, f *kernel.EvidenceFile) (Finding, error) {
	j := judge{genesis: genesis, file: f, chain: Start(genesis)}
	if err := f.Check(); err != nil {
		return Finding{}, err
	}
	if f.Network != j.chain.network {
		return Finding{}, doubt(OtherNetwork, "%s, the genesis is %s", f.Network.Short(), j.chain.network.Short())
	}
	if f.Fault == kernel.FaultE1 {
		return j.equivocation(f.Equivocation)
	}
	if err := j.header.UnmarshalBinary(f.Header); err != nil {
		return Finding{}, doubt(NotSigned, "header: %v", err)
	}
	if err := j.signed(); err != nil {
		return Finding{}, err
	}
	switch f.Fault {
	case kernel.FaultE2:
		return j.doubleSpend()
	case kernel.FaultE3:
		return j.invalid()
	}
	return j.share()
}

// A judge holds what one verification found so far.
type judge struct {
	genesis *kernel.Genesis
	file    *kernel.EvidenceFile
	chain   *Chain
	header  kernel.Header
	roster  *kernel.EpochRoster // of the fault's epoch
}

// accused follows the rosters as far as the file has them and finds the member.
func (j *judge) accused(network kernel.NetworkID, epoch kernel.Epoch, author kernel.Author) (*kernel.Member, error) {
	if network != j.chain.network {
		return nil, doubt(OtherNetwork, "what was signed is of network %s", network.Short())
	}
	rest := j.file.Rosters
	for ; len(rest) > 0 && j.chain.Epoch() < epoch; rest = rest[1:] {
		if err := j.chain.Change(&rest[0]); err != nil {
			return nil, err
		}
	}
	if j.chain.Epoch() != epoch {
		return nil, doubt(NoSuchMember, "the rosters reach epoch %d, the fault is of epoch %d", j.chain.Epoch(), epoch)
	}
	j.roster = j.chain.current.roster
	if _, err := j.chain.Changes(rest); err != nil {
		return nil, err
	}
	if int(author) >= len(j.roster.Members) {
		return nil, doubt(NoSuchMember, "author %d of %d", author, len(j.roster.Members))
	}
	return &j.roster.Members[author], nil
}

// signed checks that the member signed the header.
func (j *judge) signed() error {
	h := &j.header
	m, err := j.accused(h.Network, h.Epoch, h.Author)
	if err != nil {
		return err
	}
	if id := h.ID(); !crypto.Verify(m.Key, id[:], h.Signature) {
		return doubt(NotSigned, "by %s", m.Name)
	}
	return nil
}

func (j *judge) found(reason string) (Finding, error) {
	h := &j.header
	return Finding{
		Fault: j.file.Fault, Epoch: h.Epoch, Author: h.Author, Round: h.Round, Member: j.roster.Members[h.Author], Snapshot: h.ID(), Reason: reason,
	}, nil
}

// equivocation is E1. [FLT-1]
func (j *judge) equivocation(e *kernel.Equivocation) (Finding, error) {
	m, err := j.accused(e.Network, e.Epoch, e.Author)
	if err != nil {
		return Finding{}, err
	}
	if e.Round == 0 || e.Round > kernel.MaxRound || !e.Verify(m.Key) {
		return Finding{}, doubt(NotSigned, "two snapshots of round %d by %s", e.Round, m.Name)
	}
	first := kernel.SnapshotIDOf(e.Network, e.Epoch, e.Author, e.Round, e.Rest[0])
	second := kernel.SnapshotIDOf(e.Network, e.Epoch, e.Author, e.Round, e.Rest[1])
	return Finding{
		Fault: kernel.FaultE1, Epoch: e.Epoch, Author: e.Author, Round: e.Round, Member: *m, Snapshot: first,
		Reason: fmt.Sprintf("signed snapshots %s and %s for one round", first.Short(), second.Short()),
	}, nil
}

// share is E4. [FLT-2]
func (j *judge) share() (Finding, error) {
	if !coin.Wrong(j.roster.Roster(), &j.header) {
		return Finding{}, doubt(ShareIsRight, "of round %d, or missing", j.header.Round)
	}
	return j.found("showed a coin share that is not its own for the round")
}

// carried decodes the transaction that stood in the member's body.
func (j *judge) carried() (*ledger.Parsed, error) {
	if !j.file.Entry.StandsIn(j.header.BodyRoot) {
		return nil, doubt(NotCarried, "in the body of %s", j.header.String())
	}
	return ledger.Parse(j.file.Entry.Bytes), nil
}

// invalid is E3: the bytes alone are wrong, or they are with what they spend. [EXE-2]
func (j *judge) invalid() (Finding, error) {
	p, err := j.carried()
	if err != nil {
		return Finding{}, err
	}
	if p.Refusal != nil {
		return j.found("carried bytes that no state makes right: " + p.Refusal.Error())
	}
	outputs := make([]ledger.CreatedOutput, 0, len(j.file.Spent))
	for i := range j.file.Spent {
		o, err := j.output(&j.file.Spent[i])
		if err != nil {
			return Finding{}, err
		}
		outputs = append(outputs, o)
	}
	context := ledger.ContextOf(j.genesis, ledger.Direct{})
	if r := ledger.WrongGiven(outputs, p, context); r != nil {
		return j.found("carried a transaction that no state makes right: " + r.Error())
	}
	return Finding{}, doubt(NothingWrong, "transaction %s with %d of the outputs that it spends", p.Hash.Short(), len(outputs))
}

// output is what a proof shows to have been there.
func (j *judge) output(p *kernel.OutputProof) (o ledger.CreatedOutput, err error) {
	if err := j.chain.certified(&p.Certificate); err != nil {
		return o, doubt(BadProof, "certificate of an output: %v", err)
	}
	if p.Output == nil || !p.Output.Encodable() || !p.Branch.Verify(p.Certificate.Checkpoint.Outputs, p.Output.Leaf()) {
		return o, doubt(BadProof, "output %d is not under the certified root", p.Branch.Place)
	}
	out := p.Output
	return ledger.CreatedOutput{Ref: out.Ref(), Output: ledger.Output{
		Output:  kernel.Output{Type: out.Type, Amount: out.Amount, Keys: out.Keys, Mask: out.Mask, Script: out.Script},
		Asset:   out.Asset,
		Created: out.Commit,
	}}, nil
}

// doubleSpend is E2: another transaction was final at a commit that the member claimed to have
// executed, and takes something that the carried one takes too. [EXE-5]
func (j *judge) doubleSpend() (Finding, error) {
	p, err := j.carried()
	if err != nil {
		return Finding{}, err
	}
	if p.Refusal != nil {
		return Finding{}, doubt(NothingWrong, "it is no double spend but invalid: %s", p.Refusal.Error())
	}
	proof := j.file.Winner
	if err := j.chain.Final(proof); err != nil {
		return Finding{}, doubt(BadProof, "receipt: %v", err)
	}
	winner := new(kernel.Transaction)
	if err := winner.UnmarshalBinary(j.file.WinnerBytes); err != nil || winner.Hash() != proof.Receipt.Transaction {
		return Finding{}, doubt(BadProof, "the bytes are not those of transaction %s", proof.Receipt.Transaction.Short())
	}
	if proof.Receipt.Commit > j.header.Claim.Index {
		return Finding{}, doubt(NotEarlier, "final at commit %d, the member claims %d", proof.Receipt.Commit, j.header.Claim.Index)
	}
	if winner.Hash() == p.Hash || !collide(winner, p.Transaction) {
		return Finding{}, doubt(NoConflict, "%s and %s", p.Hash.Short(), winner.Hash().Short())
	}
	return j.found(fmt.Sprintf("carried transaction %s, and knew since commit %d that %s had taken what it takes", p.Hash.Short(), proof.Receipt.Commit, winner.Hash().Short()))
}

// collide reports whether two transactions share an input, an output key or an identity.
func collide(a, b *kernel.Transaction) bool {
	inputs, keys, identities := ledger.Touches(a)
	otherInputs, otherKeys, otherIdentities := ledger.Touches(b)
	return overlap(inputs, otherInputs) || overlap(keys, otherKeys) || overlap(identities, otherIdentities)
}

func overlap[T comparable](a, b []T) bool {
	known := make(map[T]bool, len(a))
	for _, x := range a {
		known[x] = true
	}
	for _, x := range b {
		if known[x] {
			return true
		}
	}
	return false
}
