import { type Mistake, mistake } from './mistake';

const proposal = 'write/check.ts';
const remembering = 'state/apply/apply-remember.ts';
const sharing = 'state/apply/apply-share.ts';

/** Changes that are made without a check: at the proposal, where it saves work, or in `apply`, which decides. */
export const writingMistakes: readonly Mistake[] = [
  mistake(
    'remember: write is not looked at when proposed',
    proposal,
    "if (!mayIn(context.policy(), actor, 'write', namespace)) {",
    'if (namespace === undefined) {',
  ),
  mistake(
    'remember: clearances are not looked at when proposed',
    proposal,
    'if (!isCleared(context.policy(), actor, accessTags, namespace)) {',
    'if (accessTags === undefined) {',
  ),
  mistake(
    'remember: a key takes no read when proposed',
    proposal,
    'if (key !== undefined && !mayRead(context.policy(), actor, { namespace, accessTags })) {',
    'if (key === null) {',
  ),
  mistake(
    'remember: outside the scope of the handle when proposed',
    proposal,
    'if (!isInScope(scope, scopedFieldsOf(actor, value))) {',
    'if (bound === undefined) {',
  ),
  {
    name: 'remember: outside the scope of the handle, proposed and applied',
    edits: [
      {
        file: proposal,
        from: 'if (!isInScope(scope, scopedFieldsOf(actor, value))) {',
        to: 'if (bound === undefined) {',
      },
      {
        file: remembering,
        from: "if (!isInScope(stamp.scope, scopedFieldsOf(actor, draft))) throw outsideScope('The memory');",
        to: '',
      },
    ],
  },
  mistake(
    'remember: write is not looked at when applied',
    remembering,
    "if (!mayIn(policy, actor, 'write', draft.namespace) || !isCleared(",
    'if (!isCleared(',
  ),
  mistake(
    'remember: clearances are not looked at when applied',
    remembering,
    ' || !isCleared(policy, actor, draft.accessTags, draft.namespace))\n    throw forbiddenWrite',
    ' || isCleared === undefined)\n    throw forbiddenWrite',
  ),
  mistake(
    'remember: a key takes no read when applied',
    remembering,
    'if (draft.key !== undefined && !mayRead(policy, actor, draft)) {',
    'if (draft.key !== undefined && mayRead === undefined) {',
  ),
  {
    name: 'remember: applied under the rules of its proposal',
    edits: [
      {
        file: proposal,
        from: '      text: value.text,\n      namespace: value.namespace,',
        to: '      ...{ proposedUnder: context.policy() },\n      text: value.text,\n      namespace: value.namespace,',
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
    'if (within === undefined) throw noSuchMemory(id);',
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
  mistake(
    'share: needs no write where the memory goes',
    sharing,
    "if (!mayIn(policy, by, 'write', namespace) || !isCleared",
    'if (!isCleared',
  ),
  mistake(
    'share: puts on access tags that the sharer has not',
    sharing,
    ' || !isCleared(policy, by, accessTags, namespace)) {',
    ' || isCleared === undefined) {',
  ),
  mistake(
    'share: makes private what others wrote',
    sharing,
    "if (visibility === 'private' && record.owner === 0 && !sameActor(labels.author, by)) {",
    "if (visibility === 'private' && record.owner === 0 && sameActor === undefined) {",
  ),
  mistake(
    'share: beyond the scope of the handle',
    sharing,
    'if (!isInScope(scope, { ...scopedFieldsOfRow(context, record), namespace }))',
    'if (scopedFieldsOfRow(context, record) === undefined)',
  ),
  mistake(
    'share: a key takes no read where it goes',
    sharing,
    'if (record.key !== null && !mayRead(policy, by, becomes)) throw',
    'if (record.key === undefined && becomes) throw',
  ),
];
