package template_test

import (
	"testing"

	"github.com/asterism-network/asterism/pillars"
	"github.com/asterism-network/asterism/pillars/internal/state"
	"github.com/asterism-network/asterism/pillars/internal/template"
)

func (d *desk) paying(c coin, fee pillars.Amount, payloads ...pillars.Payload) *pillars.Transaction {
	tx := d.spend(c, 1, fee)
	for _, p := range payloads {
		tx.Outputs = append(tx.Outputs, pillars.Output{
			Script: d.Owner.Script(), Attachment: pillars.Attachment{Version: pillars.AttachmentPlain, Payload: p},
		})
	}
	return d.sign(tx)
}

// TestMinedAsset: a block takes what an asset's mining terms give, no more and only when there is something, and is accepted.
func TestMinedAsset(t *testing.T) {
	d := newDesk(t, 5)
	me := d.Owner.Text(d.Params.Address)
	next := func(asset string, waiting ...*pillars.Transaction) *template.Template {
		t.Helper()
		d.now++
		parent := d.chain.Tip()
		r := d.request(&parent, waiting)
		r.Asset = asset
		got, err := template.New(r)
		if err != nil || len(got.Left) > 0 {
			t.Fatal(err, got)
		}
		d.give(d.mine(got, 1))
		return got
	}
	const symbol = "ORE.FINE"
	if got := next(symbol, d.paying(d.coins[0], pillars.ETP, pillars.Avatar{Status: pillars.StatusRegister, Symbol: "miner", Address: me})); got.Mined != 0 {
		t.Errorf("%d of an asset that does not exist", got.Mined)
	}
	cert := func(kind pillars.CertificateType, name, content string) pillars.Certificate {
		return pillars.Certificate{Symbol: name, Owner: "miner", Address: me, Kind: kind, Status: pillars.CertAutoIssue, Content: content}
	}
	issue := d.paying(d.coins[1], 10*pillars.ETP,
		pillars.AssetIssue{Symbol: symbol, Supply: 5000, Issuer: "miner", Address: me, Description: "test"},
		cert(pillars.CertDomain, "ORE", ""), cert(pillars.CertMining, symbol, "initial:300,interval:2,base:0.5"))
	if got := next(symbol, issue); got.Mined != 0 {
		t.Errorf("%d in the block of the issue", got.Mined)
	}
	sum := uint64(0)
	for i, want := range []uint64{300, 150, 150, 75, 75, 38, 38, 19, 19} { // a year is two blocks; the issue counts for the first
		got := next(symbol)
		if got.Mined != want {
			t.Errorf("block %d: %d mined, want %d", i, got.Mined, want)
		}
		sum += got.Mined
	}
	if asset, _ := state.At(d.chain.Store().View(), &d.Params).Asset(symbol); asset.Mined != sum {
		t.Errorf("the state has %d mined, want %d", asset.Mined, sum)
	}
	if got := next(""); len(got.Transactions()[0].Outputs) != 1 {
		t.Error("an asset that was not asked for")
	}
}
