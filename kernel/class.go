package kernel

import "fmt"

// A Class is what a transaction is about. It is not on the wire: inputs and outputs imply it.
type Class uint8

// The classes, with the numbers that the wider ecosystem gives them.
const (
	ClassScript           Class = 0x00 // a transfer
	ClassMint             Class = 0x01
	ClassDeposit          Class = 0x02
	ClassWithdrawalSubmit Class = 0x03
	ClassWithdrawalClaim  Class = 0x05
	ClassNodePledge       Class = 0x06
	ClassNodeAccept       Class = 0x07
	ClassNodeRemove       Class = 0x09
	ClassNodeCancel       Class = 0x12
	ClassCustodianUpdate  Class = 0x13
	ClassCustodianSlash   Class = 0x14
	ClassGenesis          Class = 0xfe // ours: a genesis input
	ClassUnknown          Class = 0xff
)

// String returns the stable name of the class.
func (c Class) String() string {
	switch c {
	case ClassScript:
		return "script"
	case ClassMint:
		return "mint"
	case ClassDeposit:
		return "deposit"
	case ClassWithdrawalSubmit:
		return "withdrawal_submit"
	case ClassWithdrawalClaim:
		return "withdrawal_claim"
	case ClassNodePledge:
		return "node_pledge"
	case ClassNodeAccept:
		return "node_accept"
	case ClassNodeRemove:
		return "node_remove"
	case ClassNodeCancel:
		return "node_cancel"
	case ClassCustodianUpdate:
		return "custodian_update"
	case ClassCustodianSlash:
		return "custodian_slash"
	case ClassGenesis:
		return "genesis"
	case ClassUnknown:
		return "unknown"
	}
	return fmt.Sprintf("class_%02x", uint8(c))
}

// Class infers what the transaction is about: the first input that brings value in decides, then
// the first output of a special type; a transfer has script outputs only. [TX-2]
func (tx *Transaction) Class() Class {
	for i := range tx.Inputs {
		switch in := &tx.Inputs[i]; {
		case in.Mint != nil:
			return ClassMint
		case in.Deposit != nil:
			return ClassDeposit
		case len(in.Genesis) > 0:
			return ClassGenesis
		}
	}
	if len(tx.Inputs) == 0 || len(tx.Outputs) == 0 {
		return ClassUnknown
	}
	class := ClassScript
	for i := range tx.Outputs {
		if t := tx.Outputs[i].Type; t != OutputScript {
			if c := t.class(); c != ClassUnknown {
				return c
			}
			class = ClassUnknown
		}
	}
	return class
}

func (t OutputType) class() Class {
	switch t {
	case OutputWithdrawalSubmit:
		return ClassWithdrawalSubmit
	case OutputWithdrawalClaim:
		return ClassWithdrawalClaim
	case OutputNodePledge:
		return ClassNodePledge
	case OutputNodeAccept:
		return ClassNodeAccept
	case OutputNodeRemove:
		return ClassNodeRemove
	case OutputNodeCancel:
		return ClassNodeCancel
	case OutputCustodianUpdate:
		return ClassCustodianUpdate
	case OutputCustodianSlash:
		return ClassCustodianSlash
	}
	return ClassUnknown
}
