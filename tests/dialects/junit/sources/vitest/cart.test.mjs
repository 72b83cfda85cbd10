import { describe, expect, it, test } from 'vitest';

let attempts = 0;

describe('cart', () => {
  it('starts empty', () => {});
  it('adds größe <&>', () => { expect(1 + 1).toBe(3); });
  it.skip('ships', () => {});
  it.todo('refunds');
  describe('totals', () => {
    it.each(['EUR', '円'])('rounds %s', () => {});
    it('starts empty', () => {});
  });
  it('is flaky', { retry: 2 }, () => { attempts += 1; expect(attempts).toBe(2); });
});
test('stands alone', () => { throw new TypeError('boom'); });
