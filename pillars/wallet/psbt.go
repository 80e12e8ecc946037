package wallet

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"fmt"

	"github.com/btcsuite/btcd/psbt/v2"
	"github.com/btcsuite/btcd/txscript/v2"
	"github.com/btcsuite/btcd/wire/v2"

	"github.com/asterism-network/asterism/pillars"
	"github.com/asterism-network/asterism/pillars/script"
)

// MaxPSBT bounds a PSBT, in bytes.
const MaxPSBT = 8 << 20

// PSBT writes a version-5 draft as a partially signed Bitcoin transaction (BIP 174, BIP 371), for signers
// that know Bitcoin and not this network. All inputs must be witness programs: what versions 1 to
// 4 made is no Bitcoin transaction, so the values of other inputs could not be proved.
func (d *Draft) PSBT() ([]byte, error) {
	if !d.Tx.IsSegWit() {
		return nil, fmt.Errorf("%w: version %d", ErrPSBT, d.Tx.Version)
	}
	packet, err := psbt.NewFromUnsignedTx(script.ToBitcoin(d.Tx))
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrPSBT, err)
	}
	for i := range d.Inputs {
		f, err := d.form(i)
		if err != nil {
			return nil, err
		}
		if f.version < 0 {
			return nil, fmt.Errorf("%w: input %d is no witness program", ErrPSBT, i)
		}
		d.exportInput(i, &f, &packet.Inputs[i])
	}
	var b bytes.Buffer
	if err := packet.Serialize(&b); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrPSBT, err)
	}
	return b.Bytes(), nil
}

func (d *Draft) exportInput(i int, f *form, to *psbt.PInput) {
	in := &d.Inputs[i]
	spent, _ := d.Spent(i)
	to.WitnessUtxo = &wire.TxOut{Value: int64(spent.Output.Value), PkScript: spent.Output.Script}
	to.RedeemScript, to.WitnessScript = in.Redeem, in.Witness
	for _, o := range in.Keys {
		finger := binary.LittleEndian.Uint32(o.Master[:])
		if f.version == 1 {
			to.TaprootInternalKey = o.Key[1:]
			to.TaprootBip32Derivation = append(to.TaprootBip32Derivation, &psbt.TaprootBip32Derivation{XOnlyPubKey: o.Key[1:], MasterKeyFingerprint: finger, Bip32Path: o.Path})
			continue
		}
		to.Bip32Derivation = append(to.Bip32Derivation, &psbt.Bip32Derivation{PubKey: o.Key, MasterKeyFingerprint: finger, Bip32Path: o.Path})
	}
	for _, s := range in.Signatures {
		if f.version == 1 {
			to.TaprootKeySpendSig = s.Signature
			continue
		}
		to.PartialSigs = append(to.PartialSigs, &psbt.PartialSig{PubKey: s.Key, Signature: s.Signature})
	}
	if f.version == 0 {
		to.SighashType = txscript.SigHashAll
	}
}

// parsePSBT reads bytes or base64.
func parsePSBT(data []byte) (packet *psbt.Packet, err error) {
	if len(data) > MaxPSBT {
		return nil, fmt.Errorf("%w: %d bytes, at most %d", ErrPSBT, len(data), MaxPSBT)
	}
	if raw, err := base64.StdEncoding.DecodeString(string(bytes.TrimSpace(data))); err == nil {
		data = raw
	}
	r := bytes.NewReader(data)
	if packet, err = psbt.NewFromRawBytes(r, false); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrPSBT, err)
	}
	if r.Len() > 0 || len(packet.UnsignedTx.TxIn) > maxInputs {
		return nil, fmt.Errorf("%w: too long", ErrPSBT)
	}
	return packet, nil
}

// ParsePSBT reads a PSBT that was made elsewhere, for a network that the caller knows it to be of. Its inputs
// are witness programs, whose signatures cover the value that the file claims.
func ParsePSBT(data []byte, p *pillars.Params) (*Draft, error) {
	packet, err := parsePSBT(data)
	if err != nil {
		return nil, err
	}
	d := &Draft{Network: p.Name, Tx: script.FromBitcoin(packet.UnsignedTx)}
	d.Outputs = make([]DraftOutput, len(d.Tx.Outputs))
	for i := range packet.Inputs {
		in, err := importInput(&packet.Inputs[i])
		if err != nil {
			return nil, fmt.Errorf("input %d: %w", i, err)
		}
		d.Inputs = append(d.Inputs, in)
	}
	return d, d.Check(p)
}

// AddPSBT takes over the signatures of a PSBT of the same transaction.
func (d *Draft) AddPSBT(data []byte, p *pillars.Params) error {
	packet, err := parsePSBT(data)
	if err != nil {
		return err
	}
	other := script.FromBitcoin(packet.UnsignedTx)
	if !d.Tx.IsSegWit() || !bytes.Equal(other.AppendBinary(nil), d.Tx.AppendBinary(nil)) {
		return fmt.Errorf("%w: of another transaction", ErrPSBT)
	}
	signed := *d
	signed.Inputs = make([]DraftInput, len(d.Inputs))
	for i := range d.Inputs {
		in, err := importInput(&packet.Inputs[i])
		if err != nil {
			return fmt.Errorf("input %d: %w", i, err)
		}
		signed.Inputs[i] = d.Inputs[i]
		signed.Inputs[i].Signatures = in.Signatures
		if len(d.Inputs[i].Keys) == 1 && len(in.Signatures) == 1 && len(in.Signatures[0].Signature) == 64 {
			signed.Inputs[i].Signatures[0].Key = d.Inputs[i].Keys[0].Key // known with its parity here
		}
	}
	return d.Combine(&signed, p)
}

func importInput(from *psbt.PInput) (in DraftInput, err error) {
	switch {
	case from.WitnessUtxo == nil:
		return in, fmt.Errorf("%w: no witness output; others are not supported", ErrPSBT)
	case len(from.FinalScriptSig) > 0 || len(from.FinalScriptWitness) > 0:
		return in, fmt.Errorf("%w: finalized; give the one before that", ErrPSBT)
	case from.SighashType != 0 && from.SighashType != txscript.SigHashAll:
		return in, fmt.Errorf("%w: signatures of kind %d", ErrPSBT, from.SighashType)
	case from.WitnessUtxo.Value < 0 || len(from.TaprootScriptSpendSig) > 0 || len(from.TaprootMerkleRoot) > 0:
		return in, fmt.Errorf("%w: taproot scripts or no value", ErrPSBT)
	}
	in.Claimed = &pillars.Output{Value: pillars.Amount(from.WitnessUtxo.Value), Script: from.WitnessUtxo.PkScript}
	in.Redeem, in.Witness = nonEmpty(from.RedeemScript), nonEmpty(from.WitnessScript)
	for _, o := range from.Bip32Derivation {
		in.Keys = append(in.Keys, origin(o.PubKey, o.MasterKeyFingerprint, o.Bip32Path))
	}
	for _, o := range from.TaprootBip32Derivation {
		if bytes.Equal(o.XOnlyPubKey, from.TaprootInternalKey) && len(o.XOnlyPubKey) == 32 {
			in.Keys = append(in.Keys, origin(append([]byte{2}, o.XOnlyPubKey...), o.MasterKeyFingerprint, o.Bip32Path))
		}
	}
	for _, s := range from.PartialSigs {
		in.Signatures = append(in.Signatures, Signature{Key: s.PubKey, Signature: s.Signature})
	}
	if len(from.TaprootKeySpendSig) > 0 && len(from.TaprootInternalKey) == 32 {
		in.Signatures = append(in.Signatures, Signature{Key: append([]byte{2}, from.TaprootInternalKey...), Signature: from.TaprootKeySpendSig})
	}
	return in, in.checkSizes()
}

func origin(key []byte, finger uint32, path []uint32) KeyOrigin {
	o := KeyOrigin{Key: key, Path: path}
	binary.LittleEndian.PutUint32(o.Master[:], finger)
	return o
}
