import type { Command } from 'commander';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { stringify } from 'yaml';
import { manifestTypes } from '../../../src/cli/manifest-types.ts';
import { tieOptionalValues } from '../../../src/cli/optional-values.ts';
import { buildProgram } from '../../../src/cli/program.ts';
import { messagesOn } from '../../../src/cli/terminal.ts';
import { systemClock } from '../../../src/domain/clock.ts';
import { startResourceApi } from '../../support/resource-api.ts';
import { tempDir } from '../../support/temp.ts';
import { commandLine, type Result } from './command-line.ts';
import { fakeGateway, list, ok } from './fake-gateway.ts';

/** Nobody answers there. */
const ENV = { TRIGATE_GATEWAY: 'http://127.0.0.1:1', HOME: '/nowhere' };

const nowhere = { write: () => {} };
const terminal = {
  stdout: nowhere,
  stderr: nowhere,
  isTty: false,
  outIsTty: false,
  clock: systemClock,
  signal: new AbortController().signal,
  readInput: async () => new Uint8Array(),
};
const program = buildProgram({ terminal, messages: messagesOn(terminal), env: {} }, '0.0.0');

interface Typed {
  readonly words: readonly string[];
  readonly flags: readonly string[];
}

/** An address might be one that somebody has, and a folder would be made. */
const NOT_TRIED = ['--url', '--gateway', '--data-dir'];

/** A command and those below it. */
function commandsOf(command: Command, words: readonly string[]): Typed[] {
  const flags = command.options.flatMap(({ long, short }) => [long, short]).filter((flag) => typeof flag === 'string');
  const own = { words, flags: flags.filter((flag) => !NOT_TRIED.includes(flag)) };
  return [own, ...command.commands.flatMap((each) => commandsOf(each, [...words, each.name()]))];
}

/** By the first word: `function` and all that stand below it. */
const groups = program.commands.map((each) => ({ name: each.name(), commands: commandsOf(each, [each.name()]) }));

/** Every command keeps to this, whatever it is given. */
function expectDocumented({ code, stderr }: Result, about: string): void {
  expect([0, 1], about).toContain(code);
  expect(stderr, about).not.toMatch(/^\s+at .+[:(]/m);
  expect(stderr, about).not.toMatch(/TypeError|RangeError|ReferenceError|\[object Object\]|undefined|ZodError/);
  const fatal = stderr.split('\n').filter((line) => line.startsWith('FATA'));
  // A group without its command shows its help.
  if (code === 0) expect(fatal, about).toEqual([]);
  else if (!stderr.includes('Usage: ')) expect(fatal, about).toHaveLength(1);
}

const words = fc.oneof(
  fc.string({ maxLength: 12 }),
  fc.string({ unit: 'grapheme', maxLength: 6 }),
  fc.constantFrom(
    '',
    '-',
    '--',
    '-A',
    '=',
    'a=b',
    'default',
    'kafkatriggers',
    '{}',
    '{"a":1}',
    '* * * * *',
    '10m',
    '1',
    '-1',
  ),
  fc.constantFrom(
    'json',
    'yaml',
    'jsonpath={.a',
    'jsonpath=',
    'client',
    'server',
    'a in (b',
    '\u0000',
    'a'.repeat(300),
  ),
);

const typedOf = (commands: readonly Typed[]) =>
  fc
    .constantFrom(...commands)
    .chain(({ words: command, flags }) =>
      fc
        .array(fc.oneof(words, flags.length === 0 ? words : fc.constantFrom(...flags)), { maxLength: 7 })
        .map((rest) => [...command, ...rest]),
    )
    // What asks for a stack gets one.
    .filter((args) => !tieOptionalValues(args, program).some((arg) => /^(-v|--verbosity=)9$/.test(arg)));
const typed = typedOf(commandsOf(program, []));

describe('no command line ends in anything but a documented way, whether anybody answers or not', () => {
  // Nothing is followed, and what would run on stops when it has started.
  const ended = { readInput: async () => Buffer.from('{'), signal: AbortSignal.abort() };

  it.each(groups.filter(({ name }) => name !== 'serve'))(
    '$name',
    async ({ commands }) => {
      await using api = await startResourceApi(manifestTypes());
      const property = fc.asyncProperty(
        typedOf(commands),
        fc.constantFrom(ENV.TRIGATE_GATEWAY, api.url),
        async (args, gateway) => {
          const result = await commandLine(args, { ...ENV, TRIGATE_GATEWAY: gateway }, ended);
          expectDocumented(result, `${JSON.stringify(args)} ${gateway}`);
        },
      );
      await fc.assert(property, { numRuns: 40 * commands.length });
    },
    120_000,
  );

  it('serve', async () => {
    await using folder = await tempDir('fuzz');
    const property = fc.asyncProperty(
      typedOf(groups.find(({ name }) => name === 'serve')?.commands ?? []),
      async (args) => {
        const result = await commandLine([...args, '--data-dir', folder.path, '--port', '0'], ENV, ended);
        expectDocumented(result, JSON.stringify(args));
      },
    );
    await fc.assert(property, { numRuns: 40 });
  }, 120_000);
});

it('no line that is being typed makes completion fail', async () => {
  await fc.assert(
    fc.asyncProperty(typed, async (args) => {
      const result = await commandLine(['__complete', ...args], ENV);
      expect(result, JSON.stringify(args)).toMatchObject({ code: 0, stderr: '' });
      expect(result.stdout).toMatch(/^:[04]\n$|\n:[04]\n$/);
    }),
    { numRuns: 200 },
  );
}, 120_000);

const kinds = manifestTypes().map(({ kind }) => kind);
const specKeys = [
  'topic',
  'functionSelector',
  'schedule',
  'function-name',
  'delivery',
  'payload',
  'resource',
  'events',
  'handler',
];
const anyValue = fc.jsonValue({ maxDepth: 3 });
const manifest = fc.record(
  {
    apiVersion: fc.oneof(fc.constant('kubeless.io/v1beta1'), fc.constant('v1'), anyValue),
    kind: fc.oneof(fc.constantFrom(...kinds, 'List'), anyValue),
    metadata: fc.oneof(fc.record({ name: fc.oneof(fc.constant('a'), anyValue), labels: anyValue }), anyValue),
    spec: fc.oneof(
      fc.dictionary(fc.oneof(fc.constantFrom(...specKeys), fc.string()), anyValue, { maxKeys: 5 }),
      anyValue,
    ),
    items: anyValue,
  },
  { requiredKeys: [] },
);
const text = fc.oneof(
  manifest.map((object) => JSON.stringify(object)),
  manifest.map((object) => stringify(object)),
  fc.array(manifest, { maxLength: 3 }).map((all) => all.map((object) => stringify(object)).join('---\n')),
  fc.string({ maxLength: 60 }),
);

it('no manifest makes lint or apply end in anything but a documented way', async () => {
  await fc.assert(
    fc.asyncProperty(
      text,
      fc.constantFrom(['lint', '-'], ['apply', '-f', '-'], ['delete', '-f', '-']),
      async (input, args) => {
        const result = await commandLine(args, ENV, { readInput: async () => Buffer.from(input) });
        const about = `${args.join(' ')} of ${JSON.stringify(input)}`;
        expect([0, 1], about).toContain(result.code);
        expect(`${result.stdout}${result.stderr}`, about).not.toMatch(/^\s+at .+[:(]|TypeError|RangeError|ZodError/m);
      },
    ),
    { numRuns: 500 },
  );
}, 120_000);

/** Of a server that checks less than ours. */
const stored = fc.record({
  apiVersion: fc.constant('kubeless.io/v1beta1'),
  kind: fc.constantFrom(...kinds),
  metadata: fc.record({
    name: fc.constant('a'),
    namespace: fc.constant('default'),
    labels: fc.dictionary(fc.string(), fc.string()),
  }),
  spec: fc.oneof(
    fc.dictionary(fc.oneof(fc.constantFrom(...specKeys), fc.string()), anyValue, { maxKeys: 5 }),
    anyValue,
  ),
  status: fc.oneof(fc.dictionary(fc.constantFrom('functions', 'conditions', 'counts', 'claims'), anyValue), anyValue),
});
const readers = [
  'function list -o wide',
  'function describe a',
  'function call a',
  'function logs a',
  'function top -o json',
  'function update a --env B=1 --dry-run=client',
  'trigger kafka list -A -o wide',
  'trigger kafka update a --trigger-topic b --dry-run=client',
  'trigger nats list -o wide',
  'trigger cronjob list -o wide',
  'trigger cronjob update a --schedule @hourly --dry-run=client',
  'trigger cronjob next a',
  'trigger kubernetes list -o wide',
  'trigger kubernetes update a --mode object --dry-run=client',
  'get all -A',
  'explain --topic b',
  'trigger kafka create a --trigger-topic b --function-selector a=b',
].map((line) => line.split(' '));

it('no object that a server has makes a command end in anything but a documented way', async () => {
  let object: object = {};
  const types = manifestTypes().map(({ plural }) => plural);
  const answers = types.flatMap((plural) =>
    ['', 'namespaces/default/'].flatMap((place) => {
      const path = `/apis/kubeless.io/v1beta1/${place}${plural}`;
      return [
        [`GET ${path}`, () => list(object)],
        [`GET ${path}/a`, () => ok(object)],
      ] as const;
    }),
  );
  await using gateway = await fakeGateway(Object.fromEntries(answers));
  const property = fc.asyncProperty(stored, fc.constantFrom(...readers), async (given, args) => {
    object = given;
    const result = await commandLine(args, { ...ENV, TRIGATE_GATEWAY: gateway.url });
    expectDocumented(result, `${args.join(' ')} of ${JSON.stringify(given)}`);
  });
  await fc.assert(property, { numRuns: 600 });
}, 120_000);
