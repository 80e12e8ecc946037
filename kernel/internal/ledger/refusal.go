package ledger

import (
	"fmt"

	"github.com/asterism-network/asterism/kernel"
)

// A Refusal says which rule a transaction breaks. errors.Is finds the rule in it.
type Refusal struct {
	Rule   kernel.Rule
	Winner kernel.TxHash // the transaction that was first, where there is one
	Detail string        // for people; begins as the texts that existing clients look for
}

// Error returns the rule's name and the detail.
func (r *Refusal) Error() string {
	if r.Detail == "" {
		return r.Rule.String()
	}
	return r.Rule.String() + ": " + r.Detail
}

// Unwrap returns the rule.
func (r *Refusal) Unwrap() error { return r.Rule }

func refuse(rule kernel.Rule, format string, args ...any) *Refusal {
	return &Refusal{Rule: rule, Detail: fmt.Sprintf(format, args...)}
}

func lostTo(winner kernel.TxHash, rule kernel.Rule, format string, args ...any) *Refusal {
	return &Refusal{Rule: rule, Winner: winner, Detail: fmt.Sprintf(format, args...)}
}

// Settled reports of a transaction that Check refused whether it has a receipt, or another took something of it: then
// execution asks for its signatures no more, unless it breaks a rule without state. [EXE-2] [EXE-4]
func Settled(err error) bool {
	r, ok := err.(*Refusal)
	return ok && (r.Rule == kernel.AlreadyFinal || !r.Winner.IsZero())
}

// asError keeps a nil Refusal from becoming an error that is not nil.
func asError(r *Refusal) error {
	if r == nil {
		return nil
	}
	return r
}
