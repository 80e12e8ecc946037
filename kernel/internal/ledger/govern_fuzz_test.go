package ledger

import (
	"bytes"
	"testing"

	"github.com/asterism-network/asterism/internal/codec"
	"github.com/asterism-network/asterism/kernel"
)

// A rowFormat decodes a row and encodes what came of it.
type rowFormat struct {
	name  string
	again func(b []byte) ([]byte, error)
	seed  []byte
}

func formatOf[T any](name string, seed T, decode func([]byte) (T, error), encode func(*T) []byte) rowFormat {
	return rowFormat{name, func(b []byte) ([]byte, error) {
		v, err := decode(b)
		if err != nil {
			return nil, err
		}
		return encode(&v), nil
	}, encode(&seed)}
}

func governFormats() []rowFormat {
	motion := Motion{State: MotionOpen, Motion: kernel.Motion{Subject: kernel.SubjectCommunity, Title: "x"}, For: Tally{Holders: whole(3)}}
	return []rowFormat{
		formatOf("motion list", motionList{count: 3, active: []activeMotion{{due: 9}}}, decodeMotionList, (*motionList).encode),
		formatOf("motion", &motion, decodeMotion, func(m **Motion) []byte { return (*m).encode() }),
		formatOf("vote", CastVote{By: VoterMember, Weight: whole(1)}, decodeCastVote, (*CastVote).encode),
		formatOf("lock", lock{until: 5, motions: []kernel.Hash{{1}}}, decodeLock, (*lock).encode),
		formatOf("domain", DomainRow{State: kernel.DomainPending, Approved: []kernel.Key{{1}}}, decodeDomainRow, (*DomainRow).encode),
		formatOf("protocol", Protocol{1, 2, 3}, decodeProtocol, func(p *Protocol) []byte { return p.encode() }),
		formatOf("appeal", appealState{about: 4}, decodeAppeal, (*appealState).encode),
		formatOf("witness", Witness{Locked: 7, Recent: []SeenMembers{{Commit: 1}}}, decodeWitness, (*Witness).encode),
		formatOf("witnesses", []listedWitness{{locked: 1}}, decodeWitnesses, func(l *[]listedWitness) []byte { return encodeWitnesses(*l) }),
		formatOf("mint", mintState{Batch: 9}, decodeMintState, (*mintState).encode),
		formatOf("work", mintWorks{day: 2, list: []memberWork{{}}}, decodeMintWorks, (*mintWorks).encode),
		formatOf("distribution", Distribution{Due: whole(1), Shares: []MintShare{{Light: true}}}, decodeDistribution, (*Distribution).encode),
		formatOf("motion rules", kernel.MotionRules{Window: 3, Delay: 4}, decodeMotionRules, func(m *kernel.MotionRules) []byte {
			return codec.AppendU64(codec.AppendU64(nil, m.Window), m.Delay)
		}),
		formatOf("count", uint64(5), decodeCount, func(n *uint64) []byte { return encodeCount(*n) }),
	}
}

// TestGovernRows: every row comes back, and neither shorter nor longer.
func TestGovernRows(t *testing.T) {
	for _, f := range governFormats() {
		again, err := f.again(f.seed)
		if err != nil || !bytes.Equal(again, f.seed) {
			t.Errorf("%s does not come back: %v", f.name, err)
		}
		if _, err := f.again(append(bytes.Clone(f.seed), 0)); err == nil {
			t.Errorf("%s decodes with a byte behind it", f.name)
		}
		if _, err := f.again(f.seed[:len(f.seed)-1]); err == nil {
			t.Errorf("%s decodes without its last byte", f.name)
		}
	}
}

// FuzzGovernRows: whatever decodes encodes to the same bytes.
func FuzzGovernRows(f *testing.F) {
	for i, format := range governFormats() {
		f.Add(byte(i), format.seed)
	}
	f.Fuzz(func(t *testing.T, which byte, b []byte) {
		formats := governFormats()
		format := formats[int(which)%len(formats)]
		if again, err := format.again(b); err == nil && !bytes.Equal(again, b) {
			t.Errorf("%s: %x becomes %x", format.name, b, again)
		}
	})
}
