import { describe, it, test } from 'node:test';
import assert from 'node:assert';

describe('cart', () => {
  it('starts empty', () => {});
  it('adds größe <&>', () => { assert.strictEqual(1 + 1, 3); });
  it.skip('ships', () => {});
  it('refunds', { todo: true }, () => { throw new Error('not yet'); });
  describe('totals', () => {
    it('rounds 円', () => {});
    it('starts empty', () => {});
  });
});
test('stands alone', () => { throw new TypeError('boom'); });
test('parent', async (t) => {
  await t.test('child "quoted"', () => {});
});
