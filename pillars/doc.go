// Package pillars is the vocabulary of Pillars, the public chain with competing work and stake:
// blocks, headers, transactions and what they carry, addresses, network profiles, and their bytes.
//
// It is pure and decides nothing that needs the state of the chain. Transactions of versions 1 to
// 4 are byte for byte those of the running Metaverse network; version 5 holds a Bitcoin
// transaction. The rules are numbered in docs/spec/pillars.md.
package pillars
