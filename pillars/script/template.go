package script

import (
	"encoding/binary"

	"github.com/asterism-network/asterism/pillars"
)

// A Template is a form of output scripts that everybody knows how to spend. New forms join by a
// height of the profile; a transaction of version 2 or later pays to no others [PIL-TPL-1].
type Template uint8

// The templates.
const (
	Unknown           Template = iota
	Empty                      // only the marker of a coinstake
	PubKey                     // key, checksig
	PubKeyHash                 // dup, hash160, hash, equalverify, checksig
	MultiSig                   // m, n keys, n, checkmultisig; n at most 16
	ScriptHash                 // hash160, hash, equal
	NullData                   // return and at most 80 bytes
	BlackHole                  // return
	LockHeight                 // height, numequalverify, then PubKeyHash: a deposit of the running network
	Attenuation                // model, outpoint, checkattenuationverify, then PubKeyHash
	SequenceLock               // sequence, checksequenceverify, drop, then PubKeyHash
	WitnessPubKeyHash          // these three are spent by version 5 only
	WitnessScriptHash
	Taproot
	templateEnd
)

var templateNames = [...]string{
	Unknown: "unknown", Empty: "empty", PubKey: "pubkey", PubKeyHash: "pubkeyhash", MultiSig: "multisig", ScriptHash: "scripthash",
	NullData: "nulldata", BlackHole: "blackhole", LockHeight: "lockheight", Attenuation: "attenuation",
	SequenceLock: "sequencelock", WitnessPubKeyHash: "witness_pubkeyhash", WitnessScriptHash: "witness_scripthash", Taproot: "taproot",
}

// String returns the name of the template.
func (t Template) String() string {
	if t >= templateEnd {
		return "unknown"
	}
	return templateNames[t]
}

// Templates returns all templates but Unknown.
func Templates() []Template {
	all := make([]Template, 0, templateEnd)
	for t := Empty; t < templateEnd; t++ {
		all = append(all, t)
	}
	return all
}

// Witness reports whether outputs of the template are witness programs.
func (t Template) Witness() bool { return t >= WitnessPubKeyHash && t <= Taproot }

const (
	outpointBytes   = 36
	pubKeyHashBytes = 25
	maxNullData     = 80
	maxTemplateKeys = 16
)

// An Output is what a template's script says. Fields that the template has not are zero.
type Output struct {
	Template Template
	Address  pillars.Address  // who is paid; none for MultiSig, NullData and Empty
	Keys     [][]byte         // PubKey, MultiSig
	Required int              // MultiSig: so many must sign
	Lock     uint32           // LockHeight: blocks; SequenceLock: as in an input's sequence
	Model    string           // Attenuation: a lock model, as it is written
	From     pillars.Outpoint // Attenuation: the locked output that this one continues, or none
	Data     []byte           // NullData
}

// Classify finds the template of an output script.
func Classify(script []byte) Output {
	if to, ok := keyHash(script); ok {
		return Output{Template: PubKeyHash, Address: to}
	}
	switch n := len(script); {
	case n == 0:
		return Output{Template: Empty}
	case isScriptHash(script):
		return Output{Template: ScriptHash, Address: pillars.ScriptHashAddress([20]byte(script[2:22]))}
	case n == 1 && script[0] == OpReturn:
		return Output{Template: BlackHole, Address: pillars.BlackHole()}
	case n == 22 && script[0] == Op0 && script[1] == 20:
		return Output{Template: WitnessPubKeyHash, Address: pillars.WitnessPubKeyHashAddress([20]byte(script[2:]))}
	case n == 34 && script[0] == Op0 && script[1] == 32:
		return Output{Template: WitnessScriptHash, Address: pillars.WitnessScriptHashAddress([32]byte(script[2:]))}
	case n == 34 && script[0] == Op1 && script[1] == 32:
		return Output{Template: Taproot, Address: pillars.TaprootAddress([32]byte(script[2:]))}
	}
	return classifyLong(script)
}

// keyHash reads exactly the script of PubKeyHash.
func keyHash(script []byte) (to pillars.Address, ok bool) {
	if len(script) != pubKeyHashBytes || script[0] != OpDup || script[1] != OpHash160 || script[2] != 20 ||
		script[23] != OpEqualVerify || script[24] != OpCheckSig {
		return to, false
	}
	return pillars.PubKeyHashAddress([20]byte(script[3:23])), true
}

func classifyLong(script []byte) Output {
	all, ok := instructions(script)
	if !ok || len(all) < 2 {
		return Output{}
	}
	last := all[len(all)-1].op
	switch {
	case len(all) == 2 && last == OpCheckSig && strictKey(all[0].data):
		return Output{Template: PubKey, Keys: [][]byte{all[0].data}, Address: pillars.PubKeyHashAddress(pillars.Hash160(all[0].data))}
	case len(all) == 2 && all[0].op == OpReturn && all[1].op <= OpPushData4 && len(all[1].data) <= maxNullData:
		return Output{Template: NullData, Data: all[1].data}
	case last == OpCheckMultiSig:
		return classifyMultiSig(all)
	}
	cut := max(0, len(script)-pubKeyHashBytes)
	to, ok := keyHash(script[cut:])
	head, whole := instructions(script[:cut])
	if !ok || !whole { // what looks like the hash of a key may be part of a push
		return Output{}
	}
	return classifyLock(head, to)
}

// classifyMultiSig reads m, keys, n, checkmultisig with 1 ≤ m ≤ n ≤ 16.
func classifyMultiSig(all []instruction) Output {
	keys := all[1:max(1, len(all)-2)]
	m, n := small(all[0]), small(all[len(all)-2])
	if m < 1 || n < m || n > maxTemplateKeys || n != len(keys) {
		return Output{}
	}
	out := Output{Template: MultiSig, Required: m}
	for _, in := range keys {
		if !strictKey(in.data) {
			return Output{}
		}
		out.Keys = append(out.Keys, in.data)
	}
	return out
}

// small returns the number that an opcode of 1 to 16 pushes, or 0.
func small(in instruction) int {
	if in.op >= Op1 && in.op <= Op16 {
		return int(in.op) - Op1 + 1
	}
	return 0
}

// classifyLock reads what stands before the hash of a key.
func classifyLock(head []instruction, to pillars.Address) Output {
	switch {
	case len(head) == 2 && head[1].op == OpNumEqualVerify:
		if lock, ok := lockValue(head[0], numberBytes); ok {
			return Output{Template: LockHeight, Address: to, Lock: lock}
		}
	case len(head) == 3 && head[1].op == OpCheckSequence && head[2].op == OpDrop:
		if lock, ok := lockValue(head[0], lockBytes); ok {
			return Output{Template: SequenceLock, Address: to, Lock: lock}
		}
	case len(head) == 3 && head[2].op == OpCheckAttenuation && len(head[1].data) == outpointBytes && len(head[0].data) <= MaxItemSize:
		point := head[1].data
		from := pillars.Outpoint{Tx: pillars.TxID(point[:32]), Index: binary.LittleEndian.Uint32(point[32:])}
		return Output{Template: Attenuation, Address: to, Model: string(head[0].data), From: from}
	}
	return Output{}
}

// lockValue reads a pushed number from 0 to 2^32-1. The running network pushes four bytes without
// regard to the shortest form or the sign.
func lockValue(in instruction, limit int) (uint32, bool) {
	if n := small(in); n > 0 {
		return uint32(n), true
	}
	v, err := parseNumber(in.data, limit, false)
	if in.op > OpPushData4 || err != nil || v < 0 || v > 0xffffffff {
		return 0, false
	}
	return uint32(v), true
}

// Script returns the output script of what Classify found or a caller describes.
func (o Output) Script() []byte {
	switch o.Template {
	case PubKey:
		return append(AppendPush(nil, o.Keys[0]), OpCheckSig)
	case MultiSig:
		script := []byte{Op1 + byte(o.Required) - 1}
		for _, key := range o.Keys {
			script = AppendPush(script, key)
		}
		return append(script, Op1+byte(len(o.Keys))-1, OpCheckMultiSig)
	case NullData:
		return AppendPush([]byte{OpReturn}, o.Data)
	case LockHeight:
		return append(append(AppendPush(nil, Number(int64(o.Lock))), OpNumEqualVerify), o.Address.Script()...)
	case SequenceLock:
		return append(append(AppendPush(nil, Number(int64(o.Lock))), OpCheckSequence, OpDrop), o.Address.Script()...)
	case Attenuation:
		script := binary.LittleEndian.AppendUint16([]byte{OpPushData2}, uint16(len(o.Model)))
		script = append(append(script, o.Model...), outpointBytes)
		script = binary.LittleEndian.AppendUint32(append(script, o.From.Tx[:]...), o.From.Index)
		return append(append(script, OpCheckAttenuation), o.Address.Script()...)
	}
	return o.Address.Script()
}
