import BetterSqlite from 'better-sqlite3';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type AuditEvent, AuditLog } from '../../src/audit/audit-log';
import { decodeEntry, encodeEntry, looksLikeId } from '../../src/audit/chain-entry';
import { entryHash, Frontier, noHash, segmentLength } from '../../src/audit/merkle';
import { chainTablesScript } from '../../src/audit/tables';
import { keysOf } from '../../src/audit/touched-ids';
import { root } from '../../src/domain/principal';

const seed = () => new Uint8Array(16).fill(3);

function emptyDatabase() {
  const database = new BetterSqlite(':memory:');
  database.exec(chainTablesScript);
  return database;
}

function act(given: Partial<AuditEvent> = {}): AuditEvent {
  return {
    ...{ at: 1, by: { party: { kind: 'agent', id: 'a' } }, action: 'get', decision: 'allowed', namespace: ['x'] },
    ...{ touched: [{ namespace: ['x', 'y'], ids: ['m-1'] }], policyVersion: 1, rules: ['r'], changeSeq: 2 },
    ...given,
  };
}

function fill(trail: AuditLog, entries: number): void {
  for (let i = 0; i < entries; i++) trail.append(act({ at: i }), seed);
}

/** Roots and hashes as they follow from the bodies alone. */
function computed({ chain }: AuditLog): { root: string; hash: string } {
  const frontier = new Frontier();
  let previous: Uint8Array = noHash;
  for (const { body } of chain.after(0)) {
    previous = entryHash(previous, body);
    frontier.push(previous);
  }
  return { root: frontier.root().toString('hex'), hash: Buffer.from(previous).toString('hex') };
}

describe('a chain', () => {
  test.each([0, 1, 100, segmentLength - 1, segmentLength, segmentLength + 1, segmentLength * 2 + 3])(
    'of %i entries has the head that follows from its bodies, and so it has when it is read again',
    (size) => {
      const database = emptyDatabase();
      const trail = new AuditLog(database);
      fill(trail, size);
      for (const each of [trail, new AuditLog(database)]) {
        expect(each.chain.size).toBe(size);
        expect(Buffer.from(each.chain.head()?.root ?? []).toString('hex')).toBe(computed(trail).root);
      }
      expect(trail.chain.segments()).toHaveLength(Math.floor(size / segmentLength));
    },
  );

  test('forgets what a transaction that failed had appended', () => {
    const database = emptyDatabase();
    const trail = new AuditLog(database);
    fill(trail, 5);
    const head = trail.chain.head();
    const failing = database.transaction(() => {
      trail.append(act({ by: { party: { kind: 'user', id: 'new' } } }), seed);
      throw new Error('no');
    });
    expect(failing).toThrow('no');
    trail.reload();
    expect(trail.chain.head()).toEqual(head);
    fill(trail, 1);
    expect(trail.chain.after(0).map(({ seq }) => seq)).toEqual([1, 2, 3, 4, 5, 6]);
    expect(trail.names.findParty({ kind: 'user', id: 'new' })).toBeUndefined();
  });

  test('follows what another has appended to the same file', () => {
    const database = emptyDatabase();
    const [one, other] = [new AuditLog(database), new AuditLog(database)];
    for (let i = 0; i < 30; i++) {
      const [writer, reader] = i % 2 === 0 ? [one, other] : [other, one];
      fill(writer, 100);
      reader.chain.catchUp();
      expect(reader.chain.head()).toEqual(writer.chain.head());
    }
    expect(one.chain.head()?.root.toString()).toBe(new AuditLog(database).chain.head()?.root.toString());
  });

  test('finds the entries in which an id occurs, in every segment, by whoever they were appended', () => {
    const database = emptyDatabase();
    const trails = [new AuditLog(database), new AuditLog(database)] as const;
    const size = segmentLength * 2 + 300;
    for (let i = 1; i <= size; i++) {
      const [writer, other] = i % 700 < 350 ? trails : trails.toReversed();
      const ids = [`m-${i % 97}`, `m-${i % 89}`];
      writer?.append(act({ touched: [{ namespace: ['x'], ids }] }), seed);
      if (i % 50 === 0) other?.chain.catchUp();
      if (i % 350 === 349) other?.chain.catchUp();
    }
    for (const trail of trails) trail.chain.catchUp();
    const expected = Array.from({ length: size }, (_, i) => i + 1).filter((i) => i % 97 === 5 || i % 89 === 5);
    for (const { chain } of [...trails, new AuditLog(database)]) {
      expect([0, 1, 2].flatMap((segment) => chain.touched.find(segment, keysOf(['m-5', 'none'])))).toEqual(expected);
    }
  });

  test('begins another life with an epoch', () => {
    const trail = new AuditLog(emptyDatabase());
    fill(trail, 2);
    trail.append(act({ by: root, action: 'epoch', head: trail.chain.head() }), seed);
    fill(trail, 1);
    const lives = trail.chain.after(0).map(({ body }) => decodeEntry(body.toString())?.life);
    expect(lives).toEqual([0, 0, 1, 1]);
  });

  test('drops whole segments, and keeps what its head is made of', () => {
    const database = emptyDatabase();
    const trail = new AuditLog(database);
    fill(trail, segmentLength * 3 + 5);
    const head = trail.chain.head();
    const before = trail.chain.headOfSegments(segmentLength * 2);
    expect(trail.chain.endOfSegmentsBefore(segmentLength * 2 + 1)).toBe(segmentLength * 2);
    expect(trail.chain.drop(segmentLength * 2)).toBe(segmentLength * 2);
    const again = new AuditLog(database);
    expect(again.chain.head()).toEqual(head);
    expect(again.chain.headOfSegments(segmentLength * 2)).toEqual(before);
    expect(again.chain.after(0, 1)[0]?.seq).toBe(segmentLength * 2 + 1);
    expect(() => again.chain.headOfSegments(5)).toThrow(RangeError);
  });
});

describe('names', () => {
  test('are nowhere in what is hashed, and pseudonyms say nothing of them', () => {
    const trail = new AuditLog(emptyDatabase());
    const name = { kind: 'user' as const, id: 'Zaphod' };
    trail.append(act({ by: { party: name }, namespace: ['secret project'] }), seed);
    const body = trail.chain.entry(1)?.body.toString() ?? '';
    for (const word of ['Zaphod', 'secret', 'project', 'x']) expect(body).not.toContain(`"${word}"`);
    const pseudonym = trail.names.findParty(name) as string;
    expect(pseudonym).toMatch(/^[\w-]{22}$/);
    expect(trail.names.party(pseudonym)).toEqual(name);
    expect(trail.names.namespace(pseudonym)).toBeUndefined();
  });

  test('of another kind, or another seed, have other pseudonyms', () => {
    const [one, other] = [new AuditLog(emptyDatabase()), new AuditLog(emptyDatabase())];
    const pseudonyms = [
      one.names.ofParty({ kind: 'user', id: 'a' }, seed),
      one.names.ofParty({ kind: 'agent', id: 'a' }, seed),
      one.names.ofNamespace(['a'], seed),
      other.names.ofParty({ kind: 'user', id: 'a' }, () => new Uint8Array(16).fill(4)),
    ];
    expect(new Set(pseudonyms).size).toBe(4);
    expect(one.names.ofParty({ kind: 'user', id: 'a' }, () => new Uint8Array(16))).toBe(pseudonyms[0]);
  });
});

test('an entry is read back as it was written', () => {
  const text = fc.string();
  const entry = fc.record({
    ...{ seq: fc.nat(), life: fc.nat(), at: fc.integer(), party: text, onBehalfOf: fc.option(text), action: text },
    ...{
      decision: fc.constantFrom('allowed' as const, 'refused' as const),
      code: fc.constantFrom(null, 'FORBIDDEN' as const),
    },
    ...{
      namespace: fc.option(text),
      touched: fc.array(fc.tuple(fc.option(text), fc.array(text))),
      policyVersion: fc.nat(),
    },
    ...{
      rules: fc.array(text),
      changeSeq: fc.nat(),
      head: fc.constantFrom(null, { size: 3, root: Buffer.alloc(32, 9) }),
    },
  });
  fc.assert(
    fc.property(entry, (each) => void expect(decodeEntry(encodeEntry(each, each.seq, each.life))).toEqual({ ...each })),
  );
  for (const body of ['', 'null', '[]', '[2]', '{}', '[1,2]']) expect(decodeEntry(body)).toBeUndefined();
});

test('an id looks like a UUID', () => {
  expect(looksLikeId('01a20528-63ca-77e6-b223-570211321103')).toBe(true);
  expect(['', 'the customer with the bad back', '01a20528'].some(looksLikeId)).toBe(false);
});
