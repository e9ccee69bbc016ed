import { serveSink } from './sink.ts';

// Answers at once. Reports how many requests it has had.

let requests = 0;

serveSink(
  (_body, answer) => {
    requests++;
    answer();
  },
  () => `requests ${requests}`,
);
