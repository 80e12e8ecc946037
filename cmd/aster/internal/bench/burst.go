package bench

import (
	"context"
	"github.com/asterism-network/asterism/cmd/internal/cli"
)

// A Burst is what three times the capacity for some seconds did.
type Burst struct{}

func (r *run) burst(ctx context.Context, capacity float64) error { return nil }

func (b *Burst) print(t *cli.Table) {}
