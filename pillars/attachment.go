package pillars

// An AttachmentType is the number of what an output carries beside its ETP.
type AttachmentType uint32

// The types of attachments.
const (
	TypeETP         AttachmentType = 0
	TypeAward       AttachmentType = 1
	TypeAsset       AttachmentType = 2
	TypeMessage     AttachmentType = 3
	TypeAvatar      AttachmentType = 4
	TypeCertificate AttachmentType = 5
	TypeToken       AttachmentType = 6
	TypeNull        AttachmentType = 0xffffffff
)

// Versions of attachments: with AttachmentAvatars the avatars of both sides stand in front of the payload.
const (
	AttachmentBare    = 0 // the running network's genesis, coinbases and coinstakes
	AttachmentPlain   = 1
	AttachmentAvatars = 207
)

// Limits of strings in attachments, in bytes. They hold for decoding; the rules of the state may ask for less.
const (
	MaxSymbol      = 64
	MaxAddress     = 64
	MaxDescription = 64
	MaxMessage     = 253
	MaxCertContent = 64
	MaxToken       = 256 // content of an identifiable token
)

// An Attachment is what an output carries beside its ETP [PIL-ATT-1].
type Attachment struct {
	Version uint32  // one of the three above; 0 in version-5 transactions
	To      string  // avatar that receives, with AttachmentAvatars
	From    string  // avatar that pays, with AttachmentAvatars
	Payload Payload // nil is plain ETP
}

// Type returns the type of the payload.
func (a *Attachment) Type() AttachmentType {
	if a.Payload == nil {
		return TypeETP
	}
	return a.Payload.Type()
}

// A Payload is one of the types below; there are no others.
type Payload interface {
	Type() AttachmentType
	append(b []byte) []byte
}

// An Award was the interest on a deposit; the running network never relied on the height.
type Award struct{ Height uint64 }

// AssetIssue defines an asset and creates its first, or with the flag a further, supply.
type AssetIssue struct {
	Symbol      string
	Supply      uint64
	Decimals    uint8
	Threshold   uint8   // of secondary issue: 0 never, 1..100 percent, 127 free; see Secondary
	Unused      [2]byte // part of the id, without meaning
	Issuer      string  // an avatar
	Address     string
	Description string
}

// SecondaryIssue marks, in the threshold, a further issue of an asset that exists.
const SecondaryIssue = 0x80

// ThresholdFree is the threshold that allows further issues without holding any of the asset.
const ThresholdFree = 127

// Secondary reports whether this adds to the supply of an asset that exists.
func (a AssetIssue) Secondary() bool { return a.Threshold&SecondaryIssue != 0 }

// An AssetTransfer holds a quantity of an asset.
type AssetTransfer struct {
	Symbol   string
	Quantity uint64
}

// A Message is text for the receiver.
type Message struct{ Text string }

// Statuses of avatars and identifiable tokens.
const (
	StatusRegister = 1
	StatusTransfer = 2
)

// An Avatar binds a name to an address.
type Avatar struct {
	Status  uint32 // StatusRegister or StatusTransfer
	Symbol  string
	Address string
}

// A CertificateType says what a certificate allows.
type CertificateType uint32

// The types of certificates. Content follows where CertHasContent is set.
const (
	CertIssue      CertificateType = 1
	CertDomain     CertificateType = 2
	CertNaming     CertificateType = 3
	CertMining     CertificateType = 4 | CertHasContent | 0x20000000
	CertWitness    CertificateType = 5
	CertHasContent CertificateType = 0x40000000
	CertCustom     CertificateType = 0x80000000
)

// Statuses of certificates.
const (
	CertNormal    = 0 // passed through
	CertIssued    = 1
	CertTransfer  = 2
	CertAutoIssue = 3
)

// A Certificate is a right to something, held by an avatar.
type Certificate struct {
	Symbol  string
	Owner   string // an avatar
	Address string
	Kind    CertificateType
	Status  uint8
	Content string // only where Kind has CertHasContent
}

// A Token is one of its kind (MIT).
type Token struct {
	Status  uint8 // StatusRegister or StatusTransfer
	Symbol  string
	Address string
	Content string // only when registering
}

// Null marks the first output of a coinstake.
type Null struct{}

// Type returns TypeAward.
func (Award) Type() AttachmentType { return TypeAward }

// Type returns TypeAsset.
func (AssetIssue) Type() AttachmentType { return TypeAsset }

// Type returns TypeAsset.
func (AssetTransfer) Type() AttachmentType { return TypeAsset }

// Type returns TypeMessage.
func (Message) Type() AttachmentType { return TypeMessage }

// Type returns TypeAvatar.
func (Avatar) Type() AttachmentType { return TypeAvatar }

// Type returns TypeCertificate.
func (Certificate) Type() AttachmentType { return TypeCertificate }

// Type returns TypeToken.
func (Token) Type() AttachmentType { return TypeToken }

// Type returns TypeNull.
func (Null) Type() AttachmentType { return TypeNull }
