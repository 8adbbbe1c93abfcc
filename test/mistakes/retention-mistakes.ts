import { type Mistake, mistake } from './mistake';

/** Mistakes in how long memories are kept. */
export const retentionMistakes: readonly Mistake[] = [
  mistake(
    'retention: pinned memories not kept',
    'state/apply/retention-lookup.ts',
    'if (pinned !== null || this.isEmpty) return undefined;',
    'if (this.isEmpty) return undefined;',
  ),
  mistake(
    'retention: the age of the last update',
    'state/apply/apply-context.ts',
    'createdAt: row.created_at',
    'createdAt: (row as MemoryRow).updated_at',
  ),
  mistake(
    'retention: columns that do not follow its end',
    'state/read-model.ts',
    'else if (!hadNone) this.columns.replaceKept(undefined);',
    '',
  ),
  mistake(
    'retention: kept sets of rows that do not follow it',
    'recall/visible-set.ts',
    // biome-ignore lint/suspicious/noTemplateCurlyInString: a fragment of the source.
    '${columns.retentionCount}',
    '',
  ),
  mistake(
    'retention: ignored by SQL',
    'state/queries/selection-sql.ts',
    'if (kept !== undefined) conditions.push(',
    'if (kept === null) conditions.push(',
  ),
  mistake(
    'retention: ignored by lookups of one memory',
    'recall/recheck.ts',
    'if (record === undefined || !isKept(context, record)) return undefined;',
    'if (record === undefined) return undefined;',
  ),
  mistake(
    'retention: a sweep that ignores holds',
    'state/apply/forget-record.ts',
    'const isWithheld = withholdHeld(context, record);',
    "const isWithheld = by.party !== 'root' && withholdHeld(context, record);",
  ),
  mistake(
    'retention: a number that counts pinned memories',
    'lifecycle/due-memories.ts',
    'if (row.pinned !== null || ',
    'if (',
  ),
  mistake(
    'retention: a number that is not counted again',
    'state/apply/apply-retire.ts',
    'return others.slice(0, Math.max(0, stored - maxMemories));',
    'return others;',
  ),
];
