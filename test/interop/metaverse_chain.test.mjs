// A wallet of the running network, metaversejs, lives on a chain of ours: it finds its outputs through the RPC, pays,
// registers an avatar and issues an asset, and reads afterwards what the chain made of it.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import metaverse from 'metaversejs';
import { facts } from './lib.mjs';

const { wallet: Wallet, transaction: Transaction, script: Script, constants } = metaverse;
const words = 'abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon about';
const ETP = 100_000_000;

/** Calls a method in the way of the running network's version 3. */
async function rpc(method, ...params) {
  const response = await fetch(`${facts.url}/rpc/v3`, {
    method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify({ jsonrpc: '2.0', id: 7, method, params }),
  });
  const answer = await response.json();
  assert.equal(answer.id, 7);
  if (answer.error) throw Object.assign(new Error(answer.error.message), { name: answer.error.data.name });
  return answer.result;
}

const satoshis = (text) => Number(text.replace('.', ''));

/** Spends the largest plain output of an address, gives the rest back, and waits for a block. */
async function pay(wallet, fee, build) {
  const address = wallet.getAddress(0);
  const { items } = await rpc('listunspent', [address]);
  const [coin] = items.filter((u) => u.spendable && u.output.attachment.type === 'etp')
    .sort((a, b) => satoshis(b.output.value) - satoshis(a.output.value));
  const tx = new Transaction();
  tx.addInput(address, coin.tx, coin.output.index, coin.output.script);
  const spent = build(tx, address);
  tx.addOutput(address, 'ETP', satoshis(coin.output.value) - spent - fee);
  const signed = await wallet.sign(tx);
  const raw = signed.encode().toString('hex');
  const { hash } = await rpc('sendrawtx', raw);
  assert.equal(hash, Transaction.calculateTxid(raw).toString('hex'));
  for (let i = 0; i < 600; i++) {
    const seen = await rpc('fetch-tx', hash);
    if (seen.confirmations > 0) return seen;
    await new Promise((r) => { setTimeout(r, 100); });
  }
  throw new Error(`${hash} is in no block`);
}

test('pays, and is paid', async () => {
  const wallet = await Wallet.fromMnemonic(words, 'testnet');
  const other = wallet.getAddress(1);
  const seen = await pay(wallet, 10_000, (tx) => { tx.addOutput(other, 'ETP', 3 * ETP); return 3 * ETP; });
  assert.equal(seen.fee, '0.00010000');
  assert.equal(seen.inputs[0].spent.address, wallet.getAddress(0));
  assert.equal((await rpc('getaddressetp', other)).available, '3.00000000');
  assert.equal((await rpc('listtxs', other)).transactions[0].hash, seen.hash);
});

test('has a name, and issues', async () => {
  const wallet = await Wallet.fromMnemonic(words, 'testnet');
  await pay(wallet, ETP, (tx, address) => { tx.addDidIssueOutput(address, 'canguruhh', address); return 0; });
  const did = await rpc('getdid', 'canguruhh');
  assert.equal(did.address, wallet.getAddress(0));
  assert.equal(did.history.length, 1);
  await pay(wallet, 10 * ETP, (tx, address) => {
    tx.addAssetIssueOutput('ZGC', 1_000_000, 3, 'canguruhh', address, 'from the other side', 0, false, false);
    tx.addCertOutput('ZGC', 'canguruhh', address, constants.CERT.TYPE.DOMAIN, constants.CERT.STATUS.AUTOISSUE);
    return 0;
  });
  const asset = await rpc('getasset', 'ZGC');
  assert.equal(asset.outstanding, '1000000');
  assert.equal(asset.issuer, 'canguruhh');
  assert.deepEqual((await rpc('listcerts', 'canguruhh')).certs.map((c) => [c.symbol, c.cert]), [['ZGC', 'domain']]);
});

test('is told by name what does not hold', async () => {
  const wallet = await Wallet.fromMnemonic(words, 'testnet');
  const address = wallet.getAddress(0);
  const tx = new Transaction();
  tx.addInput(address, '1f'.repeat(32), 3, Script.fromASM(`dup hash160 [ ${facts.keyHash} ] equalverify checksig`).toASM());
  tx.addOutput(address, 'ETP', ETP);
  const raw = (await wallet.sign(tx)).encode().toString('hex');
  await assert.rejects(rpc('sendrawtx', raw), { name: 'inputs_missing' });
  await assert.rejects(rpc('getnewaccount', 'me', 'secret'), { name: 'wallet_command' });
  await assert.rejects(rpc('getasset', 'NOTHING'), { name: 'not_found' });
});
