import { type Mistake, mistake } from './mistake';

/** Each lets a count, a score, a cursor or an error depend on what the caller may not read. */
export const countingMistakes: readonly Mistake[] = [
  mistake(
    'stats: counts every memory',
    'store/principal-handle.ts',
    'memories: namespaces.reduce((sum, { count }) => sum + count, 0)',
    'memories: this.#engine.state.memoryCount()',
  ),
  mistake(
    'count: counts every memory',
    'recall/list.ts',
    '? context.visible.get(compiled).texts',
    '? context.state.columns.active.reduce((sum, each) => sum + each, 0)',
  ),
  mistake(
    'recall explained: tells the number of all memories',
    'recall/recall.ts',
    'visible: visible.texts, vectors };',
    'visible: visible.texts * 0 + visible.mask.length, vectors };',
  ),
  mistake(
    'BM25: counts all texts',
    'recall/score.ts',
    'count: texts, tokens };',
    'count: state.columns.last + texts * 0, tokens };',
  ),
  mistake(
    'BM25: takes the mean length of all texts',
    'recall/score.ts',
    'count: texts, tokens };',
    'count: texts, tokens: state.columns.length.reduce((sum, each) => sum + each, tokens * 0) };',
  ),
  mistake(
    'BM25: counts a term in all texts',
    'keyword-index/keyword-index.ts',
    'const weight = termWeight(visible.length, texts.count);',
    'const weight = termWeight(postings.length, texts.count);',
  ),
  mistake(
    'cursor: holds a number that counts changes of others',
    'recall/changes.ts',
    'context.cursors.sign({ id: line.id, revision: line.revision },',
    'context.cursors.sign({ id: line.id, revision: line.revision, changeSeq: line.change_seq },',
  ),
  mistake(
    'cursor: not bound to actor and query',
    'recall/cursor.ts',
    '.update(JSON.stringify([binding, payload]))',
    '.update(JSON.stringify([payload, binding === undefined]))',
  ),
  mistake(
    'cursor: signature not checked',
    'recall/cursor.ts',
    'isCanonical && timingSafeEqual(bytes.subarray(0, tagBytes), this.#tag(payload, binding))',
    'isCanonical && this.#tag(payload, binding).length > 0',
  ),
  mistake(
    'idempotency keys: shared by all actors',
    'state/state-store.ts',
    "        .where('author', '=', p('author'))\n",
    '',
  ),
  mistake(
    'errors: FORBIDDEN instead of NOT_FOUND for a hidden memory',
    'state/apply/apply-update.ts',
    'if (record === undefined || labels === undefined || !mayRead(context.policy, by, labels)) {',
    `if (record !== undefined && labels !== undefined && !mayRead(context.policy, by, labels)) throw forbiddenChange(id, 'update', labels.namespace);
  if (record === undefined || labels === undefined) {`,
  ),
];
