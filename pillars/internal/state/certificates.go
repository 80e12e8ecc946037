package state

import (
	"strings"

	"github.com/asterism-network/asterism/pillars"
)

// spendsCertificate reports whether an input holds the certificate.
func (j *judgement) spendsCertificate(kind pillars.CertificateType, symbol string) bool {
	_, ok := j.certificateIn(kind, symbol)
	return ok
}

func (j *judgement) certificateIn(kind pillars.CertificateType, symbol string) (c pillars.Certificate, ok bool) {
	i, ok := j.load.certs[CertificateKey(kind, symbol)]
	if !ok {
		return c, false
	}
	return j.spent[i].Attachment.Payload.(pillars.Certificate), true
}

// checkCertificates judges all certificates of a transaction, and writes where they are now. Issue is the first
// issue of an asset that they come with, or nil.
func (j *judgement) checkCertificates(issue *pillars.AssetIssue) error {
	seen, moved := map[Key]bool{}, 0
	for _, i := range j.load.certsOut {
		c := j.tx.Outputs[i].Attachment.Payload.(pillars.Certificate)
		key := CertificateKey(c.Kind, c.Symbol)
		if seen[key] {
			return reject(CertificateCount, "type %#x of %s twice", uint32(c.Kind), c.Symbol)
		}
		seen[key] = true
		if c.Status == pillars.CertIssued || c.Status == pillars.CertTransfer {
			moved++
		}
		if err := j.checkCertificate(i, &c, issue); err != nil {
			return err
		}
	}
	if moved > 1 || moved > 0 && j.load.issues > 0 {
		return reject(CertificateCount, "%d issued or transferred", moved)
	}
	return j.checkCertificatesKept(seen, issue)
}

// checkCertificatesKept: a certificate that is spent goes on, but a naming certificate may end with the issue that it
// was for [PIL-CRT-2].
func (j *judgement) checkCertificatesKept(seen map[Key]bool, issue *pillars.AssetIssue) error {
	for _, i := range j.load.certsIn {
		c := j.spent[i].Attachment.Payload.(pillars.Certificate)
		key := CertificateKey(c.Kind, c.Symbol)
		if seen[key] {
			continue
		}
		if c.Kind != pillars.CertNaming || issue == nil || c.Symbol != issue.Symbol {
			return reject(CertificateLost, "type %#x of %s", uint32(c.Kind), c.Symbol)
		}
		j.write(key, nil)
	}
	return nil
}

func (j *judgement) checkCertificate(i int, c *pillars.Certificate, issue *pillars.AssetIssue) error {
	record, exists := j.state().Certificate(c.Kind, c.Symbol)
	before, spent := j.certificateIn(c.Kind, c.Symbol)
	fresh := c.Status == pillars.CertIssued || c.Status == pillars.CertAutoIssue
	switch {
	case fresh && exists:
		return reject(CertificateExists, "type %#x of %s", uint32(c.Kind), c.Symbol)
	case !fresh && !spent:
		return reject(CertificateUnknown, "type %#x of %s is not spent", uint32(c.Kind), c.Symbol)
	}
	if err := j.checkMove(i, c, &before, issue); err != nil {
		return err
	}
	if fresh {
		record = Certificate{Height: j.d.height, Content: c.Content}
	}
	record.Outpoint, record.Owner, record.Address = j.outpoint(i), c.Owner, c.Address
	record.Burned = !spendable(&j.tx.Outputs[i])
	j.write(CertificateKey(c.Kind, c.Symbol), record.bytes())
	return nil
}

// checkMove judges by its status what happens to one certificate [PIL-CRT-3] [PIL-CRT-5].
func (j *judgement) checkMove(i int, c, before *pillars.Certificate, issue *pillars.AssetIssue) error {
	switch c.Status {
	case pillars.CertNormal:
		unchanged := c.Owner == before.Owner && c.Address == before.Address && c.Content == before.Content
		if !unchanged {
			return reject(CertificateChanged, "%s passed through", c.Symbol)
		}
		return j.checkHolder(i, "", c.Address)
	case pillars.CertTransfer:
		if c.Content != before.Content {
			return reject(CertificateChanged, "%s transferred", c.Symbol)
		}
	case pillars.CertIssued:
		if err := j.checkIssuable(c); err != nil {
			return err
		}
	case pillars.CertAutoIssue:
		if issue == nil {
			return reject(CertificateNotIssued, "%s comes with the issue of an asset only", c.Symbol)
		}
	}
	return j.checkHolder(i, c.Owner, c.Address)
}

// checkIssuable: who holds a domain issues naming certificates for symbols below it that are free, and certificates
// of his own kinds for any symbol of it. Witness certificates come with the delegates.
func (j *judgement) checkIssuable(c *pillars.Certificate) error {
	naming, custom := c.Kind == pillars.CertNaming, c.Kind&pillars.CertCustom != 0
	if !naming && !custom || naming && !strings.Contains(c.Symbol, ".") {
		return reject(CertificateNotIssued, "type %#x of %s", uint32(c.Kind), c.Symbol)
	}
	if !j.spendsCertificate(pillars.CertDomain, pillars.Domain(c.Symbol)) {
		return reject(DomainNotHeld, "%s of %s", pillars.Domain(c.Symbol), c.Symbol)
	}
	if asset, exists := j.state().Asset(c.Symbol); naming && exists {
		return reject(AssetExists, "%s since height %d", c.Symbol, asset.Height)
	}
	return nil
}
