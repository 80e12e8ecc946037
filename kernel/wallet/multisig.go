package wallet

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"github.com/asterism-network/asterism/internal/crypto"
	"github.com/asterism-network/asterism/kernel"
)

// The ways in which a signing request fails.
var (
	ErrSigningRequest = errors.New("not a signing request")
	ErrNoKey          = errors.New("no key of the request is this wallet's, or it has signed before")
	ErrIncomplete     = errors.New("signatures are missing")
	ErrDifferent      = errors.New("requests are for different transactions")
)

// A SigningRequest is an unsigned or partly signed transaction with all that a signer needs
// to see what it does and to sign offline. It holds no secret. It travels as a file.
type SigningRequest struct {
	Network kernel.NetworkID
	tx      *kernel.Transaction // Signatures has one map for each input
	spends  []Output            // in the order of the inputs
	roles   []claim
}

// A claim says whom an output pays, with the secret that proves it to whoever reads the
// request: those who sign may know, and nobody else learns it from the ledger.
type claim struct {
	To     *Receiver `json:"to,omitempty"`
	Change bool      `json:"change,omitempty"`
	Secret string    `json:"secret,omitempty"` // r in hex
}

const (
	requestFormat  = "asterism signing request"
	requestVersion = 1
	// MaxSigningRequest bounds the file, in bytes.
	MaxSigningRequest = 16 << 20
)

// requestJSON is the file. [FMT-REQUEST]
type requestJSON struct {
	Format      string           `json:"format"`
	Version     int              `json:"version"`
	Network     kernel.NetworkID `json:"network"`
	Transaction hexBytes         `json:"transaction"`
	Inputs      []requestInput   `json:"inputs"`
	Outputs     []claim          `json:"outputs"`
}

type requestInput struct {
	Ref       Ref           `json:"ref"`
	Amount    kernel.Amount `json:"amount"`
	Keys      []kernel.Key  `json:"keys"`
	Mask      kernel.Key    `json:"mask"`
	Threshold uint8         `json:"threshold"`
}

// SigningRequest makes a request of a plan, with no signature yet. Use it for outputs that
// are shared, and for a watch-only wallet whose signer sits elsewhere.
func (w *Wallet) SigningRequest(p *Plan) *SigningRequest {
	r := &SigningRequest{Network: w.network, tx: p.Transaction(), spends: slices.Clone(p.spends)}
	r.tx.Signatures = make([]kernel.SignatureMap, len(r.tx.Inputs))
	for i := range p.roles {
		c := claim{Change: p.roles[i].change}
		if to := p.roles[i].to; len(to.Members) > 0 {
			c.To, c.Secret = &to, hex.EncodeToString(p.roles[i].secret[:])
		}
		r.roles = append(r.roles, c)
	}
	return r
}

// Transaction returns the hash that is signed.
func (r *SigningRequest) Transaction() kernel.TxHash { return r.tx.Hash() }

// Effects says what the transaction does, from its bytes and as seen by own. Inputs' amounts
// are the proposer's claim, but a false one only makes a transaction that the ledger refuses:
// sums must agree and every output shows its amount.
func (r *SigningRequest) Effects(own Keys) (Effects, error) {
	payload, err := r.tx.AppendPayload(nil)
	if err != nil {
		return Effects{}, fmt.Errorf("%w: %w", ErrSigningRequest, err)
	}
	roles := make([]role, len(r.roles))
	for i, c := range r.roles {
		roles[i].change = c.Change
		if c.To != nil {
			roles[i].to = *c.To
			if s, err := hex.DecodeString(c.Secret); err == nil && len(s) == 32 {
				roles[i].secret = kernel.Scalar(s)
			}
		}
	}
	return explain(payload, r.spends, own, roles)
}

// Sign adds a signature by every key of the inputs that is ours, up to each threshold.
func (r *SigningRequest) Sign(own Keys) (added int, err error) {
	if own.WatchOnly() {
		return 0, ErrWatchOnly
	}
	if _, err := r.Effects(own); err != nil {
		return 0, err
	}
	hash := r.tx.Hash()
	for i := range r.spends {
		o := &r.spends[i]
		for place, key := range o.Keys {
			if r.signed(i, place) || len(r.tx.Signatures[i]) >= needed(o) || !own.recognizes(key, o.Mask, int(o.Ref.Index)) {
				continue
			}
			private, err := own.private(key, o.Mask, int(o.Ref.Index))
			if err != nil {
				return added, err
			}
			r.add(i, kernel.IndexedSignature{Index: uint16(place), Signature: private.Sign(hash[:])})
			clear(private[:])
			added++
		}
	}
	if added == 0 {
		return 0, ErrNoKey
	}
	return added, nil
}

// needed is the number of signatures of an input: its threshold, and never none.
func needed(o *Output) int { return max(1, int(o.Threshold)) }

func (r *SigningRequest) signed(input, place int) bool {
	return slices.ContainsFunc(r.tx.Signatures[input], func(s kernel.IndexedSignature) bool { return int(s.Index) == place })
}

func (r *SigningRequest) add(input int, s kernel.IndexedSignature) {
	m := append(slices.Clone(r.tx.Signatures[input]), s)
	slices.SortFunc(m, func(a, b kernel.IndexedSignature) int { return int(a.Index) - int(b.Index) })
	r.tx.Signatures[input] = m
}

// Combine takes over the signatures of another copy of the same request.
func (r *SigningRequest) Combine(other *SigningRequest) error {
	if r.Network != other.Network || r.tx.Hash() != other.tx.Hash() {
		return ErrDifferent
	}
	if err := other.verify(r.spends); err != nil {
		return err
	}
	for i, m := range other.tx.Signatures {
		for _, s := range m {
			if !r.signed(i, int(s.Index)) && len(r.tx.Signatures[i]) < needed(&r.spends[i]) {
				r.add(i, s)
			}
		}
	}
	return nil
}

// verify checks every signature that the request holds against the keys in spends.
func (r *SigningRequest) verify(spends []Output) error {
	hash := r.tx.Hash()
	for i, m := range r.tx.Signatures {
		for _, s := range m {
			if int(s.Index) >= len(spends[i].Keys) || !crypto.Verify(spends[i].Keys[s.Index], hash[:], s.Signature) {
				return fmt.Errorf("%w: signature of key %d on input %d does not verify", ErrSigningRequest, s.Index, i)
			}
		}
	}
	return nil
}

// Missing returns how many signatures each input still needs; all zeros is complete.
func (r *SigningRequest) Missing() []int {
	missing := make([]int, len(r.spends))
	for i := range r.spends {
		missing[i] = max(0, needed(&r.spends[i])-len(r.tx.Signatures[i]))
	}
	return missing
}

// Signed returns the bytes to submit once no signature is missing.
func (r *SigningRequest) Signed() ([]byte, error) {
	if missing := r.Missing(); slices.Max(missing) > 0 {
		return nil, fmt.Errorf("%w: by input %v", ErrIncomplete, missing)
	}
	if err := r.verify(r.spends); err != nil {
		return nil, err
	}
	return r.tx.AppendBinary(nil)
}

// MarshalJSON returns the text of the file.
func (r *SigningRequest) MarshalJSON() ([]byte, error) {
	raw, err := r.tx.AppendBinary(nil)
	if err != nil {
		return nil, err
	}
	j := requestJSON{Format: requestFormat, Version: requestVersion, Network: r.Network, Transaction: raw, Outputs: r.roles}
	for i := range r.spends {
		o := &r.spends[i]
		j.Inputs = append(j.Inputs, requestInput{Ref: o.Ref, Amount: o.Amount, Keys: o.Keys, Mask: o.Mask, Threshold: o.Threshold})
	}
	return json.Marshal(j)
}

// ParseSigningRequest reads a file and checks that its parts belong together and that every
// signature in it is good.
func ParseSigningRequest(data []byte) (*SigningRequest, error) {
	if len(data) > MaxSigningRequest {
		return nil, fmt.Errorf("%w: over %d bytes", ErrSigningRequest, MaxSigningRequest)
	}
	var j requestJSON
	if err := decodeStrict(bytes.TrimSpace(data), &j); err != nil {
		return nil, fmt.Errorf("%w: %v", ErrSigningRequest, err)
	}
	if j.Format != requestFormat || j.Version != requestVersion {
		return nil, fmt.Errorf("%w: format %.40q version %d", ErrSigningRequest, j.Format, j.Version)
	}
	r := &SigningRequest{Network: j.Network, tx: new(kernel.Transaction), roles: j.Outputs}
	if err := r.tx.UnmarshalBinary(j.Transaction); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrSigningRequest, err)
	}
	n := len(r.tx.Inputs)
	if r.tx.Aggregate != nil || n == 0 || n > maxInputs || len(r.tx.Signatures) > n || len(j.Inputs) != n || len(j.Outputs) != len(r.tx.Outputs) {
		return nil, fmt.Errorf("%w: transaction, inputs and outputs do not belong together", ErrSigningRequest)
	}
	for len(r.tx.Signatures) < n {
		r.tx.Signatures = append(r.tx.Signatures, nil)
	}
	for i, in := range j.Inputs {
		if in.Ref != Ref(r.tx.Inputs[i].OutputRef) || len(in.Keys) == 0 || len(in.Keys) > maxMembers || int(in.Threshold) > len(in.Keys) {
			return nil, fmt.Errorf("%w: input %d", ErrSigningRequest, i)
		}
		r.spends = append(r.spends, Output{
			Ref: in.Ref, Asset: r.tx.Asset, Amount: in.Amount, Keys: in.Keys, Mask: in.Mask, Threshold: in.Threshold,
		})
	}
	return r, r.verify(r.spends)
}
