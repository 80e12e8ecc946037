package interop_test

import (
	"crypto/hmac"
	"crypto/sha512"
	"encoding/binary"
	"errors"
	"os"
	"slices"
	"testing"

	"github.com/btcsuite/btcd/btcec/v2"
	"github.com/tyler-smith/go-bip39"

	"github.com/asterism-network/asterism/pillars"
	scripts "github.com/asterism-network/asterism/pillars/script"
)

// The words of the wallet in metaverse.test.mjs.
const metaverseWords = "abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon about"

// metaverseKeys derives the first keys of the running network's wallets: m/0, m/1, … (BIP 32).
func metaverseKeys(n uint32) (keys []*btcec.PrivateKey) {
	mac := func(key, data []byte) (left, right []byte) {
		h := hmac.New(sha512.New, key)
		h.Write(data)
		sum := h.Sum(nil)
		return sum[:32], sum[32:]
	}
	secret, chain := mac([]byte("Bitcoin seed"), bip39.NewSeed(metaverseWords, ""))
	master, public := btcec.PrivKeyFromBytes(secret)
	for i := range n {
		left, _ := mac(chain, binary.BigEndian.AppendUint32(public.SerializeCompressed(), i))
		var tweak btcec.ModNScalar
		tweak.SetByteSlice(left)
		tweak.Add(&master.Key)
		keys = append(keys, btcec.PrivKeyFromScalar(&tweak))
	}
	return keys
}

func addressOf(key *btcec.PrivateKey) pillars.Address {
	return pillars.PubKeyHashAddress(pillars.Hash160(key.PubKey().SerializeCompressed()))
}

// A metaverseTx is a transaction of ours as metaversejs should show it.
type metaverseTx struct {
	Name     string            `json:"name"`
	Raw      hexBytes          `json:"raw"`
	ID       pillars.TxID      `json:"id"`
	Version  uint32            `json:"version"`
	LockTime uint32            `json:"lockTime"`
	Inputs   [][3]any          `json:"inputs"`
	Outputs  []metaverseOutput `json:"outputs"`
}

type metaverseOutput struct {
	Value      uint64         `json:"value"`
	Address    string         `json:"address"`
	Script     hexBytes       `json:"script"`
	Attachment map[string]any `json:"attachment"`
}

// A payload and what metaversejs calls its parts.
type metaversePayload struct {
	name    string
	payload pillars.Payload
	shown   map[string]any
}

func metaversePayloads(to string) []metaversePayload {
	return []metaversePayload{
		{"ETP", nil, map[string]any{}},
		{"MST", pillars.AssetTransfer{Symbol: "MVS.ZGC", Quantity: 1 << 52}, map[string]any{"status": 2, "symbol": "MVS.ZGC", "quantity": 1 << 52}},
		{"issue", pillars.AssetIssue{Symbol: "A.B", Supply: 77, Decimals: 19, Threshold: 99, Issuer: "me", Address: to, Description: "what"},
			map[string]any{"status": 1, "symbol": "A.B", "max_supply": 77, "precision": 19, "secondaryissue_threshold": 99,
				"is_secondaryissue": 0, "issuer": "me", "address": to, "description": "what"}},
		{"message", pillars.Message{Text: "grüße"}, map[string]any{"message": "grüße"}},
		{"avatar", pillars.Avatar{Status: pillars.StatusRegister, Symbol: "me@home", Address: to},
			map[string]any{"status": 1, "symbol": "me@home", "address": to}},
		{"avatar transfer", pillars.Avatar{Status: pillars.StatusTransfer, Symbol: "me@home", Address: to},
			map[string]any{"status": 2, "symbol": "me@home", "address": to}},
		{"certificate", pillars.Certificate{Symbol: "A", Owner: "me", Address: to, Kind: pillars.CertNaming, Status: pillars.CertTransfer},
			map[string]any{"symbol": "A", "owner": "me", "address": to, "cert": 3, "status": 2}},
		{"mining certificate", pillars.Certificate{Symbol: "A", Owner: "me", Address: to, Kind: pillars.CertMining, Status: 1, Content: "initial:1,interval:2,base:0.3"},
			map[string]any{"symbol": "A", "owner": "me", "address": to, "cert": 0x60000004, "status": 1, "content": "initial:1,interval:2,base:0.3"}},
		{"MIT", pillars.Token{Status: pillars.StatusRegister, Symbol: "one", Address: to, Content: "it"},
			map[string]any{"status": 1, "symbol": "one", "address": to, "content": "it"}},
		{"MIT transfer", pillars.Token{Status: pillars.StatusTransfer, Symbol: "one", Address: to},
			map[string]any{"status": 2, "symbol": "one", "address": to}},
	}
}

// TestMetaverse shows that metaversejs 0.3.98, a client of the running network, knows the addresses
// of a Pillars devnet, reads our transactions and makes ours of its own [PIL-TX-1] [PIL-ATT-1]
// [PIL-ADR-1] [PIL-SIG-3].
func TestMetaverse(t *testing.T) {
	needSDK(t)
	if _, err := os.Stat("node_modules/metaversejs/package.json"); err != nil {
		t.Fatal("metaversejs is not installed: run test/setup.sh")
	}
	p := pillars.Devnet()
	keys := metaverseKeys(3)
	var addresses []string
	hashes := map[string]hexBytes{}
	var publics [][]byte
	for _, key := range keys {
		text := addressOf(key).Text(p.Address)
		addresses = append(addresses, text)
		hashes[text] = addressOf(key).Hash()
		publics = append(publics, key.PubKey().SerializeCompressed())
	}
	slices.SortFunc(publics, slices.Compare) // as that SDK orders them
	redeem := scripts.Output{Template: scripts.MultiSig, Required: 2, Keys: publics}.Script()
	multisig := pillars.ScriptHashAddress(pillars.Hash160(redeem))
	locked := scripts.Output{Template: scripts.Attenuation, Address: addressOf(keys[0]), From: pillars.NullOutpoint,
		Model: "PN=0;LH=20000;TYPE=1;LQ=9001;LP=60000;UN=3"}.Script()

	var made []struct {
		Name     string       `json:"name"`
		Raw      hexBytes     `json:"raw"`
		ID       pillars.TxID `json:"id"`
		Script   hexBytes     `json:"script"`
		Symbol   string       `json:"symbol"`
		Quantity uint64       `json:"quantity"`
		Depth    uint32       `json:"depth"`
	}
	runScript(t, "metaverse.test.mjs", map[string]any{
		"transactions": metaverseTransactions(t, keys[0], &p), "addresses": addresses, "keyHashes": hashes, "locked": hexBytes(locked), "lockedText": scripts.Text(locked),
		"multisig": multisig.Text(p.Address), "multisigScript": hexBytes(multisig.Script()), "multisigText": scripts.Text(multisig.Script()),
	}, &made)
	if len(made) != 22 {
		t.Errorf("%d transactions made, want 22", len(made))
	}
	for _, m := range made {
		tx := new(pillars.Transaction)
		if err := tx.UnmarshalBinary(m.Raw); err != nil {
			t.Errorf("%s: %v", m.Name, err)
			continue
		}
		if tx.ID() != m.ID {
			t.Errorf("%s: id %s, theirs %s", m.Name, tx.ID(), m.ID)
		}
		spent := scripts.Spent{Output: pillars.Output{Script: m.Script}, Version: 4}
		if m.Symbol != "" {
			spent.Output.Attachment.Payload = pillars.AssetTransfer{Symbol: m.Symbol, Quantity: m.Quantity}
		}
		err := errors.Join(tx.Check(&p), scripts.CheckOutputs(tx), scripts.NewChecker(tx, []scripts.Spent{spent}, scripts.Standard).Verify(),
			scripts.CheckRelease(tx, []scripts.Spent{spent}, []uint32{m.Depth}))
		if err != nil {
			t.Errorf("%s: %v", m.Name, err)
		}
	}
}

// metaverseTransactions are ours, each signed, of every payload and template that metaversejs knows.
func metaverseTransactions(t *testing.T, key *btcec.PrivateKey, p *pillars.Params) (all []metaverseTx) {
	to := addressOf(key)
	for _, v := range metaversePayloads(to.Text(p.Address)) {
		for _, version := range []uint32{pillars.AttachmentPlain, pillars.AttachmentAvatars} {
			a := pillars.Attachment{Version: version, Payload: v.payload}
			shown := map[string]any{"version": version, "type": a.Type()}
			if version == pillars.AttachmentAvatars {
				a.To, a.From = "receiver", ""
				shown["to_did"], shown["from_did"] = a.To, a.From
			}
			for name, value := range v.shown {
				shown[name] = value
			}
			all = append(all, shownAs(t, v.name, key, p, pillars.Output{Value: 1, Script: to.Script(), Attachment: a}, shown))
		}
	}
	asset := pillars.Attachment{Version: pillars.AttachmentPlain, Payload: pillars.AssetTransfer{Symbol: "A", Quantity: 15}}
	plain := pillars.Attachment{Version: pillars.AttachmentPlain}
	for _, out := range []struct {
		scripts.Output
		pillars.Attachment
	}{
		{scripts.Output{Template: scripts.ScriptHash, Address: pillars.ScriptHashAddress([20]byte{9})}, plain},
		{scripts.Output{Template: scripts.BlackHole, Address: pillars.BlackHole()}, plain},
		{scripts.Output{Template: scripts.LockHeight, Address: to, Lock: 25200}, plain},
		{scripts.Output{Template: scripts.SequenceLock, Address: to, Lock: 1000}, plain},
		{scripts.Output{Template: scripts.Attenuation, Address: to, Model: "PN=0;LH=20;TYPE=1;LQ=15;LP=60;UN=3", From: pillars.NullOutpoint}, asset},
	} {
		shown := map[string]any{"version": 1, "type": out.Type()}
		if out.Payload != nil {
			shown["status"], shown["symbol"], shown["quantity"] = 2, "A", 15
		}
		tx := shownAs(t, out.Template.String(), key, p, pillars.Output{Script: out.Output.Script(), Attachment: out.Attachment}, shown)
		if out.Template == scripts.BlackHole || out.Template == scripts.SequenceLock {
			tx.Outputs[0].Address = "" // that SDK shows none for these
		}
		all = append(all, tx)
	}
	return all
}

// shownAs signs a transaction with one output and says how it should be shown.
func shownAs(t *testing.T, name string, key *btcec.PrivateKey, p *pillars.Params, out pillars.Output, attachment map[string]any) metaverseTx {
	from := addressOf(key).Script()
	tx := &pillars.Transaction{Version: pillars.VersionCurrent, LockTime: 77, Outputs: []pillars.Output{out},
		Inputs: []pillars.Input{{Previous: pillars.Outpoint{Tx: pillars.TxID{1, 2, 3}, Index: 5}, Sequence: 0xfffffffe}}}
	tx.Inputs[0].Script = scripts.Unlock(tx, 0, from, key)
	spent := []scripts.Spent{{Output: pillars.Output{Script: from}, Version: pillars.VersionSegWit}}
	if err := errors.Join(tx.Check(p), scripts.CheckOutputs(tx), scripts.NewChecker(tx, spent, scripts.Standard).Verify()); err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	in := tx.Inputs[0]
	return metaverseTx{
		Name: name, Raw: tx.AppendBinary(nil), ID: tx.ID(), Version: tx.Version, LockTime: tx.LockTime,
		Inputs: [][3]any{{in.Previous.Tx, in.Previous.Index, in.Sequence}},
		Outputs: []metaverseOutput{{Value: uint64(out.Value), Address: scripts.Classify(out.Script).Address.Text(p.Address),
			Script: out.Script, Attachment: attachment}},
	}
}
