package script

import "encoding/binary"

// An instruction is one opcode with the bytes it pushes.
type instruction struct {
	op   byte
	data []byte // of a push; a view into the script
	next int    // where the following instruction starts
}

// push reports whether the instruction only puts something on the stack.
func (in instruction) push() bool { return in.op <= Op16 }

// next reads the instruction at a place; ok is false where its bytes end early.
func next(script []byte, at int) (in instruction, ok bool) {
	in = instruction{op: script[at], next: at + 1}
	size := 0
	switch {
	case in.op < OpPushData1:
		size = int(in.op)
	case in.op == OpPushData1 && len(script)-in.next >= 1:
		size, in.next = int(script[in.next]), in.next+1
	case in.op == OpPushData2 && len(script)-in.next >= 2:
		size, in.next = int(binary.LittleEndian.Uint16(script[in.next:])), in.next+2
	case in.op == OpPushData4 && len(script)-in.next >= 4:
		size, in.next = int(binary.LittleEndian.Uint32(script[in.next:])), in.next+4
	case in.op <= OpPushData4:
		return in, false
	}
	if size > len(script)-in.next {
		return in, false
	}
	in.data = script[in.next : in.next+size]
	in.next += size
	return in, true
}

// instructions reads a whole script; ok is false if its bytes end inside a push.
func instructions(script []byte) (all []instruction, ok bool) {
	for at := 0; at < len(script); {
		in, ok := next(script, at)
		if !ok {
			return nil, false
		}
		all = append(all, in)
		at = in.next
	}
	return all, true
}

// PushOnly reports whether the script only puts things on the stack.
func PushOnly(script []byte) bool {
	all, ok := instructions(script)
	for _, in := range all {
		ok = ok && in.push()
	}
	return ok
}

// AppendPush appends the shortest push of data that keeps it data: small numbers are not turned
// into opcodes, since the running network's templates want bytes.
func AppendPush(script, data []byte) []byte {
	switch n := len(data); {
	case n < OpPushData1:
		script = append(script, byte(n))
	case n <= 0xff:
		script = append(script, OpPushData1, byte(n))
	case n <= 0xffff:
		script = binary.LittleEndian.AppendUint16(append(script, OpPushData2), uint16(n))
	default:
		script = binary.LittleEndian.AppendUint32(append(script, OpPushData4), uint32(n))
	}
	return append(script, data...)
}

// minimal reports whether the instruction is the shortest way to push what it pushes (BIP 62).
func minimal(in instruction) bool {
	n := len(in.data)
	switch {
	case n == 0:
		return in.op == Op0
	case n == 1 && in.data[0] >= 1 && in.data[0] <= 16:
		return false // there is an opcode for it
	case n == 1 && in.data[0] == 0x81:
		return false
	case n < OpPushData1:
		return int(in.op) == n
	case n <= 0xff:
		return in.op == OpPushData1
	case n <= 0xffff:
		return in.op == OpPushData2
	}
	return true
}
