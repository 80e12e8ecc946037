// Payments built and signed by the SDK, submitted to our nodes in both dialects, final on all.

import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import * as sdk from '@mixin.dev/mixin-node-sdk';
import { User, answer, envelope, facts, finalEverywhere, fromView, get, ghostKeys, hashOf, hex, pay, rpc2, submit } from './lib.mjs';

const users = facts.users.map((u) => new User(u));
const [payer] = users;
const units = (amount) => BigInt(sdk.parseUnits(amount, 8).toFixed(0));
const text = (n) => `${n / 100000000n}.${String(n % 100000000n).padStart(8, '0')}`;

// What the users can spend, by user; outputs that two of them share are apart.
const wallets = users.map(() => []);
let shared = [];
const paid = { received: 0n, deposited: 0n, final: [] };

/** Takes note of a final transaction: inputs go, outputs come. */
function record(tx) {
  const spent = new Set(tx.inputs.map((i) => `${i.hash}:${i.index}`));
  users.forEach((user, i) => {
    wallets[i] = wallets[i].filter((o) => !spent.has(`${o.transaction_hash}:${o.output_index}`));
    wallets[i].push(...user.outputsOf(tx).filter((o) => o.keys.length === 1));
  });
  shared = shared.filter((o) => !spent.has(`${o.transaction_hash}:${o.output_index}`));
  shared.push(...users[1].outputsOf(tx).filter((o) => o.keys.length > 1));
  paid.final.push(tx.hash);
}

/** Signs, submits, waits for all nodes, compares what comes back with what was built. */
async function settle({ tx, chosen }, { url = facts.urls[0], raw = payer.sign(tx, chosen), send = submit } = {}) {
  const hash = hashOf(sdk.encodeSafeTransaction(tx));
  const checked = (await rpc2(url, 'checkrawtransaction', raw)).result;
  assert.equal(checked.valid, true, `${checked.name}: ${checked.message}`);
  assert.equal(await send(url, raw), hash, 'node and SDK agree on the hash');
  const seen = await finalEverywhere(hash);
  assert.equal(seen.hex, raw, 'the bytes come back as they went in');
  assert.equal(seen.extra, tx.extra.toString('hex'));
  assert.deepEqual(seen.references ?? [], tx.references);
  assert.deepEqual(seen.inputs, tx.inputs.map(({ hash, index }) => ({ hash, index })));
  seen.outputs.forEach((output, i) => {
    assert.equal(output.amount, text(units(tx.outputs[i].amount)));
    assert.deepEqual(output.keys ?? [], tx.outputs[i].keys);
    assert.deepEqual(output.withdrawal, tx.outputs[i].withdrawal);
  });
  record(seen);
  return seen;
}

const toReceiver = (amount) => {
  paid.received += units(amount);
  return [[facts.receiver], 1, amount];
};

test('addresses are the same on both sides', () => {
  users.forEach((user, i) => assert.equal(user.address, facts.users[i].address));
});

test('the SDK finds what our wallet paid', async () => {
  for (const [i, hash] of facts.funded.entries()) {
    const tx = await finalEverywhere(hash);
    const found = payer.outputsOf(tx);
    assert.equal(found.length, i === 0 ? 3 : 1, 'three outputs by default, one if plain');
    assert.equal(found.reduce((sum, o) => sum + units(o.amount), 0n), units('2'));
    for (const o of found) {
      const utxo = await get(facts.urls[i], 'getutxo', hash, o.output_index);
      assert.deepEqual([utxo.keys, utxo.mask, utxo.amount, utxo.lock], [o.keys, o.mask, o.amount, undefined]);
    }
    wallets[0].push(...found);
    const payload = sdk.encodeSafeTransaction(fromView(tx));
    assert.equal(hashOf(payload), hash);
    assert.ok(tx.hex.startsWith(payload.slice(0, -4)), 'what our wallet signed, but for the signatures');
    assert.equal(tx.hex.startsWith('ffffff01', payload.length - 4), i === 2, 'one has an aggregate signature');
    assert.deepEqual(sdk.decodeSafeTransaction(payload).outputs.map((o) => o.keys), tx.outputs.map((o) => o.keys));
  }
  const both = await finalEverywhere(facts.shared);
  shared = users[1].outputsOf(both);
  assert.equal(shared.length, 1);
  assert.deepEqual([users[1], users[2]].map((u) => u.keyIndex(both.outputs[shared[0].output_index], shared[0].output_index)), [0, 1]);
});

test('one input, one receiver and change', async () => {
  const p = pay(wallets[0].slice(-1), [toReceiver('0.5')], payer.address);
  assert.equal(p.chosen.length, 1);
  assert.equal(p.tx.outputs.length, 2);
  await settle(p);
});

test('three outputs and change, a memo, references', async () => {
  const p = pay(wallets[0], [toReceiver('0.1'), toReceiver('0.00000001'), [[users[1].address], 1, '0.225']], payer.address, {
    extra: Buffer.from('coffee ☕ and a memo'), references: [facts.funded[0], paid.final.at(-1)],
  });
  assert.equal(p.tx.outputs.length, 4);
  await settle(p, { url: facts.urls[1] });
});

test('several inputs, submitted as JSON-RPC 2.0', async () => {
  const all = wallets[0].reduce((sum, o) => sum + units(o.amount), 0n);
  const rising = wallets[0].toSorted((a, b) => Number(units(a.amount) - units(b.amount))); // so that all are needed
  const p = pay(rising, [toReceiver(text(all - units('0.5')))], payer.address);
  assert.ok(p.chosen.length >= 3 && p.chosen.length === rising.length, `${p.chosen.length} of ${rising.length} inputs`);
  await settle(p, { url: facts.urls[2], send: async (url, raw) => (await rpc2(url, 'sendrawtransaction', raw)).result.hash });
});

test('the receiver of the SDK spends at once, without change', async () => {
  const money = wallets[1];
  const p = pay(money, [toReceiver(money[0].amount)], users[1].address);
  assert.equal(p.tx.outputs.length, 1);
  await settle(p, { raw: users[1].sign(p.tx, p.chosen), url: facts.urls[3] });
});

test('two of two users sign', async () => {
  const p = pay(shared, [toReceiver('0.4'), [[users[1].address, users[2].address], 2, '0.35']], users[2].address);
  const maps = [users[1], users[2]].map((u, i) => {
    const half = u.sign(p.tx, p.chosen, i);
    return sdk.decodeSafeTransaction(half).signatureMap[0];
  });
  const raw = sdk.encodeSafeTransaction(p.tx, [{ ...maps[0], ...maps[1] }]);
  await settle(p, { raw, url: facts.urls[4] });
});

test('a withdrawal beside change', async () => {
  const money = wallets[0].filter((o) => o.amount === '0.50000000');
  const rest = text(units(money[0].amount) - units('0.075'));
  const rs = [
    { amount: '0.075', destination: 'bc1qinterop', tag: 'tag' },
    sdk.buildSafeTransactionRecipient([payer.address], 1, rest),
  ];
  const tx = sdk.buildSafeTransaction(money, rs, [undefined, ghostKeys([payer.address], 1)], Buffer.from('out'));
  const seen = await settle({ tx, chosen: money }, { url: facts.urls[5] });
  assert.deepEqual(seen.outputs[0], { type: 161, amount: '0.07500000', withdrawal: { address: 'bc1qinterop', tag: 'tag' } });
});

test('a deposit that the custodian signs with the SDK', async () => {
  const before = (await get(facts.urls[0], 'getasset', facts.deposit.asset)).balance;
  const deposit = {
    chain: facts.deposit.chain, asset: facts.deposit.asset_key, transaction: 'c0ffee'.repeat(10), index: 3n, amount: '0.125',
  };
  const ghost = ghostKeys([facts.receiver], 0);
  const tx = {
    version: 5, asset: facts.deposit.asset, extra: Buffer.from(''), references: [],
    inputs: [{ hash: '00'.repeat(32), index: 0, deposit }],
    outputs: [{ type: 0, amount: '0.125', script: sdk.encodeScript(1), ...ghost }],
  };
  const payload = sdk.encodeSafeTransaction(tx);
  const signature = sdk.edwards25519.sign(hex(hashOf(payload)), hex(facts.custodian)).toString('hex');
  const raw = sdk.encodeSafeTransaction(tx, [{ 0: signature }]);
  const hash = await submit(facts.urls[6], raw);
  assert.equal(hash, hashOf(payload));
  const seen = await finalEverywhere(hash);
  assert.deepEqual(seen.inputs, [{
    deposit: { chain: deposit.chain, asset_key: deposit.asset, transaction: deposit.transaction, index: 3, amount: '0.12500000' },
  }]);
  for (const url of facts.urls) {
    assert.deepEqual(await get(url, 'getdeposittransaction', deposit.chain, deposit.transaction, 3), seen);
  }
  const now = (await get(facts.urls[0], 'getasset', facts.deposit.asset)).balance;
  assert.equal(units(now) - units(before), units('0.125'));
  paid.deposited += units('0.125');
  paid.final.push(hash);
});

test('what is spent shows who spent it, on every node', async () => {
  const tx = await get(facts.urls[0], 'gettransaction', paid.final[0]);
  for (const url of facts.urls) {
    for (const input of tx.inputs) {
      assert.equal((await get(url, 'getutxo', input.hash, input.index)).lock, tx.hash);
    }
    for (const key of tx.outputs.flatMap((o) => o.keys)) {
      assert.deepEqual(await get(url, 'getkey', key), { transaction: tx.hash });
    }
    const again = await envelope(url, 'sendrawtransaction', tx.hex);
    assert.deepEqual(again.data, { hash: tx.hash }, 'a final transaction may be sent again');
  }
});

after(() => answer({
  received: text(paid.received), deposited: text(paid.deposited), final: paid.final,
  left: wallets.map((outputs) => text(outputs.reduce((sum, o) => sum + units(o.amount), 0n))),
}));
