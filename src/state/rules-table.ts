import type { Database } from 'better-sqlite3';
import { Policy } from '../access/policy';
import type { Rule } from '../domain/rule';
import { prepare } from '../sqlite/statement';
import { queries } from './queries';

interface RuleRow {
  id: number;
  effect: Rule['effect'];
  subject: string;
  actions: string;
  namespace: string;
  declared: number;
}

/** The rules as they are kept. They are ended, never deleted. */
export class RulesTable {
  readonly #inForce;
  readonly #insert;
  readonly #end;
  readonly #version;
  readonly #setVersion;

  constructor(database: Database) {
    this.#inForce = prepare<object, RuleRow>(database, () =>
      queries
        .selectFrom('rules')
        .select(['id', 'effect', 'subject', 'actions', 'namespace', 'declared'])
        .where('until', 'is', null)
        .orderBy('id'),
    );
    this.#insert = prepare<Omit<RuleRow, 'id'> & { since: number }, unknown>(database, (p) =>
      queries.insertInto('rules').values({
        effect: p('effect'),
        subject: p('subject'),
        actions: p('actions'),
        namespace: p('namespace'),
        declared: p('declared'),
        since: p('since'),
      }),
    );
    this.#end = prepare<{ id: number; until: number }, unknown>(database, (p) =>
      queries
        .updateTable('rules')
        .set({ until: p('until') })
        .where('id', '=', p('id')),
    );
    this.#version = prepare<object, { value: number }>(
      database,
      () => queries.selectFrom('meta').select('value').where('key', '=', 'policy_version') as never,
    );
    this.#setVersion = prepare<{ value: number }, unknown>(database, (p) =>
      queries.replaceInto('meta').values({ key: 'policy_version', value: p('value') }),
    );
  }

  get version(): number {
    return this.#version.get({})?.value ?? 0;
  }

  policy(): Policy {
    return new Policy(this.version, this.#inForce.all({}).map(ruleOf));
  }

  /** Whether the declared rules differ from these: the order counts for nothing, a repeat for nothing. */
  differsFrom(rules: readonly Rule[]): boolean {
    const declared = new Set(
      this.#declared().map((row) => JSON.stringify([row.effect, row.subject, row.actions, row.namespace])),
    );
    const wanted = new Set(rules.map((rule) => JSON.stringify(Object.values(columnsOf(rule)))));
    return declared.size !== wanted.size || [...wanted].some((rule) => !declared.has(rule));
  }

  /** Puts these in the place of the rules declared before. */
  declare(rules: readonly Rule[], at: number): void {
    for (const { id } of this.#declared()) this.#end.run({ id, until: at });
    for (const rule of rules) this.#insert.run({ ...columnsOf(rule), declared: 1, since: at });
    this.#setVersion.run({ value: this.version + 1 });
  }

  #declared(): RuleRow[] {
    return this.#inForce.all({}).filter(({ declared }) => declared === 1);
  }
}

function columnsOf(rule: Rule) {
  return {
    effect: rule.effect,
    subject: JSON.stringify(rule.to),
    actions: JSON.stringify(typeof rule.actions === 'string' ? rule.actions : [...new Set(rule.actions)].sort()),
    namespace: JSON.stringify(rule.at),
  };
}

function ruleOf(row: RuleRow): Rule {
  return {
    effect: row.effect,
    to: JSON.parse(row.subject),
    actions: JSON.parse(row.actions),
    at: JSON.parse(row.namespace),
  };
}
