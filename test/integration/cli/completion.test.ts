import { execFile, spawnSync } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, test } from 'vitest';
import { manifestTypes } from '../../../src/cli/manifest-types.ts';
import { cleanEnvironment } from '../../support/gateway.ts';
import { type ResourceApi, startResourceApi } from '../../support/resource-api.ts';
import { type TempDir, tempDir } from '../../support/temp.ts';
import { commandLine } from './command-line.ts';
import { fakeGateway, ok } from './fake-gateway.ts';

const BINARY = join(import.meta.dirname, '../../../bin/trigate.js');

let api: ResourceApi;
let folder: TempDir;

beforeAll(async () => {
  api = await startResourceApi(manifestTypes());
  folder = await tempDir('completion');
  const run = `#!/bin/sh\nexec '${process.execPath}' '${BINARY}' "$@"\n`;
  for (const name of ['trigate', 'kubeless']) await writeFile(join(folder.path, name), run, { mode: 0o755 });
  const [functionType, triggerType] = manifestTypes();
  if (functionType === undefined || triggerType === undefined) throw new Error('There are no types');
  const apiVersion = 'kubeless.io/v1beta1';
  const metadata = (name: string, labels = {}) => ({ name, namespace: 'default', labels });
  const spec = { endpoint: 'http://127.0.0.1:1' };
  for (const [name, app] of [
    ['api', 'shop'],
    ['mail', 'post'],
  ] as const) {
    const object = { apiVersion, kind: 'Function', metadata: metadata(name, { app }), spec };
    await api.resources.create(functionType, object);
  }
  for (const name of ['orders', 'bills']) {
    const object = { apiVersion, kind: 'KafkaTrigger', metadata: metadata(name), spec: { topic: name } };
    await api.resources.create(triggerType, object);
  }
});
afterAll(async () => {
  await api?.[Symbol.asyncDispose]();
  await folder?.remove();
});

const env = (): NodeJS.ProcessEnv => ({
  ...cleanEnvironment(),
  PATH: `${folder.path}${delimiter}${process.env.PATH}`,
  TRIGATE_GATEWAY: api.url,
  HOME: folder.path,
});

test('names that a shell would run, split or show otherwise are not offered', async () => {
  const topics = ['a', 'eu-1.b_c', '$(reboot)', '`id`', 'a b', 'a;b', "it's", 'x\u001b[2J', 'c:d@e/f'];
  await using gateway = await fakeGateway({ 'GET /v1/topics': ok({ topics }) });
  const { stdout } = await commandLine(['__complete', 'topic', 'delete', ''], { TRIGATE_GATEWAY: gateway.url });
  expect(stdout.trimEnd().split('\n')).toEqual(['a', 'eu-1.b_c', 'c:d@e/f', ':4']);
});

describe('what may stand in the place of a word', () => {
  const names = async (...words: string[]) => {
    const { stdout } = await commandLine(['__complete', ...words], { TRIGATE_GATEWAY: api.url });
    return stdout
      .trimEnd()
      .split('\n')
      .map((line) => line.split('\t')[0]);
  };

  it.each([
    [['trig'], ['trigger', ':4']],
    [
      ['trigger', 'kafka', ''],
      ['create', 'update', 'delete', 'list', 'help', ':4'],
    ],
    [
      ['trigger', 'kafka', 'delete', ''],
      ['bills', 'orders', ':4'],
    ],
    [['trigger', 'kafka', 'delete', '-n', 'other', ''], [':4']],
    [
      ['trigger', 'kafka', 'create', 'x', '--function-selector', 'app='],
      ['app=post', 'app=shop', ':4'],
    ],
    [
      ['trigger', 'kafka', 'create', '--function-selector', 'a=b,app=s'],
      ['a=b,app=shop', ':4'],
    ],
    [
      ['trigger', 'kafka', 'create', '--dry-run=s'],
      ['--dry-run=server', ':4'],
    ],
    [
      ['trigger', 'kafka', 'create', '--trigger-'],
      ['--trigger-topic', ':4'],
    ],
    [
      ['trigger', 'cronjob', 'create', '--function', 'm'],
      ['mail', ':4'],
    ],
    [
      ['get', 'kafkat'],
      ['kafkatriggers', ':4'],
    ],
    [
      ['get', 'kt', 'o'],
      ['orders', ':4'],
    ],
    [
      ['events', '--outcome', 're'],
      ['rejected', ':4'],
    ],
    [
      ['events', '--trigger', ''],
      ['bills', 'orders', ':4'],
    ],
    [
      ['ledger', '-o', ''],
      ['yaml', 'json', 'jsonpath=', ':4'],
    ],
    [
      ['trigger', 'kafka', 'list', '-n', 'def'],
      ['default', ':4'],
    ],
    [['apply', '-f', ''], [':0']],
    [['lint', 'x'], [':0']],
    [
      ['completion', ''],
      ['bash', 'zsh', 'fish', ':4'],
    ],
    [['nonsense', '--more', ''], [':4']],
  ])('%j', async (words, found) => {
    expect(await names(...words)).toEqual(found);
  });

  it('is nothing when nobody answers', async () => {
    const result = await commandLine(['__complete', 'trigger', 'kafka', 'delete', ''], {
      TRIGATE_GATEWAY: 'http://127.0.0.1:1',
    });
    expect(result).toEqual({ code: 0, stdout: ':4\n', stderr: '' });
  });
});

/** Lines as they are typed before Tab, and the last word as the shell makes it. */
const LINES = [
  ['trigate tri', 'trigger'],
  ['kubeless trigger kafka delete or', 'orders'],
  ['trigate trigger kafka create x --dry-run=s', 'server'],
  ['trigate trigger kafka create x --function-selector app=s', 'app=shop'],
] as const;

const isThere = (shell: string): boolean => spawnSync(shell, ['--version']).status === 0;
const run = (shell: string, args: readonly string[]): Promise<string> =>
  new Promise((resolve, reject) => {
    execFile(shell, args, { env: env(), cwd: folder.path, timeout: 60_000 }, (error, stdout, stderr) =>
      error === null ? resolve(stdout) : reject(new Error(`${shell}: ${error.message}\n${stdout}${stderr}`)),
    );
  });

// bash divides words at "=" before it asks, and puts the reply in the place of the last part.
const BASH = `
source <(trigate completion bash)
for line in "$@"; do
  read -ra COMP_WORDS <<<"\${line//=/ = }"
  COMP_CWORD=$((\${#COMP_WORDS[@]} - 1))
  _trigate
  printf '%s\\n' "\${COMPREPLY[*]}"
done`;

// A zsh of its own, on a terminal: Tab completes the line, and Control-X shows it.
const ZSH = `
zmodload zsh/zpty
zpty shell zsh -f -i
zpty -w shell 'autoload -Uz compinit && compinit -u -D; source <(trigate completion zsh); bindkey "^I" complete-word'
zpty -w shell 'show() { BUFFER="print -r -- \\"<\${BUFFER//\\"/}>\\""; zle accept-line }; zle -N show; bindkey "^X" show'
for line in "$@"; do
  zpty -w -n shell "$line"$'\\t\\x18'
  zpty -r -m shell output $'*\\n<*>*'
  print -r -- "\${\${output##*$'\\n'<}%%>*}"
done
zpty -d shell`;

const FISH = `
trigate completion fish | source
for line in $argv
  complete -C "$line"
end`;

const lines = LINES.map(([line]) => line);
const lastWords = (text: string): string[] =>
  text
    .trimEnd()
    .split('\n')
    .map((line) => line.trimEnd().split('\t')[0]?.split(' ').at(-1) ?? '');
const ends = LINES.map(([, word]) => expect.stringMatching(new RegExp(`(^|=)${word.replace('app=', '')}$`)));

describe('bash', () => {
  it('completes commands, names and values', async () => {
    expect(lastWords(await run('bash', ['-c', BASH, 'bash', ...lines]))).toEqual(ends);
  });
});

describe.skipIf(!isThere('zsh'))('zsh (skipped: this machine has none)', () => {
  it('completes commands, names and values', async () => {
    expect(lastWords(await run('zsh', ['-f', '-c', ZSH, 'zsh', ...lines]))).toEqual(ends);
  });
});

describe.skipIf(!isThere('fish'))('fish (skipped: this machine has none)', () => {
  it('completes commands, names and values', async () => {
    expect(lastWords(await run('fish', ['--no-config', '-c', FISH, ...lines]))).toEqual(ends);
  });
});

it('says which shells there are', async () => {
  expect((await commandLine(['completion', 'zhs'])).stderr).toContain('found "zhs". Did you mean zsh?');
  expect((await commandLine(['completion'])).stderr).toContain('Need exactly one argument - shell: bash, zsh or fish');
});
