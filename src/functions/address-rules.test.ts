import { expect, test } from 'vitest';
import { addressRules } from './address-rules.ts';

test('nothing is called that is this pod, the API server, this machine or the metadata service, in any clothes', () => {
  const forbids = addressRules(['10.0.0.7', 'fd00::7'], (address) => address === '10.96.0.1');
  const own = ['10.0.0.7', '::ffff:10.0.0.7', 'fd00::7', '10.96.0.1', '::ffff:10.96.0.1'];
  const always = ['127.0.0.1', '::1', '169.254.169.254', '::ffff:127.0.0.1', '0.0.0.0', ''];
  for (const address of [...own, ...always]) expect(forbids(address), address).toBe(true);
  for (const address of ['10.0.0.8', 'fd00::8', '10.96.0.2']) expect(forbids(address), address).toBe(false);
});
