// Package client calls a Pillars node over its public interface: one Go method for each method of
// docs/reference/pillars-rpc.md that programs use, typed results, and the stream of blocks, which is
// resumed by cursor and tells what a reorganisation took back.
//
// It holds no keys and believes the node: package wallet checks what it asks through here.
package client
