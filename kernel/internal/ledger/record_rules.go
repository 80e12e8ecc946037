package ledger

import (
	"fmt"
	"slices"
)

// A RecordRule is one reason to ignore a governance record. Execution only ignores; nodes tell the
// name to whoever brings the record.
type RecordRule uint8

// The rules, in the order in which docs/spec/governance.md states them.
const (
	RecordMalformed RecordRule = iota + 1 // the payload is not one canonical value of its kind
	RecordForeign                         // of another network
	RecordEpoch                           // of an epoch that is neither this one nor the one before
	RecordSignature                       // not signed by its signer
	RecordNoStake                         // this network has no votes: its genesis has no stake
	RecordKindOther                       // a kind that people do not submit
	MotionKnown                           // the motion exists already
	MotionUnknown                         // there is no such motion
	MotionClosed                          // its time for votes is over
	MotionTooMany                         // as many motions are under way as may be, or as many of this proposer
	MotionBacking                         // too little XIN stands behind it
	MotionVoid                            // the state does not allow what it wants
	BallotOutput                          // an output is unknown, spent, or not a payment of XIN
	BallotSignature                       // an output's keys did not sign
	BallotUsed                            // an output has voted on it, or votes on too much, or for a light witness
	VoterUnknown                          // no ballots, and the signer is neither light witness nor member
	VoterParty                            // the accused does not vote on its own penalty
	VoterVoted                            // the signer has voted
	VotesFull                             // the motion has as many votes as it can hold
	WitnessKnown                          // the signer is a light witness already
	WitnessTerms                          // too little XIN, too short or too long a time, or a payee whose keys are no points
	WitnessFull                           // there are as many light witnesses as may be, none with less XIN
	WitnessUnknown                        // the signer is no light witness
	ReportEarly                           // one report an hour
	ReportRoster                          // names authors or commits that the epoch does not have
	recordRuleEnd
)

// RecordRuleCount is the number of rules; tests count that each has a case.
const RecordRuleCount = int(recordRuleEnd) - 1

var recordRuleNames = [...]string{"", "record_malformed", "record_foreign", "record_epoch", "record_signature", "record_no_stake",
	"record_kind", "motion_known", "motion_unknown", "motion_closed", "motion_too_many", "motion_backing", "motion_void",
	"ballot_output", "ballot_signature", "ballot_used", "voter_unknown", "voter_party", "voter_voted", "votes_full",
	"witness_known", "witness_terms", "witness_full", "witness_unknown", "report_early", "report_roster"}

// String returns the stable name of the rule.
func (r RecordRule) String() string {
	if r == 0 || r >= recordRuleEnd {
		return fmt.Sprintf("record_rule_%d", uint8(r))
	}
	return recordRuleNames[r]
}

// Error makes a RecordRule an error, so errors.Is finds it through any wrapping.
func (r RecordRule) Error() string { return r.String() }

// IsRecordRule reports whether a name is that of one of these rules.
func IsRecordRule(name string) bool { return name != "" && slices.Contains(recordRuleNames[:], name) }

// RecordRules are the names of all of them.
func RecordRules() []string { return slices.Clone(recordRuleNames[1:]) }

func ignore(r RecordRule, format string, args ...any) error {
	return fmt.Errorf("%w: %s", r, fmt.Sprintf(format, args...))
}
