describe('cart', () => {
  test('starts empty', () => {});
  test('adds größe <&>', () => { expect(1 + 1).toBe(3); });
  test.skip('ships', () => {});
  test.todo('refunds');
  describe('totals', () => {
    test.each([['EUR', 2], ['円', 0]])('rounds %s to %d', () => {});
  });
});
test('stands alone', () => { throw new Error('boom'); });
