package state

import (
	"errors"
	"testing"

	"github.com/asterism-network/asterism/pillars"
	"github.com/asterism-network/asterism/pillars/script"
)

// A ruleCase builds one valid transaction, breaks one fact, and names the rule that must notice.
type ruleCase struct {
	name   string
	want   error
	valid  func(w *world) *pillars.Transaction
	broken func(w *world, tx *pillars.Transaction)
}

func change(tx *pillars.Transaction) *pillars.Output { return &tx.Outputs[len(tx.Outputs)-1] }

// swap puts another payload into an output.
func swap[T pillars.Payload](tx *pillars.Transaction, i int, with func(*T)) {
	v := tx.Outputs[i].Attachment.Payload.(T)
	with(&v)
	tx.Outputs[i].Attachment.Payload = v
}

func payment(w *world) *pillars.Transaction {
	return w.pay(w.alice, fee, []pillars.Output{plain(w.bob, pillars.ETP)})
}

// spendDeposit spends a deposit in the first block that may.
func spendDeposit(w *world) *pillars.Transaction {
	w.mine(w.pay(w.carol, fee, []pillars.Output{deposit(w.carol, 40*pillars.ETP, 2)}))
	w.mine()
	return w.payWith(w.carol, fee, nil, w.first(w.find(func(o *Output) bool { return o.Value == 40*pillars.ETP })))
}

func spendOldDeposit(w *world) *pillars.Transaction {
	return w.payWith(w.carol, fee, nil, w.first(w.find(func(o *Output) bool { return o.Value == 50*pillars.ETP })))
}

func registration(w *world) *pillars.Transaction {
	return w.pay(w.carol, pillars.ETP, register(w.carol))
}

func toAvatar(w *world) *pillars.Transaction {
	tx := payment(w)
	tx.Outputs[0].Attachment = pillars.Attachment{Version: pillars.AttachmentAvatars, To: "BOB", From: "ALICE"}
	return tx
}

func assetPayment(w *world) *pillars.Transaction {
	return w.pay(w.alice, fee, []pillars.Output{transfer(w.bob, one, 500), transfer(w.alice, one, 100)}, w.assetAt(w.alice, one))
}

func firstIssue(w *world) *pillars.Transaction {
	return w.pay(w.alice, 10*pillars.ETP, issue(w.alice, "BETA.ONE", 50, true, true))
}

// issueByName issues what Bob's naming certificate is for; the certificate ends with it.
func issueByName(w *world) *pillars.Transaction {
	return w.pay(w.bob, 10*pillars.ETP, issue(w.bob, named, 0, false, false), w.certificate(pillars.CertNaming, named))
}

func issueByDomain(w *world) *pillars.Transaction {
	outs := append(issue(w.alice, "ALPHA.TWO", 0, false, false), certificate(w.alice, pillars.CertDomain, "ALPHA", pillars.CertNormal, ""))
	return w.pay(w.alice, 10*pillars.ETP, outs, w.certificate(pillars.CertDomain, "ALPHA"))
}

func naming(w *world) *pillars.Transaction {
	return w.pay(w.alice, fee, []pillars.Output{
		certificate(w.bob, pillars.CertNaming, "ALPHA.MORE", pillars.CertIssued, ""),
		certificate(w.alice, pillars.CertDomain, "ALPHA", pillars.CertNormal, ""),
	}, w.certificate(pillars.CertDomain, "ALPHA"))
}

func certificateTransfer(w *world) *pillars.Transaction {
	return w.pay(w.alice, fee, []pillars.Output{certificate(w.bob, custom, "ALPHA.KYC", pillars.CertTransfer, meaning)}, w.certificate(custom, "ALPHA.KYC"))
}

func avatarOutput(w *world, symbol string) pillars.Outpoint {
	a, _ := w.state().Avatar(symbol)
	return a.Outpoint
}

// avatarTransfer binds ALICE to Carol's address.
func avatarTransfer(w *world) *pillars.Transaction {
	moved := carrying(w.carol, pillars.Avatar{Status: pillars.StatusTransfer, Symbol: "ALICE", Address: w.carol.text})
	return w.pay(w.carol, fee, []pillars.Output{moved}, avatarOutput(w, "ALICE"))
}

func tokenOutput(w *world, symbol string) pillars.Outpoint {
	v, _ := w.state().Token(symbol)
	return v.Outpoint
}

func tokenTransfer(w *world) *pillars.Transaction {
	return w.pay(w.bob, fee, []pillars.Output{token(w.alice, tokenA, pillars.StatusTransfer)}, tokenOutput(w, tokenA))
}

func tokenRegistration(w *world) *pillars.Transaction {
	return w.pay(w.alice, fee, []pillars.Output{token(w.alice, "new.1", pillars.StatusRegister), token(w.alice, "new.2", pillars.StatusRegister)})
}

// spendsMore adds an input, whose ETP goes to the change.
func spendsMore(w *world, tx *pillars.Transaction, o pillars.Outpoint) {
	tx.Inputs = append(tx.Inputs, pillars.Input{Previous: o, Sequence: 0xffffffff})
	out, _ := w.state().Output(o)
	change(tx).Value += out.Value
}

func remove(tx *pillars.Transaction, i int) {
	tx.Outputs = append(tx.Outputs[:i:i], tx.Outputs[i+1:]...)
}

var ruleCases = []ruleCase{
	{"a coinbase by itself", OnlyInBlocks, payment, func(w *world, tx *pillars.Transaction) {
		tx.Inputs[0].Previous = pillars.NullOutpoint
	}},
	{"a coinstake by itself", OnlyInBlocks, payment, func(w *world, tx *pillars.Transaction) {
		tx.Outputs[0] = pillars.Output{Attachment: pillars.Attachment{Version: 1, Payload: pillars.Null{}}}
	}},
	{"no such output", OutputUnknown, payment, func(w *world, tx *pillars.Transaction) { tx.Inputs[0].Previous.Index += 999 }},
	{"spent already", OutputUnknown, payment, func(w *world, tx *pillars.Transaction) {
		w.mine(w.payWith(w.alice, fee, nil, tx.Inputs[0].Previous))
	}},
	{"a reward too early", RewardUnripe, func(w *world) *pillars.Transaction {
		return w.payWith(w.dave, fee, nil, w.first(w.find(func(o *Output) bool { return o.Reward && o.Height == w.tip.Number-2 })))
	}, func(w *world, tx *pillars.Transaction) {
		w.p.Subsidy.Maturity++
	}},
	{"a deposit a block too early", DepositLocked, spendDeposit, func(w *world, tx *pillars.Transaction) {
		out, _ := w.state().Output(tx.Inputs[0].Previous)
		w.rewrite(tx.Inputs[0].Previous, func(o *Output) { o.Script, o.Height = deposit(w.carol, 0, 2).Script, out.Height+1 })
	}},
	{"a deposit too early", DepositLocked, spendOldDeposit, func(w *world, tx *pillars.Transaction) {
		tx.Inputs[0].Previous = w.first(w.find(func(o *Output) bool { return o.Value == 60*pillars.ETP }))
	}},
	{"lock time at a height", LockTimeAhead, func(w *world) *pillars.Transaction {
		tx := payment(w)
		tx.Inputs[0].Sequence, tx.LockTime = 0, w.tip.Number
		return tx
	}, func(w *world, tx *pillars.Transaction) { tx.LockTime++ }},
	{"lock time at a time", LockTimeAhead, func(w *world) *pillars.Transaction {
		tx := payment(w)
		tx.Inputs[0].Sequence, tx.LockTime = 0, w.tip.Median(w.p)-1
		return tx
	}, func(w *world, tx *pillars.Transaction) { tx.LockTime++ }},
	{"relative lock in blocks", RelativeLockAhead, func(w *world) *pillars.Transaction {
		tx := payment(w)
		out, _ := w.state().Output(tx.Inputs[0].Previous)
		tx.Inputs[0].Sequence = w.tip.Number + 1 - out.Height
		return tx
	}, func(w *world, tx *pillars.Transaction) { tx.Inputs[0].Sequence++ }},
	{"relative lock in time", RelativeLockAhead, func(w *world) *pillars.Transaction {
		tx := payment(w)
		out, _ := w.state().Output(tx.Inputs[0].Previous)
		tx.Inputs[0].Sequence = 1<<22 | (w.tip.Median(w.p)-out.Median)/32
		return tx
	}, func(w *world, tx *pillars.Transaction) { tx.Inputs[0].Sequence++ }},
	{"inputs above all money", InputSum, func(w *world) *pillars.Transaction {
		return w.pay(w.alice, fee, nil, w.coins(w.alice)[1])
	}, func(w *world, tx *pillars.Transaction) {
		for i := range tx.Inputs {
			w.rewrite(tx.Inputs[i].Previous, func(o *Output) { o.Value = pillars.MaxMoney })
		}
	}},
	{"more out than in", ValueCreated, payment, func(w *world, tx *pillars.Transaction) { change(tx).Value += fee + 1 }},
	{"too many signatures", SigOpsTooMany, func(w *world) *pillars.Transaction {
		w.p.Limits.SigOps = 2
		return payment(w)
	}, func(w *world, tx *pillars.Transaction) { w.p.Limits.SigOps = 1 }},
	{"fee below the least", FeeTooLow, payment, func(w *world, tx *pillars.Transaction) { change(tx).Value++ }},
	{"cheap registration", SpecialFeeTooLow, registration, func(w *world, tx *pillars.Transaction) { change(tx).Value++ }},
	{"cheap issue", SpecialFeeTooLow, firstIssue, func(w *world, tx *pillars.Transaction) { change(tx).Value++ }},
	{"too little for the author", SpecialFeeTooLow, func(w *world) *pillars.Transaction {
		return w.pay(w.alice, 2*pillars.ETP, append(issue(w.alice, "BETA.ONE", 50, true, true), plain(w.community, 8*pillars.ETP)))
	}, func(w *world, tx *pillars.Transaction) {
		tx.Outputs[len(tx.Outputs)-2].Value++
	}},
	{"too little for the community", SpecialFeeTooLow, func(w *world) *pillars.Transaction {
		return w.pay(w.alice, 2*pillars.ETP, append(issue(w.alice, "BETA.ONE", 50, true, true), plain(w.community, 8*pillars.ETP)))
	}, func(w *world, tx *pillars.Transaction) {
		tx.Outputs[len(tx.Outputs)-2].Value--
		change(tx).Value++
	}},
	{"to another than the avatar", ToAvatarWrong, toAvatar, func(w *world, tx *pillars.Transaction) { tx.Outputs[0].Script = w.carol.address.Script() }},
	{"to an avatar that is not there", ToAvatarWrong, toAvatar, func(w *world, tx *pillars.Transaction) { tx.Outputs[0].Attachment.To = "NOBODY" }},
	{"to nobody, but not", ToAvatarWrong, toAvatar, func(w *world, tx *pillars.Transaction) { tx.Outputs[0].Attachment.To = pillars.BlackHoleAvatar }},
	{"from another than the avatar", FromAvatarWrong, toAvatar, func(w *world, tx *pillars.Transaction) { tx.Outputs[0].Attachment.From = "BOB" }},
	{"from an avatar that is not there", FromAvatarWrong, toAvatar, func(w *world, tx *pillars.Transaction) { tx.Outputs[0].Attachment.From = "NOBODY" }},
	{"issue to another address", HolderWrong, firstIssue, func(w *world, tx *pillars.Transaction) { tx.Outputs[0].Script = w.bob.address.Script() }},
	{"issue by another avatar", HolderWrong, firstIssue, func(w *world, tx *pillars.Transaction) {
		swap(tx, 0, func(v *pillars.AssetIssue) { v.Issuer = "BOB" })
	}},
	{"certificate to another address", HolderWrong, naming, func(w *world, tx *pillars.Transaction) {
		swap(tx, 0, func(v *pillars.Certificate) { v.Address = w.carol.text })
	}},
	{"certificate passed to another script", HolderWrong, naming, func(w *world, tx *pillars.Transaction) { tx.Outputs[1].Script = w.bob.address.Script() }},
	{"token to another address", HolderWrong, tokenTransfer, func(w *world, tx *pillars.Transaction) { tx.Outputs[0].Script = w.carol.address.Script() }},
	{"new token to another address", HolderWrong, tokenRegistration, func(w *world, tx *pillars.Transaction) { tx.Outputs[1].Script = w.carol.address.Script() }},
	{"avatar at another address", HolderWrong, registration, func(w *world, tx *pillars.Transaction) { tx.Outputs[0].Script = w.dave.address.Script() }},
	{"assets and a token", ActionMixed, assetPayment, func(w *world, tx *pillars.Transaction) {
		tx.Outputs = append([]pillars.Output{token(w.bob, "new", pillars.StatusRegister)}, tx.Outputs...)
	}},
	{"assets and a certificate", ActionMixed, assetPayment, func(w *world, tx *pillars.Transaction) {
		spendsMore(w, tx, w.certificate(custom, "ALPHA.KYC"))
	}},
	{"two issues", ActionMixed, firstIssue, func(w *world, tx *pillars.Transaction) { tx.Outputs = append(tx.Outputs, tx.Outputs[0]) }},
	{"two avatars", ActionMixed, registration, func(w *world, tx *pillars.Transaction) {
		tx.Outputs = append(tx.Outputs, register(w.dave)...)
	}},
	{"an issue and an avatar", ActionMixed, firstIssue, func(w *world, tx *pillars.Transaction) { tx.Outputs = append(tx.Outputs, register(w.dave)...) }},
	{"two assets", AssetSymbols, assetPayment, func(w *world, tx *pillars.Transaction) { spendsMore(w, tx, w.assetAt(w.bob, fixed)) }},
	{"another asset comes out", AssetSymbols, assetPayment, func(w *world, tx *pillars.Transaction) { tx.Outputs[1] = transfer(w.alice, fixed, 100) }},
	{"more of an asset", AssetMismatch, assetPayment, func(w *world, tx *pillars.Transaction) { tx.Outputs[1] = transfer(w.alice, one, 101) }},
	{"less of an asset", AssetMismatch, assetPayment, func(w *world, tx *pillars.Transaction) { tx.Outputs[1] = transfer(w.alice, one, 99) }},
	{"an asset from nothing", AssetMismatch, assetPayment, func(w *world, tx *pillars.Transaction) { tx.Inputs = tx.Inputs[:1] }},
	{"an asset is lost", AssetMismatch, assetPayment, func(w *world, tx *pillars.Transaction) { tx.Outputs = tx.Outputs[2:] }},
	{"version 5 loses an asset", AssetMismatch, func(w *world) *pillars.Transaction {
		return w.segwit(w.alice, fee, nil, w.coin(w.alice))
	}, func(w *world, tx *pillars.Transaction) { spendsMore(w, tx, w.assetAt(w.alice, one)) }},
	{"an asset beside its issue", AssetMismatch, furtherIssue, func(w *world, tx *pillars.Transaction) { tx.Outputs[2] = transfer(w.alice, one, 601) }},
	{"quantities that wrap around", AssetSum, func(w *world) *pillars.Transaction {
		tx := assetPayment(w)
		spendsMore(w, tx, w.assetAt(w.bob, one))
		tx.Outputs[0] = transfer(w.bob, one, 900)
		return tx
	}, func(w *world, tx *pillars.Transaction) {
		for _, in := range tx.Inputs[1:] {
			w.rewrite(in.Previous, func(o *Output) { o.Attachment.Payload = pillars.AssetTransfer{Symbol: one, Quantity: 1 << 63} })
		}
	}},
	{"an asset that is there", AssetExists, issueByDomain, func(w *world, tx *pillars.Transaction) {
		swap(tx, 0, func(v *pillars.AssetIssue) { v.Symbol = one })
	}},
	{"naming an asset that is there", AssetExists, naming, func(w *world, tx *pillars.Transaction) {
		swap(tx, 0, func(v *pillars.Certificate) { v.Symbol = one })
	}},
	{"more of an asset that is not there", AssetUnknown, func(w *world) *pillars.Transaction {
		return furtherIssue(w)
	}, func(w *world, tx *pillars.Transaction) {
		swap(tx, 0, func(v *pillars.AssetIssue) { v.Symbol = "GAMMA" })
		remove(tx, 2)
		tx.Inputs = tx.Inputs[:2]
	}},
	{"the issuer does not sign", IssuerAbsent, firstIssue, func(w *world, tx *pillars.Transaction) { tx.Inputs[0].Previous = w.coin(w.bob) }},
	{"a domain of somebody else", DomainNotHeld, issueByName, func(w *world, tx *pillars.Transaction) {
		swap(tx, 0, func(v *pillars.AssetIssue) { v.Symbol = "ALPHA.OTHER" })
	}},
	{"a domain without its certificate", DomainNotHeld, issueByDomain, func(w *world, tx *pillars.Transaction) {
		tx.Inputs = tx.Inputs[:1]
		remove(tx, 1)
	}},
	{"naming in a domain of somebody else", DomainNotHeld, naming, func(w *world, tx *pillars.Transaction) {
		swap(tx, 0, func(v *pillars.Certificate) { v.Symbol = "PLAIN.MORE" })
	}},
	{"no certificate of the new domain", IssueCertificates, firstIssue, func(w *world, tx *pillars.Transaction) { remove(tx, 1) }},
	{"no certificate of further issues", IssueCertificates, firstIssue, func(w *world, tx *pillars.Transaction) { remove(tx, 2) }},
	{"a certificate of forbidden issues", IssueCertificates, firstIssue, func(w *world, tx *pillars.Transaction) {
		swap(tx, 0, func(v *pillars.AssetIssue) { v.Threshold = 0 })
	}},
	{"mining of another asset", IssueCertificates, firstIssue, func(w *world, tx *pillars.Transaction) {
		swap(tx, 3, func(v *pillars.Certificate) { v.Symbol = "BETA.TWO" })
	}},
	{"another domain", IssueCertificates, firstIssue, func(w *world, tx *pillars.Transaction) {
		swap(tx, 1, func(v *pillars.Certificate) { v.Symbol = "GAMMA" })
	}},
	{"a naming certificate comes with an issue", IssueCertificates, firstIssue, func(w *world, tx *pillars.Transaction) {
		swap(tx, 3, func(v *pillars.Certificate) { v.Kind, v.Content = pillars.CertNaming, "" })
	}},
	{"an issue's certificate for another", IssueCertificates, firstIssue, func(w *world, tx *pillars.Transaction) {
		tx.Outputs[1] = certificate(w.bob, pillars.CertDomain, "BETA", pillars.CertAutoIssue, "")
	}},
	{"other decimals", IssueTerms, furtherIssue, func(w *world, tx *pillars.Transaction) {
		swap(tx, 0, func(v *pillars.AssetIssue) { v.Decimals++ })
	}},
	{"another threshold", IssueTerms, furtherIssue, func(w *world, tx *pillars.Transaction) {
		swap(tx, 0, func(v *pillars.AssetIssue) { v.Threshold-- })
	}},
	{"more of what is fixed", IssueForbidden, furtherIssue, func(w *world, tx *pillars.Transaction) {
		swap(tx, 0, func(v *pillars.AssetIssue) { v.Symbol = fixed })
		remove(tx, 2)
		tx.Inputs = tx.Inputs[:2]
	}},
	{"no right to issue", IssueRightAbsent, furtherIssue, func(w *world, tx *pillars.Transaction) {
		remove(tx, 1)
		tx.Inputs = append(tx.Inputs[:1:1], tx.Inputs[2])
	}},
	{"the right of somebody else", IssueRightAbsent, furtherIssue, func(w *world, tx *pillars.Transaction) {
		spendsMore(w, tx, w.coin(w.bob))
		tx.Outputs[0].Script = w.bob.address.Script()
		swap(tx, 0, func(v *pillars.AssetIssue) { v.Issuer, v.Address = "BOB", w.bob.text })
	}},
	{"too little in hand", IssueHolding, func(w *world) *pillars.Transaction {
		w.mine(w.pay(w.alice, fee, []pillars.Output{transfer(w.alice, one, 500), transfer(w.bob, one, 100)}, w.assetAt(w.alice, one)))
		v := issue(w.alice, one, 50|pillars.SecondaryIssue, false, false)[0]
		outs := []pillars.Output{v, certificate(w.alice, pillars.CertIssue, one, pillars.CertNormal, ""), transfer(w.alice, one, 500)}
		return w.pay(w.alice, fee, outs, w.certificate(pillars.CertIssue, one), w.assetAt(w.alice, one))
	}, func(w *world, tx *pillars.Transaction) {
		w.rewriteAsset(one, func(a *Asset) { a.Mined += 2 })
	}},
	{"in the hands of others", IssueHolding, func(w *world) *pillars.Transaction {
		tx := furtherIssue(w)
		spendsMore(w, tx, w.assetAt(w.bob, one))
		tx.Outputs[2] = transfer(w.bob, one, 1000)
		return tx
	}, func(w *world, tx *pillars.Transaction) {
		tx.Inputs = append(tx.Inputs[:2:2], tx.Inputs[3])
		tx.Outputs[2] = transfer(w.bob, one, 400)
	}},
	{"supply without end", SupplyRange, furtherIssue, func(w *world, tx *pillars.Transaction) {
		swap(tx, 0, func(v *pillars.AssetIssue) { v.Supply = 1<<64 - supply })
	}},
	{"a certificate that is there", CertificateExists, naming, func(w *world, tx *pillars.Transaction) {
		swap(tx, 0, func(v *pillars.Certificate) { v.Symbol = named })
	}},
	{"a domain that is there", CertificateExists, issueByDomain, func(w *world, tx *pillars.Transaction) {
		swap(tx, 1, func(v *pillars.Certificate) { v.Status = pillars.CertAutoIssue })
	}},
	{"passed through from nothing", CertificateUnknown, payment, func(w *world, tx *pillars.Transaction) {
		tx.Outputs = append(tx.Outputs, certificate(w.alice, pillars.CertDomain, "ALPHA", pillars.CertNormal, ""))
	}},
	{"transferred from nothing", CertificateUnknown, certificateTransfer, func(w *world, tx *pillars.Transaction) { tx.Inputs = tx.Inputs[:1] }},
	{"a certificate is lost", CertificateLost, certificateTransfer, func(w *world, tx *pillars.Transaction) { remove(tx, 0) }},
	{"a domain is lost", CertificateLost, issueByDomain, func(w *world, tx *pillars.Transaction) { remove(tx, 1) }},
	{"a naming certificate is lost", CertificateLost, payment, func(w *world, tx *pillars.Transaction) {
		spendsMore(w, tx, w.certificate(pillars.CertNaming, named))
	}},
	{"another owner, passed through", CertificateChanged, naming, func(w *world, tx *pillars.Transaction) {
		swap(tx, 1, func(v *pillars.Certificate) { v.Owner = "BOB" })
	}},
	{"another content", CertificateChanged, certificateTransfer, func(w *world, tx *pillars.Transaction) {
		swap(tx, 0, func(v *pillars.Certificate) { v.Content = "is not known" })
	}},
	{"twice the same", CertificateCount, naming, func(w *world, tx *pillars.Transaction) {
		tx.Outputs = append(tx.Outputs, tx.Outputs[1])
	}},
	{"two at once", CertificateCount, naming, func(w *world, tx *pillars.Transaction) {
		tx.Outputs = append(tx.Outputs, certificate(w.bob, pillars.CertNaming, "ALPHA.THREE", pillars.CertIssued, ""))
	}},
	{"transferred with an issue", CertificateCount, issueByDomain, func(w *world, tx *pillars.Transaction) {
		tx.Outputs[1] = certificate(w.bob, pillars.CertDomain, "ALPHA", pillars.CertTransfer, "")
	}},
	{"a domain by itself", CertificateNotIssued, naming, func(w *world, tx *pillars.Transaction) {
		swap(tx, 0, func(v *pillars.Certificate) { v.Kind, v.Symbol = pillars.CertDomain, "OMEGA" })
	}},
	{"a name that is a domain", CertificateNotIssued, naming, func(w *world, tx *pillars.Transaction) {
		swap(tx, 0, func(v *pillars.Certificate) { v.Symbol = "ALPHA" })
	}},
	{"a witness", CertificateNotIssued, naming, func(w *world, tx *pillars.Transaction) {
		swap(tx, 0, func(v *pillars.Certificate) { v.Kind = pillars.CertWitness })
	}},
	{"of an issue that is none", CertificateNotIssued, naming, func(w *world, tx *pillars.Transaction) {
		swap(tx, 0, func(v *pillars.Certificate) { v.Status = pillars.CertAutoIssue })
	}},
	{"of an issue that is a further one", CertificateNotIssued, furtherIssue, func(w *world, tx *pillars.Transaction) {
		tx.Outputs = append(tx.Outputs, certificate(w.alice, pillars.CertMining, "ALPHA.OTHER", pillars.CertAutoIssue, mining))
	}},
	{"an avatar that is there", AvatarExists, registration, func(w *world, tx *pillars.Transaction) {
		swap(tx, 0, func(v *pillars.Avatar) { v.Symbol = "ALICE" })
	}},
	{"the avatar of nobody", AvatarExists, registration, func(w *world, tx *pillars.Transaction) {
		swap(tx, 0, func(v *pillars.Avatar) { v.Symbol = pillars.BlackHoleAvatar })
	}},
	{"a second avatar", AddressTaken, registration, func(w *world, tx *pillars.Transaction) {
		tx.Inputs[0].Previous = w.coin(w.alice)
		tx.Outputs[0].Script = w.alice.address.Script()
		swap(tx, 0, func(v *pillars.Avatar) { v.Address = w.alice.text })
	}},
	{"transferred to who has one", AddressTaken, avatarTransfer, func(w *world, tx *pillars.Transaction) {
		w.mine(w.payWith(w.carol, pillars.ETP, register(w.carol), w.coins(w.carol)[1]))
	}},
	{"registered by another", AvatarPayer, registration, func(w *world, tx *pillars.Transaction) { tx.Inputs[0].Previous = w.coin(w.alice) }},
	{"transferred by one side", AvatarPayer, avatarTransfer, func(w *world, tx *pillars.Transaction) { tx.Inputs[0].Previous = w.coin(w.alice) }},
	{"an avatar from nothing", AvatarUnknown, avatarTransfer, func(w *world, tx *pillars.Transaction) { tx.Inputs[1].Previous = w.coin(w.bob) }},
	{"another avatar comes out", AvatarUnknown, avatarTransfer, func(w *world, tx *pillars.Transaction) { tx.Inputs[1].Previous = avatarOutput(w, "BOB") }},
	{"an avatar is lost", AvatarLost, avatarTransfer, func(w *world, tx *pillars.Transaction) { remove(tx, 0) }},
	{"an avatar makes way for another", AvatarLost, registration, func(w *world, tx *pillars.Transaction) {
		spendsMore(w, tx, avatarOutput(w, "ALICE"))
	}},
	{"three inputs", AvatarInputs, avatarTransfer, func(w *world, tx *pillars.Transaction) { spendsMore(w, tx, w.coins(w.carol)[1]) }},
	{"an avatar of nobody's address", AvatarNowhere, avatarTransfer, func(w *world, tx *pillars.Transaction) {
		tx.Outputs[0].Script = pillars.BlackHole().Script()
		swap(tx, 0, func(v *pillars.Avatar) { v.Address = pillars.BlackHole().Text(w.p.Address) })
	}},
	{"a token that is there", TokenExists, tokenRegistration, func(w *world, tx *pillars.Transaction) {
		swap(tx, 1, func(v *pillars.Token) { v.Symbol = tokenB })
	}},
	{"a token from nothing", TokenUnknown, tokenTransfer, func(w *world, tx *pillars.Transaction) { tx.Inputs = tx.Inputs[:1] }},
	{"another token comes out", TokenUnknown, tokenTransfer, func(w *world, tx *pillars.Transaction) {
		tx.Inputs[1].Previous = tokenOutput(w, tokenB)
	}},
	{"a token is lost", TokenLost, tokenTransfer, func(w *world, tx *pillars.Transaction) { remove(tx, 0) }},
	{"a token makes way for others", TokenLost, tokenRegistration, func(w *world, tx *pillars.Transaction) { spendsMore(w, tx, tokenOutput(w, tokenA)) }},
	{"two tokens at once", TokenCount, tokenTransfer, func(w *world, tx *pillars.Transaction) {
		spendsMore(w, tx, tokenOutput(w, tokenB))
		tx.Outputs = append(tx.Outputs, token(w.alice, tokenB, pillars.StatusTransfer))
	}},
	{"one of two tokens is lost", TokenCount, tokenTransfer, func(w *world, tx *pillars.Transaction) { spendsMore(w, tx, tokenOutput(w, tokenB)) }},
	{"a token registered twice", TokenCount, tokenRegistration, func(w *world, tx *pillars.Transaction) { tx.Outputs[1] = tx.Outputs[0] }},
	{"registered and transferred", TokenCount, tokenRegistration, func(w *world, tx *pillars.Transaction) {
		tx.Outputs[1] = token(w.alice, tokenB, pillars.StatusTransfer)
	}},
	{"tokens to two", TokenAddresses, tokenRegistration, func(w *world, tx *pillars.Transaction) { tx.Outputs[1] = token(w.bob, "new.2", pillars.StatusRegister) }},
	{"an output of no template", script.OutputTemplate, payment, func(w *world, tx *pillars.Transaction) { tx.Outputs[0].Script = []byte{script.Op1} }},
	{"a lock is lost", script.LockLost, spendReleased, func(w *world, tx *pillars.Transaction) { tx.Outputs[0].Script = w.alice.address.Script() }},
	{"a lock goes too fast", script.LockEarly, spendReleased, func(w *world, tx *pillars.Transaction) {
		tx.Outputs[0] = locked(w.alice, 300, 2, 4, tx.Inputs[1].Previous)
		tx.Outputs[1] = transfer(w.bob, one, 300)
	}},
}

// locked is an output of the asset under a lock of 600 that comes free in three times 200, every ten blocks.
func locked(to *person, quantity uint64, period, left uint64, from pillars.Outpoint) pillars.Output {
	m := pillars.LockModel{Type: pillars.LockFixed, Quantity: 600, Blocks: 30, Periods: 3, Period: period, Left: left}
	o := transfer(to, one, quantity)
	return under(o, script.Output{Template: script.Attenuation, Address: to.address, Model: m.String(), From: from}.Script())
}

// spendReleased spends a lock of which a third is free, and continues the rest.
func spendReleased(w *world) *pillars.Transaction {
	w.mine(w.pay(w.alice, fee, []pillars.Output{locked(w.alice, 600, 0, 10, pillars.NullOutpoint)}, w.assetAt(w.alice, one)))
	for range 10 {
		w.mine()
	}
	from := w.first(w.find(func(o *Output) bool { return script.Classify(o.Script).Template == script.Attenuation }))
	return w.pay(w.alice, fee, []pillars.Output{locked(w.alice, 400, 1, 9, from), transfer(w.bob, one, 200)}, from)
}

// rewrite changes an output in the state behind everybody's back.
func (w *world) rewrite(o pillars.Outpoint, with func(*Output)) {
	out, _ := w.state().Output(o)
	before := out.bytes()
	with(&out)
	w.mem.Write(Changes{{OutputKey(o), before, out.bytes()}})
}

func (w *world) rewriteAsset(symbol string, with func(*Asset)) {
	a, _ := w.state().Asset(symbol)
	before := a.bytes()
	with(&a)
	w.mem.Write(Changes{{AssetKey(symbol), before, a.bytes()}})
}

func TestRules(t *testing.T) {
	base := scene(t)
	seen := map[Rule]bool{}
	for _, tt := range ruleCases {
		t.Run(tt.name, func(t *testing.T) {
			w := base.clone(t)
			tx := tt.valid(w)
			if v, err := Check(w.mem, w.sign(tx), w.context()); err != nil {
				t.Fatal("the base case is not valid: ", err)
			} else if err := v.Scripts.Verify(script.Standard); err != nil {
				t.Fatal("the base case does not verify: ", err)
			}
			tt.broken(w, tx)
			before := w.mem.Clone()
			if _, err := NewDraft(w.mem, w.context()).Try(tx); !errors.Is(err, tt.want) {
				t.Fatalf("got %v, want %v", err, tt.want)
			}
			if err := equalStates(before, w.mem); err != nil {
				t.Fatal("judging changed the state: ", err)
			}
		})
		if r, ok := tt.want.(Rule); ok {
			seen[r] = true
		}
	}
	for _, tt := range blockCases {
		t.Run(tt.name, func(t *testing.T) { tt.run(t, base.clone(t)) })
		if r, ok := tt.want.(Rule); ok {
			seen[r] = true
		}
	}
	for r := Rule(1); r.Valid(); r++ {
		if !seen[r] {
			t.Errorf("%s has no case", r)
		}
	}
}

// A blockCase builds a valid block, breaks one fact, and names the rule that must notice.
type blockCase struct {
	name   string
	want   error
	valid  func(w *world) *pillars.Block
	broken func(w *world, b *pillars.Block)
}

func (tt *blockCase) run(t *testing.T, w *world) {
	b := tt.valid(w)
	if _, err := w.apply(b); err != nil {
		t.Fatal("the base case is not valid: ", err)
	}
	tt.broken(w, b)
	w.seal(b)
	if _, err := w.apply(b); !errors.Is(err, tt.want) {
		t.Fatalf("got %v, want %v", err, tt.want)
	}
}

func workBlock(w *world) *pillars.Block {
	return w.block(pillars.PoW, w.dave, w.pay(w.alice, fee, []pillars.Output{plain(w.bob, pillars.ETP)}))
}

// minedBlock creates as much of ALPHA.ONE as it may.
func minedBlock(w *world) *pillars.Block {
	b := workBlock(w)
	most, _ := w.state().Mineable(one, w.tip.Number+1)
	b.Transactions[0].Outputs = append(b.Transactions[0].Outputs, transfer(w.dave, one, most))
	w.seal(b)
	return b
}

func stakeBlock(w *world) *pillars.Block {
	return w.block(pillars.PoS, w.alice, w.coinstake(w.alice))
}

var blockCases = []blockCase{
	{"another height", CoinbaseHeight, workBlock, func(w *world, b *pillars.Block) { b.Transactions[0].Inputs[0].Script[1]++ }},
	{"more than subsidy and fees", CoinbaseValue, workBlock, func(w *world, b *pillars.Block) { b.Transactions[0].Outputs[0].Value++ }},
	{"the subsidy of work under stake", CoinbaseValue, stakeBlock, func(w *world, b *pillars.Block) {
		b.Transactions[0].Outputs[0].Value = w.tip.Subsidy(w.p, pillars.PoW)
	}},
	{"more than all money", CoinbaseValue, workBlock, func(w *world, b *pillars.Block) {
		head, _ := w.state().Head()
		before := head.bytes()
		head.Issued = pillars.MaxMoney
		w.mem.Write(Changes{{HeadKey, before, head.bytes()}})
	}},
	{"a coinstake that pays a fee", CoinstakeFee, stakeBlock, func(w *world, b *pillars.Block) { b.Transactions[1].Outputs[1].Value-- }},
	{"an output of the same name", OutputExists, workBlock, func(w *world, b *pillars.Block) {
		out := Output{Output: plain(w.bob, 1)}
		w.mem.Write(Changes{{OutputKey(pillars.Outpoint{Tx: b.Transactions[0].ID()}), nil, out.bytes()}})
	}},
	{"two assets mined", MinedTwice, minedBlock, func(w *world, b *pillars.Block) {
		b.Transactions[0].Outputs = append(b.Transactions[0].Outputs, transfer(w.bob, one, 1))
	}},
	{"mined with ETP", MinedValue, minedBlock, func(w *world, b *pillars.Block) {
		b.Transactions[0].Outputs[0].Value--
		b.Transactions[0].Outputs[1].Value++
	}},
	{"what cannot be mined", MinedUnknown, minedBlock, func(w *world, b *pillars.Block) {
		b.Transactions[0].Outputs[1] = transfer(w.dave, fixed, 1)
	}},
	{"mined too much", MinedTooMuch, minedBlock, func(w *world, b *pillars.Block) {
		swap(b.Transactions[0], 1, func(v *pillars.AssetTransfer) { v.Quantity++ })
	}},
	{"an unripe reward in a block", RewardUnripe, workBlock, func(w *world, b *pillars.Block) {
		spends := w.first(w.find(func(o *Output) bool { return o.Reward && o.Height == w.tip.Number }))
		b.Transactions[1].Inputs[0].Previous = spends
	}},
	{"a lock that continues nothing", script.LockUnknown, minedBlock, func(w *world, b *pillars.Block) {
		m := pillars.LockModel{Type: pillars.LockFixed, Quantity: 2, Blocks: 2, Periods: 2, Left: 1}
		out := script.Output{Template: script.Attenuation, Address: w.dave.address, Model: m.String(), From: pillars.Outpoint{Index: 7}}
		b.Transactions[0].Outputs[1].Script = out.Script()
	}},
}
