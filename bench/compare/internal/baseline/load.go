package baseline

import (
	"fmt"
	"path/filepath"
	"runtime"
	"slices"

	"github.com/asterism-network/asterism/bench/compare/internal/validator"
	"github.com/asterism-network/asterism/kernel"
	"github.com/asterism-network/asterism/kernel/workload"
)

// A Load is a signed stream of payments on disk, one file for each validator. It serves any
// number of runs, each of which begins it anew.
type Load struct {
	Kind  workload.Kind
	Bytes int // mean size of a payment

	examples []workload.Payment // to measure the verify cost with
	genesis  string
	payments []string
	lanes    int // of one validator
}

// exampleCount are enough payments for several batches of different signatures.
const exampleCount = 8192

// lanesPerNode are the payments of one validator that can wait for each other at most.
const lanesPerNode = 3000

// mostRate bounds what is signed: payments a second that CometBFT cannot reach on this machine,
// whatever the number of its cores.
func mostRate() int { return min(20_000, 1400*runtime.GOMAXPROCS(0)) }

// Prepare signs payments for a time of load and writes them to a folder.
func Prepare(dir string, o Options) (*Load, error) {
	w, err := workload.New(workload.Options{Seed: o.Seed, Kind: o.Kind, Lanes: lanesPerNode * o.Nodes})
	if err != nil {
		return nil, err
	}
	funding, err := w.Fund(&kernel.Genesis{
		Name: "compare", Timestamp: 1, Parameters: kernel.DefaultParameters(),
		Assets: []kernel.GenesisAsset{workload.Asset()}, Balances: w.Balances(),
	})
	if err != nil {
		return nil, err
	}
	l := &Load{Kind: o.Kind, genesis: filepath.Join(dir, "genesis"), lanes: lanesPerNode}
	if err := validator.WriteTransactions(l.genesis, raws(funding, 0, 1)); err != nil {
		return nil, err
	}
	payments := w.Make(int(o.loadTime().Seconds() * float64(mostRate())))
	l.examples = slices.Clone(payments[:min(len(payments), exampleCount)])
	for i := range payments {
		l.Bytes += len(payments[i].Raw)
	}
	l.Bytes /= len(payments)
	for i := range o.Nodes {
		name := filepath.Join(dir, fmt.Sprint("payments-", i))
		l.payments = append(l.payments, name)
		if err := validator.WriteTransactions(name, raws(payments, i, o.Nodes)); err != nil {
			return nil, err
		}
	}
	return l, nil
}

// raws are the signed bytes of every step-th payment. Lanes are a multiple of the validators, so
// all payments of a lane are one validator's.
func raws(payments []workload.Payment, first, step int) (all [][]byte) {
	for i := first; i < len(payments); i += step {
		all = append(all, payments[i].Raw)
	}
	return all
}
