// What the SDK builds wrongly is refused: in the envelope with the words that existing libraries
// look for, in JSON-RPC 2.0 with a name, and by checkrawtransaction with the same name.

import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import * as sdk from '@mixin.dev/mixin-node-sdk';
import { User, envelope, facts, finalEverywhere, get, hashOf, pay, rpc2, scan, submit, until, zero } from './lib.mjs';

const user = new User(facts.users[0]);
const [url] = facts.urls;
let money; // the user's largest output
let spent; // an output that is spent, and by whom
let used; // a one-time key in use, and by whom

before(async () => {
  const outputs = await scan(user, url);
  money = outputs.sort((a, b) => Number(b.amount) - Number(a.amount))[0];
  const source = await get(url, 'gettransaction', facts.funded[0]);
  spent = user.outputsOf(source).find((o) => o.amount !== money.amount) ?? user.outputsOf(source)[0];
  spent.winner = (await get(url, 'getutxo', spent.transaction_hash, spent.output_index)).lock;
  assert.ok(spent.winner, 'the payments came first');
  used = { key: source.outputs[0].keys[0], owner: source.hash };
});

/** A good payment of everything in one output; change breaks it before it is signed. */
function payment(change = () => {}, utxos = [money]) {
  const total = utxos.reduce((sum, o) => sum.plus(sdk.parseUnits(o.amount, 8)), sdk.parseUnits('0', 8));
  const { tx } = pay(utxos, [[[user.address], 1, sdk.formatUnits(total, 8).toFixed(8)]], user.address);
  change(tx);
  return { tx, raw: user.sign(tx, utxos) };
}

const signatures = (raw) => sdk.decodeSafeTransaction(raw).signatureMap;

const cases = [
  { what: 'a double spend', name: 'input_spent', code: -32012,
    make: () => payment(undefined, [spent]),
    text: () => `input locked for transaction ${spent.winner}`,
    data: () => ({ winner: spent.winner }) },
  { what: 'an input that does not exist', name: 'input_not_found', code: -32012,
    make: () => payment((tx) => { tx.inputs[0].hash = 'ab'.repeat(32); }),
    text: () => `input not found ${'ab'.repeat(32)}:${money.output_index}` },
  { what: 'a reference that does not exist', name: 'reference_not_found', code: -32013,
    make: () => payment((tx) => { tx.references = ['cd'.repeat(32)]; }),
    text: () => `reference not found ${'cd'.repeat(32)}` },
  { what: 'a key that is no point to pay to', name: 'output_key_invalid', code: -32010,
    make: () => payment((tx) => { tx.outputs[0].keys = [`01${zero.slice(2)}`]; }),
    text: () => `invalid output key 01${zero.slice(2)}` },
  { what: 'the same key twice', name: 'output_key_duplicate', code: -32010,
    make: () => payment((tx) => { tx.outputs[0].keys.push(tx.outputs[0].keys[0]); }),
    text: () => 'invalid output key ' },
  { what: 'a one-time key that is in use', name: 'ghost_key_used', code: -32013,
    make: () => payment((tx) => { tx.outputs[0].keys = [used.key]; }),
    text: () => `ghost key ${used.key} locked for transaction ${used.owner}`,
    data: () => ({ winner: used.owner }) },
  { what: 'no signature', name: 'threshold_not_met', code: -32014,
    make: () => { const { tx } = payment(); return { tx, raw: sdk.encodeSafeTransaction(tx) }; },
    text: () => 'invalid tx signature number ' },
  { what: 'more maps than inputs', name: 'signature_shape', code: -32010,
    make: () => { const { tx, raw } = payment(); return { tx, raw: sdk.encodeSafeTransaction(tx, [...signatures(raw), ...signatures(raw)]) }; },
    text: () => 'invalid tx signature number ' },
  { what: 'a signature of a key that is not there', name: 'signature_shape', code: -32010,
    make: () => { const { tx } = payment(); return { tx, raw: user.sign(tx, [money], 9) }; },
    text: () => 'invalid signature keys ' },
  { what: 'a signature by another key', name: 'signature_invalid', code: -32014,
    make: () => { const { tx } = payment(); return { tx, raw: new User(facts.users[1]).sign(tx, [money]) }; },
    text: () => 'batch verification failure' },
  { what: 'a signature of another transaction', name: 'signature_invalid', code: -32014,
    make: () => { const { tx } = payment(); return { tx, raw: sdk.encodeSafeTransaction(tx, signatures(payment().raw)) }; },
    text: () => 'batch verification failure' },
  { what: 'more out than in', name: 'amount_mismatch', code: -32015,
    make: () => payment((tx) => { tx.outputs[0].amount = sdk.formatUnits(sdk.parseUnits(money.amount, 8).plus(1), 8).toFixed(8); }),
    text: () => 'invalid input output amount' },
  { what: 'a memo of 257 bytes', name: 'extra_too_large', code: -32004,
    make: () => payment((tx) => { tx.extra = Buffer.alloc(257); }) },
  { what: '17 references', name: 'too_many_references', code: -32004,
    make: () => payment((tx) => { tx.references = Array(17).fill(facts.funded[0]); }) },
  { what: 'the same input twice', name: 'input_duplicate', code: -32010,
    make: () => payment(undefined, [money, money]) },
  { what: 'cut off', name: 'malformed', code: -32010,
    make: () => ({ raw: payment().raw.slice(0, -2) }),
    data: ({ data }) => ({ offset: data.offset, field: data.field, fault: 'truncated' }) },
  { what: 'a byte more', name: 'malformed', code: -32010,
    make: () => ({ raw: `${payment().raw}00` }) },
];

for (const c of cases) {
  test(`${c.what}: ${c.name}`, async () => {
    const { tx, raw } = c.make();
    const old = await envelope(url, 'sendrawtransaction', raw);
    assert.equal(old.data, undefined);
    assert.equal(typeof old.error, 'string');
    if (c.text) assert.ok(old.error.startsWith(c.text()), `the envelope says ${old.error}`);
    const { error } = await rpc2(url, 'sendrawtransaction', raw);
    assert.equal(error.data.name, c.name, error.message);
    assert.equal(error.code, c.code);
    if (c.data) assert.deepEqual(error.data, { name: c.name, ...c.data(error) });
    const { result } = await rpc2(url, 'checkrawtransaction', raw);
    assert.deepEqual([result.valid, result.name], [false, c.name]);
    if (tx) {
      assert.equal(result.hash, hashOf(sdk.encodeSafeTransaction(tx)));
      assert.equal(await get(url, 'gettransaction', result.hash), null, 'nothing is left of it');
    }
  });
}

for (const [method, params, text, code, name] of [
  ['gettransaction', [], 'invalid params count', -32602, 'invalid_params'],
  ['gettransaction', [zero, 1], 'invalid params count', -32602, 'invalid_params'],
  ['getutxo', [zero], 'invalid params count', -32602, 'invalid_params'],
  ['gettransaction', ['xyz'], '', -32602, 'invalid_params'],
  ['nosuchmethod', [], 'invalid method nosuchmethod', -32601, 'method_not_found'],
]) {
  test(`${method}(${params}): ${name}`, async () => {
    const { error: old } = await envelope(url, method, ...params);
    assert.ok(old.startsWith(text), old);
    const { error } = await rpc2(url, method, ...params);
    assert.deepEqual([error.code, error.data.name], [code, name]);
  });
}

test('two payments of one output at two nodes: one becomes final, the other is refused everywhere', async () => {
  const both = [payment(), payment()];
  const pair = both.map(({ raw }) => raw);
  const hashes = both.map(({ tx }) => hashOf(sdk.encodeSafeTransaction(tx)));
  assert.notEqual(hashes[0], hashes[1]);
  await Promise.all(pair.map((raw, i) => envelope(facts.urls[2 + i], 'sendrawtransaction', raw)));
  const winner = await until('one of two', async () => {
    const lock = (await get(url, 'getutxo', money.transaction_hash, money.output_index)).lock;
    return lock && hashes.indexOf(lock) + 1;
  }) - 1;
  const won = await finalEverywhere(hashes[winner]);
  assert.equal(won.hex, pair[winner]);
  for (const node of facts.urls) {
    const old = await envelope(node, 'sendrawtransaction', pair[1 - winner]);
    assert.equal(old.error, `input locked for transaction ${won.hash}`);
    const { error } = await rpc2(node, 'sendrawtransaction', pair[1 - winner]);
    assert.deepEqual([error.data.name, error.data.winner], ['input_spent', won.hash]);
    assert.equal(await get(node, 'gettransaction', hashes[1 - winner]), null);
  }
  [money] = user.outputsOf(won);
});

test('a refused payment locks nothing: its inputs and keys are free for the next', async () => {
  const { tx } = payment();
  await submit(url, user.sign(tx, [money])).then((hash) => finalEverywhere(hash));
});
