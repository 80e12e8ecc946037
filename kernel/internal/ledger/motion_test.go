package ledger

import (
	"errors"
	"testing"

	"github.com/asterism-network/asterism/kernel"
)

const (
	voteWindow = 5
	voteDelay  = 3
)

// A parliament is a network with short votes: 150 holders' outputs of 1,500 XIN and 7 members.
type parliament struct {
	*stakeWorld
	voter kernel.NodeKey
}

func newParliament(t failer) *parliament {
	w := &parliament{stakeWorld: newStakeWorld(t, 7), voter: kernel.NodeKeyFromSeed([32]byte{31: 9})}
	stake := *w.genesis.Stake
	stake.Motion = kernel.MotionRules{Window: voteWindow, Delay: voteDelay, QuorumPercent: 10}
	w.genesis.Stake = &stake
	w.context.Stake = &stake
	return w
}

// ballots signs a statement with outputs of the owner.
func (w *parliament) ballots(statement func([]kernel.Ballot) kernel.Hash, places ...int) []kernel.Ballot {
	var list []kernel.Ballot
	for _, ref := range w.refs(places...) {
		list = append(list, kernel.Ballot{Output: ref})
	}
	sortBallots(list)
	hash := statement(list)
	for i := range list {
		out, ok := w.view.Output(list[i].Output)
		if !ok {
			continue
		}
		private := w.privates[out.Keys[0]]
		list[i].Signatures = kernel.SignatureMap{{Signature: private.Sign(hash[:])}}
	}
	return list
}

func sortBallots(list []kernel.Ballot) {
	for i := range list {
		for j := i; j > 0 && compareRefs(list[j-1].Output, list[j].Output) > 0; j-- {
			list[j-1], list[j] = list[j], list[j-1]
		}
	}
}

func (w *parliament) proposal(m *kernel.Motion, places ...int) *kernel.Proposal {
	p := &kernel.Proposal{Motion: *m}
	id := m.ID(w.context.Network)
	p.Ballots = w.ballots(func(b []kernel.Ballot) kernel.Hash { return kernel.BallotHash(w.context.Network, id, true, b) }, places...)
	return p
}

func (w *parliament) voteOf(m *kernel.Motion, inFavour bool, places ...int) *kernel.Vote {
	v := &kernel.Vote{Motion: m.ID(w.context.Network), For: inFavour}
	v.Ballots = w.ballots(func(b []kernel.Ballot) kernel.Hash {
		return kernel.BallotHash(w.context.Network, v.Motion, inFavour, b)
	}, places...)
	return v
}

// record signs a payload by somebody's key.
func (w *parliament) record(kind kernel.RecordKind, payload []byte, by kernel.NodeKey) *kernel.Record {
	r := &kernel.Record{Kind: kind, Network: w.context.Network, Signer: by.Public(), Payload: payload}
	hash := r.SigningHash()
	r.Signature = by.Sign(hash[:])
	return r
}

// bring commits records that all count.
func (w *parliament) bring(records ...*kernel.Record) {
	w.t.Helper()
	for _, r := range records {
		if err := CheckRecord(w.view, r, 0, w.context); err != nil {
			w.t.Fatal(err)
		}
		w.carry(r)
	}
}

// carry commits records whatever they are.
func (w *parliament) carry(rs ...*kernel.Record) *Diff {
	return w.commit(snapshot(0, kernel.Round(w.view.Head().Index+1), 0, records(rs...)))
}

func (w *parliament) move(m *kernel.Motion, places ...int) {
	w.t.Helper()
	w.bring(w.record(kernel.RecordMotion, w.proposal(m, places...).AppendBinary(nil), w.voter))
}

func (w *parliament) cast(m *kernel.Motion, inFavour bool, places ...int) {
	w.t.Helper()
	w.bring(w.record(kernel.RecordVote, w.voteOf(m, inFavour, places...).AppendBinary(nil), w.voter))
}

// wait lets empty commits go by.
func (w *parliament) wait(n int) {
	for range n {
		w.commit()
	}
}

func (w *parliament) motion(m *kernel.Motion) *Motion {
	w.t.Helper()
	found, ok := MotionByID(w.view, m.ID(w.context.Network))
	if !ok {
		w.t.Fatal("no such motion")
	}
	return found
}

// state wants a motion in a state.
func (w *parliament) state(m *kernel.Motion, want MotionState) {
	w.t.Helper()
	if got := w.motion(m).State; got != want {
		w.t.Fatalf("motion is %v, want %v", got, want)
	}
}

func words(title string) *kernel.Motion {
	return &kernel.Motion{Subject: kernel.SubjectCommunity, Title: title}
}

// TestMotionPasses: opened, voted on, decided at the deadline, carried out after the delay.
func TestMotionPasses(t *testing.T) {
	w := newParliament(t)
	m := &kernel.Motion{Subject: kernel.SubjectUpgrade, Title: "calls cost more", Parameter: &kernel.NewParameter{Name: kernel.ParameterCallFee, Value: 77}}
	w.move(m, 0)
	opened := w.view.Head().Index
	w.cast(m, true, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10)
	w.cast(m, false, 11, 12)
	got := w.motion(m)
	if got.For.Holders != whole(11*testBalance) || got.Against.Holders != whole(2*testBalance) || got.Votes != 3 || got.Deadline != opened+voteWindow {
		t.Fatalf("%+v", got)
	}
	w.wait(voteWindow - 3)
	w.state(m, MotionOpen)
	w.wait(1)
	w.state(m, MotionPassed)
	w.wait(voteDelay - 1)
	w.state(m, MotionPassed)
	if s, _ := StakeOf(w.view); s.Fees.Call == kernel.NewAmount(77) {
		t.Fatal("carried out before its delay")
	}
	w.wait(1)
	w.state(m, MotionDone)
	if s, _ := StakeOf(w.view); s.Fees.Call != kernel.NewAmount(77) {
		t.Fatalf("the fee is %v", s.Fees.Call)
	}
	if len(ActiveMotions(w.view)) != 0 || MotionCount(w.view) != 1 {
		t.Fatal("a motion that is done is still looked at")
	}
	votes := VotesOf(w.view, got, 0, 10)
	if len(votes) != 3 || !votes[1].For || votes[2].For || votes[1].Weight != whole(10*testBalance) {
		t.Fatalf("votes %+v", votes)
	}
}

// TestMotionFails: below the quorum, or with as much against it as for it, nothing happens.
func TestMotionFails(t *testing.T) {
	for name, vote := range map[string]func(w *parliament, m *kernel.Motion){
		"nobody votes": func(*parliament, *kernel.Motion) {},
		"a tie": func(w *parliament, m *kernel.Motion) {
			w.cast(m, true, 1, 2, 3, 4, 5)
			w.cast(m, false, 6, 7, 8, 9, 10, 11)
		},
		"quorum of noes": func(w *parliament, m *kernel.Motion) { w.cast(m, false, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12) },
	} {
		t.Run(name, func(t *testing.T) {
			w := newParliament(t)
			m := words(name)
			w.move(m, 0)
			vote(w, m)
			w.wait(voteWindow)
			w.state(m, MotionRejected)
			if len(ActiveMotions(w.view)) != 0 {
				t.Fatal("a rejected motion is still looked at")
			}
		})
	}
}

// TestQuorumRoundsUp: exactly a tenth of what is outside the pool is enough, a unit less is not.
func TestQuorumRoundsUp(t *testing.T) {
	for _, tt := range []struct {
		n    uint64
		p    uint8
		want uint64
	}{{100, 10, 10}, {101, 10, 11}, {1, 1, 1}, {0, 50, 0}, {99, 100, 99}, {1 << 60, 100, 1 << 60}} {
		if got := percentUp(tt.n, tt.p); got != tt.want {
			t.Errorf("%d%% of %d is %d, want %d", tt.p, tt.n, got, tt.want)
		}
	}
}

// TestVotesLock: what votes cannot be spent until the votes end, is void without a fault, and can
// be spent right after.
func TestVotesLock(t *testing.T) {
	w := newParliament(t)
	m := words("locks")
	w.move(m, 0)
	pay := func() *kernel.Transaction {
		return w.sign(w.spend(kernel.XIN, w.refs(0), w.output(whole(testBalance), 1, 1)))
	}
	if err := w.check(pay()); !errors.Is(err, kernel.OutputLocked) {
		t.Fatalf("a locked output: %v", err)
	}
	if d := w.commit(snapshot(0, 2, 0, w.entries(pay()))); len(d.Receipts) != 0 || len(d.Faults) != 0 {
		t.Fatalf("%d receipts, %d faults", len(d.Receipts), len(d.Faults))
	}
	for w.motion(m).State == MotionOpen {
		w.wait(1)
	}
	if !anyLocks(w.view) {
		t.Fatal("the lock is forgotten before its output is spent")
	}
	w.settle(pay())
	if anyLocks(w.view) {
		t.Fatal("the lock of a spent output stays")
	}
	other := words("others are free")
	w.move(other, 1)
	if err := w.check(w.sign(w.spend(kernel.XIN, w.refs(2), w.output(whole(testBalance), 1, 1)))); err != nil {
		t.Fatal(err)
	}
}

// TestMembersVote: a member's pledge votes once, by the node's key, and backs a motion.
func TestMembersVote(t *testing.T) {
	w := newParliament(t)
	m := words("by a member")
	w.bring(w.record(kernel.RecordMotion, (&kernel.Proposal{Motion: *m}).AppendBinary(nil), w.nodes[0]))
	vote := (&kernel.Vote{Motion: m.ID(w.context.Network), For: false}).AppendBinary(nil)
	w.bring(w.record(kernel.RecordVote, vote, w.nodes[1]))
	if got := w.motion(m); got.For.Members != whole(testPledge) || got.Against.Members != whole(testPledge) {
		t.Fatalf("%+v", got)
	}
	for i := range 2 {
		if err := CheckRecord(w.view, w.record(kernel.RecordVote, vote, w.nodes[i]), 0, w.context); !errors.Is(err, VoterVoted) {
			t.Fatalf("member %d votes twice: %v", i, err)
		}
	}
}

// TestRegistrations: assets, domains, assurance and upgrades do what they say.
func TestRegistrations(t *testing.T) {
	w := newParliament(t)
	gold := kernel.GenesisAsset{ID: kernel.AssetID{9}, Symbol: "GOLD", Chain: kernel.ETH, Key: "0xgold", Ceiling: whole(5)}
	domain := kernel.Domain{ID: "c6d0c728-2624-429b-8e0d-d9d19b6592fa", Nodes: []kernel.Key{w.nodes[0].Public(), w.nodes[1].Public()}}
	domain.Sort()
	motions := []*kernel.Motion{
		{Subject: kernel.SubjectRegistration, Title: "gold", Asset: &gold},
		{Subject: kernel.SubjectRegistration, Title: "domain", Domain: &domain},
		{Subject: kernel.SubjectAssurance, Title: "freeze", Assurance: &kernel.Assurance{Asset: kernel.XIN, Freeze: true}},
		{Subject: kernel.SubjectUpgrade, Title: "version 2", Upgrade: &kernel.Upgrade{Version: 2, Epoch: 3}},
		{Subject: kernel.SubjectUpgrade, Title: "window", Parameter: &kernel.NewParameter{Name: kernel.ParameterMotionWindow, Value: 50}},
	}
	for i, m := range motions {
		p := w.proposal(m, i)
		if i == 0 {
			p = w.proposal(m, 0, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30)
		}
		w.carry(w.record(kernel.RecordMotion, p.AppendBinary(nil), kernel.NodeKeyFromSeed([32]byte{byte(i), 3})))
	}
	if d, _ := DomainOf(w.view, domain.ID); d.State != kernel.DomainPending {
		t.Fatalf("domain is %v", d.State)
	}
	for i := range motions[1:] { // the same outputs vote on several motions
		w.carry(w.record(kernel.RecordVote, w.voteOf(motions[i+1], true, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31).AppendBinary(nil), w.voter))
		if i == 0 {
			w.clock += 1
		}
	}
	w.wait(2 * (voteWindow + voteDelay))
	if a, ok := w.view.Asset(gold.ID); !ok || a.Symbol != "GOLD" || a.Ceiling != whole(5) {
		t.Fatalf("asset %+v", a)
	}
	for _, m := range motions[1:4] {
		if got := w.motion(m).State; got != MotionDone {
			t.Errorf("%s is %v", m.Title, got)
		}
	}
	if d, _ := DomainOf(w.view, domain.ID); d.State != kernel.DomainApproved || len(d.Approved) != 2 || d.Asked != 1 {
		t.Errorf("domain %+v", d)
	}
	if !Frozen(w.view, kernel.XIN) {
		t.Error("the asset is not frozen")
	}
	out := w.spend(kernel.XIN, w.refs(50), kernel.Output{Type: kernel.OutputWithdrawalSubmit, Amount: whole(testBalance), Withdrawal: &kernel.Withdrawal{Address: "x"}})
	if err := w.check(w.sign(out)); !errors.Is(err, kernel.AssetFrozen) {
		t.Errorf("a withdrawal of a frozen asset: %v", err)
	}
	if err := w.check(w.sign(w.spend(kernel.XIN, w.refs(50), w.output(whole(testBalance), 1, 1)))); err != nil {
		t.Errorf("a payment of a frozen asset: %v", err)
	}
	if p := ProtocolOf(w.view); p.At(2) != 1 || p.At(3) != 2 || p.At(9) != 2 {
		t.Errorf("protocol %+v", p)
	}
}
