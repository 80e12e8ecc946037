package main

import (
	"testing"

	"github.com/asterism-network/asterism/cmd/internal/clitest"
	"github.com/asterism-network/asterism/cmd/internal/kerneld"
)

func TestScripts(t *testing.T) {
	clitest.Run(t, "testdata/*.txt", map[string]clitest.Program{"kerneld": run})
}

func TestTree(t *testing.T) { clitest.CheckTree(t, kerneld.Command) }
