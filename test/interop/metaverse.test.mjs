// Pillars' transactions of versions 1 to 4: metaversejs decodes and encodes ours, and builds and
// signs its own, which the Go side then judges by our rules.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import metaverse from 'metaversejs';
import { answer, facts, hex } from './lib.mjs';

const { wallet: Wallet, transaction: Transaction, script: Script, multisig: Multisig, constants } = metaverse;

/** The input scripts of a decoded transaction are text; the encoder wants what was pushed. */
function encode(tx) {
  for (const input of tx.inputs) input.script = input.script === '' ? [] : Script.fromASM(input.script).chunks;
  return tx.encode().toString('hex');
}

for (const c of facts.transactions) {
  test(`decodes ours: ${c.name}`, () => {
    assert.equal(Transaction.calculateTxid(c.raw).toString('hex'), c.id);
    const tx = Transaction.decode(c.raw, 'testnet');
    assert.equal(tx.version, c.version);
    assert.equal(tx.lock_time, c.lockTime);
    assert.deepEqual(tx.inputs.map((i) => [i.previous_output.hash, i.previous_output.index, i.sequence]), c.inputs);
    assert.equal(tx.outputs.length, c.outputs.length);
    tx.outputs.forEach((output, i) => {
      const want = c.outputs[i];
      assert.equal(output.value, want.value);
      assert.equal(output.address, want.address || undefined);
      // Its text form of a model loses how it was pushed; encoding below gives the bytes again.
      if (!output.attenuation) assert.equal(Script.fromASM(output.script).toHex(), want.script);
      assert.deepEqual({ ...output.attachment }, want.attachment);
    });
    assert.equal(encode(tx), c.raw);
  });
}

const words = 'abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon about';
const made = [];

/** A wallet of that network pays, with everything it can build, from outputs that do not exist. */
class Payer {
  static async open() {
    const p = new Payer();
    p.wallet = await Wallet.fromMnemonic(words, 'testnet');
    p.address = p.wallet.getAddress(0);
    p.other = p.wallet.getAddress(1);
    p.script = `dup hash160 [ ${facts.keyHashes[p.address]} ] equalverify checksig`;
    return p;
  }

  /** Signs and leaves for the Go side; prev is the script of the output that is spent. */
  async make(name, build, prev = this.script, spends = {}) {
    const tx = new Transaction();
    tx.addInput(this.address, '1f'.repeat(31) + '2e', 3, prev);
    build(tx);
    const signed = await this.wallet.sign(tx);
    const raw = signed.encode().toString('hex');
    made.push({ name, raw, id: Transaction.calculateTxid(raw).toString('hex'), script: Script.fromASM(prev).toHex(), ...spends });
  }
}

test('knows the addresses of our keys', async () => {
  const wallet = await Wallet.fromMnemonic(words, 'testnet');
  for (const [i, address] of facts.addresses.entries()) assert.equal(wallet.getAddress(i), address);
});

test('builds and signs', async () => {
  const p = await Payer.open();
  const model = 'PN=0;LH=20000;TYPE=1;LQ=9001;LP=60001;UN=3';
  const custom = 'PN=0;LH=20000;TYPE=2;LQ=9001;LP=60001;UN=3;UC=20000,20000,20001;UQ=3000,3000,3001';
  await p.make('ETP', (tx) => { tx.addOutput(p.other, 'ETP', 123456789); tx.addOutput(p.address, 'ETP', 1); });
  await p.make('ETP to an avatar', (tx) => tx.addOutput(p.other, 'ETP', 5, 'canguruhh'));
  await p.make('ETP to a script', (tx) => tx.addOutput(facts.multisig, 'ETP', 5));
  await p.make('MST', (tx) => { tx.addOutput(p.other, 'MVS.ZGC', 20); tx.addOutput(p.other, 'ETP', 7); });
  await p.make('MST to an avatar', (tx) => tx.addOutput(p.other, 'MVS.ZGC', 2 ** 40, 'some_one@home'));
  await p.make('message', (tx) => tx.addMessage(p.other, 'nebula über alles'));
  await p.make('long message', (tx) => tx.addMessage(p.other, 'x'.repeat(120)));
  await p.make('issue', (tx) => tx.addAssetIssueOutput('MVS.NEW', 10 ** 12, 4, 'issuer', p.address, 'a new one', 0, false, true));
  await p.make('issue, free', (tx) => tx.addAssetIssueOutput('MVS.NEW', 5, 0, 'issuer', p.address, 'more', -1, false, false));
  await p.make('secondary issue', (tx) => tx.addAssetIssueOutput('MVS.NEW', 5, 0, 'issuer', p.address, 'more', 51, true, false));
  await p.make('certificate', (tx) => tx.addCertOutput('MVS', 'issuer', p.other, constants.CERT.TYPE.DOMAIN, constants.CERT.STATUS.AUTOISSUE));
  await p.make('mining certificate', (tx) => tx.addCertOutput('MVS.MINED', 'issuer', p.other, constants.CERT.TYPE.MINING,
    constants.CERT.STATUS.ISSUE, 'initial:1000,interval:50000,base:0.95'));
  await p.make('avatar', (tx) => tx.addDidIssueOutput(p.address, 'canguruhh', p.address));
  await p.make('MIT', (tx) => tx.addMITRegisterOutput(p.address, 'the.one', 'what it is'));
  await p.make('MIT transfer', (tx) => tx.addMITTransferOutput(p.other, 'the.one'));
  await p.make('lock with equal releases', (tx) => tx.addLockedAssetOutput(p.other, '', 'MVS.ZGC', 10000, model, 0));
  await p.make('lock with listed releases', (tx) => tx.addLockedAssetOutput(p.other, '', 'MVS.ZGC', 10000, custom, 0));
  await p.make('burn', (tx) => tx.addMSTOutput('1111111111111111111114oLvT2', 'MVS.ZGC', 5).setBurn());
  await p.make('deposit spent', (tx) => tx.addOutput(p.other, 'ETP', 5), `[ e803 ] numequalverify ${p.script}`);
  await p.make('stake lock spent', (tx) => tx.addOutput(p.other, 'ETP', 5), `[ e803 ] checksequenceverify drop ${p.script}`);

  // Part of a lock is free after 25,000 blocks: the rest goes on, in the name of what was spent.
  // Version 0.3.98 writes a fraction of a block where the periods do not divide the whole.
  const even = 'PN=0;LH=20000;TYPE=1;LQ=9001;LP=60000;UN=3';
  const from = '1f'.repeat(31) + '2e';
  await p.make('lock continued', (tx) => {
    tx.addLockedAssetOutput(p.address, '', 'MVS.ZGC', 6001, even, 25000, from, 3);
    tx.addOutput(p.other, 'MVS.ZGC', 3999);
  }, facts.lockedText, { script: facts.locked, symbol: 'MVS.ZGC', quantity: 10000, depth: 25000 });
});

test('signs for several', async () => {
  const wallet = await Wallet.fromMnemonic(words, 'testnet');
  const keys = [0, 1, 2].map((i) => wallet.rootnode.derive(i).getPublicKeyBuffer().toString('hex'));
  const { script: redeem, address } = Multisig.generate(2, keys);
  assert.equal(address, facts.multisig);
  const tx = new Transaction();
  tx.addInput(address, 'ab'.repeat(32), 0, facts.multisigText);
  tx.addOutput(wallet.getAddress(0), 'ETP', 99);
  // Signatures stand in the order of the keys in the script; each new one is put in front.
  const order = Multisig.publicKeysFromRedeem(redeem).k.map((k) => k.toString('hex'));
  for (const key of [order[2], order[0]]) {
    await wallet.signMultisig(tx, { s: key, r: redeem });
    if (key !== order[0]) tx.inputs[0].script = Script.fromChunks(tx.inputs[0].script).toASM();
  }
  const raw = tx.encode().toString('hex');
  made.push({ name: 'two of three', raw, id: Transaction.calculateTxid(raw).toString('hex'), script: facts.multisigScript });
});

test('leaves its answer', () => answer(made));
