import { type Mistake, mistake } from './mistake';

const selections = 'state/queries/selection-queries.ts';
const withoutAccess = 'selectedCondition(selected, now, this.#interning)';

/** The compiled filter alone, as if everybody might read every scope. The check on the way out must stop all of it. */
export const noFilter: Mistake = {
  name: 'compiled filter: every scope is readable',
  edits: [
    {
      file: 'access/compile.ts',
      from: "(contains(within, namespace) && decideBy(rules, read, namespace) === 'allow');",
      to: 'contains(within, namespace);',
    },
    {
      file: 'access/compile.ts',
      from: 'if (!isOpen || !isClearedBy(rules, accessTags, namespace)) continue;',
      to: 'if (!isOpen) continue;',
    },
  ],
};

/** One path at a time reads without a check. */
export const readingMistakes: readonly Mistake[] = [
  noFilter,
  mistake(
    'compiled filter: reading alone is looked at, not clearances',
    'access/compile.ts',
    'if (!isOpen || !isClearedBy(rules, accessTags, namespace)) continue;',
    'if (!isOpen) continue;',
  ),
  mistake(
    'compiled filter: every owner is readable',
    'access/compile.ts',
    "const owner = isRoot(actor) ? 'any' :",
    "const owner = isRoot(actor) || isRoot(actor) === false ? 'any' :",
  ),
  mistake(
    'check on the way out: taken away',
    'recall/recheck.ts',
    'if (mayLeave(context, reader, record)) return shownTo(context, reader, record);\n  context',
    'if (record !== undefined) return shownTo(context, reader, record);\n  context',
  ),
  mistake(
    'check on the way out of recall: taken away',
    'recall/hydrate.ts',
    "import { rechecked } from './recheck';",
    "import { shownTo as rechecked } from './recheck';",
  ),
  mistake(
    'check on the way out of list: taken away',
    'recall/list.ts',
    "import { rechecked, shownTo } from './recheck';",
    "import { shownTo, shownTo as rechecked } from './recheck';",
  ),
  mistake(
    'recall: scopes are not looked at',
    'recall/visible.ts',
    'if (active[row] === 0 || scopes[labelSet[row] as number] !== 1) continue;',
    'if (active[row] === 0 || scopes.length === 0) continue;',
  ),
  mistake(
    'recall: owners are not looked at',
    'recall/visible.ts',
    "    if (owner[row] !== 0 && own !== 'any' && owner[row] !== own) continue;\n",
    '    if (own === -2 && owner[row] !== 0) continue;\n',
  ),
  mistake(
    'recall by meaning: filtered after the search',
    'recall/visible.ts',
    'if (this.has(row)) rows[found++] = row;',
    'if (this.#columns.parts[row] !== 0 && found < this.count) rows[found++] = row;',
  ),
  mistake(
    'recall by words: filtered after the search',
    'keyword-index/keyword-index.ts',
    'if (mask[row] !== 1 || frequency === 0) continue;',
    'if (mask.length === 0 || frequency === 0) continue;',
  ),
  mistake(
    'recall with a filter: access is not looked at',
    selections,
    `.select('memories.row')
      .where(this.#condition(readable, selected, now))`,
    `.select('memories.row')
      .where(${withoutAccess})`,
  ),
  mistake(
    'forgetWhere: access is not looked at',
    selections,
    `'memories.author'])
      .where(this.#condition(readable, selected, now))`,
    `'memories.author'])
      .where(${withoutAccess})`,
  ),
  mistake(
    'list: access is not looked at',
    selections,
    `withText()
      .where(this.#condition(readable, selected, now))`,
    `withText()
      .where(${withoutAccess})`,
  ),
  mistake(
    'count: access is not looked at',
    selections,
    `fn.countAll().as('count'))
      .where(this.#condition(readable, selected, now))`,
    `fn.countAll().as('count'))
      .where(${withoutAccess})`,
  ),
  mistake(
    'namespaces: access is not looked at',
    selections,
    `fn.countAll<number>().as('count')])
      .where(this.#condition(readable, selected, now))`,
    `fn.countAll<number>().as('count')])
      .where(${withoutAccess})`,
  ),
  mistake(
    'filter in SQL: owners are not looked at',
    'state/queries/selection-sql.ts',
    "return owner === 'any' ? inScope :",
    "return owner !== 'none' ? inScope :",
  ),
  mistake(
    'many scopes: SQLite takes every one',
    'state/queries/readable-masks.ts',
    'Number(this.#readable?.[scope as number] === 1)',
    'Number(scope !== undefined)',
  ),
  mistake(
    'many scopes: SQLite knows of every linked memory',
    'state/queries/readable-masks.ts',
    'Number(this.#known?.[scope as number] === 1)',
    'Number(scope !== undefined)',
  ),
  mistake(
    'a filter: compares with hidden links',
    'state/queries/selection-sql.ts',
    "if (readable.owner === 'any') return id;",
    "if (readable.owner !== 'none') return id;",
  ),
  mistake(
    'get by id: no check',
    'recall/get.ts',
    'return leaving(context, reader, context.state.records.unchecked(address));',
    'return context.state.records.unchecked(address);',
  ),
  mistake(
    'get by key: no check',
    'recall/get.ts',
    'const record = leaving(context, reader, state.records.uncheckedByKey(scope, owner, key));',
    'const record = state.records.uncheckedByKey(scope, owner, key);',
  ),
  mistake(
    'history: no check of the labels now',
    'recall/changes.ts',
    'const record = leaving(context, reader, context.state.records.uncheckedOrTombstone(id));',
    'const record = context.state.records.uncheckedOrTombstone(id);',
  ),
  mistake(
    'watch: no check of the labels now',
    'recall/watch.ts',
    'const record = leaving(context, reader, context.state.records.uncheckedOrTombstone(line.id));',
    'const record = context.state.records.uncheckedOrTombstone(line.id);',
  ),
  mistake(
    'history and watch: no check of the labels then',
    'recall/changes.ts',
    'if (!mayRead(state.policy, reader.actor, then)) return undefined;',
    'if (then === undefined) return undefined;',
  ),
  {
    name: 'watch: checked when read, and not when delivered',
    edits: [
      {
        file: 'recall/watch.ts',
        from: 'const lines = translated(() => context.state.changes.after(changeSeq, linesPerRead));',
        to: `const lines = translated(() => context.state.changes.after(changeSeq, linesPerRead)).map((line) => {
      const record = leaving(context, reader, context.state.records.uncheckedOrTombstone(line.id));
      return { ...line, change: record && shown(context, reader, line, record) };
    });`,
      },
      {
        file: 'recall/watch.ts',
        from: `const change = context.snapshot(() => {
        const record = leaving(context, reader, context.state.records.uncheckedOrTombstone(line.id));
        return record && shown(context, reader, line, record);
      });`,
        to: 'const { change } = line;',
      },
    ],
  },
  mistake(
    'links: shown to everybody',
    'recall/recheck.ts',
    'context.state.rowChecksum.isIntact(record) && mayLeave(context, reader, record);',
    'context.state.rowChecksum.isIntact(record);',
  ),
  mistake(
    'links: shown in what a change answers',
    'store/principal-handle.ts',
    'return withoutHiddenLinks(this.#engine.reading(), this.#reader, memory) as Memory<M>;',
    'return memory as Memory<M>;',
  ),
  mistake(
    'scope of a handle: not looked at on the way out',
    'recall/recheck.ts',
    ' && isInScope(scope, scopedFieldsOfRow(state, record))',
    ' && isInScope({ ...scope, ...{ userId: undefined, namespace: undefined } } as never, scopedFieldsOfRow(state, record))',
  ),
  mistake(
    'recall: goes on with rules that changed meanwhile',
    'recall/recall.ts',
    "if (state.policy.version !== version) return 'rules changed';",
    "if (state.policy.version < version) return 'rules changed';",
  ),
  mistake(
    'what is visible: kept though memories changed',
    'recall/visible-cache.ts',
    'kept?.entry === entry && ',
    'kept !== undefined && ',
  ),
  mistake(
    'what may be read: kept though rules changed',
    'access/readable-cache.ts',
    'kept !== undefined && (kept.rules === rules || areSame(kept.rules, rules));',
    'kept !== undefined;',
  ),
  mistake(
    'what may be read: not extended by new scopes',
    'access/readable-cache.ts',
    'if (sameRules && kept.labelSetCount === labelSetCount && kept',
    'if (sameRules && kept',
  ),
  mistake(
    'what may be read: kept though the actor has become an author',
    'access/readable-cache.ts',
    ' && kept.actorNumber === actorNumber) {',
    ') {',
  ),
  mistake(
    'what may be read: kept for both halves of a pair together',
    'access/readable-caches.ts',
    '[party.kind, party.id, onBehalfOf?.id ?? null]',
    '[party.kind, party.id]',
  ),
];
