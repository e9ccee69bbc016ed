import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { connectionTo, coreBroker } from '../../../triggers/nats/harness.ts';
import { hasAll, numbered } from '../../conformance/delivery-cases.ts';
import { Rig } from '../../conformance/rig.ts';
import { startNats } from '../../services/nats.ts';
import { eventually } from '../../support/eventually.ts';
import { tcpProxy } from '../../support/tcp-proxy.ts';
import { tempDir } from '../../support/temp.ts';

test('a server that cuts us because we read too slowly leaves a gap with its cause, and it goes on', async () => {
  await using folder = await tempDir('nats-slow');
  const config = join(folder.path, 'server.conf');
  await writeFile(config, 'max_pending: 1MB\nwrite_deadline: "500ms"\n');
  const nats = await startNats({ args: ['-c', config] });
  const broker = await coreBroker(nats.url);
  try {
    await using proxy = await tcpProxy(nats.url);
    await using rig = await Rig.start(broker);
    const topic = await rig.topic();
    const member = rig.member(connectionTo({ servers: proxy.address }));
    const reading = await member.open(topic);
    await topic.publish(numbered(1));
    await hasAll(rig.recorder, 1);
    const heldAt = Date.now();
    proxy.hold();
    const large = 'x'.repeat(500_000);
    // More than the server keeps for a client, and more than the buffers between take.
    for (let i = 0; i < 60; i++) await topic.publish([{ data: large }]);
    proxy.heal();
    await eventually('it is connected again', () => {
      const types = reading.statuses.map(({ type }) => type);
      return types.includes('disconnected') && types.at(-1) === 'connected';
    });
    const [gap] = member.gaps();
    expect(gap?.cause).toContain('Slow Consumer');
    expect(gap?.from).toBeLessThanOrEqual(heldAt);
    await topic.publish(numbered(5, 1));
    await rig.recorder.waitFor('it goes on', ({ records }) =>
      records.some(({ body }) => body === numbered(1, 5)[0]?.data),
    );
  } finally {
    await broker.stop();
    await nats.stop();
  }
});
