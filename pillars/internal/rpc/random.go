package rpc

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"encoding/hex"
	"strconv"

	"golang.org/x/crypto/sha3"

	"github.com/asterism-network/asterism/internal/rpcserver"
	"github.com/asterism-network/asterism/pillars/client"
)

// The running network's commands around chance. A number is drawn, its hash is shown first, and the number later: that proves that
// the number was not changed in between, and nothing about how it was drawn. Chance that nobody chooses is in no command.

func (s *Server) randomMethods() []rpcserver.Method {
	return []rpcserver.Method{
		{Name: "getrandom", Right: rpcserver.Read, Handle: s.getRandom, Result: client.Random{},
			About: "A number that this node draws, as decimal text, and the Keccak-256 of that text: show the hash before, the number after. It proves that the number did not change, not that it was drawn fairly."},
		{Name: "verifyrandom", Right: rpcserver.Read, Handle: s.verifyRandom, Result: true,
			About: "Whether a hash is that of a number, as getrandom makes it.",
			Params: []rpcserver.Param{
				{Name: "random", Kind: "string", Required: true, About: "the number, decimal text", Example: "12"},
				{Name: "hash", Kind: "hex", Required: true, About: "32 bytes", Example: "7f8b6b088b6d74c2852fc86c796dca07b44eed6fb3daf5e6b59f7c364db14528"},
			}},
	}
}

func (s *Server) getRandom(context.Context, *rpcserver.Args) (any, error) {
	var b [8]byte
	rand.Read(b[:])
	text := strconv.FormatUint(binary.BigEndian.Uint64(b[:]), 10)
	return client.Random{Random: text, Hash: keccakOf(text)}, nil
}

func (s *Server) verifyRandom(_ context.Context, a *rpcserver.Args) (any, error) {
	text, _ := a.Text("random")
	var hash [32]byte
	fixed(a, "hash", hash[:])
	if n, err := strconv.ParseUint(text, 10, 64); err != nil || strconv.FormatUint(n, 10) != text {
		a.Fail("random", "want a number of at most 64 bits without leading zeros")
	}
	if err := a.Err(); err != nil {
		return nil, err
	}
	return keccakOf(text) == hex.EncodeToString(hash[:]), nil
}

func keccakOf(text string) string {
	h := sha3.NewLegacyKeccak256()
	h.Write([]byte(text))
	return hex.EncodeToString(h.Sum(nil))
}
