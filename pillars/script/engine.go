package script

import (
	"bytes"

	"github.com/asterism-network/asterism/pillars"
)

// Limits of a script, as in Bitcoin.
const (
	MaxScriptSize = pillars.MaxScriptBytes
	MaxItemSize   = 520
	maxOps        = 201
	maxStack      = 1000
	maxKeys       = 20
)

// Flags add policy to the rules that every block keeps.
type Flags uint16

// The policies, and their union for what a node relays. Without flags a script is judged as in a block.
const (
	StrictHashType Flags = 1 << iota // [PIL-POL-1] signatures say All, None or Single
	LowS                             // [PIL-POL-2] signatures have one form (BIP 62)
	StrictKeys                       // [PIL-POL-3] keys are compressed or uncompressed points
	NullDummy                        // [PIL-POL-4] the item that multisig takes too many is empty
	NullFail                         // [PIL-POL-5] signatures that do not verify are empty
	MinimalPush                      // [PIL-POL-6] data and numbers in their shortest form
	NoSpareNops                      // [PIL-POL-7] opcodes kept for later are not used
	CleanStack                       // [PIL-POL-8] nothing is left but the result
	PushOnlyInputs                   // [PIL-SCR-21] inputs only push, with whatever output

	Block    Flags = 0
	Standard       = StrictHashType | LowS | StrictKeys | NullDummy | NullFail | MinimalPush | NoSpareNops | CleanStack | PushOnlyInputs
)

// A machine runs the scripts of one input of a transaction of versions 1 to 4.
type machine struct {
	tx    *pillars.Transaction
	input int
	flags Flags
	// sigHash is SignatureHash of this input; tests put Bitcoin's in its place.
	sigHash func(code []byte, kind byte) pillars.Hash

	stack stack
	alt   stack
	conds []bool // of the open ifs, whether the branch is taken
	ops   int
	code  []byte // what runs, from its last code separator on
	// The last signature hash and what it was of: a multisig asks for one again and again.
	hashed     pillars.Hash
	hashedCode []byte
	hashedKind byte
}

// hashFor returns the signature hash, which is that of the time before as long as code and kind
// are the same.
func (m *machine) hashFor(code []byte, kind byte) pillars.Hash {
	if m.hashedCode == nil || kind != m.hashedKind || !bytes.Equal(code, m.hashedCode) {
		m.hashed, m.hashedCode, m.hashedKind = m.sigHash(code, kind), code, kind
	}
	return m.hashed
}

// verify runs the input's script, the output's and, where that is the hash of one, the redeem script.
func (m *machine) verify(output []byte) error {
	unlock := m.tx.Inputs[m.input].Script
	pushes := PushOnly(unlock)
	if m.flags&PushOnlyInputs != 0 && !pushes {
		return reject(ScriptHashPushes, "input %d", m.input)
	}
	if err := m.run(unlock); err != nil {
		return err
	}
	given := m.stack.clone()
	if err := m.runToTrue(output); err != nil {
		return err
	}
	if isScriptHash(output) {
		if !pushes {
			return reject(ScriptHashPushes, "input %d", m.input)
		}
		m.stack = given[:len(given)-1] // not empty: the output's script read its top
		if err := m.runToTrue(given[len(given)-1]); err != nil {
			return err
		}
	}
	if m.flags&CleanStack != 0 && len(m.stack) != 1 {
		return reject(StackNotClean, "%d items", len(m.stack))
	}
	return nil
}

func isScriptHash(script []byte) bool {
	return len(script) == 23 && script[0] == OpHash160 && script[1] == 20 && script[22] == OpEqual
}

func (m *machine) runToTrue(script []byte) error {
	if err := m.run(script); err != nil {
		return err
	}
	if len(m.stack) == 0 || !truth(m.stack[len(m.stack)-1]) {
		return reject(EvalFalse, "input %d", m.input)
	}
	return nil
}

// run runs one script on the stack as it is.
func (m *machine) run(script []byte) error {
	if len(script) > MaxScriptSize {
		return reject(ScriptSize, "%d bytes, at most %d", len(script), MaxScriptSize)
	}
	m.alt, m.conds, m.ops, m.code = nil, nil, 0, script
	for at := 0; at < len(script); {
		in, ok := next(script, at)
		if !ok {
			return reject(BadOpcode, "script ends inside a push")
		}
		if err := m.step(in, script); err != nil {
			return err
		}
		if n := len(m.stack) + len(m.alt); n > maxStack {
			return reject(StackSize, "%d items, at most %d", n, maxStack)
		}
		at = in.next
	}
	if len(m.conds) > 0 {
		return reject(UnbalancedIf, "%d without an end", len(m.conds))
	}
	return nil
}

// running reports whether all open ifs have their branch taken.
func (m *machine) running() bool {
	for _, taken := range m.conds {
		if !taken {
			return false
		}
	}
	return true
}

func (m *machine) step(in instruction, script []byte) error {
	if len(in.data) > MaxItemSize {
		return reject(PushSize, "%d bytes, at most %d", len(in.data), MaxItemSize)
	}
	if !in.push() {
		if err := m.count(1); err != nil {
			return err
		}
	}
	if disabled(in.op) {
		return reject(DisabledOpcode, "%s", in.text())
	}
	running := m.running()
	switch {
	case running && in.op <= OpPushData4:
		if m.flags&MinimalPush != 0 && !minimal(in) {
			return reject(PushNotMinimal, "%s", in.text())
		}
		m.stack.push(in.data)
		return nil
	case in.op >= OpIf && in.op <= OpEndIf:
		return m.branch(in.op, running)
	case !running:
		return nil
	case in.op == OpCodeSeparator:
		m.code = script[in.next:]
		return nil
	}
	return m.execute(in.op)
}

// count adds to the opcodes that were met, reached or not.
func (m *machine) count(n int) error {
	if m.ops += n; m.ops > maxOps {
		return reject(OpCount, "at most %d", maxOps)
	}
	return nil
}

func (m *machine) branch(op byte, running bool) error {
	switch op {
	case OpIf, OpNotIf:
		taken := false
		if running {
			top, err := m.stack.pop()
			if err != nil {
				return err
			}
			taken = truth(top) == (op == OpIf)
		}
		m.conds = append(m.conds, taken)
	case OpElse, OpEndIf:
		if len(m.conds) == 0 {
			return reject(UnbalancedIf, "%s without if", opNames[op])
		}
		last := len(m.conds) - 1
		if op == OpEndIf {
			m.conds = m.conds[:last]
		} else {
			m.conds[last] = !m.conds[last]
		}
	default: // verif and vernotif, reached or not
		return reject(BadOpcode, "%s", opNames[op])
	}
	return nil
}
