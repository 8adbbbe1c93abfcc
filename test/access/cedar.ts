import { setFlagsFromString } from 'node:v8';
import {
  type EntityJson,
  preparsePolicySet,
  preparseSchema,
  type SchemaJson,
  statefulIsAuthorized,
  type TypeAndId,
  validate,
} from '@cedar-policy/cedar-wasm/nodejs';
import type { Action, Declaration, Group, Rule, Subject } from 'multi-agent-memory';
import { everyAction, type Half, halfOf, type Labels, type Who } from './reference';

// Without this flag, V8 in Node 20 crashes ('unreachable code' in its deoptimizer) after it has inlined calls of Cedar.
setFlagsFromString('--no-turbo-inline-js-wasm-calls');

const schemaName = 'memories';
const policiesName = 'policies';
const ownActions = ['updateOwn', 'forgetOwn'];
const principalTypes = ['Agent', 'User', 'Service'];

type RequestAction = Action | 'updateOwn' | 'forgetOwn' | `hold ${string}`;

/**
 * Translates the rules to policies for Cedar, an independent implementation of access control. Principals, groups, namespaces and tags
 * get opaque ids. The parent of a namespace in Cedar is the namespace above it. For an agent on behalf of a user, Cedar gets one request
 * for each of the two, and must allow both.
 *
 * A deny rule becomes a `forbid`. Privacy also becomes a `forbid`, and so does each access tag for principals without a clearance. The
 * right of authors to change their own memories is a separate action (`updateOwn`). A rule that denies `update` or `write` forbids it.
 */
export class Cedar {
  readonly #declarations: readonly Declaration[];
  readonly #opaque = new Map<string, string>();
  readonly #tags: readonly string[];
  readonly #kept = new Map<string, boolean>();
  readonly #memories = new Map<Labels, string>();
  requests = 0;

  constructor(declarations: readonly Declaration[], tags: readonly string[]) {
    this.#declarations = declarations;
    this.#tags = tags;
    const schema = this.#schema();
    const policies = { staticPolicies: this.#policies() };
    const checked = validate({ schema, policies, validationSettings: { mode: 'strict' } });
    const isClean =
      checked.type === 'success' &&
      [checked.validationErrors, checked.validationWarnings, checked.otherWarnings].every(({ length }) => length === 0);
    if (!isClean) throw new Error(`Cedar's validation: ${JSON.stringify(checked)}\n${policies.staticPolicies}`);
    for (const parsed of [preparseSchema(schemaName, schema), preparsePolicySet(policiesName, policies)]) {
      if (parsed.type === 'failure') throw new Error(`Cedar's parser: ${JSON.stringify(parsed.errors)}`);
    }
  }

  may(who: Who, action: Action, namespace: readonly string[]): boolean {
    return this.#all(who, action, namespace);
  }

  mayTo(who: Who, action: Action, labels: Labels): boolean {
    if (!this.#all(who, 'read', labels)) return false;
    if (action === 'read' || this.#all(who, action, labels)) return true;
    return (action === 'update' || action === 'forget') && this.#all(who, `${action}Own`, labels);
  }

  mayRemember(who: Who, { namespace, accessTags }: Labels, key: string | undefined): boolean {
    const held = accessTags.every((tag) => this.#all(who, `hold ${tag}`, namespace));
    return held && this.may(who, 'write', namespace) && (key === undefined || this.may(who, 'read', namespace));
  }

  #all(who: Who, action: RequestAction, at: Labels | readonly string[]): boolean {
    if (who === 'root') return true;
    const halves: Half[] = [halfOf(who)];
    if (who.onBehalfOf !== undefined) halves.push(who.onBehalfOf);
    return halves.every((half) => this.#isAllowed(who, half, action, at));
  }

  #isAllowed(who: Exclude<Who, 'root'>, half: Half, action: RequestAction, at: Labels | readonly string[]): boolean {
    const resource = 'author' in at ? this.#memory(at) : this.#namespace(at);
    const actor = this.#actor(who);
    const question = JSON.stringify([this.#principal(half), action, resource, actor]);
    const known = this.#kept.get(question);
    if (known !== undefined) return known;
    const namespace = 'author' in at ? at.namespace : at;
    const entities = [...this.#principalEntities(half), ...this.#namespaceEntities(namespace)];
    if ('author' in at) entities.push(this.#memoryEntity(at));
    this.requests++;
    const answer = statefulIsAuthorized({
      principal: this.#principal(half),
      action: { type: 'Action', id: action.startsWith('hold ') ? this.#hold(action.slice(5)) : action },
      resource,
      context: { actor },
      preparsedSchemaName: schemaName,
      validateRequest: true,
      preparsedPolicySetId: policiesName,
      entities,
    });
    // Cedar ignores a policy that causes an error. An answer with errors is therefore not valid.
    if (answer.type === 'failure' || answer.response.diagnostics.errors.length > 0 || answer.warnings.length > 0) {
      throw new Error(`Cedar's answer: ${JSON.stringify(answer)}`);
    }
    const isAllowed = answer.response.decision === 'allow';
    this.#kept.set(question, isAllowed);
    return isAllowed;
  }

  #schema(): SchemaJson<string> {
    const context = { type: 'Record' as const, attributes: { actor: { type: 'String' as const } } };
    const on = (...resourceTypes: string[]) => ({ appliesTo: { principalTypes, resourceTypes, context } });
    const holds = this.#tags.map((tag) => [this.#hold(tag), on('Namespace')]);
    const principal = { memberOfTypes: ['Group', 'Everyone'] };
    const attributes = {
      author: { type: 'String' as const },
      isPrivate: { type: 'Boolean' as const },
      tags: { type: 'Set' as const, element: { type: 'String' as const } },
    };
    return {
      '': {
        entityTypes: {
          Everyone: {},
          Group: {},
          ...Object.fromEntries(principalTypes.map((type) => [type, principal])),
          Namespace: { memberOfTypes: ['Namespace'] },
          Memory: { memberOfTypes: ['Namespace'], shape: { type: 'Record', attributes } },
        },
        actions: {
          ...Object.fromEntries(everyAction.map((action) => [action, on('Namespace', 'Memory')])),
          ...Object.fromEntries(ownActions.map((action) => [action, on('Memory')])),
          ...Object.fromEntries(holds),
        },
      },
    };
  }

  #policies(): string {
    const rules = this.#declarations.filter((each): each is Rule => 'effect' in each);
    const written = rules.flatMap((rule) => (rule.effect === 'allow' ? this.#permits(rule) : this.#forbids(rule)));
    const own = 'resource.isPrivate && resource.author != context.actor';
    written.push(`forbid(principal, action == Action::"read", resource is Memory) when { ${own} };`);
    for (const tag of this.#tags) {
      const cleared: string[] = [];
      for (const each of this.#declarations) {
        if (!('clear' in each) || each.clear !== tag) continue;
        const namespace = `resource in ${shown(this.#namespace(each.at))}`;
        written.push(
          `permit(principal in ${this.#subject(each.to)}, action == Action::"${this.#hold(tag)}", ${namespace});`,
        );
        cleared.push(`(principal in ${this.#subject(each.to)} && ${namespace})`);
      }
      const unless = cleared.length === 0 ? '' : ` unless { ${cleared.join(' || ')} }`;
      const carries = `when { resource.tags.contains("${this.#hold(tag)}") }`;
      written.push(`forbid(principal, action == Action::"read", resource is Memory) ${carries}${unless};`);
    }
    return written.join('\n');
  }

  #permits({ to, actions, at }: Rule): string[] {
    const scope = (list: readonly string[], resource: string) =>
      `permit(principal in ${this.#subject(to)}, action in [${list.map(shownAction).join(', ')}], resource ${resource})`;
    const namespace = shown(this.#namespace(at));
    const named = this.#actions(actions);
    if (named.length === 0) return [];
    const permits = [`${scope(named, `in ${namespace}`)};`];
    if (named.includes('write')) {
      permits.push(`${scope(ownActions, `is Memory in ${namespace}`)} when { resource.author == context.actor };`);
    }
    return permits;
  }

  #forbids({ to, actions, at }: Rule): string[] {
    const named: string[] = [...this.#actions(actions)];
    if (named.length === 0) return [];
    if (named.includes('write')) named.push(...ownActions);
    else named.push(...ownActions.filter((own) => named.includes(own.replace('Own', ''))));
    const list = named.map(shownAction).join(', ');
    return [
      `forbid(principal in ${this.#subject(to)}, action in [${list}], resource in ${shown(this.#namespace(at))});`,
    ];
  }

  #actions(actions: Rule['actions']): readonly string[] {
    if (typeof actions !== 'string') return actions;
    for (const each of this.#declarations) if ('role' in each && each.role === actions) return each.actions;
    if (actions === 'administrator') return everyAction;
    if (actions === 'auditor') return ['audit'];
    const ladder = ['read', 'write', 'update', 'forget', 'share', 'consolidate'];
    return ladder.slice(0, { reader: 1, writer: 2, curator: 6 }[actions] ?? 0);
  }

  #subject(to: Subject): string {
    if (to === 'everyone') return 'Everyone::"everyone"';
    return 'group' in to ? `Group::"${this.#id('g', to.group)}"` : shown(this.#principal(to));
  }

  #principal(half: Half): TypeAndId {
    const type = 'agentId' in half ? 'Agent' : 'userId' in half ? 'User' : 'Service';
    return { type, id: this.#id('p', Object.values(half).join()) };
  }

  #actor({ onBehalfOf, ...self }: Exclude<Who, 'root'>): string {
    return this.#id('a', JSON.stringify([self, onBehalfOf?.userId ?? null]));
  }

  #namespace(namespace: readonly string[]): TypeAndId {
    return { type: 'Namespace', id: this.#id('n', JSON.stringify(namespace)) };
  }

  #memory(labels: Labels): TypeAndId {
    const id = this.#memories.get(labels) ?? `m${this.#memories.size}`;
    this.#memories.set(labels, id);
    return { type: 'Memory', id };
  }

  #hold(tag: string): string {
    return this.#id('t', tag);
  }

  #principalEntities(half: Half): EntityJson[] {
    const groups = this.#declarations.filter(
      (each): each is Group =>
        'members' in each &&
        each.members.some((member) => shown(this.#principal(member)) === shown(this.#principal(half))),
    );
    const parents = groups.map(({ group }) => ({ type: 'Group', id: this.#id('g', group) }));
    parents.push({ type: 'Everyone', id: 'everyone' });
    return [
      { uid: this.#principal(half), attrs: {}, parents },
      ...parents.map((uid) => ({ uid, attrs: {}, parents: [] })),
    ];
  }

  #namespaceEntities(namespace: readonly string[]): EntityJson[] {
    const uid = this.#namespace(namespace);
    if (namespace.length === 0) return [{ uid, attrs: {}, parents: [] }];
    const above = namespace.slice(0, -1);
    return [{ uid, attrs: {}, parents: [this.#namespace(above)] }, ...this.#namespaceEntities(above)];
  }

  #memoryEntity(labels: Labels): EntityJson {
    const { namespace, accessTags, visibility, author } = labels;
    return {
      uid: this.#memory(labels),
      attrs: {
        author: author === 'root' ? 'root' : this.#actor(author),
        isPrivate: visibility === 'private',
        tags: accessTags.map((tag) => this.#hold(tag)),
      },
      parents: [this.#namespace(namespace)],
    };
  }

  #id(sort: string, name: string): string {
    const known = this.#opaque.get(`${sort} ${name}`) ?? `${sort}${this.#opaque.size}`;
    this.#opaque.set(`${sort} ${name}`, known);
    return known;
  }
}

function shown({ type, id }: TypeAndId): string {
  return `${type}::"${id}"`;
}

function shownAction(action: string): string {
  return `Action::"${action}"`;
}
