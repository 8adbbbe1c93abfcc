import { type Mistake, mistake } from './mistake';

const proposal = 'write/check.ts';
const remembering = 'state/apply/apply-remember.ts';
const sharing = 'state/apply/apply-share.ts';

// The calls of the one rule for who may write: before a memory is proposed, and when it is stored or shared.
const proposed =
  "assertMayWrite(context.policy(), author, 'The memory', scopedFieldsOf(author.actor, memory), memory);";
const applied =
  "assertMayWrite(policy, { actor, scope: stamp.scope }, 'The memory', scopedFieldsOf(actor, draft), draft);";
const shared = `assertMayWrite(context.policy, { actor, scope }, \`Memory \${record.id} with this change\`, scoped, labels);`;

/** The call, ignoring a rejection for a missing `write`. */
function withoutWrite(call: string): string {
  return `try { ${call} } catch (error) { if (!String(error).includes('\`write\` there')) throw error; }`;
}

/** Each leaves out a check of a write: before it is proposed, where the check saves work, or in `apply`, which decides. */
export const writingMistakes: readonly Mistake[] = [
  mistake('remember: proposed without write', proposal, proposed, withoutWrite(proposed)),
  mistake(
    'remember: proposed without clearances',
    proposal,
    proposed,
    proposed.replace(', memory);', ', { ...memory, accessTags: [] });'),
  ),
  mistake(
    'remember: proposed with a key without read',
    proposal,
    proposed,
    proposed.replace(', memory);', ', { ...memory, key: undefined });'),
  ),
  mistake(
    'remember: proposed outside the scope of the handle',
    proposal,
    proposed,
    proposed.replace('author,', '{ ...author, scope: {} },'),
  ),
  {
    name: 'remember: proposed and applied outside the scope of the handle',
    edits: [
      { file: proposal, from: proposed, to: proposed.replace('author,', '{ ...author, scope: {} },') },
      { file: remembering, from: applied, to: applied.replace('scope: stamp.scope', 'scope: {}') },
    ],
  },
  mistake('remember: applied without write', remembering, applied, withoutWrite(applied)),
  mistake(
    'remember: applied without clearances',
    remembering,
    applied,
    applied.replace(', draft);', ', { ...draft, accessTags: [] });'),
  ),
  mistake(
    'remember: applied with a key without read',
    remembering,
    applied,
    applied.replace(', draft);', ', { ...draft, key: undefined });'),
  ),
  {
    name: 'remember: applied by the rules of the time when it was proposed',
    edits: [
      {
        file: proposal,
        from: 'return checkedOf(memory, { space, idempotency: idempotencyOf(context, author, memory, input) });',
        to: 'const checked = checkedOf(memory, { space, idempotency: idempotencyOf(context, author, memory, input) });\n  return { ...checked, draft: { ...checked.draft, ...{ proposedUnder: context.policy() } } };',
      },
      {
        file: remembering,
        from: 'const { interning, policy } = context;',
        to: 'const { interning } = context;\n  const policy = (draft as unknown as { proposedUnder?: typeof context.policy }).proposedUnder ?? context.policy;',
      },
    ],
  },
  mistake(
    'remember: a key revises the memory of another author without update',
    remembering,
    "if (keyed !== undefined && !mayChange(policy, actor, 'update', memoryLabelsOf(context, keyed)))",
    'if (keyed !== undefined && mayChange === undefined && memoryLabelsOf(context, keyed))',
  ),
  mistake(
    'remember: a key revises a memory outside the scope of the handle',
    remembering,
    'if (keyed !== undefined && !isInScope(stamp.scope, scopedFieldsOfRow(context, keyed))) {',
    'if (keyed !== undefined && scopedFieldsOfRow(context, keyed) === undefined) {',
  ),
  mistake(
    'supersedes: replaces any memory without a check',
    remembering,
    "const target = loadPermitted(context, context.records.unchecked(id), id, 'update', stamp);",
    "const target = context.records.unchecked(id) ?? loadPermitted(context, undefined, id, 'update', stamp);",
  ),
  mistake(
    'update: proposed without a check',
    'recall/write-targets.ts',
    "if (!mayChange(state.policy, caller.actor, 'update', labels)) throw",
    'if (labels === undefined) throw',
  ),
  mistake(
    'update: applied without a check',
    'state/apply/apply-update.ts',
    "const record = loadForChange(context, context.records.unchecked(id), id, 'update', stamp);",
    "const record = context.records.unchecked(id) ?? loadForChange(context, undefined, id, 'update', stamp);",
  ),
  mistake(
    'changes: change a memory that the caller may not read',
    'state/apply/apply-update.ts',
    'if (record === undefined || labels === undefined || !mayRead(context.policy, by, labels)) {',
    'if (record === undefined || labels === undefined || mayRead === undefined) {',
  ),
  mistake(
    'changes: ignore the rules for the action',
    'state/apply/apply-update.ts',
    'if (!mayChange(context.policy, by, action, labels)) {',
    'if (mayChange === undefined) {',
  ),
  mistake(
    'changes: reach outside the scope of the handle',
    'state/apply/apply-update.ts',
    'if (!isInScope(scope, scopedFieldsOfRow(context, record))) throw noSuchMemory(id);',
    'if (scope === undefined) throw noSuchMemory(id);',
  ),
  mistake(
    'forget: applied without a check',
    'state/apply/apply-forget.ts',
    "return loadForChange(context, record, id, 'forget', stamp);",
    'return record;',
  ),
  mistake(
    'forgetWhere: returns ids that the caller may not forget',
    'recall/write-targets.ts',
    'mayForget(context, caller, row));',
    'mayForget !== undefined);',
  ),
  mistake(
    'share: applied without share in the old namespace',
    sharing,
    "const record = loadForChange(context, context.records.unchecked(id), id, 'share', stamp);",
    "const record = context.records.unchecked(id) ?? loadForChange(context, undefined, id, 'share', stamp);",
  ),
  mistake('share: applied without write in the new namespace', sharing, shared, withoutWrite(shared)),
  mistake(
    'share: adds access tags that the caller is not cleared for',
    sharing,
    shared,
    shared.replace('labels);', '{ ...labels, accessTags: [] });'),
  ),
  mistake(
    'share: makes the memory of another author private',
    sharing,
    "if (visibility === 'private' && record.owner === 0 && !sameActor(author, actor)) {",
    "if (visibility === 'private' && record.owner === 0 && sameActor === undefined) {",
  ),
  mistake(
    'share: moves a memory out of the scope of the handle',
    sharing,
    shared,
    shared.replace('{ actor, scope }', '{ actor, scope: {} }'),
  ),
  mistake(
    'share: moves a memory with a key without read in the new namespace',
    sharing,
    shared,
    shared.replace('labels);', '{ ...labels, key: undefined });'),
  ),
  mistake(
    'quotas: not checked for a new memory',
    remembering,
    '  assertDraftFits(context, stamp, draft, { keyed: revised, target });\n',
    '',
  ),
  mistake(
    'quotas: a text that is refused is embedded first',
    proposal,
    'if (context.quotas !== undefined && isNew)',
    'if (context.quotas !== undefined && isNew && memory.text === undefined)',
  ),
  mistake(
    'quotas: not checked for an update',
    'state/apply/apply-update.ts',
    '  assertWithinQuota(context, stamp, {',
    '  [assertWithinQuota].slice(1)[0]?.(context, stamp, {',
  ),
  mistake(
    'quotas: not checked for a share',
    sharing,
    '  assertWithinQuota(context, stamp, {',
    '  [assertWithinQuota].slice(1)[0]?.(context, stamp, {',
  ),
  mistake(
    'quotas: count what a refused batch has not stored',
    'state/quota-usage.ts',
    'if (!isKept) for (const',
    'if (isKept === undefined) for (const',
  ),
  mistake(
    'quotas: count what was forgotten',
    'state/apply/forget-record.ts',
    '  else usage.forgotten(record, revisions);\n',
    '',
  ),
  mistake(
    'holds: concern only the latest revision',
    'state/apply/apply-hold.ts',
    '([...intact, record])',
    '([record])',
  ),
  mistake(
    'holds: the end of one drops what another concerns',
    'state/apply/apply-hold.ts',
    'others.length === 0 ? rows',
    'others.length >= 0 ? rows',
  ),
  {
    name: 'quotas: bind the host',
    edits: [
      {
        file: 'state/apply/apply-quota.ts',
        from: 'if (quotas === undefined || isRoot(by)) return;',
        to: 'if (quotas === undefined || isRoot === undefined) return;',
      },
      {
        file: 'domain/quota.ts',
        from: "if (party === 'root') return {};",
        to: "if (party === 'root') return others[0]?.quota ?? general;",
      },
    ],
  },
  {
    name: 'quotas: those of an author bind others that change its memory',
    edits: [
      {
        file: 'state/apply/apply-quota.ts',
        from: 'const quota = quotaOf(quotas, by);',
        to: 'const quota = quotaOf(quotas, author);',
      },
      {
        file: 'state/apply/apply-quota.ts',
        from: 'const writer = interning.findActor(by);',
        to: 'const writer = interning.findActor(author);',
      },
      {
        file: 'state/apply/apply-quota.ts',
        from: 'if (sameActor(author, by)) {',
        to: 'if (sameActor(author, author)) {',
      },
    ],
  },
  mistake(
    'quotas: the tags that a principal gives to a memory of another count for itself',
    'state/apply/apply-quota.ts',
    'if (sameActor(author, by)) {',
    'if (sameActor(author, author)) {',
  ),
  mistake(
    'quotas: let one watch more run',
    'store/principal-quotas.ts',
    'if (used >= limit) throw',
    'if (used > limit) throw',
  ),
];
