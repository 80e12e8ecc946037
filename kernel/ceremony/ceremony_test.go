package ceremony

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/asterism-network/asterism/internal/crypto"
	"github.com/asterism-network/asterism/internal/crypto/sharing"
	"github.com/asterism-network/asterism/kernel"
	"github.com/asterism-network/asterism/kernel/internal/coin"
)

type seeded struct{ *crypto.Stream }

func (s seeded) Read(b []byte) (int, error) { s.Fill(b); return len(b), nil }

func random(seed string) seeded { return seeded{crypto.NewStream("ceremony test", []byte(seed))} }

// An operator is a machine with a home directory.
type operator struct {
	node crypto.NodeKey
	card *Card
}

// A table is where the operators' files meet. Everything on it went through its file form.
type table struct {
	operators []operator
	draft     *Draft
	dealings  []*Dealing
	verdicts  []*Verdict
}

func newOperator(t testing.TB, i int) operator {
	t.Helper()
	var o operator
	o.node = crypto.NodeKeyFromSeed([32]byte{byte(i), 1})
	payee := kernel.AccountFromSeed([64]byte{byte(i), 2}).Address()
	card, err := NewMember(fmt.Sprintf("node-%02d", i), fmt.Sprintf("10.0.0.%d:5850", i+1), payee, o.node)
	if err != nil {
		t.Fatal(err)
	}
	if o.card, err = ParseCard(card.Encode()); err != nil {
		t.Fatal(err)
	}
	return o
}

func base() *kernel.Genesis {
	return &kernel.Genesis{Name: "test", Timestamp: 1_700_000_000_000, Parameters: kernel.DefaultParameters()}
}

// newTable has everybody's card and the draft.
func newTable(t testing.TB, n int) *table {
	t.Helper()
	tb := new(table)
	var cards []*Card
	for i := range n {
		tb.operators = append(tb.operators, newOperator(t, i))
		cards = append(cards, tb.operators[i].card)
	}
	slices.Reverse(cards)
	draft, err := NewDraft(base(), cards)
	if err != nil {
		t.Fatal(err)
	}
	if tb.draft, err = ParseDraft(draft.Encode()); err != nil {
		t.Fatal(err)
	}
	if tb.draft.Hash() != draft.Hash() {
		t.Fatal("the draft's file has another hash")
	}
	return tb
}

func (tb *table) deal(t testing.TB, i int) *Dealing {
	t.Helper()
	d, err := Deal(tb.draft, tb.operators[i].node, random(fmt.Sprint("deal", i)))
	if err != nil {
		t.Fatal(err)
	}
	if d, err = ParseDealing(d.Encode()); err != nil {
		t.Fatal(err)
	}
	return d
}

func (tb *table) judge(t testing.TB, i int) *Verdict {
	t.Helper()
	v, _, err := Judge(tb.draft, tb.dealings, tb.operators[i].node)
	if err != nil {
		t.Fatal(err)
	}
	if v, err = ParseVerdict(v.Encode()); err != nil {
		t.Fatal(err)
	}
	return v
}

// play deals and judges with everybody but the absent.
func (tb *table) play(t testing.TB, absent ...int) {
	t.Helper()
	for i := range tb.operators {
		if !slices.Contains(absent, i) {
			tb.dealings = append(tb.dealings, tb.deal(t, i))
		}
	}
	for i := range tb.operators {
		if !slices.Contains(absent, i) {
			tb.verdicts = append(tb.verdicts, tb.judge(t, i))
		}
	}
}

// sign repairs a dealing's signature after a liar has changed it.
func (tb *table) sign(i int, d *Dealing) {
	hash := d.Hash()
	d.Signature = tb.operators[i].node.Sign(hash[:])
}

func (tb *table) signVerdict(i int, v *Verdict) {
	hash := v.signingHash()
	v.Signature = tb.operators[i].node.Sign(hash[:])
}

// finish lets every member but the absent finish on its own, with the files in its own order, and
// demands one genesis and a coin that the first f+1 of them can reveal, like the last f+1.
func (tb *table) finish(t *testing.T, absent ...int) *Result {
	t.Helper()
	result, err := Finish(tb.draft, tb.dealings, tb.verdicts)
	if err != nil {
		t.Fatal(err)
	}
	key, err := coin.NewKey(result.Genesis.NetworkID(), 0, result.Genesis.Roster())
	if err != nil {
		t.Fatal(err)
	}
	var shares []coin.AuthorShare
	for i, o := range tb.operators {
		if slices.Contains(absent, i) {
			continue
		}
		dealings, verdicts := slices.Clone(tb.dealings), slices.Clone(tb.verdicts)
		slices.Reverse(dealings)
		slices.Reverse(verdicts)
		own, err := Finish(tb.draft, append(dealings, dealings[0]), append(verdicts[i%3:], verdicts...))
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(own.Genesis.AppendBinary(nil), result.Genesis.AppendBinary(nil)) || !slices.Equal(own.Findings, result.Findings) {
			t.Fatalf("operator %d has another genesis, or other findings", i)
		}
		secret, err := own.CoinShare(o.node)
		if err != nil {
			t.Fatalf("operator %d: %v", i, err)
		}
		share, err := key.Share(secret, kernel.Author(i), 1)
		if err != nil || !key.Verify(kernel.Author(i), 1, share) {
			t.Fatalf("operator %d: share of the coin: %v", i, err)
		}
		shares = append(shares, coin.AuthorShare{Author: kernel.Author(i), Share: share})
	}
	first, err1 := key.Combine(1, shares)
	slices.Reverse(shares)
	last, err2 := key.Combine(1, shares)
	if err := errors.Join(err1, err2); err != nil || first != last {
		t.Fatalf("the coin does not combine: %v", err)
	}
	return result
}

func found(r *Result, member int, kind Kind) bool {
	return slices.ContainsFunc(r.Findings, func(f Finding) bool { return int(f.Member) == member && f.Kind == kind })
}

func TestEverybodyTakesPart(t *testing.T) {
	for _, n := range []int{7, 10} {
		tb := newTable(t, n)
		tb.play(t)
		r := tb.finish(t)
		if len(r.Counted) != n || len(r.Findings) != 0 {
			t.Errorf("%d members: counted %v, findings %v", n, r.Counted, r.Findings)
		}
		if r.Genesis.CoinDealt {
			t.Error("genesis says that one machine dealt the coin")
		}
	}
}

func TestAbsentMembers(t *testing.T) {
	for n, absent := range map[int][]int{7: {1, 5}, 10: {0, 4, 9}} {
		tb := newTable(t, n)
		tb.play(t, absent...)
		r := tb.finish(t) // the absent ones, too, get their share: dealings are for all
		if len(r.Counted) != n-len(absent) || !found(r, absent[0], Absent) {
			t.Errorf("%d members: counted %v, findings %v", n, r.Counted, r.Findings)
		}
		tb.verdicts = tb.verdicts[1:]
		if _, err := Finish(tb.draft, tb.dealings, tb.verdicts); !errors.Is(err, ErrTooFew) {
			t.Errorf("q-1 verdicts: got %v, want %v", err, ErrTooFew)
		}
		tb.dealings = tb.dealings[1:]
		o := tb.operators[2]
		if _, _, err := Judge(tb.draft, tb.dealings, o.node); !errors.Is(err, ErrTooFew) {
			t.Errorf("verdict on q-1 dealings: got %v, want %v", err, ErrTooFew)
		}
	}
}

func TestLyingDealerIsProvenAndExcluded(t *testing.T) {
	for _, n := range []int{7, 10} {
		tb := newTable(t, n)
		for i := range n {
			tb.dealings = append(tb.dealings, tb.deal(t, i))
		}
		tb.dealings[3].Boxes[2][0] ^= 1                   // garbage for member 2
		tb.dealings[4].Boxes[5] = tb.dealings[4].Boxes[6] // another member's box for member 5
		tb.sign(3, tb.dealings[3])
		tb.sign(4, tb.dealings[4])
		for i := range n {
			tb.verdicts = append(tb.verdicts, tb.judge(t, i))
		}
		r := tb.finish(t)
		if len(r.Counted) != n-2 || slices.Contains(r.Counted, 3) || slices.Contains(r.Counted, 4) {
			t.Errorf("%d members: counted %v", n, r.Counted)
		}
		if !found(r, 3, BadShare) || !found(r, 4, BadShare) || len(r.Findings) != 2 {
			t.Errorf("%d members: findings %v", n, r.Findings)
		}
	}
}

func TestMoreLiarsThanANetworkSurvives(t *testing.T) {
	tb := newTable(t, 7)
	for i := range 7 {
		tb.dealings = append(tb.dealings, tb.deal(t, i))
		if i < 3 {
			tb.dealings[i].Boxes[6][0] ^= 1
			tb.sign(i, tb.dealings[i])
		}
	}
	for i := range 7 {
		tb.verdicts = append(tb.verdicts, tb.judge(t, i))
	}
	if _, err := Finish(tb.draft, tb.dealings, tb.verdicts); !errors.Is(err, ErrImpossible) {
		t.Errorf("got %v, want %v", err, ErrImpossible)
	}
}

func TestFalseComplaintIsRefused(t *testing.T) {
	tb := newTable(t, 7)
	tb.play(t)
	honest := tb.verdicts[6].Accepted
	for name, complaint := range map[string]func() sharing.Complaint{
		"true opening of a right share": func() sharing.Complaint {
			c, err := tb.dealings[0].Complain(encryptionSecret(tb.operators[6].node))
			if err != nil {
				t.Fatal(err)
			}
			return *c
		},
		"no opening at all": func() sharing.Complaint { return sharing.Complaint{Opened: tb.draft.Cards[0].Encryption} },
		"another member's opening": func() sharing.Complaint {
			c, err := tb.dealings[0].Complain(encryptionSecret(tb.operators[5].node))
			if err != nil {
				t.Fatal(err)
			}
			return *c
		},
	} {
		v := tb.verdicts[6]
		v.Accepted, v.Complaints = honest[1:], []Complaint{{honest[0], complaint()}}
		tb.signVerdict(6, v)
		r, err := Finish(tb.draft, tb.dealings, tb.verdicts)
		if err != nil {
			t.Fatal(err)
		}
		if len(r.Counted) != 7 || !found(r, 6, FalseComplaint) || found(r, 0, BadShare) {
			t.Errorf("%s: counted %v, findings %v", name, r.Counted, r.Findings)
		}
		if _, err := Finish(tb.draft, tb.dealings, tb.verdicts[2:]); !errors.Is(err, ErrTooFew) {
			t.Errorf("%s: its verdict counted: %v", name, err)
		}
	}
}

func TestEquivocatingDealer(t *testing.T) {
	tb := newTable(t, 7)
	for i := range 7 {
		tb.dealings = append(tb.dealings, tb.deal(t, i))
	}
	second, err := Deal(tb.draft, tb.operators[0].node, random("second"))
	if err != nil {
		t.Fatal(err)
	}
	first := tb.dealings
	for i := range 7 { // members 0..4 see the first version only, 5 and 6 the second only
		if i == 5 {
			tb.dealings = append([]*Dealing{second}, first[1:]...)
		}
		tb.verdicts = append(tb.verdicts, tb.judge(t, i))
	}
	tb.dealings = append([]*Dealing{second}, first...)
	r := tb.finish(t)
	if len(r.Counted) != 7 || !found(r, 0, Twice) {
		t.Errorf("version judged by a quorum: counted %v, findings %v", r.Counted, r.Findings)
	}
	tb.dealings = tb.dealings[:1:1]
	tb.dealings = append(tb.dealings, first[1:]...)
	if _, err := Finish(tb.draft, tb.dealings, tb.verdicts); !errors.Is(err, ErrMissing) {
		t.Errorf("the judged version is not here: got %v, want %v", err, ErrMissing)
	}
	tb.dealings, tb.verdicts = append([]*Dealing{second}, first...), nil
	for i := range 7 { // everybody sees both versions
		tb.verdicts = append(tb.verdicts, tb.judge(t, i))
	}
	if r := tb.finish(t); len(r.Counted) != 6 || slices.Contains(r.Counted, 0) {
		t.Errorf("both versions seen: counted %v", r.Counted)
	}
}

func TestLateDealing(t *testing.T) {
	tb := newTable(t, 7)
	tb.play(t, 6)
	tb.dealings = append(tb.dealings, tb.deal(t, 6))
	tb.verdicts = append(tb.verdicts, tb.judge(t, 6))
	r := tb.finish(t)
	if len(r.Counted) != 6 || !found(r, 6, Late) {
		t.Errorf("counted %v, findings %v", r.Counted, r.Findings)
	}
	for i := range 5 { // judging again with the late dealing adds to the first verdicts
		tb.verdicts = append(tb.verdicts, tb.judge(t, i))
	}
	if r := tb.finish(t); len(r.Counted) != 7 || len(r.Findings) != 0 {
		t.Errorf("after judging again: counted %v, findings %v", r.Counted, r.Findings)
	}
}

// TestDifferentFolders: members judged different choices of q dealings, so too few dealings have
// been judged by q. Judging again with all of them repairs it.
func TestDifferentFolders(t *testing.T) {
	tb := newTable(t, 7)
	for i := range 7 {
		tb.dealings = append(tb.dealings, tb.deal(t, i))
	}
	all := tb.dealings
	for i := range 7 {
		tb.dealings = all[:5]
		if i > 2 {
			tb.dealings = all[2:]
		}
		tb.verdicts = append(tb.verdicts, tb.judge(t, i))
	}
	tb.dealings = all
	if _, err := Finish(tb.draft, tb.dealings, tb.verdicts); !errors.Is(err, ErrTooFew) {
		t.Errorf("got %v, want %v", err, ErrTooFew)
	}
	tb.verdicts = append(tb.verdicts, tb.judge(t, 5), tb.judge(t, 2))
	if r := tb.finish(t); len(r.Counted) != 5 {
		t.Errorf("counted %v", r.Counted)
	}
}

func TestContradictingVerdicts(t *testing.T) {
	tb := newTable(t, 7)
	tb.play(t)
	other := *tb.verdicts[2]
	other.Accepted = slices.Clone(other.Accepted)
	other.Accepted[4].Dealing[0] ^= 1
	tb.signVerdict(2, &other)
	tb.verdicts = append(tb.verdicts, &other)
	if r := tb.finish(t); !found(r, 2, Twice) || len(r.Counted) != 7 {
		t.Errorf("counted %v, findings %v", r.Counted, r.Findings)
	}
	other.Accepted = append(other.Accepted, other.Accepted[0])
	tb.signVerdict(2, &other)
	if r := tb.finish(t); !found(r, 2, Unusable) {
		t.Errorf("findings %v", r.Findings)
	}
	other.Accepted = []Judged{{Dealer: 7}}
	tb.signVerdict(2, &other)
	if r := tb.finish(t); !found(r, 2, Unusable) {
		t.Errorf("findings %v", r.Findings)
	}
}

// TestIgnoredComplaint: the coordinator loses a verdict with a complaint. The network starts, and
// the member that was cheated is told.
func TestIgnoredComplaint(t *testing.T) {
	tb := newTable(t, 7)
	for i := range 7 {
		tb.dealings = append(tb.dealings, tb.deal(t, i))
	}
	tb.dealings[0].Boxes[6][0] ^= 1
	tb.sign(0, tb.dealings[0])
	for i := range 6 {
		tb.verdicts = append(tb.verdicts, tb.judge(t, i))
	}
	r := tb.finish(t, 6)
	o := tb.operators[6]
	if _, err := r.CoinShare(o.node); !errors.Is(err, ErrOwnShare) {
		t.Errorf("got %v, want %v", err, ErrOwnShare)
	}
	if _, err := r.CoinShare(newOperator(t, 99).node); !errors.Is(err, ErrNotMine) {
		t.Errorf("a stranger's share: got %v, want %v", err, ErrNotMine)
	}
}

func TestForeignFilesAreRefused(t *testing.T) {
	changed := func(change func(*table)) error {
		tb := newTable(t, 7)
		tb.play(t)
		change(tb)
		_, err := Finish(tb.draft, tb.dealings, tb.verdicts)
		return err
	}
	stranger := newOperator(t, 99)
	for _, tt := range []struct {
		name   string
		change func(*table)
		want   error
	}{
		{"nothing", func(*table) {}, nil},
		{"draft edited after dealing", func(tb *table) { tb.draft.Timestamp++ }, ErrDraft},
		{"draft with another payee", func(tb *table) { tb.draft.Cards[3] = *stranger.card }, ErrDraft},
		{"dealing for another draft", func(tb *table) { tb.dealings[2].Draft[0] ^= 1; tb.sign(2, tb.dealings[2]) }, ErrDraft},
		{"dealing's share changed", func(tb *table) { tb.dealings[2].Boxes[1][4] ^= 1 }, ErrSignature},
		{"dealing's commitment changed", func(tb *table) { tb.dealings[2].Commitments[0] = tb.dealings[1].Commitments[0] }, ErrSignature},
		{"dealing's signature changed", func(tb *table) { tb.dealings[2].Signature[9] ^= 1 }, ErrSignature},
		{"dealing under another name", func(tb *table) { tb.dealings[2].Dealer = tb.dealings[3].Dealer }, ErrSignature},
		{"dealing of a stranger", func(tb *table) { tb.dealings[2].Dealer = stranger.card.NodeKey }, ErrStranger},
		{"verdict for another draft", func(tb *table) { tb.verdicts[2].Draft[0] ^= 1; tb.signVerdict(2, tb.verdicts[2]) }, ErrDraft},
		{"verdict's judgement removed", func(tb *table) { tb.verdicts[2].Accepted = tb.verdicts[2].Accepted[1:] }, ErrSignature},
		{"verdict under another name", func(tb *table) { tb.verdicts[2].Member = tb.verdicts[3].Member }, ErrSignature},
		{"verdict of a stranger", func(tb *table) { tb.verdicts[2].Member = stranger.card.NodeKey }, ErrStranger},
	} {
		if err := changed(tt.change); !errors.Is(err, tt.want) {
			t.Errorf("%s: got %v, want %v", tt.name, err, tt.want)
		}
	}
}

func TestUnusableDealingIsLeftOut(t *testing.T) {
	tb := newTable(t, 7)
	for i := range 7 {
		tb.dealings = append(tb.dealings, tb.deal(t, i))
	}
	lie := tb.dealings[1]
	lie.Dealing = tb.dealings[0].Dealing // repeats an honest dealing, to make complaints open it
	tb.sign(1, lie)
	tb.dealings[2].Commitments = tb.dealings[2].Commitments[1:]
	tb.sign(2, tb.dealings[2])
	for i := range 7 {
		v := tb.judge(t, i)
		if len(v.Complaints) != 0 {
			t.Fatalf("member %d opens shares for a liar", i)
		}
		tb.verdicts = append(tb.verdicts, v)
	}
	r := tb.finish(t)
	if len(r.Counted) != 5 || !found(r, 1, Unusable) || !found(r, 2, Unusable) {
		t.Errorf("counted %v, findings %v", r.Counted, r.Findings)
	}
}

func TestCardsAndDraftsAreChecked(t *testing.T) {
	a, b := newOperator(t, 1), newOperator(t, 2)
	for name, change := range map[string]func(*Card){
		"name":           func(c *Card) { c.Name = "mallory" },
		"terminal codes": func(c *Card) { c.Name = "\x1b[2J" },
		"empty name":     func(c *Card) { c.Name = "" },
		"address":        func(c *Card) { c.Listen = "10.6.6.6:1" },
		"no port":        func(c *Card) { c.Listen = "10.6.6.6" },
		"no host":        func(c *Card) { c.Listen = ":5850" },
		"port 0":         func(c *Card) { c.Listen = "10.6.6.6:0" },
		"spaces":         func(c *Card) { c.Listen = "a b:5850" },
		"node key":       func(c *Card) { c.NodeKey = b.card.NodeKey },
		"payee":          func(c *Card) { c.Payee = b.card.Payee },
		"no payee":       func(c *Card) { c.Payee = kernel.Address{} },
		"encryption key": func(c *Card) { c.Encryption, c.Knowledge = b.card.Encryption, b.card.Knowledge },
		"signature":      func(c *Card) { c.Signature[3] ^= 1 },
	} {
		c := *a.card
		change(&c)
		if c.Check() == nil {
			t.Errorf("card with another %s is accepted", name)
		}
	}
	tb := newTable(t, 7)
	cards := func() (all []*Card) {
		for i := range tb.operators {
			all = append(all, tb.operators[i].card)
		}
		return all
	}
	if _, err := NewDraft(base(), cards()[1:]); !errors.Is(err, ErrCard) {
		t.Errorf("six members: %v", err)
	}
	if _, err := NewDraft(base(), append(cards()[1:], cards()[1])); !errors.Is(err, ErrCard) {
		t.Errorf("a member twice: %v", err)
	}
	unnamed := base()
	unnamed.Name = ""
	if _, err := NewDraft(unnamed, cards()); err == nil {
		t.Error("a network without a name")
	}
	stranger := newOperator(t, 50)
	if _, err := Deal(tb.draft, stranger.node, random("x")); !errors.Is(err, ErrNotMine) {
		t.Errorf("a stranger deals: %v", err)
	}
	if _, _, err := Judge(tb.draft, nil, stranger.node); !errors.Is(err, ErrNotMine) {
		t.Errorf("a stranger judges: %v", err)
	}
}

func TestListenAddresses(t *testing.T) {
	for s, want := range map[string]bool{
		"10.0.0.1:5850": true, "node.example.org:1": true, "[2001:db8::1]:5850": true, "[fe80::1%eth0]:65535": true,
		"": false, ":5850": false, "host": false, "host:": false, "host:0": false, "host:65536": false, "host:05850": false,
		"host:+1": false, "2001:db8::1:5850": false, "[2001:db8::1]5850": false, "[]:1": false, "[host]:1": false, "a b:1": false,
		"host/path:1": false, "[::1:1": false,
	} {
		if got := validListen(s); got != want {
			t.Errorf("%q: got %v", s, got)
		}
	}
}

func TestFilesAreStrict(t *testing.T) {
	card := newOperator(t, 1).card.Encode()
	for name, b := range map[string][]byte{
		"unknown field":   bytes.Replace(card, []byte(`"name"`), []byte(`"nick": 1, "name"`), 1),
		"something after": append(slices.Clone(card), "{}"...),
		"empty":           nil,
		"too large":       append(slices.Clone(card), bytes.Repeat([]byte(" "), MaxCardSize)...),
		"not JSON":        []byte("name = x"),
	} {
		if _, err := ParseCard(b); !errors.Is(err, ErrFile) {
			t.Errorf("%s: got %v, want %v", name, err, ErrFile)
		}
	}
}

func TestDealTrusted(t *testing.T) {
	tb := newTable(t, 7)
	g := tb.draft.genesis(nil)
	secrets, err := DealTrusted(&g, random("trusted"))
	if err != nil {
		t.Fatal(err)
	}
	if err := g.Check(); err != nil || !g.CoinDealt {
		t.Fatalf("genesis: %v, dealt %v", err, g.CoinDealt)
	}
	key, err := coin.NewKey(g.NetworkID(), 0, g.Roster())
	if err != nil {
		t.Fatal(err)
	}
	for a, s := range secrets {
		if !key.Holds(s, kernel.Author(a)) {
			t.Errorf("share of member %d is wrong", a)
		}
	}
}
