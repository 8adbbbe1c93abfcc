import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, test, vi } from 'vitest';
import type { Command, Stamp } from '../../src/domain/command';
import type { Frame, LogEntry } from '../../src/domain/frame';
import { root } from '../../src/domain/principal';
import { withTokenCounts } from '../../src/keyword-index/token-counts';
import { decodeFrame, encodeFrame } from '../../src/log/frame-codec';
import { ApplyHalt } from '../../src/state/apply/apply-halt';
import { commandsOf, space } from './command-sequences';
import {
  agentA,
  agentB,
  contents,
  draft,
  emptyState,
  openToAll,
  remember,
  reopened,
  stateInFile,
  type TestState,
} from './test-state';

const cluster = 'c'.repeat(32);
const node = 1;
const stamp: Stamp = { at: 1, by: root, scope: {}, seed: new Uint8Array(16) };

function frame(number: number, commands: readonly Command[], start = 1, origin = node): Frame {
  return { cluster, incarnation: { node: origin, start }, number, commands };
}

/** One frame a list of commands, one after the other. */
function entriesOf(...frames: (readonly Command[])[]): LogEntry[] {
  return frames.map((commands, i) => ({ index: i + 1, term: 1, frame: frame(i + 1, commands) }));
}

/** The entry as another peer reads it. */
function sent(entry: LogEntry): LogEntry {
  return entry.frame === undefined ? entry : { ...entry, frame: decodeFrame(encodeFrame(entry.frame)) };
}

/** Everything that must be the same on all peers. */
function replica({ state }: TestState): unknown {
  return { position: state.logPosition(), tables: contents(state.database) };
}

function applyAll({ state }: TestState, entries: readonly LogEntry[]): void {
  for (const entry of entries) state.applyEntry(entry);
}

function haltOf(run: () => unknown): unknown {
  try {
    run();
  } catch (error) {
    return error;
  }
  return undefined;
}

describe('applyEntry', () => {
  test('gives two peers one digest and equal tables, for frames of 1 to 256 commands and any synchronous mode', () => {
    const sizes = [1, 256, 2, 31, 7];
    const total = sizes.reduce((sum, size) => sum + size, 0);
    const [all] = fc.sample(commandsOf({ minLength: total, maxLength: total, size: 'max' }), { numRuns: 1, seed: 5 });
    const rest = [...(all as Command[])];
    const entries = entriesOf([openToAll], ...sizes.map((size) => rest.splice(0, size)));
    const folder = mkdtempSync(join(tmpdir(), 'multi-agent-memory-test-'));
    try {
      const modes = ['FULL', 'NORMAL', 'OFF', undefined];
      const replicas = modes.map((mode) => {
        const peer = mode === undefined ? emptyState() : stateInFile(join(folder, `${mode}.db`));
        if (mode !== undefined) peer.state.database.pragma(`synchronous = ${mode}`);
        applyAll(peer, entries.map(sent));
        const found = replica(peer);
        peer.state.database.close();
        return found;
      });
      expect(replicas[0]).toMatchObject({ position: { index: entries.length } });
      for (const each of replicas) expect(each).toEqual(replicas[0]);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  test('does the same as a store without peers, apart from its position and its sessions', () => {
    fc.assert(
      fc.property(commandsOf({ maxLength: 20 }), (commands) => {
        const [peer, alone] = [emptyState(), emptyState()];
        const entries = entriesOf([openToAll], ...(commands.length === 0 ? [] : [commands]));
        const outcomes = entries.map((entry) => peer.state.applyEntry(sent(entry)).outcomes.map(({ ok }) => ok));
        expect(entries.map((entry) => alone.apply(entry.frame?.commands ?? []).outcomes.map(({ ok }) => ok))).toEqual(
          outcomes,
        );
        const { log_position, sessions, ...tables } = contents(peer.state.database);
        expect(contents(alone.state.database)).toEqual({ ...tables, log_position: [], sessions: [] });
        expect([log_position?.length, sessions?.length]).toEqual([1, 1]);
      }),
      { numRuns: 8 },
    );
  });

  test('gives another digest if a peer has decided anything differently', () => {
    const digests = new Set<string>();
    const commands: Command[][] = [
      [remember(agentA, 1, draft({ id: 'one' }))],
      [remember(agentA, 1, draft({ id: 'two' }))],
      [remember(agentB, 1, draft({ id: 'one' }))],
      [remember(agentA, 1, draft({ id: 'one', namespace: ['m'] }))],
      [remember(agentA, 1, draft({ id: 'one', visibility: 'private' }))],
      [{ type: 'update', id: 'one', patch: {}, stamp }],
      [remember(agentA, 1, draft({ id: 'one' })), { type: 'forget', ids: ['one'], stamp }],
      [],
    ];
    for (const list of commands) {
      const peer = emptyState();
      applyAll(peer, entriesOf([openToAll], list));
      digests.add(peer.state.logPosition().digest);
    }
    expect(digests.size).toBe(commands.length);
  });

  test('forgets a memory once whose id stands twice in a command, and does not halt', () => {
    const peer = emptyState();
    applyAll(peer, entriesOf([openToAll], [remember(agentA, 1, draft({ id: 'one' }))]));
    const commands: Command[] = [{ type: 'forget', ids: ['one', 'one'], stamp }];
    const { outcomes } = peer.state.applyEntry({ index: 3, term: 1, frame: frame(3, commands) });
    expect(outcomes).toEqual([{ ok: true, type: 'forget', forgotten: ['one'] }]);
  });

  test('writes the position with the effects, and reads it again in another process', () => {
    const peer = emptyState();
    applyAll(peer, entriesOf([openToAll], [remember(agentA, 1, draft({ id: 'one' }))]));
    const position = peer.state.logPosition();
    expect(position).toMatchObject({ index: 2, term: 1 });
    expect(reopened(peer).state.logPosition()).toEqual(position);
  });
});

test('a peer that was started again gets the same digest, although its caches are empty and it counts what quotas limit', () => {
  // More names of namespaces than are kept decoded.
  const places = Array.from({ length: 300 }, (_, i) => [`${'n'.repeat(4_000)}${i}`]);
  const limited = { ...stamp, by: agentA, quotas: { general: { bytes: 10_000_000 }, others: [] } };
  const stored: Command[] = places.map((namespace, i) => ({
    ...remember(agentA, 1, draft({ id: `m${i}`, namespace })),
    stamp: limited,
  }));
  const commands: Command[] = [
    { type: 'update', id: 'm0', patch: { text: 'changed' }, stamp: limited },
    { type: 'forget', ids: places.map((_, i) => `m${i}`), stamp: limited },
  ];
  const running = emptyState();
  const [first, second, ...rest] = entriesOf([openToAll], stored.slice(0, 150), stored.slice(150), commands);
  const digests = [false, true].map((isRestarted) => {
    let peer = isRestarted ? emptyState() : running;
    applyAll(peer, [first as LogEntry, second as LogEntry]);
    for (const entry of rest) {
      if (isRestarted) peer = reopened(peer);
      expect(peer.state.applyEntry(entry).outcomes.every(({ ok }) => ok)).toBe(true);
    }
    return peer.state.logPosition().digest;
  });
  expect(digests[1]).toBe(digests[0]);
});

test('a peer that is started again before each entry gets the same digest after each, and equal tables', () => {
  fc.assert(
    fc.property(commandsOf({ minLength: 10, maxLength: 40, size: 'max' }), (commands) => {
      const running = emptyState();
      let restarted = emptyState();
      for (const entry of entriesOf([openToAll], ...commands.map((each) => [each]))) {
        running.state.applyEntry(entry);
        restarted = reopened(restarted);
        restarted.state.applyEntry(entry);
        expect(restarted.state.logPosition()).toEqual(running.state.logPosition());
      }
      expect(replica(restarted)).toEqual(replica(running));
    }),
    { numRuns: 4 },
  );
});

test('a peer that was started again gets the same digest, although it has read the rules in another order', () => {
  const everywhere = { effect: 'allow', to: 'everyone', at: [] } as const;
  const byRole = { id: 'rule-1', declaration: { ...everywhere, actions: 'custom' } } as const;
  const byName = { id: 'rule-2', declaration: { ...everywhere, actions: ['write'] } } as const;
  const declared = (id: string, actions: readonly ('read' | 'write')[]): Command => ({
    type: 'declare',
    declarations: [{ id, declaration: { role: 'custom', actions } }, byRole, byName],
    stamp,
  });
  const entries = entriesOf(
    [declared('role-1', ['write'])],
    [declared('role-2', ['read', 'write'])],
    [remember(agentA, 1, draft({ id: 'one' }))],
  );
  const digests = [false, true].map((isRestarted) => {
    let peer = emptyState();
    for (const entry of entries) {
      if (isRestarted) peer = reopened(peer);
      expect(peer.state.applyEntry(entry).outcomes).toMatchObject([{ ok: true }]);
    }
    return peer.state.logPosition().digest;
  });
  expect(digests[1]).toBe(digests[0]);
});

describe('the number of tokens of a text', () => {
  test('comes from the process that proposes the text, so that peers on other releases of Node store the same', () => {
    const fromNewerNode = { tokenCount: 7 };
    const peer = emptyState();
    const stored = remember(agentA, 1, draft({ id: 'one', key: 'k', ...fromNewerNode }));
    const lengthOf = () => peer.state.database.prepare('select length from memories').pluck().all();
    applyAll(peer, entriesOf([openToAll, stored]));
    expect(lengthOf()).toEqual([7]);
    const patch = { text: 'another note', tokenCount: 8 };
    const revised = remember(agentA, 1, draft({ id: 'two', key: 'k', text: 'a third note', tokenCount: 9 }));
    peer.state.apply([{ type: 'update', id: 'one', patch, stamp }]);
    expect(lengthOf()).toEqual([8]);
    peer.state.apply([revised]);
    expect(lengthOf()).toEqual([9]);
    expect(peer.state.records.byRow(1)).toMatchObject({ id: 'one', length: 9 });
  });

  test('is the one that a store without peers counts itself', () => {
    fc.assert(
      fc.property(commandsOf({ maxLength: 20 }), (commands) => {
        const [counted, counting] = [emptyState(), emptyState()];
        counted.apply([openToAll, ...commands.map(withTokenCounts)]);
        counting.apply([openToAll, ...commands]);
        expect(contents(counted.state.database)).toEqual(contents(counting.state.database));
      }),
      { numRuns: 5 },
    );
  });
});

describe('the entries of a log', () => {
  test('are applied in their order: a peer skips none and repeats none', () => {
    const peer = emptyState();
    applyAll(peer, [{ index: 1, term: 3 }]);
    for (const entry of [
      { index: 1, term: 3 },
      { index: 3, term: 3 },
      { index: 2, term: 2 },
    ])
      expect(haltOf(() => peer.state.applyEntry(entry))).toBeInstanceOf(ApplyHalt);
    expect(peer.state.logPosition()).toMatchObject({ index: 1, term: 3 });
    expect(peer.state.applyEntry({ index: 2, term: 4 }).result).toEqual({ type: 'empty' });
  });

  test('apply each frame of an incarnation once and in order, and name the frame that is missing', () => {
    const peer = emptyState();
    const write = (id: string) => [remember(root, 1, draft({ id }))];
    let index = 0;
    const resultOf = (each: Frame) => peer.state.applyEntry({ index: ++index, term: 1, frame: each }).result;
    expect(resultOf(frame(1, write('a')))).toMatchObject({ type: 'applied', outcomes: [{ ok: true }] });
    expect(resultOf(frame(1, write('a')))).toEqual({ type: 'repeated' });
    expect(resultOf(frame(3, write('c')))).toEqual({ type: 'gap', expected: 2 });
    expect(resultOf(frame(2, write('b')))).toMatchObject({ type: 'applied' });
    expect(resultOf(frame(1, write('d'), 1, 2))).toMatchObject({ type: 'applied' });
    expect(resultOf(frame(2, write('e'), 2))).toEqual({ type: 'gap', expected: 1 });
    expect(resultOf(frame(1, write('e'), 2))).toMatchObject({ type: 'applied' });
    expect(resultOf(frame(3, write('c')))).toEqual({ type: 'ended' });
    expect(peer.state.logPosition().index).toBe(index);
    const ids = peer.state.database.prepare('select id from memories order by row').pluck().all();
    expect(ids).toEqual(['a', 'b', 'd', 'e']);
  });
});

/** A kind of damage to one peer's database, and a command that reads the damaged place. */
interface Damage {
  readonly name: string;
  readonly sql: string;
  readonly command: Command;
}

const letter = "update texts set text = 'nOte' where row = 1";
const request = { client: 'c', number: 1, answered: 0 };
const quotas = { general: { bytes: 1_000_000 }, others: [] };
const idempotency = { key: 'i', digest: 'd' };

function by(actor: Stamp['by']): Stamp {
  return { ...stamp, by: actor };
}

const damages: readonly Damage[] = [
  { name: 'update', sql: letter, command: { type: 'update', id: 'one', patch: { priority: 1 }, stamp } },
  {
    name: 'update from a scope in which the memory is not',
    sql: letter,
    command: {
      type: 'update',
      id: 'one',
      patch: { priority: 1 },
      stamp: { ...by(agentA), scope: { namespace: ['other'] } },
    },
  },
  {
    name: 'update, of a record whose label set has a number that stands for nothing',
    sql: 'update memories set label_set = 999 where row = 1',
    command: { type: 'update', id: 'one', patch: { priority: 1 }, stamp },
  },
  { name: 'share', sql: letter, command: { type: 'share', id: 'one', change: { namespace: ['m'] }, stamp } },
  { name: 'forget by root', sql: letter, command: { type: 'forget', ids: ['one'], stamp } },
  { name: 'forget by its author', sql: letter, command: { type: 'forget', ids: ['one'], stamp: by(agentA) } },
  {
    name: 'remember with the same key',
    sql: letter,
    command: remember(agentA, 1, draft({ id: 'two', key: 'k' })),
  },
  {
    name: 'remember of several, of which the last supersedes the damaged one',
    sql: letter,
    command: remember(agentA, 1, draft({ id: 'two' }), draft({ id: 'three', supersedes: 'one' })),
  },
  {
    name: 'remember with the idempotency key of the damaged memory',
    sql: 'update memories set label_set = 2 where row = 1',
    command: remember(agentA, 1, draft({ id: 'two', idempotency })),
  },
  {
    name: 'lease of a chore whose lease is damaged',
    sql: "update store_meta set value = 'x' where key = 'lease chore'",
    command: { type: 'lease', chore: 'chore', holder: 'b', request: 1, stamp },
  },
  {
    name: 'declare, with a lower version than the damaged one',
    sql: "update store_meta set value = 'x' where key = 'access_version'",
    command: { ...openToAll, version: 1 } as Command,
  },
  {
    name: 'the first request of a client, where the time of the requests is damaged',
    sql: "update store_meta set value = 'x' where key = 'request_time'",
    command: {
      type: 'update',
      id: 'one',
      patch: {},
      stamp: { ...stamp, request: { ...request, client: 'd', number: 0 } },
    },
  },
  {
    name: 'embed',
    sql: letter,
    command: {
      type: 'embed',
      space: { ...space, model: 'next' },
      memories: [{ row: 1, text: 'note', vectors: [Float32Array.of(1, 0)] }],
      stamp,
    },
  },
  {
    name: 'drop-space',
    sql: letter,
    command: { type: 'drop-space', space: 2, after: 0, upTo: 5, isLast: true, stamp },
  },
  {
    name: 'a repeated request, whose outcome names the damaged memory',
    sql: letter,
    command: { type: 'update', id: 'one', patch: { priority: 0.4 }, stamp: { ...stamp, request } },
  },
  {
    name: 'a repeated request, whose outcome is damaged',
    sql: "update requests set outcome = '{'",
    command: { type: 'update', id: 'one', patch: { priority: 0.4 }, stamp: { ...stamp, request } },
  },
  {
    name: 'forget with quotas, of a memory with a damaged revision',
    sql: "update revisions set record = 'X' where row = 1",
    command: { type: 'forget', ids: ['one'], stamp: { ...by(agentA), quotas } },
  },
];

/** Entries after which the commands of `damages` read the memory `one`. */
function firstEntries(): LogEntry[] {
  const embedded = { space, vectors: [Float32Array.of(1, 0)] };
  return entriesOf(
    [
      { ...openToAll, version: 2 } as Command,
      remember(agentA, 1, draft({ id: 'one', key: 'k', embedded, idempotency })),
      remember(agentA, 1, draft({ id: 'elsewhere', namespace: ['other'] })),
      { type: 'lease', chore: 'chore', holder: 'a', request: 1, stamp },
    ],
    [
      { type: 'update', id: 'one', patch: { priority: 0.4 }, stamp: { ...stamp, request } },
      { type: 'begin-space', space: { ...space, model: 'next' }, stamp },
      // With a quota, what each actor uses is counted and kept in RAM.
      { ...remember(agentA, 1, draft({ id: 'zero' })), stamp: { ...by(agentA), quotas } } as Command,
    ],
  );
}

describe('quotas on a peer whose database is damaged', () => {
  const limited = { general: { tags: 1 }, others: [] };
  const tagged = remember(agentA, 1, draft({ id: 'one', tags: ['a'] }));
  const again = {
    ...remember(agentA, 2, draft({ id: 'two', tags: ['a'] })),
    stamp: { ...by(agentA), quotas: limited },
  };

  for (const [place, sql] of [
    ['a tag', `update memories set tags = '["b"]' where row = 1`],
    ['the text of an earlier revision', "update revisions set record = replace(record, 'note', 'nOte')"],
  ] as const)
    test(`are not decided by the damage to ${place}: the peer stops`, () => {
      const [intact, damaged] = [emptyState(), emptyState()];
      const update: Command = { type: 'update', id: 'one', patch: { text: 'changed' }, stamp };
      for (const peer of [intact, damaged]) applyAll(peer, entriesOf([openToAll, tagged, update]));
      damaged.state.database.exec(sql);
      // The process that proposes the write counts before it does so, and must not leave its count to `apply`.
      expect(damaged.state.usage().used(1, 'memories')).toBe(1);
      const entry = { index: 2, term: 1, frame: frame(2, [again]) };
      expect(intact.state.applyEntry(entry).outcomes).toMatchObject([{ ok: true }]);
      expect(haltOf(() => damaged.state.applyEntry(entry))).toBeInstanceOf(ApplyHalt);
      expect(damaged.state.logPosition().index).toBe(1);
    });
});

describe('a peer whose database is damaged', () => {
  for (const { name, sql, command } of damages)
    test(`stops before: ${name}`, () => {
      const [intact, damaged] = [emptyState(), emptyState()];
      for (const peer of [intact, damaged]) applyAll(peer, firstEntries());
      damaged.state.database.exec(sql);
      const before = replica(damaged);
      const written = remember(agentB, 9, draft({ id: 'written before the damage is found' }));
      const entry: LogEntry = { index: 3, term: 1, frame: frame(3, [written, command]) };

      expect(intact.state.applyEntry(entry).result.type).toBe('applied');
      const halt = haltOf(() => damaged.state.applyEntry(entry));
      expect(halt).toBeInstanceOf(ApplyHalt);
      expect(String(halt)).not.toContain('note');
      expect(replica(damaged)).toEqual(before);
      expect(haltOf(() => damaged.state.applyEntry({ index: 4, term: 1 }))).toBeInstanceOf(ApplyHalt);
      expect(intact.state.applyEntry({ index: 4, term: 1 }).position.index).toBe(4);
    });

  test('stops before a name that does not match its checksum, and goes on once the name is repaired', () => {
    const damaged = emptyState();
    applyAll(damaged, firstEntries());
    damaged.state.database.exec("update actors set name = 'x' where name = 'a'");
    const opened = reopened(damaged);
    const next: LogEntry = { index: 3, term: 1 };
    expect(haltOf(() => opened.state.applyEntry(next))).toBeInstanceOf(ApplyHalt);
    damaged.state.database.exec("update actors set name = 'a' where name = 'x'");
    opened.state.reload();
    expect(opened.state.applyEntry(next).position.index).toBe(3);
  });

  test('goes on with the same entry once it is repaired, and gets the digest of the others', () => {
    const [intact, damaged] = [emptyState(), emptyState()];
    for (const peer of [intact, damaged]) applyAll(peer, firstEntries());
    damaged.state.database.exec(letter);
    const [entry] = entriesOf([{ type: 'update', id: 'one', patch: { text: 'new' }, stamp }]);
    const next = { ...(entry as LogEntry), index: 3, frame: { ...(entry?.frame as Frame), number: 3 } };
    expect(haltOf(() => damaged.state.applyEntry(next))).toBeInstanceOf(ApplyHalt);
    damaged.state.database.exec("update texts set text = 'note' where row = 1");
    for (const peer of [intact, damaged]) peer.state.applyEntry(next);
    expect(replica(damaged)).toEqual(replica(intact));
  });

  test('answers with a refusal or a repair if it has no peers', () => {
    const codes = damages.slice(0, 5).map(({ sql, command }) => {
      const alone = emptyState();
      for (const { frame: each } of firstEntries()) alone.apply(each?.commands ?? []);
      alone.state.database.exec(sql);
      const [outcome] = alone.apply([command]).outcomes;
      return outcome?.ok === false ? outcome.error.code : outcome?.type;
    });
    expect(codes).toEqual(['RECORD_DAMAGED', 'NOT_FOUND', 'RECORD_DAMAGED', 'RECORD_DAMAGED', 'forget']);
  });
});

describe('a peer that cannot read its tables again after it has stopped', () => {
  const [entry] = entriesOf([
    remember(agentB, 2, draft({ id: 'two', namespace: ['new'] })),
    { type: 'update', id: 'one', patch: { text: 'changed' }, stamp },
  ]);
  const next: LogEntry = { ...(entry as LogEntry), index: 3, frame: { ...(entry?.frame as Frame), number: 3 } };

  /** A peer that stopped at entry 3, and whose disk then failed once more. */
  function stoppedTwice(): TestState {
    const peer = emptyState();
    applyAll(peer, firstEntries());
    peer.state.database.exec(letter);
    vi.spyOn(peer.state.interning, 'reload').mockImplementationOnce(() => {
      throw new Error('the disk failed');
    });
    expect(haltOf(() => peer.state.applyEntry(next))).toBeInstanceOf(ApplyHalt);
    peer.state.database.exec("update texts set text = 'note' where row = 1");
    return peer;
  }

  test('reads them before it goes on, and gets what the others have', () => {
    const intact = emptyState();
    applyAll(intact, [...firstEntries(), next]);
    const peer = stoppedTwice();
    peer.state.applyEntry(next);
    expect(replica(peer)).toEqual(replica(intact));
    expect(peer.state.policy.version).toBe(intact.state.policy.version);
  });

  test('applies nothing while they cannot be read', () => {
    const peer = stoppedTwice();
    const before = replica(peer);
    vi.spyOn(peer.state.interning, 'reload').mockImplementation(() => {
      throw new Error('the disk failed');
    });
    expect(haltOf(() => peer.state.applyEntry(next))).toBeInstanceOf(ApplyHalt);
    expect(() => peer.state.policy).toThrow('the disk failed');
    expect(replica(peer)).toEqual(before);
  });
});

test('a peer reports that its keyword index is damaged, and decides as the others do', () => {
  const [intact, damaged] = [emptyState(), emptyState()];
  for (const peer of [intact, damaged]) {
    applyAll(peer, firstEntries());
    peer.state.words.writeWaiting();
  }
  damaged.state.database.exec("update word_pages set page = x'00'");
  damaged.state.words.reload();
  const [entry] = entriesOf([{ type: 'update', id: 'one', patch: { text: 'changed' }, stamp }]);
  const next = { ...(entry as LogEntry), index: 3, frame: { ...(entry?.frame as Frame), number: 3 } };
  const [right, found] = [intact, damaged].map((peer) => peer.state.applyEntry(next));
  expect([right?.wordsDamaged, found?.wordsDamaged]).toEqual([false, true]);
  expect(found?.position).toEqual(right?.position);
});

test('peers refuse a command that no longer fits the state, and go on with those after it', () => {
  const peer = emptyState();
  applyAll(peer, firstEntries());
  const drop = { type: 'drop-space', after: 0, upTo: 1, isLast: true, stamp } as const;
  const commands: Command[] = [
    { ...drop, space: 1 },
    { ...drop, space: 9 },
    { type: 'retain', upTo: 1_024, stamp },
    { type: 'retain', upTo: 7, stamp },
    remember(agentA, 1, draft({ id: 'two' })),
  ];
  const { outcomes } = peer.state.applyEntry({ index: 3, term: 1, frame: frame(3, commands) });
  const refused = { ok: false, error: { code: 'INVALID_INPUT' } };
  expect(outcomes).toMatchObject([refused, refused, refused, refused, { ok: true }]);
  expect(reopened(peer).state.interning.currentSpace?.id).toBe(1);
});

test('a peer whose disk is full stops, keeps nothing of the entry, and continues when there is space', () => {
  const [roomy, full] = [emptyState(), emptyState()];
  for (const peer of [roomy, full]) applyAll(peer, firstEntries());
  const before = replica(full);
  const { database } = full.state;
  database.pragma(`max_page_count = ${database.pragma('page_count', { simple: true })}`);
  const long = [remember(agentA, 1, draft({ id: 'long', text: 'word '.repeat(20_000) }))];
  const entry: LogEntry = { index: 3, term: 1, frame: frame(3, long) };
  const halt = haltOf(() => full.state.applyEntry(entry));
  expect(halt).toBeInstanceOf(ApplyHalt);
  expect((halt as ApplyHalt).cause).toMatchObject({ code: 'DISK_FULL' });
  expect(replica(full)).toEqual(before);
  database.pragma('max_page_count = 1000000');
  for (const peer of [roomy, full]) peer.state.applyEntry(entry);
  expect(replica(full)).toEqual(replica(roomy));
});
