import { type Mistake, mistake } from './mistake';

const compiler = 'access/readable-label-sets.ts';
const selections = 'state/queries/selection-queries.ts';
const selectionSql = 'state/queries/selection-sql.ts';

/** The compiled filter with every label set readable. The second check must stop everything that it lets through. */
export const noFilter: Mistake = {
  name: 'compiled filter: every label set is readable',
  edits: [
    {
      file: compiler,
      from: 'grants.decide(last.isAllowed && isClearedBy(rules, accessTags, namespace));',
      to: 'grants.decide(last.isAllowed || accessTags.length >= 0);',
    },
  ],
};

/** A query in SQL that applies the selection's criteria and no access condition. */
function withoutAccess(name: string, query: string): Mistake {
  const where = '\n      .where(selectionCondition(selection, this.#interning))';
  return {
    name,
    edits: [
      { file: selectionSql, from: 'function criteriaCondition(', to: 'export function criteriaCondition(' },
      {
        file: selections,
        from: 'import { type CompiledSelection,',
        to: 'import { criteriaCondition, type CompiledSelection,',
      },
      {
        file: selections,
        from: `${query}${where}`,
        to: `${query}.where(criteriaCondition(selection, this.#interning))`,
      },
    ],
  };
}

/** Each leaves out a check on one path of a read. */
export const readingMistakes: readonly Mistake[] = [
  noFilter,
  mistake(
    'context of a session: counts turns that the reader may not see',
    'recall/sessions.ts',
    'if (!this.#visible.has(row)) continue;',
    'if (row === 0) continue;',
  ),
  mistake(
    'context of a session: joins the sessions of several users',
    'recall/sessions.ts',
    'if (!isOneSession) return',
    'if (!isOneSession && count === 0) return',
  ),
  {
    name: 'duplicates: compares what the reader may not see',
    edits: [
      {
        file: 'recall/statement-finder.ts',
        from: "if (mayLeave(this.#context, this.#caller, record, 'ordinary')) return true;",
        to: "if (mayLeave(this.#context, this.#caller, record, 'ordinary') || record.row > 0) return true;",
      },
      {
        file: 'recall/statement-finder.ts',
        from: 'textsOf(this.#context, this.#visible), least',
        to: '{ ...textsOf(this.#context, this.#visible), few: undefined, mask: new Uint8Array(100_000).fill(1) }, least',
      },
    ],
  },
  mistake(
    'duplicates: compares memories with other labels',
    'recall/statement-finder.ts',
    'labelSet[row] === labels.label_set && owner[row] === labels.owner && isWanted(row);',
    'labelSet[row] !== 0 && owner[row] === labels.owner && isWanted(row);',
  ),
  mistake(
    'duplicates: returns what its caller may not read any more',
    'recall/duplicates.ts',
    "const record = findRecord(context, caller, id, 'ordinary');",
    'const record = context.state.records.unchecked(id);',
  ),
  mistake(
    'compiled filter: ignores clearances',
    compiler,
    'grants.decide(last.isAllowed && isClearedBy(rules, accessTags, namespace));',
    'grants.decide(last.isAllowed && accessTags.length >= 0);',
  ),
  mistake(
    'compiled filter: ignores the namespace of the scope',
    compiler,
    'if (ancestor === undefined || !source.isWithin(namespaceId, ancestor)) {',
    'if (ancestor === undefined) {',
  ),
  mistake(
    'namespaces: taken for below every namespace with a lower number',
    'state/tables/interning.ts',
    'while (at > ancestor) at = this.#parent.at(at);',
    'if (at > ancestor) at = ancestor;',
  ),
  mistake(
    'compiled filter: every owner is readable',
    compiler,
    "const owner = isRoot(actor) ? 'any' :",
    "const owner = isRoot(actor) || isRoot(actor) === false ? 'any' :",
  ),
  mistake(
    'second check: removed',
    'recall/recheck.ts',
    'if (mayLeave(context, caller, record, view)) return toMemory(context, caller, record);\n  context',
    'if (record !== undefined) return toMemory(context, caller, record);\n  context',
  ),
  mistake(
    'second check of recall: removed',
    'recall/load-hits.ts',
    "import { recheck, viewOf } from './recheck';",
    "import { toMemory as recheck, viewOf } from './recheck';",
  ),
  mistake(
    'second check of list: removed',
    'recall/list.ts',
    "import { recheck, toMemory, viewOf } from './recheck';",
    "import { toMemory, toMemory as recheck, viewOf } from './recheck';",
  ),
  mistake(
    'recall: ignores label sets',
    'recall/visible-set.ts',
    'if (active[row] === 0 || readableLabelSets[labelSet[row] as number] !== 1) continue;',
    'if (active[row] === 0 || readableLabelSets.length === 0) continue;',
  ),
  mistake(
    'recall: ignores owners',
    'recall/visible-set.ts',
    "    if (owner[row] !== 0 && own !== 'any' && owner[row] !== own) continue;\n",
    '    if (own === -2 && owner[row] !== 0) continue;\n',
  ),
  mistake(
    'recall after a write: ignores label sets',
    'recall/visible-set.ts',
    'if (active[row] === 0 || readable.mask[labelSet[row] as number] !== 1) return false;',
    'if (active[row] === 0 || readable.mask.length === 0) return false;',
  ),
  mistake(
    'recall after a write: ignores owners',
    'recall/visible-set.ts',
    "if (owner[row] !== 0 && readable.owner !== 'any' && owner[row] !== readable.owner) return false;",
    'if (readable.owner === -2 && owner[row] !== 0) return false;',
  ),
  {
    name: 'recall after a write: keeps what may no longer be read',
    edits: [
      { file: 'recall/visible-set.ts', from: '        this.mask[row] = 0;\n', to: '' },
      {
        file: 'recall/visible-set.ts',
        from: 'if (was !== is) edits.push({ row, isAdded: is });',
        to: 'if (!was && is) edits.push({ row, isAdded: is });',
      },
    ],
  },
  mistake(
    'recall among candidates: takes all of them',
    'recall/visible-set.ts',
    '    if (!isVisible(row)) continue;\n',
    '    if (row === 0 && !isVisible(row)) continue;\n',
  ),
  mistake(
    'visible sets: shared by actors with private memories',
    'recall/visible-set.ts',
    "columns.hasPrivateRows(owner) ? owner : 'none'",
    "columns.hasPrivateRows(-2) ? owner : 'none'",
  ),
  mistake(
    'recall by vector: filters after the search',
    'recall/visible-set.ts',
    'if (this.has(row)) rows[found++] = row;',
    'if (found < this.count) rows[found++] = row;',
  ),
  mistake(
    'recall by keyword: filters after the search',
    'keyword-index/keyword-index.ts',
    'count += Number(mask[row] === 1) & Number(frequency !== 0);',
    'count += Number(mask.length > 0) & Number(frequency !== 0);',
  ),
  mistake(
    'recall by keyword: takes the postings of all, if few are visible',
    'keyword-index/keyword-index.ts',
    'if (few !== undefined) return postingsAmong(postings, few);',
    'if (few !== undefined) return postings;',
  ),
  mistake(
    'recall of few: takes vectors of others',
    'recall/visible-set.ts',
    'const rows = few.filter((row) => chunks[row] !== 0);',
    'const rows = few && Uint32Array.from(chunks.keys()).filter((row) => chunks[row] !== 0);',
  ),
  mistake(
    'recall of a time: offers memories of that time that others may read',
    'recall/rank-in-memory.ts',
    'if (mask[row] === 1) offerTimed(row);',
    'if (mask.length > 0) offerTimed(row);',
  ),
  withoutAccess('recall with a filter: ignores access', ".select('memories.row')"),
  withoutAccess('forgetWhere: ignores access', "'memories.author'])"),
  withoutAccess('list: ignores access', ".as('at')])"),
  withoutAccess('count: ignores access', "fn.countAll().as('count'))"),
  withoutAccess('namespaces: ignores access', "fn.countAll<number>().as('count')])"),
  mistake(
    'filter in SQL: ignores owners',
    selectionSql,
    "return owner === 'any' ? isReadable :",
    "return owner !== 'none' ? isReadable :",
  ),
  mistake(
    'many label sets: SQLite takes every one as readable',
    selectionSql,
    'Number(this.#readable?.[id as number] === 1)',
    'Number(id !== undefined)',
  ),
  mistake(
    'many label sets: SQLite takes every linked memory as readable',
    selectionSql,
    'Number(this.#linkable?.[id as number] === 1)',
    'Number(id !== undefined)',
  ),
  mistake(
    'filter: compares with hidden links',
    selectionSql,
    "if (readable.owner === 'any') return id;",
    "if (readable.owner !== 'none') return id;",
  ),
  mistake(
    'get by id: no check',
    'recall/get.ts',
    'return checkRecord(context, caller, context.state.records.unchecked(address), view);',
    'return context.state.records.unchecked(address);',
  ),
  {
    name: 'get by short id: no check',
    edits: [
      { file: 'recall/short-id.ts', from: 'readable.has(row) && standsFor', to: 'readable.size >= 0 && standsFor' },
      {
        file: 'recall/short-id.ts',
        from: 'flatMap((id) => get(context, caller, id) ?? [])',
        to: "flatMap((id) => get(context, { actor: { party: 'root' }, scope: {} }, id) ?? [])",
      },
    ],
  },
  mistake(
    'get by key: no check',
    'recall/get.ts',
    'const record = checkRecord(context, caller, state.records.uncheckedByKey(labelSet, owner, key), byIdView(caller));',
    'const record = state.records.uncheckedByKey(labelSet, owner, key);',
  ),
  mistake(
    'history: ignores the labels of today',
    'recall/changes.ts',
    'const record = checkRecord(context, caller, context.state.records.uncheckedOrTombstone(id), byIdView(caller));',
    'const record = context.state.records.uncheckedOrTombstone(id);',
  ),
  mistake(
    'watch: ignores the labels of today',
    'recall/watch.ts',
    'const record = checkRecord(context, caller, context.state.records.uncheckedOrTombstone(line.id));',
    'const record = context.state.records.uncheckedOrTombstone(line.id);',
  ),
  mistake(
    'history and watch: ignore the labels at the time of the change',
    'recall/changes.ts',
    'if (!mayRead(state.policy, caller.actor, then)) return undefined;',
    'if (then === undefined) return undefined;',
  ),
  {
    name: 'watch: checks when it reads, and not when it delivers',
    edits: [
      {
        file: 'recall/watch.ts',
        from: 'const lines = translated(() => context.state.changes.after(changeSeq, linesPerRead));',
        to: `const lines = translated(() => context.state.changes.after(changeSeq, linesPerRead)).map((line) => {
      const record = checkRecord(context, caller, context.state.records.uncheckedOrTombstone(line.id));
      return { ...line, change: record && visibleChange(context, caller, line, record) };
    });`,
      },
      {
        file: 'recall/watch.ts',
        from: `const change = context.snapshot(() => {
        const record = checkRecord(context, caller, context.state.records.uncheckedOrTombstone(line.id));
        return record && visibleChange(context, caller, line, record);
      });`,
        to: 'const { change } = line;',
      },
    ],
  },
  mistake(
    'links: shown to every reader',
    'recall/recheck.ts',
    'mayLeave(context, caller, record, byIdView(caller))',
    'context.state.rowChecksum.isIntact(record)',
  ),
  mistake(
    'links: shown in the result of update and share',
    'store/principal-handle.ts',
    'return withoutHiddenLinks(this.#engine.reading(), this.#caller, memory) as Memory<M>;',
    'return memory as Memory<M>;',
  ),
  mistake(
    'scope of a handle: ignored by the second check',
    'recall/recheck.ts',
    ' && isInScope(scope, scopedFieldsOfRow(state, record))',
    ' && isInScope({ ...scope, ...{ userId: undefined, namespace: undefined } } as never, scopedFieldsOfRow(state, record))',
  ),
  mistake(
    'recall: goes on with rules that changed meanwhile',
    'recall/recall.ts',
    "if (state.policy.version !== version) return { type: 'rules-changed' };",
    "if (state.policy.version < version) return { type: 'rules-changed' };",
  ),
  mistake(
    'visible set: kept although memories changed',
    'recall/visible-set.ts',
    'const changed = isCurrent ? columns.changedSince(cached.changeCount) : undefined;',
    'const changed = isCurrent ? columns.changedSince(columns.changeCount) : undefined;',
  ),
  mistake(
    'readable label sets: kept although rules changed',
    compiler,
    'rules.map((ofParty) => ofParty.map((each) => this.#idOf(each)))',
    'rules.map((ofParty) => ofParty.length)',
  ),
  mistake(
    'readable label sets: not extended by new label sets',
    compiler,
    'if (known !== undefined && known.decided === source.labelSetCount + 1) return known;',
    'if (known !== undefined) return known;',
  ),
  mistake(
    'readable label sets: shared by an agent alone and on behalf of users',
    compiler,
    'rules.map((ofParty) => ofParty.map((each) => this.#idOf(each))),',
    'rules.slice(0, 1).map((ofParty) => ofParty.map((each) => this.#idOf(each))),',
  ),
  {
    name: 'export: memories that the caller may not read',
    edits: [
      {
        file: 'store/subject-export.ts',
        from: 'if (!isThere) return undefined;',
        to: '',
      },
      {
        file: 'store/subject-export.ts',
        from: 'const record = findRecord(context, this.#caller, id);',
        to: 'const record = context.state.records.unchecked(id);',
      },
    ],
  },
  mistake(
    'export: links to memories that the caller may not read',
    'recall/derivations.ts',
    '(checkRecord(context, caller, records.uncheckedByRow(linked))?.id ?? [])',
    '(records.uncheckedByRow(linked)?.id ?? [])',
  ),
  mistake(
    'export: other users named',
    'store/subject-export.ts',
    'if (this.#isNamed || userId === this.#subject) return userId;',
    'if (userId !== undefined) return userId;',
  ),
  mistake(
    'withheld: shown to those who may only audit',
    'store/withheld.ts',
    "mayIn(policy, actor, 'audit', namespace) && mayIn(policy, actor, 'erase', namespace);",
    "mayIn(policy, actor, 'audit', namespace);",
  ),
  mistake(
    'withheld: a place in the list from an id that is hidden',
    'store/withheld.ts',
    'this.memory(row) !== undefined ? row : 0;',
    'row > 0 ? row : 0;',
  ),
];
