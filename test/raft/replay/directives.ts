import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { repository } from '../../house/sources';

/** One directive of a transcript: a command, its input, and what it is expected to print. */
export interface Directive {
  /** The line where the command stands, from 1. */
  readonly line: number;
  readonly command: string;
  /** Arguments without a value, in their order. */
  readonly words: readonly string[];
  /** Arguments with values: `key=value` or `key=(value,value)`. */
  readonly options: ReadonlyMap<string, readonly string[]>;
  readonly input: readonly string[];
  readonly expected: readonly string[];
}

/** Where etcd's transcripts are: `MAM_ETCD_RAFT`, or a folder beside the repository. They are not in it, because they are not ours. */
export const etcdData = resolve(process.env.MAM_ETCD_RAFT ?? `${repository}/../shared/data/etcd-raft`);

/** Why a replay is skipped, or undefined. */
export const whyEtcdIsSkipped = existsSync(etcdData)
  ? undefined
  : 'the testdata folders of etcd-io/raft are not in ../shared/data/etcd-raft, nor where MAM_ETCD_RAFT says';

/** The title of a replay. It names the reason if the replay is skipped. */
export function replayTitle(title: string): string {
  return whyEtcdIsSkipped === undefined ? title : `${title}: skipped, because ${whyEtcdIsSkipped}`;
}

/** The transcripts of a folder of etcd's data, by file name without extension. */
export function etcdTranscripts(folder: string): ReadonlyMap<string, readonly Directive[]> {
  if (whyEtcdIsSkipped !== undefined) return new Map();
  const names = readdirSync(join(etcdData, folder))
    .filter((name) => name.endsWith('.txt'))
    .sort();
  return new Map(
    names.map((name) => [name.replace(/\.txt$/, ''), directivesOf(readFileSync(join(etcdData, folder, name), 'utf8'))]),
  );
}

/**
 * Reads the format of data-driven tests: a line with the command, lines of input, a line `----`, and the expected output up to an
 * empty line. Lines that begin with # are comments.
 */
export function directivesOf(text: string): readonly Directive[] {
  const lines = text.split('\n');
  const directives: Directive[] = [];
  for (let at = 0; at < lines.length; at += 1) {
    if (lines[at]!.trim() === '' || lines[at]!.startsWith('#')) continue;
    const separator = lines.indexOf('----', at);
    if (separator < 0) throw new Error(`Line ${at + 1}: the directive has no ----.`);
    const blank = lines.indexOf('', separator);
    const end = blank < 0 ? lines.length : blank;
    directives.push({
      line: at + 1,
      ...argumentsOf(lines[at]!),
      input: lines.slice(at + 1, separator),
      expected: lines.slice(separator + 1, end),
    });
    at = end;
  }
  return directives;
}

function argumentsOf(line: string): Pick<Directive, 'command' | 'words' | 'options'> {
  const [command = '', ...rest] = line.match(/[^\s=]+=\([^)]*\)|[^\s]+/g) ?? [];
  const words: string[] = [];
  const options = new Map<string, readonly string[]>();
  for (const argument of rest) {
    const [, key, value] = /^([\w-]+)=(.*)$/.exec(argument) ?? [];
    if (key === undefined || value === undefined) words.push(argument);
    else
      options.set(
        key,
        value
          .replace(/^\(|\)$/g, '')
          .split(',')
          .map((part) => part.trim())
          .filter((part) => part !== ''),
      );
  }
  return { command, words, options };
}
