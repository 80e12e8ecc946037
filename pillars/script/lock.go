package script

import "github.com/asterism-network/asterism/pillars"

// Parts of an input's sequence.
const (
	sequenceFinal    = 0xffffffff
	sequenceDisabled = 1 << 31 // no relative lock
	sequenceSeconds  = 1 << 22 // the lock is in units of time
	lockTimeSeconds  = 500_000_000
)

// A RelativeLock is what an input's sequence asks for (BIP 68): that so much has passed since the
// block of the output that it spends.
type RelativeLock struct {
	Blocks  uint32
	Seconds uint64 // one of the two is zero
}

// lockUnits are the value bits of a relative lock and the seconds of one unit of time: the running
// network's are wider and finer than Bitcoin's.
func lockUnits(tx *pillars.Transaction) (mask uint32, seconds uint64) {
	if tx.IsSegWit() {
		return 0xffff, 512
	}
	return 0xfffff, 32
}

// relative reports whether relative locks count in the transaction at all.
func relative(tx *pillars.Transaction) bool {
	if tx.IsSegWit() {
		return uint32(tx.Bitcoin) >= 2
	}
	return tx.Version >= pillars.VersionTemplate
}

// Relative returns the relative lock of an input; ok is false if it has none [PIL-LOC-1].
func Relative(tx *pillars.Transaction, input int) (lock RelativeLock, ok bool) {
	sequence := tx.Inputs[input].Sequence
	if !relative(tx) || sequence&sequenceDisabled != 0 || tx.IsCoinbase() {
		return lock, false
	}
	mask, unit := lockUnits(tx)
	if sequence&sequenceSeconds != 0 {
		return RelativeLock{Seconds: uint64(sequence&mask) * unit}, true
	}
	return RelativeLock{Blocks: sequence & mask}, true
}

// Met reports whether the lock has ended in a block at the height whose parent has the median
// time, for an output of the block at a height whose parent had a median time.
func (l RelativeLock) Met(from, height uint32, fromMedian, median uint32) bool {
	return uint64(height) >= uint64(from)+uint64(l.Blocks) && uint64(median) >= uint64(fromMedian)+l.Seconds
}

// Final reports whether the transaction's own lock time has passed in a block at the height whose
// parent has the median time [PIL-LOC-2].
func Final(tx *pillars.Transaction, height, median uint32) bool {
	now := height
	if tx.LockTime >= lockTimeSeconds {
		now = median
	}
	if tx.LockTime == 0 || tx.LockTime < now {
		return true
	}
	for i := range tx.Inputs {
		if tx.Inputs[i].Sequence != sequenceFinal {
			return false
		}
	}
	return true
}

// lockOperand reads the top without taking it.
func (m *machine) lockOperand() (int64, error) {
	top, err := m.stack.peek(0)
	if err != nil {
		return 0, err
	}
	v, err := parseNumber(top, lockBytes, m.flags&MinimalPush != 0)
	if err == nil && v < 0 {
		err = reject(LockTimeNegative, "%d", v)
	}
	return v, err
}

// checkLockTime is BIP 65: the transaction's lock time is at least the operand, of the same sort.
func (m *machine) checkLockTime() error {
	v, err := m.lockOperand()
	if err != nil {
		return err
	}
	own := int64(m.tx.LockTime)
	if (v < lockTimeSeconds) != (own < lockTimeSeconds) || v > own || m.tx.Inputs[m.input].Sequence == sequenceFinal {
		return reject(LockTimeUnsatisfied, "%d asked, %d given", v, own)
	}
	return nil
}

// checkSequence is BIP 112 with the masks of this network: the input's sequence asks for at least
// as long a relative lock as the operand, of the same sort.
func (m *machine) checkSequence() error {
	v, err := m.lockOperand()
	if err != nil || v&sequenceDisabled != 0 {
		return err
	}
	own := int64(m.tx.Inputs[m.input].Sequence)
	mask, _ := lockUnits(m.tx)
	if !relative(m.tx) || own&sequenceDisabled != 0 || own&sequenceSeconds != v&sequenceSeconds || v&int64(mask) > own&int64(mask) {
		return reject(LockTimeUnsatisfied, "%#x asked, %#x given", v, own)
	}
	return nil
}

// checkAttenuation takes an outpoint and a lock model off the stack and asks that they are such.
// That the model is kept is judged for the transaction as a whole, see CheckRelease.
func (m *machine) checkAttenuation() error {
	if err := m.stack.need(2); err != nil {
		return err
	}
	point, model := m.stack.take(0), m.stack.take(0)
	if len(point) != outpointBytes {
		return reject(AttenuationInvalid, "outpoint of %d bytes", len(point))
	}
	if _, err := pillars.ParseLockModel(string(model)); err != nil {
		return reject(AttenuationInvalid, "%v", err)
	}
	return nil
}
