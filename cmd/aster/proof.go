package main

import (
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/asterism-network/asterism/cmd/internal/cli"
	"github.com/asterism-network/asterism/kernel"
	"github.com/asterism-network/asterism/kernel/light"
	"github.com/asterism-network/asterism/kernel/lightnode"
	"github.com/spf13/cobra"
)

func proofCommand() *cobra.Command {
	export := &cobra.Command{
		Use: "export TRANSACTION", Short: "write a proof that a transaction is final, or that one of its outputs is unspent, into a file",
		Long: "Writes a file with which anybody who has the genesis file can verify, offline and for years, that a transaction is final. " +
			"With TRANSACTION:INDEX it is about that output: unspent, or spent.",
		Example: "  aster proof export TRANSACTION --genesis genesis.json --out payment.proof\n  aster proof export TRANSACTION:0 --genesis genesis.json --out output.proof",
		Args:    cli.Args("TRANSACTION"), RunE: proofExport,
	}
	export.Flags().String("genesis", "", "the network's genesis file (required)")
	export.Flags().String("out", "", "the file to write (required); it must not exist")
	verify := &cobra.Command{
		Use: "verify FILE", Short: "verify a proof file with the genesis file alone: no node is asked",
		Example: "  aster proof verify payment.proof --genesis genesis.json\n  aster proof verify payment.proof --genesis genesis.json --json",
		Args:    cli.Args("FILE"), RunE: proofVerify,
	}
	verify.Flags().String("genesis", "", "the network's genesis file (required)")
	return cli.Group("proof", "receipts of finality in files", "  aster proof verify payment.proof --genesis genesis.json", export, verify)
}

// A proofView is what a proof file says.
type proofView struct {
	File       string              `json:"file"`
	Valid      bool                `json:"valid"`
	Network    kernel.NetworkID    `json:"network"`
	Epoch      kernel.Epoch        `json:"epoch"`
	Checkpoint kernel.CommitIndex  `json:"checkpoint"`
	Timestamp  kernel.Timestamp    `json:"timestamp_ms"` // of the checkpoint
	Receipt    *kernel.Receipt     `json:"receipt,omitempty"`
	Output     *kernel.StateOutput `json:"output,omitempty"`
	State      string              `json:"state"` // final, unspent or spent
	Bytes      int                 `json:"bytes"`
}

func proofExport(cmd *cobra.Command, args []string) error {
	g, err := readGenesis(cmd)
	if err != nil {
		return err
	}
	out, _ := cmd.Flags().GetString("out")
	if out == "" {
		return cli.Usage(cmd, "--out names the file to write")
	}
	text, index, isOutput := strings.Cut(args[0], ":")
	var hash kernel.TxHash
	if err := hash.UnmarshalText([]byte(text)); err != nil {
		return cli.Fail(cli.Malformed, "malformed", "transaction hash: %v", err)
	}
	nodes, err := connect(cmd)
	if err != nil {
		return err
	}
	ctx, cancel := bounded(cmd)
	defer cancel()
	var f *kernel.ProofFile
	if isOutput {
		n, err := strconv.ParseUint(index, 10, 16)
		if err != nil {
			return cli.Fail(cli.Malformed, "malformed", "output %q: want TRANSACTION:INDEX", args[0])
		}
		f, err = lightnode.ProveOutput(ctx, g, nodes.Nodes(), kernel.OutputRef{Hash: hash, Index: uint16(n)})
		if err != nil {
			return proofError(err)
		}
	} else if f, err = lightnode.ProveTransaction(ctx, g, nodes.Nodes(), hash); err != nil {
		return proofError(err)
	}
	b, err := f.Encode()
	if err != nil {
		return err
	}
	if err := writeNew(out, b); err != nil {
		return err
	}
	return showProof(cmd, out, f, len(b))
}

// proofError says whether asking again can help.
func proofError(err error) error {
	var refusal light.Refusal
	switch {
	case errors.Is(err, light.NotFinal):
		return cli.Fail(cli.No, "not_final", "%v", err)
	case errors.As(err, &refusal):
		return cli.Fail(cli.No, refusal.Error(), "%v", err).WithHint("ask other nodes with --node: what these say does not hold")
	}
	return cli.Fail(cli.NotYet, "no_proof", "%v", err).WithHint("a proof stands under the next checkpoint: try again in a minute, or ask other nodes with --node")
}

func proofVerify(cmd *cobra.Command, args []string) error {
	g, err := readGenesis(cmd)
	if err != nil {
		return err
	}
	f, size, err := readSized(args[0], kernel.MaxProofFile, kernel.DecodeProofFile)
	if err != nil {
		return err
	}
	if err := light.VerifyFile(g, f); err != nil {
		var refusal light.Refusal
		name := "refused"
		if errors.As(err, &refusal) {
			name = refusal.Error()
		}
		return cli.Fail(cli.No, name, "%s proves nothing: %v", args[0], err)
	}
	return showProof(cmd, args[0], f, size)
}

func showProof(cmd *cobra.Command, name string, f *kernel.ProofFile, size int) error {
	cp := &f.Certificate().Checkpoint
	v := proofView{File: name, Valid: true, Network: f.Network, Epoch: cp.Epoch, Checkpoint: cp.Index, Timestamp: cp.Timestamp, Bytes: size}
	line := ""
	switch {
	case f.Finality != nil:
		v.Receipt, v.State = &f.Finality.Receipt, "final"
		line = fmt.Sprintf("transaction %s is final since commit %d", f.Finality.Receipt.Transaction, f.Finality.Receipt.Commit)
	case f.Output.Output != nil:
		v.Output, v.State = f.Output.Output, "unspent"
		line = fmt.Sprintf("output %s:%d of %s is unspent", v.Output.Transaction, v.Output.Index, v.Output.Amount)
	default:
		v.State = "spent"
		line = fmt.Sprintf("the output at place %d is spent", f.Output.Branch.Place)
	}
	return cli.Print(cmd, v, func(out io.Writer) {
		fmt.Fprintf(out, "%s\ncertified by %d members of epoch %d at checkpoint %d, %s\n", line,
			len(f.Certificate().Signatures), cp.Epoch, cp.Index, cp.Timestamp.Time().Format(time.DateTime))
	})
}
