const assert = require('node:assert');

describe('cart', () => {
  it('starts empty', () => {});
  it('adds größe <&>', () => { assert.strictEqual(1 + 1, 3); });
  it.skip('ships', () => {});
  it('refunds');
  describe('totals', () => {
    it('rounds 円', () => {});
    it('starts empty', () => {});
  });
  describe('warehouse', () => {
    before(() => { throw new Error('no warehouse'); });
    it('never runs', () => {});
  });
});
it('stands alone', () => {});
