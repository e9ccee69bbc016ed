const SECOND_MS = 1_000;

/**
 * Go's `time.Time.String()` in UTC, which Kubeless sends as `event-time`: `2018-05-18 05:40:42.881 +0000 UTC`; zeros at
 * the end of the fraction are left out. Events come many in a millisecond, so the last text is kept.
 */
export class GoTime {
  #at = Number.NaN;
  #text = '';

  format(ms: number): string {
    if (ms === this.#at) return this.#text;
    const iso = new Date(ms).toISOString();
    const fraction = iso.slice(19, 23).replace(/\.?0+$/, '');
    this.#at = ms;
    this.#text = `${iso.slice(0, 10)} ${iso.slice(11, 19)}${fraction} +0000 UTC`;
    return this.#text;
  }
}

/** `date --rfc-3339=seconds --utc`, which Kubeless' cron jobs send: `2018-05-18 05:40:42+00:00`. */
export class DateTime {
  format(ms: number): string {
    return `${new Date(ms).toISOString().slice(0, 19).replace('T', ' ')}+00:00`;
  }
}

/**
 * RFC 3339, for `ce-time`. A time that no date can hold, as a producer may send, becomes the epoch. Events come many in a
 * second, so what comes before the milliseconds is kept.
 */
export class IsoTime {
  #second = Number.NaN;
  #untilPoint = '';
  #at = Number.NaN;
  #text = '';

  format(ms: number): string {
    if (ms === this.#at) return this.#text;
    const valid = Math.abs(ms) <= 8.64e15 ? Math.trunc(ms) : 0;
    const second = Math.floor(valid / SECOND_MS);
    if (second !== this.#second) {
      this.#second = second;
      this.#untilPoint = new Date(second * SECOND_MS).toISOString().slice(0, -'000Z'.length);
    }
    this.#at = ms;
    this.#text = `${this.#untilPoint}${String(valid - second * SECOND_MS).padStart(3, '0')}Z`;
    return this.#text;
  }
}
