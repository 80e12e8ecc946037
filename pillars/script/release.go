package script

import "github.com/asterism-network/asterism/pillars"

// checkLocked judges an output under a lock model by itself: it holds an asset, and at least what
// the model locks [PIL-LCK-2].
func checkLocked(o *pillars.Output, out Output) error {
	model, err := pillars.ParseLockModel(out.Model)
	if err != nil {
		return reject(AttenuationInvalid, "%v", err)
	}
	_, quantity, ok := o.Asset()
	locked := model.Locked()
	fresh := out.From.IsNull() && model.Elapsed() == 0 && model.Type == pillars.LockInflation
	if !ok || quantity < locked || fresh && quantity != locked {
		return reject(LockAmount, "%d held, %d locked", quantity, locked)
	}
	return nil
}

// CheckRelease judges a transaction whose output forms are right by the locks of what it spends:
// each that has not ended is continued by one output, by as many blocks at most as lie between,
// with exactly what is still locked. What asset rules ask is asked elsewhere. Depths are, for each
// input, the blocks from that of the output to that of the transaction.
func CheckRelease(tx *pillars.Transaction, spent []Spent, depths []uint32) error {
	continues := map[pillars.Outpoint]int{}
	for i := range tx.Outputs {
		out := Classify(tx.Outputs[i].Script)
		if tx.IsSegWit() || out.Template != Attenuation || out.From.IsNull() {
			continue
		}
		if _, twice := continues[out.From]; twice {
			return reject(LockUnknown, "output %d continues a lock again", i)
		}
		continues[out.From] = i
	}
	for i := range tx.Inputs {
		from := tx.Inputs[i].Previous
		to, found := continues[from]
		before := Classify(spent[i].Output.Script)
		if before.Template != Attenuation {
			continue
		}
		delete(continues, from)
		var after *pillars.Output
		if found {
			after = &tx.Outputs[to]
		}
		if err := checkContinued(&spent[i].Output, before.Model, after, uint64(depths[i])); err != nil {
			return err
		}
	}
	if len(continues) > 0 {
		return reject(LockUnknown, "%d outputs continue what is not spent", len(continues))
	}
	return nil
}

// checkContinued judges one lock: what was spent, and what continues it, if anything does.
func checkContinued(spent *pillars.Output, model string, after *pillars.Output, depth uint64) error {
	old, err := pillars.ParseLockModel(model)
	if err != nil {
		return reject(AttenuationInvalid, "%v", err)
	}
	if after == nil {
		if _, ended := old.After(depth); !ended {
			return reject(LockLost, "%s after %d blocks", model, depth)
		}
		return nil
	}
	later, err := pillars.ParseLockModel(Classify(after.Script).Model)
	if err != nil {
		return reject(AttenuationInvalid, "%v", err)
	}
	symbol, quantity, _ := after.Asset()
	if was, _, _ := spent.Asset(); symbol != was {
		return reject(LockUnknown, "%s continues a lock of %s", symbol, was)
	}
	if !later.Same(old) || later.Elapsed() < old.Elapsed() || later.Elapsed()-old.Elapsed() > depth || later.Period < old.Period {
		return reject(LockEarly, "%s after %d blocks of %s", later, depth, model)
	}
	if quantity != later.Locked() {
		return reject(LockAmount, "%d held, %d locked", quantity, later.Locked())
	}
	return nil
}
