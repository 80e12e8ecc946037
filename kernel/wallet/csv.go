package wallet

import (
	"encoding/csv"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/asterism-network/asterism/kernel"
)

// csvHeader names the columns; they are added to at the end and never reordered.
var csvHeader = []string{"time", "commit", "state", "direction", "amount", "asset", "symbol", "class", "with", "memo", "reference", "transaction", "reason"}

// WriteCSV writes history with one line for each payment. Symbols name assets where known.
// Cells that a spreadsheet would take for a formula get a leading apostrophe: memos are
// written by strangers.
func WriteCSV(out io.Writer, entries []Entry, symbols map[kernel.AssetID]string) error {
	w := csv.NewWriter(out)
	if err := w.Write(csvHeader); err != nil {
		return err
	}
	for i := range entries {
		e := &entries[i]
		commit, reason := "", ""
		if e.State == Final {
			commit = strconv.FormatUint(uint64(e.Commit), 10)
		}
		if e.Rule != 0 {
			reason = e.Rule.String()
		}
		amount := e.Amount.String()
		if e.Direction == Outgoing {
			amount = "-" + amount
		}
		err := w.Write([]string{
			e.Time.Time().Format(time.RFC3339), commit, string(e.State), string(e.Direction), amount,
			e.Asset.String(), inert(symbols[e.Asset]), e.Class, inert(strings.Join(e.With, "; ")),
			inert(e.Memo), inert(e.Reference), e.Transaction.String(), reason,
		})
		if err != nil {
			return err
		}
	}
	w.Flush()
	return w.Error()
}

func inert(cell string) string {
	if cell != "" && strings.ContainsRune("=+-@\t\r", rune(cell[0])) {
		return "'" + cell
	}
	return cell
}
