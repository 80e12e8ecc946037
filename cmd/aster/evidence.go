package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"

	"github.com/asterism-network/asterism/cmd/internal/cli"
	"github.com/asterism-network/asterism/kernel"
	"github.com/asterism-network/asterism/kernel/client"
	"github.com/asterism-network/asterism/kernel/light"
	"github.com/spf13/cobra"
)

func evidenceCommand() *cobra.Command {
	export := &cobra.Command{
		Use: "export FAULT", Short: "write what proves a fault into a file, for anybody who has the genesis",
		Long: "export takes the number of a fault, as aster rpc listfaults counts from 0, and writes what the member signed and\n" +
			"what makes it a fault. The file is verified before it is written.",
		Example: "  aster evidence export 0 --genesis genesis.json --out node-3.evidence\n  aster evidence export 0 --genesis genesis.json --json > node-3.evidence.json",
		Args:    cli.Args("FAULT"), RunE: asking(evidenceExport),
	}
	export.Flags().String("genesis", "", "the network's genesis file (required)")
	export.Flags().String("out", "", "the file to write; it must not exist (default: print what it would say)")
	verify := &cobra.Command{
		Use: "verify FILE", Short: "verify an evidence file with the genesis file alone: no node is asked",
		Long: "verify reads the file that export writes, or the same in JSON. Exit code 0 means that the member is guilty, 3 that the\n" +
			"file proves nothing.",
		Example: "  aster evidence verify node-3.evidence --genesis genesis.json\n  aster evidence verify node-3.evidence --genesis genesis.json --json",
		Args:    cli.Args("FILE"), RunE: evidenceVerify,
	}
	verify.Flags().String("genesis", "", "the network's genesis file (required)")
	return cli.Group("evidence", "proofs of members' faults in files", "  aster evidence verify node-3.evidence --genesis genesis.json", export, verify)
}

// An evidenceView is what an evidence file proves.
type evidenceView struct {
	File    string           `json:"file,omitempty"`
	Valid   bool             `json:"valid"`
	Network kernel.NetworkID `json:"network"`
	light.Finding
	Bytes    int                  `json:"bytes"`
	Evidence *kernel.EvidenceFile `json:"evidence,omitempty"` // of an export without a file
}

func evidenceExport(cmd *cobra.Command, ctx context.Context, node *client.Client, args []string) error {
	number, err := strconv.ParseUint(args[0], 10, 63)
	if err != nil {
		return cli.Usage(cmd, "%q is no number of a fault", args[0])
	}
	g, err := readGenesis(cmd)
	if err != nil {
		return err
	}
	f, err := node.Evidence(ctx, number)
	switch {
	case err != nil:
		return err
	case f == nil:
		return cli.Fail(cli.No, "no_fault", "there is no fault %d", number).WithHint("aster rpc listfaults")
	}
	v, err := judgeEvidence(g, f)
	if err != nil {
		return err
	}
	out, _ := cmd.Flags().GetString("out")
	if out == "" {
		v.Evidence = f
		return v.print(cmd)
	}
	b, err := f.Encode()
	if err != nil {
		return err
	}
	if err := writeNew(out, b); err != nil {
		return err
	}
	v.File, v.Bytes = out, len(b)
	return v.print(cmd)
}

// judgeEvidence verifies evidence; what proves nothing is exit code No.
func judgeEvidence(g *kernel.Genesis, f *kernel.EvidenceFile) (v evidenceView, err error) {
	v.Network = f.Network
	if v.Finding, err = light.VerifyEvidence(g, f); err != nil {
		name := "refused"
		var doubt light.Doubt
		var refusal light.Refusal
		switch {
		case errors.As(err, &doubt):
			name = doubt.Error()
		case errors.As(err, &refusal):
			name = refusal.Error()
		}
		return v, cli.Fail(cli.No, name, "the evidence proves nothing: %v", err)
	}
	v.Valid = true
	return v, nil
}

// decodeEvidence reads either form of a file.
func decodeEvidence(b []byte) (*kernel.EvidenceFile, error) {
	if len(b) == 0 || b[0] != '{' {
		return kernel.DecodeEvidenceFile(b)
	}
	var v struct {
		Evidence *kernel.EvidenceFile `json:"evidence"`
	}
	if err := json.Unmarshal(b, &v); err != nil {
		return nil, err
	}
	if v.Evidence == nil {
		v.Evidence = new(kernel.EvidenceFile)
		if err := json.Unmarshal(b, v.Evidence); err != nil {
			return nil, err
		}
	}
	return v.Evidence, v.Evidence.Check()
}

func evidenceVerify(cmd *cobra.Command, args []string) error {
	g, err := readGenesis(cmd)
	if err != nil {
		return err
	}
	f, size, err := readSized(args[0], 2*kernel.MaxEvidenceFile, decodeEvidence)
	if err != nil {
		return err
	}
	v, err := judgeEvidence(g, f)
	if err != nil {
		return err
	}
	v.File, v.Bytes = args[0], size
	return v.print(cmd)
}

func (v *evidenceView) print(cmd *cobra.Command) error {
	return cli.Print(cmd, v, func(w io.Writer) {
		fmt.Fprintf(w, "guilty    %s, member %d of epoch %d\n", v.Member.Name, v.Author, v.Epoch)
		fmt.Fprintf(w, "fault     E%d in round %d: it %s\n", v.Fault, v.Round, v.Reason)
		fmt.Fprintf(w, "node key  %s\nnetwork   %s\n", v.Member.Key, v.Network)
	})
}
