package script

import (
	"bytes"
	"crypto/sha1"
	"crypto/sha256"
	"slices"

	//lint:ignore SA1019 the hash of addresses, and an opcode, since Bitcoin
	"golang.org/x/crypto/ripemd160" //nolint:staticcheck

	"github.com/asterism-network/asterism/pillars"
)

// execute runs an opcode that is neither a push of bytes nor a branch.
func (m *machine) execute(op byte) error {
	switch {
	case op == Op1Negate || op >= Op1 && op <= Op16:
		m.stack.push(Number(int64(op) - (Op1 - 1)))
		return nil
	case op == OpNop:
		return nil
	case op >= OpToAlt && op <= OpTuck:
		return m.shuffle(op)
	case op >= Op1Add && op <= Op0NotEqual:
		return m.unary(op)
	case op >= OpAdd && op <= OpWithin:
		return m.arithmetic(op)
	case op >= OpRipemd160 && op <= OpHash256:
		return m.hash(op)
	case op == OpNop1 || op >= OpNop5 && op <= OpNop10:
		if m.flags&NoSpareNops != 0 {
			return reject(NopDiscouraged, "%s", opNames[op])
		}
		return nil
	}
	return m.rest(op)
}

func (m *machine) rest(op byte) error {
	switch op {
	case OpVerify:
		return m.verifyTop(VerifyFailed)
	case OpReturn:
		return reject(ReturnReached, "input %d", m.input)
	case OpSize:
		top, err := m.stack.peek(0)
		if err == nil {
			m.stack.push(Number(int64(len(top))))
		}
		return err
	case OpEqual, OpEqualVerify:
		return m.equal(op)
	case OpCheckSig, OpCheckSigVerify:
		return m.checkSig(op)
	case OpCheckMultiSig, OpCheckMultiSigVerify:
		return m.checkMultiSig(op)
	case OpCheckLockTime:
		return m.checkLockTime()
	case OpCheckSequence:
		return m.checkSequence()
	case OpCheckAttenuation:
		return m.checkAttenuation()
	}
	return reject(BadOpcode, "%#02x", op)
}

// verifyTop takes the top and fails with the rule unless it is true.
func (m *machine) verifyTop(rule Rule) error {
	top, err := m.stack.pop()
	if err != nil {
		return err
	}
	if !truth(top) {
		return reject(rule, "input %d", m.input)
	}
	return nil
}

func (m *machine) equal(op byte) error {
	if err := m.stack.need(2); err != nil {
		return err
	}
	b, a := m.stack.take(0), m.stack.take(0)
	m.stack.push(boolean(bytes.Equal(a, b)))
	if op == OpEqualVerify {
		return m.verifyTop(EqualVerifyFailed)
	}
	return nil
}

func (m *machine) shuffle(op byte) error {
	s := &m.stack
	switch op {
	case OpToAlt:
		top, err := s.pop()
		if err == nil {
			m.alt.push(top)
		}
		return err
	case OpFromAlt:
		if len(m.alt) == 0 {
			return reject(AltStackOperation, "nothing there")
		}
		s.push(m.alt.take(0))
		return nil
	case OpDrop, Op2Drop:
		n := 1
		if op == Op2Drop {
			n = 2
		}
		err := s.need(n)
		if err == nil {
			*s = (*s)[:len(*s)-n]
		}
		return err
	case OpDup:
		return s.copyUp(1, 0)
	case Op2Dup:
		return s.copyUp(2, 0)
	case Op3Dup:
		return s.copyUp(3, 0)
	case OpOver:
		return s.copyUp(1, 1)
	case Op2Over:
		return s.copyUp(2, 2)
	case OpRot:
		return s.moveUp(1, 2)
	case Op2Rot:
		return s.moveUp(2, 4)
	case OpSwap:
		return s.moveUp(1, 1)
	case Op2Swap:
		return s.moveUp(2, 2)
	}
	return m.shuffleMore(op)
}

func (m *machine) shuffleMore(op byte) error {
	s := &m.stack
	switch op {
	case OpDepth:
		s.push(Number(int64(len(*s))))
	case OpIfDup:
		top, err := s.peek(0)
		if err == nil && truth(top) {
			s.push(top)
		}
		return err
	case OpNip:
		if err := s.need(2); err != nil {
			return err
		}
		s.take(1)
	case OpTuck:
		if err := s.need(2); err != nil {
			return err
		}
		*s = slices.Insert(*s, len(*s)-2, (*s)[len(*s)-1])
	case OpPick, OpRoll:
		if err := s.need(2); err != nil {
			return err
		}
		depth, err := m.number()
		if err != nil {
			return err
		}
		if depth < 0 || depth >= int64(len(*s)) {
			return reject(StackOperation, "depth %d of %d", depth, len(*s))
		}
		if op == OpPick {
			return s.copyUp(1, int(depth))
		}
		return s.moveUp(1, int(depth))
	}
	return nil
}

// number takes the top as a number of arithmetic.
func (m *machine) number() (int64, error) {
	top, err := m.stack.pop()
	if err != nil {
		return 0, err
	}
	return parseNumber(top, numberBytes, m.flags&MinimalPush != 0)
}

func (m *machine) unary(op byte) error {
	v, err := m.number()
	if err != nil {
		return err
	}
	switch op {
	case Op1Add:
		v++
	case Op1Sub:
		v--
	case OpNegate:
		v = -v
	case OpAbs:
		v = max(v, -v)
	case OpNot:
		v = oneIf(v == 0)
	case Op0NotEqual:
		v = oneIf(v != 0)
	}
	m.stack.push(Number(v))
	return nil
}

func oneIf(v bool) int64 {
	if v {
		return 1
	}
	return 0
}

func (m *machine) arithmetic(op byte) error {
	operands := 2
	if op == OpWithin {
		operands = 3
	}
	if err := m.stack.need(operands); err != nil {
		return err
	}
	var v [3]int64 // the operands in the order of the script
	for i := range operands {
		item, err := m.stack.peek(operands - 1 - i)
		if err == nil {
			v[i], err = parseNumber(item, numberBytes, m.flags&MinimalPush != 0)
		}
		if err != nil {
			return err
		}
	}
	m.stack = m.stack[:len(m.stack)-operands]
	m.stack.push(Number(compute(op, v[0], v[1], v[2])))
	if op == OpNumEqualVerify {
		return m.verifyTop(NumEqualVerifyFailed)
	}
	return nil
}

func compute(op byte, a, b, c int64) int64 {
	switch op {
	case OpAdd:
		return a + b
	case OpSub:
		return a - b
	case OpBoolAnd:
		return oneIf(a != 0 && b != 0)
	case OpBoolOr:
		return oneIf(a != 0 || b != 0)
	case OpNumEqual, OpNumEqualVerify:
		return oneIf(a == b)
	case OpNumNotEqual:
		return oneIf(a != b)
	case OpLessThan:
		return oneIf(a < b)
	case OpGreaterThan:
		return oneIf(a > b)
	case OpLessThanOrEqual:
		return oneIf(a <= b)
	case OpGreaterThanOrEqual:
		return oneIf(a >= b)
	case OpMin:
		return min(a, b)
	case OpMax:
		return max(a, b)
	}
	return oneIf(b <= a && a < c) // within
}

func (m *machine) hash(op byte) error {
	top, err := m.stack.pop()
	if err != nil {
		return err
	}
	var sum []byte
	switch op {
	case OpRipemd160:
		h := ripemd160.New()
		h.Write(top)
		sum = h.Sum(nil)
	case OpSha1:
		h := sha1.Sum(top)
		sum = h[:]
	case OpSha256:
		h := sha256.Sum256(top)
		sum = h[:]
	case OpHash160:
		h := pillars.Hash160(top)
		sum = h[:]
	case OpHash256:
		h := pillars.DoubleSHA256(top)
		sum = h[:]
	}
	m.stack.push(sum)
	return nil
}
