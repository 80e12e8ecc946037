package client

import "github.com/asterism-network/asterism/pillars"

// A Balance is what an address holds after the tip.
type Balance struct {
	Address   string         `json:"address"`
	Confirmed pillars.Amount `json:"confirmed"` // everything in blocks
	Available pillars.Amount `json:"available"` // of it, what the next block may spend
	Immature  pillars.Amount `json:"immature"`  // rewards that ripen
	Locked    pillars.Amount `json:"locked"`
	Pending   pillars.Amount `json:"pending"`  // received by transactions that wait
	Leaving   pillars.Amount `json:"leaving"`  // spent by transactions that wait
	Received  pillars.Amount `json:"received"` // ever, in blocks
	Outputs   int            `json:"unspent_outputs"`
	Assets    []AssetBalance `json:"assets"`
	Avatar    string         `json:"did,omitempty"`
}

// An AssetBalance is what an address holds of an asset.
type AssetBalance struct {
	Symbol   string `json:"symbol"`
	Quantity Units  `json:"quantity"`
	Locked   Units  `json:"locked_quantity"` // under a lock with scheduled release, whatever of it is due
	Decimals uint8  `json:"decimal_number"`
}

// An Unspent is an unspent output of an address.
type Unspent struct {
	Tx        pillars.TxID `json:"tx"`
	Height    uint32       `json:"height"`
	Spendable bool         `json:"spendable"`       // by the next block
	Until     uint32       `json:"until,omitempty"` // height that the next block must have
	UntilTime uint32       `json:"until_time,omitempty"`
	Output    Output       `json:"output"`
}

// Unspents answers listunspent.
type Unspents struct {
	Tip   Tip       `json:"tip"`
	Items []Unspent `json:"items"`
}

// An Asset is what is known of an asset.
type Asset struct {
	Symbol      string `json:"symbol"`
	Supply      Units  `json:"maximum_supply"` // by all issues
	Mined       Units  `json:"mined"`
	Burned      Units  `json:"burned"`
	Outstanding Units  `json:"outstanding"`
	Decimals    uint8  `json:"decimal_number"`
	Threshold   uint8  `json:"secondaryissue_threshold"`
	Issuer      string `json:"issuer"` // of the first issue
	Address     string `json:"address"`
	Description string `json:"description"`
	Height      uint32 `json:"height"`           // of the first issue
	Mining      string `json:"mining,omitempty"` // terms, if it is mined
}

// AssetPage answers listassets.
type AssetPage struct {
	Items []Asset `json:"assets"`
	Next  string  `json:"next"`
}

// An Avatar is a name bound to an address.
type Avatar struct {
	Symbol  string           `json:"symbol"`
	Address string           `json:"address"`
	Height  uint32           `json:"height"` // since when it is bound to this address
	Output  pillars.Outpoint `json:"output"`
	History []AvatarChange   `json:"history,omitempty"` // oldest first; getdid only
}

// An AvatarChange is a registration or transfer of an avatar.
type AvatarChange struct {
	Address string       `json:"address"`
	Tx      pillars.TxID `json:"tx"`
	Height  uint32       `json:"height"`
	Time    uint32       `json:"time"`
}

// AvatarPage answers listdids.
type AvatarPage struct {
	Items []Avatar `json:"dids"`
	Next  string   `json:"next"`
}

// A Certificate is a right in the hands of an avatar.
type Certificate struct {
	Symbol  string           `json:"symbol"`
	Cert    string           `json:"cert"`
	Kind    uint32           `json:"type"`
	Owner   string           `json:"owner"`
	Address string           `json:"address"`
	Content string           `json:"content,omitempty"`
	Height  uint32           `json:"height"`
	Burned  bool             `json:"burned,omitempty"`
	Output  pillars.Outpoint `json:"output"`
}

// CertificatePage answers listcerts.
type CertificatePage struct {
	Items []Certificate `json:"certs"`
	Next  string        `json:"next"`
}

// A Token is one of its kind (MIT).
type Token struct {
	Symbol  string           `json:"symbol"`
	Address string           `json:"address"`
	Content string           `json:"content"`
	Height  uint32           `json:"height"` // of its registration
	Burned  bool             `json:"burned,omitempty"`
	Output  pillars.Outpoint `json:"output"`
	History []AvatarChange   `json:"history,omitempty"` // getmit only
}

// TokenPage answers listmits.
type TokenPage struct {
	Items []Token `json:"mits"`
	Next  string  `json:"next"`
}

// Random answers getrandom.
type Random struct {
	Random string `json:"random"` // decimal text
	Hash   string `json:"hash"`   // Keccak-256 of that text
}

// Validity answers validateaddress.
type Validity struct {
	Valid   bool   `json:"is_valid"`
	Address string `json:"address"`
	Type    string `json:"address_type,omitempty"` // p2pkh, p2sh, p2wpkh, p2wsh, p2tr, blackhole
	Script  string `json:"script_hex,omitempty"`
	DID     string `json:"did,omitempty"` // of the address, or the name that was given
	Why     string `json:"message,omitempty"`
}

// SymbolCheck answers validatesymbol.
type SymbolCheck struct {
	Symbol string `json:"symbol"`
	Free   bool   `json:"is_valid"` // well formed, allowed and not taken
	Why    string `json:"message,omitempty"`
	Domain string `json:"domain,omitempty"` // of an asset
	Holder string `json:"domain_holder,omitempty"`
}
