package wallet

import (
	"encoding/hex"
	"errors"
	"fmt"
	"strings"

	"github.com/asterism-network/asterism/internal/crypto"
	"github.com/asterism-network/asterism/kernel"
)

// Keys are what a wallet can see with, and spend with unless it is watch-only. They print
// their address only.
type Keys struct {
	address  kernel.Address
	view     kernel.Scalar
	spend    kernel.Scalar // zero in a watch-only wallet
	canSpend bool
	viewer   *crypto.Viewer
}

// AccountKeys returns the keys of an account. It panics if they are not scalars of an address,
// which no derivation gives.
func AccountKeys(a kernel.Account) Keys {
	k, err := viewKeys(a.View, a.Spend.Public())
	if err != nil {
		panic("wallet: account without address")
	}
	k.spend, k.canSpend = a.Spend, true
	return k
}

func viewKeys(view kernel.Scalar, spend kernel.Key) (Keys, error) {
	viewer, err := crypto.NewViewer(view, spend)
	if err != nil || !view.Valid() {
		return Keys{}, ErrTracingKey
	}
	return Keys{address: kernel.Address{Spend: spend, View: view.Public()}, view: view, viewer: viewer}, nil
}

// Address is where payments to these keys go.
func (k Keys) Address() kernel.Address { return k.address }

// View returns the pair (a, B) that sees payments, for a light node: see TracingKey.
func (k Keys) View() (view kernel.Scalar, spend kernel.Key) { return k.view, k.address.Spend }

// WatchOnly reports whether the keys see without being able to spend.
func (k Keys) WatchOnly() bool { return !k.canSpend }

// String returns the address.
func (k Keys) String() string { return k.address.String() }

// GoString returns the address: %#v must not print keys.
func (k Keys) GoString() string { return k.address.String() }

// ErrTracingKey says that a text is not a tracing key.
var ErrTracingKey = errors.New("not a tracing key: want the form astertrace1, a colon and 136 hex digits")

const tracingPrefix = "astertrace1:"

// TracingKey exports the pair (a, B): whoever holds it sees every payment to the address and
// every spending of it, past and future, and cannot spend. There is no taking it back.
func (k Keys) TracingKey() string {
	b := append(append([]byte(nil), k.view[:]...), k.address.Spend[:]...)
	sum := crypto.SumLabel("asterism tracing key", b)
	return tracingPrefix + hex.EncodeToString(append(b, sum[:4]...))
}

// ParseTracingKey reads what TracingKey exports and returns watch-only keys. Errors never
// quote the text.
func ParseTracingKey(text string) (Keys, error) {
	digits, ok := strings.CutPrefix(strings.TrimSpace(text), tracingPrefix)
	if !ok || len(digits) != 2*(32+32+4) {
		return Keys{}, ErrTracingKey
	}
	b, err := hex.DecodeString(digits)
	if err != nil {
		return Keys{}, ErrTracingKey
	}
	if sum := crypto.SumLabel("asterism tracing key", b[:64]); string(sum[:4]) != string(b[64:]) {
		return Keys{}, fmt.Errorf("%w: the checksum differs", ErrTracingKey)
	}
	return viewKeys(kernel.Scalar(b[:32]), kernel.Key(b[32:64]))
}

// recognizes reports whether the one-time key at an output's place is ours. A key or mask
// outside the prime-order group counts for nothing: the ledger lets them pass, the wallet not.
func (k Keys) recognizes(key, mask kernel.Key, place int) bool {
	return k.viewer != nil && k.viewer.Owns(key, mask, uint64(place))
}

// private returns the private key of a one-time key that recognizes said yes to.
func (k Keys) private(key, mask kernel.Key, place int) (kernel.Scalar, error) {
	if !k.canSpend {
		return kernel.Scalar{}, ErrWatchOnly
	}
	p, err := crypto.GhostPrivate(k.view, k.spend, mask, uint64(place))
	if err != nil {
		return kernel.Scalar{}, err
	}
	if p.Public() != key {
		return kernel.Scalar{}, fmt.Errorf("one-time key %s is not ours", key)
	}
	return p, nil
}
