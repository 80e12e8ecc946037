package sim

import (
	"encoding/binary"
	"errors"
	"math/rand/v2"

	"github.com/asterism-network/asterism/internal/sim"
	"github.com/asterism-network/asterism/pillars"
	"github.com/asterism-network/asterism/pillars/internal/consensus"
)

// errNoWork is what is wrong with a header under work that nobody did.
var errNoWork = errors.New("work_not_drawn")

// drawn are the seals of a run: the mix hash of a header under work is a hash of the header and a secret of the world, so
// that nobody has it without a draw. A network takes them as it takes Ethash's. Signatures of blocks are real, and verified once for
// all nodes.
type drawn struct {
	secret [32]byte
	signed map[signed]error // verdicts on signatures
}

// A signed is all that a verdict on a signature depends on: the id commits to what is signed.
type signed struct {
	id        pillars.BlockID
	key       [33]byte
	signature [64]byte
}

// VerifySignature implements tree.Signatures.
func (d *drawn) VerifySignature(b *pillars.Block) error {
	name := signed{b.ID(), b.Extension.Key, b.Signature}
	err, known := d.signed[name]
	if !known {
		err = b.VerifySignature()
		d.signed[name] = err
	}
	return err
}

// Verify implements tree.Seals.
func (d *drawn) Verify(headers []*pillars.Header) (good int, err error) {
	for i, h := range headers {
		if h.Seal() == pillars.PoW && h.MixHash != d.mix(h) {
			return i, errNoWork
		}
	}
	return len(headers), nil
}

func (d *drawn) mix(h *pillars.Header) [32]byte {
	bare := *h
	bare.MixHash = [32]byte{}
	return pillars.TaggedHash("asterism simulated work", d.secret[:], bare.AppendBinary(make([]byte, 0, pillars.ExtendedHeaderSize)))
}

// seal writes the outcome of a search that succeeded into a header that is finished otherwise.
func (d *drawn) seal(h *pillars.Header) { h.MixHash = d.mix(h) }

func newDrawn(rng *rand.Rand) *drawn {
	d := &drawn{signed: map[signed]error{}}
	for i := 0; i < len(d.secret); i += 8 {
		binary.LittleEndian.PutUint64(d.secret[i:], rng.Uint64())
	}
	return d
}

// longestSearch bounds a draw in seconds: beyond, the miner draws anew, which changes nothing for a memoryless search.
const longestSearch = 6 * 3600

// search draws when a miner finds a block behind b, and with which stamp: each second he tries rate hashes, of which one in
// the difficulty at his stamp of that second wins. Stamps come from a function of the local second. A second in which no
// block may follow costs nothing and gives nothing. ok is false if nothing is found for hours.
func search(p *pillars.Params, b *consensus.Branch, rate float64, rng *rand.Rand, local sim.Time, stampAt func(second uint32) uint32) (after sim.Time, stamp uint32, ok bool) {
	left := rng.ExpFloat64() // in units of the mean search
	odds, band := 0.0, ^uint64(0)
	at := local
	for range longestSearch {
		stamp = max(stampAt(uint32(at/1000)), b.Earliest(p, pillars.PoW))
		if now := bandOf(p, b, stamp); now != band || b.WorkRun >= p.Runs.PoW {
			band, odds = now, 0
			if d, err := b.Difficulty(p, pillars.PoW, stamp); err == nil {
				odds = rate / d.Bits.Float64() / 1000
			}
		}
		span := float64(1000 - at%1000)
		if won := odds * span; left < won {
			return at + sim.Time(left/odds) - local, stamp, true
		} else {
			left -= won
		}
		at += 1000 - at%1000
	}
	return at - local, 0, false
}

// bandOf numbers the intervals between which the difficulty of work differs.
func bandOf(p *pillars.Params, b *consensus.Branch, stamp uint32) uint64 {
	if stamp < b.Work.Stamp {
		return 0
	}
	return uint64(stamp-b.Work.Stamp) * 1000 / uint64(p.PoW.DivisorMilli)
}
