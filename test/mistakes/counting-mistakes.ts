import { type Mistake, mistake } from './mistake';

/** What is counted, and what is told by the way. */
export const countingMistakes: readonly Mistake[] = [
  mistake(
    'stats: of everything',
    'store/principal-handle.ts',
    'memories: held.reduce((sum, { count }) => sum + count, 0)',
    'memories: this.#engine.state.memories()',
  ),
  mistake(
    'count: of everything',
    'recall/list.ts',
    '? context.visible.get(question).texts',
    '? context.state.memories()',
  ),
  mistake(
    'BM25: counts all texts',
    'recall/rank.ts',
    'count: texts, tokens },',
    'count: state.columns.last + texts * 0, tokens },',
  ),
  mistake(
    'BM25: the length of all texts',
    'recall/rank.ts',
    'count: texts, tokens },',
    'count: texts, tokens: state.columns.length.reduce((sum, each) => sum + each, tokens * 0) },',
  ),
  mistake(
    'BM25: how many of all texts hold a term',
    'keyword-index/keyword-index.ts',
    'if (mask[rows[i]!] === 1 && frequencies[i] !== 0) holding++;',
    'if (mask.length > 0 && frequencies[i] !== 0) holding++;',
  ),
  mistake(
    'cursor: counts what others do',
    'recall/changes.ts',
    'context.cursors.seal({ id: line.id, revision: line.revision },',
    'context.cursors.seal({ id: line.id, revision: line.revision, changeSeq: line.change_seq },',
  ),
  mistake(
    'cursor: serves whoever has it',
    'recall/cursor.ts',
    '.update(JSON.stringify([binding, payload]))',
    '.update(JSON.stringify([payload, binding === undefined]))',
  ),
  mistake(
    'cursor: not authenticated',
    'recall/cursor.ts',
    'isOurs && timingSafeEqual(bytes.subarray(0, tagBytes), this.#tag(payload, binding))',
    'isOurs && this.#tag(payload, binding).length > 0',
  ),
  mistake(
    'idempotency keys: of all actors together',
    'state/apply/applier.ts',
    "        .where('author', '=', p('author'))\n",
    '',
  ),
  mistake(
    'errors: what may not be read is forbidden, and not missing',
    'state/apply/apply-update.ts',
    'if (record === undefined || labels === undefined || !mayRead(context.policy, by, labels)) {',
    `if (record !== undefined && labels !== undefined && !mayRead(context.policy, by, labels)) throw forbiddenChange(id, action, labels.namespace);
  if (record === undefined || labels === undefined) {`,
  ),
];
