package state

import "github.com/asterism-network/asterism/pillars"

// checkAvatar judges the registration or transfer of an avatar: the one thing that such a transaction carries.
func (j *judgement) checkAvatar() error {
	ins, outs := j.load.avatarsIn, j.load.avatarsOut
	switch {
	case len(outs) > 1 || len(ins) > 1:
		return reject(ActionMixed, "%d avatars spent, %d avatars out", len(ins), len(outs))
	case len(outs) == 0:
		return reject(AvatarLost, "input %d", ins[0])
	}
	v := j.tx.Outputs[outs[0]].Attachment.Payload.(pillars.Avatar)
	if v.Address == pillars.BlackHole().Text(j.params().Address) {
		return reject(AvatarNowhere, "%s", v.Symbol)
	}
	if err := j.checkHolder(outs[0], "", v.Address); err != nil {
		return err
	}
	to := j.to[outs[0]].Address
	var err error
	if v.Status == pillars.StatusRegister {
		err = j.checkRegistration(&v, to)
	} else {
		err = j.checkBinding(&v, to)
	}
	if err != nil {
		return err
	}
	if symbol, taken := j.state().AvatarOf(to); taken {
		return reject(AddressTaken, "%s is at %s", symbol, v.Address)
	}
	if !j.spendsETP(to) {
		return reject(AvatarPayer, "no input of %s", v.Address)
	}
	avatar := Avatar{Address: to, Outpoint: j.outpoint(outs[0]), Height: j.d.height}
	j.write(AvatarKey(v.Symbol), avatar.bytes())
	j.write(AddressKey(to), []byte(v.Symbol))
	return nil
}

// checkRegistration: the name is free and the fee is paid [PIL-AVA-3].
func (j *judgement) checkRegistration(v *pillars.Avatar, to pillars.Address) error {
	if len(j.load.avatarsIn) > 0 {
		return reject(AvatarLost, "input %d", j.load.avatarsIn[0])
	}
	if _, exists := j.state().Avatar(v.Symbol); exists || v.Symbol == pillars.BlackHoleAvatar {
		return reject(AvatarExists, "%s", v.Symbol)
	}
	return j.checkSpecialFee(j.params().Fees.Avatar)
}

// checkBinding: the avatar is spent, beside one input of its new address, so that both sides sign [PIL-AVA-6]
// [PIL-AVA-7].
func (j *judgement) checkBinding(v *pillars.Avatar, to pillars.Address) error {
	if len(j.load.avatarsIn) == 0 {
		return reject(AvatarUnknown, "%s", v.Symbol)
	}
	in := j.load.avatarsIn[0]
	if before := j.spent[in].Attachment.Payload.(pillars.Avatar); before.Symbol != v.Symbol {
		return reject(AvatarUnknown, "%s, input %d is %s", v.Symbol, in, before.Symbol)
	}
	if len(j.spent) != 2 {
		return reject(AvatarInputs, "%d", len(j.spent))
	}
	j.write(AddressKey(j.from[in].Address), nil)
	return nil
}

// checkTokens judges identifiable tokens: several are registered at once, to one address, or one is transferred.
func (j *judgement) checkTokens() error {
	outs := j.load.tokensOut
	if len(outs) == 0 {
		return reject(TokenLost, "input %d", j.load.tokensIn[0])
	}
	first := j.tx.Outputs[outs[0]].Attachment.Payload.(pillars.Token)
	if first.Status == pillars.StatusRegister {
		return j.checkTokensNew(first.Address)
	}
	return j.checkTokenTransfer(outs[0], &first)
}

// checkTokensNew: each name is free, and all go to one address [PIL-TOK-1] [PIL-TOK-4].
func (j *judgement) checkTokensNew(address string) error {
	if len(j.load.tokensIn) > 0 {
		return reject(TokenLost, "input %d", j.load.tokensIn[0])
	}
	seen := map[string]bool{}
	for _, i := range j.load.tokensOut {
		v := j.tx.Outputs[i].Attachment.Payload.(pillars.Token)
		_, exists := j.state().Token(v.Symbol)
		switch {
		case v.Status != pillars.StatusRegister || seen[v.Symbol]:
			return reject(TokenCount, "%s", v.Symbol)
		case exists:
			return reject(TokenExists, "%s", v.Symbol)
		case v.Address != address:
			return reject(TokenAddresses, "%s and %s", address, v.Address)
		}
		seen[v.Symbol] = true
		if err := j.checkHolder(i, "", v.Address); err != nil {
			return err
		}
		j.writeToken(i, &v, Token{Content: v.Content, Height: j.d.height})
	}
	return nil
}

// checkTokenTransfer: one token is spent, and goes on [PIL-TOK-2] [PIL-TOK-3].
func (j *judgement) checkTokenTransfer(i int, v *pillars.Token) error {
	ins := j.load.tokensIn
	switch {
	case len(j.load.tokensOut) > 1 || len(ins) > 1:
		return reject(TokenCount, "%d spent, %d out", len(ins), len(j.load.tokensOut))
	case len(ins) == 0 || j.spent[ins[0]].Attachment.Payload.(pillars.Token).Symbol != v.Symbol:
		return reject(TokenUnknown, "%s is not spent", v.Symbol)
	}
	if err := j.checkHolder(i, "", v.Address); err != nil {
		return err
	}
	record, ok := j.state().Token(v.Symbol)
	if !ok {
		panic("state: an output of token " + v.Symbol + ", which is not known")
	}
	j.writeToken(i, v, record)
	return nil
}

func (j *judgement) writeToken(i int, v *pillars.Token, record Token) {
	record.Outpoint, record.Address, record.Burned = j.outpoint(i), v.Address, !spendable(&j.tx.Outputs[i])
	j.write(TokenKey(v.Symbol), record.bytes())
}
