package ledger

import (
	"errors"
	"testing"

	"github.com/asterism-network/asterism/kernel"
)

// A recordCase breaks one fact of a record that counts.
type recordCase struct {
	name string
	want RecordRule
	make func(w *parliament) *kernel.Record
	time kernel.Epoch // under way
}

// open brings a motion of a member, so that holders' outputs are free.
func (w *parliament) open(m *kernel.Motion) {
	w.t.Helper()
	w.bring(w.record(kernel.RecordMotion, (&kernel.Proposal{Motion: *m}).AppendBinary(nil), w.nodes[6]))
}

func (w *parliament) motionRecord(m *kernel.Motion, places ...int) *kernel.Record {
	return w.record(kernel.RecordMotion, w.proposal(m, places...).AppendBinary(nil), w.voter)
}

func (w *parliament) voteRecord(m *kernel.Motion, places ...int) *kernel.Record {
	return w.record(kernel.RecordVote, w.voteOf(m, true, places...).AppendBinary(nil), w.voter)
}

// card is a light witness's card with a hundred commits to go.
func (w *parliament) card(change func(*kernel.WitnessCard), by kernel.NodeKey, places ...int) *kernel.Record {
	c := &kernel.WitnessCard{Payee: w.owner.Address(), Until: w.view.Head().Index + 100}
	change(c)
	c.Ballots = w.ballots(func(b []kernel.Ballot) kernel.Hash {
		with := *c
		with.Ballots = b
		return kernel.WitnessHash(w.context.Network, by.Public(), &with)
	}, places...)
	return w.record(kernel.RecordWitness, c.AppendBinary(nil), by)
}

func asIs(*kernel.WitnessCard) {}

func (w *parliament) reportRecord(by kernel.NodeKey, seen kernel.CommitIndex, mask uint64) *kernel.Record {
	return w.record(kernel.RecordReport, (&kernel.WitnessReport{Seen: seen, Reachable: mask}).AppendBinary(nil), by)
}

var asked = words("asked")

var recordCases = []recordCase{
	{"payload", RecordMalformed, func(w *parliament) *kernel.Record { return w.record(kernel.RecordMotion, []byte{1}, w.voter) }, 0},
	{"vote's payload", RecordMalformed, func(w *parliament) *kernel.Record { return w.record(kernel.RecordVote, []byte{1}, w.voter) }, 0},
	{"card's payload", RecordMalformed, func(w *parliament) *kernel.Record { return w.record(kernel.RecordWitness, []byte{1}, w.voter) }, 0},
	{"report's payload", RecordMalformed, func(w *parliament) *kernel.Record { return w.record(kernel.RecordReport, []byte{1}, w.voter) }, 0},
	{"network", RecordForeign, func(w *parliament) *kernel.Record {
		r := w.motionRecord(asked, 0)
		r.Network[0]++
		return on(r, r.Network, w.voter)
	}, 0},
	{"old epoch", RecordEpoch, func(w *parliament) *kernel.Record { return w.motionRecord(asked, 0) }, 2},
	{"signature", RecordSignature, func(w *parliament) *kernel.Record {
		r := w.motionRecord(asked, 0)
		r.Signature[3]++
		return r
	}, 0},
	{"kind", RecordKindOther, func(w *parliament) *kernel.Record { return w.record(kernel.RecordDealing, nil, w.voter) }, 0},
	{"no stakes", RecordNoStake, func(w *parliament) *kernel.Record {
		r := w.motionRecord(asked, 0)
		context := *w.context
		context.Stake = nil
		w.context = &context
		return r
	}, 0},
	{"same motion", MotionKnown, func(w *parliament) *kernel.Record { w.open(asked); return w.motionRecord(asked, 0) }, 0},
	{"no such motion", MotionUnknown, func(w *parliament) *kernel.Record { return w.voteRecord(asked, 0) }, 0},
	{"too late", MotionClosed, func(w *parliament) *kernel.Record {
		w.open(asked)
		w.wait(voteWindow)
		return w.voteRecord(asked, 0)
	}, 0},
	{"one proposer's many", MotionTooMany, func(w *parliament) *kernel.Record {
		for i := range maxSponsored {
			w.move(words(string(rune('a'+i))), i)
		}
		return w.motionRecord(asked, 10)
	}, 0},
	{"nothing behind it", MotionBacking, func(w *parliament) *kernel.Record { return w.motionRecord(asked) }, 0},
	{"too little behind it", MotionBacking, func(w *parliament) *kernel.Record {
		w.settle(w.sign(w.spend(kernel.XIN, w.refs(0), w.output(whole(99), 1, 1), w.output(whole(testBalance-99), 1, 1))))
		tx := w.spend(kernel.XIN, w.refs(1), w.output(whole(99), 1, 1), w.output(whole(testBalance-99), 1, 1))
		w.settle(w.sign(tx))
		w.balances = append([]kernel.OutputRef{{Hash: tx.Hash()}}, w.balances...)
		return w.motionRecord(asked, 0)
	}, 0},
	{"nobody is punished", MotionVoid, func(w *parliament) *kernel.Record {
		return w.motionRecord(&kernel.Motion{Subject: kernel.SubjectPenalty, Title: "lift", Penalty: &kernel.Penalty{Member: w.nodes[1].Public()}}, 0)
	}, 0},
	{"an asset that is another", MotionVoid, func(w *parliament) *kernel.Record {
		a := kernel.GenesisAsset{ID: kernel.XIN, Symbol: "X", Chain: kernel.BTC, Key: "x"}
		return w.motionRecord(&kernel.Motion{Subject: kernel.SubjectRegistration, Title: "x", Asset: &a}, 0)
	}, 0},
	{"free what is free", MotionVoid, func(w *parliament) *kernel.Record {
		return w.motionRecord(&kernel.Motion{Subject: kernel.SubjectAssurance, Title: "x", Assurance: &kernel.Assurance{Asset: kernel.XIN}}, 0)
	}, 0},
	{"freeze what is unknown", MotionVoid, func(w *parliament) *kernel.Record {
		return w.motionRecord(&kernel.Motion{Subject: kernel.SubjectAssurance, Title: "x", Assurance: &kernel.Assurance{Asset: kernel.BTC, Freeze: true}}, 0)
	}, 0},
	{"an old version", MotionVoid, func(w *parliament) *kernel.Record {
		return w.motionRecord(&kernel.Motion{Subject: kernel.SubjectUpgrade, Title: "x", Upgrade: &kernel.Upgrade{Version: 1, Epoch: 9}}, 0)
	}, 0},
	{"a domain's wrong nonce", MotionVoid, func(w *parliament) *kernel.Record {
		d := kernel.Domain{ID: "c6d0c728-2624-429b-8e0d-d9d19b6592fa", Nodes: []kernel.Key{w.nodes[0].Public()}}
		return w.motionRecord(&kernel.Motion{Subject: kernel.SubjectRegistration, Title: "x", Nonce: 1, Domain: &d}, 0)
	}, 0},
	{"spent output", BallotOutput, func(w *parliament) *kernel.Record {
		w.open(asked)
		w.settle(w.sign(w.spend(kernel.XIN, w.refs(0), w.output(whole(testBalance), 1, 1))))
		return w.voteRecord(asked, 0)
	}, 0},
	{"a pledge", BallotOutput, func(w *parliament) *kernel.Record {
		w.open(asked)
		m := memberOfKey(w.view, w.context.Network, w.nodes[0].Public())
		v := kernel.Vote{Motion: asked.ID(w.context.Network), Ballots: []kernel.Ballot{{Output: m.Collateral, Signatures: kernel.SignatureMap{{}}}}}
		return w.record(kernel.RecordVote, v.AppendBinary(nil), w.voter)
	}, 0},
	{"another's signature", BallotSignature, func(w *parliament) *kernel.Record {
		w.open(asked)
		v := w.voteOf(asked, true, 0)
		v.For = false // and so another statement
		return w.record(kernel.RecordVote, v.AppendBinary(nil), w.voter)
	}, 0},
	{"no signature", BallotSignature, func(w *parliament) *kernel.Record {
		w.open(asked)
		v := w.voteOf(asked, true, 0)
		v.Ballots[0].Signatures = nil
		return w.record(kernel.RecordVote, v.AppendBinary(nil), w.voter)
	}, 0},
	{"a key that is not there", BallotSignature, func(w *parliament) *kernel.Record {
		w.open(asked)
		v := w.voteOf(asked, true, 0)
		v.Ballots[0].Signatures[0].Index = 1
		return w.record(kernel.RecordVote, v.AppendBinary(nil), w.voter)
	}, 0},
	{"votes twice", BallotUsed, func(w *parliament) *kernel.Record {
		w.open(asked)
		w.cast(asked, false, 0, 1)
		return w.voteRecord(asked, 1, 2)
	}, 0},
	{"a witness's output", BallotUsed, func(w *parliament) *kernel.Record {
		w.bring(w.card(asIs, w.voter, 0))
		w.open(asked)
		return w.voteRecord(asked, 0)
	}, 0},
	{"a voter's output for a witness", BallotUsed, func(w *parliament) *kernel.Record {
		w.open(asked)
		w.cast(asked, true, 0)
		return w.card(asIs, w.voter, 0)
	}, 0},
	{"on too many", BallotUsed, func(w *parliament) *kernel.Record {
		stake := *w.context.Stake
		stake.Motion.Window = 100
		w.context.Stake = &stake
		for i := range maxLockMotions + 1 {
			m := words(string(rune('a' + i)))
			w.bring(w.record(kernel.RecordMotion, (&kernel.Proposal{Motion: *m}).AppendBinary(nil), w.nodes[i%5]))
			if i == maxLockMotions {
				return w.voteRecord(m, 0)
			}
			w.cast(m, true, 0)
		}
		return nil
	}, 0},
	{"nobody votes", VoterUnknown, func(w *parliament) *kernel.Record { w.open(asked); return w.voteRecord(asked) }, 0},
	{"the accused votes", VoterParty, func(w *parliament) *kernel.Record {
		m := w.punished(2)
		w.open(m)
		return w.record(kernel.RecordVote, (&kernel.Vote{Motion: m.ID(w.context.Network), For: true}).AppendBinary(nil), w.nodes[2])
	}, 0},
	{"a member votes twice", VoterVoted, func(w *parliament) *kernel.Record {
		w.open(asked)
		return w.record(kernel.RecordVote, (&kernel.Vote{Motion: asked.ID(w.context.Network)}).AppendBinary(nil), w.nodes[6])
	}, 0},
	{"too many votes", VotesFull, func(w *parliament) *kernel.Record {
		w.open(asked)
		m := w.motion(asked)
		m.Votes = maxVotesOfAMotion
		w.view.system[rowMotion(m.ID)] = m.encode()
		return w.voteRecord(asked, 0)
	}, 0},
	{"a witness again", WitnessKnown, func(w *parliament) *kernel.Record { w.bring(w.card(asIs, w.voter, 0)); return w.card(asIs, w.voter, 1) }, 0},
	{"too short", WitnessTerms, func(w *parliament) *kernel.Record {
		return w.card(func(c *kernel.WitnessCard) { c.Until = w.view.Head().Index + minWitnessCommits }, w.voter, 0)
	}, 0},
	{"no payee", WitnessTerms, func(w *parliament) *kernel.Record {
		return w.card(func(c *kernel.WitnessCard) { c.Payee.View = kernel.Key{} }, w.voter, 0)
	}, 0},
	{"no XIN", WitnessTerms, func(w *parliament) *kernel.Record { return w.card(asIs, w.voter) }, 0},
	{"no room", WitnessFull, func(w *parliament) *kernel.Record {
		var list []listedWitness
		for i := range maxWitnesses {
			list = append(list, listedWitness{key: kernel.Key{byte(i)}, locked: unitsOf(whole(testBalance)), until: 1000})
		}
		w.view.system[rowWitnesses] = encodeWitnesses(list)
		return w.card(asIs, w.voter, 0)
	}, 0},
	{"no witness reports", WitnessUnknown, func(w *parliament) *kernel.Record { return w.reportRecord(w.voter, 0, 1) }, 0},
	{"two in an hour", ReportEarly, func(w *parliament) *kernel.Record {
		w.bring(w.card(asIs, w.voter, 0), w.reportRecord(w.voter, 0, 1))
		return w.reportRecord(w.voter, 0, 1)
	}, 0},
	{"no such author", ReportRoster, func(w *parliament) *kernel.Record {
		w.bring(w.card(asIs, w.voter, 0))
		return w.reportRecord(w.voter, 0, 1<<7)
	}, 0},
	{"no such commit", ReportRoster, func(w *parliament) *kernel.Record {
		w.bring(w.card(asIs, w.voter, 0))
		return w.reportRecord(w.voter, 99, 1)
	}, 0},
}

// on moves a record to another network and signs it again.
func on(r *kernel.Record, network kernel.NetworkID, by kernel.NodeKey) *kernel.Record {
	r.Network = network
	hash := r.SigningHash()
	r.Signature = by.Sign(hash[:])
	return r
}

// punished lets a member equivocate, and returns the appeal.
func (w *parliament) punished(member int) *kernel.Motion {
	w.t.Helper()
	a, b := w.twins(kernel.Author(member), 7)
	w.carry(w.record(kernel.RecordEvidence, appendEquivocation(a, b), w.nodes[0]))
	m := memberOfKey(w.view, w.context.Network, w.nodes[member].Public())
	if m.Flag == FlagNone {
		w.t.Fatal("the member is not punished")
	}
	return &kernel.Motion{Subject: kernel.SubjectPenalty, Title: "lift", Penalty: &kernel.Penalty{Member: m.Member.Key}}
}

func appendEquivocation(a, b *kernel.Header) []byte {
	proof := kernel.EquivocationOf(a, b)
	return proof.AppendBinary(nil)
}

// TestRecordRules: each case breaks one fact; the node names the rule, and execution ignores the
// record and leaves no trace of it.
func TestRecordRules(t *testing.T) {
	seen := map[RecordRule]bool{}
	for _, tt := range recordCases {
		t.Run(tt.name, func(t *testing.T) {
			w := newParliament(t)
			r := tt.make(w)
			if err := CheckRecord(w.view, r, tt.time, w.context); !errors.Is(err, tt.want) {
				t.Fatalf("got %v, want %v", err, tt.want)
			}
			if tt.time != 0 || tt.want == VotesFull || tt.want == WitnessFull {
				return // the state was made by hand, or is of another epoch
			}
			before := len(ActiveMotions(w.view))
			d := w.carry(r)
			for _, row := range d.System {
				if row.Key != rowWork && row.Key != rowMotions && row.Key[:min(len(row.Key), 7)] != "motion/" {
					t.Fatalf("row %s is written", row.Key)
				}
			}
			if len(d.Faults) != 0 || len(ActiveMotions(w.view)) > before {
				t.Fatal("a record that does not count leaves something behind")
			}
		})
		seen[tt.want] = true
	}
	for rule := RecordRule(1); rule < recordRuleEnd; rule++ {
		if !seen[rule] {
			t.Errorf("rule %v has no case", rule)
		}
	}
}

// TestRecordsOfTheEpochBefore count: an epoch may end while they are on their way.
func TestRecordsOfTheEpochBefore(t *testing.T) {
	w := newParliament(t)
	r := w.motionRecord(asked, 0)
	if err := CheckRecord(w.view, r, 1, w.context); err != nil {
		t.Fatal(err)
	}
	r.Epoch = 1
	if err := CheckRecord(w.view, r, 0, w.context); !errors.Is(err, RecordEpoch) {
		t.Fatalf("a record of a later epoch: %v", err)
	}
}

// TestGovernanceRecordsOfASnapshot: the first sixteen are read.
func TestGovernanceRecordsOfASnapshot(t *testing.T) {
	w := newParliament(t)
	w.open(asked)
	var all []*kernel.Record
	for i := range maxGovernanceRecords + 1 {
		all = append(all, w.voteRecord(asked, i))
	}
	w.carry(all...)
	if got := w.motion(asked).Votes; got != maxGovernanceRecords+1 { // the proposer's own among them
		t.Fatalf("%d votes", got)
	}
}
