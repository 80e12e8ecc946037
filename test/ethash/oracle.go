// Package oracle gives tests the Ethash of go-ethereum v1.10.23, the last line of it with proof of
// work, to compare ours with. Its functions are not exported; the linker finds them.
package oracle

import (
	_ "unsafe" // for linkname

	"github.com/ethereum/go-ethereum/consensus"
	"github.com/ethereum/go-ethereum/consensus/ethash"
	"github.com/ethereum/go-ethereum/core/types"
)

//go:linkname cacheSize github.com/ethereum/go-ethereum/consensus/ethash.cacheSize
func cacheSize(block uint64) uint64

//go:linkname datasetSize github.com/ethereum/go-ethereum/consensus/ethash.datasetSize
func datasetSize(block uint64) uint64

//go:linkname generateCache github.com/ethereum/go-ethereum/consensus/ethash.generateCache
func generateCache(dest []uint32, epoch uint64, seed []byte)

//go:linkname generateDataset github.com/ethereum/go-ethereum/consensus/ethash.generateDataset
func generateDataset(dest []uint32, epoch uint64, cache []uint32)

//go:linkname hashimotoLight github.com/ethereum/go-ethereum/consensus/ethash.hashimotoLight
func hashimotoLight(size uint64, cache []uint32, hash []byte, nonce uint64) ([]byte, []byte)

//go:linkname hashimotoFull github.com/ethereum/go-ethereum/consensus/ethash.hashimotoFull
func hashimotoFull(dataset []uint32, hash []byte, nonce uint64) ([]byte, []byte)

//go:linkname verifySeal github.com/ethereum/go-ethereum/consensus/ethash.(*Ethash).verifySeal
func verifySeal(e *ethash.Ethash, chain consensus.ChainHeaderReader, header *types.Header, fulldag bool) error
