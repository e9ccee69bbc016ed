import fc from 'fast-check';
import { expect, it } from 'vitest';
import { durableName } from './name.ts';

it.each([
  ['default_orders_audit_shop', 'default_orders_audit_shop'],
  ['default_orders_audit_shop.new', 'default_orders_audit_shop=2Enew'],
  ['default_orders_*_shop.*.>', 'default_orders_=2A_shop=2E=2A=2E=3E'],
  ['default_orders_f_größe', 'default_orders_f_gr=C3=B6=C3=9Fe'],
  ['a=b c', 'a=3Db=20c'],
])('%s is %s', (group, durable) => {
  expect(durableName(group)).toBe(durable);
});

it('is a name that JetStream takes, and different groups have different ones', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary', maxLength: 400 }), fc.string({ unit: 'binary' }), (a, b) => {
      const name = durableName(a.toWellFormed());
      expect(name).toMatch(/^[A-Za-z0-9_=-]{0,200}$/);
      if (a.toWellFormed() !== b.toWellFormed()) expect(durableName(b.toWellFormed())).not.toBe(name);
    }),
  );
  expect(durableName(`${'x'.repeat(300)}a`)).not.toBe(durableName(`${'x'.repeat(300)}b`));
});
