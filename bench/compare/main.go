package main

import (
	_ "github.com/asterism-network/asterism/internal/crypto"
	_ "github.com/asterism-network/asterism/internal/kv"
	_ "github.com/asterism-network/asterism/kernel"
	_ "github.com/asterism-network/asterism/kernel/client"
	_ "github.com/cometbft/cometbft/node"
)

func main() {}
