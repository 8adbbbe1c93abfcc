import fc from 'fast-check';
import { describe, expect, test, vi } from 'vitest';
import type { Command } from '../../src/domain/command';
import { crc32c } from '../../src/domain/crc32c';
import { MemoryError } from '../../src/domain/errors';
import type { Frame } from '../../src/domain/frame';
import { root } from '../../src/domain/principal';
import { allow, group, MemoryStore, role } from '../../src/index';
import { maxEntryBytes } from '../../src/log/codec/byte-writer';
import { decodeFrame, encodeFrame, maxFrameCommands } from '../../src/log/frame-codec';
import { StateStore } from '../../src/state/state-store';
import { anyCommand, commandsByType } from './command-arbitraries';

const cluster = '00112233445566778899aabbccddeeff';
const incarnation = { node: 2 ** 40 + 1, start: 3 };
const stamp = { at: 1, by: root, scope: {}, seed: new Uint8Array(16).fill(7) };

function frame(...commands: Command[]): Frame {
  return { cluster, incarnation, number: 9, commands };
}

/** Replaces the checksum by the right one, so that a test reaches the checks behind it. */
function withChecksum(bytes: Uint8Array): Uint8Array {
  const copy = Buffer.from(bytes);
  copy.writeUInt32LE(crc32c(copy.subarray(0, -4)), copy.length - 4);
  return copy;
}

function codeOf(run: () => unknown): string {
  try {
    run();
  } catch (error) {
    if (MemoryError.is(error)) return error.code;
    throw error;
  }
  return 'no error';
}

/** A command that is as long as the texts in it. */
function forgetting(...ids: string[]): Command {
  return { type: 'forget', ids, stamp };
}

describe('a frame', () => {
  for (const [type, commands] of Object.entries(commandsByType))
    test(`keeps every ${type} command, and has one form in bytes`, () => {
      fc.assert(
        fc.property(commands as fc.Arbitrary<Command>, (command) => {
          const bytes = encodeFrame(frame(command));
          const decoded = decodeFrame(bytes);
          expect(decoded).toStrictEqual(frame(command));
          expect(keysOf(decoded.commands[0])).toEqual(keysOf(command));
          expect(Buffer.compare(encodeFrame(decoded), bytes)).toBe(0);
        }),
        { numRuns: 150 },
      );
    });

  test('keeps the order of its commands, the cluster, the incarnation and the number', () => {
    fc.assert(
      fc.property(fc.array(anyCommand, { minLength: 1, maxLength: 20 }), (commands) => {
        const given = { ...frame(...commands), number: Number.MAX_SAFE_INTEGER };
        expect(decodeFrame(encodeFrame(given))).toStrictEqual(given);
      }),
      { numRuns: 30 },
    );
  });

  test('gives the same bytes whether an optional field is absent or undefined', () => {
    const absent: Command = { type: 'forget', ids: ['a'], stamp };
    const present = { ...absent, ifRevision: undefined, stamp: { ...stamp, request: undefined } } as unknown as Command;
    expect(encodeFrame(frame(present))).toEqual(encodeFrame(frame(absent)));
  });

  test('has the same bytes in every release: version 1', () => {
    const command: Command = {
      type: 'share',
      id: 'm',
      change: { visibility: 'private', accessTags: ['é', '\ud800'] },
      stamp: { ...stamp, by: { party: { kind: 'user', id: 'u' } } },
    };
    expect(Buffer.from(encodeFrame(frame(command))).toString('hex')).toMatchInlineSnapshot(
      `"4d414d460100112233445566778899aabbccddeeff00100000000070420000000000000840000000000000224001040000000000000000f03f0001010275001007070707070707070707070707070707026d05010204c3a90500d8929d6f79"`,
    );
  });

  test('computes the published checksum of the digits from 1 to 9', () => {
    // The check value of CRC-32C in RFC 3720 and in the catalogue of CRC algorithms.
    expect(crc32c(Buffer.from('123456789'))).toBe(0xe3069283);
    expect(crc32c(Buffer.alloc(32))).toBe(0x8a9136aa);
  });
});

/** The keys of all objects in a value, in their order, which `toStrictEqual` ignores. Only the order in metadata must stay. */
function keysOf(command: Command | undefined): unknown {
  if (command?.type === 'remember') return command.drafts.map(({ metadata }) => JSON.stringify(metadata));
  return command?.type === 'update' ? JSON.stringify(command.patch.metadata) : undefined;
}

describe('commands that a store proposes', () => {
  test('survive a frame', async () => {
    const applying = vi.spyOn(StateStore.prototype, 'apply');
    try {
      await writeEverything();
      const commands = applying.mock.calls.flatMap(([batch]) => batch);
      expect(new Set(commands.map(({ type }) => type))).toEqual(
        new Set([
          'bootstrap',
          'declare',
          'remember',
          'update',
          'share',
          'forget',
          'add-declaration',
          'end-declaration',
        ]),
      );
      for (const command of commands)
        expect(decodeFrame(encodeFrame(frame(command))).commands).toEqual([withPlainSeed(command)]);
    } finally {
      applying.mockRestore();
    }
  });
});

/** Calls the writing methods of a store, with all of their options. */
async function writeEverything(): Promise<void> {
  const access = [allow('everyone', 'curator', []), role('r', ['read']), group('g', [{ userId: 'u' }])];
  const quotas = { memories: 100, principals: [{ principal: { agentId: 'other' }, bytes: 5 }] };
  const store = await MemoryStore.inMemory({ access, quotas });
  const agent = store
    .as({ agentId: 'a', onBehalfOf: { userId: 'u' } })
    .within({ namespace: ['n'], tags: ['cafe\u0301'] });
  const first = await agent.remember('A note that is longer than the others.', {
    key: 'k',
    idempotencyKey: 'cafe\u0301',
    metadata: { b: -0, a: ['\u{1f600}', null], 10: { 2: true, 1: 1.5 } },
    source: { channel: 'tool', ref: 'cafe\u0301' },
    validFrom: new Date(-1),
    expiresAt: new Date('2199-01-01'),
    accessTags: [],
    priority: 0,
    userId: 'x',
    sessionId: 's',
  });
  const next = await agent.remember('Another one.', { supersedes: first.id, embed: false });
  await agent.update(next.id, { text: 'Changed.', validTo: null, metadata: {} }, { ifRevision: 1 });
  await agent.share(next.id, { visibility: 'private' });
  await agent.forget(next.id);
  const rule = await store.admin.access.deny({ group: 'g' }, ['update'], ['n']);
  await store.admin.access.end(rule.id);
  await store.close();
}

/** A seed is a part of a larger buffer, which is not a part of the command. */
function withPlainSeed(command: Command): Command {
  return { ...command, stamp: { ...command.stamp, seed: new Uint8Array(command.stamp.seed) } };
}

describe('the bounds of a frame', () => {
  test(`are ${maxFrameCommands} commands`, () => {
    const commands = Array.from({ length: maxFrameCommands }, (_, i) => forgetting(String(i)));
    expect(decodeFrame(encodeFrame(frame(...commands))).commands).toHaveLength(maxFrameCommands);
    expect(codeOf(() => encodeFrame(frame(...commands, forgetting('one more'))))).toBe('INVALID_INPUT');
    expect(codeOf(() => encodeFrame(frame()))).toBe('INVALID_INPUT');
  });

  test('are 8 MB: a frame that has them is kept, and a longer one is refused', () => {
    const overhead = encodeFrame(frame(forgetting('x'.repeat(2 ** 22)))).length - 2 ** 22;
    const longest = forgetting('x'.repeat(maxEntryBytes - overhead));
    const bytes = encodeFrame(frame(longest));
    expect(bytes.length).toBe(maxEntryBytes);
    expect(decodeFrame(bytes)).toStrictEqual(frame(longest));
    for (const more of ['x', 'é', '\ud800'])
      expect(codeOf(() => encodeFrame(frame(forgetting(`${'x'.repeat(maxEntryBytes - overhead)}${more}`))))).toBe(
        'INVALID_INPUT',
      );
    expect(codeOf(() => decodeFrame(new Uint8Array(maxEntryBytes + 1)))).toBe('RECORD_DAMAGED');
  });

  test('hold for an atomic batch that would take far more, without a buffer of its size', () => {
    const ids = Array<string>(10_000).fill('x'.repeat(1_000_000));
    const before = process.memoryUsage().arrayBuffers;
    expect(codeOf(() => encodeFrame(frame(forgetting(...ids))))).toBe('INVALID_INPUT');
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(64 * 2 ** 20);
  });
});

describe('bytes that are not a frame', () => {
  test('are refused if one bit of a frame was flipped', () => {
    fc.assert(
      fc.property(anyCommand, fc.nat(), (command, place) => {
        const bytes = Buffer.from(encodeFrame(frame(command)));
        const bit = place % (bytes.length * 8);
        bytes.writeUInt8(bytes.readUInt8(bit >> 3) ^ (1 << (bit & 7)), bit >> 3);
        expect(codeOf(() => decodeFrame(bytes))).toBe('RECORD_DAMAGED');
      }),
      { numRuns: 300 },
    );
  });

  test('are refused if a frame was cut anywhere', () => {
    const bytes = encodeFrame(frame(...fc.sample(anyCommand, { numRuns: 3, seed: 1 })));
    for (let length = 0; length < bytes.length; length++) {
      expect(codeOf(() => decodeFrame(bytes.subarray(0, length)))).toBe('RECORD_DAMAGED');
      expect(['RECORD_DAMAGED', 'STORE_NEWER']).toContain(
        codeOf(() =>
          length > 4 ? decodeFrame(withChecksum(bytes.subarray(0, length))) : decodeFrame(bytes.subarray(1)),
        ),
      );
    }
  });

  test('are refused, or are the one form of another frame, if their checksum was made right', () => {
    const edit = fc.record({ at: fc.nat(), byte: fc.integer({ min: 0, max: 255 }) });
    fc.assert(
      fc.property(anyCommand, fc.array(edit, { minLength: 1, maxLength: 4 }), (command, edits) => {
        const bytes = Buffer.from(encodeFrame(frame(command)));
        for (const { at, byte } of edits) bytes[at % bytes.length] = byte;
        const changed = withChecksum(bytes);
        const code = codeOf(() => expect(Buffer.compare(encodeFrame(decodeFrame(changed)), changed)).toBe(0));
        expect(['no error', 'RECORD_DAMAGED', 'STORE_NEWER']).toContain(code);
      }),
      { numRuns: 3_000 },
    );
  });

  test('are refused if they are random', () => {
    const head = encodeFrame(frame(forgetting('a'))).subarray(0, 46);
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (random) => {
        expect(codeOf(() => decodeFrame(random))).toBe('RECORD_DAMAGED');
        const changed = withChecksum(Buffer.concat([head, random, new Uint8Array(4)]));
        const code = codeOf(() => expect(Buffer.compare(encodeFrame(decodeFrame(changed)), changed)).toBe(0));
        expect(['no error', 'RECORD_DAMAGED', 'STORE_NEWER']).toContain(code);
      }),
      { numRuns: 1_000 },
    );
  });

  test('reserve no memory for lengths that they only claim', () => {
    const bytes = Buffer.from(encodeFrame(frame(forgetting('a'))));
    // The place of the number of ids, and of the length of the id: the longest count stands there.
    const place = bytes.length - 4 - 3;
    const claim = Buffer.from([0xff, 0xff, 0xff, 0xff, 0x07]);
    const before = process.memoryUsage().arrayBuffers;
    for (const at of [place, place + 1]) {
      const claiming = Buffer.concat([bytes.subarray(0, at), claim, Buffer.alloc(8)]);
      expect(codeOf(() => decodeFrame(withChecksum(claiming)))).toBe('RECORD_DAMAGED');
    }
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(2 ** 20);
  });

  test('are refused if metadata is nested deeper than the stack allows, and never made', () => {
    const [deep] = fc.sample(commandsByType.update, { numRuns: 1, seed: 1 });
    const nested = { ...deep, patch: { metadata: { a: nest(100) } } } as Command;
    expect(decodeFrame(encodeFrame(frame(nested)))).toStrictEqual(frame(nested));
    const deeper = { ...deep, patch: { metadata: { a: nest(50_000) } } } as Command;
    expect(codeOf(() => encodeFrame(frame(deeper)))).toBe('INVALID_INPUT');
    // One level: one key, named `a`, with an object.
    const level = Buffer.from([1, 2, 0x61, 6]);
    const bytes = Buffer.from(encodeFrame(frame(nested)));
    const at = bytes.indexOf(Buffer.concat([level, level]));
    const hostile = Buffer.concat([bytes.subarray(0, at), Buffer.alloc(4 * 1_000_000, level), bytes.subarray(at)]);
    expect(codeOf(() => decodeFrame(withChecksum(hostile)))).toBe('RECORD_DAMAGED');
  });

  test('have a version or a type of command that this release does not know: STORE_NEWER', () => {
    const bytes = Buffer.from(encodeFrame(frame({ type: 'epoch', stamp })));
    const newer = Buffer.from(bytes);
    newer.writeUInt8(2, 4);
    expect(codeOf(() => decodeFrame(withChecksum(newer)))).toBe('STORE_NEWER');
    const type = 4 + 1 + 16 + 8 + 8 + 8 + 1;
    expect(bytes.readUInt8(type)).toBe(12);
    bytes.writeUInt8(100, type);
    expect(codeOf(() => decodeFrame(withChecksum(bytes)))).toBe('STORE_NEWER');
  });
});

function nest(depth: number): Record<string, unknown> {
  let value: Record<string, unknown> = {};
  for (let i = 0; i < depth; i++) value = { a: value };
  return value;
}
