package client

import (
	"encoding/hex"
	"strconv"

	"github.com/asterism-network/asterism/pillars"
	"github.com/asterism-network/asterism/pillars/script"
)

// Describe writes a transaction as people read it, without anything that only a chain knows.
func Describe(tx *pillars.Transaction, network pillars.AddressParams) Transaction {
	raw := tx.AppendBinary(nil)
	out := Transaction{
		Hash: tx.ID(), Kind: kindOf(tx), Version: tx.Version, Size: len(raw), LockTime: tx.LockTime,
		Inputs: make([]Input, len(tx.Inputs)), Outputs: make([]Output, len(tx.Outputs)), State: "decoded", Hex: hex.EncodeToString(raw),
	}
	for i := range tx.Inputs {
		in := &tx.Inputs[i]
		out.Inputs[i] = Input{Previous: in.Previous, Sequence: in.Sequence, Script: scriptWords(tx, in.Script), ScriptHex: hex.EncodeToString(in.Script)}
		for _, w := range in.Witness {
			out.Inputs[i].Witness = append(out.Inputs[i].Witness, hex.EncodeToString(w))
		}
	}
	for i := range tx.Outputs {
		out.Outputs[i] = DescribeOutput(&tx.Outputs[i], uint32(i), network)
	}
	return out
}

// scriptWords leaves the script of a coinbase as it is: it is a height and anything.
func scriptWords(tx *pillars.Transaction, b []byte) string {
	if tx.IsCoinbase() {
		return ""
	}
	return script.Text(b)
}

// DescribeOutput writes an output as people read it.
func DescribeOutput(o *pillars.Output, index uint32, network pillars.AddressParams) Output {
	to := script.Classify(o.Script)
	out := Output{
		Index: index, Value: o.Value, Address: to.Address.Text(network), Template: to.Template.String(),
		Script: script.Text(o.Script), ScriptHex: hex.EncodeToString(o.Script), Model: to.Model,
		Attachment: describeAttachment(&o.Attachment),
	}
	if to.Template == script.LockHeight || to.Template == script.SequenceLock {
		out.Lock = &to.Lock
	}
	return out
}

// kindOf names a transaction by the most telling thing in it.
func kindOf(tx *pillars.Transaction) string {
	switch {
	case tx.IsCoinbase() || tx.Version == pillars.VersionGenesis:
		return "coinbase"
	case tx.IsCoinstake():
		return "coinstake"
	}
	kind, rank := "etp", 0
	for i := range tx.Outputs {
		a := describeAttachment(&tx.Outputs[i].Attachment)
		r := telling[a.Type]
		if a.Type == "asset-cert" && a.Status != nil && *a.Status == pillars.CertNormal {
			r = 1 // passed through
		}
		if r > rank {
			kind, rank = a.Type, r
		}
	}
	return kind
}

var telling = map[string]int{
	"message": 1, "asset-transfer": 2, "asset-cert": 3, "mit-transfer": 4, "mit-register": 5, "did-transfer": 6, "did-register": 7, "asset-issue": 8,
}

func describeAttachment(a *pillars.Attachment) Attachment {
	out := Attachment{Type: "etp", Version: a.Version, ToDID: a.To, FromDID: a.From}
	switch v := a.Payload.(type) {
	case pillars.Award:
		out.Type, out.Height = "award", v.Height
	case pillars.AssetIssue:
		supply, decimals, threshold := Units(v.Supply), v.Decimals, v.Threshold&^pillars.SecondaryIssue
		out.Type, out.Symbol, out.Quantity, out.Decimals, out.Threshold = "asset-issue", v.Symbol, &supply, &decimals, &threshold
		out.Secondary, out.Issuer, out.Address, out.Description = v.Secondary(), v.Issuer, v.Address, v.Description
	case pillars.AssetTransfer:
		quantity := Units(v.Quantity)
		out.Type, out.Symbol, out.Quantity = "asset-transfer", v.Symbol, &quantity
	case pillars.Message:
		out.Type, out.Content = "message", v.Text
	case pillars.Avatar:
		out.Type, out.Symbol, out.Address = "did-register", v.Symbol, v.Address
		if v.Status == pillars.StatusTransfer {
			out.Type = "did-transfer"
		}
	case pillars.Certificate:
		status := v.Status
		out.Type, out.Symbol, out.Owner, out.Address = "asset-cert", v.Symbol, v.Owner, v.Address
		out.Cert, out.Status, out.Content = CertName(v.Kind), &status, v.Content
	case pillars.Token:
		out.Type, out.Symbol, out.Address, out.Content = "mit-register", v.Symbol, v.Address, v.Content
		if v.Status == pillars.StatusTransfer {
			out.Type = "mit-transfer"
		}
	case pillars.Null:
		out.Type = "null"
	}
	return out
}

var certNames = map[pillars.CertificateType]string{
	pillars.CertIssue: "issue", pillars.CertDomain: "domain", pillars.CertNaming: "naming", pillars.CertMining: "mining", pillars.CertWitness: "witness",
}

const customMask = 0xfffff

// CertName is the word for a certificate's type: issue, domain, naming, mining, witness, or custom:7;
// custom+:7 is one with content.
func CertName(kind pillars.CertificateType) string {
	if name, ok := certNames[kind]; ok {
		return name
	}
	name := "custom:"
	if kind&pillars.CertHasContent != 0 {
		name = "custom+:"
	}
	return name + strconv.FormatUint(uint64(kind&customMask), 10)
}

// ParseCert reads the word for a certificate's type, or its number.
func ParseCert(s string) (pillars.CertificateType, bool) {
	for kind, name := range certNames {
		if name == s {
			return kind, true
		}
	}
	for prefix, base := range map[string]pillars.CertificateType{"custom:": pillars.CertCustom, "custom+:": pillars.CertCustom | pillars.CertHasContent} {
		if len(s) > len(prefix) && s[:len(prefix)] == prefix {
			n, err := strconv.ParseUint(s[len(prefix):], 10, 32)
			return base | pillars.CertificateType(n), err == nil && n <= customMask
		}
	}
	n, err := strconv.ParseUint(s, 10, 32)
	return pillars.CertificateType(n), err == nil
}

// AddressKind is the word for what an address commits to.
func AddressKind(a pillars.Address) string {
	return map[pillars.AddressKind]string{
		pillars.ToPubKeyHash: "p2pkh", pillars.ToScriptHash: "p2sh", pillars.ToWitnessPubKeyHash: "p2wpkh",
		pillars.ToWitnessScriptHash: "p2wsh", pillars.ToTaproot: "p2tr", pillars.ToBlackHole: "blackhole",
	}[a.Kind()]
}
