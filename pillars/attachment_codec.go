package pillars

import "github.com/asterism-network/asterism/internal/codec"

// Statuses inside the payload of type TypeAsset.
const (
	assetIssue    = 1
	assetTransfer = 2
)

func (a *Attachment) append(b []byte) []byte {
	b = appendU32(b, a.Version)
	b = appendU32(b, uint32(a.Type()))
	if a.Version == AttachmentAvatars {
		b = appendBytes(b, a.To)
		b = appendBytes(b, a.From)
	}
	if a.Payload == nil {
		return b
	}
	return a.Payload.append(b)
}

func (a *Attachment) decode(r *codec.Reader) {
	a.Version = readU32(r, "attachment version")
	kind := AttachmentType(readU32(r, "attachment type"))
	switch a.Version {
	case AttachmentBare, AttachmentPlain:
	case AttachmentAvatars:
		a.To = readString(r, MaxSymbol, "to avatar")
		a.From = readString(r, MaxSymbol, "from avatar")
	default:
		r.Fail(codec.BadValue, "attachment version")
	}
	a.Payload = decodePayload(r, kind)
}

func decodePayload(r *codec.Reader, kind AttachmentType) Payload {
	switch kind {
	case TypeETP:
	case TypeAward:
		return Award{readU64(r, "award height")}
	case TypeAsset:
		return decodeAsset(r)
	case TypeMessage:
		return Message{readString(r, MaxMessage, "message")}
	case TypeAvatar:
		v := Avatar{Status: readU32(r, "avatar status")}
		v.Symbol = readString(r, MaxSymbol, "avatar symbol")
		v.Address = readString(r, MaxAddress, "avatar address")
		failUnless(r, v.Status == StatusRegister || v.Status == StatusTransfer, "avatar status")
		return v
	case TypeCertificate:
		return decodeCertificate(r)
	case TypeToken:
		return decodeToken(r)
	case TypeNull:
		return Null{}
	default:
		r.Fail(codec.BadValue, "attachment type")
	}
	return nil
}

func failUnless(r *codec.Reader, ok bool, field string) {
	if !ok {
		r.Fail(codec.BadValue, field)
	}
}

func decodeAsset(r *codec.Reader) Payload {
	switch readU32(r, "asset status") {
	case assetIssue:
		v := AssetIssue{Symbol: readString(r, MaxSymbol, "asset symbol")}
		v.Supply = readU64(r, "asset supply")
		v.Decimals = r.U8("asset decimals")
		v.Threshold = r.U8("secondary issue threshold")
		r.Fixed(v.Unused[:], "unused")
		v.Issuer = readString(r, MaxSymbol, "asset issuer")
		v.Address = readString(r, MaxAddress, "asset address")
		v.Description = readString(r, MaxDescription, "asset description")
		return v
	case assetTransfer:
		v := AssetTransfer{Symbol: readString(r, MaxSymbol, "asset symbol")}
		v.Quantity = readU64(r, "asset quantity")
		return v
	}
	r.Fail(codec.BadValue, "asset status")
	return nil
}

func decodeCertificate(r *codec.Reader) Payload {
	v := Certificate{Symbol: readString(r, MaxSymbol, "certificate symbol")}
	v.Owner = readString(r, MaxSymbol, "certificate owner")
	v.Address = readString(r, MaxAddress, "certificate address")
	v.Kind = CertificateType(readU32(r, "certificate type"))
	v.Status = r.U8("certificate status")
	failUnless(r, v.Status <= CertAutoIssue, "certificate status")
	if v.Kind&CertHasContent != 0 {
		v.Content = readString(r, MaxCertContent, "certificate content")
	}
	return v
}

func decodeToken(r *codec.Reader) Payload {
	v := Token{Status: r.U8("token status")}
	v.Symbol = readString(r, MaxSymbol, "token symbol")
	v.Address = readString(r, MaxAddress, "token address")
	switch v.Status {
	case StatusRegister:
		v.Content = readString(r, MaxToken, "token content")
	case StatusTransfer:
	default:
		r.Fail(codec.BadValue, "token status")
	}
	return v
}

func (v Award) append(b []byte) []byte { return appendU64(b, v.Height) }

func (v AssetIssue) append(b []byte) []byte {
	b = appendBytes(appendU32(b, assetIssue), v.Symbol)
	b = appendU64(b, v.Supply)
	b = append(b, v.Decimals, v.Threshold, v.Unused[0], v.Unused[1])
	b = appendBytes(b, v.Issuer)
	b = appendBytes(b, v.Address)
	return appendBytes(b, v.Description)
}

func (v AssetTransfer) append(b []byte) []byte {
	return appendU64(appendBytes(appendU32(b, assetTransfer), v.Symbol), v.Quantity)
}

func (v Message) append(b []byte) []byte { return appendBytes(b, v.Text) }

func (v Avatar) append(b []byte) []byte {
	return appendBytes(appendBytes(appendU32(b, v.Status), v.Symbol), v.Address)
}

func (v Certificate) append(b []byte) []byte {
	b = appendBytes(b, v.Symbol)
	b = appendBytes(b, v.Owner)
	b = appendBytes(b, v.Address)
	b = append(appendU32(b, uint32(v.Kind)), v.Status)
	if v.Kind&CertHasContent != 0 {
		b = appendBytes(b, v.Content)
	}
	return b
}

func (v Token) append(b []byte) []byte {
	b = appendBytes(appendBytes(append(b, v.Status), v.Symbol), v.Address)
	if v.Status == StatusRegister {
		b = appendBytes(b, v.Content)
	}
	return b
}

func (Null) append(b []byte) []byte { return b }
