package main

import (
	"testing"

	"github.com/asterism-network/asterism/cmd/internal/clitest"
)

func TestScripts(t *testing.T) {
	t.Setenv("ASTER_HOME", t.TempDir()) // never a person's own folder
	t.Setenv("ASTER_NODE", "http://127.0.0.1:1")
	clitest.Run(t, "testdata/*.txt", map[string]clitest.Program{"aster": run})
}

func TestTree(t *testing.T) { clitest.CheckTree(t, command) }
