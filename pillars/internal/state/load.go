package state

import "github.com/asterism-network/asterism/pillars"

// A load is what a transaction carries besides ETP: the places of inputs and outputs by what is there.
type load struct {
	issue, issues         int   // the output with the issue of an asset; how many there are
	assetsIn, assetsOut   []int // transfers; of inputs also issues
	avatarsIn, avatarsOut []int
	certsIn, certsOut     []int
	certs                 map[Key]int // the inputs of certsIn by what they hold
	tokensIn, tokensOut   []int
}

func (j *judgement) sort() load {
	var l load
	for i := range j.spent {
		switch j.spent[i].Attachment.Type() {
		case pillars.TypeAsset:
			l.assetsIn = append(l.assetsIn, i)
		case pillars.TypeAvatar:
			l.avatarsIn = append(l.avatarsIn, i)
		case pillars.TypeCertificate:
			l.addCertificate(i, &j.spent[i])
		case pillars.TypeToken:
			l.tokensIn = append(l.tokensIn, i)
		}
	}
	for i := range j.tx.Outputs {
		switch j.tx.Outputs[i].Attachment.Payload.(type) {
		case pillars.AssetIssue:
			l.issue = i
			l.issues++
		case pillars.AssetTransfer:
			l.assetsOut = append(l.assetsOut, i)
		case pillars.Avatar:
			l.avatarsOut = append(l.avatarsOut, i)
		case pillars.Certificate:
			l.certsOut = append(l.certsOut, i)
		case pillars.Token:
			l.tokensOut = append(l.tokensOut, i)
		}
	}
	return l
}

func (l *load) addCertificate(i int, out *Output) {
	if l.certs == nil {
		l.certs = map[Key]int{}
	}
	c := out.Attachment.Payload.(pillars.Certificate)
	l.certs[CertificateKey(c.Kind, c.Symbol)] = i
	l.certsIn = append(l.certsIn, i)
}

// checkLoad judges what the transaction carries: one sort of thing, besides ETP and messages, except that
// certificates go with an issue [PIL-ACT-1].
func (j *judgement) checkLoad() error {
	j.load = j.sort()
	l := &j.load
	asset := l.issues > 0 || len(l.assetsIn)+len(l.assetsOut) > 0
	avatar := len(l.avatarsIn)+len(l.avatarsOut) > 0
	cert := len(l.certsIn)+len(l.certsOut) > 0
	token := len(l.tokensIn)+len(l.tokensOut) > 0
	sorts := 0
	for _, there := range []bool{asset, avatar, cert && l.issues == 0, token} {
		if there {
			sorts++
		}
	}
	switch {
	case sorts > 1 || l.issues > 1:
		return reject(ActionMixed, "issues %d, assets %t, avatars %t, certificates %t, tokens %t", l.issues, asset, avatar, cert, token)
	case l.issues == 1:
		return j.checkIssue()
	case asset:
		return j.checkTransfer()
	case avatar:
		return j.checkAvatar()
	case cert:
		return j.checkCertificates(nil)
	case token:
		return j.checkTokens()
	}
	return nil
}

// checkHolder: a payload's address is who the output pays and, where it names an avatar, that avatar's
// [PIL-ACT-2].
func (j *judgement) checkHolder(i int, avatar, address string) error {
	a, err := pillars.ParseAddress(address, j.params().Address)
	if err != nil || j.to[i].Address != a {
		return reject(HolderWrong, "output %d does not pay %s", i, address)
	}
	if avatar != "" && !j.isAvatarOf(avatar, a) {
		return reject(HolderWrong, "output %d: avatar %s is not at %s", i, avatar, address)
	}
	return nil
}

// isAvatarOf reports whether an avatar is bound to an address. Nobody's is bound to nobody's.
func (j *judgement) isAvatarOf(symbol string, a pillars.Address) bool {
	if symbol == pillars.BlackHoleAvatar {
		return a == pillars.BlackHole()
	}
	avatar, ok := j.state().Avatar(symbol)
	return ok && avatar.Address == a
}

// spends reports whether some input is of the address.
func (j *judgement) spends(a pillars.Address) bool {
	for i := range j.from {
		if j.from[i].Address == a {
			return true
		}
	}
	return false
}

// spendsETP reports whether some input with nothing but ETP is of the address.
func (j *judgement) spendsETP(a pillars.Address) bool {
	for i := range j.from {
		if j.from[i].Address == a && j.spent[i].Attachment.Type() == pillars.TypeETP {
			return true
		}
	}
	return false
}

// checkAvatarNames: an output that names who receives it pays that avatar, and one that names who pays has an
// input of that avatar [PIL-AVA-1] [PIL-AVA-2].
func (j *judgement) checkAvatarNames() error {
	for i := range j.tx.Outputs {
		a := &j.tx.Outputs[i].Attachment
		if a.To != "" && !j.isAvatarOf(a.To, j.to[i].Address) {
			return reject(ToAvatarWrong, "output %d is not to %s", i, a.To)
		}
		if a.From == "" {
			continue
		}
		from, ok := j.state().Avatar(a.From)
		if !ok || !j.spends(from.Address) {
			return reject(FromAvatarWrong, "output %d is not from %s", i, a.From)
		}
	}
	return nil
}
