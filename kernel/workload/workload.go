// Package workload makes the reference payments that the Kernel's speed is measured with: their
// funding, and an endless stream of them, signed beforehand. Everything is a function of the
// seed and the genesis, so two programs can be given the same load.
//
// Payments run on lanes. The next payment of a lane spends what the lane's previous one left to
// it, so that hashes and signatures of the whole stream can be made before the first payment is
// sent; payments of different lanes do not depend on each other. Submit the payments in order,
// and use so many lanes that a lane's turn comes again only when its previous payment is final:
// a node holds an input that it does not know for two seconds, then refuses.
//
// Nothing is simplified: every output has a one-time key of its own under a mask of its own,
// derived for a recipient's view and spend keys, and every input is signed with the private key
// of the output that it spends.
package workload

import (
	"encoding/binary"
	"fmt"
	"runtime"
	"sync"

	"github.com/asterism-network/asterism/internal/crypto"
	"github.com/asterism-network/asterism/kernel"
)

// A Kind is one of the two reference payments.
type Kind uint8

// The reference payments: version 5, one key and script fffe01 for each output, one signature
// for each input.
const (
	P1 Kind = 1 // one input, two outputs
	P2 Kind = 2 // two inputs, three outputs
)

// ParseKind reads "P1" or "P2".
func ParseKind(s string) (Kind, error) {
	for _, k := range []Kind{P1, P2} {
		if s == k.String() {
			return k, nil
		}
	}
	return 0, fmt.Errorf("payment %.20q: want P1 or P2", s)
}

// String returns "P1" or "P2".
func (k Kind) String() string { return fmt.Sprintf("P%d", uint8(k)) }

// MarshalText returns the form of String.
func (k Kind) MarshalText() ([]byte, error) { return []byte(k.String()), nil }

// UnmarshalText reads what ParseKind reads.
func (k *Kind) UnmarshalText(text []byte) (err error) {
	*k, err = ParseKind(string(text))
	return err
}

// Inputs is how many outputs a payment spends: those that the lane's previous one left to it.
func (k Kind) Inputs() int { return int(k) }

// Signatures is how many signatures a payment carries.
func (k Kind) Signatures() int { return int(k) }

// Outputs is how many outputs a payment makes: the lane's, and one for somebody else.
func (k Kind) Outputs() int { return int(k) + 1 }

// DefaultLanes are enough for 5,000 payments a second that take four seconds to be final.
const DefaultLanes = 20_000

// LightShare is the part of the capacity at which finality is measured.
const LightShare = 0.4

// LightWarmup is how many times as long as elsewhere the warm-up before that is: what saturation leaves to do (folds,
// compactions, trees of a checkpoint) takes a while, and is not light load's.
const LightWarmup = 4

// maxLanes keeps the balances below what a genesis may hold.
const maxLanes = 1_000_000

// Options say what load to make. Equal options make equal payments on equal networks.
type Options struct {
	Seed  uint64
	Kind  Kind
	Lanes int // 0 is DefaultLanes
}

// A Payment is a signed transaction of the load.
type Payment struct {
	Hash kernel.TxHash
	Raw  []byte // signed bytes
	Lane int    // -1: part of the funding
	keys [2]kernel.Key
	n    uint8
}

// Keys are the one-time keys that the inputs are signed with, in their order.
func (p *Payment) Keys() []kernel.Key { return p.keys[:p.n] }

// A Workload makes one stream of payments. It is not safe for concurrent use; it uses all
// cores itself.
type Workload struct {
	options    Options
	source     kernel.Account   // holds the balances of the genesis
	owner      kernel.Account   // holds what the lanes pay on
	recipients []kernel.Account // somebody else
	lanes      []lane
	made       uint64 // payments so far
}

// A lane is what its next payment spends.
type lane struct {
	coins [2]coin
	step  uint64
}

// A coin is an unspent output with its private key.
type coin struct {
	ref     kernel.OutputRef
	amount  uint64
	key     kernel.Key
	private kernel.Scalar
}

// Units of 10^-8 XIN: what a lane begins with in each coin, and what it pays with each payment.
const (
	coinUnits = 1_000_000_000
	paidUnits = 1
)

// recipientCount is how many others are paid in turn.
const recipientCount = 64

// New prepares a workload. Put its Balances into the genesis, then call Fund.
func New(o Options) (*Workload, error) {
	if o.Lanes == 0 {
		o.Lanes = DefaultLanes
	}
	switch {
	case o.Kind != P1 && o.Kind != P2:
		return nil, fmt.Errorf("workload: payment %v: want P1 or P2", o.Kind)
	case o.Lanes < 1 || o.Lanes > maxLanes:
		return nil, fmt.Errorf("workload: %d lanes: want 1 to %d", o.Lanes, maxLanes)
	}
	w := &Workload{options: o, source: account(o, "source", 0), owner: account(o, "owner", 0)}
	for i := range recipientCount {
		w.recipients = append(w.recipients, account(o, "recipient", i))
	}
	return w, nil
}

// Options returns the options with defaults filled in.
func (w *Workload) Options() Options { return w.options }

func account(o Options, role string, n int) kernel.Account {
	s := crypto.NewStream("asterism workload account", u64(o.Seed), []byte(role), u64(uint64(n)))
	var seed [64]byte
	s.Fill(seed[:])
	return kernel.AccountFromSeed(seed)
}

func u64(v uint64) []byte { return binary.BigEndian.AppendUint64(nil, v) }

// drawScalar is the next secret of a stream. Zero comes once in 2^252.
func drawScalar(s *crypto.Stream) kernel.Scalar {
	var wide [64]byte
	s.Fill(wide[:])
	return crypto.ScalarFromWide(wide)
}

// output makes an output for an account at a place of a transaction.
func output(s *crypto.Stream, to kernel.Account, place int, units uint64) (kernel.Output, coin) {
	mask, key, private := crypto.GhostOwn(drawScalar(s), to.View, to.Spend, uint64(place))
	out := kernel.Output{
		Type: kernel.OutputScript, Amount: kernel.NewAmount(units), Keys: []kernel.Key{key}, Mask: mask, Script: kernel.NewScript(1),
	}
	return out, coin{amount: units, key: key, private: private}
}

// sign signs every input of tx with its coin and encodes it.
func sign(tx *kernel.Transaction, spent []coin, lane int) Payment {
	p := Payment{Hash: tx.Hash(), Lane: lane, n: uint8(len(spent))}
	tx.Signatures = make([]kernel.SignatureMap, len(spent))
	for i, c := range spent {
		p.keys[i] = c.key
		tx.Signatures[i] = kernel.SignatureMap{{Signature: c.private.SignAs(c.key, p.Hash[:])}}
	}
	raw, err := tx.AppendBinary(make([]byte, 0, 320*len(tx.Outputs)))
	if err != nil {
		panic("workload: own payment does not encode: " + err.Error())
	}
	p.Raw = raw
	return p
}

// parallel calls do for 0 to n-1 on all cores, in pieces of neighbours.
func parallel(n int, do func(i int)) {
	workers := min(n, runtime.GOMAXPROCS(0))
	var group sync.WaitGroup
	for k := range workers {
		group.Go(func() {
			for i := n * k / workers; i < n*(k+1)/workers; i++ {
				do(i)
			}
		})
	}
	group.Wait()
}
