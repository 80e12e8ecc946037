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
}

// AccountKeys returns the keys of an account.
func AccountKeys(a kernel.Account) Keys {
	return Keys{address: a.Address(), view: a.View, spend: a.Spend, canSpend: true}
}

// Address is where payments to these keys go.
func (k Keys) Address() kernel.Address { return k.address }

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
	return tracingKeys(kernel.Scalar(b[:32]), kernel.Key(b[32:64]))
}

func tracingKeys(view kernel.Scalar, spend kernel.Key) (Keys, error) {
	if !view.Valid() || !crypto.ValidKey(spend) {
		return Keys{}, ErrTracingKey
	}
	return Keys{address: kernel.Address{Spend: spend, View: view.Public()}, view: view}, nil
}

// recognizes reports whether the one-time key at an output's place is ours. The order of
// points is checked here, in the wallet: a key or mask outside the prime-order group counts
// for nothing.
func (k Keys) recognizes(key, mask kernel.Key, place int) bool {
	spend, err := crypto.ViewGhost(k.view, key, mask, uint64(place))
	return err == nil && spend == k.address.Spend && crypto.ValidKey(key) && crypto.ValidKey(mask)
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
