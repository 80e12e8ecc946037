package light

import (
	"fmt"

	"github.com/asterism-network/asterism/kernel"
)

// A Refusal is one reason not to believe a proof. The names are stable: programs may print and
// compare them.
type Refusal uint8

// The reasons, in the order in which docs/spec/checkpoint.md states them.
const (
	WrongNetwork     Refusal = iota + 1 // [CHK-11] of another genesis
	WrongEpoch                          // [CHK-11] of an epoch whose roster is not held
	WrongRoster                         // [CHK-11] another roster than the one that is named
	SignerOrder                         // [CHK-12] signers do not ascend, or one stands twice
	SignerUnknown                       // [CHK-12] no such member
	SignerFlagged                       // [CHK-12] a member without a vote
	TooFewSigners                       // [CHK-12] fewer than the epoch's quorum
	SignatureInvalid                    // [CHK-12]
	BadRoster                           // [CHK-13] not a roster that an epoch can have, or not of the next epoch
	NotEpochEnd                         // [CHK-13] the checkpoint names no next roster
	Older                               // [CHK-14] a newer checkpoint is held already
	Forked                              // [CHK-15] alarm: contradicts what another quorum certified
	GoesBack                            // [CHK-15] alarm: time or counts fall from one commit to a later one
	BranchInvalid                       // [CHK-16] does not lead to the certified root
	NotFinal                            // [CHK-16] the receipt says that it was rejected
	CommitAhead                         // [CHK-16] of a commit after the checkpoint's
	PlaceEmpty                          // [CHK-17] the output is not there: a proof of an empty place
	PlaceTaken                          // [CHK-17] an unspent output stands at the place
	RangeIncomplete                     // [CHK-18] not exactly what stands at these places
	WrongTransaction                    // [CHK-19] not the bytes of the transaction that is proved
	NoProof                             // [CHK-19] a file without a proof, or with two
	OutOfOrder                          // [CHK-31] not what follows on what the account has taken
	NotOwn                              // [CHK-32] not an output of the account
	CountMismatch                       // [CHK-34] the transactions make more or fewer outputs than are certified
	refusalEnd
)

// RefusalCount is the number of reasons; tests count that each has a case.
const RefusalCount = int(refusalEnd) - 1

var refusalNames = [...]string{
	WrongNetwork:     "wrong_network",
	WrongEpoch:       "wrong_epoch",
	WrongRoster:      "wrong_roster",
	SignerOrder:      "signer_order",
	SignerUnknown:    "signer_unknown",
	SignerFlagged:    "signer_flagged",
	TooFewSigners:    "too_few_signers",
	SignatureInvalid: "signature_invalid",
	BadRoster:        "bad_roster",
	NotEpochEnd:      "not_epoch_end",
	Older:            "older",
	Forked:           "forked",
	GoesBack:         "goes_back",
	BranchInvalid:    "branch_invalid",
	NotFinal:         "not_final",
	CommitAhead:      "commit_ahead",
	PlaceEmpty:       "place_empty",
	PlaceTaken:       "place_taken",
	RangeIncomplete:  "range_incomplete",
	WrongTransaction: "wrong_transaction",
	NoProof:          "no_proof",
	OutOfOrder:       "out_of_order",
	NotOwn:           "not_own",
	CountMismatch:    "count_mismatch",
}

// Error is the name.
func (r Refusal) Error() string {
	if r == 0 || r >= refusalEnd {
		return fmt.Sprintf("refusal %d", uint8(r))
	}
	return refusalNames[r]
}

func refuse(r Refusal, format string, args ...any) error {
	return fmt.Errorf("%w: %s", r, fmt.Sprintf(format, args...))
}

// An Alarm is a certificate that cannot stand beside what was believed before, although a quorum
// signed both: more than f members of an epoch lie, or their keys are stolen. Nothing that this
// network says should be believed until people have looked. errors.Is finds the Refusal.
type Alarm struct {
	Refusal Refusal
	Held    kernel.Checkpoint // that it contradicts; only commit, time, counts and hash are known of an old one
	Hash    kernel.Hash       // what the members signed of it
	Shown   kernel.CheckpointProof
}

func (a *Alarm) Error() string {
	return fmt.Sprintf("%s: alarm: checkpoint %d is certified twice over: %s and %s (commit %d)",
		a.Refusal, a.Held.Index, a.Hash.Short(), a.Shown.Checkpoint.SigningHash().Short(), a.Shown.Checkpoint.Index)
}

// Unwrap returns the refusal.
func (a *Alarm) Unwrap() error { return a.Refusal }
