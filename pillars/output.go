package pillars

import "github.com/asterism-network/asterism/internal/codec"

// AppendBinary appends the output as transactions of versions 1 to 4 have it, attachment included:
// the form in which a node keeps outputs of all versions.
func (o *Output) AppendBinary(b []byte) []byte {
	b = appendBytes(appendU64(b, uint64(o.Value)), o.Script)
	return o.Attachment.append(b)
}

// UnmarshalBinary reads exactly one output.
func (o *Output) UnmarshalBinary(b []byte) error {
	r := codec.NewReader(b)
	*o = Output{Value: Amount(readU64(r, "value"))}
	o.Script = readBytes(r, MaxScriptBytes, "output script")
	o.Attachment.decode(r)
	return r.Done()
}
