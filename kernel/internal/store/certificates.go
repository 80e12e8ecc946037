package store

import (
	"errors"
	"fmt"
	"slices"

	"github.com/asterism-network/asterism/internal/codec"
	"github.com/asterism-network/asterism/kernel"
)

// Certified checkpoints, the changes of rosters that they certify, and what this node has signed.

// ErrSigned refuses to sign a second content for a checkpoint, or an older one than was signed.
var ErrSigned = errors.New("checkpoint was signed with another content, or a later one was signed")

// A signedCheckpoint is the newest that this node has signed.
type signedCheckpoint struct {
	index   kernel.CommitIndex
	content kernel.Hash
}

func readSigned(b []byte) (v signedCheckpoint, err error) {
	r := codec.NewReader(b)
	v.index = kernel.CommitIndex(r.U64("index"))
	r.Fixed(v.content[:], "content")
	return v, r.Done()
}

// KeepVote notes, durably, that this node signs a checkpoint with the given SigningHash. Only when it
// returns nil may the signature be made. The same may be noted again. [CHK-41]
func (s *Store) KeepVote(index kernel.CommitIndex, content kernel.Hash) error {
	s.committing.Lock()
	defer s.committing.Unlock()
	if err := s.writable(); err != nil {
		return err
	}
	old, ok := lookup(s, s.db, keyVote, readSigned)
	switch {
	case ok && old == signedCheckpoint{index, content}:
		return nil
	case ok && old.index >= index:
		return fmt.Errorf("checkpoint %d: %w: signed is %d", index, ErrSigned, old.index)
	}
	b := s.db.NewBatch()
	b.Set(keyVote, append(codec.AppendU64(nil, uint64(index)), content[:]...))
	if err := b.CommitApart(); err != nil {
		return s.fail(err)
	}
	return nil
}

// KeepCertificate keeps a certified checkpoint, which the caller has verified; with the roster that
// it names if it ends an epoch. It is durable with the next fold: others have it too.
func (s *Store) KeepCertificate(p *kernel.CheckpointProof, next *kernel.EpochRoster) error {
	if p.Checkpoint.EndsEpoch() != (next != nil) {
		panic("store: a checkpoint that ends an epoch comes with the next roster, and no other does")
	}
	s.committing.Lock()
	defer s.committing.Unlock()
	if err := s.writable(); err != nil {
		return err
	}
	b := s.db.NewBatch()
	b.Set(key64(tableCertificate, uint64(p.Checkpoint.Index)), p.AppendBinary(nil))
	if next != nil {
		change := kernel.RosterChange{End: *p, Next: *next}
		b.Set(key64(tableRoster, uint64(next.Epoch)), change.AppendBinary(nil))
	}
	if err := b.Commit(false); err != nil {
		return s.fail(err)
	}
	s.trees.mu.Lock()
	defer s.trees.mu.Unlock()
	if i, known := slices.BinarySearch(s.trees.certified, p.Checkpoint.Index); !known {
		s.trees.certified = slices.Insert(s.trees.certified, i, p.Checkpoint.Index)
	}
	return nil
}

func readCertificate(b []byte) (p *kernel.CheckpointProof, err error) {
	p = new(kernel.CheckpointProof)
	return p, p.UnmarshalBinary(b)
}

func readRosterChange(b []byte) (c *kernel.RosterChange, err error) {
	c = new(kernel.RosterChange)
	return c, c.UnmarshalBinary(b)
}

// loadCertified reads which commits have certificates: all indexes are in memory, eight bytes each.
func (s *Store) loadCertified() error {
	return scanTable(s.db, tableCertificate, 8, readCertificate, func(_ []byte, p *kernel.CheckpointProof) (bool, error) {
		s.trees.certified = append(s.trees.certified, p.Checkpoint.Index)
		return true, nil
	})
}

// Certificate returns the newest certificate of a checkpoint at or below a commit.
func (s *Store) Certificate(atMost kernel.CommitIndex) (*kernel.CheckpointProof, bool) {
	s.trees.mu.Lock()
	i, found := slices.BinarySearch(s.trees.certified, atMost)
	if !found {
		i--
	}
	var index kernel.CommitIndex
	if i >= 0 {
		index = s.trees.certified[i]
	}
	s.trees.mu.Unlock()
	if index == 0 {
		return nil, false
	}
	return lookup(s, s.db, key64(tableCertificate, uint64(index)), readCertificate)
}

// CertificateAfter returns the oldest certificate of a checkpoint above a commit.
func (s *Store) CertificateAfter(index kernel.CommitIndex) (*kernel.CheckpointProof, bool) {
	s.trees.mu.Lock()
	i, found := slices.BinarySearch(s.trees.certified, index)
	if found {
		i++
	}
	var next kernel.CommitIndex
	if i < len(s.trees.certified) {
		next = s.trees.certified[i]
	}
	s.trees.mu.Unlock()
	if next == 0 {
		return nil, false
	}
	return lookup(s, s.db, key64(tableCertificate, uint64(next)), readCertificate)
}

// RosterChange returns the change that led to an epoch.
func (s *Store) RosterChange(to kernel.Epoch) (*kernel.RosterChange, bool) {
	return lookup(s, s.db, key64(tableRoster, uint64(to)), readRosterChange)
}
