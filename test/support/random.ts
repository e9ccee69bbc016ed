/** A whole number from `least` to `most`. */
export type RandomInt = (least: number, most: number) => number;

/** The same numbers for the same seed (mulberry32). */
export function seededRandom(seed: number): RandomInt {
  let state = seed >>> 0;
  const next = () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
  return (least, most) => least + Math.floor(next() * (most - least + 1));
}

/** `TRIGATE_TEST_SEED`, to run again what failed, or another one each time; says which. */
export function chosenSeed(): number {
  const given = process.env.TRIGATE_TEST_SEED;
  const seed = given === undefined ? Date.now() % 1_000_000 : Number(given);
  console.log(`TRIGATE_TEST_SEED=${seed}`);
  return seed;
}
