// Transactions: the SDK decodes ours and encodes the same bytes again; ours decode what it makes.
//
// Version 7.5.5 cannot decode everything that it can encode. Where its decoder fails on its own
// encoding, what stands for it here is its encoder: the same fields give our bytes. The last
// test pins these places, so that a later version that mends them is noticed.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as sdk from '@mixin.dev/mixin-node-sdk';
import { User, answer, facts, fromView, ghostKeys, hashOf, hex, zero } from './lib.mjs';

/** Compares what the SDK decoded with what our RPC shows, field by field. */
function equalsView(tx, view) {
  assert.equal(tx.version, view.version);
  assert.equal(tx.asset, view.asset);
  assert.equal(tx.extra.toString('hex'), view.extra);
  assert.deepEqual(tx.references, view.references ?? []);
  assert.equal(tx.inputs.length, view.inputs.length);
  tx.inputs.forEach((input, i) => {
    const want = view.inputs[i];
    assert.equal(input.hash, want.hash ?? zero);
    assert.equal(input.index, want.index ?? 0);
    assert.equal(input.genesis, want.genesis);
    assert.equal(input.deposit, undefined);
    assert.equal(input.mint, undefined);
  });
  assert.equal(tx.outputs.length, view.outputs.length);
  tx.outputs.forEach((output, i) => {
    const want = view.outputs[i];
    assert.equal(output.type, want.type);
    assert.equal(sdk.formatUnits(sdk.parseUnits(output.amount, 8), 8).toFixed(8), want.amount);
    assert.deepEqual(output.keys, want.keys);
    assert.equal(output.mask, want.mask);
    assert.equal(output.script, want.script);
    assert.equal(output.withdrawal, undefined);
  });
}

/** Whether this version's decoder knows all parts of a transaction. */
const decodable = (view) =>
  view.inputs.every((i) => !i.deposit && !i.mint) && view.outputs.every((o) => !o.withdrawal);

const countOf = (c) => (c.maps ?? []).reduce((n, m) => n + Object.keys(m).length, 0);

/** Encodes with the authorization of a case. */
function encode(tx, c) {
  if (!c.aggregate) return sdk.encodeSafeTransaction(tx, c.maps ?? []);
  const body = sdk.encodeSafeTransaction(tx);
  const enc = new sdk.Encoder(hex(body).subarray(0, -2));
  enc.encodeAggregatedSignature(c.aggregate);
  return enc.hex();
}

const kinds = new Map();
for (const c of facts.cases) {
  const kind = c.name.replace(/ \d+$/, '');
  kinds.set(kind, [...(kinds.get(kind) ?? []), c]);
}

for (const [kind, cases] of kinds) {
  test(`${kind}: ${cases.length} of ours`, () => {
    for (const c of cases) {
      assert.equal(hashOf(c.payload), c.view.hash, c.name);
      assert.equal(encode(fromView(c.view), c), c.raw, `${c.name}: our view, written by the SDK, is our bytes`);
      assert.equal(sdk.encodeSafeTransaction(fromView(c.view)), c.payload, c.name);
      if (!decodable(c.view)) continue;
      const tx = sdk.decodeSafeTransaction(c.payload);
      equalsView(tx, c.view);
      for (const input of tx.inputs) if (input.genesis) input.genesis = hex(input.genesis);
      assert.equal(encode(tx, c), c.raw, `${c.name}: decoded and encoded`);
      if (countOf(c) === 1) {
        const signed = sdk.decodeSafeTransaction(c.raw);
        equalsView(signed, c.view);
        assert.deepEqual(signed.signatureMap, c.maps);
        assert.equal(sdk.encodeSafeTransaction(signed, signed.signatureMap), c.raw);
      }
    }
  });
}

test('every form came by, and enough of them decoded', () => {
  assert.ok(kinds.size >= 11, `${kinds.size} forms`);
  assert.ok(facts.cases.filter((c) => decodable(c.view)).length >= 40);
  assert.ok(facts.cases.filter((c) => decodable(c.view) && countOf(c) === 1).length >= 8);
});

test('amounts up to 2^128 - 1 units are written alike', () => {
  assert.equal(encode(fromView(facts.large.view), facts.large), facts.large.raw);
});

test('the SDK builds and signs for our decoder', () => {
  const user = new User({
    spend_seed: sdk.getRandomBytes(32).toString('hex'),
    view_private: sdk.newKeyFromSeed(sdk.getRandomBytes(64)).toString('hex'),
  });
  const made = [];
  for (let i = 0; i < 30; i++) {
    const utxos = Array.from({ length: 1 + (i % 4) }, (_, j) => ({
      transaction_hash: sdk.getRandomBytes(32).toString('hex'), output_index: j, asset: facts.cases[0].view.asset,
      amount: '10', state: 'unspent', ...ghostKeys([user.address], j),
    }));
    const rs = [];
    if (i % 5 === 4) rs.push({ amount: '0.5', destination: 'bc1qexample', tag: i % 2 ? 'tag' : undefined });
    for (let j = 0; j <= i % 3; j++) rs.push(sdk.buildSafeTransactionRecipient([user.address], 1, `${i}.0000000${j + 1}`));
    const gs = rs.map((r, j) => (r.destination ? undefined : ghostKeys(r.mixAddress.xinMembers, j)));
    const references = Array.from({ length: i % 17 }, () => sdk.getRandomBytes(32).toString('hex'));
    const memo = sdk.getRandomBytes(i * 8);
    const tx = sdk.buildSafeTransaction(utxos, rs, gs, memo, references);
    const raw = user.sign(tx, utxos);
    made.push({ raw, hash: hashOf(sdk.encodeSafeTransaction(tx)), memo: memo.toString('hex') });
  }
  answer({ made });
});

test('what this version cannot decode of its own encoding', () => {
  const body = fromView(facts.cases[0].view);
  const same = (change, maps = []) => {
    const tx = { ...structuredClone(body), extra: body.extra };
    change(tx);
    const raw = sdk.encodeSafeTransaction(tx, maps);
    try {
      const back = sdk.decodeSafeTransaction(raw);
      return sdk.encodeSafeTransaction(back, back.signatureMap) === raw;
    } catch {
      return false;
    }
  };
  const signature = '11'.repeat(64);
  const one = (tx) => { tx.inputs = tx.inputs.slice(0, 1); };
  assert.ok(same(one), 'unsigned');
  assert.ok(same(one, [{ 0: signature }]), 'one signature');
  const broken = {
    'two signatures': () => same(one, [{ 0: signature, 1: signature }]),
    withdrawal: () => same((tx) => { tx.outputs[0] = { type: 0xa1, amount: '1', keys: [], withdrawal: { address: 'address', tag: 'tag' } }; }),
    deposit: () => same((tx) => {
      tx.inputs = [{ hash: zero, index: 0, deposit: { chain: zero, asset: 'key', transaction: '0xabc', index: 1n, amount: '1' } }];
    }),
    mint: () => same((tx) => { tx.inputs = [{ hash: zero, index: 0, mint: { group: 'UNIVERSAL', batch: 1n, amount: '1' } }]; }),
    'amounts over 2^53 units': () => same((tx) => { tx.outputs[0].amount = '90071992.54740993'; }),
  };
  for (const [what, works] of Object.entries(broken)) {
    assert.equal(works(), false, `${what}: the SDK reads it now; let the tests above decode it`);
  }
});
