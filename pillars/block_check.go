package pillars

// Check judges what a block shows without its parents: size, form, Merkle tree, the place of the
// coinbase, and each transaction. Seal, signature and state are judged elsewhere.
func (b *Block) Check(p *Params) error {
	if size := b.Size(); size > int(p.Limits.BlockSize) {
		return reject(BlockTooLarge, "%d bytes, at most %d", size, p.Limits.BlockSize)
	}
	if b.Extended() != p.Extended {
		return reject(HeaderForm, "version %#x", b.Version)
	}
	if root := b.Extension.Root(); p.Extended && root != b.ExtensionRoot {
		return reject(ExtensionMismatch, "%s, header has %s", root, b.ExtensionRoot)
	}
	if err := b.checkMerkle(); err != nil {
		return err
	}
	return b.checkTransactions(p)
}

// Size returns the number of bytes of the wire form.
func (b *Block) Size() int { return len(b.AppendBinary(nil)) }

// checkMerkle computes the tree level by level and refuses two equal nodes that are joined, other
// than the repetition that the tree itself makes.
func (b *Block) checkMerkle() error {
	level := make([]Hash, len(b.Transactions))
	for i, tx := range b.Transactions {
		level[i] = tx.Leaf()
	}
	for len(level) > 1 {
		for i := 0; i+1 < len(level); i += 2 {
			if level[i] == level[i+1] {
				return reject(MerkleRepeated, "%s", level[i])
			}
		}
		level = merkleLevel(level)
	}
	if len(level) == 0 || level[0] != b.Merkle {
		return reject(MerkleMismatch, "header has %s", b.Merkle)
	}
	return nil
}

func (b *Block) checkTransactions(p *Params) error {
	if !b.Transactions[0].IsCoinbase() {
		return reject(NoCoinbase, "%s", b.Transactions[0].ID())
	}
	seen := make(map[TxID]bool, len(b.Transactions))
	for i, tx := range b.Transactions {
		id := tx.ID()
		if i > 0 && tx.IsCoinbase() {
			return reject(CoinbaseMisplaced, "%s at %d", id, i)
		}
		if seen[id] {
			return reject(TransactionRepeated, "%s", id)
		}
		seen[id] = true
		if err := tx.Check(p); err != nil {
			return err
		}
	}
	return nil
}
