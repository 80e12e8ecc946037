package state

import (
	"math"
	"math/bits"

	"github.com/asterism-network/asterism/pillars"
	"github.com/asterism-network/asterism/pillars/internal/consensus"
)

// quantities adds up what inputs and outputs hold of the one asset that the transaction moves, issues
// apart. Each sum is kept below 2^64: a sum that wraps around would make assets out of nothing.
func (j *judgement) quantities(symbol string) (in, out uint64, err error) {
	for _, i := range j.load.assetsIn {
		if in, err = addQuantity(in, &j.spent[i].Output, symbol); err != nil {
			return 0, 0, err
		}
	}
	for _, i := range j.load.assetsOut {
		if out, err = addQuantity(out, &j.tx.Outputs[i], symbol); err != nil {
			return 0, 0, err
		}
	}
	return in, out, nil
}

func addQuantity(sum uint64, o *pillars.Output, symbol string) (uint64, error) {
	has, quantity, _ := o.Asset()
	if has != symbol {
		return 0, reject(AssetSymbols, "%s beside %s", has, symbol)
	}
	if sum+quantity < sum {
		return 0, reject(AssetSum, "%s", symbol)
	}
	return sum + quantity, nil
}

// checkTransfer: what goes in of one asset comes out [PIL-AST-1] [PIL-AST-2].
func (j *judgement) checkTransfer() error {
	symbol := j.firstSymbol()
	in, out, err := j.quantities(symbol)
	if err != nil {
		return err
	}
	if in != out {
		return reject(AssetMismatch, "%s: %d in, %d out", symbol, in, out)
	}
	if burned := j.burnedOf(symbol); burned > 0 {
		asset := j.mustAsset(symbol)
		asset.Burned += burned
		j.write(AssetKey(symbol), asset.bytes())
	}
	return nil
}

// firstSymbol is the asset of the first input that has one, or else of the first such output.
func (j *judgement) firstSymbol() string {
	if len(j.load.assetsIn) > 0 {
		symbol, _, _ := j.spent[j.load.assetsIn[0]].Asset()
		return symbol
	}
	symbol, _, _ := j.tx.Outputs[j.load.assetsOut[0]].Asset()
	return symbol
}

// burnedOf is what outputs that nobody can spend hold of an asset.
func (j *judgement) burnedOf(symbol string) (burned uint64) {
	for i := range j.tx.Outputs {
		has, quantity, ok := j.tx.Outputs[i].Asset()
		if ok && has == symbol && !spendable(&j.tx.Outputs[i]) {
			burned += quantity
		}
	}
	return burned
}

// mustAsset reads an asset of which there are outputs.
func (j *judgement) mustAsset(symbol string) Asset {
	asset, ok := j.state().Asset(symbol)
	if !ok {
		panic("state: outputs of asset " + symbol + ", which is not known")
	}
	return asset
}

// checkIssue judges a first or a further issue of an asset.
func (j *judgement) checkIssue() error {
	v := j.tx.Outputs[j.load.issue].Attachment.Payload.(pillars.AssetIssue)
	if err := j.checkIssuer(&v); err != nil {
		return err
	}
	in, out, err := j.quantities(v.Symbol)
	switch {
	case err != nil:
		return err
	case in != out:
		return reject(AssetMismatch, "%s beside its issue: %d in, %d out", v.Symbol, in, out)
	}
	asset, known := j.state().Asset(v.Symbol)
	if v.Secondary() {
		err = j.checkSecondIssue(&v, &asset, known)
	} else {
		err = j.checkFirstIssue(&v, &asset, known)
	}
	if err != nil {
		return err
	}
	asset.Supply += v.Supply
	asset.Burned += j.burnedOf(v.Symbol)
	j.write(AssetKey(v.Symbol), asset.bytes())
	return nil
}

// checkIssuer: who is named as issuer gets the output and is among those who sign [PIL-AST-4].
func (j *judgement) checkIssuer(v *pillars.AssetIssue) error {
	if err := j.checkHolder(j.load.issue, v.Issuer, v.Address); err != nil {
		return err
	}
	if !j.spends(j.to[j.load.issue].Address) {
		return reject(IssuerAbsent, "%s", v.Issuer)
	}
	return nil
}

// checkFirstIssue: the symbol is free, the domain is free or held, and the fee is paid [PIL-AST-3] [PIL-AST-5].
func (j *judgement) checkFirstIssue(v *pillars.AssetIssue, asset *Asset, known bool) error {
	if known {
		return reject(AssetExists, "%s since height %d", v.Symbol, asset.Height)
	}
	if err := j.checkSpecialFee(j.params().Fees.Asset); err != nil {
		return err
	}
	_, taken := j.state().Certificate(pillars.CertDomain, pillars.Domain(v.Symbol))
	if taken && !j.spendsCertificate(pillars.CertDomain, pillars.Domain(v.Symbol)) && !j.spendsCertificate(pillars.CertNaming, v.Symbol) {
		return reject(DomainNotHeld, "%s of %s", pillars.Domain(v.Symbol), v.Symbol)
	}
	if err := j.checkCertificates(v); err != nil {
		return err
	}
	if err := j.checkIssued(v, !taken); err != nil {
		return err
	}
	*asset = Asset{
		Height: j.d.height, Decimals: v.Decimals, Threshold: v.Threshold,
		Issuer: v.Issuer, Address: v.Address, Description: v.Description,
	}
	return nil
}

// checkIssued: with a first issue come the certificate of a domain that was free, that of further issues if
// the threshold allows any, and perhaps one of mining; no others [PIL-AST-5].
func (j *judgement) checkIssued(v *pillars.AssetIssue, free bool) error {
	var domain, issue bool
	for _, i := range j.load.certsOut {
		c := j.tx.Outputs[i].Attachment.Payload.(pillars.Certificate)
		if c.Status != pillars.CertAutoIssue {
			continue
		}
		expected := false
		switch c.Kind {
		case pillars.CertDomain:
			domain, expected = true, free && c.Symbol == pillars.Domain(v.Symbol)
		case pillars.CertIssue:
			issue, expected = true, v.Threshold != 0 && c.Symbol == v.Symbol
		case pillars.CertMining:
			expected = c.Symbol == v.Symbol
		}
		if !expected || c.Owner != v.Issuer {
			return reject(IssueCertificates, "type %#x of %s for %s", uint32(c.Kind), c.Symbol, c.Owner)
		}
	}
	if domain != free || issue != (v.Threshold != 0) {
		return reject(IssueCertificates, "of %s: domain %t, want %t; issue %t, want %t", v.Symbol, domain, free, issue, v.Threshold != 0)
	}
	return nil
}

// checkSecondIssue: the asset allows it, the issuer has the right and holds enough, and the supply stays below
// 2^64 [PIL-AST-6] to [PIL-AST-9].
func (j *judgement) checkSecondIssue(v *pillars.AssetIssue, asset *Asset, known bool) error {
	right, _ := j.state().Certificate(pillars.CertIssue, v.Symbol)
	switch total := asset.Supply + asset.Mined; {
	case !known:
		return reject(AssetUnknown, "%s", v.Symbol)
	case asset.Threshold == 0:
		return reject(IssueForbidden, "%s", v.Symbol)
	case v.Threshold&^pillars.SecondaryIssue != asset.Threshold || v.Decimals != asset.Decimals:
		return reject(IssueTerms, "threshold %d, decimals %d", v.Threshold&^pillars.SecondaryIssue, v.Decimals)
	case right.Owner != v.Issuer || !j.spendsCertificate(pillars.CertIssue, v.Symbol):
		return reject(IssueRightAbsent, "%s is held by %s", v.Symbol, right.Owner)
	case total+v.Supply < total:
		return reject(SupplyRange, "%s has %d", v.Symbol, total)
	case asset.Threshold != pillars.ThresholdFree && !atLeast(j.quantityOf(v.Address), asset.Threshold, total):
		return reject(IssueHolding, "%d of %d, want %d percent", j.quantityOf(v.Address), total, asset.Threshold)
	}
	return j.checkCertificates(nil)
}

// quantityOf is what inputs of an address hold of the asset. Their sum was checked with all inputs'.
func (j *judgement) quantityOf(address string) (sum uint64) {
	a, _ := pillars.ParseAddress(address, j.params().Address)
	for _, i := range j.load.assetsIn {
		if j.from[i].Address == a {
			_, quantity, _ := j.spent[i].Asset()
			sum += quantity
		}
	}
	return sum
}

// atLeast reports whether part is at least so many percent of the total, rounded down to a whole unit.
func atLeast(part uint64, percent uint8, total uint64) bool {
	high, low := bits.Mul64(total, uint64(percent))
	need, _ := bits.Div64(high, low, 100) // percent is at most 100, so high is below 100
	return part >= need
}

// Mineable is how much of an asset the next block may create [PIL-RWD-6]; ok is false if its mining
// certificate is not there, or in nobody's hands.
func (r Reader) Mineable(symbol string, height uint32) (quantity uint64, ok bool) {
	c, ok := r.Certificate(pillars.CertMining, symbol)
	asset, known := r.Asset(symbol)
	if !ok || !known || c.Burned || height <= asset.Height {
		return 0, false
	}
	terms, err := pillars.ParseMiningTerms(c.Content)
	if err != nil {
		panic("state: mining terms of " + symbol + ": " + err.Error())
	}
	left := miningCeiling(terms) - min(asset.Mined, miningCeiling(terms))
	left = min(left, math.MaxUint64-asset.Supply-asset.Mined)
	return consensus.AssetReward(terms, height-asset.Height, 1, left), true
}

// miningCeiling is the most that can be mined under terms: the sum of the series that they declare,
// initial · interval · 1/(1-base), rounded down; without end if that does not fit or the base is one.
func miningCeiling(t pillars.MiningTerms) uint64 {
	high, low := bits.Mul64(t.Initial, uint64(t.Interval))
	if t.BaseNum == t.BaseDen || high != 0 {
		return math.MaxUint64
	}
	high, low = bits.Mul64(low, uint64(t.BaseDen))
	rest := uint64(t.BaseDen - t.BaseNum)
	if high >= rest {
		return math.MaxUint64
	}
	sum, _ := bits.Div64(high, low, rest)
	return sum
}
