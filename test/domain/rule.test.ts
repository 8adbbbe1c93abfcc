import { describe, expect, test } from 'vitest';
import { actions, allow, builtInRoles, deny } from '../../src/domain/rule';

describe('allow and deny', () => {
  test('return a rule with their arguments', () => {
    expect(allow('everyone', 'writer', ['support'])).toEqual({
      effect: 'allow',
      to: 'everyone',
      actions: 'writer',
      at: ['support'],
    });
    expect(deny({ agentId: 'trainee' }, ['read'], [])).toEqual({
      effect: 'deny',
      to: { agentId: 'trainee' },
      actions: ['read'],
      at: [],
    });
  });
});

describe('the built-in roles', () => {
  const actionsOf = (role: string) => new Set(builtInRoles[role]);

  test('have these names and actions', () => {
    expect(builtInRoles).toEqual({
      reader: ['read'],
      writer: ['read', 'write'],
      curator: ['read', 'write', 'update', 'forget', 'share', 'consolidate', 'endorse'],
      auditor: ['audit'],
      administrator: [...actions],
    });
  });

  test('include each other, from reader up to administrator', () => {
    const ladder = ['reader', 'writer', 'curator', 'administrator'].map(actionsOf);
    for (const [i, wider] of ladder.slice(1).entries()) {
      for (const action of ladder[i] ?? []) expect(wider).toContain(action);
    }
  });

  test('cover every action, and no action is listed twice', () => {
    expect(new Set(actions).size).toBe(actions.length);
    expect(actionsOf('administrator')).toEqual(new Set(actions));
  });
});
