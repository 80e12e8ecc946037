package pillars

// maxDecimals is the most decimals of an asset: 10^19 is the last power of ten below 2^64.
const maxDecimals = 19

// checkAttachment judges one output's attachment by itself and by its place.
func (tx *Transaction) checkAttachment(p *Params, i int) error {
	a := &tx.Outputs[i].Attachment
	special := tx.IsCoinbase() || tx.IsCoinstake()
	if tx.IsSegWit() {
		if *a != (Attachment{}) {
			return reject(AttachmentMisplaced, "output %d of a version-5 transaction", i)
		}
		return nil
	}
	if a.Version == AttachmentBare && !special {
		return reject(AttachmentVersionRule, "output %d", i)
	}
	if !tx.placed(i) {
		return reject(AttachmentMisplaced, "type %d in output %d", a.Type(), i)
	}
	for _, avatar := range []string{a.To, a.From} {
		if avatar != "" && !ValidAvatar(avatar) {
			return reject(AvatarInvalid, "%q in output %d", avatar, i)
		}
	}
	return a.checkPayload(p)
}

// placed reports whether the output's type of attachment may stand there: the marker in a
// coinstake's first output, ETP and mined assets in a coinbase, all but those and awards elsewhere.
func (tx *Transaction) placed(i int) bool {
	payload := tx.Outputs[i].Attachment.Payload
	_, mined := payload.(AssetTransfer)
	switch {
	case tx.IsCoinbase():
		return payload == nil || mined && i > 0
	case tx.IsCoinstake():
		return payload == nil || i == 0
	}
	kind := tx.Outputs[i].Attachment.Type()
	return kind != TypeNull && kind != TypeAward
}

func (a *Attachment) checkPayload(p *Params) error {
	switch v := a.Payload.(type) {
	case AssetIssue:
		return v.check(p)
	case AssetTransfer:
		if v.Quantity == 0 {
			return reject(QuantityZero, "%s", v.Symbol)
		}
		return checkSymbol(v.Symbol, p)
	case Avatar:
		if !ValidAvatar(v.Symbol) || p.Names.bans(v.Symbol) {
			return reject(AvatarInvalid, "%q", v.Symbol)
		}
		return checkAddress(v.Address, p)
	case Certificate:
		return v.check(p)
	case Token:
		if !ValidAvatar(v.Symbol) {
			return reject(SymbolInvalid, "%q", v.Symbol)
		}
		return checkAddress(v.Address, p)
	}
	return nil
}

func (v AssetIssue) check(p *Params) error {
	threshold := v.Threshold &^ SecondaryIssue
	switch {
	case v.Supply == 0:
		return reject(QuantityZero, "%s", v.Symbol)
	case v.Decimals > maxDecimals:
		return reject(AssetDecimals, "%d", v.Decimals)
	case threshold > 100 && threshold != ThresholdFree:
		return reject(AssetThreshold, "%d", threshold)
	case !ValidAvatar(v.Issuer):
		return reject(AvatarInvalid, "issuer %q", v.Issuer)
	}
	if err := checkSymbol(v.Symbol, p); err != nil {
		return err
	}
	return checkAddress(v.Address, p)
}

func (v Certificate) check(p *Params) error {
	switch {
	case !v.Kind.Valid():
		return reject(CertificateKind, "%#x", uint32(v.Kind))
	case !ValidAvatar(v.Owner):
		return reject(AvatarInvalid, "owner %q", v.Owner)
	}
	if v.Kind == CertMining {
		if _, err := ParseMiningTerms(v.Content); err != nil {
			return err
		}
	}
	if err := checkSymbol(v.Symbol, p); err != nil {
		return err
	}
	return checkAddress(v.Address, p)
}

// Valid reports whether there are certificates of the type.
func (k CertificateType) Valid() bool {
	switch k {
	case CertIssue, CertDomain, CertNaming, CertMining, CertWitness:
		return true
	}
	return k&^(CertHasContent|0xfffff) == CertCustom
}

func checkAddress(s string, p *Params) error {
	a, err := ParseAddress(s, p.Address)
	if err != nil {
		return reject(AddressInvalid, "%v", err)
	}
	switch a.Kind() {
	case ToPubKeyHash, ToScriptHash, ToBlackHole:
		return nil
	}
	return reject(AddressInvalid, "%q cannot hold what is not ETP", s)
}

func checkSymbol(s string, p *Params) error {
	if !ValidSymbol(s) {
		return reject(SymbolInvalid, "%q", s)
	}
	if s == etpSymbol || p.Names.bans(s) {
		return reject(SymbolBanned, "%q", s)
	}
	return nil
}
