package sim

import (
	"slices"
	"strings"

	"github.com/asterism-network/asterism/internal/sim"
)

// A ReachPoint is a rare state that runs count, so that a suite can say that it went there. A
// simulator that never meets what it was built for is quiet for the wrong reason.
type ReachPoint struct {
	Name string
	Help string
}

// reachPoints lists them. A test holds the list to the code.
var reachPoints = []ReachPoint{
	// The order.
	{"quorum_exact", "the newest decided slots hang on exactly q authors of their coin round"},
	{"skipped", "a leader slot is skipped"},
	{"skipped_slot", "as seen by the adversary on the network, q blames skip a slot"},
	{"split_vote", "the adversary shows a leader to some voters in time, and to others too late"},
	{"leader_starved", "the adversary keeps a leader from its voters"},
	{"held_to_the_end", "the adversary holds a message as long as it may"},
	{"indirect_commit", "a slot is committed that no set of snapshots decides directly, by a later leader's cone"},
	{"indirect_skip", "a slot is skipped by a later leader's cone"},
	{"coin_late", "snapshots of a coin round are there from q authors, good shares from no f+1"},
	{"empty_commit", "a commit settles nothing"},
	{"limbo", "a snapshot below the horizon stays open: q authors may still turn out to have held it in time"},
	{"exempted", "a snapshot below the horizon is settled, for q authors held it in time"},
	{"below_horizon", "a snapshot is dropped for good"},
	{"gc_during_conflict", "a snapshot that is dropped carries one side of a conflict"},
	{"claim_lifted", "a claim counts as another commit than the one it names"},
	{"referee_limit", "the run is larger than what the referee orders"},
	// Crashes and folders.
	{"crash_before_journal", "power is lost between deciding on a snapshot and writing it"},
	{"crash_before_send", "power is lost when an own snapshot is durable and nobody has it"},
	{"crash_half_sent", "power is lost when half the peers have been sent something"},
	{"crash_before_execution", "power is lost between a decided commit and its execution"},
	{"crash_after_execution", "power is lost between an executed commit and the engine that hears of it"},
	{"crash_inside_write", "power is lost inside a write"},
	{"cut_during_start", "a node goes down before it signs again"},
	{"torn_journal_tail", "a node starts without snapshots that it had accepted"},
	{"restart_behind_reported", "a node starts behind a commit that its clients were told of"},
	{"own_snapshot_unseen", "a node starts with an own snapshot that no other node has"},
	{"catch_up_many_rounds", "a node signs again after a start more than 20 rounds behind"},
	{"all_restarted", "all nodes restart within seconds"},
	{"storage_failed", "a node stops because its disk fails"},
	{"log_rebuilt", "a node sets its damaged folder aside and begins anew"},
	{"following", "a node signs no more for good"},
	{"backup_restored", "an older copy of a folder is put in place"},
	{"second_copy", "a second node runs with a copy of the folder and the same key"},
	// Liars.
	{"equivocation_proved", "an honest node holds two signed snapshots of one place"},
	{"fault_E1", "a commit records that a member signed twice"},
	{"fault_E2", "a commit records that a member carried what its own claim excludes"},
	{"fault_E3", "a commit records that a member carried what can never be right"},
	{"twin_not_needed", "a second variant is turned away, for nothing hangs on it"},
	{"pending_full", "a snapshot is turned away, for too many miss a parent"},
	{"refused_invalid", "a snapshot is turned away by a rule of the graph"},
	{"traitor_forks", "a traitor signs two snapshots of one round"},
	{"traitor_accuses_traitor", "a traitor proves that another signed twice"},
	{"traitor_votes_twice", "a traitor signs a vote and a blame of one slot"},
	{"bad_message", "a connection ends because of what was sent"},
	// Epochs.
	{"epoch_ends", "a commit ends an epoch"},
	{"void_commit", "a commit comes behind the end of its epoch"},
	{"light_followed", "a light node follows into an epoch"},
	{"light_proof", "a light node believes a proof of what became of a transaction"},
	{"member_joined", "an epoch begins with a new member"},
	{"member_left", "an epoch begins without a member that resigned"},
	{"member_flagged", "an epoch begins in which a member has lost its vote"},
	{"member_removed", "an epoch begins without a member that lost its stake"},
	{"stake_taken", "a member that was flagged cheats again and loses its stake"},
	{"stake_recycled", "a stake that was taken becomes part of the pool, for nobody has appealed in time"},
	{"stake_restored", "a member gets a stake back that was taken"},
	{"stake_paid_back", "a member that left is paid its stake"},
	{"penalty_lifted", "holders of XIN lift a member's flag or removal"},
	{"pledge_cancelled", "somebody takes a pledge back"},
	{"attempt_void", "a next roster comes to nothing and another one is fixed"},
	{"fifty_members", "an epoch begins with fifty members"},
	{"below_fifty", "an epoch begins with fewer members, where there were fifty"},
	{"down_to_seven", "an epoch begins with seven voting members, where there were more"},
	{"up_from_seven", "an epoch begins with more than seven voting members, where there were seven or fewer"},
	{"below_seven", "an epoch begins with fewer than seven voting members: the others are flagged"},
	{"bad_dealing_left_out", "a dealing is proven bad and the coin key is made without it"},
	// Clients.
	{"cofactor_signature", "a signature is good by the ledger's equation and by no other"},
	{"second_envelope", "a transaction is submitted again in another envelope"},
	{"asked_by_place", "a node asks for what a pushed snapshot names, or for the whole of it"},
	{"stale_check", "a transaction was checked on a state that has moved on"},
	{"rejected_input_spent", "a commit rejects the second spend of an output"},
	{"rejected_deposit_used", "a commit rejects the second credit of a transfer"},
	{"client_told_already_final", "a client that asks again hears that its transaction is final"},
	{"client_told_deposit_used", "a client hears that its transfer is credited already"},
	{"client_told_input_spent", "a client hears that its input is spent"},
	{"client_refused_input_duplicate", "a transaction that spends an output twice is refused"},
	{"client_refused_signature_invalid", "a wrong signature is refused"},
	{"client_refused_amount_mismatch", "a wrong sum is refused"},
}

// ReachPoints lists the rare states that runs count.
func ReachPoints() []ReachPoint { return slices.Clone(reachPoints) }

// common is what some hundred runs of any profile meet.
const common = "quorum_exact skipped indirect_skip indirect_commit cofactor_signature second_envelope" +
	" rejected_input_spent rejected_deposit_used client_told_already_final client_told_input_spent" +
	" client_refused_input_duplicate client_refused_signature_invalid client_refused_amount_mismatch"

// crashes is what runs meet in which nodes lose power at chosen moments.
const crashes = " crash_before_journal crash_before_send crash_half_sent crash_before_execution crash_after_execution crash_inside_write" +
	" cut_during_start torn_journal_tail restart_behind_reported own_snapshot_unseen catch_up_many_rounds"

// liars is what runs meet in which members sign twice and carry what is wrong.
const liars = " equivocation_proved fault_E1 twin_not_needed refused_invalid bad_message"

// undeposited is common where members have stakes: there is no XIN to come from outside.
var undeposited = strings.ReplaceAll(common, " rejected_deposit_used", "")

// due says which points a suite of some hundred runs of a profile must have visited.
var due = map[string]string{
	"chaos":     common + crashes + liars + " asked_by_place below_horizon claim_lifted backup_restored following storage_failed",
	"async":     common + " split_vote leader_starved",
	"byzantine": common + liars + " fault_E2 fault_E3 pending_full claim_lifted",
	"storm":     common + " all_restarted cut_during_start restart_behind_reported torn_journal_tail",
	"horizon":   common + " limbo exempted below_horizon gc_during_conflict claim_lifted pending_full",
	"clients":   common + " client_told_deposit_used",
	"clock":     common,
	"restart":   common + crashes + " below_horizon backup_restored second_copy following",
	"disk":      common + crashes + " storage_failed log_rebuilt following",
	"loss":      common + " following",
	"coin":      common,
	"members": undeposited + " epoch_ends light_followed light_proof void_commit member_joined member_left member_flagged bad_dealing_left_out" +
		" member_removed stake_taken stake_recycled stake_restored stake_paid_back penalty_lifted",
	"epochs": undeposited + " epoch_ends light_followed light_proof void_commit all_restarted",
}

// Missed lists what the runs of a profile together did not reach although some hundred must.
func Missed(profile string, reached sim.Counts) (missed []string) {
	for _, name := range strings.Fields(due[profile]) {
		if reached[name] == 0 {
			missed = append(missed, name)
		}
	}
	return missed
}
