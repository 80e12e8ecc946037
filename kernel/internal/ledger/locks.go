package ledger

import (
	"strconv"
	"strings"

	"github.com/asterism-network/asterism/kernel"
)

// A LockedOutput is an output that votes, or that is a light witness's, and cannot be spent yet. [GOV-4]
type LockedOutput struct {
	Ref     kernel.OutputRef
	Until   kernel.CommitIndex // the last commit up to which it is locked
	Witness kernel.Key         // whose weight it is, or zero
	Motions []kernel.Hash      // open motions on which it has voted
}

// Rows can be read in the order of their keys.
type Rows interface {
	View

	// SystemAfter calls fn for the system rows whose keys begin with prefix, by key and behind after,
	// until it says stop. The rows are the newest commit's, which may be later than the view's.
	SystemAfter(prefix, after string, fn func(key string, value []byte) (more bool))
}

const rowLockPrefix = "lock/"

// Locks lists the outputs that are locked now, by reference and behind after, which is empty or what an
// earlier call returned to go on behind; next is empty at the end. It looks at no more than visits rows: a lock's stays
// until the output is spent.
func Locks(v Rows, after string, limit, visits int) (list []LockedOutput, next string) {
	head := v.Head().Index
	if after != "" {
		after = rowLockPrefix + after
	}
	v.SystemAfter(rowLockPrefix, after, func(key string, value []byte) bool {
		if visits == 0 || len(list) == limit {
			next = strings.TrimPrefix(after, rowLockPrefix)
			return false
		}
		visits, after = visits-1, key
		ref, ok := refOfLock(key)
		l, err := decodeLock(value)
		mustDecode(key, err)
		if ok && l.until > head {
			list = append(list, LockedOutput{Ref: ref, Until: l.until, Witness: l.witness, Motions: openMotions(v, l.motions)})
		}
		return true
	})
	return list, next
}

// refOfLock is the inverse of rowLock.
func refOfLock(key string) (ref kernel.OutputRef, ok bool) {
	hash, index, ok := strings.Cut(strings.TrimPrefix(key, rowLockPrefix), "/")
	if !ok {
		return ref, false
	}
	h, err := kernel.ParseTxHash(hash)
	n, also := strconv.ParseUint(index, 10, 16)
	ref = kernel.OutputRef{Hash: h, Index: uint16(n)}
	return ref, err == nil && also == nil && rowLock(ref) == key
}
