import { serveSink } from './sink.ts';

// Takes 5 ms for each request, and looks after the order of each key: bodies are {"n":1,"key":"k7",…}.

const TAKES_MS = 5;

let requests = 0;
let outOfOrder = 0;
const lastOfKey = new Map<string, number>();

serveSink(
  (body, answer) => {
    requests++;
    const [, n = '0', key = ''] = /"n":(\d+),"key":"(\w+)"/.exec(body) ?? [];
    if (Number(n) < (lastOfKey.get(key) ?? 0)) outOfOrder++;
    lastOfKey.set(key, Number(n));
    setTimeout(answer, TAKES_MS);
  },
  () => `requests ${requests} ${outOfOrder}`,
);
