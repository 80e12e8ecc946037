// Package ceremony makes the genesis of a network among its operators, so that no machine ever
// holds the whole secret of the coin, nor another operator's share of it.
//
// Each operator makes a Card. One of them collects the cards into a Draft. Each operator then
// makes a Dealing for that draft, and when the dealings are collected, a Verdict about them.
// From draft, dealings and verdicts Finish computes the same genesis on every machine, and each
// operator's own share of the coin. Files travel by any means; what matters is signed.
//
// What is assumed of n members with f = floor((n-1)/3) and q = n-f:
//   - At most f of them lie. Then of the dealings that count (at least q were judged by q members,
//     and only a liar's can be proven bad) at least one was made by an honest member on its own
//     machine, and its secret, so the sum, is unknown to any f members.
//   - Every dealing that counts was judged good by at least q members, f+1 honest ones among them:
//     those hold their shares of it, so the coin can always be revealed.
//   - Whoever acts last may bias the public key (as in every such scheme without a second round),
//     but cannot learn the secret or foresee a coin by that.
//   - Operators compare the draft's hash before they deal, and the network id after they finish,
//     over a channel they trust. A file server that shows different files to different people is
//     found out there.
//
// Missing members: up to n-q = f of them may be absent in each step; nobody waits for more than q.
//
// The package is pure: files are byte slices, randomness is an argument.
package ceremony

import (
	"errors"

	"github.com/asterism-network/asterism/kernel"
)

// Why a file is refused. The error text names the file's owner and says what to do.
var (
	ErrFile       = errors.New("malformed file")
	ErrSignature  = errors.New("signature does not verify")
	ErrCard       = errors.New("card is not usable")
	ErrDraft      = errors.New("file was made for another draft")
	ErrStranger   = errors.New("signer is not a member of the draft")
	ErrNotMine    = errors.New("key does not belong to a member of the draft")
	ErrTooFew     = errors.New("too few members took part")
	ErrMissing    = errors.New("a file is missing")
	ErrOwnShare   = errors.New("own share is bad")
	ErrImpossible = errors.New("more members lie than a network survives")
)

// Labels of this package's hashes.
const (
	labelCard       = "asterism ceremony card"
	labelEncryption = "asterism ceremony encryption secret"
	labelKnowledge  = "asterism ceremony encryption key"
	labelDraft      = "asterism ceremony draft"
	labelContext    = "asterism ceremony dealing context"
	labelDealing    = "asterism ceremony dealing"
	labelVerdict    = "asterism ceremony verdict"
)

// Limits of the files. [LIM]
const (
	MaxCardSize    = 4 << 10
	MaxDraftSize   = kernel.MaxGenesisSize
	MaxDealingSize = 32 << 10
	MaxVerdictSize = 64 << 10

	maxListenLength = 256
)
