package main

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/asterism-network/asterism/internal/crypto"
	"github.com/asterism-network/asterism/kernel"
	"github.com/asterism-network/asterism/kernel/ceremony"
)

// cheat writes a genesis and evidence that its third member signed twice in round 9.
func cheat(t *testing.T, dir string) (genesis, evidence string, f *kernel.EvidenceFile) {
	t.Helper()
	g := &kernel.Genesis{Name: "cheated", Timestamp: 1_800_000_000_000, Parameters: kernel.DefaultParameters()}
	for i := range byte(7) {
		key := kernel.NodeKeyFromSeed([32]byte{i, 3})
		g.Members = append(g.Members, kernel.Member{Name: "node-" + string('a'+rune(i)), Key: key.Public(), Payee: kernel.AccountFromSeed([64]byte{i, 4}).Address()})
	}
	if _, err := ceremony.DealTrusted(g, seeded{crypto.NewStream("cheat", nil)}); err != nil {
		t.Fatal(err)
	}
	var twins [2]*kernel.Header
	for i := range twins {
		h := &kernel.Header{Network: g.NetworkID(), Author: 2, Round: 9, Timestamp: kernel.Timestamp(10 + i)}
		id := h.ID()
		h.Signature = kernel.NodeKeyFromSeed([32]byte{2, 3}).Sign(id[:])
		twins[i] = h
	}
	e := kernel.EquivocationOf(twins[0], twins[1])
	f = &kernel.EvidenceFile{Network: g.NetworkID(), Fault: kernel.FaultE1, Equivocation: &e}
	text, err := g.MarshalIndentJSON()
	if err != nil {
		t.Fatal(err)
	}
	b, err := f.Encode()
	if err != nil {
		t.Fatal(err)
	}
	genesis, evidence = filepath.Join(dir, "genesis.json"), filepath.Join(dir, "c.evidence")
	for name, data := range map[string][]byte{genesis: text, evidence: b} {
		if err := os.WriteFile(name, data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return genesis, evidence, f
}

type seeded struct{ *crypto.Stream }

func (s seeded) Read(b []byte) (int, error) { s.Fill(b); return len(b), nil }

// TestEvidenceVerify: who is guilty is named, in either form of the file; what proves nothing is
// exit code 3 and says why; what is no evidence is malformed.
func TestEvidenceVerify(t *testing.T) {
	dir := t.TempDir()
	genesis, evidence, f := cheat(t, dir)
	aster := func(args ...string) (code int, out, problem string) {
		var stdout, stderr bytes.Buffer
		code = run(t.Context(), args, strings.NewReader(""), &stdout, &stderr)
		return code, stdout.String(), stderr.String()
	}
	code, out, problem := aster("evidence", "verify", evidence, "--genesis", genesis, "--json")
	var v evidenceView
	if err := json.Unmarshal([]byte(out), &v); code != 0 || err != nil || !v.Valid || v.Member.Name != "node-c" || v.Author != 2 || v.Round != 9 {
		t.Fatalf("exit %d: %s %s", code, out, problem)
	}
	if code, out, _ := aster("evidence", "verify", evidence, "--genesis", genesis); code != 0 || !strings.Contains(out, "guilty    node-c") || !strings.Contains(out, "E1 in round 9") {
		t.Errorf("exit %d: %s", code, out)
	}
	text, err := json.Marshal(evidenceView{Evidence: f})
	if err != nil {
		t.Fatal(err)
	}
	plain, err := json.Marshal(f)
	if err != nil {
		t.Fatal(err)
	}
	for name, data := range map[string][]byte{"view.json": text, "plain.json": plain} {
		file := filepath.Join(dir, name)
		if err := os.WriteFile(file, data, 0o600); err != nil {
			t.Fatal(err)
		}
		if code, _, problem := aster("evidence", "verify", file, "--genesis", genesis); code != 0 {
			t.Errorf("%s: exit %d: %s", name, code, problem)
		}
	}
	f.Equivocation.Author = 3
	b, err := f.Encode()
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(evidence, b, 0o600); err != nil {
		t.Fatal(err)
	}
	if code, _, problem := aster("evidence", "verify", evidence, "--genesis", genesis); code != 3 || !strings.Contains(problem, "not_signed") {
		t.Errorf("exit %d: %s", code, problem)
	}
	if code, _, _ := aster("evidence", "verify", genesis, "--genesis", genesis); code != 65 {
		t.Errorf("a genesis as evidence: exit %d", code)
	}
	if code, _, _ := aster("evidence", "verify", evidence); code == 0 {
		t.Error("without a genesis")
	}
}
