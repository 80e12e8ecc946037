// Package script judges whether a transaction may spend an output.
//
// Outputs spent by transactions of versions 1 to 4 run on an interpreter of our own: the language
// of Bitcoin before SegWit with two opcodes moved and one added (docs/spec/pillars.md, scripts).
// Version 5 runs on btcd's engine, exactly as in Bitcoin. Both are pure: whether a lock's height
// has come is asked in SequenceLocks and answered by the state.
package script
