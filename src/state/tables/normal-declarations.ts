import { isGroup, isRole, type StoredDeclaration } from '../../domain/declaration';
import { normalName } from '../../domain/names';

/**
 * Converts the names in declarations to their normal form. If two roles or two groups in force would have one name, the one that was
 * declared last keeps it. The name of the other gets its id as a suffix, in the rules that use it too, so that each rule means the
 * same as before.
 *
 * @param all In the order in which they were made.
 */
export function normalDeclarations(all: readonly StoredDeclaration[]): StoredDeclaration[] {
  const [roles, groups] = [new Map<string, string>(), new Map<string, string>()];
  for (const { id, declaration, until } of [...all].reverse()) {
    if (until !== undefined) continue;
    if (isRole(declaration)) addName(roles, declaration.role, id);
    else if (isGroup(declaration)) addName(groups, declaration.group, id);
  }
  return all.map((stored) => ({ ...stored, declaration: converted(stored.declaration, '', { roles, groups }) }));
}

function addName(names: Map<string, string>, name: string, id: string): void {
  const normal = normalName(name);
  const isTaken = [...names.values()].includes(normal);
  names.set(name, isTaken ? `${normal} (${id})` : normal);
}

type NewNames = Readonly<Record<'roles' | 'groups', ReadonlyMap<string, string>>>;

/** @param field The name of the field that has the value. */
function converted<T>(value: T, field: string, names: NewNames): T {
  if (typeof value === 'string') {
    const renamed =
      field === 'group' ? names.groups : field === 'role' || field === 'actions' ? names.roles : undefined;
    return (renamed?.get(value) ?? normalName(value)) as T;
  }
  // The elements of an array have no field: a list of actions contains no names of roles.
  if (Array.isArray(value)) return value.map((each) => converted(each, '', names)) as T;
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, converted(each, key, names)])) as T;
}
