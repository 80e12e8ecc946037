package pillars

// Check judges what a transaction shows by itself [PIL-CHK]. What its scripts may look like and
// whether they are satisfied is package script's; what it spends is the state's.
func (tx *Transaction) Check(p *Params) error {
	if err := tx.checkForm(p); err != nil {
		return err
	}
	if err := tx.checkInputs(); err != nil {
		return err
	}
	if err := tx.checkValues(); err != nil {
		return err
	}
	for i := range tx.Outputs {
		if err := tx.checkAttachment(p, i); err != nil {
			return err
		}
	}
	return tx.checkQuantities()
}

func (tx *Transaction) checkForm(p *Params) error {
	switch {
	case len(tx.Inputs) == 0:
		return reject(NoInputs, "%s", tx.ID())
	case len(tx.Outputs) == 0:
		return reject(NoOutputs, "%s", tx.ID())
	case !tx.versionAllowed(p):
		return reject(TransactionVersion, "%d", tx.Version)
	}
	size, most := tx.Size(), p.Limits.LegacySize
	if tx.IsSegWit() {
		most = p.Limits.TransactionSize
	}
	switch {
	case size > int(most):
		return reject(TransactionTooLarge, "%d bytes, at most %d", size, most)
	case size == 64:
		return reject(TransactionSize64, "%s", tx.ID())
	case tx.IsSegWit() && tx.ambiguous():
		return reject(TransactionAmbiguous, "%s", tx.ID())
	}
	return nil
}

func (tx *Transaction) versionAllowed(p *Params) bool {
	switch tx.Version {
	case VersionFirst, VersionTemplate, VersionCurrent:
		return true
	case VersionTest:
		return p.Limits.TestVersion
	case VersionSegWit:
		return p.Extended
	}
	return tx.Version == VersionGenesis && tx.IsCoinbase() && !p.Extended
}

// ambiguous reports whether the bytes that a version-5 id is taken over are also a transaction of
// another version. Then the two would share an id, and signatures, and mean different things: a
// wallet asks this before it signs.
func (tx *Transaction) ambiguous() bool {
	var other Transaction
	return other.UnmarshalBinary(tx.AppendBitcoin(nil, false)) == nil && !other.IsSegWit()
}

func (tx *Transaction) checkInputs() error {
	if tx.IsCoinbase() {
		if n := len(tx.Inputs[0].Script); n < 2 || n > 100 {
			return reject(CoinbaseScriptSize, "%d bytes", n)
		}
		return nil
	}
	seen := make(map[Outpoint]bool, len(tx.Inputs))
	for i := range tx.Inputs {
		from := tx.Inputs[i].Previous
		if from.IsNull() {
			return reject(InputNull, "input %d", i)
		}
		if seen[from] {
			return reject(InputRepeated, "%s:%d", from.Tx, from.Index)
		}
		seen[from] = true
	}
	return nil
}

func (tx *Transaction) checkValues() error {
	sum, ok := Amount(0), true
	for i := range tx.Outputs {
		if !tx.Outputs[i].Value.Valid() {
			return reject(ValueRange, "output %d has %s", i, tx.Outputs[i].Value)
		}
		if sum, ok = sum.Add(tx.Outputs[i].Value); !ok {
			return reject(ValueSumRange, "with output %d", i)
		}
	}
	return nil
}

// checkQuantities adds up what the outputs hold of each asset: a sum that wraps around would make
// assets out of nothing.
func (tx *Transaction) checkQuantities() error {
	sums := map[string]uint64{}
	for i := range tx.Outputs {
		symbol, quantity, ok := tx.Outputs[i].Asset()
		if !ok {
			continue
		}
		sum := sums[symbol] + quantity
		if sum < quantity {
			return reject(QuantitySum, "%s with output %d", symbol, i)
		}
		sums[symbol] = sum
	}
	return nil
}

// Asset returns what the output holds of an asset: by issue or by transfer.
func (o *Output) Asset() (symbol string, quantity uint64, ok bool) {
	switch v := o.Attachment.Payload.(type) {
	case AssetIssue:
		return v.Symbol, v.Supply, true
	case AssetTransfer:
		return v.Symbol, v.Quantity, true
	}
	return "", 0, false
}
