package script

// The opcodes that have a meaning of their own. Bytes 0x01 to 0x4b push that many bytes; what is
// not listed here is refused when it is reached.
const (
	Op0         = 0x00
	OpPushData1 = 0x4c
	OpPushData2 = 0x4d
	OpPushData4 = 0x4e
	Op1Negate   = 0x4f
	OpReserved  = 0x50
	Op1         = 0x51
	Op16        = 0x60

	OpNop      = 0x61
	OpIf       = 0x63
	OpNotIf    = 0x64
	OpVerIf    = 0x65
	OpVerNotIf = 0x66
	OpElse     = 0x67
	OpEndIf    = 0x68
	OpVerify   = 0x69
	OpReturn   = 0x6a

	OpToAlt   = 0x6b
	OpFromAlt = 0x6c
	Op2Drop   = 0x6d
	Op2Dup    = 0x6e
	Op3Dup    = 0x6f
	Op2Over   = 0x70
	Op2Rot    = 0x71
	Op2Swap   = 0x72
	OpIfDup   = 0x73
	OpDepth   = 0x74
	OpDrop    = 0x75
	OpDup     = 0x76
	OpNip     = 0x77
	OpOver    = 0x78
	OpPick    = 0x79
	OpRoll    = 0x7a
	OpRot     = 0x7b
	OpSwap    = 0x7c
	OpTuck    = 0x7d

	OpCat         = 0x7e // disabled, as are the five of bytes, bits and arithmetic below
	OpSubstr      = 0x7f
	OpLeft        = 0x80
	OpRight       = 0x81
	OpSize        = 0x82
	OpInvert      = 0x83
	OpAnd         = 0x84
	OpOr          = 0x85
	OpXor         = 0x86
	OpEqual       = 0x87
	OpEqualVerify = 0x88

	Op1Add               = 0x8b
	Op1Sub               = 0x8c
	Op2Mul               = 0x8d
	Op2Div               = 0x8e
	OpNegate             = 0x8f
	OpAbs                = 0x90
	OpNot                = 0x91
	Op0NotEqual          = 0x92
	OpAdd                = 0x93
	OpSub                = 0x94
	OpMul                = 0x95
	OpDiv                = 0x96
	OpMod                = 0x97
	OpLShift             = 0x98
	OpRShift             = 0x99
	OpBoolAnd            = 0x9a
	OpBoolOr             = 0x9b
	OpNumEqual           = 0x9c
	OpNumEqualVerify     = 0x9d
	OpNumNotEqual        = 0x9e
	OpLessThan           = 0x9f
	OpGreaterThan        = 0xa0
	OpLessThanOrEqual    = 0xa1
	OpGreaterThanOrEqual = 0xa2
	OpMin                = 0xa3
	OpMax                = 0xa4
	OpWithin             = 0xa5

	OpRipemd160           = 0xa6
	OpSha1                = 0xa7
	OpSha256              = 0xa8
	OpHash160             = 0xa9
	OpHash256             = 0xaa
	OpCodeSeparator       = 0xab
	OpCheckSig            = 0xac
	OpCheckSigVerify      = 0xad
	OpCheckMultiSig       = 0xae
	OpCheckMultiSigVerify = 0xaf

	OpNop1             = 0xb0
	OpCheckLockTime    = 0xb1 // BIP 65
	OpCheckAttenuation = 0xb2 // a lock with scheduled release; Bitcoin has OpCheckSequence here
	OpCheckSequence    = 0xb3 // BIP 112
	OpNop5             = 0xb4
	OpNop10            = 0xb9
)

// opNames are the names in the running network's text form of scripts, by opcode.
var opNames = [256]string{
	Op0: "zero", Op1Negate: "-1", OpReserved: "reserved", OpNop: "nop", 0x62: "ver", OpIf: "if", OpNotIf: "notif",
	OpVerIf: "verif", OpVerNotIf: "vernotif", OpElse: "else", OpEndIf: "endif", OpVerify: "verify", OpReturn: "return",
	OpToAlt: "toaltstack", OpFromAlt: "fromaltstack", Op2Drop: "2drop", Op2Dup: "2dup", Op3Dup: "3dup", Op2Over: "2over",
	Op2Rot: "2rot", Op2Swap: "2swap", OpIfDup: "ifdup", OpDepth: "depth", OpDrop: "drop", OpDup: "dup", OpNip: "nip",
	OpOver: "over", OpPick: "pick", OpRoll: "roll", OpRot: "rot", OpSwap: "swap", OpTuck: "tuck", OpCat: "cat",
	OpSubstr: "substr", OpLeft: "left", OpRight: "right", OpSize: "size", OpInvert: "invert", OpAnd: "and", OpOr: "or",
	OpXor: "xor", OpEqual: "equal", OpEqualVerify: "equalverify", 0x89: "reserved1", 0x8a: "reserved2", Op1Add: "1add",
	Op1Sub: "1sub", Op2Mul: "2mul", Op2Div: "2div", OpNegate: "negate", OpAbs: "abs", OpNot: "not", Op0NotEqual: "0notequal",
	OpAdd: "add", OpSub: "sub", OpMul: "mul", OpDiv: "div", OpMod: "mod", OpLShift: "lshift", OpRShift: "rshift",
	OpBoolAnd: "booland", OpBoolOr: "boolor", OpNumEqual: "numequal", OpNumEqualVerify: "numequalverify",
	OpNumNotEqual: "numnotequal", OpLessThan: "lessthan", OpGreaterThan: "greaterthan", OpLessThanOrEqual: "lessthanorequal",
	OpGreaterThanOrEqual: "greaterthanorequal", OpMin: "min", OpMax: "max", OpWithin: "within", OpRipemd160: "ripemd160",
	OpSha1: "sha1", OpSha256: "sha256", OpHash160: "hash160", OpHash256: "hash256", OpCodeSeparator: "codeseparator",
	OpCheckSig: "checksig", OpCheckSigVerify: "checksigverify", OpCheckMultiSig: "checkmultisig",
	OpCheckMultiSigVerify: "checkmultisigverify", OpNop1: "nop1", OpCheckLockTime: "checklocktimeverify",
	OpCheckAttenuation: "checkattenuationverify", OpCheckSequence: "checksequenceverify", OpNop5: "nop5", 0xb5: "nop6",
	0xb6: "nop7", 0xb7: "nop8", 0xb8: "nop9", OpNop10: "nop10",
}

// disabled reports whether a script with this opcode fails, even where it is not reached.
func disabled(op byte) bool {
	switch op {
	case OpCat, OpSubstr, OpLeft, OpRight, OpInvert, OpAnd, OpOr, OpXor, Op2Mul, Op2Div, OpMul, OpDiv, OpMod, OpLShift, OpRShift:
		return true
	}
	return false
}
