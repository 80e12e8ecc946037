package client

import (
	"fmt"
	"strconv"

	"github.com/asterism-network/asterism/pillars"
)

// Units are a quantity of an asset in its smallest unit. The form in JSON is text: numbers of other
// languages do not hold 64 bits.
type Units uint64

// String returns the decimal number.
func (u Units) String() string { return strconv.FormatUint(uint64(u), 10) }

// MarshalText returns the form of String.
func (u Units) MarshalText() ([]byte, error) { return []byte(u.String()), nil }

// UnmarshalText reads a decimal number.
func (u *Units) UnmarshalText(text []byte) error {
	v, err := strconv.ParseUint(string(text), 10, 64)
	if err != nil {
		return fmt.Errorf("quantity %.30q: want a whole number below 2^64", text)
	}
	*u = Units(v)
	return nil
}

// A Tip is the last block of a node's chain.
type Tip struct {
	Height uint32          `json:"height"`
	Hash   pillars.BlockID `json:"hash"`
	Time   uint32          `json:"time"`
	Median uint32          `json:"median_time"` // of the last blocks, this one included: what time locks compare with
}

// Info answers getinfo.
type Info struct {
	Version string          `json:"version"`
	Name    string          `json:"name,omitempty"`
	Network string          `json:"network"`
	Genesis pillars.BlockID `json:"genesis"`

	State   string   `json:"state"` // active, starting, catching_up, …
	Reasons []string `json:"reasons"`

	Tip        Tip    `json:"tip"`
	Height     uint32 `json:"height"`            // of the tip
	BestHeight uint32 `json:"best_known_height"` // of the heaviest headers, judged or not
	Finality   uint32 `json:"finality"`          // heights below the tip that no reorganisation reaches; 0 is none
	From       uint32 `json:"stored_from"`       // lowest height whose block is here; 0 in an archive
	StateRoot  string `json:"state_root"`

	Weight  string         `json:"weight"`
	Work    string         `json:"difficulty_pow"` // that the next such block must show
	Stake   string         `json:"difficulty_pos"`
	Issued  pillars.Amount `json:"issued"`
	Burned  pillars.Amount `json:"burned"`
	Unspent uint64         `json:"unspent_outputs"`

	Peers        int     `json:"peers"`
	Mempool      Mempool `json:"mempool"`
	DiskBytes    uint64  `json:"disk_bytes"`
	Started      int64   `json:"started"`         // Unix seconds
	Reorgs       uint64  `json:"reorganisations"` // since then
	DeepestReorg uint32  `json:"deepest_reorganisation"`
}

// A Header is a block without its transactions.
type Header struct {
	Hash          pillars.BlockID   `json:"hash"`
	Number        uint32            `json:"number"`
	Version       uint32            `json:"version"`
	Seal          string            `json:"seal"` // pow, pos or dpos; genesis for block 0
	Previous      pillars.BlockID   `json:"previous_block_hash"`
	Next          *pillars.BlockID  `json:"next_block_hash,omitempty"`
	Merkle        pillars.Hash      `json:"merkle_tree_hash"`
	Timestamp     uint32            `json:"timestamp"`
	Median        uint32            `json:"median_time"`
	Bits          string            `json:"bits"`   // the difficulty that it shows, decimal
	Weight        string            `json:"weight"` // of the chain that ends here, decimal
	Nonce         string            `json:"nonce"`  // decimal
	MixHash       string            `json:"mixhash"`
	ExtensionRoot *pillars.Hash     `json:"extension_root,omitempty"`
	Signer        string            `json:"signer,omitempty"` // key of the author, under stake
	Stake         *pillars.Outpoint `json:"stake,omitempty"`  // what staked
	Transactions  uint32            `json:"transaction_count"`
	Size          uint32            `json:"size"`
	MainChain     bool              `json:"main_chain"`
	Confirmations uint32            `json:"confirmations"` // 1 for the tip, 0 off the main chain
}

// A Block is a header with its transactions: ids, or everything.
type Block struct {
	Header
	Subsidy      pillars.Amount `json:"subsidy"`
	Fees         pillars.Amount `json:"fees"`
	IDs          []pillars.TxID `json:"transaction_hashes,omitempty"`
	Transactions []Transaction  `json:"transactions,omitempty"`
	Hex          string         `json:"hex,omitempty"`
}

// A Transaction is a transaction as people read it, with where it stands.
type Transaction struct {
	Hash     pillars.TxID `json:"hash"`
	Kind     string       `json:"kind"` // coinbase, coinstake, or what the most telling output carries
	Version  uint32       `json:"version"`
	Size     int          `json:"size"`
	LockTime uint32       `json:"lock_time"`
	Inputs   []Input      `json:"inputs"`
	Outputs  []Output     `json:"outputs"`

	Fee           *pillars.Amount  `json:"fee,omitempty"` // where what it spends is known
	State         string           `json:"state"`         // confirmed, pending, or decoded: not asked for
	Block         *pillars.BlockID `json:"block_hash,omitempty"`
	Height        *uint32          `json:"height,omitempty"`
	Position      *uint32          `json:"position,omitempty"`
	Time          uint32           `json:"time,omitempty"` // of the block, or when the node saw it first
	Confirmations uint32           `json:"confirmations"`
	Final         bool             `json:"final"` // below what a reorganisation reaches
	Hex           string           `json:"hex,omitempty"`
}

// An Input is what an input spends and how.
type Input struct {
	Previous  pillars.Outpoint `json:"previous_output"`
	Sequence  uint32           `json:"sequence"`
	Script    string           `json:"script"` // in words
	ScriptHex string           `json:"script_hex"`
	Witness   []string         `json:"witness,omitempty"`
	Spent     *Output          `json:"spent,omitempty"` // where it is known
}

// An Output is what an output holds and under which script.
type Output struct {
	Index      uint32         `json:"index"`
	Value      pillars.Amount `json:"value"`
	Address    string         `json:"address,omitempty"`
	Template   string         `json:"template"`
	Script     string         `json:"script"` // in words
	ScriptHex  string         `json:"script_hex"`
	Lock       *uint32        `json:"lock,omitempty"`  // lockheight: blocks; sequencelock: as in a sequence
	Model      string         `json:"model,omitempty"` // attenuation
	Attachment Attachment     `json:"attachment"`
}

// An Attachment is what an output carries beside its ETP. Fields that its type has not are left out.
type Attachment struct {
	Type    string `json:"type"` // etp, award, asset-issue, asset-transfer, message, did-register, did-transfer, asset-cert, mit-register, mit-transfer, null
	Version uint32 `json:"version"`
	ToDID   string `json:"to_did,omitempty"`
	FromDID string `json:"from_did,omitempty"`

	Symbol      string `json:"symbol,omitempty"`
	Quantity    *Units `json:"quantity,omitempty"`
	Decimals    *uint8 `json:"decimal_number,omitempty"`
	Threshold   *uint8 `json:"secondaryissue_threshold,omitempty"`
	Secondary   bool   `json:"is_secondaryissue,omitempty"`
	Issuer      string `json:"issuer,omitempty"`
	Owner       string `json:"owner,omitempty"`
	Address     string `json:"address,omitempty"`
	Description string `json:"description,omitempty"`
	Cert        string `json:"cert,omitempty"` // issue, domain, naming, mining, witness, custom:n
	Status      *uint8 `json:"status,omitempty"`
	Content     string `json:"content,omitempty"`
	Height      uint64 `json:"height,omitempty"` // of an award
}

// A Touch is one transaction as it changes some addresses: what it brings them and what it takes.
type Touch struct {
	Tx        pillars.TxID `json:"tx"`
	Version   uint32       `json:"version"`
	Height    *uint32      `json:"height"` // null while it is in no block
	Position  uint32       `json:"position"`
	Time      uint32       `json:"time"`        // of its block, or when the node saw it first
	Median    uint32       `json:"median_time"` // before its block
	Generated bool         `json:"generated"`   // a coinbase: what it brings ripens

	Received []Received         `json:"received"`
	Spent    []pillars.Outpoint `json:"spent"`
}

// A Received is an output to one of the addresses asked about.
type Received struct {
	Address string `json:"address"`
	Index   uint32 `json:"index"`
	Hex     string `json:"hex"` // value, script and attachment as a transaction of version 4 has them
	Output  Output `json:"output"`
}

// History answers fetch-history.
type History struct {
	Tip   Tip     `json:"tip"`
	Items []Touch `json:"items"`
	Next  string  `json:"next"` // from of the following page; empty at the end
}

// TransactionPage answers listtxs.
type TransactionPage struct {
	Items []Transaction `json:"transactions"`
	Next  string        `json:"next"`
}

// HeaderPage answers listblocks.
type HeaderPage struct {
	Items []Header `json:"items"`
	Next  *uint32  `json:"next"` // height of the following page's first; null at the end
}
