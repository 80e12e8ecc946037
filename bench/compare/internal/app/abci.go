package app

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"time"

	"github.com/asterism-network/asterism/kernel"
	"github.com/cometbft/cometbft/abci/types"
)

// An App is a Ledger as CometBFT sees it.
type App struct {
	types.BaseApplication
	ledger  *Ledger
	genesis func() ([]*kernel.Transaction, error)

	// Committed is told of each block once it is applied; nil is nobody. It must not block.
	Committed func(height int64, at time.Time, transactions [][]byte, refused []error)

	// Of the block under way; CometBFT calls these methods one after another.
	judged  map[string]*Block // by the hash of the proposal, of one height
	height  int64
	pending *Block
	raw     [][]byte
}

// New makes the application of a ledger. Genesis answers with the transactions whose outputs the
// network begins with.
func New(l *Ledger, genesis func() ([]*kernel.Transaction, error)) *App {
	return &App{ledger: l, genesis: genesis, judged: map[string]*Block{}}
}

// Info says up to which block the state goes, so that CometBFT can play again what is missing.
func (a *App) Info(context.Context, *types.RequestInfo) (*types.ResponseInfo, error) {
	height, hash := a.ledger.Head()
	if height == 0 {
		return &types.ResponseInfo{}, nil
	}
	return &types.ResponseInfo{LastBlockHeight: height, LastBlockAppHash: hash[:]}, nil
}

// InitChain makes the outputs of genesis.
func (a *App) InitChain(context.Context, *types.RequestInitChain) (*types.ResponseInitChain, error) {
	transactions, err := a.genesis()
	if err != nil {
		return nil, fmt.Errorf("read genesis: %w", err)
	}
	if err := a.ledger.Begin(transactions); err != nil {
		return nil, err
	}
	_, hash := a.ledger.Head()
	return &types.ResponseInitChain{AppHash: hash[:]}, nil
}

// codeOf is a rule as ABCI's code; 0 is good.
func codeOf(err error) uint32 {
	var rule kernel.Rule
	switch {
	case err == nil:
		return types.CodeTypeOK
	case errors.As(err, &rule):
		return uint32(rule)
	}
	panic("app: refused without a rule: " + err.Error())
}

// CheckTx admits a transaction to the mempool.
func (a *App) CheckTx(_ context.Context, req *types.RequestCheckTx) (*types.ResponseCheckTx, error) {
	if err := a.ledger.Check(req.Tx); err != nil {
		return &types.ResponseCheckTx{Code: codeOf(err), Log: err.Error()}, nil
	}
	return &types.ResponseCheckTx{Code: types.CodeTypeOK}, nil
}

// PrepareProposal leaves out what cannot be in the block, such as the second of two that spend
// the same.
func (a *App) PrepareProposal(_ context.Context, req *types.RequestPrepareProposal) (*types.ResponsePrepareProposal, error) {
	b, chosen := a.ledger.Judge(req.Txs), req.Txs
	if b.Good < len(req.Txs) {
		chosen = make([][]byte, 0, b.Good)
		for i, raw := range req.Txs {
			if b.Refused[i] == nil {
				chosen = append(chosen, raw)
			}
		}
	}
	return &types.ResponsePrepareProposal{Txs: chosen}, nil
}

// ProcessProposal accepts a block in which everything is good.
func (a *App) ProcessProposal(_ context.Context, req *types.RequestProcessProposal) (*types.ResponseProcessProposal, error) {
	b := a.judge(req.Hash, req.Height, req.Txs)
	if b.Good < len(req.Txs) {
		return &types.ResponseProcessProposal{Status: types.ResponseProcessProposal_REJECT}, nil
	}
	return &types.ResponseProcessProposal{Status: types.ResponseProcessProposal_ACCEPT}, nil
}

// judge judges a block once, however often it is asked about.
func (a *App) judge(hash []byte, height int64, transactions [][]byte) *Block {
	if a.height != height {
		a.height = height
		clear(a.judged)
	}
	b := a.judged[string(hash)]
	if b == nil {
		b = a.ledger.Judge(transactions)
		a.judged[string(bytes.Clone(hash))] = b
	}
	return b
}

// FinalizeBlock executes a decided block.
func (a *App) FinalizeBlock(_ context.Context, req *types.RequestFinalizeBlock) (*types.ResponseFinalizeBlock, error) {
	b := a.judge(req.Hash, req.Height, req.Txs)
	a.pending, a.raw = b, req.Txs
	results, all := make([]*types.ExecTxResult, len(req.Txs)), make([]types.ExecTxResult, len(req.Txs))
	for i := range results {
		all[i].Code = codeOf(b.Refused[i])
		results[i] = &all[i]
	}
	return &types.ResponseFinalizeBlock{TxResults: results, AppHash: b.hash[:]}, nil
}

// Commit makes the executed block part of the state.
func (a *App) Commit(context.Context, *types.RequestCommit) (*types.ResponseCommit, error) {
	b, raw := a.pending, a.raw
	a.pending, a.raw = nil, nil
	clear(a.judged)
	if err := a.ledger.Commit(b, a.height); err != nil {
		return nil, err
	}
	if a.Committed != nil {
		a.Committed(a.height, time.Now(), raw, b.Refused)
	}
	return &types.ResponseCommit{}, nil
}

// Query answers with the height: nothing else can be asked.
func (a *App) Query(context.Context, *types.RequestQuery) (*types.ResponseQuery, error) {
	height, _ := a.ledger.Head()
	return &types.ResponseQuery{Value: binary.BigEndian.AppendUint64(nil, uint64(height))}, nil
}
