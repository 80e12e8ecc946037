package state

import (
	"testing"

	"github.com/asterism-network/asterism/pillars"
	"github.com/asterism-network/asterism/pillars/script"
)

const (
	one     = "ALPHA.ONE" // of Alice: further issues with half of it, and mining
	fixed   = "PLAIN"     // of Bob: as it is
	named   = "ALPHA.NEW" // Bob holds the naming certificate
	supply  = 1000
	mining  = "initial:100,interval:2,base:0.5"
	tokenA  = "painting.1"
	tokenB  = "painting.2"
	custom  = pillars.CertCustom | pillars.CertHasContent | 7
	meaning = "is known"
)

// certificate is an output with a certificate of a person.
func certificate(to *person, kind pillars.CertificateType, symbol string, status uint8, content string) pillars.Output {
	return carrying(to, pillars.Certificate{Symbol: symbol, Owner: to.avatar, Address: to.text, Kind: kind, Status: status, Content: content})
}

// issue is what a first issue of an asset makes, with its certificates.
func issue(by *person, symbol string, threshold uint8, domain, mined bool) []pillars.Output {
	outs := []pillars.Output{carrying(by, pillars.AssetIssue{
		Symbol: symbol, Supply: supply, Decimals: 2, Threshold: threshold, Issuer: by.avatar, Address: by.text, Description: "for tests",
	})}
	if domain {
		outs = append(outs, certificate(by, pillars.CertDomain, pillars.Domain(symbol), pillars.CertAutoIssue, ""))
	}
	if threshold != 0 {
		outs = append(outs, certificate(by, pillars.CertIssue, symbol, pillars.CertAutoIssue, ""))
	}
	if mined {
		outs = append(outs, certificate(by, pillars.CertMining, symbol, pillars.CertAutoIssue, mining))
	}
	return outs
}

func register(who *person) []pillars.Output {
	return []pillars.Output{carrying(who, pillars.Avatar{Status: pillars.StatusRegister, Symbol: who.avatar, Address: who.text})}
}

func transfer(to *person, symbol string, quantity uint64) pillars.Output {
	return carrying(to, pillars.AssetTransfer{Symbol: symbol, Quantity: quantity})
}

func token(to *person, symbol string, status uint8) pillars.Output {
	v := pillars.Token{Status: status, Symbol: symbol, Address: to.text}
	if status == pillars.StatusRegister {
		v.Content = "the only one"
	}
	return carrying(to, v)
}

func deposit(to *person, value pillars.Amount, blocks uint32) pillars.Output {
	return under(plain(to, value), script.Output{Template: script.LockHeight, Address: to.address, Lock: blocks}.Script())
}

func stakeLock(to *person, value pillars.Amount, blocks uint32) pillars.Output {
	return under(plain(to, value), script.Output{Template: script.SequenceLock, Address: to.address, Lock: blocks}.Script())
}

// furtherIssue is a second issue of ALPHA.ONE by Alice, who passes through the right and 600 of 1,000.
func furtherIssue(w *world) *pillars.Transaction {
	v := issue(w.alice, one, 50|pillars.SecondaryIssue, false, false)[0]
	outs := []pillars.Output{v, certificate(w.alice, pillars.CertIssue, one, pillars.CertNormal, ""), transfer(w.alice, one, 600)}
	return w.pay(w.alice, fee, outs, w.certificate(pillars.CertIssue, one), w.assetAt(w.alice, one))
}

// scene is a world in which there is one of everything.
func scene(t testing.TB) *world {
	w := newWorld(t)
	w.mine(w.pay(w.alice, pillars.ETP, register(w.alice)), w.pay(w.bob, pillars.ETP, register(w.bob)))
	w.mine(w.pay(w.alice, 10*pillars.ETP, issue(w.alice, one, 50, true, true)), w.pay(w.bob, 10*pillars.ETP, issue(w.bob, fixed, 0, true, false)))
	w.mine(
		w.pay(w.alice, fee, []pillars.Output{
			certificate(w.bob, pillars.CertNaming, named, pillars.CertIssued, ""),
			certificate(w.alice, pillars.CertDomain, "ALPHA", pillars.CertNormal, ""),
		}, w.certificate(pillars.CertDomain, "ALPHA")),
		w.pay(w.bob, fee, []pillars.Output{token(w.bob, tokenA, pillars.StatusRegister), token(w.bob, tokenB, pillars.StatusRegister)}),
		w.pay(w.carol, fee, []pillars.Output{
			deposit(w.carol, 50*pillars.ETP, 2), deposit(w.carol, 60*pillars.ETP, 100), stakeLock(w.carol, 1000*pillars.ETP, 240),
		}),
	)
	w.mine(w.payWith(w.alice, fee, []pillars.Output{transfer(w.alice, one, 600), transfer(w.bob, one, 400)}, w.coin(w.alice), w.assetAt(w.alice, one)))
	w.mine(w.pay(w.alice, fee, []pillars.Output{
		certificate(w.alice, pillars.CertDomain, "ALPHA", pillars.CertNormal, ""),
		certificate(w.alice, custom, "ALPHA.KYC", pillars.CertIssued, meaning),
	}, w.certificate(pillars.CertDomain, "ALPHA")))
	for range 3 {
		w.mine()
	}
	return w
}
