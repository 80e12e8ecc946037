package naive

// A Mutant is one rule made wrong on purpose. A comparison that does not notice it, or a search
// that does not find the harm, is itself broken: that is what mutants are for.
type Mutant uint8

// The mutants.
const (
	Faithful          Mutant = iota
	SmallCertificate         // [ORD-3] q-1 votes certify
	SupportFirst             // [ORD-2] support is the variant that was made first, not the smallest id
	EarlyReveal              // [ORD-1] slots are looked at before q snapshots of the deciding round are there
	SkipOnFew                // [ORD-4] f+1 blames skip
	SkipBelow                // [ORD-4] q-1 blames skip
	VariantsCount            // [ORD-4] an equivocator counts once for each variant
	FlaggedCount             // [ORD-4] members without a vote count for commits and skips
	AnchorTooLow             // [ORD-5] the indirect rule takes an anchor of round d
	UpperMedian              // [ORD-8] the time is the upper median
	HorizonOfView            // [ORD-9] the horizon hangs on the newest round of the view, not on the leader
	ExemptionMissing         // [ORD-9] nothing below the horizon is ever committed
	ClaimFloorMissing        // [DAG-11] a claim may stay behind for ever
	mutants
)

// Mutants lists all of them, Faithful left out.
func Mutants() (out []Mutant) {
	for m := Faithful + 1; m < mutants; m++ {
		out = append(out, m)
	}
	return out
}

var mutantNames = [...]string{"faithful", "small-certificate", "support-first", "early-reveal", "skip-on-few", "skip-below",
	"variants-count", "flagged-count", "anchor-too-low", "upper-median", "horizon-of-view", "exemption-missing", "claim-floor-missing"}

// String returns the mutant's name.
func (m Mutant) String() string { return mutantNames[m] }
