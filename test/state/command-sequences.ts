import fc from 'fast-check';
import type { Change, Command, LabelChange, MemoryDraft } from '../../src/domain/command';
import { clear, type Declaration, group, role } from '../../src/domain/declaration';
import type { ErasureSubject } from '../../src/domain/erasure';
import { type Actor, root } from '../../src/domain/principal';
import { allow, deny } from '../../src/domain/rule';
import { subjectOf } from '../../src/state/tables/erased-subject';
import { agentA, agentB, draft } from './test-state';

/** The embedding space of the commands. */
export const space = { model: 'test', dimensions: 2, normalized: true };
const actors: Actor[] = [root, agentA, agentB];

const drafted: fc.Arbitrary<Omit<MemoryDraft, 'id'>> = fc
  .record(
    {
      text: fc.constantFrom('apple', 'banana apple', 'cherry \ud800', ''),
      namespace: fc.constantFrom<string[]>(['n'], ['n', 'm'], ['x', 'y', 'z'], []),
      visibility: fc.constantFrom('shared' as const, 'private' as const),
      accessTags: fc.constantFrom<string[]>([], ['t'], ['t', 's']),
      tags: fc.constantFrom<string[]>([], ['a'], ['a', 'b']),
      key: fc.constantFrom('k1', 'k2'),
      supersedes: fc.constantFrom('id-0', 'id-3', 'id-7', 'none'),
      expiresAt: fc.nat(50),
      idempotency: fc.record({ key: fc.constantFrom('i1', 'i2'), digest: fc.constantFrom('d1', 'd2') }),
      embedded: fc.constantFrom(
        { space, vectors: [Float32Array.of(1, 0)] },
        { space, vectors: [Float32Array.of(0, 1), Float32Array.of(1, 0)] },
        { space: { ...space, model: 'another' }, vectors: [Float32Array.of(1, 0)] },
      ),
    },
    { requiredKeys: ['text', 'namespace'] },
  )
  .map((fields) => draft({ id: '', ...fields }));

const id = fc.nat(12).map((n) => `id-${n}`);
const change: fc.Arbitrary<Change> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc
      .array(drafted, { minLength: 1, maxLength: 3 })
      .map((drafts) => ({ type: 'remember' as const, drafts: drafts as MemoryDraft[] })),
  },
  fc.record({
    type: fc.constant('update' as const),
    id,
    patch: fc.constantFrom({ text: 'damson' }, { tags: ['c'], priority: 0.1 }, { expiresAt: null, metadata: { a: 1 } }),
  }),
  fc.record({ type: fc.constant('forget' as const), ids: fc.array(id, { minLength: 1, maxLength: 2 }) }),
  fc.record({
    type: fc.constant('erase' as const),
    erasure: fc.constant('e'),
    subject: fc.constant(subjectOf(new Uint8Array(), { userId: 'u' }) as ErasureSubject),
    ids: fc.array(id, { maxLength: 2 }),
  }),
  fc.constant({ type: 'finish-erasure' as const, erasure: 'e' }),
  fc.record({
    type: fc.constant('declare' as const),
    declarations: fc
      .constantFrom(
        allow('everyone', 'curator', []),
        allow({ agentId: 'a' }, 'writer', ['n']),
        allow('everyone', 'writer', []),
      )
      .map((declaration) => [{ id: '', declaration }]),
  }),
  fc.record({
    type: fc.constant('add-declaration' as const),
    added: fc
      .constantFrom<Declaration>(
        deny('everyone', ['read'], ['n']),
        clear({ agentId: 'a' }, 'secret', ['n']),
        role('scribe', ['write']),
        allow({ agentId: 'a' }, 'scribe', []),
        group('team', [{ agentId: 'b' }]),
        allow({ group: 'team' }, 'curator', ['n']),
      )
      .map((declaration) => ({ id: '', declaration })),
  }),
  fc.record({ type: fc.constant('end-declaration' as const), id }),
  fc.record({
    type: fc.constant('share' as const),
    id,
    change: fc.constantFrom<LabelChange>({ visibility: 'private' }, { namespace: ['m'] }, { accessTags: ['secret'] }),
  }),
);

/** Any commands by any actor. */
export const commands = commandsOf({ maxLength: 25 });

/** Any commands by any actor. Ids are numbered over the whole list. */
export function commandsOf(length: fc.ArrayConstraints): fc.Arbitrary<Command[]> {
  return fc.array(fc.tuple(change, fc.constantFrom(...actors)), length).map((changes) => {
    let ids = 0;
    return changes.map(([each, by], at) => {
      const isByHost = /declar|eras/.test(each.type);
      const stamp = { at, by: isByHost ? root : by, scope: {}, seed: new Uint8Array(16) };
      if (each.type === 'declare') {
        const declarations = each.declarations.map((one) => ({ ...one, id: `id-${ids++}` }));
        return { ...each, declarations, stamp };
      }
      if (each.type === 'add-declaration') return { ...each, added: { ...each.added, id: `id-${ids++}` }, stamp };
      if (each.type !== 'remember') return { ...each, stamp } as Command;
      return { ...each, drafts: each.drafts.map((one) => ({ ...one, id: `id-${ids++}` })), stamp };
    });
  });
}
