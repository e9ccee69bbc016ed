import { serveSink } from './sink.ts';

// Answers at once, and keeps when each tick was due, when the gateway fired it, and when it came here.

const ticks: { readonly due: number; readonly fired: number; readonly came: number }[] = [];

const header = (head: string, name: string) => new RegExp(`^${name}: (.*)$`, 'im').exec(head)?.[1]?.trim() ?? '';

serveSink(
  (_body, answer, head) => {
    const due = Date.parse(header(head, 'event-scheduled-time'));
    ticks.push({ due, fired: Number.parseInt(header(head, 'event-lateness'), 10), came: Date.now() - due });
    answer();
  },
  () => `requests ${ticks.length} ${JSON.stringify(ticks)}`,
);
