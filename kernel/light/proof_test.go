package light

import (
	"bytes"
	"errors"
	"flag"
	"slices"
	"testing"

	"github.com/asterism-network/asterism/internal/codec"
	"github.com/asterism-network/asterism/internal/crypto"
	"github.com/asterism-network/asterism/internal/merkle"
	"github.com/asterism-network/asterism/kernel"
)

// wanted is how many proofs must be accepted and how many forgeries refused.
var wanted = flag.Int("proofs", 5000, "good proofs and forgeries to try")

// lived returns a world that has gone through an epoch or more, and a chain that followed it.
func lived(t testing.TB, members int, seed uint64) (*world, *Chain) {
	w := newWorld(t, members, seed)
	c := Start(w.genesis)
	for i := range 2 + w.random.IntN(2) {
		w.pay(30)
		accept(t, c, w.checkpoint())
		w.pay(10)
		flagged := 1
		if members >= 10 {
			flagged += i % 2
		}
		if err := c.Change(w.endEpoch(members+i%2, flagged)); err != nil {
			t.Fatal(err)
		}
	}
	w.pay(40)
	w.checkpoint()
	return w, c
}

func accept(t testing.TB, c *Chain, p *kernel.CheckpointProof) {
	t.Helper()
	if err := c.Accept(p); err != nil {
		t.Fatal(err)
	}
}

// TestGoodProofs makes proofs of every kind in many worlds: each is accepted, as a value and as
// decoded from its bytes, with a chain that followed and from the genesis alone.
func TestGoodProofs(t *testing.T) {
	accepted := 0
	good := func(what string, err error) {
		t.Helper()
		if err != nil {
			t.Fatalf("%s: %v (proof %d)\nreplay: go test ./kernel/light -run GoodProofs -proofs %d", what, err, accepted, accepted+1)
		}
		accepted++
	}
	for seed := uint64(0); accepted < *wanted; seed++ {
		members := []int{7, 11, 16, 22}[seed%4]
		if seed == 3 {
			members = 49
		}
		w, c := lived(t, members, seed)
		for range 25 {
			final := w.finality(w.finalReceipt(kernel.Final))
			good("final", c.Final(decoded(t, final)))
			good("settled", c.Settled(w.finality(w.finalReceipt(kernel.Rejected))))
			good("unspent", c.Unspent(decodedOutput(t, w.place(w.unspentPlace()))))
			good("spent", c.Spent(decodedOutput(t, w.place(w.emptyPlace()))))
		}
		accept(t, c, w.checkpointAgain())
		for range 25 {
			from := w.random.IntN(w.outputsDone)
			to := from + 1 + w.random.IntN(w.outputsDone-from)
			good("outputs", c.Outputs(w.outputRange(from, to)))
			from = w.random.IntN(w.receiptsDone)
			to = from + 1 + w.random.IntN(w.receiptsDone-from)
			good("receipts", c.Receipts(w.receiptRange(from, to)))
		}
		file := &kernel.ProofFile{Network: w.network, Rosters: w.changes, Finality: w.finality(w.finalReceipt(kernel.Final))}
		good("file", VerifyFile(w.genesis, decodedFile(t, file)))
		file = &kernel.ProofFile{Network: w.network, Rosters: w.changes, Output: w.place(w.unspentPlace())}
		good("file of an output", VerifyFile(w.genesis, decodedFile(t, file)))
		file.Output = w.place(w.emptyPlace())
		good("file of a spent output", VerifyFile(w.genesis, decodedFile(t, file)))
	}
	t.Logf("%d proofs accepted", accepted)
}

// checkpointAgain is another certificate, by other members, of the same checkpoint.
func (w *world) checkpointAgain() *kernel.CheckpointProof { return w.certify(w.last.Checkpoint) }

func decoded(t testing.TB, p *kernel.FinalityProof) *kernel.FinalityProof {
	again := new(kernel.FinalityProof)
	if err := again.UnmarshalBinary(p.AppendBinary(nil)); err != nil {
		t.Fatal(err)
	}
	return again
}

func decodedOutput(t testing.TB, p *kernel.OutputProof) *kernel.OutputProof {
	again := new(kernel.OutputProof)
	if err := again.UnmarshalBinary(p.AppendBinary(nil)); err != nil {
		t.Fatal(err)
	}
	return again
}

func decodedFile(t testing.TB, f *kernel.ProofFile) *kernel.ProofFile {
	b, err := f.Encode()
	if err != nil {
		t.Fatal(err)
	}
	again, err := kernel.DecodeProofFile(b)
	if err != nil {
		t.Fatal(err)
	}
	return again
}

// A forgery changes one thing of good proofs and says who must notice.
type forgery struct {
	name string
	try  func(w *world, c *Chain) error
	want Refusal
}

func (w *world) final() *kernel.FinalityProof { return w.finality(w.finalReceipt(kernel.Final)) }

// tampered is a forgery of a proof of finality.
func tampered(name string, want Refusal, tamper func(w *world, p *kernel.FinalityProof)) forgery {
	return forgery{name, func(w *world, c *Chain) error {
		p := w.final()
		tamper(w, p)
		return c.Final(p)
	}, want}
}

// outsider returns keys that are no member's.
func (w *world) outsiders() []crypto.NodeKey {
	keys := make([]crypto.NodeKey, len(w.keys))
	for i := range keys {
		keys[i] = nodeKey("outsider", 0, i)
	}
	return keys
}

func (w *world) signers() (authors []int) {
	for _, s := range w.last.Signatures {
		authors = append(authors, int(s.Author))
	}
	return authors
}

func (w *world) flagged() int {
	return slices.IndexFunc(w.roster.Members, func(m kernel.Member) bool { return m.Flagged })
}

var certificateForgeries = []forgery{
	tampered("short certificate", TooFewSigners, func(w *world, p *kernel.FinalityProof) {
		p.Certificate.Signatures = p.Certificate.Signatures[:w.roster.Roster().Quorum()-1]
	}),
	tampered("no signature at all", TooFewSigners, func(w *world, p *kernel.FinalityProof) { p.Certificate.Signatures = nil }),
	tampered("one signature stands twice", SignerOrder, func(w *world, p *kernel.FinalityProof) {
		s := p.Certificate.Signatures
		i := 1 + w.random.IntN(len(s)-1)
		s[i] = s[i-1]
	}),
	tampered("one key signs for all", SignatureInvalid, func(w *world, p *kernel.FinalityProof) {
		s := p.Certificate.Signatures
		for i := range s {
			s[i].Signature = s[0].Signature
		}
	}),
	tampered("signers out of order", SignerOrder, func(w *world, p *kernel.FinalityProof) {
		s := p.Certificate.Signatures
		i := 1 + w.random.IntN(len(s)-1)
		s[i-1], s[i] = s[i], s[i-1]
	}),
	tampered("signatures exchanged", SignatureInvalid, func(w *world, p *kernel.FinalityProof) {
		s := p.Certificate.Signatures
		i := 1 + w.random.IntN(len(s)-1)
		s[i-1].Signature, s[i].Signature = s[i].Signature, s[i-1].Signature
	}),
	tampered("a stranger signs too", SignerUnknown, func(w *world, p *kernel.FinalityProof) {
		stranger := signed(p.Certificate.Checkpoint, append(slices.Clone(w.keys), nodeKey("outsider", 0, 0)), len(w.keys))
		p.Certificate.Signatures = append(p.Certificate.Signatures, stranger.Signatures...)
	}),
	tampered("a flagged member fills the quorum", SignerFlagged, func(w *world, p *kernel.FinalityProof) {
		authors := append(w.signers()[:w.roster.Roster().Quorum()-1], w.flagged())
		slices.Sort(authors)
		p.Certificate = *signed(p.Certificate.Checkpoint, w.keys, slices.Compact(authors)...)
	}),
	tampered("a flagged member beside a quorum", SignerFlagged, func(w *world, p *kernel.FinalityProof) {
		authors := append(w.signers(), w.flagged())
		slices.Sort(authors)
		p.Certificate = *signed(p.Certificate.Checkpoint, w.keys, authors...)
	}),
	tampered("signed by outsiders", SignatureInvalid, func(w *world, p *kernel.FinalityProof) {
		p.Certificate = *signed(p.Certificate.Checkpoint, w.outsiders(), w.signers()...)
	}),
	tampered("signed by last epoch's keys", SignatureInvalid, func(w *world, p *kernel.FinalityProof) {
		keys := make([]crypto.NodeKey, len(w.keys))
		for i := range keys {
			keys[i] = nodeKey("checkpoint", int(w.roster.Epoch)-1, i)
		}
		p.Certificate = *signed(p.Certificate.Checkpoint, keys, w.signers()...)
	}),
	tampered("signed by node keys where others were published", SignatureInvalid, func(w *world, p *kernel.FinalityProof) {
		keys := make([]crypto.NodeKey, len(w.keys))
		for i := range keys {
			keys[i] = nodeKey("node", 0, i)
		}
		p.Certificate = *signed(p.Certificate.Checkpoint, keys, w.signers()...)
	}),
	tampered("one of another checkpoint's signatures", SignatureInvalid, func(w *world, p *kernel.FinalityProof) {
		cp := p.Certificate.Checkpoint
		cp.Index++
		other := signed(cp, w.keys, w.signers()...)
		i := w.random.IntN(len(other.Signatures))
		p.Certificate.Signatures[i] = other.Signatures[i]
	}),
	tampered("another network", WrongNetwork, func(w *world, p *kernel.FinalityProof) {
		cp := p.Certificate.Checkpoint
		cp.Network[3] ^= 1
		p.Certificate = *signed(cp, w.keys, w.signers()...)
	}),
	tampered("a later epoch", WrongEpoch, func(w *world, p *kernel.FinalityProof) {
		cp := p.Certificate.Checkpoint
		cp.Epoch++
		p.Certificate = *signed(cp, w.keys, w.signers()...)
	}),
	tampered("an epoch long gone", WrongEpoch, func(w *world, p *kernel.FinalityProof) {
		cp := p.Certificate.Checkpoint
		cp.Epoch -= 2
		p.Certificate = *signed(cp, w.keys, w.signers()...)
	}),
	tampered("the last epoch", WrongRoster, func(w *world, p *kernel.FinalityProof) {
		cp := p.Certificate.Checkpoint
		cp.Epoch--
		p.Certificate = *signed(cp, w.keys, w.signers()...)
	}),
	tampered("a committee of outsiders", WrongRoster, func(w *world, p *kernel.FinalityProof) {
		cp, forged := p.Certificate.Checkpoint, *w.roster
		keys := w.outsiders()
		forged.CheckpointKeys = make([]kernel.Key, len(keys))
		for i := range keys {
			forged.CheckpointKeys[i] = keys[i].Public()
		}
		cp.Roster = forged.Hash(w.network)
		p.Certificate = *signed(cp, keys, w.signers()...)
	}),
	tampered("a count more", SignatureInvalid, func(w *world, p *kernel.FinalityProof) { p.Certificate.Checkpoint.Receipts.Count++ }),
	tampered("a root of its own", SignatureInvalid, func(w *world, p *kernel.FinalityProof) {
		p.Certificate.Checkpoint.Receipts.Root[w.random.IntN(32)] ^= 1
	}),
}

var branchForgeries = []forgery{
	tampered("another receipt's branch", BranchInvalid, func(w *world, p *kernel.FinalityProof) {
		other := (int(p.Branch.Place) + 1 + w.random.IntN(w.receiptsDone-1)) % w.receiptsDone
		p.Branch = w.finality(other).Branch
	}),
	tampered("siblings exchanged", BranchInvalid, func(w *world, p *kernel.FinalityProof) {
		s := p.Branch.Siblings
		i := 1 + w.random.IntN(len(s)-1)
		s[i-1], s[i] = s[i], s[i-1]
	}),
	tampered("the place beside", BranchInvalid, func(w *world, p *kernel.FinalityProof) { p.Branch.Place ^= 1 }),
	tampered("a place far off", BranchInvalid, func(w *world, p *kernel.FinalityProof) { p.Branch.Place += 1 << 40 }),
	tampered("a place over the end", BranchInvalid, func(w *world, p *kernel.FinalityProof) { p.Branch.Place += uint64(w.receiptsDone) }),
	tampered("one sibling less: a node for a leaf", BranchInvalid, func(w *world, p *kernel.FinalityProof) {
		p.Branch.Siblings, p.Branch.Place = p.Branch.Siblings[1:], p.Branch.Place/2
	}),
	tampered("one sibling more: a leaf for a node", BranchInvalid, func(w *world, p *kernel.FinalityProof) {
		p.Branch.Siblings, p.Branch.Place = append([]kernel.Hash{p.Receipt.Leaf()}, p.Branch.Siblings...), p.Branch.Place*2
	}),
	tampered("a branch in the tree of outputs", BranchInvalid, func(w *world, p *kernel.FinalityProof) {
		p.Branch = w.place(w.unspentPlace()).Branch
	}),
	tampered("a sibling of zeros", BranchInvalid, func(w *world, p *kernel.FinalityProof) {
		p.Branch.Siblings[w.random.IntN(len(p.Branch.Siblings))] = kernel.Hash{}
	}),
	tampered("another transaction", BranchInvalid, func(w *world, p *kernel.FinalityProof) { p.Receipt.Transaction[w.random.IntN(32)] ^= 1 }),
	tampered("a rejected one called final", BranchInvalid, func(w *world, p *kernel.FinalityProof) {
		*p = *w.finality(w.finalReceipt(kernel.Rejected))
		p.Receipt.Status, p.Receipt.Rule, p.Receipt.Winner = kernel.Final, 0, kernel.TxHash{}
	}),
	tampered("a rejected one", NotFinal, func(w *world, p *kernel.FinalityProof) { *p = *w.finality(w.finalReceipt(kernel.Rejected)) }),
	tampered("a commit after the checkpoint", CommitAhead, func(w *world, p *kernel.FinalityProof) {
		cp := p.Certificate.Checkpoint // here the members lie themselves
		p.Receipt.Commit = cp.Index + 1
		p.Branch, cp.Receipts = oneMore(cp.Receipts, p.Receipt.Leaf())
		p.Certificate = *signed(cp, w.keys, w.signers()...)
	}),
}

var outputForgeries = []forgery{
	{"a spent output", func(w *world, c *Chain) error {
		s := w.spentRef[w.random.IntN(len(w.spentRef))]
		p := w.place(s.place)
		p.Output = s.output
		return c.Unspent(p)
	}, BranchInvalid},
	{"an output changed", func(w *world, c *Chain) error {
		p := w.place(w.unspentPlace())
		changed := *p.Output
		changed.Amount, _ = changed.Amount.Add(kernel.NewAmount(1))
		p.Output = &changed
		return c.Unspent(p)
	}, BranchInvalid},
	{"another output's branch", func(w *world, c *Chain) error {
		p, other := w.place(w.unspentPlace()), w.place(w.emptyPlace())
		p.Branch = other.Branch
		return c.Unspent(p)
	}, BranchInvalid},
	{"an output that no bytes hold", func(w *world, c *Chain) error {
		p := w.place(w.unspentPlace())
		p.Output = &kernel.StateOutput{Keys: make([]kernel.Key, 257)}
		return c.Unspent(p)
	}, BranchInvalid},
	{"an empty place for an output", func(w *world, c *Chain) error { return c.Unspent(w.place(w.emptyPlace())) }, PlaceEmpty},
	{"an output for an empty place", func(w *world, c *Chain) error { return c.Spent(w.place(w.unspentPlace())) }, PlaceTaken},
	{"an output left out of its proof", func(w *world, c *Chain) error {
		p := w.place(w.unspentPlace())
		p.Output = nil
		return c.Spent(p)
	}, BranchInvalid},
	{"an output of a commit after the checkpoint", func(w *world, c *Chain) error {
		p := w.place(w.unspentPlace())
		o, cp := *p.Output, p.Certificate.Checkpoint
		o.Commit = cp.Index + 1
		p.Output = &o
		p.Branch, cp.Outputs = oneMore(cp.Outputs, o.Leaf())
		p.Certificate = *signed(cp, w.keys, w.signers()...)
		return c.Unspent(p)
	}, CommitAhead},
	{"unspent once", func(w *world, c *Chain) error {
		p := w.place(w.unspentPlace())
		ahead, w2 := *c, w.last.Checkpoint
		w2.Index++
		if err := ahead.Accept(w.certify(w2)); err != nil {
			return err
		}
		return ahead.Unspent(p)
	}, Older},
}

// oneMore is the head of a list of as many empty places and the leaf, and the leaf's branch.
func oneMore(head kernel.TreeHead, leaf kernel.Hash) (kernel.Branch, kernel.TreeHead) {
	leaves := append(make([][32]byte, head.Count), leaf)
	return kernel.BranchOf(merkle.Prove(leaves, int(head.Count))), kernel.TreeHead{Root: merkle.Root(leaves), Count: head.Count + 1}
}

// ahead is a copy of the chain that holds the world's newest checkpoint.
func (w *world) ahead(c *Chain) *Chain {
	ahead := *c
	if err := ahead.Accept(w.checkpointAgain()); err != nil {
		w.t.Fatal(err)
	}
	return &ahead
}

// inRange is a forgery of a range that begins and ends with an output. (Beside empty places a range
// may be read longer than it was made, and rightly so: what it then says is true.)
func inRange(name string, tamper func(w *world, r *kernel.OutputRange)) forgery {
	return forgery{name, func(w *world, c *Chain) error {
		from, last := int(w.unspentPlace()), int(w.unspentPlace())
		r := w.outputRange(min(from, last), max(from, last)+1)
		tamper(w, r)
		return w.ahead(c).Outputs(r)
	}, RangeIncomplete}
}

var rangeForgeries = []forgery{
	inRange("an output kept back", func(w *world, r *kernel.OutputRange) { r.Outputs[0] = nil }),
	inRange("the last one cut off", func(w *world, r *kernel.OutputRange) { r.Outputs = r.Outputs[:len(r.Outputs)-1] }),
	inRange("one more", func(w *world, r *kernel.OutputRange) { r.Outputs = append(r.Outputs, r.Outputs[0]) }),
	inRange("one twice", func(w *world, r *kernel.OutputRange) { r.Outputs = append(r.Outputs[:1:1], r.Outputs...) }),
	inRange("elsewhere", func(w *world, r *kernel.OutputRange) { r.From++ }),
	inRange("elsewhere before", func(w *world, r *kernel.OutputRange) { r.From-- }),
	inRange("another key", func(w *world, r *kernel.OutputRange) {
		o := *r.Outputs[0]
		o.Keys = slices.Clone(o.Keys)
		o.Keys[0][5] ^= 1
		r.Outputs[0] = &o
	}),
	inRange("a hash more", func(w *world, r *kernel.OutputRange) { r.Hashes = append(r.Hashes, kernel.Hash{}) }),
	inRange("too many", func(w *world, r *kernel.OutputRange) { r.Outputs = make([]*kernel.StateOutput, kernel.MaxRange+1) }),
	inRange("none", func(w *world, r *kernel.OutputRange) { r.Outputs = nil }),
	inRange("what no bytes hold", func(w *world, r *kernel.OutputRange) {
		r.Outputs[0] = &kernel.StateOutput{Keys: make([]kernel.Key, 257)}
	}),
	{"a receipt changed", func(w *world, c *Chain) error {
		r := w.receiptRange(0, w.receiptsDone)
		r.Receipts[w.random.IntN(len(r.Receipts))].Snapshot[0] ^= 1
		return w.ahead(c).Receipts(r)
	}, RangeIncomplete},
	{"a receipt kept back", func(w *world, c *Chain) error {
		r := w.receiptRange(0, w.receiptsDone)
		i := w.random.IntN(len(r.Receipts))
		r.Receipts = slices.Delete(r.Receipts, i, i+1)
		return w.ahead(c).Receipts(r)
	}, RangeIncomplete},
}

var fileForgeries = []forgery{
	{"of another network", func(w *world, c *Chain) error {
		f := w.file()
		f.Network[0] ^= 1
		return VerifyFile(w.genesis, f)
	}, WrongNetwork},
	{"another transaction", func(w *world, c *Chain) error {
		f := w.file()
		f.Transaction = w.transactions[0]
		if other := w.transactions[1]; f.Finality.Receipt.Transaction == transactionHash(w.t, f.Transaction) {
			f.Transaction = other
		}
		return VerifyFile(w.genesis, f)
	}, WrongTransaction},
	{"no transaction", func(w *world, c *Chain) error {
		f := w.file()
		f.Transaction = []byte{1}
		return VerifyFile(w.genesis, f)
	}, WrongTransaction},
	{"no proof", func(w *world, c *Chain) error {
		f := w.file()
		f.Finality = nil
		return VerifyFile(w.genesis, f)
	}, NoProof},
	{"two proofs", func(w *world, c *Chain) error {
		f := w.file()
		f.Output = w.place(w.unspentPlace())
		return VerifyFile(w.genesis, f)
	}, NoProof},
	{"a roster left out", func(w *world, c *Chain) error {
		f := w.file()
		f.Rosters = slices.Delete(slices.Clone(f.Rosters), 0, 1)
		return VerifyFile(w.genesis, f)
	}, WrongEpoch},
	{"the last roster left out", func(w *world, c *Chain) error {
		f := w.file()
		f.Rosters = f.Rosters[:len(f.Rosters)-1]
		return VerifyFile(w.genesis, f)
	}, WrongEpoch},
	{"rosters exchanged", func(w *world, c *Chain) error {
		f := w.file()
		f.Rosters = slices.Clone(f.Rosters)
		slices.Reverse(f.Rosters)
		return VerifyFile(w.genesis, f)
	}, WrongEpoch},
}

func (w *world) file() *kernel.ProofFile {
	return &kernel.ProofFile{Network: w.network, Rosters: w.changes, Finality: w.final()}
}

func transactionHash(t testing.TB, b []byte) kernel.TxHash {
	var tx kernel.Transaction
	if err := tx.UnmarshalBinary(b); err != nil {
		t.Fatal(err)
	}
	return tx.Hash()
}

// TestForgeries tries every forgery in many worlds, until enough were refused, each by the name
// that it deserves.
func TestForgeries(t *testing.T) {
	all := slices.Concat(certificateForgeries, branchForgeries, outputForgeries, rangeForgeries, fileForgeries, changeForgeries, alarms)
	seen := map[Refusal]bool{}
	refused := 0
	for seed := uint64(100); refused < *wanted; seed++ {
		w, c := lived(t, []int{7, 10, 13, 17}[seed%4], seed)
		for _, f := range all {
			if err := f.try(w, c); !errors.Is(err, f.want) {
				t.Fatalf("seed %d: %s: got %v, want %v", seed, f.name, err, f.want)
			}
			seen[f.want] = true
			refused++
		}
		if err := c.Final(w.final()); err != nil {
			t.Fatalf("seed %d: after the forgeries a good proof is refused: %v", seed, err)
		}
		refused += flipRandomBits(t, w, c, 60)
	}
	for r := Refusal(1); r < refusalEnd; r++ {
		if !seen[r] && r < OutOfOrder { // those from there on have their cases with accounts
			t.Errorf("%s has no case", r)
		}
	}
	t.Logf("%d forgeries refused, of %d kinds", refused, len(all))
}

// flipRandomBits flips bits of encoded proofs: whatever still decodes is refused with a name.
func flipRandomBits(t *testing.T, w *world, c *Chain, times int) (refused int) {
	for i := range times {
		var b []byte
		var judge func(b []byte) error
		if i%2 == 0 {
			b, judge = w.final().AppendBinary(nil), judgeFinal(c)
		} else {
			b, judge = w.place(w.unspentPlace()).AppendBinary(nil), judgeOutput(c)
		}
		mustRefuse(t, b, w.random.IntN(8*len(b)), judge)
		refused++
	}
	return refused
}

func judgeFinal(c *Chain) func(b []byte) error {
	return func(b []byte) error {
		var p kernel.FinalityProof
		if err := p.UnmarshalBinary(b); err != nil {
			return err
		}
		return c.Final(&p)
	}
}

func judgeOutput(c *Chain) func(b []byte) error {
	return func(b []byte) error {
		var p kernel.OutputProof
		if err := p.UnmarshalBinary(b); err != nil {
			return err
		}
		return c.Unspent(&p)
	}
}

func mustRefuse(t *testing.T, b []byte, bit int, judge func([]byte) error) {
	t.Helper()
	changed := bytes.Clone(b)
	changed[bit/8] ^= 1 << (bit % 8)
	err := judge(changed)
	var r Refusal
	var malformed *codec.Error
	if !errors.As(err, &r) && !errors.As(err, &malformed) {
		t.Fatalf("bit %d of %d flipped: %v", bit, 8*len(b), err)
	}
}

// TestEveryBit flips every bit of a proof of finality, and one of every byte of a proof of an output
// and of a roster change.
func TestEveryBit(t *testing.T) {
	w, c := lived(t, 10, 7)
	final, output := w.final().AppendBinary(nil), w.place(w.unspentPlace()).AppendBinary(nil)
	w.pay(5)
	change := w.endEpoch(10, 1).AppendBinary(nil)
	for bit := range 8 * len(final) {
		mustRefuse(t, final, bit, judgeFinal(c))
	}
	for i := range output {
		mustRefuse(t, output, 8*i+i%8, judgeOutput(c))
	}
	for i := range change {
		mustRefuse(t, change, 8*i+i%8, func(b []byte) error {
			var change kernel.RosterChange
			if err := change.UnmarshalBinary(b); err != nil {
				return err
			}
			ahead := *c
			return ahead.Change(&change)
		})
	}
	t.Logf("%d bits", 8*len(final)+len(output)+len(change))
}
