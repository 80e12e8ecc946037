package ceremony

import (
	"fmt"
	"io"
	"slices"

	"github.com/asterism-network/asterism/internal/crypto"
	"github.com/asterism-network/asterism/internal/crypto/sharing"
	"github.com/asterism-network/asterism/kernel"
)

// A Dealing is one member's contribution to the coin's secret, shared among all members.
type Dealing struct {
	Draft  kernel.Hash `json:"draft"`
	Dealer kernel.Key  `json:"dealer"` // node key
	sharing.Dealing
	Signature kernel.Signature `json:"signature"`
}

// Deal makes the dealing of the member whose node key this is. The secret exists only inside this
// call: the dealer gets its own share from the dealing like everybody else.
func Deal(draft *Draft, node crypto.NodeKey, random io.Reader) (*Dealing, error) {
	if _, err := draft.own(node); err != nil {
		return nil, err
	}
	d := &Dealing{Draft: draft.Hash(), Dealer: node.Public()}
	shared, err := sharing.Deal(d.context(), draft.faulty(), draft.encryptionKeys(), random)
	if err != nil {
		return nil, fmt.Errorf("deal: %w", err)
	}
	d.Dealing = *shared
	hash := d.Hash()
	d.Signature = node.Sign(hash[:])
	return d, nil
}

// ParseDealing reads a dealing file. What it is worth, Judge and Finish find out.
func ParseDealing(b []byte) (*Dealing, error) {
	d := new(Dealing)
	if err := parse(b, MaxDealingSize, "dealing", d); err != nil {
		return nil, err
	}
	if len(d.Commitments) > kernel.MaxMembers || len(d.Boxes) > kernel.MaxMembers {
		return nil, fmt.Errorf("dealing: %w: more commitments or shares than a network has members", ErrFile)
	}
	return d, nil
}

// Encode is the dealing as a file.
func (d *Dealing) Encode() []byte { return format(d) }

// Hash is what the dealer signs and verdicts name. Draft and dealer are part of it.
func (d *Dealing) Hash() kernel.Hash {
	b := append(append([]byte(nil), d.Draft[:]...), d.Dealer[:]...)
	return crypto.SumLabel(labelDealing, d.Dealing.AppendBinary(b))
}

// context binds boxes and proofs to this draft and dealer.
func (d *Dealing) context() [32]byte { return crypto.SumLabel(labelContext, d.Draft[:], d.Dealer[:]) }

// signed reports whose dealing it is, if it is a member's for this draft at all. A file that
// fails here says nothing about anybody.
func (d *Dealing) signed(draft *Draft, hash kernel.Hash) (kernel.Author, error) {
	dealer, ok := draft.Member(d.Dealer)
	switch {
	case d.Draft != hash:
		return 0, fmt.Errorf("dealing of %s: %w: %s, not %s", draft.nameOf(d.Dealer), ErrDraft, d.Draft.Short(), hash.Short())
	case !ok:
		return 0, fmt.Errorf("dealing of %s: %w", d.Dealer, ErrStranger)
	}
	digest := d.Hash()
	if !crypto.Verify(d.Dealer, digest[:], d.Signature) {
		return 0, fmt.Errorf("dealing of %s: %w: ask for the file again", draft.nameOf(d.Dealer), ErrSignature)
	}
	return dealer, nil
}

func (d *Draft) nameOf(node kernel.Key) string {
	if a, ok := d.Member(node); ok {
		return d.Cards[a].Name
	}
	return node.String()
}

// A Kind says what was found about a member.
type Kind uint8

// What a member can be found to have done. Absent and Late happen to honest ones; Twice does if
// they run a step again after they have given away its file.
const (
	Absent         Kind = iota + 1 // made no dealing, or no verdict
	Late                           // its dealing was not judged by a quorum
	Unusable                       // its dealing or verdict is wrong for everybody to see
	Twice                          // made different dealings or verdicts
	BadShare                       // dealt a share that does not match, proven by its holder
	FalseComplaint                 // complained about a share that is right; its verdict does not count
)

var kindText = [...]string{
	Absent: "absent", Late: "late", Unusable: "unusable file", Twice: "two versions",
	BadShare: "bad share", FalseComplaint: "false complaint",
}

// String is the kind in words.
func (k Kind) String() string { return kindText[k] }

// A Finding is something about a member that the operators should know.
type Finding struct {
	Member kernel.Author
	Kind   Kind
	Detail string
}

// A file is a dealing that is fine as far as everybody can see.
type file struct {
	*Dealing
	hash   kernel.Hash
	judged int  // verdicts that count and name it
	bad    bool // a complaint about it is proven
}

// A desk holds the dealings by dealer: honest members have one, or none.
type desk struct {
	files    [][]*file
	findings []Finding
}

// sortDealings puts dealings on the desk. Files that no member signed for this draft are errors:
// they do not belong here.
func sortDealings(draft *Draft, dealings []*Dealing) (*desk, error) {
	s, hash := &desk{files: make([][]*file, len(draft.Cards))}, draft.Hash()
	for _, d := range dealings {
		dealer, err := d.signed(draft, hash)
		if err != nil {
			return nil, err
		}
		if s.file(dealer, d.Hash()) == nil {
			s.files[dealer] = append(s.files[dealer], &file{Dealing: d, hash: d.Hash()})
		}
	}
	for a, versions := range s.files {
		switch len(versions) {
		case 0:
			s.find(a, Absent, "no dealing")
		case 1:
		default:
			s.find(a, Twice, "different dealings")
		}
		s.files[a] = slices.DeleteFunc(versions, func(f *file) bool {
			err := f.Check(f.context(), draft.faulty(), len(draft.Cards))
			if err != nil {
				s.find(a, Unusable, err.Error())
			}
			return err != nil
		})
	}
	return s, nil
}

// file finds a dealing by its hash.
func (s *desk) file(dealer kernel.Author, hash kernel.Hash) *file {
	for _, f := range s.files[dealer] {
		if f.hash == hash {
			return f
		}
	}
	return nil
}

func (s *desk) find(member int, kind Kind, detail string) {
	s.findings = append(s.findings, Finding{kernel.Author(member), kind, detail})
}
