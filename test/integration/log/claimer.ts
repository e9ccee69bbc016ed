import { once } from 'node:events';
import { message, openLogIn, RecordingOwner } from '../../support/topic-log.ts';

// A process for crash.test.ts to kill: publishes and claims without end, and says on its output what stands.
// Usage: claimer.ts DIR

const [, , folder = ''] = process.argv;
const log = openLogIn(folder);
const owner = new RecordingOwner();
const group = log.openGroup({ name: 'g', pattern: 't', startFrom: 'earliest', functions: ['f'] }, owner);
const counts = owner.books.get('f');
if (counts === undefined) throw new Error('no counts');
Object.assign(counts, structuredClone(group.predecessor.counts.get('f') ?? counts));
counts.unknown.crash += group.predecessor.inDoubt.length;
await group.adopt();
console.log(`took over ${group.predecessor.inDoubt.length}`);

let cursor = group.position;
for (let n = 1; ; n++) {
  await Promise.all([1, 2, 3, 4].map(() => log.publish('t', message('x'))));
  const { events, through } = group.read(cursor, { count: 8, bytes: 1e6, dataBytes: 1e6 });
  cursor = through;
  counts.read += events.length;
  counts.claimed += events.length;
  const seqs = events.map(({ seq }) => seq);
  await group.claim(seqs, through);
  if (!process.stdout.write(`claimed ${n}: ${seqs.join(' ')}\n`)) await once(process.stdout, 'drain');
  // Half of them have their outcome now, and nobody waits for that to be stored.
  for (const seq of seqs.filter((_, i) => i % 2 === 0)) {
    counts.delivered++;
    group.settle(seq);
  }
}
