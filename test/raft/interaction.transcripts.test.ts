import { describe, expect, test } from 'vitest';
import { type Directive, etcdTranscripts, replayTitle, whyEtcdIsSkipped } from './replay/directives';
import { ReplayEnvironment } from './replay/environment';

const transcripts = etcdTranscripts('testdata');

/**
 * The transcripts that do not agree, each with the reason. A file that agrees must not be listed, and one that does not must be: so the
 * list cannot grow old.
 */
const differences: Readonly<Record<string, string>> = {};

/**
 * The lines that are left out, by kind, with their number: what etcd's nodes write to their log for people. The core here has no such
 * log. What happened shows in the lines that are compared: messages, entries, states, and what each node hands out.
 */
const leftOut: readonly (readonly [kind: string, pattern: RegExp, count: number])[] = [
  ['a node starts', /^INFO newRaft /, 22],
  ['a node takes over a configuration', /^INFO \d+ switched to configuration /, 68],
  ['a leader begins to leave a joint configuration', /^INFO initiating automatic transition /, 3],
  ['a leader ignores a change', /^INFO \d+ ignoring conf change /, 2],
  ['a node changes its role', /^INFO \d+ became /, 115],
  ['an election starts', /^INFO \d+ is starting a new election /, 28],
  ['a candidate asks for a vote', /^INFO \d+ \[.*\] sent Msg(Pre)?Vote request /, 63],
  ['a node gives a vote', /^INFO \d+ \[.*\] cast Msg(Pre)?Vote /, 28],
  ['a node refuses a vote', /^INFO \d+ \[.*\] rejected Msg(Pre)?Vote /, 6],
  ['a node ignores a candidate', /^INFO \d+ \[.*\] ignored Msg(Pre)?Vote /, 13],
  ['a candidate receives an answer', /^INFO \d+ received Msg(Pre)?VoteResp /, 52],
  ['a candidate counts the answers', /^INFO \d+ has received /, 52],
  ['a message of a later term arrives', /^INFO \d+ \[term: \d+\] received a \w+ message with higher term /, 39],
  ['a message of an earlier term arrives', /^INFO \d+ \[term: \d+\] ignored a \w+ message with lower term /, 5],
  ['the storage answers in an earlier term', /^INFO \d+ \[term: \d+\] ignored entry appends /, 2],
  ['the storage answers about an entry that was replaced', /^INFO entry at /, 4],
  ['entries of a follower conflict', /^INFO found conflict /, 6],
  ['entries of a follower are replaced', /^INFO replace the unstable entries /, 6],
  ['a follower begins to restore a snapshot', /^INFO log \[.*\] starts to restore /, 9],
  ['a follower has restored a snapshot', /^INFO \d+ \[.*\] restored snapshot /, 18],
  [
    'a transfer goes on',
    /^INFO \d+ (\[term \d+\] (starts to transfer|received MsgTimeoutNow)|sends MsgTimeoutNow) /,
    3,
  ],
  ['a proposal finds no leader', /^INFO \d+ no leader at term /, 1],
  ['a node forgets its leader', /^INFO \d+ forgetting leader /, 5],
  ['a node may not forget its leader', /^ERROR ignoring MsgForgetLeader /, 1],
  ['a node may not campaign', /^WARN \d+ is unpromotable /, 3],
  ['a leader hears from no majority', /^WARN \d+ stepped down /, 1],
  ['a follower rejects entries', /^DEBUG \d+ \[.*\] rejected MsgApp /, 9],
  ['a leader learns of a rejection', /^DEBUG \d+ (received MsgAppResp\(rejected|decreased progress)/, 16],
  ['a leader sends a snapshot', /^DEBUG \d+ (\[.*\] sent snapshot|paused sending)/, 16],
  ['a follower has caught up by a snapshot', /^DEBUG \d+ recovered from needing snapshot/, 8],
  ['a member is unreachable', /^DEBUG \d+ failed to send message /, 1],
];

const isLogLine = (line: string) => /^ *(INFO|DEBUG|WARN|ERROR) /.test(line);

function expectedOf({ expected }: Directive): readonly string[] {
  const compared = expected.filter((line) => !isLogLine(line));
  return compared.length === 0 ? ['ok'] : compared;
}

/** The first directive whose output differs, or undefined. Later ones say nothing: the nodes are in another state by then. */
function firstDifference(directives: readonly Directive[]): unknown {
  const environment = new ReplayEnvironment();
  for (const directive of directives) {
    const [output, expected] = [environment.run(directive), expectedOf(directive)];
    if (output.join('\n') !== expected.join('\n')) return { line: directive.line, output, expected };
  }
  return undefined;
}

describe.skipIf(whyEtcdIsSkipped !== undefined)(replayTitle("etcd's transcripts of interactions"), () => {
  test('are 28 files with 558 directives', () => {
    const directives = [...transcripts.values()].map(({ length }) => length);
    expect([transcripts.size, directives.reduce((sum, length) => sum + length, 0)]).toEqual([28, 558]);
  });

  for (const [name, directives] of transcripts)
    test(`${name} ${name in differences ? `differs: ${differences[name]}` : 'agrees in all directives'}`, () => {
      if (name in differences) expect(firstDifference(directives)).toBeDefined();
      else expect(firstDifference(directives)).toBeUndefined();
    });

  test('every listed difference is one of a transcript', () => {
    expect(Object.keys(differences).filter((name) => !transcripts.has(name))).toEqual([]);
  });

  test('every line that is left out is of a listed kind, and each kind is as frequent as listed', () => {
    const lines = [...transcripts.values()]
      .flat()
      .flatMap(({ expected }) => expected.filter(isLogLine).map((line) => line.trim()));
    expect(lines.filter((line) => !leftOut.some(([, pattern]) => pattern.test(line)))).toEqual([]);
    const counts = leftOut.map(([kind, pattern]) => [kind, lines.filter((line) => pattern.test(line)).length]);
    expect(counts).toEqual(leftOut.map(([kind, , count]) => [kind, count]));
    expect(counts.reduce((sum, [, count]) => sum + Number(count), 0)).toBe(lines.length);
  });
});

test.skipIf(whyEtcdIsSkipped !== undefined)(replayTitle('a transcript with another outcome is noticed'), () => {
  const [first = []] = transcripts.values();
  const altered = first.map((directive) => ({
    ...directive,
    expected: directive.expected.map((line) => line.replace('MsgVoteResp Term:1', 'MsgVoteResp Term:2')),
  }));
  expect(firstDifference(altered)).toBeDefined();
});
