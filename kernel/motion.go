package kernel

import (
	"errors"
	"fmt"
	"slices"
	"unicode/utf8"

	"github.com/asterism-network/asterism/internal/codec"
	"github.com/asterism-network/asterism/internal/crypto"
)

// ProtocolVersion is the newest version of the rules that this code knows. What holders of XIN
// decide about upgrades names it. [GOV-9]
const ProtocolVersion = 1

// A Subject is one of the five matters that XIN holders vote on (whitepaper, Governance).
type Subject uint8

// The subjects, numbered as the whitepaper lists them.
const (
	SubjectPenalty      Subject = 1 // lift the penalty of a member: an appeal
	SubjectRegistration Subject = 2 // of an asset or a domain
	SubjectAssurance    Subject = 3 // freeze or free an external asset
	SubjectUpgrade      Subject = 4 // of the protocol or one of its parameters
	SubjectCommunity    Subject = 5 // words only
)

var subjectNames = [...]string{"", "penalty", "registration", "assurance", "upgrade", "community"}

// String returns the subject's name.
func (s Subject) String() string {
	if s == 0 || int(s) >= len(subjectNames) {
		return fmt.Sprintf("subject_%d", uint8(s))
	}
	return subjectNames[s]
}

// MarshalText returns the subject's name.
func (s Subject) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// UnmarshalText reads the form of MarshalText.
func (s *Subject) UnmarshalText(text []byte) error {
	for i, name := range subjectNames {
		if i > 0 && name == string(text) {
			*s = Subject(i)
			return nil
		}
	}
	return fmt.Errorf("unknown subject %.40q: want penalty, registration, assurance, upgrade or community", text)
}

// A Motion asks the holders of XIN a question; what they decide, the ledger carries out. Exactly
// the field that belongs to the subject is set; a registration has Asset or Domain, an upgrade
// Upgrade or Parameter, a community motion none. [GOV-1]
type Motion struct {
	Subject Subject `json:"subject"`
	Title   string  `json:"title"`
	Text    string  `json:"text,omitempty"`
	Nonce   uint64  `json:"nonce"` // tells motions of the same words apart

	Penalty   *Penalty      `json:"penalty,omitempty"`
	Asset     *GenesisAsset `json:"asset,omitempty"`
	Domain    *Domain       `json:"domain,omitempty"`
	Assurance *Assurance    `json:"assurance,omitempty"`
	Upgrade   *Upgrade      `json:"upgrade,omitempty"`
	Parameter *NewParameter `json:"parameter,omitempty"`
}

// A Penalty names the member whose flag or removal is to be lifted. Votes can lift a penalty and
// never make one.
type Penalty struct {
	Member Key `json:"member"` // node key
}

// A Domain is a network that provides assets, as kernel_registerDomain names it.
type Domain struct {
	ID    string `json:"id"`    // UUID, lower case
	Nodes []Key  `json:"nodes"` // the domain nodes' public keys, ascending
}

// An Assurance freezes an asset, or frees it: while it is frozen nothing of it comes in or leaves.
type Assurance struct {
	Asset  AssetID `json:"asset"`
	Freeze bool    `json:"freeze"`
}

// An Upgrade demands a protocol version of all nodes from an epoch on.
type Upgrade struct {
	Version uint32 `json:"version"`
	Epoch   Epoch  `json:"epoch"`
}

// A NewParameter changes a number of the protocol that votes may change.
type NewParameter struct {
	Name  ParameterName `json:"name"`
	Value uint64        `json:"value"`
}

// A ParameterName is a number of the protocol that votes may change.
type ParameterName uint8

// The parameters. Windows and delays are in commits, fees in units of XIN.
const (
	ParameterAppealWindow ParameterName = 1
	ParameterMotionWindow ParameterName = 2
	ParameterMotionDelay  ParameterName = 3
	ParameterAppFee       ParameterName = 4
	ParameterCallFee      ParameterName = 5
)

var parameterNames = [...]string{"", "appeal_window", "motion_window", "motion_delay", "app_creation_fee", "call_fee"}

// String returns the parameter's name.
func (p ParameterName) String() string {
	if p == 0 || int(p) >= len(parameterNames) {
		return fmt.Sprintf("parameter_%d", uint8(p))
	}
	return parameterNames[p]
}

// MarshalText returns the parameter's name.
func (p ParameterName) MarshalText() ([]byte, error) { return []byte(p.String()), nil }

// UnmarshalText reads the form of MarshalText.
func (p *ParameterName) UnmarshalText(text []byte) error {
	for i, name := range parameterNames {
		if i > 0 && name == string(text) {
			*p = ParameterName(i)
			return nil
		}
	}
	return fmt.Errorf("unknown parameter %.40q: want appeal_window, motion_window, motion_delay, app_creation_fee or call_fee", text)
}

// Limits of a motion. [GOV-2]
const (
	MaxMotionTitle = 128
	MaxMotionText  = 8 << 10
	MaxDomainNodes = 50
)

// ID names the motion on a network. It does not cover who brings it.
func (m *Motion) ID(network NetworkID) Hash {
	return crypto.SumLabel("asterism motion", network[:], m.AppendBinary(nil))
}

// AppendBinary appends the canonical form.
func (m *Motion) AppendBinary(b []byte) []byte {
	b = append(b, byte(m.Subject))
	b = codec.AppendBytes16(b, []byte(m.Title))
	b = codec.AppendBytes16(b, []byte(m.Text))
	b = codec.AppendU64(b, m.Nonce)
	switch {
	case m.Penalty != nil:
		b = append(b, effectPenalty)
		b = append(b, m.Penalty.Member[:]...)
	case m.Asset != nil:
		b = m.Asset.appendBinary(append(b, effectAsset))
	case m.Domain != nil:
		b = m.Domain.AppendBinary(append(b, effectDomain))
	case m.Assurance != nil:
		b = append(b, effectAssurance)
		b = append(b, m.Assurance.Asset[:]...)
		b = codec.AppendBool(b, m.Assurance.Freeze)
	case m.Upgrade != nil:
		b = append(b, effectUpgrade)
		b = codec.AppendU32(b, m.Upgrade.Version)
		b = codec.AppendU32(b, uint32(m.Upgrade.Epoch))
	case m.Parameter != nil:
		b = append(b, effectParameter, byte(m.Parameter.Name))
		b = codec.AppendU64(b, m.Parameter.Value)
	default:
		b = append(b, effectNone)
	}
	return b
}

// What a motion does, on the wire.
const (
	effectNone      = 0
	effectPenalty   = 1
	effectAsset     = 2
	effectDomain    = 3
	effectAssurance = 4
	effectUpgrade   = 5
	effectParameter = 6
)

// UnmarshalBinary decodes exactly one canonical motion and checks it.
func (m *Motion) UnmarshalBinary(b []byte) error {
	r := codec.NewReader(b)
	m.Decode(r)
	return r.Done()
}

// Decode reads a motion out of a longer value.
func (m *Motion) Decode(r *codec.Reader) {
	*m = Motion{Subject: Subject(r.U8("subject"))}
	m.Title = string(r.View16(MaxMotionTitle, "title"))
	m.Text = string(r.View16(MaxMotionText, "text"))
	m.Nonce = r.U64("nonce")
	switch r.U8("effect") {
	case effectNone:
	case effectPenalty:
		m.Penalty = new(Penalty)
		r.Fixed(m.Penalty.Member[:], "member")
	case effectAsset:
		m.Asset = new(GenesisAsset)
		m.Asset.decode(r)
	case effectDomain:
		m.Domain = new(Domain)
		m.Domain.Decode(r)
	case effectAssurance:
		m.Assurance = new(Assurance)
		r.Fixed(m.Assurance.Asset[:], "asset")
		m.Assurance.Freeze = r.Bool("freeze")
	case effectUpgrade:
		m.Upgrade = &Upgrade{Version: r.U32("version"), Epoch: Epoch(r.U32("epoch"))}
	case effectParameter:
		m.Parameter = &NewParameter{Name: ParameterName(r.U8("parameter")), Value: r.U64("value")}
	default:
		r.Fail(codec.BadValue, "effect")
	}
	if !r.Failed() && m.Check() != nil {
		r.Fail(codec.BadValue, "motion")
	}
}

var (
	errMotionWords  = fmt.Errorf("motion: want a title of 1 to %d bytes and a text of at most %d, in UTF-8", MaxMotionTitle, MaxMotionText)
	errMotionEffect = errors.New("motion: the effect does not belong to the subject")
)

// Check reports what makes the motion unusable on every state.
func (m *Motion) Check() error {
	if m.Title == "" || len(m.Title) > MaxMotionTitle || len(m.Text) > MaxMotionText || !utf8.ValidString(m.Title) || !utf8.ValidString(m.Text) {
		return errMotionWords
	}
	effects := 0
	for _, set := range []bool{m.Penalty != nil, m.Asset != nil, m.Domain != nil, m.Assurance != nil, m.Upgrade != nil, m.Parameter != nil} {
		if set {
			effects++
		}
	}
	if effects > 1 || (effects == 0) != (m.Subject == SubjectCommunity) || effects == 1 && m.Subject != m.subject() {
		return errMotionEffect
	}
	return m.checkEffect()
}

// subject is the one that the effect belongs to.
func (m *Motion) subject() Subject {
	switch {
	case m.Penalty != nil:
		return SubjectPenalty
	case m.Asset != nil, m.Domain != nil:
		return SubjectRegistration
	case m.Assurance != nil:
		return SubjectAssurance
	}
	return SubjectUpgrade
}

func (m *Motion) checkEffect() error {
	switch {
	case m.Penalty != nil && m.Penalty.Member.IsZero():
		return errors.New("motion: no member is named")
	case m.Asset != nil:
		return m.Asset.check()
	case m.Domain != nil:
		return m.Domain.Check()
	case m.Assurance != nil && m.Assurance.Asset.IsZero():
		return errors.New("motion: no asset is named")
	case m.Upgrade != nil && (m.Upgrade.Version == 0 || m.Upgrade.Epoch == 0):
		return errors.New("motion: an upgrade needs a version and an epoch after the first")
	case m.Parameter != nil:
		return m.Parameter.check()
	}
	return nil
}

// maxWindow bounds windows and delays in commits: years, at any pace.
const maxWindow = 1 << 32

func (p *NewParameter) check() error {
	switch p.Name {
	case ParameterAppealWindow, ParameterMotionWindow:
		if p.Value == 0 || p.Value > maxWindow {
			return fmt.Errorf("motion: %v: want 1 to %d commits", p.Name, uint64(maxWindow))
		}
	case ParameterMotionDelay:
		if p.Value > maxWindow {
			return fmt.Errorf("motion: %v: want at most %d commits", p.Name, uint64(maxWindow))
		}
	case ParameterAppFee, ParameterCallFee:
	default:
		return fmt.Errorf("motion: %v is no parameter that votes can change", p.Name)
	}
	return nil
}

// Check reports what makes the domain one that nobody could register: the state "invalid".
func (d *Domain) Check() error {
	switch {
	case !isUUID(d.ID):
		return fmt.Errorf("domain %.40q: want a lower-case UUID like c6d0c728-2624-429b-8e0d-d9d19b6592fa", d.ID)
	case len(d.Nodes) == 0 || len(d.Nodes) > MaxDomainNodes:
		return fmt.Errorf("domain %s: %d nodes, want 1 to %d", d.ID, len(d.Nodes), MaxDomainNodes)
	}
	for i, key := range d.Nodes {
		if i > 0 && compareKeys(d.Nodes[i-1], key) >= 0 {
			return fmt.Errorf("domain %s: the nodes' keys do not ascend, or one stands twice", d.ID)
		}
		if !crypto.CurveKey(key) {
			return fmt.Errorf("domain %s: key %s is not a point of the curve", d.ID, key)
		}
	}
	return nil
}

// Sort brings the nodes' keys into the order that Check demands.
func (d *Domain) Sort() { slices.SortFunc(d.Nodes, compareKeys) }

// AppendBinary appends the canonical form.
func (d *Domain) AppendBinary(b []byte) []byte {
	b = codec.AppendBytes16(b, []byte(d.ID))
	b = codec.AppendU16(b, uint16(len(d.Nodes)))
	for i := range d.Nodes {
		b = append(b, d.Nodes[i][:]...)
	}
	return b
}

// Decode reads a domain out of a longer value, without checking it.
func (d *Domain) Decode(r *codec.Reader) {
	d.ID = string(r.View16(36, "domain"))
	d.Nodes = make([]Key, r.Count16(MaxDomainNodes, 32, "domain nodes"))
	for i := range d.Nodes {
		r.Fixed(d.Nodes[i][:], "domain node")
	}
}

// appendBinary appends the form that a genesis holds too.
func (a *GenesisAsset) appendBinary(b []byte) []byte {
	b = append(b, a.ID[:]...)
	b = codec.AppendBytes16(b, []byte(a.Symbol))
	b = append(b, a.Chain[:]...)
	b = codec.AppendBytes16(b, []byte(a.Key))
	return a.Ceiling.AppendBinary(b)
}

func (a *GenesisAsset) decode(r *codec.Reader) {
	r.Fixed(a.ID[:], "asset")
	a.Symbol = string(r.View16(maxNameLength, "symbol"))
	r.Fixed(a.Chain[:], "chain")
	a.Key = string(r.View16(maxAssetKeyLength, "asset key"))
	a.Ceiling = ReadAmount(r, "ceiling")
}

// check reports what makes the asset one that nobody could register.
func (a *GenesisAsset) check() error {
	if a.ID.IsZero() || !validName(a.Symbol) || a.Chain.IsZero() || a.Key == "" || len(a.Key) > maxAssetKeyLength {
		return fmt.Errorf("asset %s %q: id, symbol, chain or asset_key missing or too long", a.ID, a.Symbol)
	}
	return nil
}
