// Every method that existing clients call: the fields they read, with their types, in both
// dialects and on every node; and what these fields mean on our graph (docs/spec/rpc.md, RPC-3).

import assert from 'node:assert/strict';
import { createPublicKey, verify } from 'node:crypto';
import { before, test } from 'node:test';
import * as sdk from '@mixin.dev/mixin-node-sdk';
import { envelope, facts, get, hashOf, hex, rpc2, snapshots } from './lib.mjs';

// ---- shapes: a function that refuses, a list of one shape, or an object of fields ----

const matching = (what, pattern) => (v, at) =>
  assert.ok(typeof v === 'string' && pattern.test(v), `${at} is ${JSON.stringify(v)}, want ${what}`);
const hash = matching('a hash', /^[0-9a-f]{64}$/);
const key = matching('a key', /^[0-9a-f]{64}$/);
const signature = matching('a signature', /^[0-9a-f]{128}$/);
const hexText = matching('hex', /^([0-9a-f]{2})*$/);
const script = matching('a script', /^fffe[0-4][0-9a-f]$/);
const amount = matching('an amount with 8 decimals', /^(0|[1-9]\d*)\.\d{8}$/);
const address = matching('an address', /^XIN[1-9A-HJ-NP-Za-km-z]{90,96}$/);
const time = matching('a time of RFC 3339', /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$/);
const duration = matching('a Go duration', /^(\d+h)?(\d+m)?\d+(\.\d+)?s$/);
const string = (v, at) => assert.equal(typeof v, 'string', at);
const boolean = (v, at) => assert.equal(typeof v, 'boolean', at);
const number = (v, at) => assert.ok(typeof v === 'number' && v >= 0, `${at} is ${JSON.stringify(v)}, want a number`);
const count = (v, at) => assert.ok(Number.isInteger(v) && v >= 0, `${at} is ${JSON.stringify(v)}, want a count`);
const nanoseconds = (v, at) => assert.ok(v > 1.6e18 && v < 1e19, `${at} is ${v}, want nanoseconds`);
const orNull = (shape) => (v, at) => v === null || check(v, shape, at);
const mapOf = (shape) => (v, at) => {
  assert.ok(v && typeof v === 'object' && !Array.isArray(v), at);
  for (const [k, item] of Object.entries(v)) check(item, shape, `${at}.${k}`);
};
const pairOf = (shape) => (v, at) => {
  assert.ok(Array.isArray(v) && v.length === 2, `${at}: want two`);
  v.forEach((item, i) => check(item, shape, `${at}[${i}]`));
};
const filled = (shape) => (v, at) => {
  assert.ok(v.length > 0, `${at} is empty: nothing is checked`);
  check(v, [shape], at);
};

/** Checks a value; a field whose name ends in ? may be missing. Fields beyond are allowed. */
function check(value, shape, at) {
  if (typeof shape === 'function') return shape(value, at);
  if (Array.isArray(shape)) {
    assert.ok(Array.isArray(value), `${at} is ${JSON.stringify(value)}, want a list`);
    return value.forEach((item, i) => check(item, shape[0], `${at}[${i}]`));
  }
  assert.ok(value !== null && typeof value === 'object' && !Array.isArray(value), `${at} is ${JSON.stringify(value)}, want an object`);
  for (const [name, field] of Object.entries(shape)) {
    const plain = name.replace(/\?$/, '');
    if (plain === name) assert.ok(plain in value, `${at} has no ${plain}: ${Object.keys(value)}`);
    if (plain in value) check(value[plain], field, `${at}.${plain}`);
  }
}

const input = (v, at) => {
  if (v.genesis) check(v, { genesis: hexText }, at);
  else if (v.deposit) check(v, { deposit: { chain: hash, asset_key: string, transaction: string, index: count, amount } }, at);
  else check(v, { hash, index: count }, at);
};
const output = { type: count, amount, 'keys?': filled(key), 'script?': script, 'mask?': key, 'withdrawal?': { address: string, tag: string } };
const transaction = {
  version: (v, at) => assert.equal(v, 5, at),
  asset: hash, inputs: filled(input), outputs: filled(output), extra: hexText, hash, references: orNull(filled(hash)), hex: hexText,
};
const finalTransaction = { ...transaction, snapshot: hash };
const references = { self: hash, external: hash };
const snapshotOf = (tx) => ({
  version: count, node: hash, references: orNull(references), round: count, timestamp: nanoseconds, hash, hex: hexText,
  topology: count, witness: { signature, timestamp: nanoseconds }, transactions: [tx], 'signature?': signature,
});
const round = {
  node: hash, hash, start: nanoseconds, end: nanoseconds, number: count, references: orNull(references), snapshots: [snapshotOf(hash)],
};
const peer = { id: hash, address: string, relayer: boolean };
const utxo = { type: count, hash, index: count, amount, 'keys?': filled(key), 'script?': script, 'mask?': key, 'lock?': hash };
const node = { node: hash, signer: address, payee: address, state: string, timestamp: nanoseconds, transaction: hash };

// ---- something of everything, found through the interface itself ----

const [url] = facts.urls;
const known = {};

before(async () => {
  known.order = await snapshots(url);
  const txs = known.order.flatMap((s) => s.transactions);
  known.tx = txs.find((tx) => tx.references);
  known.spent = known.tx.inputs[0];
  known.deposit = txs.find((tx) => tx.inputs[0].deposit);
  known.withdrawal = txs.find((tx) => tx.outputs[0].withdrawal);
  known.full = known.order.findLast((s) => s.transactions.length > 0);
  known.nodes = (await get(url, 'listallnodes', 0, true)).map((n) => n.id);
  assert.ok(known.tx && known.deposit && known.withdrawal && known.nodes.length === facts.nodes.length);
});

const d = () => known.deposit.inputs[0].deposit;

// Method, parameters, shape; lives says that two answers in a row may differ.
const table = [
  ['getinfo', () => [], {
    network: hash, node: hash, version: string, uptime: duration, epoch: time, timestamp: time, consensus: hash,
    mint: { pool: amount, batch: count, pledge: amount },
    graph: {
      consensus: filled({ ...node, aggregator: count, works: pairOf(count), 'spaces?': pairOf(count) }),
      cache: mapOf({ node: hash, round: count, timestamp: nanoseconds, snapshots: [snapshotOf(hash)], references: orNull(references) }),
      final: mapOf({ node: hash, round: count, start: nanoseconds, end: nanoseconds, hash }),
      topology: count, sps: number, spt: number, tps: number,
    },
    queue: { finals: count, caches: count, state: mapOf(pairOf(count)) },
    metric: { transport: { 'sent?': mapOf(count), 'received?': mapOf(count) } },
  }, 'lives'],
  ['listpeers', () => [], filled(peer), 'lives'],
  ['listrelayers', () => [known.nodes[0]], filled(peer), 'lives'],
  ['dumpgraphhead', () => [], filled({ node: hash, round: count, hash, pool: { index: count, count } }), 'lives'],
  ['sendrawtransaction', () => [known.tx.hex], { hash }],
  ['gettransaction', () => [known.tx.hash], finalTransaction],
  ['gettransaction', () => [known.withdrawal.hash], finalTransaction],
  ['gettransaction', () => [known.deposit.hash], finalTransaction],
  ['gettransaction', () => [known.tx.inputs[0].hash], finalTransaction],
  ['gettransaction', () => ['00'.repeat(32)], orNull(transaction)],
  ['getcachetransaction', () => [known.tx.hash], orNull(transaction)],
  ['getdeposittransaction', () => [d().chain, d().transaction, d().index], finalTransaction],
  ['getdeposittransaction', () => [d().chain, d().transaction, d().index + 1], orNull(finalTransaction)],
  ['getwithdrawalclaim', () => [known.withdrawal.hash], orNull(finalTransaction)],
  ['getutxo', () => [known.tx.hash, 0], utxo],
  ['getutxo', () => [known.tx.hash, '0'], utxo],
  ['getutxo', () => [known.spent.hash, known.spent.index], { ...utxo, lock: hash }],
  ['getutxo', () => [known.tx.hash, 200], orNull(utxo)],
  ['getkey', () => [known.tx.outputs[0].keys[0]], { transaction: hash }],
  ['getkey', () => [facts.nodes[0]], { transaction: (v, at) => assert.equal(v, null, at) }],
  ['getasset', () => [facts.asset], { id: hash, chain: hash, asset_key: string, balance: amount }],
  ['getasset', () => ['00'.repeat(32)], (v, at) => assert.equal(v, null, at)],
  ['getsnapshot', () => [known.full.hash], { ...snapshotOf(finalTransaction), signature }, 'lives'],
  ['listsnapshots', () => [0, 500, true, true], filled({ ...snapshotOf(finalTransaction), signature }), 'lives'],
  ['listsnapshots', () => [0, 20, false, false], filled(snapshotOf(hash)), 'lives'],
  ['listsnapshots', () => ['0', '20', 'true', 'false'], filled(snapshotOf(hash)), 'lives'],
  ['getroundbynumber', () => [known.full.node, known.full.round], round, 'lives'],
  ['getroundbyhash', () => [known.full.hash], round, 'lives'],
  ['getroundlink', () => [known.nodes[0], known.nodes[1]], { link: count }, 'lives'],
  ['listmintworks', () => [0], mapOf(pairOf(count))],
  ['listmintdistributions', () => [0, 10, true], [{ group: string, batch: count, amount, transaction: hash }]],
  ['listallnodes', () => [0, true], filled({ id: hash, signer: address, payee: address, transaction: hash, timestamp: nanoseconds, state: string })],
  ['listcustodianupdates', () => [], [{ custodian: address, transaction: hash, timestamp: nanoseconds }]],
];

const peerMethods = [
  'getinfo', 'listpeers', 'listrelayers', 'dumpgraphhead', 'sendrawtransaction', 'gettransaction', 'getcachetransaction',
  'getdeposittransaction', 'getwithdrawalclaim', 'getutxo', 'getkey', 'getasset', 'getsnapshot', 'listsnapshots', 'getroundbynumber',
  'getroundbyhash', 'getroundlink', 'listmintworks', 'listmintdistributions', 'listallnodes', 'listcustodianupdates',
];

test('the table has every method that existing clients call', () => {
  assert.deepEqual([...new Set(table.map(([method]) => method))].sort(), [...peerMethods].sort());
});

for (const [method, params, shape, lives] of table) {
  test(`${method}(${params.toString().replace(/^\(\) => /, '')})`, async () => {
    const answers = [];
    for (const node of facts.urls) {
      const old = await envelope(node, method, ...params());
      assert.equal(old.error, undefined);
      check(old.data, shape, method);
      const strict = await rpc2(node, method, ...params());
      check(strict.result, shape, method);
      if (!lives) assert.deepEqual(strict.result, old.data, 'the dialects differ');
      answers.push(old.data);
    }
    if (!lives) answers.forEach((a) => assert.deepEqual(a, answers[0], 'the nodes differ'));
  });
}

test('named parameters, batches and notifications of JSON-RPC 2.0', async () => {
  const call = async (body) => {
    const r = await fetch(url, { method: 'POST', body: JSON.stringify(body), headers: { 'Content-Type': 'application/json' } });
    return { status: r.status, text: await r.text() };
  };
  const calls = [
    { jsonrpc: '2.0', id: 1, method: 'getutxo', params: { hash: known.tx.hash, index: 0 } },
    { jsonrpc: '2.0', method: 'getinfo' },
    { jsonrpc: '2.0', id: 'x', method: 'nosuch' },
  ];
  const answers = JSON.parse((await call(calls)).text);
  assert.deepEqual(answers.map((a) => a.id).sort(), [1, 'x'].sort());
  check(answers.find((a) => a.id === 1).result, utxo, 'getutxo');
  assert.equal(answers.find((a) => a.id === 'x').error.code, -32601);
  assert.deepEqual(await call(calls[1]), { status: 204, text: '' });
  const numeric = JSON.parse((await call({ id: 5, method: 'getkey', params: [facts.nodes[0]] })).text);
  assert.deepEqual(numeric, { id: 5, data: { transaction: null } }, 'a numeric id in the envelope');
});

// ---- what the fields mean ----

/** What does not depend on the answering node. */
const common = ({ witness, ...rest }) => rest;

test('topology is the place in the total order, equal on all nodes', async () => {
  const orders = await Promise.all(facts.urls.map((u) => snapshots(u)));
  const length = Math.min(...orders.map((o) => o.length));
  assert.ok(length >= known.order.length / 2 && length > 20, `${length} snapshots`);
  for (const order of orders) {
    order.forEach((s, i) => assert.equal(s.topology, i));
    assert.deepEqual(order.slice(0, length).map(common), orders[0].slice(0, length).map(common));
  }
});

test('the snapshot of a transaction is the one that first made it final, and no other lists it', async () => {
  const seen = new Map();
  for (const s of known.order) {
    for (const tx of s.transactions) {
      assert.ok(!seen.has(tx.hash), `${tx.hash} in two snapshots`);
      seen.set(tx.hash, s.hash);
      assert.equal(tx.snapshot, s.hash);
    }
  }
  assert.ok(seen.size >= 8);
  for (const [tx, snapshot] of seen) {
    assert.equal((await get(url, 'gettransaction', tx)).snapshot, snapshot);
    const { receipt } = (await rpc2(url, 'gettransactionstatus', tx)).result;
    assert.deepEqual([receipt.status, receipt.snapshot], ['final', snapshot]);
    const { transactions } = await get(url, 'getsnapshot', snapshot);
    assert.ok(transactions.some((t) => t.hash === tx));
  }
});

test('the genesis is a transaction that the SDK reads, final without a snapshot', async () => {
  const funded = await get(url, 'gettransaction', facts.funded[0]);
  for (const node of facts.urls) {
    const tx = await get(node, 'gettransaction', funded.inputs[0].hash);
    check(tx, transaction, 'genesis');
    assert.equal(tx.snapshot, undefined);
    assert.deepEqual(tx.inputs, [{ genesis: facts.network }]);
    assert.equal(hashOf(tx.hex), tx.hash, 'unsigned: the bytes are the payload');
    const read = sdk.decodeSafeTransaction(tx.hex);
    assert.equal(read.inputs[0].genesis, facts.network);
    assert.deepEqual(read.outputs.map((o) => o.keys), tx.outputs.map((o) => o.keys));
    const { result } = await rpc2(node, 'gettransactionstatus', tx.hash);
    assert.deepEqual([result.state, result.receipt.commit], ['final', 0]);
  }
});

test('references, rounds and timestamps are those of the graph', async () => {
  const newest = known.order.at(-1).round;
  const { result: graph } = await rpc2(url, 'getgraph', Math.max(1, newest - 100), newest);
  const vertices = new Map(graph.vertices.map((v) => [v.id, v]));
  const { result: info } = await rpc2(url, 'getinfo');
  let compared = 0;
  for (const s of known.order.filter((x) => vertices.has(x.hash))) {
    const v = vertices.get(s.hash);
    assert.equal(s.node, info.members[v.author].node);
    assert.equal(s.round, v.round);
    assert.equal(Math.round(s.timestamp / 1e6), v.timestamp_ms); // JSON numbers of JavaScript have 53 bits
    const others = v.parents.filter((p) => p !== s.references?.self);
    if (v.parents.length === 0) {
      assert.equal(s.references, null);
      continue;
    }
    assert.equal(s.references.self, v.parents[0]);
    assert.equal(s.references.external, others[0]);
    const own = vertices.get(s.references.self);
    if (own) assert.equal(own.author, v.author, 'self is of the same author');
    const other = vertices.get(s.references.external);
    if (other) assert.notEqual(other.author, v.author, 'external is of another');
    compared++;
  }
  assert.ok(compared > 20, `${compared} snapshots compared`);
});

test('timestamps are whole milliseconds in nanoseconds', async () => {
  const { text } = await envelope(url, 'listsnapshots', 0, 500, true, false);
  const all = [...text.matchAll(/"timestamp":(\d+)/g)].map((m) => BigInt(m[1]));
  assert.ok(all.length > 20);
  all.forEach((t) => assert.equal(t % 1000000n, 0n));
});

test('a round is its author\'s snapshot', async () => {
  for (const s of known.order.slice(-30)) {
    for (const node of [url, facts.urls.at(-1)]) {
      const byNumber = await get(node, 'getroundbynumber', s.node, s.round);
      const byHash = await get(node, 'getroundbyhash', s.hash);
      for (const r of [byNumber, byHash]) {
        assert.deepEqual([r.node, r.number, r.hash, r.references], [s.node, s.round, s.hash, s.references]);
        assert.deepEqual([r.start, r.end], [s.timestamp, s.timestamp]);
        assert.equal(r.snapshots.length, 1);
        assert.deepEqual(common(r.snapshots[0]), { ...common(s), transactions: s.transactions.map((t) => t.hash) });
      }
    }
  }
  assert.equal(await get(url, 'getroundbynumber', known.nodes[0], 1e9), null);
});

test('a link is the highest round of one node below the newest of another', async () => {
  const { result: info } = await rpc2(url, 'getinfo');
  for (const from of info.members) {
    for (const to of info.members) {
      const low = (await get(url, 'getroundlink', from.node, to.node)).link;
      const { result: now } = await rpc2(url, 'getinfo');
      const top = now.members[from.author];
      const { result: graph } = await rpc2(url, 'getgraph', Math.max(1, top.round - 30), top.round);
      const high = (await get(url, 'getroundlink', from.node, to.node)).link;
      const vertices = new Map(graph.vertices.map((v) => [v.id, v]));
      const cone = new Set([top.snapshot]);
      for (const id of cone) for (const p of vertices.get(id)?.parents ?? []) cone.add(p);
      const seen = Math.max(0, ...[...cone].map((id) => vertices.get(id)).filter((v) => v?.author === to.author).map((v) => v.round));
      assert.ok(low <= seen && seen <= high, `${from.name} to ${to.name}: ${low} ≤ ${seen} ≤ ${high}`);
    }
  }
});

test('the witness is the serving node\'s signature', async () => {
  const label = Buffer.from('asterism rpc witness');
  for (const [i, node] of facts.urls.entries()) {
    const { text, data: s } = await envelope(node, 'getsnapshot', known.full.hash);
    const [, at] = text.match(/"witness":\{[^}]*"timestamp":(\d+)/);
    const place = Buffer.alloc(16);
    place.writeBigUInt64BE(BigInt(s.topology), 0);
    place.writeBigUInt64BE(BigInt(at) / 1000000n, 8);
    const message = sdk.blake3Hash(Buffer.concat([Buffer.from([label.length]), label, hex(s.hash), place]));
    const der = Buffer.concat([hex('302a300506032b6570032100'), hex(facts.nodes[i])]);
    const publicKey = createPublicKey({ key: der, format: 'der', type: 'spki' });
    assert.ok(verify(null, message, publicKey, hex(s.witness.signature)), `node ${i}`);
  }
});

test('nodes are shown by addresses that the SDK can read', async () => {
  const { result: info } = await rpc2(url, 'getinfo');
  assert.equal(info.network, facts.network);
  info.graph.consensus.forEach((n, i) => {
    const both = sdk.getPublicFromMainnetAddress(n.signer);
    assert.equal(both.subarray(0, 32).toString('hex'), facts.nodes[i], 'the spend key is the node key');
    const half = sdk.newHash(both.subarray(0, 32));
    const view = sdk.edwards25519.publicFromPrivate(sdk.newKeyFromSeed(Buffer.concat([half, half])));
    assert.equal(both.subarray(32).toString('hex'), view.toString('hex'), 'the view key follows from it');
    assert.ok(sdk.getPublicFromMainnetAddress(n.payee));
  });
});
