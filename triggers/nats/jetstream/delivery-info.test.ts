import { expect, it } from 'vitest';
import { deliveryInfo } from './delivery-info.ts';

const told = { count: 2, sequence: 31, consumerSequence: 17, time: 1_795_253_345_800, pending: 5 };

it.each([
  '$JS.ACK.orders.a=2Eb.2.31.17.1795253345800886423.5',
  '$JS.ACK.hub.ACCHASH.orders.a=2Eb.2.31.17.1795253345800886423.5',
  '$JS.ACK._.ACCHASH.orders.a=2Eb.2.31.17.1795253345800886423.5.rAnDoM',
])('reads %s', (reply) => {
  expect(deliveryInfo(reply)).toEqual({ ...told, reply });
});

it.each([undefined, '', '_INBOX.a.b', '$JS.ACK.orders', '$JS.ACK.orders.a.x.y.z.1.2'])('%s is no delivery', (reply) => {
  expect(deliveryInfo(reply)).toBeUndefined();
});
