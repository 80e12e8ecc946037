// Addresses, one-time keys and signatures: ours against the SDK's and the other way round.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as sdk from '@mixin.dev/mixin-node-sdk';
import { answer, facts, ghostScalar, hex } from './lib.mjs';

const { edwards25519: ed } = sdk;

test(`${facts.addresses.length} addresses of ours`, () => {
  for (const { seed, address, spend, view } of facts.addresses) {
    assert.equal(sdk.getMainnetAddressFromSeed(hex(seed)), address);
    assert.equal(sdk.getPublicFromMainnetAddress(address).toString('hex'), spend + view, 'the spend key comes first');
    assert.equal(sdk.getMainnetAddressFromPublic(hex(spend + view)), address);
    const last = address.at(-1) === '2' ? '3' : '2';
    assert.equal(sdk.getPublicFromMainnetAddress(address.slice(0, -1) + last), undefined, 'a typing error is noticed');
  }
});

test(`${facts.ghosts.length} one-time keys of ours`, () => {
  for (const g of facts.ghosts) {
    assert.equal(ed.publicFromPrivate(hex(g.r)).toString('hex'), g.mask);
    assert.equal(sdk.deriveGhostPublicKey(hex(g.r), hex(g.view), hex(g.spend), g.index).toString('hex'), g.key, `index ${g.index}`);
    assert.equal(ghostScalar(hex(g.view_private), g.mask, g.index).toString('hex'), g.x, `index ${g.index}`);
  }
});

test(`${facts.signatures.length} signatures of ours`, () => {
  for (const s of facts.signatures) {
    assert.equal(ed.publicFromPrivate(hex(s.private)).toString('hex'), s.public);
    assert.equal(ed.sign(hex(s.message), hex(s.private)).toString('hex'), s.signature);
  }
});

test('the SDK makes the same kinds for us', () => {
  const edges = [0, 1, 127, 128, 255, 256, 1024, 16383, 16384];
  const made = { addresses: [], ghosts: [], signatures: [] };
  for (let i = 0; i < 100; i++) {
    const seed = sdk.getRandomBytes(64);
    const address = sdk.getMainnetAddressFromSeed(seed);
    const both = sdk.getPublicFromMainnetAddress(address);
    const [spend, view] = [both.subarray(0, 32), both.subarray(32)];
    made.addresses.push({ seed: seed.toString('hex'), address, spend: spend.toString('hex'), view: view.toString('hex') });

    const spendPrivate = sdk.newKeyFromSeed(seed);
    const h = sdk.newHash(seed);
    const viewPrivate = sdk.newKeyFromSeed(Buffer.concat([h, sdk.newHash(h)]));
    const r = sdk.newKeyFromSeed(sdk.getRandomBytes(64));
    const mask = ed.publicFromPrivate(r).toString('hex');
    const index = edges[i] ?? sdk.getRandomBytes(2).readUInt16BE() % 1025;
    made.ghosts.push({
      address, spend: spend.toString('hex'), view: view.toString('hex'),
      spend_private: spendPrivate.toString('hex'), view_private: viewPrivate.toString('hex'),
      r: r.toString('hex'), mask, index, key: sdk.deriveGhostPublicKey(r, view, spend, index).toString('hex'),
      x: ghostScalar(viewPrivate, mask, index).toString('hex'),
    });

    const message = sdk.getRandomBytes(32);
    made.signatures.push({
      private: spendPrivate.toString('hex'), public: spend.toString('hex'),
      message: message.toString('hex'), signature: ed.sign(message, spendPrivate).toString('hex'),
    });
  }
  answer(made);
});
