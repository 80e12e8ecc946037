package ceremony

import (
	"fmt"
	"io"

	"github.com/asterism-network/asterism/internal/crypto"
	"github.com/asterism-network/asterism/internal/crypto/sharing"
	"github.com/asterism-network/asterism/kernel"
	"github.com/asterism-network/asterism/kernel/internal/coin"
)

// DealTrusted sets the coin key of a genesis whose members are complete, and returns each
// member's share of the secret. One machine knows the whole secret: it is for development networks,
// and the genesis says so for ever (CoinDealt).
func DealTrusted(g *kernel.Genesis, random io.Reader) ([]crypto.Scalar, error) {
	roster := g.Roster()
	if n := len(roster.Members); n == 0 || n > kernel.MaxMembers {
		return nil, fmt.Errorf("deal coin: %d members", n)
	}
	p, err := sharing.NewPolynomial(roster.Faulty(), random)
	if err != nil {
		return nil, fmt.Errorf("deal coin: %w", err)
	}
	g.CoinKey, g.CoinDealt = p.Commit().Keys(), true
	secrets := make([]crypto.Scalar, len(roster.Members))
	for a := range secrets {
		secrets[a] = sharing.ScalarOf(p.At(coin.ShareIndex(kernel.Author(a))))
	}
	return secrets, nil
}
