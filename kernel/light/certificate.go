package light

import (
	"github.com/asterism-network/asterism/internal/crypto"
	"github.com/asterism-network/asterism/kernel"
)

// A term is an epoch as a verifier knows it. It never changes.
type term struct {
	roster *kernel.EpochRoster
	hash   kernel.Hash // of the roster
	start  mark        // of the checkpoint that ended the epoch before; zero in epoch 0
}

func newTerm(network kernel.NetworkID, roster *kernel.EpochRoster, start mark) *term {
	return &term{roster, roster.Hash(network), start}
}

// signers checks that those who signed are a quorum of the term's voting members. Flagged members
// count for nothing: a certificate that lists one is not in its only form. [CHK-12]
func (t *term) signers(p *kernel.CheckpointProof) error {
	for i, s := range p.Signatures {
		switch {
		case i > 0 && s.Author <= p.Signatures[i-1].Author:
			return refuse(SignerOrder, "author %d after %d", s.Author, p.Signatures[i-1].Author)
		case int(s.Author) >= len(t.roster.Members):
			return refuse(SignerUnknown, "author %d of %d", s.Author, len(t.roster.Members))
		case t.roster.Members[s.Author].Flagged:
			return refuse(SignerFlagged, "author %d", s.Author)
		}
	}
	if q := t.roster.Roster().Quorum(); len(p.Signatures) < q {
		return refuse(TooFewSigners, "%d of %d", len(p.Signatures), q)
	}
	return nil
}

// checks appends one verification for each signature of a certificate whose signers were checked.
func (t *term) checks(list []crypto.Check, p *kernel.CheckpointProof) []crypto.Check {
	hash := p.Checkpoint.SigningHash()
	for i := range p.Signatures {
		s := &p.Signatures[i]
		list = append(list, crypto.Check{Key: t.roster.CheckpointKey(s.Author), Message: hash[:], Signature: s.Signature})
	}
	return list
}

func (t *term) signatures(p *kernel.CheckpointProof) error {
	if !crypto.VerifyBatch(t.checks(nil, p)) {
		return refuse(SignatureInvalid, "checkpoint of commit %d", p.Checkpoint.Index)
	}
	return nil
}

// termOf finds the term that a certificate claims to be of, and checks all of it but the
// signatures themselves.
func (c *Chain) termOf(p *kernel.CheckpointProof) (*term, error) {
	cp := &p.Checkpoint
	t := c.current
	if c.previous != nil && cp.Epoch == c.previous.roster.Epoch {
		t = c.previous
	}
	switch {
	case cp.Network != c.network:
		return nil, refuse(WrongNetwork, "%s, want %s", cp.Network.Short(), c.network.Short())
	case cp.Epoch != t.roster.Epoch:
		return nil, refuse(WrongEpoch, "%d, the roster held is of %d", cp.Epoch, c.current.roster.Epoch)
	case cp.Roster != t.hash:
		return nil, refuse(WrongRoster, "%s, want %s", cp.Roster.Short(), t.hash.Short())
	}
	return t, t.signers(p)
}

// certified checks a certificate whole: form, signers, signatures, and that it does not contradict
// what was certified before.
func (c *Chain) certified(p *kernel.CheckpointProof) error {
	t, err := c.termOf(p)
	if err != nil {
		return err
	}
	if err := t.signatures(p); err != nil {
		return err
	}
	return c.contradiction(p)
}
