import { describe, expect, test } from 'vitest';
import { configurationOf, sortedIds } from '../../src/raft/core/configuration';
import { committedIndex, majorityIndex, voteResult } from '../../src/raft/core/quorum';
import { type Directive, etcdTranscripts, replayTitle, whyEtcdIsSkipped } from './replay/directives';

const transcripts = etcdTranscripts('quorum/testdata');

describe.skipIf(whyEtcdIsSkipped !== undefined)(replayTitle("etcd's transcripts of quorums"), () => {
  test('are 4 files with 127 directives', () => {
    const directives = [...transcripts.values()].map(({ length }) => length);
    expect([transcripts.size, directives.reduce((sum, length) => sum + length, 0)]).toEqual([4, 127]);
  });

  for (const [name, directives] of transcripts)
    test(`${name} agrees in all directives`, () => {
      for (const directive of directives)
        expect({ line: directive.line, output: replay(directive) }).toEqual({
          line: directive.line,
          output: directive.expected,
        });
    });
});

interface Quorum {
  readonly voters: readonly number[];
  readonly outgoing: readonly number[];
  /** In the order in which the transcript lists indexes and votes. */
  readonly ids: readonly number[];
}

function replay(directive: Directive): readonly string[] {
  const quorum = quorumOf(directive);
  return directive.command === 'vote' ? replayVote(directive, quorum) : replayCommitted(directive, quorum);
}

function quorumOf({ options }: Directive): Quorum {
  const ids = (key: string) => (options.get(key) ?? []).filter((id) => id !== 'zero').map(Number);
  const [voters, outgoing] = [ids('cfg'), ids('cfgj')];
  return { voters, outgoing, ids: [...new Set([...voters, ...outgoing])] };
}

function valuesOf(directive: Directive, key: string, { ids }: Quorum): ReadonlyMap<number, string> {
  const values = directive.options.get(key) ?? [];
  return new Map(ids.map((id, at) => [id, values[at] ?? '_'] as const).filter(([, value]) => value !== '_'));
}

function replayVote(directive: Directive, quorum: Quorum): readonly string[] {
  const votes = valuesOf(directive, 'votes', quorum);
  const voteOf = (id: number) => (votes.has(id) ? votes.get(id) === 'y' : undefined);
  const result = (voters: readonly number[], outgoing: readonly number[]) =>
    voteResult({ ...configurationOf(voters), outgoing }, voteOf);
  const answer = result(quorum.voters, quorum.outgoing);
  // The halves may change places, and a group joined with itself decides like the group alone.
  expect(result(quorum.outgoing, quorum.voters)).toBe(answer);
  if (quorum.outgoing.length === 0) expect(result(quorum.voters, quorum.voters)).toBe(answer);
  return [{ won: 'VoteWon', lost: 'VoteLost', pending: 'VotePending' }[answer]];
}

function replayCommitted(directive: Directive, quorum: Quorum): readonly string[] {
  const { voters, outgoing, ids } = quorum;
  const known = new Map([...valuesOf(directive, 'idx', quorum)].map(([id, index]) => [id, Number(index)]));
  const acknowledged = (id: number) => known.get(id) ?? 0;
  const configuration = { ...configurationOf(voters), outgoing: sortedIds(outgoing) };
  const index = committedIndex(configuration, acknowledged);
  expect(
    committedIndex({ ...configuration, voters: configuration.outgoing, outgoing: configuration.voters }, acknowledged),
  ).toBe(index);
  if (outgoing.length === 0) {
    expect(committedIndex({ ...configuration, outgoing: voters }, acknowledged)).toBe(index);
    expect(majorityIndex(voters, acknowledged)).toBe(countedIndex(voters, acknowledged));
  }
  if (ids.length === 0) return ['<empty majority quorum>∞'];
  // The bar of a voter is as long as the number of voters below it.
  const rows = sortedIds(ids).map((id) => {
    const below = ids.filter((other) => acknowledged(other) < acknowledged(id)).length;
    const bar = known.has(id) ? `${'x'.repeat(below)}>`.padEnd(ids.length + 1) : '?'.padEnd(ids.length + 1);
    return `${bar} ${String(acknowledged(id)).padStart(5)}    (id=${id})`;
  });
  return [`${' '.repeat(ids.length)}    idx`, ...rows, String(index)];
}

/** The same by counting: the highest index that at least a majority holds. */
function countedIndex(voters: readonly number[], acknowledged: (id: number) => number): number {
  const holders = (index: number) => voters.filter((id) => acknowledged(id) >= index).length;
  const reached = voters.map(acknowledged).filter((index) => holders(index) > voters.length / 2);
  return voters.length === 0 ? Number.POSITIVE_INFINITY : Math.max(0, ...reached);
}
