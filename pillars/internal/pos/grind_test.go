package pos

import (
	"encoding/binary"
	"testing"

	"github.com/holiman/uint256"

	"github.com/asterism-network/asterism/pillars"
	"github.com/asterism-network/asterism/pillars/internal/consensus"
)

// TestGrinding measures what a staker can choose between. What he reveals is his stake's outpoint, so his choice is
// among the outputs and seconds that win at all: up to now plus the window, those are hardly ever two. Each more
// would be one more try at the next modifier, and that one lasts only until the next block, which is
// work's nine times of ten. Even whoever holds all the stake has about one choice in thirteen.
func TestGrinding(t *testing.T) {
	p := pillars.MainnetLike()
	const outputs, cases = 10, 400
	bits := uint256.NewInt(252 * outputs * uint64(p.Stake.Minimum)) // all the stake there is wins every 252 s
	wins, choices := 0, 0
	for seed := uint64(0); wins < cases; seed++ {
		var modifier pillars.Hash
		binary.LittleEndian.PutUint64(modifier[:], seed)
		n := map[pillars.Outpoint]bool{}
		for second := range p.Time.FutureSeconds {
			for i := range uint32(outputs) {
				s := Stake{Outpoint: pillars.Outpoint{Index: i}, Value: p.Stake.Minimum, Stamp: 1}
				if Wins(Hash(modifier, &s, 1000+second), s.Value, bits) {
					n[s.Outpoint] = true // the second is not revealed: it makes no other modifier
				}
			}
		}
		if len(n) > 0 {
			wins++
			choices += len(n)
		}
	}
	mean := float64(choices) / cases
	t.Logf("%.3f modifiers to choose from", mean)
	if mean > 1.15 || mean < 1.01 {
		t.Errorf("%.3f modifiers to choose from", mean)
	}
}

// TestNothingToGrind: nonce, transactions and the rest of the header are no part of the stake hash or of the next
// modifier, so no second block with one use gets its author another try [PIL-POS-2].
func TestNothingToGrind(t *testing.T) {
	s := newScene(t)
	reveal := consensus.Reveal{Stake: s.coinstake().Inputs[0].Previous}
	before := s.parent.Next(&s.p, &s.block.Header, reveal)
	for name, change := range map[string]func(){
		"a transaction": func() { s.block.Transactions = append(s.block.Transactions, s.block.Transactions[0]) },
		"other pieces": func() {
			s.coinstake().Outputs[2].Value++
			s.coinstake().Outputs[3].Value--
		},
		"fewer inputs": func() { s.coinstake().Inputs = s.coinstake().Inputs[:1] },
	} {
		change()
		s.finish(t)
		after := s.parent.Next(&s.p, &s.block.Header, reveal)
		if after.ID == before.ID || after.Modifier != before.Modifier {
			t.Errorf("%s: another modifier", name)
		}
	}
}
