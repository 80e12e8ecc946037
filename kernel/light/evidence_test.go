package light

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"reflect"
	"testing"

	"github.com/asterism-network/asterism/internal/crypto"
	"github.com/asterism-network/asterism/internal/crypto/sharing"
	"github.com/asterism-network/asterism/kernel"
	"github.com/asterism-network/asterism/kernel/internal/coin"
)

// nearMisses is how much evidence that proves nothing is tried.
var nearMisses = flag.Int("near-misses", 3000, "evidence that proves nothing to try; 10,000 at least in make test-full")

type dice struct{ *crypto.Stream }

func (d dice) Read(b []byte) (int, error) { d.Fill(b); return len(b), nil }

// A court is a world with a coin, in which members sign what they should not.
type court struct {
	*world
	secrets []crypto.Scalar
	spender kernel.Scalar
}

func newCourt(t testing.TB, members int, seed uint64) *court {
	c := &court{world: newWorld(t, members, seed)}
	p, err := sharing.NewPolynomial((members-1)/3, dice{crypto.NewStream("court", []byte{byte(seed)})})
	if err != nil {
		t.Fatal(err)
	}
	for i := range members {
		c.secrets = append(c.secrets, sharing.ScalarOf(p.At(coin.ShareIndex(kernel.Author(i)))))
	}
	c.genesis.CoinKey = p.Commit().Keys()
	c.network, c.roster = c.genesis.NetworkID(), c.genesis.EpochRoster()
	c.spender = crypto.ScalarFromWide([64]byte{byte(seed), 5})
	return c
}

// header is one that a member signed in epoch 0, with its share of a round's coin.
func (c *court) header(author int, round, shareOf kernel.Round, body *kernel.Body, claim kernel.CommitIndex) *kernel.Header {
	key, err := coin.NewKey(c.network, 0, c.genesis.Roster())
	if err != nil {
		c.t.Fatal(err)
	}
	h := &kernel.Header{
		Network: c.network, Author: kernel.Author(author), Round: round, Timestamp: c.genesis.Timestamp + kernel.Timestamp(c.random.IntN(1000)),
		Parents: []kernel.Parent{{Author: kernel.Author(author), Round: round - 1}}, BodyRoot: body.Root(), BodyLength: uint32(len(body.AppendBinary(nil))),
		Claim: kernel.CommitClaim{Index: claim},
	}
	if h.Share, err = key.Share(c.secrets[author], kernel.Author(author), shareOf); err != nil {
		c.t.Fatal(err)
	}
	return c.sign(h, author)
}

func (c *court) sign(h *kernel.Header, author int) *kernel.Header {
	id := h.ID()
	h.Signature = nodeKey("node", 0, author).Sign(id[:])
	return h
}

func (c *court) raw(h *kernel.Header) kernel.HexBytes {
	b, err := h.AppendBinary(nil)
	if err != nil {
		c.t.Fatal(err)
	}
	return b
}

func (c *court) file(fault kernel.FaultNumber) *kernel.EvidenceFile {
	return &kernel.EvidenceFile{Network: c.network, Rosters: []kernel.RosterChange{}, Fault: fault}
}

// equivocation signs two snapshots of one place.
func (c *court) equivocation(author int, round kernel.Round) *kernel.EvidenceFile {
	empty := new(kernel.Body)
	a, b := c.header(author, round, round, empty, 0), c.header(author, round, round, empty, 1)
	f, e := c.file(kernel.FaultE1), kernel.EquivocationOf(a, b)
	f.Equivocation = &e
	return f
}

func (c *court) wrongShare(author int, round kernel.Round) *kernel.EvidenceFile {
	f := c.file(kernel.FaultE4)
	f.Header = c.raw(c.header(author, round, round+1, new(kernel.Body), 0))
	return f
}

// payment spends an output of the court's own, made by pay, into a fresh key.
func (c *court) payment(ref kernel.OutputRef, amount kernel.Amount, salt byte) *kernel.Transaction {
	out := kernel.Output{Amount: amount, Mask: crypto.ScalarFromWide([64]byte{salt, 1}).Public(), Script: kernel.NewScript(1)}
	out.Keys = []kernel.Key{crypto.ScalarFromWide([64]byte{salt, 2}).Public()}
	tx := &kernel.Transaction{Asset: kernel.BTC, Inputs: []kernel.Input{{OutputRef: ref}}, Outputs: []kernel.Output{out}}
	hash := tx.Hash()
	tx.Signatures = []kernel.SignatureMap{{{Signature: c.spender.Sign(hash[:])}}}
	return tx
}

// make makes a transaction final: its outputs are in the trees at the next checkpoint.
func (c *court) make(tx *kernel.Transaction) {
	c.index++
	hash := tx.Hash()
	c.receipts = append(c.receipts, kernel.Receipt{Transaction: hash, Status: kernel.Final, Commit: c.index, Snapshot: kernel.SnapshotID{1}})
	c.apply(tx, hash)
}

// coins makes an output that the court can spend and returns it with its place.
func (c *court) coins(salt byte) (kernel.OutputRef, uint64) {
	out := kernel.Output{Amount: kernel.NewAmount(100), Keys: []kernel.Key{c.spender.Public()}, Mask: crypto.ScalarFromWide([64]byte{salt, 3}).Public(), Script: kernel.NewScript(1)}
	tx := &kernel.Transaction{Asset: kernel.BTC, Inputs: []kernel.Input{{OutputRef: kernel.OutputRef{Hash: kernel.TxHash{salt, 9}}}}, Outputs: []kernel.Output{out}}
	place := uint64(len(c.outputs))
	c.make(tx)
	return kernel.OutputRef{Hash: tx.Hash()}, place
}

func encoded(t testing.TB, tx *kernel.Transaction) []byte {
	t.Helper()
	b, err := tx.AppendBinary(nil)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// carry puts transactions into a body of a member and takes the evidence of one of them.
func (c *court) carry(fault kernel.FaultNumber, author int, claim kernel.CommitIndex, which int, raws ...[]byte) *kernel.EvidenceFile {
	body := new(kernel.Body)
	for _, raw := range raws {
		body.Entries = append(body.Entries, kernel.Entry{Kind: kernel.EntryTransaction, Bytes: raw})
	}
	body.Sort()
	f := c.file(fault)
	f.Header = c.raw(c.header(author, 30, 30, body, claim))
	for i := range body.Entries {
		if string(body.Entries[i].Bytes) == string(raws[which]) {
			f.Entry = kernel.EvidenceEntryOf(body, i)
		}
	}
	return f
}

// doubleSpend is E2: a member carries a spend of what a commit that it claims has spent.
func (c *court) doubleSpend() *kernel.EvidenceFile {
	ref, _ := c.coins(1)
	first, second := c.payment(ref, kernel.NewAmount(100), 2), c.payment(ref, kernel.NewAmount(100), 3)
	c.make(first)
	at := len(c.receipts) - 1
	c.checkpoint()
	f := c.carry(kernel.FaultE2, 4, c.receipts[at].Commit, 0, encoded(c.t, second), encoded(c.t, c.payment(kernel.OutputRef{Hash: kernel.TxHash{9}}, kernel.NewAmount(5), 4)))
	f.Winner, f.WinnerBytes = c.finality(at), encoded(c.t, first)
	return f
}

// forgery is E3: a member carries a payment that its owner did not sign.
func (c *court) forgery() *kernel.EvidenceFile {
	ref, place := c.coins(1)
	tx := c.payment(ref, kernel.NewAmount(100), 2)
	tx.Signatures[0][0].Signature[3]++
	c.checkpoint()
	f := c.carry(kernel.FaultE3, 2, 0, 0, encoded(c.t, tx))
	f.Spent = []kernel.OutputProof{*c.place(place)}
	return f
}

// rubbish is E3 by its bytes alone.
func (c *court) rubbish() *kernel.EvidenceFile {
	return c.carry(kernel.FaultE3, 2, 0, 0, []byte("no transaction"))
}

// TestEvidence: each kind proves what it says, as a value, from its bytes and from its JSON.
func TestEvidence(t *testing.T) {
	c := newCourt(t, 7, 1)
	for name, tt := range map[string]struct {
		file   *kernel.EvidenceFile
		author kernel.Author
	}{
		"equivocation": {c.equivocation(3, 12), 3}, "wrong share": {c.wrongShare(5, 12), 5},
		"double spend": {c.doubleSpend(), 4}, "forgery": {c.forgery(), 2}, "rubbish": {c.rubbish(), 2},
	} {
		found, err := VerifyEvidence(c.genesis, tt.file)
		if err != nil || found.Author != tt.author || found.Fault != tt.file.Fault || found.Member.Name != fmt.Sprint("n", tt.author) {
			t.Errorf("%s: %+v, %v", name, found, err)
			continue
		}
		b, err := tt.file.Encode()
		if err != nil {
			t.Fatal(err)
		}
		decoded, err := kernel.DecodeEvidenceFile(b)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		text, err := json.Marshal(tt.file)
		if err != nil {
			t.Fatal(err)
		}
		read := new(kernel.EvidenceFile)
		if err := json.Unmarshal(text, read); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		for _, again := range []*kernel.EvidenceFile{decoded, read} {
			if same, err := VerifyEvidence(c.genesis, again); err != nil || !reflect.DeepEqual(same, found) {
				t.Errorf("%s, read again: %+v, %v", name, same, err)
			}
		}
	}
}

// TestEvidenceOfALaterEpoch needs the rosters that lead to it, and to the certificates behind it.
func TestEvidenceOfALaterEpoch(t *testing.T) {
	c := newCourt(t, 7, 2)
	c.pay(10)
	c.endEpoch(8, 1)
	f := c.file(kernel.FaultE1)
	var twins [2]*kernel.Header
	for i := range twins {
		twins[i] = c.sign(&kernel.Header{Network: c.network, Epoch: 1, Author: 7, Round: 3, Timestamp: kernel.Timestamp(5 + i)}, 7)
	}
	e := kernel.EquivocationOf(twins[0], twins[1])
	f.Equivocation = &e
	if _, err := VerifyEvidence(c.genesis, f); !errors.Is(err, NoSuchMember) {
		t.Errorf("without the roster: %v", err)
	}
	f.Rosters = c.changes
	if found, err := VerifyEvidence(c.genesis, f); err != nil || found.Member.Name != "n7" || found.Epoch != 1 {
		t.Errorf("%+v, %v", found, err)
	}
	c.pay(10)
	c.endEpoch(7, 0)
	f.Rosters = c.changes
	if found, err := VerifyEvidence(c.genesis, f); err != nil || found.Member.Name != "n7" {
		t.Errorf("with a later roster: %+v, %v", found, err)
	}
	f.Rosters[0].End.Signatures[0].Signature[0]++
	if _, err := VerifyEvidence(c.genesis, f); !errors.Is(err, SignatureInvalid) {
		t.Errorf("with a forged roster: %v", err)
	}
}

// TestDoubts breaks one fact of good evidence at a time.
func TestDoubts(t *testing.T) {
	seen := make(map[Doubt]bool)
	for _, tt := range []struct {
		name   string
		broken func(c *court) *kernel.EvidenceFile
		want   Doubt
	}{
		{"another network's file", func(c *court) *kernel.EvidenceFile { f := c.equivocation(1, 5); f.Network[0]++; return f }, OtherNetwork},
		{"another network's statement", func(c *court) *kernel.EvidenceFile {
			f := c.equivocation(1, 5)
			f.Equivocation.Network[0]++
			return f
		}, OtherNetwork},
		{"a later epoch", func(c *court) *kernel.EvidenceFile { f := c.equivocation(1, 5); f.Equivocation.Epoch = 1; return f }, NoSuchMember},
		{"no such author", func(c *court) *kernel.EvidenceFile { f := c.equivocation(1, 5); f.Equivocation.Author = 7; return f }, NoSuchMember},
		{"another author", func(c *court) *kernel.EvidenceFile { f := c.equivocation(1, 5); f.Equivocation.Author = 2; return f }, NotSigned},
		{"one statement twice", func(c *court) *kernel.EvidenceFile {
			f := c.equivocation(1, 5)
			f.Equivocation.Rest[1], f.Equivocation.Signed[1] = f.Equivocation.Rest[0], f.Equivocation.Signed[0]
			return f
		}, NotSigned},
		{"two rounds", func(c *court) *kernel.EvidenceFile {
			f := c.equivocation(1, 5)
			f.Equivocation.Signed[1] = c.equivocation(1, 6).Equivocation.Signed[1]
			return f
		}, NotSigned},
		{"round zero", func(c *court) *kernel.EvidenceFile { return c.equivocation(1, 0) }, NotSigned},
		{"a header that nobody signed", func(c *court) *kernel.EvidenceFile {
			f := c.wrongShare(1, 5)
			f.Header[len(f.Header)-1]++
			return f
		}, NotSigned},
		{"no header", func(c *court) *kernel.EvidenceFile { f := c.wrongShare(1, 5); f.Header = f.Header[:50]; return f }, NotSigned},
		{"a right share", func(c *court) *kernel.EvidenceFile {
			f := c.wrongShare(1, 5)
			f.Header = c.raw(c.header(1, 5, 5, new(kernel.Body), 0))
			return f
		}, ShareIsRight},
		{"no share", func(c *court) *kernel.EvidenceFile {
			f, h := c.wrongShare(1, 5), c.header(1, 5, 5, new(kernel.Body), 0)
			h.Share = nil
			f.Header = c.raw(c.sign(h, 1))
			return f
		}, ShareIsRight},
		{"another body's entry", func(c *court) *kernel.EvidenceFile {
			f := c.rubbish()
			f.Header = c.wrongShare(2, 5).Header
			return f
		}, NotCarried},
		{"another entry", func(c *court) *kernel.EvidenceFile { f := c.rubbish(); f.Entry.Bytes = []byte("other"); return f }, NotCarried},
		{"more entries", func(c *court) *kernel.EvidenceFile { f := c.rubbish(); f.Entry.Count++; return f }, NotCarried},
		{"a good payment", func(c *court) *kernel.EvidenceFile {
			ref, place := c.coins(1)
			c.checkpoint()
			f := c.carry(kernel.FaultE3, 2, 0, 0, encoded(c.t, c.payment(ref, kernel.NewAmount(100), 2)))
			f.Spent = []kernel.OutputProof{*c.place(place)}
			return f
		}, NothingWrong},
		{"a forged payment of what is not shown", func(c *court) *kernel.EvidenceFile { f := c.forgery(); f.Spent = nil; return f }, NothingWrong},
		{"an output that is not there", func(c *court) *kernel.EvidenceFile {
			f := c.forgery()
			f.Spent[0].Output.Keys[0][0]++
			return f
		}, BadProof},
		{"an output without a certificate", func(c *court) *kernel.EvidenceFile {
			f := c.forgery()
			f.Spent[0].Certificate.Signatures = f.Spent[0].Certificate.Signatures[:2]
			return f
		}, BadProof},
		{"an empty place", func(c *court) *kernel.EvidenceFile { f := c.forgery(); f.Spent[0].Output = nil; return f }, BadProof},
		{"rubbish as a double spend", func(c *court) *kernel.EvidenceFile {
			f, bad := c.doubleSpend(), c.rubbish()
			f.Header, f.Entry = bad.Header, bad.Entry
			return f
		}, NothingWrong},
		{"it was later", func(c *court) *kernel.EvidenceFile {
			f := c.doubleSpend()
			raw := f.Entry.Bytes
			late := c.carry(kernel.FaultE2, 4, f.Winner.Receipt.Commit-1, 0, raw)
			late.Winner, late.WinnerBytes = f.Winner, f.WinnerBytes
			return late
		}, NotEarlier},
		{"the winner is another's", func(c *court) *kernel.EvidenceFile {
			f := c.doubleSpend()
			ref, _ := c.coins(7)
			other := c.payment(ref, kernel.NewAmount(100), 8)
			c.make(other)
			at := len(c.receipts) - 1
			c.checkpoint()
			raw := f.Entry.Bytes
			f = c.carry(kernel.FaultE2, 4, c.receipts[at].Commit, 0, raw)
			f.Winner, f.WinnerBytes = c.finality(at), encoded(c.t, other)
			return f
		}, NoConflict},
		{"the winner is itself", func(c *court) *kernel.EvidenceFile {
			f := c.doubleSpend()
			raw := f.WinnerBytes
			itself := c.carry(kernel.FaultE2, 4, f.Winner.Receipt.Commit, 0, raw)
			itself.Winner, itself.WinnerBytes = f.Winner, raw
			return itself
		}, NoConflict},
		{"a receipt that is not there", func(c *court) *kernel.EvidenceFile { f := c.doubleSpend(); f.Winner.Receipt.Commit--; return f }, BadProof},
		{"other bytes than the receipt's", func(c *court) *kernel.EvidenceFile {
			f := c.doubleSpend()
			f.WinnerBytes = f.Entry.Bytes
			return f
		}, BadProof},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := newCourt(t, 7, 1)
			if _, err := VerifyEvidence(c.genesis, tt.broken(c)); !errors.Is(err, tt.want) {
				t.Fatalf("got %v, want %v", err, tt.want)
			}
		})
		seen[tt.want] = true
	}
	for d := Doubt(1); int(d) <= DoubtCount; d++ {
		if !seen[d] {
			t.Errorf("doubt %v has no case", d)
		}
	}
	if _, err := VerifyEvidence(newCourt(t, 7, 1).genesis, &kernel.EvidenceFile{Fault: kernel.FaultE2}); err == nil {
		t.Error("a file without its parts is judged")
	}
}

// TestNearMisses: whatever is nearly evidence of an equivocation is none, and every pair that a
// member signed is.
func TestNearMisses(t *testing.T) {
	n := *nearMisses
	if os.Getenv("ASTERISM_FULL") != "" {
		n = max(n, 10_000)
	}
	if testing.Short() {
		n = min(n, 500)
	}
	random := rand.New(rand.NewPCG(1, 2))
	courts := []*court{newCourt(t, 7, 1), newCourt(t, 8, 2), newCourt(t, 11, 3)}
	for i := range n {
		c, other := courts[i%3], courts[(i+1)%3]
		author, round := random.IntN(c.start), 1+kernel.Round(random.IntN(50))
		f := c.equivocation(author, round)
		if found, err := VerifyEvidence(c.genesis, f); err != nil || int(found.Author) != author || found.Round != round {
			t.Fatalf("pair %d: %+v, %v", i, found, err)
		}
		e := f.Equivocation
		genesis := c.genesis
		switch random.IntN(9) {
		case 0: // the same content, signed again
			e.Rest[1], e.Signed[1] = e.Rest[0], e.Signed[0]
		case 1: // another network, which does not know of it
			genesis, f.Network, e.Network = other.genesis, other.network, other.network
		case 2: // another K
			genesis = other.genesis
		case 3:
			e.Author = kernel.Author((author + 1 + random.IntN(c.start-1)) % c.start)
		case 4:
			e.Round += 1 + kernel.Round(random.IntN(5))
		case 5:
			e.Epoch = 1
		case 6: // one of them was signed for another round
			g := c.equivocation(author, round+1).Equivocation
			e.Rest[0], e.Signed[0] = g.Rest[0], g.Signed[0]
		case 7: // one of them was signed by another member
			g := c.equivocation((author+1)%c.start, round).Equivocation
			e.Rest[1], e.Signed[1] = g.Rest[1], g.Signed[1]
		case 8: // any bit
			b := e.AppendBinary(nil)
			b[random.IntN(len(b))] ^= 1 << random.IntN(8)
			if e.UnmarshalBinary(b) != nil {
				continue
			}
		}
		if found, err := VerifyEvidence(genesis, f); err == nil {
			t.Fatalf("near miss %d convicts member %d: %+v", i, found.Author, e)
		}
	}
}

func FuzzEvidenceFile(f *testing.F) {
	c := newCourt(f, 7, 1)
	for _, file := range []*kernel.EvidenceFile{c.equivocation(1, 5), c.wrongShare(2, 5), c.doubleSpend(), c.forgery(), c.rubbish()} {
		b, err := file.Encode()
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		file, err := kernel.DecodeEvidenceFile(b)
		if err != nil {
			return
		}
		again, err := file.Encode()
		if err != nil || string(again) != string(b) {
			t.Fatalf("not the form of what it says: %v", err)
		}
		_, _ = VerifyEvidence(c.genesis, file)
	})
}
