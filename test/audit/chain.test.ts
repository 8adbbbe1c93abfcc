import BetterSqlite from 'better-sqlite3';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { chainTablesScript } from '../../src/audit/audit-database';
import { type AuditEvent, AuditLog } from '../../src/audit/audit-log';
import { idKeysOf } from '../../src/audit/chain';
import { decodeEntry, encodeEntry, looksLikeId } from '../../src/audit/chain-entry';
import { entryHash, Frontier, noHash, segmentLength } from '../../src/audit/merkle';

import { root } from '../../src/domain/principal';

const seed = () => new Uint8Array(16).fill(3);

function emptyDatabase() {
  const database = new BetterSqlite(':memory:');
  database.exec(chainTablesScript);
  return database;
}

function event(given: Partial<AuditEvent> = {}): AuditEvent {
  return {
    at: 1,
    by: { party: { kind: 'agent', id: 'a' } },
    action: 'get',
    decision: 'allowed',
    namespace: ['x'],
    touched: [{ namespace: ['x', 'y'], ids: ['m-1'] }],
    policyVersion: 1,
    rules: ['r'],
    changeSeq: 2,
    ...given,
  };
}

function fill(log: AuditLog, entries: number): void {
  for (let i = 0; i < entries; i++) log.append(event({ at: i }), seed);
}

/** The root and the last hash, computed from the bodies alone. */
function recomputed({ chain }: AuditLog): { root: string; hash: string } {
  const frontier = new Frontier();
  let previous: Uint8Array = noHash;
  for (const { body } of chain.after(0)) {
    previous = entryHash(previous, body);
    frontier.push(previous);
  }
  return { root: frontier.root().toString('hex'), hash: Buffer.from(previous).toString('hex') };
}

describe('a chain', () => {
  test.each([0, 1, 31, 32, 33, segmentLength - 1, segmentLength + 40])(
    'stores %i entries that are appended together like entries that are appended one by one',
    (size) => {
      const events = Array.from({ length: size }, (_, i) =>
        event({ at: i, touched: [{ namespace: ['x'], ids: [`m-${i % 50}`, `n-${i}`] }] }),
      );
      const [one, together] = [emptyDatabase(), emptyDatabase()];
      const log = new AuditLog(one);
      for (const each of events) log.append(each, seed);
      new AuditLog(together).appendAll(events, seed);
      for (const table of ['audit_entries', 'audit_segments', 'audit_touched', 'audit_names']) {
        const rows = (database: typeof one) => database.prepare(`select * from ${table}`).all();
        expect(rows(together)).toEqual(rows(one));
      }
      const { chain } = new AuditLog(together);
      expect(chain.size).toBe(size);
      expect(chain.head()).toEqual(log.chain.head());
    },
  );

  test.each([0, 1, 100, segmentLength - 1, segmentLength, segmentLength + 1, segmentLength * 2 + 3])(
    'with %i entries has a head computed from their bodies, even after it was read from the database',
    (size) => {
      const database = emptyDatabase();
      const log = new AuditLog(database);
      fill(log, size);
      for (const each of [log, new AuditLog(database)]) {
        expect(each.chain.size).toBe(size);
        expect(Buffer.from(each.chain.head()?.root ?? []).toString('hex')).toBe(recomputed(log).root);
      }
      expect(log.chain.segments()).toHaveLength(Math.floor(size / segmentLength));
    },
  );

  test('drops the entries of a transaction that was rolled back', () => {
    const database = emptyDatabase();
    const log = new AuditLog(database);
    fill(log, 5);
    const head = log.chain.head();
    const failing = database.transaction(() => {
      log.append(event({ by: { party: { kind: 'user', id: 'new' } } }), seed);
      throw new Error('no');
    });
    expect(failing).toThrow('no');
    log.reload();
    expect(log.chain.head()).toEqual(head);
    fill(log, 1);
    expect(log.chain.after(0).map(({ seq }) => seq)).toEqual([1, 2, 3, 4, 5, 6]);
    expect(log.names.findParty({ kind: 'user', id: 'new' })).toEqual([]);
  });

  test('reads the entries that another process appends to the same database', () => {
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

  test('finds the entries that name an id in every segment, whichever process appended the entries', () => {
    const database = emptyDatabase();
    const logs = [new AuditLog(database), new AuditLog(database)] as const;
    const size = segmentLength * 2 + 300;
    for (let i = 1; i <= size; i++) {
      const [writer, other] = i % 700 < 350 ? logs : logs.toReversed();
      const ids = [`m-${i % 97}`, `m-${i % 89}`];
      writer?.append(event({ touched: [{ namespace: ['x'], ids }] }), seed);
      if (i % 50 === 0) other?.chain.catchUp();
      if (i % 350 === 349) other?.chain.catchUp();
    }
    for (const log of logs) log.chain.catchUp();
    const expected = Array.from({ length: size }, (_, i) => i + 1).filter((i) => i % 97 === 5 || i % 89 === 5);
    for (const { chain } of [...logs, new AuditLog(database)]) {
      expect([0, 1, 2].flatMap((segment) => chain.touched.find(segment, idKeysOf(['m-5', 'none'])))).toEqual(expected);
    }
  });

  test('increases its restore count with each epoch entry, which marks a restored backup', () => {
    const log = new AuditLog(emptyDatabase());
    fill(log, 2);
    log.append(event({ by: root, action: 'epoch', head: log.chain.head() }), seed);
    fill(log, 1);
    const restoreCounts = log.chain.after(0).map(({ body }) => decodeEntry(body.toString())?.restoreCount);
    expect(restoreCounts).toEqual([0, 0, 1, 1]);
  });

  test('can drop whole segments, and keeps their roots', () => {
    const database = emptyDatabase();
    const log = new AuditLog(database);
    fill(log, segmentLength * 3 + 5);
    const head = log.chain.head();
    const before = log.chain.headOfSegments(segmentLength * 2);
    expect(log.chain.endOfSegmentsBefore(segmentLength * 2 + 1)).toBe(segmentLength * 2);
    expect(log.chain.drop(segmentLength * 2)).toBe(segmentLength * 2);
    const again = new AuditLog(database);
    expect(again.chain.head()).toEqual(head);
    expect(again.chain.headOfSegments(segmentLength * 2)).toEqual(before);
    expect(again.chain.after(0, 1)[0]?.seq).toBe(segmentLength * 2 + 1);
    expect(() => again.chain.headOfSegments(5)).toThrow(RangeError);
  });
});

describe('names', () => {
  test('are not in the hashed bodies, and cannot be derived from their pseudonyms', () => {
    const log = new AuditLog(emptyDatabase());
    const name = { kind: 'user' as const, id: 'Zaphod' };
    log.append(event({ by: { party: name }, namespace: ['secret project'] }), seed);
    const body = log.chain.entry(1)?.body.toString() ?? '';
    for (const word of ['Zaphod', 'secret', 'project', 'x']) expect(body).not.toContain(`"${word}"`);
    const [pseudonym = ''] = log.names.findParty(name);
    expect(pseudonym).toMatch(/^[\w-]{22}$/);
    expect(log.names.party(pseudonym)).toEqual(name);
    expect(log.names.namespace(pseudonym)).toBeUndefined();
  });

  test('have different pseudonyms for different kinds of names and for different seeds', () => {
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

test('decoding an encoded entry gives the same entry', () => {
  const text = fc.string();
  const entry = fc.record({
    seq: fc.nat(),
    restoreCount: fc.nat(),
    at: fc.integer(),
    party: text,
    onBehalfOf: fc.option(text),
    action: text,
    decision: fc.constantFrom('allowed' as const, 'refused' as const),
    code: fc.constantFrom(null, 'FORBIDDEN' as const),
    namespace: fc.option(text),
    touched: fc.array(fc.tuple(fc.option(text), fc.array(text))),
    policyVersion: fc.nat(),
    rules: fc.array(text),
    changeSeq: fc.nat(),
    head: fc.constantFrom(null, { size: 3, root: Buffer.alloc(32, 9) }),
  });
  fc.assert(
    fc.property(
      entry,
      (each) => void expect(decodeEntry(encodeEntry(each, each.seq, each.restoreCount))).toEqual({ ...each }),
    ),
  );
  for (const body of ['', 'null', '[]', '[2]', '{}', '[1,2]']) expect(decodeEntry(body)).toBeUndefined();
});

test('the body and the hash of an entry are the same as in the first release', () => {
  const entry = {
    at: 1_700_000_000_000,
    party: 'pseudonym',
    onBehalfOf: null,
    action: 'retain',
    decision: 'refused' as const,
    code: 'FORBIDDEN' as const,
    namespace: 'space',
    touched: [['space', ['m-1', 'm-2']]] as const,
    policyVersion: 3,
    rules: ['rule-1'],
    changeSeq: 7,
    head: { size: 5, root: new Uint8Array(3).fill(9) },
  };
  const body =
    '[1,4,2,1700000000000,"pseudonym",null,"retain","refused","FORBIDDEN","space",[["space",["m-1","m-2"]]],3,["rule-1"],7,[5,"CQkJ"]]';
  expect(encodeEntry(entry, 4, 2)).toBe(body);
  expect(entryHash(noHash, body).toString('hex')).toBe(
    '1f9830a8882e06daf84eb7f0217e5f4f8c7c491e85f7c63dabba785651b7a8f7',
  );
});

test('looksLikeId accepts only UUIDs', () => {
  expect(looksLikeId('01a20528-63ca-77e6-b223-570211321103')).toBe(true);
  expect(['', 'the customer with the bad back', '01a20528'].some(looksLikeId)).toBe(false);
});
