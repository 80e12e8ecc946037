// What the test files share: the facts from the Go side, the two dialects of RPC, and the few
// lines that a wallet on the SDK needs around it.

import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import * as sdk from '@mixin.dev/mixin-node-sdk';

export const facts = JSON.parse(readFileSync(process.env.INTEROP_FACTS, 'utf8'));

/** Leaves a value for the Go side. */
export const answer = (value) => writeFileSync(process.env.INTEROP_ANSWER, JSON.stringify(value));

export const hex = (text) => Buffer.from(text, 'hex');

/** The hash that is signed: over the payload, the encoding without authorization. */
export const hashOf = (payload) => sdk.blake3Hash(hex(payload)).toString('hex');

export const zero = '00'.repeat(32);

/** The SDK's object for what our RPC shows of a transaction. */
export function fromView(view) {
  return {
    version: view.version,
    asset: view.asset,
    inputs: view.inputs.map((i) => ({
      hash: i.hash ?? zero,
      index: i.index ?? 0,
      ...(i.genesis && { genesis: hex(i.genesis) }), // its decoder gives hex, its encoder wants bytes
      ...(i.deposit && {
        deposit: {
          chain: i.deposit.chain, asset: i.deposit.asset_key, transaction: i.deposit.transaction,
          index: BigInt(i.deposit.index), amount: i.deposit.amount,
        },
      }),
      ...(i.mint && { mint: { ...i.mint, batch: BigInt(i.mint.batch) } }),
    })),
    outputs: view.outputs.map((o) => ({ ...o, keys: o.keys ?? [] })),
    extra: hex(view.extra),
    references: view.references ?? [],
  };
}

// ---- RPC ----

async function post(url, body) {
  const response = await fetch(url, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify(body),
  });
  assert.equal(response.status, 200);
  const text = await response.text();
  return { text, body: JSON.parse(text) };
}

/** A call in the envelope: {data} or {error: text}. */
export async function envelope(url, method, ...params) {
  const { text, body } = await post(url, { id: 'interop', method, params });
  assert.equal(body.id, 'interop', 'the id comes back');
  assert.equal(body.jsonrpc, undefined);
  return { ...body, text };
}

/** A call in JSON-RPC 2.0: {result} or {error: {code, message, data: {name}}}. */
export async function rpc2(url, method, ...params) {
  const { text, body } = await post(url, { jsonrpc: '2.0', id: 7, method, params });
  assert.equal(body.jsonrpc, '2.0');
  assert.equal(body.id, 7);
  assert.equal('result' in body, !('error' in body), 'exactly one of result and error');
  return { ...body, text };
}

/** The data of a call in the envelope that must not fail. */
export async function get(url, method, ...params) {
  const { data, error } = await envelope(url, method, ...params);
  assert.equal(error, undefined, `${method}: ${error}`);
  return data;
}

export const pause = (ms) => new Promise((done) => setTimeout(done, ms));

/** Waits until a function gives something that is not null or false. */
export async function until(what, probe, seconds = 60) {
  for (const end = Date.now() + seconds * 1000; Date.now() < end; await pause(50)) {
    const found = await probe();
    if (found) return found;
  }
  throw new Error(`${what}: not within ${seconds} s`);
}

/** Waits until a transaction is final on every node and returns it as the first one shows it. */
export async function finalEverywhere(hash) {
  const all = await Promise.all(facts.urls.map((url) => until(`${hash} final on ${url}`, async () => {
    const tx = await get(url, 'gettransaction', hash);
    return tx && tx.snapshot ? tx : null;
  })));
  for (const tx of all) assert.deepEqual(tx, all[0], 'every node shows the same');
  return all[0];
}

/** Submits in the envelope to one node. */
export async function submit(url, raw) {
  const sent = await get(url, 'sendrawtransaction', raw);
  assert.deepEqual(Object.keys(sent), ['hash']);
  return sent.hash;
}

// ---- a wallet's part around the SDK ----

const scalarBytes = (x) => Buffer.from(sdk.edwards25519.scalar.toBytes(x));

/** The scalar x of a one-time key, as its receiver finds it: what the SDK calls a view. */
export const ghostScalar = (view, mask, index) =>
  scalarBytes(sdk.edwards25519.hashScalar(sdk.edwards25519.keyMultPubPriv(hex(mask), view), index));

/** A user of the SDK: an RFC 8032 seed spends, a scalar views. */
export class User {
  constructor({ spend_seed, view_private }) {
    this.privateKey = spend_seed;
    this.view = hex(view_private);
    const y = sdk.edwards25519.setBytesWithClamping(sdk.sha512Hash(hex(spend_seed)).subarray(0, 32));
    this.spend = sdk.edwards25519.scalarBaseMult(y);
    this.public = Buffer.concat([this.spend, sdk.edwards25519.publicFromPrivate(this.view)]);
    this.address = sdk.getMainnetAddressFromPublic(this.public);
  }

  /** The place of this user's key among an output's keys, -1 if there is none. */
  keyIndex(output, index) {
    if (output.type !== 0 || !output.mask) return -1;
    const x = sdk.edwards25519.setCanonicalBytes(ghostScalar(this.view, output.mask, index));
    const shift = sdk.edwards25519.scalarBaseMultToPoint(x);
    return output.keys.findIndex((key) =>
      Buffer.from(sdk.edwards25519.newPoint(hex(key)).subtract(shift).toBytes()).equals(this.spend));
  }

  /** This user's outputs of a transaction as RPC shows it, in the SDK's form. */
  outputsOf(tx) {
    return tx.outputs.flatMap((output, index) => this.keyIndex(output, index) < 0 ? [] : [{
      transaction_hash: tx.hash, output_index: index, asset: tx.asset, amount: output.amount,
      mask: output.mask, keys: output.keys, threshold: parseInt(output.script.slice(4), 16), state: 'unspent',
    }]);
  }

  /** The views that signSafeTransaction wants, one for each input. */
  views(utxos) {
    return utxos.map((o) => ghostScalar(this.view, o.mask, o.output_index).toString('hex'));
  }

  sign(tx, utxos, index = 0) {
    return sdk.signSafeTransaction(tx, this.views(utxos), this.privateKey, index);
  }
}

/** One-time keys of the members of an output at a place. */
export function ghostKeys(addresses, index, r = sdk.newKeyFromSeed(sdk.getRandomBytes(64))) {
  const keys = addresses.map((address) => {
    const both = sdk.getPublicFromMainnetAddress(address);
    return sdk.deriveGhostPublicKey(r, both.subarray(32), both.subarray(0, 32), index).toString('hex');
  });
  return { mask: sdk.edwards25519.publicFromPrivate(r).toString('hex'), keys };
}

/** Builds a payment with the SDK: recipients are [addresses, threshold, amount], change goes last. */
export function pay(utxos, recipients, change, { extra = Buffer.from(''), references = [] } = {}) {
  const rs = recipients.map(([to, threshold, amount]) => sdk.buildSafeTransactionRecipient(to, threshold, amount));
  const { utxos: chosen, change: rest } = sdk.getUnspentOutputsForRecipients(utxos, rs);
  if (rest.gt(0)) rs.push(sdk.buildSafeTransactionRecipient([change], 1, rest.toFixed(8)));
  const gs = rs.map((r, i) => ghostKeys(r.mixAddress.xinMembers, i));
  return { tx: sdk.buildSafeTransaction(chosen, rs, gs, extra, references), chosen, change: rest };
}

/** Every committed snapshot with its transactions, in the total order. */
export async function snapshots(url, expanded = true) {
  const all = [];
  for (;;) {
    const page = await get(url, 'listsnapshots', all.length, 500, true, expanded);
    if (page.length === 0) return all;
    all.push(...page);
  }
}

/** A user's unspent outputs that no one shares: the whole history read with the view key. */
export async function scan(user, url) {
  const found = (await snapshots(url)).flatMap((s) => s.transactions).flatMap((tx) => user.outputsOf(tx));
  const states = await Promise.all(found.map((o) => get(url, 'getutxo', o.transaction_hash, o.output_index)));
  return found.filter((o, i) => !states[i].lock && o.keys.length === 1);
}
