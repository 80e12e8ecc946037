package checkpoint

import (
	"errors"
	"fmt"

	"github.com/asterism-network/asterism/internal/crypto"
	"github.com/asterism-network/asterism/kernel"
)

// ErrInvalid refuses a certificate.
var ErrInvalid = errors.New("certificate is not valid")

// Verify checks a certificate against the roster of its epoch: the members who hold the same state
// take it from others, as light nodes do with rules of the same wording. [CHK-11, CHK-12]
func Verify(network kernel.NetworkID, roster *kernel.EpochRoster, p *kernel.CheckpointProof) error {
	cp := &p.Checkpoint
	if cp.Network != network || cp.Epoch != roster.Epoch || cp.Roster != roster.Hash(network) {
		return fmt.Errorf("%w: of another network, epoch or roster", ErrInvalid)
	}
	hash := cp.SigningHash()
	checks := make([]crypto.Check, len(p.Signatures))
	for i := range p.Signatures {
		s := &p.Signatures[i]
		if i > 0 && s.Author <= p.Signatures[i-1].Author || int(s.Author) >= len(roster.Members) || roster.Members[s.Author].Flagged {
			return fmt.Errorf("%w: signer %d", ErrInvalid, s.Author)
		}
		checks[i] = crypto.Check{Key: roster.CheckpointKey(s.Author), Message: hash[:], Signature: s.Signature}
	}
	if q := roster.Roster().Quorum(); len(checks) < q {
		return fmt.Errorf("%w: %d signers of %d", ErrInvalid, len(checks), q)
	}
	if !crypto.VerifyBatch(checks) {
		return fmt.Errorf("%w: a signature is wrong", ErrInvalid)
	}
	return nil
}
