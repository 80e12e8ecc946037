// Compare puts the Kernel beside CometBFT: the same signed payments, on the same machine, in the
// same run, one network after the other, as many pairs as are asked for. README.md says what is
// measured and which choices are favourable to whom.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/asterism-network/asterism/bench/compare/internal/validator"
)

// validatorWord is the first argument of a process that is one of the validators.
const validatorWord = "validator"

func main() {
	if len(os.Args) == 3 && os.Args[1] == validatorWord {
		exit(validator.Run(os.Args[2], os.Stdin, os.Stdout))
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	exit(run(ctx, os.Args[1:], os.Stdout, os.Stderr))
}

func exit(err error) {
	switch {
	case err == nil, errors.Is(err, flag.ErrHelp):
		os.Exit(0)
	case errors.Is(err, errUsage):
		os.Exit(2)
	}
	fmt.Fprintln(os.Stderr, "compare:", err)
	os.Exit(1)
}

// run compares as the arguments say and prints the result.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	o, err := readOptions(args, stderr)
	if err != nil {
		return err
	}
	self, err := os.Executable()
	if err != nil {
		return err
	}
	o.base.Self = []string{self, validatorWord}
	o.base.Say = func(line string) { fmt.Fprintln(stderr, "  cometbft:", line) }
	c, err := newComparison(ctx, o, stderr)
	if err != nil {
		return err
	}
	defer c.close()
	result, err := c.run(ctx)
	if err != nil {
		return err
	}
	if o.json {
		return result.writeJSON(stdout)
	}
	return result.writeTable(stdout)
}
