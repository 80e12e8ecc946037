package kernel

import (
	"bytes"
	"strings"
	"testing"
)

const testUUID = "c6d0c728-2624-429b-8e0d-d9d19b6592fa"

// testMotions has a motion of each effect.
func testMotions() []*Motion {
	keys := []Key{NodeKeyFromSeed([32]byte{1}).Public(), NodeKeyFromSeed([32]byte{2}).Public()}
	domain := &Domain{ID: testUUID, Nodes: keys}
	domain.Sort()
	return []*Motion{
		{Subject: SubjectCommunity, Title: "words", Text: "more words", Nonce: 7},
		{Subject: SubjectPenalty, Title: "lift", Penalty: &Penalty{Member: keys[0]}},
		{Subject: SubjectRegistration, Title: "asset", Asset: &GenesisAsset{ID: BTC, Symbol: "BTC", Chain: BTC, Key: "x", Ceiling: NewAmount(9)}},
		{Subject: SubjectRegistration, Title: "domain", Domain: domain},
		{Subject: SubjectAssurance, Title: "freeze", Assurance: &Assurance{Asset: BTC, Freeze: true}},
		{Subject: SubjectUpgrade, Title: "version", Upgrade: &Upgrade{Version: 2, Epoch: 9}},
		{Subject: SubjectUpgrade, Title: "number", Parameter: &NewParameter{Name: ParameterCallFee, Value: 5}},
	}
}

// TestMotion: every effect comes back, and no two motions have one id.
func TestMotion(t *testing.T) {
	seen := map[Hash]bool{}
	for _, m := range testMotions() {
		if err := m.Check(); err != nil {
			t.Errorf("%s: %v", m.Title, err)
		}
		b := m.AppendBinary(nil)
		var again Motion
		if err := again.UnmarshalBinary(b); err != nil || !bytes.Equal(again.AppendBinary(nil), b) {
			t.Errorf("%s does not come back: %v", m.Title, err)
		}
		for _, network := range []NetworkID{{1}, {2}} {
			if id := m.ID(network); seen[id] {
				t.Errorf("%s has another's id", m.Title)
			} else {
				seen[id] = true
			}
		}
	}
}

// TestBadMotions are refused by the check and by the decoder alike.
func TestBadMotions(t *testing.T) {
	all := testMotions()
	for name, change := range map[string]func() *Motion{
		"no title":          func() *Motion { m := *all[0]; m.Title = ""; return &m },
		"long title":        func() *Motion { m := *all[0]; m.Title = strings.Repeat("x", MaxMotionTitle+1); return &m },
		"long text":         func() *Motion { m := *all[0]; m.Text = strings.Repeat("x", MaxMotionText+1); return &m },
		"no UTF-8":          func() *Motion { m := *all[0]; m.Title = "\xff"; return &m },
		"another's effect":  func() *Motion { m := *all[1]; m.Subject = SubjectUpgrade; return &m },
		"words with effect": func() *Motion { m := *all[1]; m.Subject = SubjectCommunity; return &m },
		"no effect":         func() *Motion { m := *all[0]; m.Subject = SubjectUpgrade; return &m },
		"no subject":        func() *Motion { m := *all[0]; m.Subject = 0; return &m },
		"no member":         func() *Motion { m := *all[1]; m.Penalty = &Penalty{}; return &m },
		"no symbol":         func() *Motion { m := *all[2]; m.Asset = &GenesisAsset{ID: BTC, Chain: BTC, Key: "x"}; return &m },
		"no UUID":           func() *Motion { m := *all[3]; m.Domain = &Domain{ID: "x", Nodes: all[3].Domain.Nodes}; return &m },
		"no nodes":          func() *Motion { m := *all[3]; m.Domain = &Domain{ID: testUUID}; return &m },
		"unsorted nodes": func() *Motion {
			m := *all[3]
			n := m.Domain.Nodes
			m.Domain = &Domain{ID: testUUID, Nodes: []Key{n[1], n[0]}}
			return &m
		},
		"small order node":  func() *Motion { m := *all[3]; m.Domain = &Domain{ID: testUUID, Nodes: []Key{{}}}; return &m },
		"no asset":          func() *Motion { m := *all[4]; m.Assurance = &Assurance{}; return &m },
		"version 0":         func() *Motion { m := *all[5]; m.Upgrade = &Upgrade{Epoch: 3}; return &m },
		"epoch 0":           func() *Motion { m := *all[5]; m.Upgrade = &Upgrade{Version: 3}; return &m },
		"unknown parameter": func() *Motion { m := *all[6]; m.Parameter = &NewParameter{Name: 99, Value: 1}; return &m },
		"no window":         func() *Motion { m := *all[6]; m.Parameter = &NewParameter{Name: ParameterMotionWindow}; return &m },
		"a window for ever": func() *Motion {
			m := *all[6]
			m.Parameter = &NewParameter{Name: ParameterAppealWindow, Value: 1 << 33}
			return &m
		},
		"a delay for ever": func() *Motion {
			m := *all[6]
			m.Parameter = &NewParameter{Name: ParameterMotionDelay, Value: 1 << 33}
			return &m
		},
	} {
		m := change()
		if m.Check() == nil {
			t.Errorf("%s passes the check", name)
		}
		var again Motion
		if err := again.UnmarshalBinary(m.AppendBinary(nil)); err == nil {
			t.Errorf("%s decodes", name)
		}
	}
	two := *all[1]
	two.Upgrade = all[5].Upgrade
	if two.Check() == nil {
		t.Error("two effects pass the check")
	}
}

func testBallots() []Ballot {
	return []Ballot{
		{Output: OutputRef{Hash: TxHash{1}, Index: 3}, Signatures: SignatureMap{{Index: 0}, {Index: 9}}},
		{Output: OutputRef{Hash: TxHash{2}}, Signatures: SignatureMap{{Index: 1}}},
	}
}

// TestBallots: order and limits.
func TestBallots(t *testing.T) {
	good := Vote{Motion: Hash{5}, For: true, Ballots: testBallots()}
	for name, change := range map[string]func(v *Vote){
		"unsorted outputs": func(v *Vote) { v.Ballots[0], v.Ballots[1] = v.Ballots[1], v.Ballots[0] },
		"an output twice":  func(v *Vote) { v.Ballots[1].Output = v.Ballots[0].Output },
		"unsorted places":  func(v *Vote) { v.Ballots[0].Signatures[1].Index = 0 },
		"many ballots":     func(v *Vote) { v.Ballots = manyBallots(MaxBallots+1, 1) },
		"many signatures":  func(v *Vote) { v.Ballots = manyBallots(2, MaxBallotSignatures/2+1) },
	} {
		v := good
		v.Ballots = testBallots()
		var again Vote
		if err := again.UnmarshalBinary(v.AppendBinary(nil)); err != nil {
			t.Fatal(err)
		}
		change(&v)
		if again.UnmarshalBinary(v.AppendBinary(nil)) == nil {
			t.Errorf("%s decode", name)
		}
	}
	most := Vote{Ballots: manyBallots(MaxBallots, MaxBallotSignatures/MaxBallots)}
	if b := most.AppendBinary(nil); len(b) > MaxRecordPayload {
		t.Errorf("the largest vote has %d bytes", len(b))
	}
	sums := map[Hash]bool{}
	for _, inFavour := range []bool{true, false} {
		for _, motion := range []Hash{{1}, {2}} {
			sums[BallotHash(NetworkID{1}, motion, inFavour, testBallots())] = true
			sums[BallotHash(NetworkID{2}, motion, inFavour, testBallots()[:1])] = true
		}
	}
	if len(sums) != 8 {
		t.Errorf("%d of 8 statements differ", len(sums))
	}
}

func manyBallots(n, signatures int) (all []Ballot) {
	for i := range n {
		b := Ballot{Output: OutputRef{Hash: TxHash{0: byte(i >> 8), 1: byte(i)}}}
		for j := range signatures {
			b.Signatures = append(b.Signatures, IndexedSignature{Index: uint16(j)})
		}
		all = append(all, b)
	}
	return all
}

func TestGovernanceWords(t *testing.T) {
	for s := SubjectPenalty; s <= SubjectCommunity; s++ {
		var again Subject
		if text, _ := s.MarshalText(); again.UnmarshalText(text) != nil || again != s {
			t.Errorf("subject %v", s)
		}
	}
	for p := ParameterAppealWindow; p <= ParameterCallFee; p++ {
		var again ParameterName
		if text, _ := p.MarshalText(); again.UnmarshalText(text) != nil || again != p {
			t.Errorf("parameter %v", p)
		}
	}
	for d := DomainInvalid; d <= DomainApproved; d++ {
		var again DomainState
		if text, _ := d.MarshalText(); again.UnmarshalText(text) != nil || again != d {
			t.Errorf("domain state %v", d)
		}
	}
	var s Subject
	var p ParameterName
	var d DomainState
	if s.UnmarshalText(nil) == nil || p.UnmarshalText(nil) == nil || d.UnmarshalText(nil) == nil {
		t.Error("no word is a word")
	}
}

func FuzzMotion(f *testing.F) {
	var seeds [][]byte
	for _, m := range testMotions() {
		seeds = append(seeds, m.AppendBinary(nil))
	}
	fuzz(f, func() format {
		m := new(Motion)
		return format{m.UnmarshalBinary, func() []byte { m.ID(NetworkID{}); return m.AppendBinary(nil) }}
	}, seeds...)
}

func FuzzProposal(f *testing.F) {
	p := Proposal{Motion: *testMotions()[0], Ballots: testBallots()}
	fuzz(f, func() format {
		p := new(Proposal)
		return format{p.UnmarshalBinary, func() []byte { return p.AppendBinary(nil) }}
	}, p.AppendBinary(nil))
}

func FuzzVote(f *testing.F) {
	v := Vote{Motion: Hash{1}, For: true, Ballots: testBallots()}
	fuzz(f, func() format {
		v := new(Vote)
		return format{v.UnmarshalBinary, func() []byte { return v.AppendBinary(nil) }}
	}, v.AppendBinary(nil))
}

func FuzzWitnessCard(f *testing.F) {
	c := WitnessCard{Until: 9, Ballots: testBallots()}
	fuzz(f, func() format {
		c := new(WitnessCard)
		return format{c.UnmarshalBinary, func() []byte { return c.AppendBinary(nil) }}
	}, c.AppendBinary(nil))
}

func FuzzWitnessReport(f *testing.F) {
	w := WitnessReport{Seen: 4, Reachable: 0x7f}
	fuzz(f, func() format {
		w := new(WitnessReport)
		return format{w.UnmarshalBinary, func() []byte { return w.AppendBinary(nil) }}
	}, w.AppendBinary(nil))
}
