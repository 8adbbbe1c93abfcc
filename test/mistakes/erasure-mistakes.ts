import { type Mistake, mistake } from './mistake';

const names = 'state/apply/erase-names.ts';
const erase = 'state/apply/apply-erase.ts';
const record = 'state/apply/erase-record.ts';
const plan = 'state/queries/erasure-plan.ts';

/** Each leaves a trace of what was erased, or loses what must stay. */
export const erasureMistakes: readonly Mistake[] = [
  mistake('erase: the tombstone keeps whom it is about', record, 'user_id: null,', 'user_id: record.user_id,'),
  mistake(
    'erase: what was forgotten before stays as it is',
    record,
    'if (isChanged) context.writer',
    'if (false) context.writer',
  ),
  mistake('erase: idempotent calls stay', erase, 'context.writer.deleteIdempotency([...command.ids, ...erased]);', ''),
  mistake(
    'erase: earlier subjects stay',
    plan,
    'user_id === target.userId || formerly.has(row)',
    'user_id === target.userId',
  ),
  {
    name: 'erase: a derived fact is left',
    edits: [
      { file: erase, from: '{ changed: live.filter(isConsolidated), facts', to: '{ changed: [], facts' },
      // The plan lists the facts, too.
      { file: plan, from: 'if (deps.derivations.isEmpty) return [];', to: 'if (start !== undefined) return [];' },
    ],
  },
  mistake(
    'erase: pinned memories stay',
    erase,
    "live = found.filter(({ state }) => state !== 'forgotten');",
    "live = found.filter(({ state, pinned }) => state !== 'forgotten' && pinned === null);",
  ),
  mistake(
    'erase: the end of one hold loses what another keeps',
    'state/apply/apply-erase.ts',
    'if (!isWithheld) return;',
    'if (isWithheld) context.holds.drop(record.row);',
  ),
  mistake(
    'erase: trusts what was made from the erased memory',
    record,
    'isDistrusted ? untrusted : context.trustOf(record)',
    'isDistrusted ? 3 : 3',
  ),
  mistake(
    'erase: an audit name stays',
    'state/tables/erased-names.ts',
    'hasName(named.namespace) : isUser(named.userId)',
    'hasName(named.namespace) : isUser(named.userId) && false',
  ),
  mistake('erase: the name of an author stays', names, 'actors: needed.actors ? [] : found.actors,', 'actors: [],'),
  mistake(
    'erase: rules that name the user stay',
    names,
    'if (!needed.actors) context.convertPolicy',
    'if (needed.actors) context.convertPolicy',
  ),
  mistake(
    'erase: a ceiling ends with its user',
    names,
    'isAtName || !isCeiling(declaration)',
    'isAtName || isCeiling !== undefined',
  ),
  mistake(
    'erase: a group still names the user',
    names,
    'declaration.members.map(member)',
    'declaration.members.map((each) => each)',
  ),
  mistake(
    'erase: what the user has written about others stays',
    plan,
    '!keepAuthored && authors.has(each.author)',
    'false',
  ),
];
