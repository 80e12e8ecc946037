// Package client calls a Kernel node's public RPC with Go types.
//
// A Client is safe for concurrent use. Reads are repeated when the node cannot be reached;
// a submission is never repeated by the client itself, though repeating one is harmless: the
// node answers a known transaction with its hash. Amounts, hashes and keys are the types of
// package kernel; everything else that crosses the wire is defined here, and the server
// answers with these very types, so the two cannot drift apart.
//
//	c := client.New("http://127.0.0.1:6861")
//	hash, err := c.SendRawTransaction(ctx, raw)
//	receipt, err := c.WaitFinal(ctx, hash)
//	for commit, err := range c.Commits(ctx, 0) { … }
package client
