package main

import (
	"testing"

	"github.com/asterism-network/asterism/cmd/internal/clitest"
	"github.com/asterism-network/asterism/cmd/internal/pillarsd"
)

func TestScripts(t *testing.T) {
	t.Setenv("ASTER_HOME", t.TempDir()) // never a person's own folder
	clitest.Run(t, "testdata/*.txt", map[string]clitest.Program{"pillarsd": run})
}

func TestTree(t *testing.T) { clitest.CheckTree(t, pillarsd.Command) }
