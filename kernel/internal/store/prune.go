package store

import "github.com/asterism-network/asterism/kernel"

// pruned reports whether the snapshots of a commit were dropped from the log.
func (s *Store) pruned(kernel.CommitIndex) bool { return false }
