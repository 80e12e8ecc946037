package ledger

import (
	"flag"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/asterism-network/asterism/internal/crypto"
	"github.com/asterism-network/asterism/kernel"
	"github.com/asterism-network/asterism/kernel/internal/coin"
	"github.com/asterism-network/asterism/kernel/internal/dealing"
)

// epochCommits is the length of an epoch in these tests.
const epochCommits = 20

// An epochWorld is a stake world in which epochs end by themselves.
type epochWorld struct {
	*stakeWorld
	members []crypto.NodeKey // by place in the roster in force
	round   kernel.Round
}

func newEpochWorld(t failer, members int) *epochWorld {
	t.Helper()
	w := &epochWorld{stakeWorld: newStakeWorld(t, members)}
	w.context.EpochLength = epochCommits
	w.members = slices.Clone(w.nodes)
	return w
}

// commit executes the next commit and goes over to the next epoch when it ends one.
func (w *epochWorld) commit(snapshots ...Committed) *Diff {
	w.t.Helper()
	head := w.view.Head()
	w.clock++
	d := Execute(w.view, &kernel.Commit{Index: head.Index + 1, Timestamp: w.clock, Epoch: w.epoch.Epoch}, snapshots, w.context)
	w.view.Apply(d)
	w.mustAddUp()
	w.mustAgree()
	if e := w.now(); e.Number > w.epoch.Epoch {
		w.epoch = &e.Facts.Roster
		context := *w.context
		context.Roster = w.epoch.Roster()
		w.context = &context
		w.members = nil
		for i := range w.epoch.Members {
			w.members = append(w.members, w.keys[w.epoch.Members[i].Key])
		}
	}
	return d
}

func (w *epochWorld) now() Epoch {
	e, ok := EpochOf(w.view)
	if !ok {
		w.t.Fatal("the network has no epochs")
	}
	return e
}

// idle lets commits go by in which nobody says anything.
func (w *epochWorld) idle(n int) {
	for range n {
		w.commit()
	}
}

// fix goes on to the roster commit.
func (w *epochWorld) fix() {
	w.t.Helper()
	for range 2 * epochCommits {
		if w.now().Next != nil {
			return
		}
		w.commit()
	}
	w.t.Fatal("no roster is fixed")
}

// say commits records, all in one snapshot of its own each, in order.
func (w *epochWorld) say(rs ...*kernel.Record) {
	w.t.Helper()
	var list []Committed
	for _, r := range rs {
		w.round++
		list = append(list, snapshot(0, w.round, 0, records(r)))
	}
	w.commit(list...)
}

func (w *epochWorld) dealing(node crypto.NodeKey) *kernel.Record {
	w.t.Helper()
	e := w.now()
	d, err := dealing.Deal(DraftOf(w.context.Network, &e), node)
	if err != nil {
		w.t.Fatal(err)
	}
	return w.record(kernel.RecordDealing, node, d.AppendBinary(nil))
}

// badDealing has a wrong share for those at the given places.
func (w *epochWorld) badDealing(node crypto.NodeKey, victims ...int) *kernel.Record {
	r := w.dealing(node)
	for _, v := range victims {
		end := len(r.Payload) - 48*(len(w.now().Next.Members)-v)
		r.Payload[end+7] ^= 1
	}
	return w.record(kernel.RecordDealing, node, r.Payload)
}

func (w *epochWorld) verdictOf(node crypto.NodeKey) *kernel.VerdictRecord {
	w.t.Helper()
	e := w.now()
	draft := DraftOf(w.context.Network, &e)
	v := &kernel.VerdictRecord{Draft: draft.Hash(), Dealers: e.Next.DealerSet(), CheckpointKey: checkpointKey(node).Public()}
	var err error
	if v.Complaints, err = dealing.Judge(draft, kernel.Author(e.Next.Place(node.Public())), node, DealingsOf(w.view, w.context.Network, &e)); err != nil {
		w.t.Fatal(err)
	}
	return v
}

func checkpointKey(node crypto.NodeKey) crypto.NodeKey {
	seed := node.Seed()
	seed[31] ^= 0xff
	return crypto.NodeKeyFromSeed(seed)
}

func (w *epochWorld) verdict(node crypto.NodeKey) *kernel.Record {
	return w.record(kernel.RecordVerdict, node, w.verdictOf(node).AppendBinary(nil))
}

// closing commits a closing snapshot of each of the authors.
func (w *epochWorld) closing(claim kernel.CommitIndex, authors ...int) {
	w.t.Helper()
	var list []Committed
	for _, a := range authors {
		w.round++
		list = append(list, Committed{Author: kernel.Author(a), Round: w.round, ID: kernel.SnapshotID{byte(a), byte(w.round)}, Claim: claim, Closing: true, Body: new(kernel.Body)})
	}
	w.commit(list...)
}

// renew goes through a whole change of epochs in which everybody does its part.
func (w *epochWorld) renew() {
	w.t.Helper()
	w.fix()
	q := w.context.Roster.Quorum()
	for a, node := range w.members {
		if !w.context.Roster.Members[a].Flagged && w.now().Next.Closed == 0 {
			w.say(w.dealing(node))
		}
	}
	next := w.now().Next
	for i := range next.Members {
		if w.now().Decided == 0 {
			w.say(w.verdict(w.keys[next.Members[i].Key]))
		}
	}
	var closing []int
	for a := range w.context.Roster.Members {
		if !w.context.Roster.Members[a].Flagged && len(closing) < q {
			closing = append(closing, a)
		}
	}
	w.closing(w.now().Decided, closing...)
}

// mustShare: everybody who votes finds its share of the key in force in the dealings.
func (w *epochWorld) mustShare(but ...kernel.Key) {
	w.t.Helper()
	e := w.now()
	key, err := coin.NewKey(w.context.Network, e.Number, e.Facts.Roster.Roster())
	if err != nil {
		w.t.Fatal(err)
	}
	draft, all := KeyDealings(w.view, w.context.Network, &e)
	for i := range e.Facts.Roster.Members {
		m := &e.Facts.Roster.Members[i]
		if m.Flagged || slices.Contains(but, m.Key) {
			continue
		}
		secret, err := dealing.Share(draft, kernel.Author(i), w.keys[m.Key], all)
		if err != nil || !key.Holds(secret, kernel.Author(i)) {
			w.t.Fatalf("epoch %d: member %d has no share of the coin key: %v", e.Number, i, err)
		}
	}
}

// The key is renewed again and again; what was dealt for an epoch is let go of when it is over.
func TestEpochs(t *testing.T) {
	w := newEpochWorld(t, 7)
	last := w.genesis.CoinKey
	for epoch := range kernel.Epoch(3) {
		w.renew()
		e := w.now()
		if e.Number != epoch+1 || e.Genesis != w.view.Head().Index || e.Next != nil || e.Decided != 0 || e.Closing != 0 || e.Facts.Genesis != e.Genesis {
			t.Fatalf("after epoch %d: %+v", epoch, e)
		}
		if slices.Equal(e.Facts.Roster.CoinKey, last) || e.Facts.Bad != 0 || e.Facts.Dealers.Len() != 5 {
			t.Fatalf("after epoch %d: %+v", epoch, e.Facts)
		}
		last = e.Facts.Roster.CoinKey
		w.mustShare()
	}
	rows := 0
	w.view.SystemRows(func(key string, _ []byte) {
		if len(key) > 5 && key[:5] == "deal/" {
			rows++
		}
	})
	if rows != 5 {
		t.Errorf("%d dealings are kept, want those of the key in force", rows)
	}
}

// The set closes with the dealing of the q-th dealer, by order, whatever else stands in the commit.
func TestDealings(t *testing.T) {
	w := newEpochWorld(t, 7)
	early := w.record(kernel.RecordDealing, w.members[0], nil)
	w.say(early)
	w.fix()
	stranger := nodeKey(999)
	w.keys[stranger.Public()] = stranger
	good := w.dealing(w.members[0])
	forged := *good
	forged.Signature[3] ^= 1
	other := *w.dealing(w.members[1])
	other.Epoch++
	foreign := w.dealing(stranger)
	moved := w.record(kernel.RecordDealing, w.members[2], good.Payload) // another's dealing
	w.say(&forged, &other, foreign, moved, w.record(kernel.RecordDealing, w.members[3], []byte("no dealing")))
	if n := w.now().Next; len(n.Dealers) != 0 {
		t.Fatalf("dealers %v of dealings that do not count", n.Dealers)
	}
	w.say(good, good)
	w.say(w.dealing(w.members[6]), w.dealing(w.members[4]))
	if n := w.now().Next; !slices.Equal(n.Dealers, []kernel.Author{0, 6, 4}) || n.Closed != 0 {
		t.Fatalf("dealers %v, closed at %d", n.Dealers, n.Closed)
	}
	w.say(w.dealing(w.members[5]), w.dealing(w.members[3]), w.dealing(w.members[1]))
	n := w.now().Next
	if !slices.Equal(n.Dealers, []kernel.Author{0, 6, 4, 5, 3}) || n.Closed != w.view.Head().Index {
		t.Fatalf("dealers %v, closed at %d", n.Dealers, n.Closed)
	}
}

// closed is a world whose set of dealings is closed; the last two members deal badly.
func closedWorld(t failer, members int, bad ...int) *epochWorld {
	w := newEpochWorld(t, members)
	w.fix()
	for a, node := range w.members[:w.context.Roster.Quorum()] {
		if slices.Contains(bad, a) {
			w.say(w.badDealing(node, members-1, 1))
		} else {
			w.say(w.dealing(node))
		}
	}
	return w
}

// A verdict counts once, for the set that closed, and only if each of its complaints is true.
func TestVerdicts(t *testing.T) {
	w := closedWorld(t, 7, 2)
	void := func(what string, node crypto.NodeKey, change func(*kernel.VerdictRecord)) {
		t.Helper()
		v := w.verdictOf(node)
		change(v)
		w.say(w.record(kernel.RecordVerdict, node, v.AppendBinary(nil)))
		if n := w.now().Next; n.Posted != 0 || n.Bad != 0 {
			t.Fatalf("%s: %+v", what, n)
		}
	}
	void("of another set", w.members[0], func(v *kernel.VerdictRecord) { v.Dealers = v.Dealers.With(6) })
	void("of another draft", w.members[0], func(v *kernel.VerdictRecord) { v.Draft[0]++ })
	void("a false complaint", w.members[6], func(v *kernel.VerdictRecord) { v.Complaints[0].Dealer = 1 })
	void("a true complaint beside a false one", w.members[6], func(v *kernel.VerdictRecord) {
		c := v.Complaints[0]
		c.Dealer = 3
		v.Complaints = append(v.Complaints, c)
	})
	void("another's complaint", w.members[0], func(v *kernel.VerdictRecord) { v.Complaints = w.verdictOf(w.members[6]).Complaints })
	twice := w.verdict(w.members[0])
	w.say(twice, twice, w.verdict(w.members[1]))
	if n := w.now().Next; n.Verdicts != 0b11 || n.Bad != 0b100 || w.now().Decided != 0 {
		t.Fatalf("%+v", n)
	}
	copied := w.verdictOf(w.members[3])
	copied.CheckpointKey = checkpointKey(w.members[0]).Public()
	node := w.verdictOf(w.members[4])
	node.CheckpointKey = w.members[2].Public()
	w.say(w.record(kernel.RecordVerdict, w.members[3], copied.AppendBinary(nil)), w.record(kernel.RecordVerdict, w.members[4], node.AppendBinary(nil)))
	w.say(w.verdict(w.members[6]), w.verdict(w.members[5]))
	e := w.now()
	if e.Decided != w.view.Head().Index || e.Next.Verdicts != 0b1011011 || e.Next.Posted != 0b1111011 || len(e.Next.CoinKey) != 3 {
		t.Fatalf("%+v %+v", e, e.Next)
	}
	for i, want := range []bool{true, true, false, false, false, true, true} {
		if e.Next.Keys[i].IsZero() == want {
			t.Errorf("checkpoint key of %d: %v", i, e.Next.Keys[i])
		}
	}
	w.say(w.verdict(w.members[2])) // too late to judge, in time to publish
	if n := w.now().Next; n.Keys[2].IsZero() || n.Verdicts.Has(2) {
		t.Fatalf("%+v", n)
	}
	w.closing(e.Decided, 0, 1, 2, 3, 4)
	if w.now().Facts.Bad != 0b100 {
		t.Errorf("the bad dealing is not recorded: %+v", w.now().Facts)
	}
	w.mustShare()
}

// Only voting members' closing snapshots count that claim the decision, each author once; the epoch
// ends with the last of a quorum.
func TestClosing(t *testing.T) {
	w := closedWorld(t, 7)
	for _, node := range w.members[:5] {
		w.say(w.verdict(node))
	}
	decided := w.now().Decided
	if decided != w.view.Head().Index {
		t.Fatalf("decided at %d, not %d", decided, w.view.Head().Index)
	}
	w.closing(decided-1, 0, 1, 2, 3, 4)
	w.closing(decided, 0, 1)
	w.closing(decided+1, 0, 0, 1, 2, 3)
	if e := w.now(); e.Number != 0 || e.Closing != 0b1111 {
		t.Fatalf("%+v", e)
	}
	open := snapshot(4, 99, decided+1, nil)
	w.commit(open)
	if w.now().Number != 0 {
		t.Fatal("a snapshot that does not close ends the epoch")
	}
	w.closing(decided+2, 6)
	if e := w.now(); e.Number != 1 || e.Genesis != w.view.Head().Index {
		t.Fatalf("%+v", e)
	}
	defer func() {
		if recover() == nil {
			t.Error("a commit of an epoch that is over is executed")
		}
	}()
	head := w.view.Head()
	Execute(w.view, &kernel.Commit{Index: head.Index + 1, Timestamp: w.clock + 1}, nil, w.context)
}

// An attempt that comes to nothing in an epoch's length is void, and the next roster is without those
// joiners that said nothing.
func TestVoidAttempt(t *testing.T) {
	w := newEpochWorld(t, 7)
	joiner := w.joinNow(1)
	first := w.now().Next
	if first == nil || first.Place(joiner.Public()) != 7 {
		t.Fatalf("a joiner makes no roster due: %+v", first)
	}
	for _, node := range w.members[:5] {
		w.say(w.dealing(node))
	}
	w.idle(int(first.Fixed) + epochCommits - int(w.view.Head().Index) - 1)
	if n := w.now().Next; n.Attempt != 1 {
		t.Fatalf("void too early: %+v", n)
	}
	w.idle(1)
	second := w.now().Next
	if second.Attempt != 2 || second.Place(joiner.Public()) >= 0 || len(second.Dealers) != 0 || second.Fixed != w.view.Head().Index {
		t.Fatalf("%+v", second)
	}
	w.view.SystemRows(func(key string, _ []byte) {
		if len(key) > 5 && key[:5] == "deal/" {
			t.Errorf("row %s of a void attempt is kept", key)
		}
	})
	w.renew()
	w.mustShare()
	w.renew() // whenever a roster is due, it is asked again
	if w.place(joiner.Public()) != 7 {
		t.Error("a joiner that was late once never joins")
	}
	w.mustShare()
}

// joinNow makes a member join by commits of this world.
func (w *epochWorld) joinNow(balance int) crypto.NodeKey {
	w.t.Helper()
	node, payee := w.candidate()
	pledge := w.pledgeTx(balance, node, payee)
	for _, tx := range []*kernel.Transaction{pledge, w.acceptTx(pledge, node)} {
		head := w.view.Head().Index
		w.round++
		d := w.commit(snapshot(0, w.round, head, w.entries(tx)))
		if len(d.Receipts) != 1 || d.Receipts[0].Status != kernel.Final {
			w.t.Fatalf("%v: %+v", tx.Class(), d.Receipts)
		}
	}
	return node
}

// Members join and leave at the boundaries of epochs, and everybody has its share.
func TestMembersChange(t *testing.T) {
	w := newEpochWorld(t, 8)
	joiner := w.joinNow(3)
	w.say(w.record(kernel.RecordResign, w.members[2], nil))
	leaver := w.members[2]
	w.renew()
	if w.place(joiner.Public()) < 0 {
		t.Fatal("the joiner is no member")
	}
	w.mustShare()
	for range 3 {
		w.renew()
		w.mustShare()
	}
	if w.place(leaver.Public()) >= 0 {
		t.Error("the leaver is a member still")
	}
	w.mustBe(t, leaver, kernel.MemberRemoved)
}

var ceremonies = flag.Int("ceremonies", 20, "random ceremonies; from 100 on one of 50 members too")

// Whatever f absent or cheating dealers and f' judges do, the ceremony ends with a key of which all honest
// members have their share, and nobody honest is blamed. [T65]
func TestCeremonies(t *testing.T) {
	count := *ceremonies
	if full() {
		count = max(count, 200)
	}
	if testing.Short() {
		count = 8
	}
	for seed := range uint64(count) {
		random := rand.New(rand.NewPCG(seed, 65))
		n := kernel.MinMembers + random.IntN(7)
		switch {
		case seed == 0 && count >= 100:
			n = kernel.MaxMembers
		case seed%10 == 1:
			n = kernel.MinMembers + random.IntN(20)
		}
		runCeremony(t, seed, n, random)
		if t.Failed() {
			t.Fatalf("replay: seed %d, %d members", seed, n)
		}
	}
}

func runCeremony(t *testing.T, seed uint64, n int, random *rand.Rand) {
	w := newEpochWorld(t, n)
	w.context.EpochLength = 1000 // no attempt is void
	for w.now().Next == nil {
		w.context.EpochLength = uint64(w.view.Head().Index)
		w.commit()
	}
	w.context.EpochLength = 100_000
	f := w.context.Roster.Faulty()
	liars := make(map[int]bool)
	for _, a := range random.Perm(n)[:random.IntN(f+1)] {
		liars[a] = true
	}
	for _, a := range random.Perm(n) {
		if w.now().Next.Closed > 0 {
			break
		}
		switch {
		case !liars[a] || random.IntN(3) == 0:
			w.say(w.dealing(w.members[a]))
		case random.IntN(2) == 0:
			w.say(w.badDealing(w.members[a], random.Perm(n)[:1+random.IntN(n)]...))
		}
	}
	if w.now().Next.Closed == 0 {
		t.Fatal("honest members alone do not close the set")
	}
	for _, a := range random.Perm(n) {
		if w.now().Decided > 0 {
			break
		}
		v := w.verdictOf(w.members[a])
		if liars[a] {
			switch random.IntN(4) {
			case 0:
				continue
			case 1:
				v.Complaints = nil
			case 2:
				v.Complaints = []kernel.ComplaintRecord{{Dealer: w.now().Next.Dealers[0], Opened: kernel.Key{9}}}
			}
		}
		w.say(w.record(kernel.RecordVerdict, w.members[a], v.AppendBinary(nil)))
	}
	e := w.now()
	if e.Decided == 0 {
		t.Fatal("honest members alone do not decide")
	}
	for a := range n {
		if e.Next.Bad.Has(kernel.Author(a)) && !liars[a] {
			t.Fatalf("honest dealer %d is blamed", a)
		}
	}
	w.closing(e.Decided, random.Perm(n)[:w.context.Roster.Quorum()]...)
	// A bad share that reached only members whose verdicts did not count stays theirs.
	var unlucky []kernel.Key
	e = w.now()
	draft, all := KeyDealings(w.view, w.context.Network, &e)
	for i := range e.Facts.Roster.Members {
		key := e.Facts.Roster.Members[i].Key
		if _, err := dealing.Share(draft, kernel.Author(i), w.keys[key], all); err != nil {
			unlucky = append(unlucky, key)
		}
	}
	if n-len(unlucky) < w.context.Roster.Quorum()-f {
		t.Fatalf("%d of %d members have a share", n-len(unlucky), n)
	}
	w.mustShare(unlucky...)
}

func TestEpochRows(t *testing.T) {
	w := closedWorld(t, 7, 1)
	w.say(w.verdict(w.members[6]))
	e := w.now()
	for name, row := range map[string]interface{ AppendBinary([]byte) []byte }{"epoch": &e, "facts": e.Facts, "next": e.Next} {
		b := row.AppendBinary(nil)
		var again interface {
			AppendBinary([]byte) []byte
			UnmarshalBinary([]byte) error
		}
		switch name {
		case "epoch":
			again = new(Epoch)
		case "facts":
			again = new(EpochFacts)
		default:
			again = new(NextEpoch)
		}
		if err := again.UnmarshalBinary(b); err != nil || string(again.AppendBinary(nil)) != string(b) {
			t.Errorf("%s: decoded and encoded again it differs: %v", name, err)
		}
		if err := again.UnmarshalBinary(append(b, 0)); err == nil && name != "facts" {
			t.Errorf("%s: a trailing byte is taken", name)
		}
	}
}

func FuzzEpochRows(f *testing.F) {
	w := closedWorld(f, 7, 1)
	e := w.now()
	f.Add(e.AppendBinary(nil))
	f.Add(e.Next.AppendBinary(nil))
	f.Add(e.Facts.AppendBinary(nil))
	f.Fuzz(func(t *testing.T, b []byte) {
		var e Epoch
		var n NextEpoch
		var facts EpochFacts
		if e.UnmarshalBinary(b) == nil && string(e.AppendBinary(nil)) != string(b) {
			t.Fatal("epoch: not canonical")
		}
		if n.UnmarshalBinary(b) == nil && string(n.AppendBinary(nil)) != string(b) {
			t.Fatal("next: not canonical")
		}
		if facts.UnmarshalBinary(b) == nil && string(facts.AppendBinary(nil)) != string(b) {
			t.Fatal("facts: not canonical")
		}
	})
}
