import { createHash } from 'node:crypto';
import type { Policy } from '../access/policy';
import { canonicalText, type Declaration, differenceAtOpen, type StoredDeclaration } from '../domain/declaration';
import { defined } from '../domain/defined';
import type { Environment } from '../environment/environment';
import { host, submit } from './submit';
import type { Author, WriteContext } from './write-context';

type Context = Pick<WriteContext, 'log' | 'clock' | 'seeds' | 'quotas'>;
type Randomness = Pick<Environment, 'randomBytes'>;

/** Adds a rule, a clearance, a role or a group at run time. */
export async function addDeclaration(
  context: Context,
  author: Author,
  declaration: Declaration,
  randomness: Randomness,
): Promise<StoredDeclaration> {
  const at = context.clock.now();
  const added = { id: newRuleId(randomness, at, declaration), declaration };
  return (await submit(context, author, { type: 'add-declaration', added }, at)).declared;
}

/** Ends a declaration that was made at run time. Returns false if none in force has this id, or if the author may not see it. */
export async function endDeclaration(context: Context, author: Author, id: string): Promise<boolean> {
  return (await submit(context, author, { type: 'end-declaration', id })).ended;
}

/** Checks whether these declarations differ from those that an earlier `open` made. Order and repetition do not matter. */
export function differsFrom(policy: Policy, declarations: readonly Declaration[]): boolean {
  const { added, ended } = differenceAtOpen(
    policy.declared.values(),
    declarations.map((declaration) => ({ id: '', declaration })),
  );
  return added.length + ended.length > 0;
}

/** Replaces the declarations that an earlier `open` made. Declarations made at run time stay. */
export async function declareAtOpen(
  context: Context,
  { declarations, version }: { readonly declarations: readonly Declaration[]; readonly version: number | undefined },
  randomness: Randomness,
): Promise<void> {
  const at = context.clock.now();
  const named = declarations.map((declaration) => ({ id: newRuleId(randomness, at, declaration), declaration }));
  await submit(context, host, { type: 'declare', declarations: named, ...defined({ version }) }, at);
}

/** Records in the audit that this store is a backup that is now opened for the first time. */
export async function declareRestored(context: Context): Promise<void> {
  await submit(context, host, { type: 'epoch' });
}

/**
 * Makes an id for a declaration. The id is a hash, so it does not reveal how many declarations exist. With fixed randomness, a test gets
 * the same ids in every run.
 */
function newRuleId({ randomBytes }: Randomness, at: number, declaration: Declaration): string {
  const hash = createHash('sha256')
    .update(randomBytes(16))
    .update(JSON.stringify([at, canonicalText(declaration)]));
  return `rule-${hash.digest('hex').slice(0, 16)}`;
}
