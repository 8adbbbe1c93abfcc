import { type Mistake, mistake } from './mistake';

const proposal = 'write/check.ts';
const remembering = 'state/apply/apply-remember.ts';
const sharing = 'state/apply/apply-share.ts';

// The one rule for who may write, where it is asked: before a memory is proposed, and when a memory is stored or shared.
const proposed =
  "assertMayWrite(context.policy(), author, 'The memory', scopedFieldsOf(author.actor, memory), memory);";
const applied =
  "assertMayWrite(policy, { actor, scope: stamp.scope }, 'The memory', scopedFieldsOf(actor, draft), draft);";
const shared = `assertMayWrite(context.policy, { actor, scope }, \`Memory \${record.id} with this change\`, scoped, labels);`;

/** The call as it would be if a missing `write` were no reason to refuse. */
function withoutWrite(call: string): string {
  return `try { ${call} } catch (error) { if (!String(error).includes('\`write\` there')) throw error; }`;
}

/** Changes that are made without a check: at the proposal, where it saves work, or in `apply`, which decides. */
export const writingMistakes: readonly Mistake[] = [
  mistake('remember: write is not looked at when proposed', proposal, proposed, withoutWrite(proposed)),
  mistake(
    'remember: clearances are not looked at when proposed',
    proposal,
    proposed,
    proposed.replace(', memory);', ', { ...memory, accessTags: [] });'),
  ),
  mistake(
    'remember: a key takes no read when proposed',
    proposal,
    proposed,
    proposed.replace(', memory);', ', { ...memory, key: undefined });'),
  ),
  mistake(
    'remember: outside the scope of the handle when proposed',
    proposal,
    proposed,
    proposed.replace('author,', '{ ...author, scope: {} },'),
  ),
  {
    name: 'remember: outside the scope of the handle, proposed and applied',
    edits: [
      { file: proposal, from: proposed, to: proposed.replace('author,', '{ ...author, scope: {} },') },
      { file: remembering, from: applied, to: applied.replace('scope: stamp.scope', 'scope: {}') },
    ],
  },
  mistake('remember: write is not looked at when applied', remembering, applied, withoutWrite(applied)),
  mistake(
    'remember: clearances are not looked at when applied',
    remembering,
    applied,
    applied.replace(', draft);', ', { ...draft, accessTags: [] });'),
  ),
  mistake(
    'remember: a key takes no read when applied',
    remembering,
    applied,
    applied.replace(', draft);', ', { ...draft, key: undefined });'),
  ),
  {
    name: 'remember: applied under the rules of its proposal',
    edits: [
      {
        file: proposal,
        from: '      text: memory.text,\n      namespace: memory.namespace,',
        to: '      ...{ proposedUnder: context.policy() },\n      text: memory.text,\n      namespace: memory.namespace,',
      },
      {
        file: remembering,
        from: 'const { interning, policy } = context;',
        to: 'const { interning } = context;\n  const policy = (draft as unknown as { proposedUnder?: typeof context.policy }).proposedUnder ?? context.policy;',
      },
    ],
  },
  mistake(
    'remember: revises what others wrote under the key',
    remembering,
    "if (keyed !== undefined && !mayChange(policy, actor, 'update', memoryLabelsOf(context, keyed)))",
    'if (keyed !== undefined && mayChange === undefined && memoryLabelsOf(context, keyed))',
  ),
  mistake(
    'remember: a key reaches beyond the scope of the handle',
    remembering,
    'if (keyed !== undefined && !isInScope(stamp.scope, scopedFieldsOfRow(context, keyed))) {',
    'if (keyed !== undefined && scopedFieldsOfRow(context, keyed) === undefined) {',
  ),
  mistake(
    'supersedes: whatever it names',
    remembering,
    "const target = loadForChange(context, context.records.unchecked(id), id, 'update', stamp);",
    "const target = context.records.unchecked(id) ?? loadForChange(context, undefined, id, 'update', stamp);",
  ),
  mistake(
    'update: not looked at when proposed',
    'recall/update-target.ts',
    "if (!mayChange(state.policy, reader.actor, 'update', labels)) throw",
    'if (labels === undefined) throw',
  ),
  mistake(
    'update: not looked at when applied',
    'state/apply/apply-update.ts',
    "const record = loadForChange(context, context.records.unchecked(id), id, 'update', stamp);",
    "const record = context.records.unchecked(id) ?? loadForChange(context, undefined, id, 'update', stamp);",
  ),
  mistake(
    'changes: what may not be read is changed',
    'state/apply/apply-update.ts',
    'if (record === undefined || labels === undefined || !mayRead(context.policy, by, labels)) {',
    'if (record === undefined || labels === undefined || mayRead === undefined) {',
  ),
  mistake(
    'changes: no action is looked at',
    'state/apply/apply-update.ts',
    'if (!mayChange(context.policy, by, action, labels)) {',
    'if (mayChange === undefined) {',
  ),
  mistake(
    'changes: beyond the scope of the handle',
    'state/apply/apply-update.ts',
    'if (!isInScope(scope, scopedFieldsOfRow(context, record))) throw noSuchMemory(id);',
    'if (scope === undefined) throw noSuchMemory(id);',
  ),
  mistake(
    'forget: not looked at when applied',
    'state/apply/apply-forget.ts',
    "return loadForChange(context, record, id, 'forget', stamp);",
    'return record;',
  ),
  mistake(
    'forgetWhere: tells of what may not be forgotten',
    'recall/forget-targets.ts',
    "mayChange(state.policy, reader.actor, 'forget', memoryLabelsOf(state, line))),",
    'mayChange !== undefined),',
  ),
  mistake(
    'share: not looked at where the memory is',
    sharing,
    "const record = loadForChange(context, context.records.unchecked(id), id, 'share', stamp);",
    "const record = context.records.unchecked(id) ?? loadForChange(context, undefined, id, 'share', stamp);",
  ),
  mistake('share: needs no write where the memory goes', sharing, shared, withoutWrite(shared)),
  mistake(
    'share: puts on access tags that the sharer has not',
    sharing,
    shared,
    shared.replace('labels);', '{ ...labels, accessTags: [] });'),
  ),
  mistake(
    'share: makes private what others wrote',
    sharing,
    "if (visibility === 'private' && record.owner === 0 && !sameActor(author, actor)) {",
    "if (visibility === 'private' && record.owner === 0 && sameActor === undefined) {",
  ),
  mistake(
    'share: beyond the scope of the handle',
    sharing,
    shared,
    shared.replace('{ actor, scope }', '{ actor, scope: {} }'),
  ),
  mistake(
    'share: a key takes no read where it goes',
    sharing,
    shared,
    shared.replace('labels);', '{ ...labels, key: undefined });'),
  ),
];
