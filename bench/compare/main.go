package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"time"

	"github.com/asterism-network/asterism/bench/compare/internal/baseline"
	"github.com/asterism-network/asterism/bench/compare/internal/validator"
	"github.com/asterism-network/asterism/kernel/workload"
)

func main() {
	if len(os.Args) == 3 && os.Args[1] == "validator" {
		if err := validator.Run(os.Args[2], os.Stdin, os.Stdout); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	n := flag.Int("nodes", 4, "")
	k := flag.String("payment", "P2", "")
	w := flag.Int("window", 300, "")
	s := flag.Int("seconds", 8, "")
	warm := flag.Int("warm", 4, "")
	t := flag.String("tuning", "flood", "")
	flag.Parse()
	kind, _ := workload.ParseKind(*k)
	self, _ := os.Executable()
	o := baseline.Options{Nodes: *n, Kind: kind, Seed: 1, Window: *w, Warm: time.Duration(*warm) * time.Second, Measure: time.Duration(*s) * time.Second,
		Tuning: validator.Tuning(*t), Self: []string{self, "validator"}, Say: func(s string) { fmt.Fprintln(os.Stderr, s) }}
	dir, _ := os.MkdirTemp("", "load")
	defer os.RemoveAll(dir)
	l, err := baseline.Prepare(dir, o)
	if err != nil {
		panic(err)
	}
	fmt.Println("verify cost", l.VerifyCost, "bytes", l.Bytes)
	r, err := baseline.Measure(context.Background(), o, l)
	fmt.Println(err)
	json.NewEncoder(os.Stdout).Encode(r)
}
